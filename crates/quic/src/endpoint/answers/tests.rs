use super::*;
use crate::endpoint::tests::{Bench, initial, later, options, with_retry};
use crate::endpoint::{Limits, Options, Retry};
use crate::frame::{Frame, Terms, walk};
use crate::packet::{
    Discard, Forgeries, Header,
    tests::{CLIENT_DCID, door, shown, suite},
};
use crate::rules::{
    Epoch,
    versions::{VERSION_1, VERSION_2, is_reserved},
};

/// The first packet of a version that nobody speaks.
fn unknown(dcid: &[u8], scid: &[u8], len: usize) -> Vec<u8> {
    let ids = [&[dcid.len() as u8], dcid, &[scid.len() as u8], scid].concat();
    let mut bytes = [&[0x80, 0x0a, 0x1a, 0x2a, 0x3a], &ids[..]].concat();
    bytes.resize(len, 0);
    bytes
}

#[test]
fn an_unknown_version_is_answered_with_those_that_we_take() {
    // spec: 9000-5.2.2-a
    for (dcid, scid) in [(&[1; 8][..], &[2; 4][..]), (&[], &[]), (&[7; 255], &[9; 255])] {
        let mut bench = Bench::new(options());
        assert_eq!(bench.reply(1_000, &unknown(dcid, scid, 1_200)), Some(Reply::VersionNegotiation));
        let parsed = packet::parse(&bench.out, &door(Side::Client)).unwrap();
        let Header::VersionNegotiation { dcid: to, scid: from, versions } = parsed.header else { panic!() };
        assert_eq!((to, from), (scid, dcid));
        let versions: Vec<u32> = versions.iter().collect();
        assert_eq!(versions[..2], [VERSION_1.number, VERSION_2.number]);
        assert!(versions.len() == 3 && is_reserved(versions[2]));
        // Whoever gets it for a client's packet answers nothing.
        let answer = bench.out.clone();
        let misplaced = Route::Drop(Dropped::Unreadable(Discard::Misplaced));
        assert_eq!(bench.route(1_000, &answer), misplaced); // spec: 9000-6.1-e
        let mut long = answer;
        long.resize(1_200, 0);
        assert_eq!(bench.route(1_000, &long), misplaced); // spec: 9000-6.1-e
    }
}

#[test]
fn a_small_packet_of_an_unknown_version_is_dropped() {
    // spec: 9000-5.2.2-b
    let mut bench = Bench::new(options());
    for len in [7, 40, 1_199] {
        assert_eq!(bench.route(1_000, &unknown(&[], &[], len)), Route::Drop(Dropped::Small));
    }
}

#[test]
fn a_version_that_the_owner_does_not_take_is_unknown() {
    let mut bench = Bench::new(Options { versions: vec![&VERSION_2], ..options() });
    let [one, two] = shown();
    assert_eq!(bench.reply(1_000, &one.client_initial), Some(Reply::VersionNegotiation));
    let parsed = packet::parse(&bench.out, &door(Side::Client)).unwrap();
    let Header::VersionNegotiation { versions, .. } = parsed.header else { panic!() };
    assert!(versions.contains(VERSION_2.number) && !versions.contains(VERSION_1.number));
    assert!(bench.accepted(1_000, &two.client_initial).is_some());
}

#[test]
fn a_refusal_is_a_close_that_the_client_can_read() {
    // spec: 9000-5.2.2-c
    for row in shown() {
        let mut bench = Bench::new(options());
        bench.endpoint.drain();
        assert_eq!(bench.reply(1_000, &row.client_initial), Some(Reply::Refused));
        let keys = Keys::initial(suite(0x1301), row.version, &CLIENT_DCID, Side::Client).receive;
        let mut datagram = bench.out.clone();
        let parsed = packet::parse(&bench.out, &door(Side::Client)).unwrap();
        assert_eq!(parsed.len, datagram.len());
        let opened =
            keys.open(&mut datagram, parsed.number_at.unwrap(), None, &mut Forgeries::default()).unwrap();
        let frames: Vec<_> =
            walk(&datagram[opened.payload], Epoch::Initial, Terms::plain(Side::Server)).collect();
        let close = ConnectionClose { code: 0x02, frame_type: Some(0), reason: b"" };
        assert_eq!(frames, [Ok(Frame::ConnectionClose(close))]);
    }
}

