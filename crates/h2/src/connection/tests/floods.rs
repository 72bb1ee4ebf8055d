//! Each field of `Limits`, kept and then exceeded by one.

use super::raw::*;
use super::*;
use crate::Flood;
use crate::rules::{ErrorCode, flag, kind};

const END: u8 = flag::END_STREAM | flag::END_HEADERS;
const OPEN: u8 = flag::END_HEADERS;

/// Feeds the pieces; all but the last are fine, the last is that flood, answered with ENHANCE_YOUR_CALM.
fn floods(mut server: Connection, pieces: &[Vec<u8>], flood: Flood) {
    let (last, before) = pieces.split_last().expect("a last piece");
    for piece in before {
        let (_, fault) = feed(&mut server, piece);
        assert_eq!(fault, None, "{flood:?} came too early");
    }
    let (answer, fault) = feed(&mut server, last);
    assert_eq!(fault, Some(Fault::Flood(flood)));
    assert_eq!(answer, Answer::GoAway(ErrorCode::EnhanceYourCalm.wire()));
    assert!(server.is_closed());
}

fn times(piece: &[u8], count: usize) -> Vec<Vec<u8>> {
    vec![piece.to_vec(); count]
}

#[test]
fn what_is_harmless_once_is_counted_by_time() {
    let limits = Limits {
        resets_per_10_s: 3,
        provoked_resets_per_10_s: 3,
        settings_per_10_s: 4, // the first one was the beginning's
        pings_per_10_s: 3,
        priorities_per_10_s: 3,
        priority_updates_per_10_s: 3,
        empty_frames_per_10_s: 3,
        window_updates_per_10_s: 3,
        unknown_frames_per_10_s: 3,
        stray_frames_per_10_s: 3,
        ..Limits::default()
    };
    let opened = || {
        let mut server = raw_server(limits.clone());
        assert_eq!(feed(&mut server, &frame(kind::HEADERS, OPEN, 1, POST)).1, None);
        server
    };
    let rows: [(Flood, Vec<u8>); 10] = [
        (Flood::Settings, frame(kind::SETTINGS, 0, 0, &[])),
        (Flood::Settings, frame(kind::GOAWAY, 0, 0, &[0; 8])),
        (Flood::Pings, frame(kind::PING, 0, 0, &[0; 8])),
        (Flood::Pings, frame(kind::PING, 1, 0, &[0; 8])),
        (Flood::Priorities, frame(kind::PRIORITY, 0, 7, &[0; 5])),
        (Flood::PriorityUpdates, frame(kind::PRIORITY_UPDATE, 0, 0, &[0, 0, 0, 9, b'u', b'=', b'1'])),
        (Flood::EmptyFrames, frame(kind::DATA, 0, 1, &[])),
        (Flood::EmptyFrames, frame(kind::DATA, flag::PADDED, 1, &[1, 0])),
        (Flood::WindowUpdates, frame(kind::WINDOW_UPDATE, 0, 1, &[0, 0, 0, 1])),
        (Flood::UnknownFrames, frame(0xee, 0, 0, b"greased")),
    ];
    for (flood, piece) in rows {
        floods(opened(), &times(&piece, 4), flood);
        // Ten seconds later the count begins anew.
        let mut server = opened();
        times(&piece, 3).iter().for_each(|piece| assert_eq!(feed(&mut server, piece).1, None));
        assert_eq!(server.handle(ms(12_000), &piece, &mut |_| {}), Ok(()), "{flood:?}");
    }
    // Rapid reset: each request is taken back at once.
    let taken_back = |at: u32| {
        [frame(kind::HEADERS, END, at, GET), frame(kind::RST_STREAM, 0, at, &[0, 0, 0, 8])].concat()
    };
    floods(raw_server(limits.clone()), &[3, 5, 7, 9].map(taken_back), Flood::Resets);
    // The same by proxy: each request is broken so that the server takes it back.
    let provoking =
        |at: u32| [frame(kind::HEADERS, OPEN, at, POST), frame(kind::WINDOW_UPDATE, 0, at, &[0; 4])].concat();
    let generous = Limits { window_updates_per_10_s: 100, ..limits.clone() };
    floods(raw_server(generous), &[3, 5, 7, 9].map(provoking), Flood::ProvokedResets);
    // DATA for a stream that is over.
    let mut server = opened();
    server.reset(StreamId(1), 8);
    floods(server, &times(&frame(kind::DATA, 0, 1, b"x"), 4), Flood::StrayFrames);
}

