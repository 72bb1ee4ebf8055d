//! Each checker catches what it is there for: a good world's log, with one thing made wrong.

use super::*;
use crate::{
    log::{Entry, What},
    node::{Browser, Server, Someone, Talker, talker},
    pipe::{PipeId, Planned, Side},
    plain,
    scenario::{Configs, HOST},
    world::World,
};
use sakigake_page::{Url, load};
use sakigake_preload::{Destination, Hint, Table, table};
use sakigake_wire::{Instant, Span};
use std::sync::Arc;

/// A page with one style sheet of 3,000 bytes, hinted, over a perfect pipe.
fn page() -> (Log, Expected) {
    let mut content = Content::new();
    let names = "<link rel=stylesheet href=/a.css><img src=/b.svg>";
    content.insert("/".into(), ("text/html".into(), names.into()));
    content.insert("/a.css".into(), ("text/css".into(), vec![b' '; 3_000]));
    content.insert("/b.svg".into(), ("image/svg+xml".into(), vec![b' '; 3_000]));
    let table = Table::new(table::Config::default());
    let hints = vec![Hint::new("/a.css", Destination::Style)];
    table.set(HOST, &table::Site { hints, pages: Vec::new() });
    let configs =
        Configs::h2(Span::from_millis(50), Some(Arc::new(table)), true, None).expect("good options");
    let expected = Expected {
        content: content.clone(),
        responses: content.keys().cloned().collect(),
        is_http: true,
        has_hints: true,
        ..Expected::default()
    };
    let mut world = World::new(1, Link::default());
    let node =
        world.add(|seed| Someone::Server(Box::new(Server::new(configs.server, Arc::new(content), seed))));
    let url = Url::parse(&format!("https://{HOST}/")).expect("a good address");
    let options = load::Options { preload: true, ..load::Options::default() };
    world.add(|seed| Someone::Browser(Box::new(Browser::new(configs.client, node, &url, options, seed))));
    world.run(Span::from_secs(60), 100_000);
    (world.log().clone(), expected)
}

/// A talk of 2,000 bytes and its echo.
fn talk(link: &Link) -> Log {
    let mut server = sakigake_tls::server::Options::new(&plain::PROVIDER);
    server.credentials = vec![Arc::new(plain::credential(HOST, 1))];
    server.key_log = true;
    let mut client = sakigake_tls::client::Options::new(&plain::PROVIDER);
    client.verifier = Some(Arc::new(plain::Verifier));
    client.key_log = true;
    let (server, client) = (server.build().expect("good options"), client.build().expect("good options"));
    let mut world = World::new(1, link.clone());
    let echoes = talker::Habits { echo: true, ..talker::Habits::default() };
    let role = talker::Role::Server(server);
    let node = world.add(|seed| Someone::Talker(Box::new(Talker::new(role, echoes, None, seed))));
    let says = talker::Habits { say: 2_000, hush_at: Some(2_000), ..talker::Habits::default() };
    let role = talker::Role::Client(client, node, HOST.into());
    world.add(|seed| Someone::Talker(Box::new(Talker::new(role, says, None, seed))));
    world.run(Span::from_secs(60), 100_000);
    world.log().clone()
}

fn complaints(log: &Log, link: &Link, expected: &Expected) -> Vec<String> {
    check(&Scene { log, link, expected }).complaints
}

/// The log with its entries changed by hand.
fn edited(log: &Log, edit: impl FnOnce(&mut Vec<Entry>)) -> Log {
    let mut entries = log.entries().to_vec();
    edit(&mut entries);
    let mut log = Log::default();
    entries.into_iter().for_each(|entry| log.push(entry.at, entry.what));
    log
}

/// The page's log with the bytes of a frame changed where its side wrote it.
fn reframed(
    side: Side,
    which: impl Fn(&frames::Frame) -> bool,
    change: impl FnOnce(&mut [u8]),
) -> Vec<String> {
    let (log, expected) = page();
    let link = Link::default();
    let scene = Scene { log: &log, link: &link, expected: &expected };
    let frames = frames::frames(&scene, side).expect("the log is good");
    let frame = frames.iter().find(|frame| which(frame)).expect("there is such a frame");
    let mut bytes = (frame.payload.len() as u32).to_be_bytes()[1..].to_vec();
    bytes.extend([frame.kind, frame.flags]);
    bytes.extend(frame.stream.to_be_bytes());
    bytes.extend(&frame.payload);
    let log = edited(&log, |entries| {
        let What::Wrote { bytes: wrote, .. } = &mut entries[frame.wrote].what else {
            panic!("a side wrote it")
        };
        let at = wrote.windows(bytes.len()).position(|window| window == bytes).expect("it is readable");
        change(&mut wrote[at..at + bytes.len()]);
    });
    complaints(&log, &link, &expected)
}

