use crate::rules::MAX_STREAM_COUNT;
use crate::streams::tests::{BIDI, GENEROUS, NOW, UNI, bytes, client, controls, id, nothing};
use crate::streams::{Direction, Heard, Limits, Outgoing, PeerLimits, StreamFault, StreamId, Streams};

const FRAMES: [&str; 5] =
    ["STREAM", "RESET_STREAM", "STREAM_DATA_BLOCKED", "STOP_SENDING", "MAX_STREAM_DATA"];

/// A frame that names a stream and does little else.
fn accept(
    streams: &mut Streams,
    frame: &str,
    id: StreamId,
    heard: &mut impl FnMut(Heard<'_>),
) -> Result<(), StreamFault> {
    match frame {
        "STREAM" => streams.accept_stream(id, 0, b"", false, heard),
        "RESET_STREAM" => streams.accept_reset_stream(id, 0, 0, heard),
        "STREAM_DATA_BLOCKED" => streams.accept_stream_data_blocked(id, heard),
        "STOP_SENDING" => streams.accept_stop_sending(id, 0, heard),
        _ => streams.accept_max_stream_data(id, 0, heard),
    }
}

#[test]
fn each_frame_on_each_kind_of_stream() {
    use StreamFault::{NotCreated, ReceiveOnly, SendOnly};
    // A client that opened streams 0 and 2: what it says to a frame on each. Streams 1 and 3 are a server's to open.
    let sender = [
        (0, Ok(())),
        (4, Err(NotCreated)), // spec: 9000-19.8-c
        (2, Err(SendOnly)),   // spec: 9000-19.8-a 9000-19.4-a 9000-19.13-a
        (6, Err(SendOnly)),
        (1, Ok(())),
        (3, Ok(())),
    ];
    let receiver = [
        (0, Ok(())),
        (4, Err(NotCreated)), // spec: 9000-19.5-a 9000-19.10-b
        (2, Ok(())),
        (6, Err(NotCreated)),
        (1, Ok(())),
        (3, Err(ReceiveOnly)), // spec: 9000-19.5-b 9000-19.10-a
    ];
    for (at, frame) in FRAMES.into_iter().enumerate() {
        for (number, answer) in if at < 3 { sender } else { receiver } {
            let mut streams = client(GENEROUS);
            streams.open(BIDI).unwrap();
            streams.open(UNI).unwrap();
            assert_eq!(accept(&mut streams, frame, id(number), &mut |_| {}), answer, "{frame} on {number}");
            assert!(answer.is_ok() || answer.unwrap_err().fault(0).code() == 0x05);
        }
    }
}

#[test]
fn a_stream_opens_all_below_it_by_whatever_frame_names_it_first() {
    for frame in FRAMES {
        let mut streams = client(GENEROUS);
        let mut opened = Vec::new();
        accept(&mut streams, frame, id(9), &mut |heard| {
            if let Heard::Opened { id } = heard {
                opened.push(id.number());
            }
        })
        .unwrap();
        assert_eq!(opened, [1, 5, 9], "{frame}"); // spec: 9000-3.2-a
        // None of them opens twice.
        accept(&mut streams, "STREAM_DATA_BLOCKED", id(5), &mut nothing).unwrap();
    }
}

#[test]
fn one_stream_beyond_the_limit_of_its_kind_is_a_fault() {
    let limits = Limits { bidirectional_streams: 3, unidirectional_streams: 2, ..Limits::default() };
    for frame in FRAMES {
        for (last, is_one_way) in [(9, false), (7, true)] {
            if is_one_way && matches!(frame, "STOP_SENDING" | "MAX_STREAM_DATA") {
                continue;
            }
            let mut streams = Streams::new(true, limits.clone());
            assert_eq!(
                accept(&mut streams, frame, id(last + 4), &mut nothing),
                Err(StreamFault::StreamLimit)
            ); // spec: 9000-4.6-c
            assert_eq!(accept(&mut streams, frame, id(last), &mut |_| {}), Ok(()));
        }
    }
    assert_eq!(StreamFault::StreamLimit.fault(0).code(), 0x04);
}

#[test]
fn limits_of_streams_end_at_two_to_the_60() {
    let mut streams = client(GENEROUS);
    for direction in Direction::ALL {
        assert_eq!(streams.accept_max_streams(direction, MAX_STREAM_COUNT, &mut |_| {}), Ok(()));
        let beyond = streams.accept_max_streams(direction, MAX_STREAM_COUNT + 1, &mut nothing);
        assert_eq!(beyond, Err(StreamFault::MaxStreams)); // spec: 9000-4.6-b
    }
    assert_eq!(streams.accept_streams_blocked(MAX_STREAM_COUNT), Ok(()));
    assert_eq!(streams.accept_streams_blocked(MAX_STREAM_COUNT + 1), Err(StreamFault::MaxStreams)); // spec: 9000-19.14-a
    assert_eq!(StreamFault::MaxStreams.fault(0).code(), 0x07);
}

#[test]
fn a_lower_limit_of_streams_changes_nothing() {
    let mut streams = client(PeerLimits { streams_bidi: 2, ..GENEROUS });
    streams.accept_max_streams(BIDI, 1, &mut nothing).unwrap(); // spec: 9000-4.6-d
    assert_eq!(
        (streams.open(BIDI), streams.open(BIDI), streams.open(BIDI)),
        (Some(id(0)), Some(id(4)), None)
    );
}

#[test]
fn streams_that_are_over_make_room_for_others() {
    for (direction, kind) in [(BIDI, 1), (UNI, 3)] {
        let limits = Limits { bidirectional_streams: 8, unidirectional_streams: 8, ..Limits::default() };
        let mut streams = Streams::new(true, limits);
        streams.grant(GENEROUS);
        // Two of eight are a quarter, and worth a frame.
        for (index, frames) in [(0, vec![]), (1, vec![Outgoing::MaxStreams { direction, limit: 10 }])] {
            let id = id(4 * index + kind);
            streams.accept_stream(id, 0, b"x", true, &mut |_| {}).unwrap();
            streams.consume(id, 1);
            if direction == BIDI {
                streams.reset(id, 0).unwrap();
                let resets = controls(&mut streams);
                streams.acked(&resets[0], &mut |_| {});
            }
            assert_eq!(controls(&mut streams), frames);
            frames.iter().for_each(|frame| streams.lost(frame));
            assert_eq!(controls(&mut streams), frames); // spec: 9000-13.3-c
        }
        assert_eq!(streams.accept_stream(id(4 * 9 + kind), 0, b"", false, &mut |_| {}), Ok(()));
        let beyond = streams.accept_stream(id(4 * 10 + kind), 0, b"", false, &mut nothing);
        assert_eq!(beyond, Err(StreamFault::StreamLimit));
    }
}

#[test]
fn windows_of_all_streams_share_one() {
    let limits = Limits {
        initial_stream_window_bytes: 100,
        initial_connection_window_bytes: 150,
        ..Limits::default()
    };
    let mut streams = Streams::new(true, limits);
    let mut heard = |_: Heard<'_>| {};
    streams.accept_stream(id(3), 99, b"x", false, &mut heard).unwrap();
    streams.accept_stream(id(7), 49, b"x", false, &mut heard).unwrap();
    assert_eq!(streams.accept_stream(id(11), 0, b"x", false, &mut heard), Err(StreamFault::Data));
    assert_eq!(streams.accept_stream(id(3), 100, b"x", false, &mut heard), Err(StreamFault::StreamData));
    assert_eq!(StreamFault::Data.fault(0).code(), 0x03);
}

#[test]
fn who_reads_gives_credit_on_both_levels() {
    let limits = Limits {
        initial_stream_window_bytes: 100,
        initial_connection_window_bytes: 100,
        stream_window_bytes: 100,
        connection_window_bytes: 100,
        ..Limits::default()
    };
    let mut streams = Streams::new(true, limits);
    streams.accept_stream(id(3), 0, &[0; 100], false, &mut |_| {}).unwrap();
    assert_eq!(controls(&mut streams), []);
    streams.consume(id(3), 60);
    let frames = [Outgoing::MaxData { limit: 160 }, Outgoing::MaxStreamData { id: id(3), limit: 160 }];
    assert_eq!(controls(&mut streams), frames);
    frames.iter().for_each(|frame| streams.lost(frame));
    assert_eq!(controls(&mut streams), frames);
    // The size is known: no more credit is of use, but for the connection.
    streams.accept_stream(id(3), 100, &[0; 60], true, &mut |_| {}).unwrap();
    streams.consume(id(3), 90);
    assert_eq!(controls(&mut streams), [Outgoing::MaxData { limit: 250 }]);
}

#[test]
fn windows_grow_to_their_cap_while_they_are_what_holds_the_peer_up() {
    let limits = Limits {
        initial_stream_window_bytes: 1_000,
        initial_connection_window_bytes: 1_000,
        stream_window_bytes: 4_000,
        connection_window_bytes: 3_000,
        ..Limits::default()
    };
    let mut streams = Streams::new(true, limits);
    let rtt = Some(sakigake_wire::Span::from_millis(10));
    let (mut sent, mut most) = (0_u64, [1_000_u64; 2]);
    for _ in 0..8 {
        let len = most[0].min(most[1]) - sent;
        streams.accept_stream(id(3), sent, &vec![0; len as usize], false, &mut |_| {}).unwrap();
        sent += len;
        streams.consume(id(3), len);
        while let Some(frame) = streams.next_control(NOW, rtt, 100) {
            match frame {
                Outgoing::MaxData { limit } => most[0] = limit,
                Outgoing::MaxStreamData { limit, .. } => most[1] = limit,
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(most.map(|limit| limit - sent), [3_000, 4_000]);
}

#[test]
fn fragments_are_counted_over_all_streams() {
    let limits = Limits { fragments: 6, unidirectional_streams: 10, ..Limits::default() };
    let mut streams = Streams::new(true, limits);
    for n in 0..6 {
        streams.accept_stream(id(4 * n + 3), 1, b"x", false, &mut |_| {}).unwrap();
    }
    let mut rest = Streams::new(true, Limits { fragments: 6, ..Limits::default() });
    assert_eq!(streams.accept_stream(id(3), 3, b"x", false, &mut |_| {}), Err(StreamFault::Fragments));
    assert_eq!(StreamFault::Fragments.fault(0).code(), 0x01);
    // What is stopped, reset or delivered is not held.
    for n in 0..20 {
        let id = id(4 * (n % 5) + 3);
        rest.accept_stream(id, 2 * n + 1, b"x", false, &mut |_| {}).unwrap();
        rest.stop(id, 0);
    }
}

#[test]
fn a_stream_that_nobody_wants_is_reset() {
    let mut streams = client(GENEROUS);
    let own = streams.open(BIDI).unwrap();
    streams.write(own, bytes(10)).unwrap();
    let mut stopped = Vec::new();
    streams
        .accept_stop_sending(own, 7, &mut |heard| stopped.push(heard == Heard::Stopped { id: own, code: 7 }))
        .unwrap();
    streams.accept_stop_sending(own, 8, &mut nothing).unwrap();
    assert_eq!(stopped, [true]);
    assert_eq!(controls(&mut streams), [Outgoing::ResetStream { id: own, code: 7, final_size: 0 }]);
    assert_eq!(streams.next_piece(1_000), None);
}

#[test]
fn a_stop_leaves_even_when_the_size_is_known() {
    let mut streams = client(GENEROUS);
    streams.accept_stream(id(3), 5, b"x", true, &mut |_| {}).unwrap();
    streams.stop(id(3), 9);
    assert_eq!(controls(&mut streams), [Outgoing::StopSending { id: id(3), code: 9 }]);
    assert!(streams.is_empty());
}
