use super::*;
use crate::endpoint::tests::{Bench, HERE, addresses, initial, later, long, options, short, source};
use crate::endpoint::{Limits, Options};
use crate::packet::tests::{CLIENT_DCID, shown};
use crate::rules::versions::{LongType, VERSION_1};

#[test]
fn the_initial_of_the_appendices_is_accepted_and_then_known() {
    for row in shown() {
        let mut bench = Bench::new(options());
        let accepted = bench.accepted(1_000, &row.client_initial).expect("RFC 9001 A.2, RFC 9369 A.2");
        let dcid = ConnectionId::new(&CLIENT_DCID).unwrap();
        let expected = Accepted {
            version: row.version,
            original_dcid: dcid,
            retry_source: None,
            dcid,
            local: accepted.local,
            peer: ConnectionId::EMPTY,
            addresses: addresses(1_000),
            is_validated: false,
        };
        assert_eq!(accepted, expected);
        bench.endpoint.accept(&accepted, 3);
        assert_eq!(bench.route(1_000, &row.client_initial), Route::Connection(3));
        // A server's packet is of no use to a server.
        assert_eq!(bench.route(1_000, &row.server_initial), Route::Drop(Dropped::Small));
        assert_eq!(bench.route(1_000, &row.retry), Route::Drop(Dropped::Unreadable(Discard::Misplaced)));
    }
}

#[test]
fn what_may_not_begin_a_connection_is_dropped() {
    let mut bench = Bench::new(options());
    let handshake = long(&VERSION_1, LongType::Handshake, &[1; 8], &[], 1_200);
    assert_eq!(bench.route(1_000, &handshake), Route::Drop(Dropped::NoConnection)); // spec: 9000-5.2.2-e
    let cut = long(&VERSION_1, LongType::Initial, &[1; 8], &[], 1_199);
    assert_eq!(bench.route(1_000, &cut), Route::Drop(Dropped::Small)); // spec: 9000-14.1-e
    for len in 0..8 {
        let datagram = initial(&vec![1; len], &[]);
        assert_eq!(bench.route(1_000, &datagram), Route::Drop(Dropped::ShortId)); // spec: 9000-7.2-e
        let early = long(&VERSION_1, LongType::ZeroRtt, &vec![1; len], &[], 1_200);
        assert_eq!(bench.route(1_000, &early), Route::Drop(Dropped::ShortId));
    }
    assert!(bench.accepted(1_000, &initial(&[1; 8], &[])).is_some());
}

#[test]
fn clients_accept_nobody() {
    // spec: 9000-5.2.1-e
    let mut bench = Bench::new(Options { side: Side::Client, ..options() });
    let id = bench.endpoint.connect(0, addresses(1_000).peer);
    for kind in [LongType::Initial, LongType::Handshake] {
        let dcids: [(&[u8], Route); 2] =
            [(&[1; 8], Route::Drop(Dropped::NoConnection)), (id.as_ref(), Route::Connection(0))];
        for (dcid, expected) in dcids {
            assert_eq!(bench.route(1_000, &long(&VERSION_1, kind, dcid, &[], 1_200)), expected);
        }
    }
    for row in shown() {
        for packet in [&row.server_initial, &row.retry] {
            assert_eq!(bench.route(1_000, packet), Route::Drop(Dropped::NoConnection));
        }
    }
}

#[test]
fn sources_that_nobody_can_answer_are_not_answered() {
    // spec: 9000-21.5-e
    let local = addresses(1).local;
    let peers = [
        "192.0.2.1:0",
        "192.0.2.1:7",
        "192.0.2.1:53",
        "0.0.0.0:9",
        "224.0.0.1:9",
        "255.255.255.255:9",
        "[ff02::1]:9",
    ];
    let peers = peers.map(|peer| peer.parse().unwrap()).into_iter().chain([local]);
    let mut bench = Bench::new(options());
    for peer in peers {
        for datagram in [initial(&[1; 8], &[]), short(source(HERE, 1).draw().as_ref(), 100)] {
            let route = bench.route_from(Addresses { local, peer }, &datagram);
            assert_eq!(route, Route::Drop(Dropped::Source), "{peer}");
        }
    }
    let mapped = "[::ffff:198.51.100.1]:443".parse().unwrap();
    assert_eq!(
        bench.route_from(Addresses { local, peer: mapped }, &initial(&[1; 8], &[])),
        Route::Drop(Dropped::Source)
    );
}