fn assert_caught(checker: &str, complaints: &[String]) {
    assert!(complaints.iter().any(|what| what.starts_with(checker)), "{checker}: {complaints:#?}");
}

fn change_note(log: &Log, change: impl Fn(&mut Note) -> bool) -> Log {
    edited(log, |entries| {
        let mut notes = entries.iter_mut().filter_map(|entry| match &mut entry.what {
            What::Noted { note, .. } => Some(note),
            _ => None,
        });
        assert!(notes.any(change), "there is such a note");
    })
}

#[test]
fn a_good_world_gives_no_cause_and_every_checker_sees_it() {
    let (log, expected) = page();
    let link = Link::default();
    let verdict = check(&Scene { log: &log, link: &link, expected: &expected });
    assert_eq!(verdict.complaints, [""; 0]);
    assert!(verdict.seen.values().all(|seen| *seen > 0), "{:?}", verdict.seen);
    assert_eq!(complaints(&talk(&link), &link, &Expected::default()), [""; 0]);
}

#[test]
fn bytes_catches_a_changed_and_a_missing_body() {
    let (log, expected) = page();
    let link = Link::default();
    let flip = |note: &mut Note| match note {
        Note::Received { body, .. } => {
            body[0] ^= 1;
            true
        }
        _ => false,
    };
    assert_caught("bytes", &complaints(&change_note(&log, flip), &link, &expected));
    let lose = |note: &mut Note| match note {
        Note::Received { .. } => {
            *note = Note::Said("nothing".into());
            true
        }
        _ => false,
    };
    assert_caught("bytes", &complaints(&change_note(&log, lose), &link, &expected));
    let cut = |note: &mut Note| match note {
        Note::Heard { bytes, .. } => {
            bytes.truncate(100);
            true
        }
        _ => false,
    };
    assert_caught("bytes", &complaints(&change_note(&talk(&link), cut), &link, &Expected::default()));
}

#[test]
fn completion_catches_a_fault_over_a_sound_pipe() {
    let (log, expected) = page();
    let link = Link::default();
    let blame = |note: &mut Note| {
        *note = Note::Fault { pipe: PipeId(0), why: "no reason".into() };
        true
    };
    assert_caught("completion", &complaints(&change_note(&log, blame), &link, &expected));
    let forget = |note: &mut Note| {
        let is = matches!(note, Note::Complete);
        if is {
            *note = Note::Said("so what".into());
        }
        is
    };
    assert_caught("completion", &complaints(&change_note(&log, forget), &link, &expected));
}

#[test]
fn records_catches_a_wrong_key_a_repetition_and_a_word_after_the_last() {
    let link = Link::default();
    let log = talk(&link);
    let caught = |log: &Log| assert_caught("records", &complaints(log, &link, &Expected::default()));
    let wrong_key = |note: &mut Note| match note {
        Note::Secret { label: "SERVER_TRAFFIC_SECRET_0", secret, .. } => {
            secret[0] ^= 1;
            true
        }
        _ => false,
    };
    // Both sides tell it; the server's is the one that its records are held against, and it comes first.
    caught(&change_note(&log, wrong_key));
    let last = |entries: &[Entry], side| {
        let wrote = |entry: &Entry| matches!(entry.what, What::Wrote { from, .. } if from == side);
        entries.iter().rposition(wrote).expect("it wrote")
    };
    caught(&edited(&log, |entries| {
        let at = last(entries, Side::Client);
        let again = entries[at].clone();
        entries.insert(at + 1, again);
    }));
    for record in [vec![21, 3, 3, 0, 2, 2, 40], vec![23, 3, 3, 0, 1]] {
        caught(&edited(&log, |entries| {
            let at = last(entries, Side::Server);
            let what = What::Wrote { pipe: PipeId(0), from: Side::Server, bytes: record };
            entries.insert(at + 1, Entry { at: Instant::default(), what });
        }));
    }
}

#[test]
fn records_catches_application_data_before_finished() {
    let link = Link::default();
    let log = talk(&link);
    // With the secrets of handshake and application data exchanged, the first record is none of its epoch.
    let exchanged = edited(&log, |entries| {
        for entry in entries {
            if let What::Noted { note: Note::Secret { label, .. }, .. } = &mut entry.what {
                *label = match *label {
                    "CLIENT_HANDSHAKE_TRAFFIC_SECRET" => "CLIENT_TRAFFIC_SECRET_0",
                    "CLIENT_TRAFFIC_SECRET_0" => "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
                    other => other,
                };
            }
        }
    });
    assert_caught("records", &complaints(&exchanged, &link, &Expected::default()));
}