#[test]
fn window_updates_are_earned_by_data() {
    let mut server = raw_server(Limits { window_updates_per_10_s: 3, ..Limits::default() });
    feed(&mut server, &frame(kind::HEADERS, END, 1, GET));
    server.respond(StreamId(1), &Response::new(200), false).unwrap();
    server.send(StreamId(1), Chunk::Owned(vec![b'x'; 4_000]), false).unwrap();
    spoken(&mut server); // in one frame
    floods(server, &times(&frame(kind::WINDOW_UPDATE, 0, 1, &[0, 0, 0, 1]), 8), Flood::WindowUpdates);
}

#[test]
fn pings_are_earned_by_data() {
    let mut server = raw_server(Limits { pings_per_10_s: 3, ..Limits::default() });
    feed(&mut server, &frame(kind::HEADERS, END, 1, GET));
    server.respond(StreamId(1), &Response::new(200), false).unwrap();
    server.send(StreamId(1), Chunk::Owned(vec![b'x'; 4_000]), false).unwrap();
    spoken(&mut server); // in one frame
    floods(server, &times(&frame(kind::PING, 0, 0, b"bdp ping"), 5), Flood::Pings);
}

#[test]
fn honest_pings_are_no_flood() {
    // Keepalive every ten seconds for an hour, then one a round trip of a millisecond for as long as DATA comes.
    let mut server = raw_server(Limits::default());
    let ping = frame(kind::PING, 0, 0, b"bdp ping");
    for at in 1..360 {
        assert_eq!(server.handle(ms(at * 10_000), &ping, &mut |_| {}), Ok(()));
        spoken(&mut server);
    }
    let begun = 4_000_000;
    server.handle(ms(begun), &frame(kind::HEADERS, END, 1, GET), &mut |_| {}).unwrap();
    server.respond(StreamId(1), &Response::new(200), false).unwrap();
    let credit = [0, 1].map(|stream| frame(kind::WINDOW_UPDATE, 0, stream, &[0, 0, 0x40, 0])).concat();
    let mut out = [0; 20_000];
    for at in 0..20_000 {
        let now = ms(begun + at);
        server.send(StreamId(1), Chunk::Owned(vec![b'x'; 16_384]), false).unwrap();
        while server.transmit(now, &mut out).is_some() {}
        assert_eq!(server.handle(now, &[&ping[..], &credit].concat(), &mut |_| {}), Ok(()), "{at} ms");
    }
}

#[test]
fn field_blocks_are_bounded_in_frames_bytes_and_time() {
    let limits = Limits { continuations: 3, header_block_bytes: 100, ..Limits::default() };
    let begun = frame(kind::HEADERS, flag::END_STREAM, 1, GET);
    let more = frame(kind::CONTINUATION, 0, 1, &[0x84]);
    let pieces = [vec![begun.clone()], times(&more, 4)].concat();
    floods(raw_server(limits.clone()), &pieces, Flood::Continuations);
    let pieces = [begun.clone(), frame(kind::CONTINUATION, 0, 1, &[0x84; 94]), more.clone()];
    floods(raw_server(limits.clone()), &pieces, Flood::HeaderBlockBytes);
    floods(
        raw_server(limits.clone()),
        &[frame(kind::HEADERS, END, 1, &[0x84; 101])],
        Flood::HeaderBlockBytes,
    );
    let pieces = [vec![begun.clone()], times(&frame(kind::CONTINUATION, 0, 1, &[]), 3)].concat();
    let limits = Limits { empty_frames_per_10_s: 2, ..limits };
    floods(raw_server(limits.clone()), &pieces, Flood::EmptyFrames);

    let mut server = raw_server(limits);
    feed(&mut server, &begun);
    let due = server.deadline().expect("a field block is waited for");
    assert_eq!(due, ms(10_002));
    server.expire(ms(10_001));
    assert!(!server.is_closed());
    server.expire(due);
    assert_eq!(answer(&mut server), Answer::GoAway(ErrorCode::EnhanceYourCalm.wire()));
}