#[test]
fn a_datagram_for_another_place_is_handed_there_if_somebody_is() {
    let mut bench = Bench::new(options());
    let at = |process, worker| Place { process, worker };
    let (handed, reset) = (|place| Route::Hand(place), Some(Reply::StatelessReset));
    for place in [at(7, 1), at(8, 0), at(8, 900)] {
        let id = source(place, 9).draw();
        assert_eq!(bench.route(1_000, &short(id.as_ref(), 60)), handed(place));
        for kind in [LongType::Initial, LongType::ZeroRtt, LongType::Handshake] {
            assert_eq!(bench.route(1_000, &long(&VERSION_1, kind, id.as_ref(), &[], 1_200)), handed(place));
        }
        assert!(matches!(
            bench.orphaned(&short(id.as_ref(), 60)),
            Route::Reply { reply: Reply::StatelessReset, .. }
        ));
    }
    // A worker that this process had once.
    assert_eq!(bench.reply(1_000, &short(source(at(7, 2), 9).draw().as_ref(), 60)), reset);
    // Its connection may live elsewhere, as far as anybody knows.
    for id in [source(at(9, 0), 9).draw(), ConnectionId::new(&[0x77; 17]).unwrap()] {
        let route = bench.route(1_000, &short(id.as_ref(), 60));
        assert_eq!(route, Route::Drop(Dropped::NoConnection)); // spec: 9000-21.11-a
    }
}

#[test]
fn newcomers_are_passed_to_who_decides_and_settled_when_they_come_back() {
    let mut bench = Bench::new(options());
    let place = Place { process: 8, worker: 1 };
    bench.endpoint.pass(Some(place));
    let (first, early) = (initial(&[1; 8], &[]), early(1, 400));
    assert_eq!(bench.route(1_000, &first), Route::Pass(place));
    assert_eq!(bench.route(1_000, &early), Route::Pass(place));
    let handshake = long(&VERSION_1, LongType::Handshake, &[1; 8], &[], 1_200);
    assert_eq!(bench.route(1_000, &handshake), Route::Drop(Dropped::NoConnection));
    assert_eq!(bench.endpoint.counters().passed, 2);
    // What an id of ours tells that no connection has is for nobody else, until nothing begins here any more.
    let ours = initial(source(HERE, 9).draw().as_ref(), &[]);
    assert_eq!(bench.route(1_000, &ours), Route::Drop(Dropped::NoConnection));
    assert_eq!(bench.settle(&early), Route::Held);
    let Route::Accept(accepted) = bench.settle(&first) else { panic!("it begins here") };
    bench.endpoint.accept(&accepted, 3);
    assert_eq!(bench.route(1_000, &first), Route::Connection(3), "who is known is asked about no more");
    bench.endpoint.pass(None);
    assert!(bench.accepted(1_000, &initial(&[2; 8], &[])).is_some());
    bench.endpoint.pass(Some(place));
    bench.endpoint.drain();
    assert_eq!(bench.route(1_000, &ours), Route::Pass(place));
}