#[test]
fn frames_catches_what_has_no_place() {
    type Which = fn(&frames::Frame) -> bool;
    type Change = fn(&mut [u8]);
    let cases: [(&str, Side, Which, Change); 7] = [
        ("PRELOAD on a stream", Side::Server, |frame| frame.kind == 0xf0, |bytes| bytes[8] = 1),
        ("PRELOAD from a client", Side::Client, |frame| frame.kind == 8, |bytes| bytes[3] = 0xf0),
        ("an even stream", Side::Client, |frame| frame.kind == 1, |bytes| bytes[8] = 2),
        ("no SETTINGS first", Side::Server, |frame| frame.kind == 4, |bytes| bytes[3] = 6),
        ("an end and then more", Side::Server, |frame| frame.kind == 1, |bytes| bytes[4] |= 1),
        ("an open field block", Side::Client, |frame| frame.kind == 1, |bytes| bytes[4] &= !4),
        ("a pushed promise", Side::Server, |frame| frame.kind == 4 && frame.flags == 1, |bytes| bytes[3] = 5),
    ];
    for (what, side, which, change) in cases {
        let complaints = reframed(side, which, change);
        assert!(
            complaints.iter().any(|complaint| complaint.starts_with("frames")),
            "{what}: {complaints:#?}"
        );
    }
}

#[test]
fn frames_catches_data_beyond_the_credit() {
    // SETTINGS_INITIAL_WINDOW_SIZE becomes 0 after the fact.
    let complaints = reframed(
        Side::Client,
        |frame| frame.kind == 4 && frame.flags == 0,
        |bytes| {
            let at = bytes.windows(2).position(|id| id == [0, 4]).expect("the client announces a window");
            bytes[at + 2..at + 6].fill(0);
        },
    );
    assert!(complaints.iter().any(|what| what.contains("beyond the credit")), "{complaints:#?}");
}

/// A field block that went out as PRELOAD although it fills the dynamic table: later blocks stop making sense.
#[test]
fn frames_catches_a_preload_that_changes_later_blocks() {
    let complaints = reframed(
        Side::Server,
        |frame| frame.kind == 1,
        |bytes| {
            bytes[3] = 0xf0;
            bytes[4..9].fill(0);
        },
    );
    assert_caught("frames", &complaints);
}

#[test]
fn first_flight_catches_a_server_that_does_not_speak_first() {
    assert_caught(
        "first flight",
        &reframed(Side::Server, |frame| frame.kind == 0xf0, |bytes| bytes[3] = 0xf1),
    );
    let (log, expected) = page();
    let link = Link::default();
    let waited = edited(&log, |entries| {
        // The same bytes, cut before the first application data, and the rest written at the very end.
        let records = wire::records(&log, Side::Server).0;
        let finished = wire::finished(&records).expect("the log is good");
        let at = finished.wrote;
        let What::Wrote { bytes, pipe, from } = &mut entries[at].what else { panic!("a side wrote it") };
        let rest = bytes.split_off(finished.end());
        let (pipe, from) = (*pipe, *from);
        let next = entries[at + 1..]
            .iter()
            .position(|entry| matches!(entry.what, What::Wrote { from, .. } if from == Side::Server));
        let next = at + 1 + next.expect("the server wrote again");
        let when = entries[next].at;
        entries.insert(next, Entry { at: when, what: What::Wrote { pipe, from, bytes: rest } });
    });
    assert_caught("first flight", &complaints(&waited, &link, &expected));
}

#[test]
fn alerts_catches_a_changed_byte_that_nobody_minded() {
    // In the certificate: ServerHello and its large share lie before.
    let planned = Planned { from: Side::Server, at_byte: 2_000, fault: Fault::Corrupt };
    let link = Link { faults: vec![planned], ..Link::default() };
    let log = talk(&link);
    let expected = Expected::default();
    assert_eq!(complaints(&log, &link, &expected), [""; 0]);
    let silent = edited(&log, |entries| {
        entries.retain(|entry| !matches!(entry.what, What::Noted { note: Note::Fault { .. }, .. }));
    });
    assert_caught("alerts", &complaints(&silent, &link, &expected));
    let mute = edited(&log, |entries| {
        let wrote = |entry: &Entry| matches!(entry.what, What::Wrote { from: Side::Client, .. });
        let last = entries.iter().rposition(wrote).expect("the client wrote");
        entries.remove(last);
    });
    assert_caught("alerts", &complaints(&mute, &link, &expected));
}
