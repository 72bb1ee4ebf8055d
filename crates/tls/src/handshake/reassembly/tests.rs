use super::Reassembly;
use crate::{Fault, Level, Limits};

fn message(kind: u8, body: usize) -> Vec<u8> {
    [&[kind, 0, (body >> 8) as u8, body as u8][..], &vec![7; body]].concat()
}

#[test]
fn any_split_gives_the_same_messages() {
    let messages = [message(1, 0), message(8, 300), message(20, 32)];
    let bytes = messages.concat();
    for step in [1, 2, 3, 5, 100, bytes.len()] {
        let mut reassembly = Reassembly::default();
        let mut found = Vec::new();
        for mut piece in bytes.chunks(step) {
            reassembly.enter(Level::Plain).unwrap();
            while let Some(message) = reassembly.next(&mut piece, &Limits::default()).unwrap() {
                found.push(message);
            }
        }
        assert_eq!(found, messages, "in pieces of {step}");
        assert_eq!(reassembly.held(), 0);
    }
}

#[test]
fn a_message_must_not_go_on_under_other_keys() {
    // spec: 9846-5.1-k
    let mut reassembly = Reassembly::default();
    reassembly.enter(Level::Plain).unwrap();
    assert_eq!(reassembly.next(&mut &[2, 0][..], &Limits::default()), Ok(None));
    assert_eq!(reassembly.enter(Level::Handshake), Err(Fault::MessageSpansKeyChange));
}

#[test]
fn a_message_over_the_limit_is_refused_by_its_header() {
    let limits = Limits { handshake_message_bytes: 100, certificate_chain_bytes: 200, ..Limits::default() };
    let cases = [(1, 96, true), (1, 97, false), (11, 196, true), (11, 197, false)];
    for (kind, body, fits) in cases {
        let header = message(kind, body)[..4].to_vec();
        let result = Reassembly::default().next(&mut &*header, &limits);
        assert_eq!(result, if fits { Ok(None) } else { Err(Fault::MessageTooLong) }, "{kind} with {body}");
    }
}

#[test]
fn what_is_held_is_bounded() {
    let limits = Limits { held_bytes: 10, ..Limits::default() };
    let mut reassembly = Reassembly::default();
    assert_eq!(reassembly.hold(&[0; 10], &limits), Ok(()));
    assert_eq!(reassembly.hold(&[0], &limits), Err(Fault::TooManyParts));
}

#[test]
fn a_message_of_fixed_length_is_not_awaited_for_longer() {
    for (kind, most) in [(24, 1), (20, 64), (5, 0)] {
        for (body, expected) in [(most, Ok(None)), (most + 1, Err(Fault::TrailingBytes))] {
            let header = message(kind, body)[..4].to_vec();
            let result = Reassembly::default().next(&mut &*header, &Limits::default());
            let whole = body == 0;
            assert!(
                result == expected || (whole && result == Ok(Some(header.clone().into()))),
                "{kind} with {body}: {result:?}"
            );
        }
    }
}