#[test]
fn whom_the_owner_turns_away_hears_the_same_so_often_a_second() {
    // spec: 9000-5.2.2-c
    let mut bench =
        Bench::new(Options { limits: Limits { refusals_per_s: 2, ..Limits::default() }, ..options() });
    let [one, _] = shown();
    let turned_away = |bench: &mut Bench| {
        let accepted = bench.accepted(1_000, &one.client_initial).expect("it may begin");
        let (now, addresses) = (bench.now, accepted.addresses);
        let arrived = Arrived { now, unix_secs: 0, bytes: &one.client_initial, addresses };
        let mut out = [0; 1_200];
        let route = bench.endpoint.turn_away(&arrived, &accepted, &mut out);
        if let Route::Reply { len, .. } = route {
            assert!(len < 100, "{len}");
            let keys = Keys::initial(suite(0x1301), one.version, &CLIENT_DCID, Side::Client).receive;
            let number_at = packet::parse(&out[..len], &door(Side::Client)).unwrap().number_at.unwrap();
            let opened = keys.open(&mut out[..len], number_at, None, &mut Forgeries::default()).unwrap();
            let frames = walk(&out[opened.payload], Epoch::Initial, Terms::plain(Side::Server));
            let close = ConnectionClose { code: 0x02, frame_type: Some(0), reason: b"" };
            assert_eq!(frames.collect::<Vec<_>>(), [Ok(Frame::ConnectionClose(close))]);
        }
        route
    };
    for _ in 0..2 {
        assert!(matches!(turned_away(&mut bench), Route::Reply { reply: Reply::Refused, .. }));
    }
    assert_eq!(turned_away(&mut bench), Route::Drop(Dropped::Overloaded));
    later(&mut bench, 1_000);
    assert!(matches!(turned_away(&mut bench), Route::Reply { .. }));
    let counters = bench.endpoint.counters();
    assert_eq!((counters.refused, counters.overloaded, counters.accepted), (3, 1, 0));
}

#[test]
fn answers_have_their_limits() {
    let limits =
        Limits { version_negotiations_per_s: 2, retries_per_s: 3, refusals_per_s: 4, ..Limits::default() };
    let negotiating = (options(), unknown(&[1; 8], &[], 1_200), 2);
    let retrying = (with_retry(Retry::Always), initial(&[1; 8], &[]), 3);
    let refusing = (options(), initial(&[1; 8], &[]), 4);
    for (options, datagram, per_s) in [negotiating, retrying, refusing] {
        let mut bench = Bench::new(Options { limits, ..options });
        if per_s == 4 {
            bench.endpoint.drain();
        }
        for _ in 0..2 {
            for _ in 0..per_s {
                assert!(bench.reply(1_000, &datagram).is_some(), "{per_s}");
            }
            assert_eq!(bench.route(1_000, &datagram), Route::Drop(Dropped::Overloaded));
            later(&mut bench, 1_000);
        }
    }
}

#[test]
fn without_room_nothing_is_answered() {
    let mut bench = Bench::new(with_retry(Retry::Always));
    for room in [0, 1, 20, 40] {
        for datagram in [unknown(&[1; 20], &[1; 20], 1_200), initial(&[1; 8], &[])] {
            let route = bench.route_into(room, &datagram);
            assert_eq!(route, Route::Drop(Dropped::Overloaded));
        }
    }
    bench.endpoint.drain();
    for room in 0..54 {
        let datagram = initial(&[1; 8], &[]);
        let route = bench.route_into(room, &datagram);
        assert_eq!(route, Route::Drop(Dropped::Overloaded), "{room}");
    }
}
