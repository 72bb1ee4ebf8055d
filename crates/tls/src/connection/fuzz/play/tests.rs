//! Every state with every record: what is taken, and which alert meets the rest.

use super::{Plan, Play};
use crate::{
    Fault, Level,
    rules::{ContentType, Side},
};
use std::fmt::Write as _;

/// Ways that a handshake goes: a name, and a plan's bytes.
const COURSES: [(&str, [u8; super::plan::BYTES]); 10] = [
    ("", [0; 10]),
    (", after a retry", [104, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    (", after a retry with a cookie", [104, 0, 0, 8, 0, 0, 0, 0, 0, 0]),
    (", resumed", [0, 0, 0xfb, 0, 0, 0, 0, 0, 0, 0]),
    (", early data taken", [0, 0, 0xfb, 3, 0, 0, 0, 0, 0, 0]),
    (", early data refused", [0, 0, 0xfb, 3, 0, 0, 0, 0, 0, 2]),
    (", early data refused by a retry", [104, 0, 0xfb, 3, 0, 0, 0, 0, 0, 0]),
    (", early data refused by a retry with a cookie", [104, 0, 0xfb, 11, 0, 0, 0, 0, 0, 0]),
    (", a client asked", [0, 0, 0, 0, 0x80, 0, 0, 0, 0, 0]),
    (", owners asked", [0, 0, 0, 0, 0x80, 47, 0, 0, 64, 0]),
];

/// Records as somebody on the way makes them: their type, and their content.
const PLAIN: [(&str, u8, &[u8]); 15] = [
    ("empty handshake", 22, &[]),
    ("a message of unknown type", 22, &[200, 0, 0, 0]),
    ("close_notify", 21, &[1, 0]),
    ("user_canceled", 21, &[1, 90]),
    ("handshake_failure", 21, &[2, 40]),
    ("handshake_failure as a warning", 21, &[1, 40]),
    ("half an alert", 21, &[1]),
    ("two alerts", 21, &[1, 0, 1, 0]),
    ("empty alert", 21, &[]),
    ("change_cipher_spec", 20, &[1]),
    ("change_cipher_spec of 2", 20, &[2]),
    ("change_cipher_spec of two bytes", 20, &[1, 1]),
    ("empty change_cipher_spec", 20, &[]),
    ("application_data", 23, b"x"),
    ("heartbeat", 24, b"x"),
];

/// Records under the keys that the peer has at that time.
const PROTECTED: [(&str, u8, &[u8]); 13] = [
    ("empty handshake", 22, &[]),
    ("a message of unknown type", 22, &[200, 0, 0, 0]),
    ("close_notify", 21, &[1, 0]),
    ("user_canceled", 21, &[1, 90]),
    ("handshake_failure", 21, &[2, 40]),
    ("half an alert", 21, &[1]),
    ("two alerts", 21, &[1, 0, 1, 0]),
    ("empty alert", 21, &[]),
    ("change_cipher_spec", 20, &[1]),
    ("application_data", 23, b"x"),
    ("empty application_data", 23, &[]),
    ("heartbeat", 24, b"x"),
    ("no type", 0, &[0]),
];

#[test]
fn every_state_takes_its_records_and_no_others() {
    // spec: 9846-5-c spec: 9846-5-d spec: 9846-6-r
    let mut table = String::new();
    let mut seen = Vec::new();
    for (course, bits) in COURSES {
        for side in [Side::Client, Side::Server] {
            let plan = Plan::new(side, bits);
            for stop in 0..12 {
                let Some(play) = stopped(&plan, stop) else { break };
                // The same state is another one where the peer has other keys, or early data is on its way.
                let handshake = &play.subject.handshake;
                let at = (handshake.state_name(), play.puppet.level(), handshake.ignores_early_data());
                if !seen.contains(&at) {
                    seen.push(at);
                    rows(&mut table, &plan, stop, &format!("{}{course}", at.0));
                }
            }
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn data_amid_a_clients_answer_is_interleaved() {
    // spec: 9846-4.7.2-b
    let plan = Plan::new(Side::Server, [0, 10, 0, 0, 0xc2, 0, 0, 0, 0, 0]); // Asks later, over HTTP/1.1.
    let refused = "unexpected_message: InterleavedRecords";
    for (messages, expected) in [(0, "data"), (1, refused), (2, refused), (3, "data")] {
        let mut play = stopped(&plan, 2).unwrap();
        play.subject.request_certificate().unwrap();
        play.collect();
        for _ in 0..messages {
            play.deliver(0, usize::MAX);
        }
        let data = play.puppet.seal(ContentType::APPLICATION_DATA, b"x", usize::MAX);
        assert_eq!(
            outcome(&mut play, data),
            expected,
            "behind {messages} of Certificate, CertificateVerify, Finished"
        );
    }
}

fn rows(table: &mut String, plan: &Plan, stop: usize, name: &str) {
    writeln!(table, "{name}").unwrap();
    let mut row = |kind: &str, what: &str, record: &dyn Fn(&mut Play<'_>) -> Vec<u8>| {
        let mut play = stopped(plan, stop).unwrap();
        let record = record(&mut play);
        writeln!(table, "    {:<46} {}", format!("{kind}, {what}"), outcome(&mut play, record)).unwrap();
    };
    for (what, kind, content) in PLAIN {
        row("plain", what, &|_| [&[kind, 3, 3, 0, content.len() as u8], content].concat());
    }
    row("plain", "2^14 + 1 bytes", &|_| vec![22, 3, 3, 0x40, 1]);
    if stopped(plan, stop).unwrap().puppet.level() == Level::Plain {
        return;
    }
    for (what, kind, content) in PROTECTED {
        row("protected", what, &|play| play.puppet.seal(ContentType(kind), content, usize::MAX));
    }
    row("protected", "2^14 + 257 bytes", &|_| vec![23, 3, 3, 0x41, 1]);
    row("protected", "under no key", &|_| [&[23, 3, 3, 0, 32][..], &[7; 32]].concat());
}

fn outcome(play: &mut Play<'_>, mut record: Vec<u8>) -> String {
    let (data, closed) = (play.told.data.len(), play.told.closed);
    let told = &mut play.told;
    match play.subject.handle(play.now, &mut record, &mut |event| told.hear(event)) {
        Err(fault @ Fault::PeerAlert(_)) => format!("the end: {fault:?}"),
        Err(fault) => format!("{}: {fault:?}", fault.alert()),
        Ok(()) if play.told.data.len() > data => "data".into(),
        Ok(()) if play.told.closed && !closed => "the end of what comes".into(),
        Ok(()) if play.subject.is_waiting() => "held".into(),
        Ok(()) => "passed over".into(),
    }
}

/// Behind the first `stop` messages of the honest side.
fn stopped(plan: &Plan, stop: usize) -> Option<Play<'_>> {
    let mut play = Play::new(plan, &[]);
    play.collect();
    for _ in 0..stop {
        if play.subject.is_waiting() {
            play.answer_truly();
        }
        play.collect();
        play.puppet.front()?;
        play.deliver(0, usize::MAX);
        play.collect();
    }
    Some(play)
}