#[test]
fn field_sections_are_bounded_in_bytes_and_lines() {
    let calm = ErrorCode::EnhanceYourCalm.wire();
    // Four lines: 38 + 37 + 41 ... as section 10.5.1 counts; GET's come to 42 + 44 + 38 + 43.
    for (list, lines, expected) in
        [(167, 4, Answer::Nothing), (166, 4, Answer::Rst(1, calm)), (167, 3, Answer::Rst(1, calm))]
    {
        let limits = Limits { header_list_bytes: list, header_lines: lines, ..Limits::default() };
        let mut server = raw_server(limits);
        assert_eq!(feed(&mut server, &frame(kind::HEADERS, END, 1, GET)), (expected, None), "{list} {lines}");
    }
    // An HPACK bomb: one long line in the table, then a byte for each copy.
    let value = vec![b'v'; 3_900];
    let long = [&[0x40, 1, b'n', 0x7f, 0xbd, 0x1d][..], &value].concat();
    let bomb = [GET, &long, &[0xbe; 8_000]].concat();
    let mut server = raw_server(Limits::default());
    assert_eq!(feed(&mut server, &frame(kind::HEADERS, END, 1, &bomb)), (Answer::Rst(1, calm), None));
}

#[test]
fn a_response_that_is_never_final_has_an_end() {
    let calm = ErrorCode::EnhanceYourCalm.wire();
    let interim = frame(kind::HEADERS, OPEN, 1, b"\x08\x03103");
    for (count, expected) in [(3, Answer::Nothing), (4, Answer::Rst(1, calm))] {
        let mut client = raw_client(Limits { interim_responses: 3, ..Limits::default() });
        client.request(&Request::get("a.test", "/"), true).unwrap();
        spoken(&mut client);
        assert_eq!(feed(&mut client, &times(&interim, count).concat()), (expected, None), "{count}");
    }
}

#[test]
fn a_table_is_as_large_as_we_said_and_not_a_byte_larger() {
    let size_update = |bytes: u16| {
        let [low, high] = [(bytes - 31) % 128, (bytes - 31) / 128].map(|part| part as u8);
        [&[0x3f, 0x80 | low, high][..], GET].concat()
    };
    for (bytes, fault) in [(1_000, None), (1_001, Some(Fault::Compression))] {
        let mut server = raw_server(Limits { header_table_bytes: 1_000, ..Limits::default() });
        assert_eq!(feed(&mut server, &frame(kind::HEADERS, END, 1, &size_update(bytes))).1, fault);
    }
}

#[test]
fn what_a_finished_stream_left_unread_is_still_counted_and_can_be_given_up() {
    let mut server = raw_server(Limits::default());
    let post = [frame(kind::HEADERS, OPEN, 1, POST), frame(kind::DATA, 1, 1, &[0; 5_000])].concat();
    let mut log = Vec::new();
    server.handle(ms(2), &post, &mut listen(&mut log)).unwrap();
    server.respond(StreamId(1), &Response::new(200), true).unwrap();
    server.tell(&mut listen(&mut log));
    assert_eq!(log.last(), Some(&Heard::Finished(1)));
    assert!(server.streams.is_idle());
    server.consume(ms(2), StreamId(1), 4_000);
    assert_eq!((server.receive.unread(), server.streams.len()), (1_000, 1));
    server.reset(StreamId(1), 8);
    assert_eq!((server.receive.unread(), server.streams.len()), (0, 0));
    assert!(spoken(&mut server).iter().all(|(head, _)| head.kind != kind::RST_STREAM));
}

#[test]
fn streams_beyond_the_limit_are_refused_and_the_table_stays_in_step() {
    let mut server = raw_server(Limits { streams: 2, ..Limits::default() });
    let refused = ErrorCode::RefusedStream.wire();
    for (id, expected) in [(1, Answer::Nothing), (3, Answer::Nothing), (5, Answer::Rst(5, refused))] {
        assert_eq!(feed(&mut server, &frame(kind::HEADERS, OPEN, id, POST)), (expected, None)); // spec: 9113-5.1.2-a
    }
    server.reset(StreamId(1), 8);
    spoken(&mut server);
    assert_eq!(feed(&mut server, &frame(kind::HEADERS, OPEN, 7, POST)), (Answer::Nothing, None));
}