#[test]
fn what_is_settled_here_goes_nowhere_else() {
    let mut bench = Bench::new(crate::endpoint::tests::with_retry(crate::endpoint::Retry::Always));
    // A predecessor's Retry: its tokens are ours too, and its ids are told as such.
    let mut other = Options { ids: source(Place { process: 8, worker: 0 }, 5), ..options() };
    other.validation = crate::endpoint::tests::with_retry(crate::endpoint::Retry::Always).validation;
    let mut other = Bench::new(other);
    assert_eq!(other.reply(1_000, &initial(&[1; 8], &[])), Some(Reply::Retry));
    let door =
        crate::packet::Door { side: Side::Client, id_bytes: 0, fixed_bit: crate::packet::FixedBit::Required };
    let Ok(packet) = packet::parse(&other.out, &door) else { panic!("a Retry is a packet") };
    let Header::Retry { scid, token, .. } = packet.header else { panic!("it is a Retry") };
    let again = initial(scid, token);
    assert_eq!(bench.route(1_000, &again), Route::Hand(Place { process: 8, worker: 0 }));
    assert!(matches!(bench.settle(&again), Route::Accept(accepted) if accepted.is_validated));
    assert!(matches!(bench.orphaned(&again), Route::Accept(accepted) if accepted.is_validated));
    // No client made that id up.
    let without = initial(scid, &[]);
    assert_eq!(bench.settle(&without), Route::Drop(Dropped::NoConnection));
    assert_eq!(bench.orphaned(&without), Route::Drop(Dropped::NoConnection));
}

#[test]
fn processes_come_and_go() {
    let mut bench = Bench::new(options());
    let datagram = short(source(Place { process: 9, worker: 3 }, 9).draw().as_ref(), 60);
    assert_eq!(bench.route(1_000, &datagram), Route::Drop(Dropped::NoConnection));
    bench.endpoint.meet(vec![8, 9]);
    assert_eq!(bench.route(1_000, &datagram), Route::Hand(Place { process: 9, worker: 3 }));
    bench.endpoint.meet(vec![8]);
    assert_eq!(bench.route(1_000, &datagram), Route::Drop(Dropped::NoConnection));
}

#[test]
fn ids_of_ours_that_nobody_has_begin_nothing() {
    let mut bench = Bench::new(options());
    let gone = source(HERE, 9).draw();
    for kind in [LongType::Initial, LongType::ZeroRtt, LongType::Handshake] {
        let datagram = long(&VERSION_1, kind, gone.as_ref(), &[], 1_200);
        assert_eq!(bench.route(1_000, &datagram), Route::Drop(Dropped::NoConnection));
    }
}

#[test]
fn a_reset_ends_with_the_token_of_the_id() {
    let mut bench = Bench::new(options());
    let (alive, gone) = (bench.endpoint.connect(1, addresses(1_000).peer), source(HERE, 9).draw());
    for client in [1_000, 1_001] {
        // Another connection from the same address is no reason to leave this one waiting.
        assert_eq!(bench.reply(client, &short(gone.as_ref(), 60)), Some(Reply::StatelessReset));
        assert!(bench.endpoint.reset_token(&gone).ends(&bench.out));
        assert_eq!(bench.route(client, &short(alive.as_ref(), 60)), Route::Connection(1)); // spec: 9000-10.3-a
    }
}

#[test]
fn what_may_be_a_reset_goes_to_whom_that_address_talks_with() {
    let mut bench = Bench::new(options());
    bench.endpoint.connect(1, addresses(1_000).peer);
    assert_eq!(bench.route(1_000, &[0x4b; 40]), Route::PerhapsReset);
    assert_eq!(bench.endpoint.connections_with(addresses(1_000).peer).collect::<Vec<_>>(), [1]);
    assert_eq!(bench.route(1_001, &[0x4b; 40]), Route::Drop(Dropped::NoConnection));
}

