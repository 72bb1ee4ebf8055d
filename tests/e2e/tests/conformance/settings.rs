//! SETTINGS, PING and GOAWAY (sections 6.5, 6.7 and 6.8).

use super::case::*;
use sakigake_e2e::{Raw, frames};

#[test]
fn a_setting_lies_within_its_range() {
    let (server, _site) = site();
    let one =
        |section, what, id, value, expected| case(section, what, &[&settings(&[(id, value)])], expected);
    check(
        &server,
        &[
            one("6.5.2", "no table", 1, 0, Accepted),
            one("6.5.2", "the largest table", 1, u32::MAX, Accepted),
            one("6.5.2", "no push", 2, 0, Accepted),
            one("6.5.2", "push", 2, 1, Accepted),
            one("6.5.2", "push of 2", 2, 2, GoAway(PROTOCOL)), // spec: 9113-6.5.2-b
            one("6.5.2", "push of 2^32-1", 2, u32::MAX, GoAway(PROTOCOL)),
            one("6.5.2", "no streams", 3, 0, Accepted),
            one("6.5.2", "all streams", 3, u32::MAX, Accepted),
            one("6.5.2", "no window", 4, 0, Accepted),
            one("6.5.2", "the largest window", 4, 0x7fff_ffff, Accepted),
            one("6.5.2", "a larger one", 4, 0x8000_0000, GoAway(FLOW_CONTROL)),
            one("6.5.2", "a window of 2^32-1", 4, u32::MAX, GoAway(FLOW_CONTROL)),
            one("6.5.2", "the least frame", 5, 16_384, Accepted),
            one("6.5.2", "less", 5, 16_383, GoAway(PROTOCOL)),
            one("6.5.2", "a frame of nothing", 5, 0, GoAway(PROTOCOL)),
            one("6.5.2", "the largest frame", 5, 0xff_ffff, Accepted),
            one("6.5.2", "a larger one", 5, 0x100_0000, GoAway(PROTOCOL)),
            one("6.5.2", "no fields", 6, 0, Accepted),
            one("6.5.2", "an unknown one", 0xfffe, 9, Accepted), // spec: 9113-6.5.2-d
            one("8441-3", "extended CONNECT of 2", 8, 2, GoAway(PROTOCOL)),
            one("9218-2.1", "no old priorities, behind a first frame that had them", 9, 1, GoAway(PROTOCOL)), // spec: 9218-2.1-c
            one("9218-2.1", "the same as in the first frame", 9, 0, Accepted),
            one("9218-2.1", "of 2", 9, 2, GoAway(PROTOCOL)), // spec: 9218-2.1-a
            case(
                "6.5.3",
                "the last of two counts",
                &[&settings(&[(4, 0x8000_0000), (4, 1)])],
                GoAway(FLOW_CONTROL),
            ),
        ],
    );
}

#[test]
fn settings_are_acknowledged_at_once_and_in_order() {
    let (server, _site) = site();
    let mut raw = begun(&server, &[]);
    raw.send(&[settings(&[(4, 1)]), frame(PING, 0, 0, b"between."), settings(&[(4, 100)])].concat());
    let is_receipt = |frame: &frames::Heard| frame.kind == SETTINGS && frame.flags == ACK;
    raw.read_until("two receipts", |raw| raw.frames().iter().filter(|frame| is_receipt(frame)).count() == 2);
    let kinds: Vec<u8> = raw.frames().iter().map(|frame| frame.kind).collect();
    assert_eq!(kinds, [SETTINGS, PING, SETTINGS]); // spec: 9113-6.5.3-a
}

#[test]
fn a_receipt_of_what_was_not_sent_is_an_error() {
    let (server, _site) = site();
    check(&server, &[case("6.5.3", "a second receipt", &[&frame(SETTINGS, ACK, 0, &[])], GoAway(PROTOCOL))]);
}

#[test]
fn the_servers_first_frame_is_settings_that_keep_the_rules() {
    let (server, _site) = site();
    let mut raw = Raw::connect(&server, "www.saki.test", &["h2"]);
    raw.read_until("a frame", |raw| !raw.frames().is_empty());
    let first = raw.frames().swap_remove(0);
    assert_eq!((first.kind, first.flags, first.stream), (SETTINGS, 0, 0)); // spec: 9113-3.4-c
    let entries: Vec<(u16, u32)> = first
        .payload
        .chunks_exact(6)
        .map(|e| (u16::from_be_bytes([e[0], e[1]]), u32::from_be_bytes([e[2], e[3], e[4], e[5]])))
        .collect();
    let value = |id: u16| entries.iter().find(|entry| entry.0 == id).map(|entry| entry.1);
    assert_eq!(value(2), None, "a server says nothing of push"); // spec: 9113-6.5.2-e
    assert!(value(3).is_some_and(|streams| streams >= 100));
    assert!(value(4).is_some_and(|window| window <= 0x7fff_ffff));
    assert!(value(5).is_none_or(|size| (16_384..=0xff_ffff).contains(&size)));
    assert_eq!(value(9), Some(1), "the old priorities count for nothing"); // spec: 9218-2.1-b
}

#[test]
fn ping_is_answered_with_its_bytes_and_a_receipt_is_not() {
    let (server, _site) = site();
    let mut raw = begun(&server, &[]);
    raw.send(&[frame(PING, ACK, 0, b"echoing."), frame(PING, 0, 0, b"question")].concat());
    raw.read_until("the echo", |raw| has_echo(raw, b"question")); // spec: 9113-6.7-a
    let heard = raw.frames();
    assert_eq!(heard.len(), 1, "{heard:?}"); // spec: 9113-6.7-b
    assert_eq!((heard[0].kind, heard[0].flags, heard[0].stream), (PING, ACK, 0));
}

#[test]
fn a_connection_error_names_the_last_stream_that_counted() {
    let (server, _site) = site();
    let mut raw = begun(&server, &[]);
    raw.send(&[get(1), get(7), frame(PING, 0, 1, &[0; 8]), get(9)].concat());
    raw.read_to_end();
    let frames = raw.frames();
    let goaway = frames.iter().find(|frame| frame.kind == GOAWAY).expect("GOAWAY");
    assert_eq!(goaway.payload[..8], [0, 0, 0, 7, 0, 0, 0, 1]); // spec: 9113-5.4.1-a
    assert_eq!(goaway.stream, 0);
    assert_eq!(frames.last().map(|frame| frame.kind), Some(GOAWAY), "nothing follows");
}