#[test]
fn closed_streams_are_forgotten_in_their_order() {
    let mut server = raw_server(Limits { closed_streams: 2, ..Limits::default() });
    for id in [1, 3, 5] {
        feed(&mut server, &frame(kind::HEADERS, END, id, GET));
        server.respond(StreamId(id.into()), &Response::new(204), true).unwrap();
        spoken(&mut server);
    }
    assert_eq!(server.streams.len(), 0);
    // Stream 1 is beyond memory: its DATA is passed over. Stream 3 is known to have ended.
    assert_eq!(feed(&mut server, &frame(kind::DATA, 0, 1, b"x")), (Answer::Nothing, None));
    assert_eq!(feed(&mut server, &frame(kind::DATA, 0, 3, b"x")).1, Some(Fault::Ended));
}

#[test]
fn settings_frames_are_bounded_in_entries() {
    let limits = Limits { settings_entries: 3, ..Limits::default() };
    let pieces = [frame(kind::SETTINGS, 0, 0, &[0xff; 18]), frame(kind::SETTINGS, 0, 0, &[0xff; 24])];
    floods(raw_server(limits), &pieces, Flood::SettingsEntries);
}

#[test]
fn answers_that_nobody_fetches_are_bounded() {
    let mut server = raw_server(Limits { control_bytes: 17 * 4, ..Limits::default() });
    let ping = frame(kind::PING, 0, 0, &[0; 8]);
    for _ in 0..4 {
        assert_eq!(server.handle(ms(2), &ping, &mut |_| {}), Ok(()));
    }
    assert_eq!(server.handle(ms(2), &ping, &mut |_| {}), Err(Fault::Flood(Flood::ControlBytes)));
}

#[test]
fn responses_that_nobody_fetches_are_bounded() {
    let mut server = raw_server(Limits { output_bytes: 100, ..Limits::default() });
    let mut taken = 0;
    let fault = loop {
        let id = 1 + 2 * taken;
        match server.handle(ms(2), &frame(kind::HEADERS, END, id, GET), &mut |_| {}) {
            Ok(()) => server.respond(StreamId(id.into()), &Response::new(204), true).unwrap(),
            Err(fault) => break fault,
        }
        taken += 1;
    };
    assert_eq!(fault, Fault::Flood(Flood::OutputBytes));
    assert_eq!(taken, 11); // ten bytes each
}

#[test]
fn a_send_queue_takes_its_limit_and_not_a_byte_more() {
    let mut server = raw_server(Limits { send_queue_bytes: 100, ..Limits::default() });
    feed(&mut server, &frame(kind::HEADERS, END, 1, GET));
    let stream = StreamId(1);
    server.respond(stream, &Response::new(200), false).unwrap();
    server.send(stream, Chunk::Owned(vec![0; 60]), false).unwrap();
    assert_eq!(server.room(stream), 40);
    assert_eq!(server.send(stream, Chunk::Owned(vec![0; 41]), false), Err(crate::Misuse::Full));
    server.send(stream, Chunk::Owned(vec![0; 40]), true).unwrap();
    assert_eq!(server.room(stream), 0);
}

#[test]
fn settings_that_nobody_acknowledges_end_the_connection() {
    let mut client = Connection::client(Config::default(), ms(1));
    assert_eq!(client.deadline(), None);
    spoken(&mut client);
    assert_eq!(client.deadline(), Some(ms(10_001)));
    client.expire(ms(10_000));
    assert!(!client.is_closed());
    client.expire(ms(10_001)); // spec: 9113-6.5.3-b
    assert_eq!(answer(&mut client), Answer::GoAway(ErrorCode::SettingsTimeout.wire()));
}

