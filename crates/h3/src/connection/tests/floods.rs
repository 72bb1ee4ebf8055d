//! What costs a peer little and us something is bounded, and what is given up leaves nothing behind.

use super::*;
use sakigake_wire::Span;

/// How often `act` may be done before it is a fault, and which.
fn times(mut act: impl FnMut(u64) -> Result<(), Fault>) -> (u64, Fault) {
    (0..10_000).find_map(|number| act(number).err().map(|fault| (number, fault))).expect("it has an end")
}

/// Nothing of what was given up is left.
fn assert_forgotten(side: &mut Connection) {
    departures(side);
    assert_eq!((side.exchanges.len(), side.used.len(), side.waiting_bytes), (0, 0, 0));
    assert_eq!((side.queued_bytes(), side.held_bytes(), side.departures.len()), (0, 0, 0));
}

#[test]
fn resets_by_the_thousand_have_an_end() {
    for (bytes, is_reset) in [(GET, true), ("01 08 0000 d1", true), ("01 03 0000 d1", false), ("", false)] {
        let mut server = server_with(0, Limits::default());
        let mut now = NOW;
        let outcome = times(|number| {
            let stream = StreamId(4 * number);
            let handled = server.handle(now, stream, &hex(bytes), !is_reset, &mut |_| ());
            let ended = handled.and_then(|()| {
                if is_reset { server.reset_heard(now, stream, 0x10c, &mut |_| ()) } else { Ok(()) }
            });
            if ended.is_ok() {
                assert_forgotten(&mut server);
            }
            // A thousand more each ten seconds are nobody's flood.
            if number == 999 {
                now += Span::from_secs(10);
            }
            ended
        });
        assert_eq!(outcome, (2_000, Fault::Flood(Flood::Resets)), "{bytes}");
    }
}

#[test]
fn whoever_stops_responses_by_the_thousand_is_no_better() {
    let mut server = server_with(0, Limits::default());
    let outcome = times(|number| {
        let stream = StreamId(4 * number);
        server.handle(NOW, stream, &hex(GET), true, &mut |_| ())?;
        server.respond(stream, &Response::new(200), false).unwrap();
        server.send(stream, Chunk::Owned(vec![1; 2_000]), false).unwrap();
        server.stop_heard(NOW, stream, 0x10c, &mut |_| ())?;
        assert_forgotten(&mut server);
        Ok(())
    });
    assert_eq!(outcome, (1_000, Fault::Flood(Flood::Resets)));
}

/// Packets overtake each other, so that a request may be given up before anything of it comes.
#[test]
fn a_request_that_is_given_up_before_it_comes_is_over_both_ways() {
    // spec: 9204-2.2.2.2-a
    let table = "3f e1 1f"; // The client has a table here, which the stream may have referred to.
    for is_reset in [true, false] {
        let mut server = server_with(0, Limits::default());
        server.handle(NOW, StreamId(2), &hex(&format!("02 {table}")), false, &mut |_| ()).unwrap();
        let mut heard = |event: Event<'_>| panic!("nobody was asked: {event:?}");
        if is_reset {
            server.reset_heard(NOW, StreamId(4), 0x10c, &mut heard).unwrap();
        } else {
            server.stop_heard(NOW, StreamId(4), 0x10c, &mut heard).unwrap();
            // What comes late finds nobody.
            server.handle(NOW, StreamId(4), &hex(GET), true, &mut heard).unwrap();
        }
        let told = departures(&mut server);
        let ends = told.iter().filter(|departure| match departure {
            Departure::Reset { stream, code: 0x10b } => is_reset && stream.0 == 4,
            Departure::Stop { stream, code: 0x10b } => !is_reset && stream.0 == 4,
            _ => false,
        });
        assert_eq!(ends.count(), 1, "{told:?}");
        let decoder_stream = told.iter().find_map(|departure| match departure {
            Departure::Bytes { chunk, .. } if chunk.as_ref()[0] == 3 => Some(chunk.as_ref().to_vec()),
            _ => None,
        });
        assert_eq!(decoder_stream, Some(hex("03 44")), "the encoder need not keep what it referred to");
        assert_forgotten(&mut server);
    }
}

#[test]
fn requests_that_never_come_are_counted_like_those_that_are_given_up() {
    for is_reset in [true, false] {
        let mut server = server_with(0, Limits::default());
        let outcome = times(|number| {
            let stream = StreamId(4 * number);
            let ended = match is_reset {
                true => server.reset_heard(NOW, stream, 0x10c, &mut |_| ()),
                false => server.stop_heard(NOW, stream, 0x10c, &mut |_| ()),
            };
            if ended.is_ok() {
                assert_forgotten(&mut server);
            }
            ended
        });
        assert_eq!(outcome, (1_000, Fault::Flood(Flood::Resets)));
    }
}

