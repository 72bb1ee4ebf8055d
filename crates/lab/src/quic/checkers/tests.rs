use super::*;
use crate::{
    checkers::Verdict,
    datagram::{Ending, Note, Over, Way, What, way::Hole},
    quic::{
        Front, Setup, Story,
        setup::CLIENT,
        tape::{Event, Packet},
        work::{Errand, Habits, Speech},
    },
};
use sakigake_quic::{
    endpoint::{Reply, Retry},
    frame::Frame,
    rules::{Epoch, Side},
    streams::{Direction, Priority},
};
use sakigake_wire::{Instant, Span};

fn errand(bytes: u64) -> Errand {
    let speech = Speech { bytes, chunk_bytes: 5_000, ending: Ending::Finished };
    Errand { at: Span::ZERO, direction: Direction::Bidirectional, priority: Priority::default(), speech }
}

/// 60,000 bytes there and back, with new keys in between, and what it should come to.
fn story() -> (Story, Expected, [NodeId; 2]) {
    let mut setup = Setup::new(1);
    setup.habits[0] = Habits {
        errands: vec![errand(60_000)],
        updates: vec![Span::from_millis(60)],
        datagrams: vec![40],
        closes_after: Some(Span::ZERO),
        ..Habits::default()
    };
    setup.habits[1] = Habits { replies: vec![errand(60_000).speech], expects: 1, ..Habits::default() };
    setup.server.max_datagram_frame_bytes = 1_000;
    let ready = setup.build();
    let (expected, ends) = (ready.expected.clone(), ready.ends);
    (ready.run(), expected, ends)
}

/// What is said of a story whose tape, log or promises are changed.
fn verdict(
    change_tape: impl FnOnce(&mut Tape),
    change_note: impl Fn(&mut Note) -> bool,
    change_expected: impl FnOnce(&mut Expected),
) -> Verdict {
    let (story, mut expected, ends) = story();
    let mut tape = story.tape.clone();
    change_tape(&mut tape);
    change_expected(&mut expected);
    let mut log = Log::default();
    for entry in story.log().entries() {
        let mut what = entry.what.clone();
        let stays = match &mut what {
            What::Noted { note, .. } => change_note(note),
            _ => true,
        };
        if stays {
            log.push(entry.at, what);
        }
    }
    check(&Scene { log: &log, tape: &tape, ends, expected: &expected })
}

/// Changes nothing that is noted.
fn as_noted(_: &mut Note) -> bool {
    true
}

fn assert_caught(checker: &str, verdict: &Verdict) {
    let complains = |what: &&String| what.starts_with(checker);
    assert!(verdict.complaints.iter().any(|what| complains(&what)), "{checker}: {:?}", verdict.complaints);
}

/// The index of a packet that `is`.
fn find(tape: &Tape, is: impl Fn(&Packet) -> bool) -> usize {
    tape.packets.iter().position(is).expect("the story has such a packet")
}

#[test]
fn a_good_story_is_seen_by_every_checker_and_blamed_by_none() {
    let verdict = verdict(|_| {}, as_noted, |_| {});
    assert_eq!(verdict.complaints, [""; 0]);
    for (name, _) in CHECKERS {
        assert!(verdict.seen[name] > 0, "{name} saw nothing");
    }
}

#[test]
fn a_number_used_twice_is_caught() {
    let reuse = |tape: &mut Tape| {
        let is = |packet: &Packet| packet.sender == Side::Client && packet.epoch == Epoch::OneRtt;
        let first = find(tape, is);
        let second = find(tape, |packet| is(packet) && packet.number > tape.packets[first].number);
        tape.packets[second].number = tape.packets[first].number;
    };
    assert_caught("numbers", &verdict(reuse, as_noted, |_| {}));
}

#[test]
fn a_packet_that_no_key_opens_is_caught() {
    assert_caught("numbers", &verdict(|tape| tape.unread = 1, as_noted, |_| {}));
}

