//! What the tests of the endpoint share, and what it knows of connections.

pub(crate) use super::fuzz::{HERE, UNIX_SECS, addresses, long, options, short, source, tokens};

use super::*;
use crate::ids::tests::Count;
use crate::paths::Addresses;
use crate::rules::versions::{LongType, VERSION_1};
use sakigake_wire::Span;

pub(crate) fn with_retry(retry: Retry) -> Options {
    Options { validation: Some(Validation { tokens: tokens(), retry }), ..options() }
}

/// An endpoint, the time, and the buffer that it writes into.
pub(crate) struct Bench {
    pub(crate) endpoint: Endpoint,
    pub(crate) now: Instant,
    entropy: Count,
    pub(crate) out: Vec<u8>,
}

impl Bench {
    pub(crate) fn new(options: Options) -> Self {
        let endpoint = Endpoint::new(options);
        Self { endpoint, now: Instant::from_nanos(5_000_000_000), entropy: Count(77), out: Vec::new() }
    }

    pub(crate) fn route(&mut self, client: u16, bytes: &[u8]) -> Route {
        self.route_from(addresses(client), bytes)
    }

    /// What is written is left in `out`, and is never as long as what it answers.
    pub(crate) fn route_from(&mut self, addresses: Addresses, bytes: &[u8]) -> Route {
        let arrived = Arrived { now: self.now, unix_secs: UNIX_SECS, bytes, addresses };
        self.out = vec![0; 1_200];
        let route = self.endpoint.route(&arrived, &mut self.entropy, &mut self.out);
        if let Route::Reply { len, .. } = route {
            assert!(len < bytes.len(), "{len} bytes for {}", bytes.len());
            self.out.truncate(len);
        }
        route
    }

    /// Where there is so much room for an answer.
    pub(crate) fn route_into(&mut self, room: usize, bytes: &[u8]) -> Route {
        let arrived = Arrived { now: self.now, unix_secs: UNIX_SECS, bytes, addresses: addresses(1_000) };
        self.endpoint.route(&arrived, &mut self.entropy, &mut vec![0; room])
    }

    pub(crate) fn orphaned(&mut self, bytes: &[u8]) -> Route {
        let addresses = addresses(1_000);
        let arrived = Arrived { now: self.now, unix_secs: UNIX_SECS, bytes, addresses };
        self.endpoint.orphaned(&arrived, &mut self.entropy, &mut self.out)
    }

    pub(crate) fn settle(&mut self, bytes: &[u8]) -> Route {
        let addresses = addresses(1_000);
        let arrived = Arrived { now: self.now, unix_secs: UNIX_SECS, bytes, addresses };
        self.out = vec![0; 1_200];
        self.endpoint.settle(&arrived, &mut self.entropy, &mut self.out)
    }

    pub(crate) fn reply(&mut self, client: u16, bytes: &[u8]) -> Option<Reply> {
        match self.route(client, bytes) {
            Route::Reply { reply, .. } => Some(reply),
            _ => None,
        }
    }

    pub(crate) fn accepted(&mut self, client: u16, bytes: &[u8]) -> Option<Accepted> {
        match self.route(client, bytes) {
            Route::Accept(accepted) => Some(accepted),
            _ => None,
        }
    }
}

/// The first datagram of a client that chose `dcid`.
pub(crate) fn initial(dcid: &[u8], token: &[u8]) -> Vec<u8> {
    long(&VERSION_1, LongType::Initial, dcid, token, 1_200)
}

#[test]
fn an_owner_tells_whose_ids_are_whose() {
    // spec: 9000-5.2-e
    let mut bench = Bench::new(options());
    let accepted = bench.accepted(1_000, &initial(&[1; 8], &[])).unwrap();
    bench.endpoint.accept(&accepted, 4);
    let more = bench.endpoint.issue(4);
    let other = bench.endpoint.connect(5, addresses(2_000).peer);
    for (id, index) in [(accepted.local, 4), (more, 4), (other, 5)] {
        assert_eq!(bench.route(1_000, &short(id.as_ref(), 50)), Route::Connection(index));
        assert_eq!(bench.route(9_000, &short(id.as_ref(), 50)), Route::Connection(index), "from anywhere");
    }
    assert_eq!(bench.route(1_000, &initial(&[1; 8], &[])), Route::Connection(4));
    bench.endpoint.retire(&more);
    bench.endpoint.retire(&more);
    assert_eq!(bench.reply(1_000, &short(more.as_ref(), 50)), Some(Reply::StatelessReset));
    assert_eq!(bench.route(1_000, &short(accepted.local.as_ref(), 50)), Route::Connection(4));

    assert_eq!(bench.endpoint.connections(), 2);
    bench.endpoint.forget(4);
    bench.endpoint.forget(4);
    assert_eq!((bench.endpoint.connections(), bench.endpoint.routes.ids()), (1, 1));
    assert_eq!(bench.reply(1_000, &short(accepted.local.as_ref(), 50)), Some(Reply::StatelessReset));
    bench.endpoint.forget(5);
    assert_eq!((bench.endpoint.connections(), bench.endpoint.routes.ids()), (0, 0));
}

#[test]
fn half_open_connections_are_counted_until_they_are_validated_or_gone() {
    let mut bench = Bench::new(options());
    for index in 0..3 {
        let accepted = bench.accepted(1_000, &initial(&[index as u8; 8], &[])).unwrap();
        bench.endpoint.accept(&accepted, index);
    }
    assert_eq!(bench.endpoint.half_open(), 3);
    bench.endpoint.validated(1);
    bench.endpoint.validated(1);
    bench.endpoint.forget(1);
    assert_eq!(bench.endpoint.half_open(), 2);
    bench.endpoint.forget(0);
    assert_eq!(bench.endpoint.half_open(), 1);
}

#[test]
fn connections_are_found_by_where_their_peer_is_now() {
    let mut options = options();
    options.limits.reset_candidates = 2;
    let mut bench = Bench::new(options);
    for index in 0..3 {
        bench.endpoint.connect(index, addresses(1_000).peer);
    }
    let with =
        |bench: &Bench, client| bench.endpoint.connections_with(addresses(client).peer).collect::<Vec<_>>();
    assert_eq!(with(&bench, 1_000), [0, 1], "of three, as many as the limit");
    bench.endpoint.moved(0, addresses(2_000).peer);
    bench.endpoint.forget(1);
    assert_eq!((with(&bench, 1_000), with(&bench, 2_000), with(&bench, 3_000)), (vec![2], vec![0], vec![]));
}

#[test]
fn counters_tell_what_became_of_each_datagram() {
    let mut bench = Bench::new(options());
    let accepted = bench.accepted(1_000, &initial(&[1; 8], &[])).unwrap();
    bench.endpoint.accept(&accepted, 0);
    bench.route(1_000, &initial(&[1; 8], &[]));
    bench.route(1_000, &[]);
    bench.route(1_000, &initial(&[1; 7], &[]));
    bench.route(1_000, &short(&[1; 17], 40));
    bench.route(2_000, &short(source(HERE, 5).draw().as_ref(), 40));
    let expected = Counters {
        accepted: 1,
        routed: 1,
        unreadable: 1,
        dropped: 1,
        perhaps_resets: 1,
        stateless_resets: 1,
        ..Counters::default()
    };
    assert_eq!(*bench.endpoint.counters(), expected);
}

pub(crate) fn later(bench: &mut Bench, millis: u64) {
    bench.now += Span::from_millis(millis);
}