#[test]
fn a_peer_that_grants_no_credit_or_hardly_any_loses_its_stream() {
    let limits = Limits { stall_bytes: 100, ..Limits::default() };
    for (drip, expected) in [(0, true), (99, true), (100, false)] {
        let mut server = raw_server(limits.clone());
        let tight = frame(kind::SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]);
        feed(&mut server, &[tight, frame(kind::HEADERS, END, 1, GET)].concat());
        server.respond(StreamId(1), &Response::new(200), false).unwrap();
        server.send(StreamId(1), Chunk::Owned(vec![0; 10_000]), true).unwrap();
        spoken(&mut server);
        for _ in 0..drip {
            feed(&mut server, &frame(kind::WINDOW_UPDATE, 0, 1, &[0, 0, 0, 1]));
        }
        let due = server.deadline().expect("a stream waits for credit");
        assert!(due <= ms(60_002));
        server.expire(due);
        let calm = Answer::Rst(1, ErrorCode::EnhanceYourCalm.wire());
        assert_eq!(answer(&mut server) == calm, expected, "{drip}");
        let mut log = Vec::new();
        server.tell(&mut listen(&mut log));
        assert_eq!(log.contains(&Heard::Reset(1, 11, false)), expected);
    }
}

#[test]
fn an_empty_connection_window_is_a_stall_too() {
    let mut server = raw_server(Limits::default());
    feed(&mut server, &frame(kind::SETTINGS, 0, 0, &[0, 4, 0, 15, 0, 0]));
    for id in [1, 3] {
        feed(&mut server, &frame(kind::HEADERS, END, id, GET));
        server.respond(StreamId(id.into()), &Response::new(200), false).unwrap();
        server.send(StreamId(id.into()), Chunk::Owned(vec![0; 70_000]), true).unwrap();
    }
    spoken(&mut server);
    let due = server.deadline().expect("two streams wait for the connection's credit");
    server.expire(due);
    // The first had sent 65,535 bytes before the wait began; neither sent anything during it.
    assert_eq!(server.streams.len(), 0);
}

#[test]
fn a_stream_that_waits_for_others_has_not_stalled() {
    let mut server = raw_server(Limits::default());
    feed(&mut server, &frame(kind::SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]));
    feed(&mut server, &frame(kind::HEADERS, END, 1, GET));
    server.respond(StreamId(1), &Response::new(200), false).unwrap();
    server.send(StreamId(1), Chunk::Owned(vec![0; 10_000]), true).unwrap();
    spoken(&mut server);
    // Credit came, but nothing was fetched since.
    server.handle(ms(60_000), &frame(kind::WINDOW_UPDATE, 0, 1, &[0, 0, 64, 0]), &mut |_| {}).unwrap();
    server.expire(server.deadline().expect("it had waited"));
    assert_eq!(answer(&mut server), Answer::Nothing);
    assert_eq!(server.deadline(), None);
}

#[test]
fn windows_grow_no_further_than_allowed() {
    let mut window = crate::flow::ReceiveWindow::new(1_000, 1_000);
    let rtt = Some(Span::from_millis(50));
    let mut now = ms(0);
    for _ in 0..20 {
        now += Span::from_millis(10);
        let size = window.size();
        window.receive(size / 2).unwrap();
        window.consume(u64::from(size / 2));
        window.update(now, rtt, 5_000).expect("half was read");
    }
    assert_eq!(window.size(), 5_000);
}

#[test]
fn a_frame_of_the_largest_size_passes() {
    let mut server = raw_server(Limits { frame_bytes: 20_000, ..Limits::default() });
    feed(&mut server, &frame(kind::HEADERS, OPEN, 1, POST));
    assert_eq!(feed(&mut server, &frame(kind::DATA, 0, 1, &vec![0; 20_000])), (Answer::Nothing, None));
    assert_eq!(feed(&mut server, &frame(kind::DATA, 0, 1, &vec![0; 20_001])).1, Some(Fault::FrameTooLarge));
}

#[test]
fn a_drain_does_not_wait_for_a_silent_peer() {
    let mut server = raw_server(Limits::default());
    server.drain(ms(5));
    assert_eq!(server.deadline(), Some(ms(1_005)));
    server.expire(ms(1_005));
    assert!(!server.is_closed());
    spoken(&mut server);
    assert!(server.is_closed());
}

/// What the peer did not do, and when that ends the matter: not a moment sooner.
fn is_patient_until(mut connection: Connection, due: Instant) -> Connection {
    assert_eq!(connection.deadline(), Some(due));
    connection.expire(Instant::from_nanos(due.as_nanos() - 1));
    assert_eq!(answer(&mut connection), Answer::Nothing);
    connection.expire(due);
    connection
}