/// A section of few bytes may say much by the tables: whoever keeps what he is told would keep all of it.
#[test]
fn a_response_that_is_never_final_has_an_end() {
    let limits = Limits { interim_responses: 3, ..Limits::default() };
    for more in [0, 1] {
        let mut client = Connection::client(Arc::new(Config { limits, ..Config::default() }));
        let streams =
            [0, 4].map(|_| client.request(&Request::get("a.example", "/"), true).expect("it may").0);
        let mut heards = Heards::new();
        for _ in 0..3 + more {
            let mut heard = |event: Event<'_>| note(&mut heards, event);
            client.handle(NOW, StreamId(streams[0]), &hex("01 03 0000 d8"), false, &mut heard).unwrap();
        }
        let mut heard = |event: Event<'_>| note(&mut heards, event);
        client.handle(NOW, StreamId(streams[0]), &hex(OK), true, &mut heard).unwrap();
        client.handle(NOW, StreamId(streams[1]), &hex("01 03 0000 d8"), false, &mut heard).unwrap();
        let last = if more == 0 { "0: response 200 true" } else { "0: reset 0x107 false" };
        assert_eq!(heards, ["0: interim 103", "0: interim 103", "0: interim 103", last, "4: interim 103"]);
        let stops = departures(&mut client);
        let stops = stops.iter().filter(|told| matches!(told, Departure::Stop { code: 0x107, .. }));
        assert_eq!(stops.count(), more);
    }
}

#[test]
fn streams_that_end_before_they_say_what_they_are_are_counted_too() {
    let limits = Limits { unknown_streams_per_10_s: 3, ..Limits::default() };
    for (begun, is_reset) in [("40", true), ("40", false), ("", true), ("", false)] {
        let mut server = server_with(0, limits);
        let outcome = times(|number| {
            let stream = StreamId(2 + 4 * number);
            server.handle(NOW, stream, &hex(begun), !is_reset, &mut |_| ())?;
            if is_reset { server.reset_heard(NOW, stream, 0x10c, &mut |_| ()) } else { Ok(()) }
        });
        assert_eq!(outcome, (3, Fault::Flood(Flood::UnknownStreams)), "{begun:?} {is_reset}");
    }
    // Whose type is known, and not wanted, counts once.
    let mut server = server_with(0, limits);
    for number in 0..3 {
        let stream = StreamId(2 + 4 * number);
        server.handle(NOW, stream, &hex("40 21"), false, &mut |_| ()).unwrap();
        server.reset_heard(NOW, stream, 0x10c, &mut |_| ()).unwrap();
    }
}

/// A byte of the wire repeats an entry of kilobytes.
#[test]
fn a_table_is_not_filled_for_nothing() {
    let limits = Limits { insertions_per_10_s: 40, ..Limits::default() };
    let (begin, duplicate) = (hex("02 3f e1 1f c1 00"), hex("00"));
    let new = || {
        let mut server = server_with(0, limits);
        server.handle(NOW, StreamId(2), &begin, false, &mut |_| ()).unwrap();
        server
    };
    let fault = Fault::Flood(Flood::Insertions);
    let mut server = new();
    assert_eq!(times(|_| server.handle(NOW, StreamId(2), &duplicate, false, &mut |_| ())), (39, fault));
    assert_eq!(new().handle(NOW, StreamId(2), &[0; 40], false, &mut |_| ()), Err(fault), "in one go too");
    // Who asks for something has reason to.
    let mut server = new();
    let mut asks = |number: u64| {
        server.handle(NOW, StreamId(2), &[0; 10], false, &mut |_| ())?;
        server.handle(NOW, StreamId(4 * number), &hex(GET), true, &mut |_| ())
    };
    assert!((0..100).all(|number| asks(number).is_ok()));
    // And time goes on.
    let mut server = new();
    for number in 0..10 {
        let now = NOW + Span::from_secs(10 * number);
        server.handle(now, StreamId(2), &[0; 39], false, &mut |_| ()).unwrap();
    }
}

#[test]
fn a_control_stream_does_not_run_on() {
    let most = u64::from(Limits::default().controls_per_10_s);
    for (client, frame) in [
        (false, "07 01 08"),
        (false, "0d 01 08"),
        (true, "07 01 08"),
        (true, "40f0 01 00"),
        (true, "0c 00"),
        (false, "21 00"),
    ] {
        let mut side =
            if client { Connection::client(Arc::default()) } else { server_with(0, Limits::default()) };
        let control = StreamId(if client { 3 } else { 2 });
        side.handle(NOW, control, &hex("00 04 00"), false, &mut |_| ()).unwrap();
        let outcome = times(|_| side.handle(NOW, control, &hex(frame), false, &mut |_| ()));
        assert_eq!(outcome, (most, Fault::Flood(Flood::Controls)), "{frame}");
        assert!(matches!(departures(&mut side)[..], [Departure::Close { code: 0x107 }]));
    }
    assert_eq!(plays(false, &[(2, "00 04 00 03 01 00", false)]).1, Err(Fault::Push), "nothing was promised");
}

#[test]
fn streams_that_nobody_knows_leave_nothing_behind() {
    let mut server = server_with(0, Limits::default());
    for number in 0..30 {
        let stream = StreamId(2 + 4 * number);
        server.handle(NOW, stream, &hex("40 21 6161"), false, &mut |_| ()).unwrap();
        server.handle(NOW, stream, &hex("00 04 00"), false, &mut |_| panic!("it is not read")).unwrap();
        let told = departures(&mut server);
        assert!(told.iter().any(|departure| matches!(departure, Departure::Stop { code: 0x103, .. })));
    }
    assert_eq!(server.unis.len(), 0);
}