#[test]
fn keys_beyond_their_lives_are_caught() {
    for epoch in [Epoch::Initial, Epoch::Handshake] {
        let revive = |tape: &mut Tape| {
            let last = tape.packets.iter().rposition(|packet| packet.sender == Side::Client);
            tape.packets[last.expect("the client says something")].epoch = epoch;
        };
        assert_caught("keys", &verdict(revive, as_noted, |_| {}));
    }
    let race = |tape: &mut Tape| {
        let updated = find(tape, |packet| packet.updates == 1);
        tape.packets[updated].updates = 2;
    };
    assert_caught("keys", &verdict(race, as_noted, |_| {}));
}

#[test]
fn the_acknowledgement_of_what_never_came_is_caught() {
    let lose = |tape: &mut Tape| {
        let sent = find(tape, |packet| packet.sender == Side::Client && packet.epoch == Epoch::OneRtt);
        tape.events.retain(|event| !matches!(event, Event::Received { packet, .. } if *packet == sent));
    };
    assert_caught("acks", &verdict(lose, as_noted, |_| {}));
}

#[test]
fn a_byte_too_many_before_validation_is_caught() {
    let amplify = |tape: &mut Tape| {
        let first = tape.events.iter().position(|event| matches!(event, Event::In { at: Side::Server, .. }));
        let at = first.expect("the client says something") + 1;
        tape.events.insert(at, Event::Out { by: Side::Server, to: CLIENT, bytes: 3_601 });
    };
    assert_caught("amplification", &verdict(amplify, as_noted, |_| {}));
}

#[test]
fn a_byte_beyond_its_credit_is_caught() {
    let tables: [fn(&mut Grants); 3] = [
        |grants| grants.data = 59_999,
        |grants| grants.stream_data = 59_999,
        |grants| grants.streams = [0, 0],
    ];
    for lower in tables {
        assert_caught("credit", &verdict(|_| {}, as_noted, |expected| lower(&mut expected.grants[1])));
    }
}

#[test]
fn wrong_bytes_and_a_second_end_of_a_stream_are_caught() {
    let is_stream = |packet: &Packet| packet.frames().any(|frame| matches!(frame, Frame::Stream(_)));
    let spoil = |tape: &mut Tape| {
        let at = find(tape, is_stream);
        let payload = &mut tape.packets[at].payload;
        let middle = payload.len() / 2;
        payload[middle] ^= 1;
    };
    assert_caught("streams", &verdict(spoil, as_noted, |_| {}));
    let end_early = |tape: &mut Tape| {
        let at = find(tape, |packet| {
            packet.frames().any(|frame| matches!(frame, Frame::Stream(stream) if stream.fin))
        });
        // A RESET_STREAM with another final size: stream 0, code 0, one byte.
        tape.packets[at].payload.splice(0..0, [0x04, 0x00, 0x00, 0x01]);
    };
    assert_caught("streams", &verdict(end_early, as_noted, |_| {}));
}

#[test]
fn more_in_flight_than_the_window_is_caught() {
    let exceed = |note: &mut Note| {
        if let Note::Window { after, window, is_probe, .. } = note {
            (*after, *is_probe) = (*window + 1, false);
        }
        true
    };
    assert_caught("window", &verdict(|_| {}, exceed, |_| {}));
}

#[test]
fn bytes_that_are_missing_double_or_others_are_caught() {
    let spoilt: [fn(&mut Note) -> bool; 4] = [
        |note| !matches!(note, Note::Heard { .. }),
        |note| {
            if let Note::Heard { bytes, .. } = note {
                bytes[0] ^= 1;
            }
            true
        },
        |note| {
            if let Note::Heard { bytes, .. } = note {
                bytes.extend_from_within(..);
            }
            true
        },
        |note| {
            if let Note::Caught { bytes, .. } = note {
                bytes.push(0);
            }
            true
        },
    ];
    for spoil in spoilt {
        assert_caught("bytes", &verdict(|_| {}, spoil, |_| {}));
    }
}