#[test]
fn every_patience_ends_at_its_limit() {
    let limits = Limits { settings_ack_ms: 70, ..Limits::default() };
    let mut client = Connection::client(Config { limits, ..Config::default() }, ms(1));
    spoken(&mut client);
    let mut client = is_patient_until(client, ms(71));
    assert_eq!(answer(&mut client), Answer::GoAway(ErrorCode::SettingsTimeout.wire()));

    let mut server = raw_server(Limits { header_block_ms: 80, ..Limits::default() });
    feed(&mut server, &frame(kind::HEADERS, flag::END_STREAM, 1, GET)); // and no CONTINUATION
    let mut server = is_patient_until(server, ms(82)); // the block began at 2 ms
    assert_eq!(answer(&mut server), Answer::GoAway(ErrorCode::EnhanceYourCalm.wire()));

    let mut server = raw_server(Limits { stall_ms: 90, ..Limits::default() });
    feed(&mut server, &frame(kind::SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]));
    feed(&mut server, &frame(kind::HEADERS, END, 1, GET));
    server.respond(StreamId(1), &Response::new(200), false).unwrap();
    server.send(StreamId(1), Chunk::Owned(vec![0; 100]), true).unwrap();
    spoken(&mut server);
    let mut server = is_patient_until(server, ms(91)); // it waits since 1 ms, when nothing could leave
    assert_eq!(answer(&mut server), Answer::Rst(1, ErrorCode::EnhanceYourCalm.wire()));

    let mut server = raw_server(Limits { drain_ms: 60, ..Limits::default() });
    feed(&mut server, &frame(kind::HEADERS, END, 1, GET));
    server.drain(ms(5));
    spoken(&mut server); // the first GOAWAY and the PING, which nobody answers
    let mut server = is_patient_until(server, ms(65));
    assert_eq!(answer(&mut server), Answer::GoAway(ErrorCode::NoError.wire()));
}

#[test]
fn a_field_block_is_waited_for_from_the_first_byte_of_its_frames() {
    let limits = Limits { header_block_ms: 80, ..Limits::default() };
    let (split, end) = (frame(kind::HEADERS, flag::END_STREAM, 1, &GET[..1]), flag::END_HEADERS);
    let rest = frame(kind::CONTINUATION, end, 1, &GET[1..]);
    let none: &[u8] = &[];
    for (at_2, at_50) in [
        (&frame(kind::HEADERS, END, 1, GET)[..9], &GET[..1]),
        (&split[..9], &split[9..]),
        (&split[..9], &[&split[9..], &rest[..9]].concat()),
        (&split[..9], &[&split[9..], &rest[..10]].concat()),
        (&split[..], &frame(kind::CONTINUATION, 0, 1, none)),
    ] {
        let mut server = raw_server(limits.clone());
        assert_eq!(feed(&mut server, at_2), (Answer::Nothing, None));
        server.handle(ms(50), at_50, &mut |_| {}).expect("it is right so far");
        let mut server = is_patient_until(server, ms(82));
        assert_eq!(answer(&mut server), Answer::GoAway(ErrorCode::EnhanceYourCalm.wire()));
    }
    // Other frames take their time, and so does what follows a section that was whole.
    for piece in [
        &frame(kind::PING, 0, 0, &[0; 8])[..12],
        &frame(kind::HEADERS, END, 1, GET),
        &[split, rest].concat(),
        &[frame(kind::HEADERS, OPEN, 1, POST), frame(kind::DATA, 0, 1, &[0; 8])[..10].to_vec()].concat(),
        &frame(kind::HEADERS, END, 1, &[0x00, 1, b'A', 0]), // malformed: the stream's fault
    ] {
        let mut server = raw_server(limits.clone());
        feed(&mut server, piece);
        assert_eq!(server.deadline(), None);
    }
}

#[test]
fn a_streams_window_grows_to_its_limit() {
    let small =
        Limits { initial_stream_window_bytes: 1_000, stream_window_bytes: 3_000, ..Limits::default() };
    let mut window =
        crate::flow::ReceiveWindow::new(small.initial_stream_window_bytes, small.initial_stream_window_bytes);
    for round in 1..10 {
        let half = window.size() / 2;
        window.receive(half).unwrap();
        window.consume(u64::from(half));
        window
            .update(ms(round), Some(Span::from_millis(50)), small.stream_window_bytes)
            .expect("half was read");
    }
    assert_eq!(window.size(), 3_000);
}