#[test]
fn two_endpoints_do_not_reset_each_other_for_ever() {
    // spec: 9000-10.3.3-a
    let mut bench = Bench::new(options());
    let gone = source(HERE, 9).draw();
    let mut datagram = short(gone.as_ref(), 1_000);
    for bounces in 0.. {
        assert!(bounces < 60, "still {} bytes", datagram.len());
        if bench.reply(1_000, &datagram).is_none() {
            assert!(bounces > 0);
            break;
        }
        // The worst case: what is random in a reset happens to be an id of ours.
        let len = bench.out.len();
        datagram = short(gone.as_ref(), len);
    }
    assert_eq!(
        bench.route(1_000, &short(gone.as_ref(), 20)),
        Route::Drop(Dropped::Unreadable(Discard::TooShort))
    );
}

#[test]
fn resets_have_their_limit() {
    let mut options = options();
    options.limits.resets.resets_per_s = 3;
    let mut bench = Bench::new(options);
    let datagram = short(source(HERE, 9).draw().as_ref(), 60);
    for _ in 0..2 {
        for _ in 0..3 {
            assert_eq!(bench.reply(1_000, &datagram), Some(Reply::StatelessReset));
        }
        assert_eq!(bench.route(1_000, &datagram), Route::Drop(Dropped::Overloaded));
        later(&mut bench, 1_000);
    }
}

fn early(dcid: u8, len: usize) -> Vec<u8> {
    long(&VERSION_1, LongType::ZeroRtt, &[dcid; 8], &[], len)
}

#[test]
fn early_data_waits_for_the_initial_that_it_outran() {
    let mut bench = Bench::new(options());
    for (client, dcid, len) in [(1_000, 1, 400), (1_000, 2, 500), (2_000, 1, 600), (1_000, 1, 700)] {
        assert_eq!(bench.route(client, &early(dcid, len)), Route::Held);
    }
    let accepted = bench.accepted(1_000, &initial(&[1; 8], &[])).unwrap();
    let lens: Vec<usize> = bench.endpoint.take_early(&accepted).map(|held| held.bytes.len()).collect();
    assert_eq!(lens, [400, 700], "in order, of that client and that connection");
    assert_eq!(bench.endpoint.take_early(&accepted).count(), 0);
    bench.endpoint.accept(&accepted, 0);
    assert_eq!(bench.route(1_000, &early(1, 400)), Route::Connection(0));
    bench.endpoint.drain();
    assert_eq!(bench.route(1_000, &early(3, 400)), Route::Drop(Dropped::NoConnection));
}

#[test]
fn early_data_is_held_within_bounds() {
    // spec: 9000-5.2.2-d
    let limits = Limits { early_datagrams: 3, early_bytes: 1_000, early_ms: 100, ..Limits::default() };
    let full = Route::Drop(Dropped::Overloaded);
    let mut bench = Bench::new(Options { limits, ..options() });
    for expected in [Route::Held, Route::Held, Route::Held, full] {
        assert_eq!(bench.route(1_000, &early(1, 100)), expected, "as many as may be");
    }
    assert_eq!(bench.endpoint.deadline(), Some(bench.now + sakigake_wire::Span::from_millis(100)));
    later(&mut bench, 100);
    for (len, expected) in [(500, Route::Held), (501, full), (500, Route::Held), (100, full)] {
        assert_eq!(bench.route(1_000, &early(1, len)), expected, "{len} bytes");
    }
    later(&mut bench, 99);
    let now = bench.now;
    bench.endpoint.expire(now);
    assert!(bench.endpoint.deadline().is_some());
    later(&mut bench, 1);
    let now = bench.now;
    bench.endpoint.expire(now);
    assert_eq!(bench.endpoint.deadline(), None);
}

#[test]
fn no_cut_and_no_flipped_bit_of_a_first_packet_does_harm() {
    let packet = &shown()[0].client_initial;
    let mut bench = Bench::new(options());
    for len in 0..packet.len() {
        let route = bench.route(1_000, &packet[..len]);
        assert!(matches!(route, Route::Drop(_)), "{len}: {route:?}");
    }
    for bit in 0..60 * 8 {
        let mut changed = packet.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        bench.route(1_000, &changed);
    }
}