#[test]
fn work_that_is_never_done_and_faults_that_nobody_made_are_caught() {
    assert_caught("ending", &verdict(|_| {}, |note| !matches!(note, Note::Complete { .. }), |_| {}));
    let blame = |note: &mut Note| {
        if let Note::Over { why, .. } = note {
            *why = Over::Fault("a rule was broken".into());
        }
        true
    };
    assert_caught("ending", &verdict(|_| {}, blame, |_| {}));
}

/// A client whose datagrams are lost from some moment on, by `way`.
fn silenced(silence: impl FnOnce(&mut Way)) -> Verdict {
    let mut setup = Setup::new(1);
    setup.habits[0] =
        Habits { errands: vec![errand(60_000)], closes_after: Some(Span::ZERO), ..Habits::default() };
    setup.habits[1] = Habits { replies: vec![errand(60_000).speech], expects: 1, ..Habits::default() };
    for options in [&mut setup.client, &mut setup.server] {
        options.max_idle_timeout_ms = 500_000;
    }
    silence(&mut setup.up);
    setup.run().verdict
}

#[test]
fn who_speaks_in_vain_to_the_end_is_excused_and_who_has_not_tried_is_not() {
    let long = |way: &mut Way| {
        let from = Instant::default() + Span::from_millis(70);
        way.holes = vec![Hole { from, until: Instant::from_nanos(u64::MAX) }];
    };
    assert_eq!(silenced(long).complaints, [""; 0]);
    // What no longer fits its path is for its sender to find out: nothing is excused.
    assert_caught("ending", &silenced(|way| way.later_mtu = Some((Instant::from_nanos(70_000_000), 20))));
}

#[test]
fn an_end_without_a_reason_is_caught() {
    for end in [Over::Reset, Over::InvalidToken, Over::Version] {
        let end = |note: &mut Note| {
            if let Note::Over { why, .. } = note {
                *why = end.clone();
            }
            true
        };
        assert_caught("ending", &verdict(|_| {}, end, |_| {}));
    }
}

/// What is said where a server gave one answer without a connection, of so many bytes for 50.
fn answered(
    reply: Reply,
    bytes: usize,
    front: Option<Front>,
    change_tape: impl FnOnce(&mut Tape),
) -> Verdict {
    let answer = |note: &mut Note| {
        if matches!(note, Note::Ready { .. }) {
            *note = Note::Answered { reply, bytes: vec![0; bytes], asked_bytes: 50 };
        }
        true
    };
    verdict(change_tape, answer, |expected| expected.front = front)
}

fn front(retry: Retry) -> Option<Front> {
    Some(Front { retry, retry_secs: 10, gives_tokens: true, restarts: Vec::new() })
}

#[test]
fn an_answer_that_is_no_smaller_than_what_it_answers_is_caught() {
    for (checker, reply) in [
        ("retry", Reply::Retry),
        ("versions", Reply::VersionNegotiation),
        ("resets", Reply::StatelessReset),
        ("invalid tokens", Reply::InvalidToken),
    ] {
        let front = || front(Retry::From(1));
        assert_caught(checker, &answered(reply, 50, front(), |_| {}));
        assert!(answered(reply, 49, front(), |_| {}).seen[checker] > 0);
    }
}

#[test]
fn an_answer_without_a_reason_is_caught() {
    let show = |tape: &mut Tape| tape.packets.iter_mut().for_each(|packet| packet.has_token = true);
    assert_caught("retry", &answered(Reply::Retry, 49, front(Retry::Never), |_| {}));
    assert_caught("retry", &answered(Reply::Retry, 49, front(Retry::Always), |_| {}));
    assert_caught("tokens", &answered(Reply::Retry, 49, front(Retry::From(1)), show));
    assert_caught("versions", &answered(Reply::VersionNegotiation, 49, front(Retry::Never), |_| {}));
    assert_caught("invalid tokens", &answered(Reply::InvalidToken, 49, front(Retry::Always), |_| {}));
}

#[test]
fn endless_talk_is_caught() {
    let chatter = |tape: &mut Tape| {
        tape.events.extend([Event::Out { by: Side::Client, to: CLIENT, bytes: 50 }; 2_000]);
    };
    assert_caught("quiet", &verdict(chatter, as_noted, |_| {}));
}
