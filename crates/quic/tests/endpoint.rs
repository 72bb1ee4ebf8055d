//! A client's and a server's endpoint with their connections, over a link in memory.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use sakigake_crypto::{
    Secret,
    aws_lc::{AES_128_BLOCK, PROVIDER, SHA256},
};
use sakigake_quic::{
    connection::{self, Attempt, Chance, Closed, Config, Connection, Event, Received},
    endpoint::{
        Arrived, Counters, Endpoint, Limits, Neighbours, Options, Reply, Retry, Route, Validation,
        reset::ResetKey,
        token::{AddressTokens, Lives},
    },
    ids::{ConnectionId, IdKeys, IdSource, Place},
    packet::FixedBit,
    paths::Addresses,
    recovery::acks::Mark,
    rules::{
        Side,
        versions::{VERSION_1, VERSION_2, Version},
    },
    streams::{Chunk, Direction, Heard, StreamId},
};
use sakigake_tls::{self as tls, Credential, KeyRing, Rotation, TicketKey, WebPki};
use sakigake_wire::{Entropy, Instant, Span};
use std::{collections::BTreeMap, collections::VecDeque, sync::Arc, sync::LazyLock};

/// 2026-06-01.
const UNIX_SECS: u64 = 1_780_272_000;
const DELAY: Span = Span::from_millis(10);
const MOST_TURNS: usize = 100_000;

/// Bytes that a seed decides.
struct Seeded(u64);

impl Entropy for Seeded {
    fn fill(&mut self, out: &mut [u8]) {
        for byte in out {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = (self.0 >> 56) as u8;
        }
    }
}

static CREDENTIAL: LazyLock<(Vec<u8>, Arc<Credential>)> = LazyLock::new(|| {
    let authority = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = params.self_signed(&authority).unwrap().der().to_vec();
    let issuer = Issuer::new(params, authority);
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["example.com".to_owned()]).unwrap();
    let leaf = params.signed_by(&key, &issuer).unwrap().pem();
    let pem = key.serialize_pem();
    (root, Arc::new(Credential::from_pem(&PROVIDER, leaf.as_bytes(), pem.as_bytes()).unwrap()))
});

/// What one connection's owner has heard.
#[derive(Default)]
struct Ear {
    data: BTreeMap<StreamId, Vec<u8>>,
    finished: Vec<StreamId>,
    is_confirmed: bool,
    ticket: Option<tls::Session>,
    token: Vec<u8>,
    versions: Vec<u32>,
    closed: Option<Closed>,
    retired: Vec<ConnectionId>,
    is_validated: bool,
    due: Vec<(StreamId, u64)>,
}

impl Ear {
    fn hear(&mut self, event: Event<'_>) {
        match event {
            Event::Stream(Heard::Data { id, bytes }) => {
                self.data.entry(id).or_default().extend_from_slice(bytes);
                self.due.push((id, bytes.len() as u64));
            }
            Event::Stream(Heard::Finished { id }) => self.finished.push(id),
            Event::Ticket(session) => self.ticket = Some(*session),
            Event::NewToken(token) => self.token = token.to_vec(),
            Event::OtherVersions(versions) => self.versions = versions.to_vec(),
            Event::Retired(id) => self.retired.push(id),
            Event::Closed(closed) => self.closed = Some(closed),
            Event::Validated(_) | Event::Established => self.is_validated = true,
            Event::Confirmed => self.is_confirmed = true,
            _ => {}
        }
    }
}

/// An endpoint and the connections that it knows by index.
struct Host {
    endpoint: Endpoint,
    seats: Vec<Option<(Connection, Ear)>>,
    address: core::net::SocketAddr,
    quic: Arc<Config>,
    entropy: Seeded,
}

/// A datagram under way.
struct Flying {
    at: Instant,
    bytes: Vec<u8>,
    addresses: Addresses,
}

struct World {
    now: Instant,
    client: Host,
    server: Host,
    client_tls: Arc<tls::client::Config>,
    server_tls: Arc<tls::server::Config>,
    flying: VecDeque<Flying>,
    is_reversed: bool,
    /// What the server answered without a connection, in order.
    replies: Vec<Reply>,
}

/// How a story begins.
struct Setting {
    retry: Option<Retry>,
    server_versions: Vec<&'static Version>,
    limits: Limits,
}

impl Default for Setting {
    fn default() -> Self {
        Self { retry: None, server_versions: vec![&VERSION_1, &VERSION_2], limits: Limits::default() }
    }
}

fn chance(seed: u64) -> Chance {
    Chance { tls: Box::new(Seeded(seed)), quic: Box::new(Seeded(seed ^ 0xdead_beef)) }
}

/// Takes early data as often as it comes.
struct Anything;

impl tls::server::AntiReplay for Anything {
    fn is_first(&self, _: u64, _: u64, _: &[u8]) -> bool {
        true
    }
}

fn ring(seed: u64) -> Arc<KeyRing> {
    let key = TicketKey::draw(UNIX_SECS - 1_000, Rotation::default(), &mut Seeded(seed));
    Arc::new(KeyRing::new(PROVIDER.suite(0x1301).unwrap(), vec![key]))
}

fn host(side: Side, setting: &Setting) -> Host {
    let suite = PROVIDER.suite(0x1301).unwrap();
    let tokens = Arc::new(AddressTokens::new(ring(1), Lives::default()));
    let reset_key = ResetKey::new(&SHA256, Secret::new(&[side as u8; 32]));
    let is_server = side == Side::Server;
    let versions = if is_server { setting.server_versions.clone() } else { vec![&VERSION_2, &VERSION_1] };
    let quic = connection::Options {
        versions: versions.clone(),
        reset_key: Some(reset_key.clone()),
        tokens: setting.retry.map(|_| Arc::clone(&tokens)),
        unix_secs_at_start: UNIX_SECS,
        ..connection::Options::default()
    };
    let place = Place { process: 1, worker: 0 };
    let key = [side as u8; 16];
    let endpoint = Endpoint::new(Options {
        side,
        suite,
        versions,
        fixed_bit: FixedBit::Ignored,
        ids: IdSource::new(0, &AES_128_BLOCK, &key, place, &mut Seeded(2)),
        keys: IdKeys::new().with(0, &AES_128_BLOCK, &key),
        neighbours: Neighbours { workers: 1, processes: Vec::new() },
        reset_key,
        validation: setting.retry.map(|retry| Validation { tokens, retry }),
        limits: setting.limits,
    });
    let address = if is_server { "192.0.2.2:443" } else { "192.0.2.1:4000" };
    Host {
        endpoint,
        seats: Vec::new(),
        address: address.parse().unwrap(),
        quic: quic.build(&PROVIDER).unwrap(),
        entropy: Seeded(3),
    }
}

impl Host {
    fn handle(&mut self, now: Instant, index: usize, bytes: &mut [u8], addresses: Addresses) {
        if let Some((connection, ear)) = self.seats.get_mut(index).and_then(Option::as_mut) {
            let received = Received { bytes, addresses, mark: Mark::NotEct };
            connection.handle(now, received, &mut |event| ear.hear(event));
        }
    }

    /// What an owner does after each turn.
    fn settle(&mut self) {
        for (index, seat) in self.seats.iter_mut().enumerate() {
            let Some((connection, ear)) = seat else { continue };
            ear.due.drain(..).for_each(|(id, bytes)| connection.consume(id, bytes));
            ear.retired.drain(..).for_each(|id| self.endpoint.retire(&id));
            if ear.is_validated {
                self.endpoint.validated(index);
            }
            while connection.ids_wanted() > 0 {
                let id = self.endpoint.issue(index);
                assert!(connection.issue(id));
            }
            if connection.is_over() {
                self.endpoint.forget(index);
            }
        }
    }

    /// What is to leave, in order or the last first.
    fn transmit(&mut self, now: Instant, flying: &mut VecDeque<Flying>, is_reversed: bool) {
        let mut out = vec![0; 65_535];
        for (connection, _) in self.seats.iter_mut().flatten() {
            while let Some(transmit) = connection.transmit(now, &mut out) {
                for bytes in out[..transmit.len].chunks(transmit.segment_bytes) {
                    let addresses = back(transmit.addresses);
                    let datagram = Flying { at: now + DELAY, bytes: bytes.to_vec(), addresses };
                    if is_reversed { flying.push_front(datagram) } else { flying.push_back(datagram) }
                }
            }
        }
    }

    fn expire(&mut self, now: Instant) {
        self.endpoint.expire(now);
        for (connection, ear) in self.seats.iter_mut().flatten() {
            if connection.deadline().is_some_and(|deadline| deadline <= now) {
                connection.expire(now, &mut |event| ear.hear(event));
            }
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let connections = self.seats.iter().flatten().filter_map(|(connection, _)| connection.deadline());
        connections.chain(self.endpoint.deadline()).min()
    }

    fn connection(&mut self, index: usize) -> &mut Connection {
        &mut self.seats[index].as_mut().expect("a connection").0
    }

    fn ear(&self, index: usize) -> &Ear {
        &self.seats[index].as_ref().expect("a connection").1
    }
}

/// The same path as the other end sees it.
fn back(addresses: Addresses) -> Addresses {
    Addresses { local: addresses.peer, peer: addresses.local }
}

impl World {
    fn new(setting: &Setting) -> Self {
        let mut verifier = WebPki::new(&PROVIDER);
        verifier.trust(&CREDENTIAL.0).unwrap();
        let client_tls = tls::client::Options {
            verifier: Some(Arc::new(verifier)),
            alpn: vec![b"hq-interop".to_vec()],
            tickets: Some(tls::extension::TicketRequest { new_session_count: 1, resumption_count: 1 }),
            early_data: true,
            unix_secs_at_start: UNIX_SECS,
            ..tls::client::Options::new(&PROVIDER)
        };
        let server_tls = tls::server::Options {
            credentials: vec![Arc::clone(&CREDENTIAL.1)],
            alpn: vec![b"hq-interop".to_vec()],
            tickets: Some(tls::Tickets::new(ring(4))),
            early_data: Some(tls::server::EarlyDataPolicy::new(Arc::new(Anything))),
            unix_secs_at_start: UNIX_SECS,
            ..tls::server::Options::new(&PROVIDER)
        };
        Self {
            now: Instant::from_nanos(1_000_000_000),
            client: host(Side::Client, setting),
            server: host(Side::Server, setting),
            client_tls: client_tls.build().unwrap(),
            server_tls: server_tls.build().unwrap(),
            flying: VecDeque::new(),
            is_reversed: false,
            replies: Vec::new(),
        }
    }

    fn connect(&mut self, token: Vec<u8>, version: Option<&'static Version>, has_reacted: bool) -> usize {
        self.attempt(None, token, version, has_reacted)
    }

    fn attempt(
        &mut self,
        session: Option<tls::Session>,
        token: Vec<u8>,
        version: Option<&'static Version>,
        has_reacted: bool,
    ) -> usize {
        let host = &mut self.client;
        let index = host.seats.len();
        let addresses = Addresses { local: host.address, peer: self.server.address };
        let attempt = Attempt {
            server_name: "example.com",
            session,
            token,
            addresses,
            local: host.endpoint.connect(index, addresses.peer),
            version,
            has_reacted,
        };
        let (tls, quic) = (Arc::clone(&self.client_tls), Arc::clone(&host.quic));
        let connection = Connection::client(tls, quic, attempt, self.now, chance(10 + index as u64)).unwrap();
        host.seats.push(Some((connection, Ear::default())));
        index
    }

    /// Lets time pass until `done`, or until nothing more happens.
    fn run(&mut self, mut done: impl FnMut(&mut Self) -> bool) -> bool {
        for _ in 0..MOST_TURNS {
            for host in [&mut self.client, &mut self.server] {
                host.settle();
                host.transmit(self.now, &mut self.flying, self.is_reversed);
            }
            if done(self) {
                return true;
            }
            let arrival = self.flying.iter().map(|flying| flying.at).min();
            let deadlines = [self.client.deadline(), self.server.deadline()];
            let Some(next) = deadlines.into_iter().flatten().chain(arrival).min() else { return false };
            self.now = self.now.max(next);
            while let Some(due) = self.flying.iter().position(|flying| flying.at <= self.now) {
                let flying = self.flying.remove(due).expect("it is there");
                self.deliver(flying);
            }
            self.client.expire(self.now);
            self.server.expire(self.now);
        }
        panic!("the story has no end");
    }

    fn deliver(&mut self, Flying { mut bytes, addresses, .. }: Flying) {
        let now = self.now;
        let is_for_server = addresses.local == self.server.address;
        let host = if is_for_server { &mut self.server } else { &mut self.client };
        let unix_secs = UNIX_SECS + now.as_nanos() / 1_000_000_000;
        let arrived = Arrived { now, unix_secs, bytes: &bytes, addresses };
        let mut out = [0; 1_200];
        match host.endpoint.route(&arrived, &mut host.entropy, &mut out) {
            Route::Connection(index) => host.handle(now, index, &mut bytes, addresses),
            Route::Accept(accepted) => {
                let index = host.seats.len();
                let (tls, quic) = (Arc::clone(&self.server_tls), Arc::clone(&host.quic));
                let connection = Connection::server(tls, quic, &accepted, now, chance(1_000 + index as u64));
                host.endpoint.accept(&accepted, index);
                host.seats.push(Some((connection, Ear::default())));
                host.handle(now, index, &mut bytes, addresses);
                let early: Vec<_> = host.endpoint.take_early(&accepted).collect();
                early.into_iter().for_each(|mut held| host.handle(now, index, &mut held.bytes, addresses));
            }
            Route::Reply { len, reply } => {
                self.replies.push(reply);
                let at = now + DELAY;
                self.flying.push_back(Flying { at, bytes: out[..len].to_vec(), addresses: back(addresses) });
            }
            Route::PerhapsReset => {
                let perhaps: Vec<_> = host.endpoint.connections_with(addresses.peer).collect();
                perhaps.into_iter().for_each(|index| host.handle(now, index, &mut bytes.clone(), addresses));
            }
            Route::Hand(_) | Route::Pass(_) | Route::Held | Route::Drop(_) => {}
        }
    }

    /// Until both sides of the client's connection `index`, and of the server's, are confirmed.
    fn confirm(&mut self, index: usize, at_server: usize) {
        let is_done = self.run(|world| {
            let server = world.server.seats.get(at_server).and_then(Option::as_ref);
            world.client.ear(index).is_confirmed && server.is_some_and(|(_, ear)| ear.is_confirmed)
        });
        assert!(is_done, "{:?}, {:?}", self.client.ear(index).closed, self.replies);
    }

    /// How many datagrams were answered so, and none otherwise: a ClientHello takes more than one.
    fn asked(&self, reply: Reply) -> usize {
        assert!(!self.replies.is_empty() && self.replies.iter().all(|replied| *replied == reply));
        self.replies.len()
    }

    /// The client says something and ends the stream; the server hears it, and answers likewise.
    fn talk(&mut self, index: usize, at_server: usize) {
        let (question, answer) = (text(30_000, 1), text(200_000, 2));
        let id = self.client.connection(index).open(Direction::Bidirectional).expect("the server lets us");
        say(self.client.connection(index), id, &question);
        assert!(self.run(|world| world.server.ear(at_server).finished.contains(&id)));
        assert!(self.server.ear(at_server).data[&id] == question);
        say(self.server.connection(at_server), id, &answer);
        assert!(self.run(|world| world.client.ear(index).finished.contains(&id)));
        assert!(self.client.ear(index).data[&id] == answer);
    }
}

fn say(connection: &mut Connection, id: StreamId, bytes: &[u8]) {
    connection.write(id, Chunk::Owned(bytes.to_vec())).unwrap();
    connection.finish(id).unwrap();
}

fn text(len: usize, seed: u64) -> Vec<u8> {
    let mut bytes = vec![0; len];
    Seeded(seed).fill(&mut bytes);
    bytes
}

#[test]
fn a_handshake_a_transfer_and_an_end_that_leaves_nothing() {
    let mut world = World::new(&Setting::default());
    let index = world.connect(Vec::new(), None, false);
    world.confirm(index, 0);
    world.talk(index, 0);
    assert_eq!((world.client.endpoint.connections(), world.server.endpoint.connections()), (1, 1));
    assert_eq!((world.server.endpoint.half_open(), &world.replies[..]), (0, &[][..]));
    let now = world.now;
    world.client.connection(index).close(now, 7, b"enough");
    world.run(|world| world.client.connection(0).is_over() && world.server.connection(0).is_over());
    let closed = world.server.ear(0).closed.clone();
    assert!(matches!(closed, Some(Closed::Peer { code: 7, frame_type: None, .. })), "{closed:?}");
    world.client.settle();
    world.server.settle();
    assert_eq!((world.client.endpoint.connections(), world.server.endpoint.connections()), (0, 0));
}

#[test]
fn connections_between_the_same_two_addresses_are_told_apart() {
    let mut world = World::new(&Setting::default());
    let indexes: Vec<_> = (0..5).map(|_| world.connect(Vec::new(), None, false)).collect();
    for &index in &indexes {
        world.confirm(index, index);
    }
    for &index in indexes.iter().rev() {
        world.talk(index, index);
    }
    let Counters { accepted, dropped, unreadable, .. } = *world.server.endpoint.counters();
    assert_eq!((accepted, dropped, unreadable), (5, 0, 0));
}

#[test]
fn a_client_that_is_asked_comes_back_and_next_time_it_brings_its_token() {
    let mut world = World::new(&Setting { retry: Some(Retry::Always), ..Setting::default() });
    let first = world.connect(Vec::new(), None, false);
    world.confirm(first, 0);
    let asked = world.asked(Reply::Retry);
    world.talk(first, 0);
    let token = world.client.ear(first).token.clone();
    assert!(!token.is_empty(), "NEW_TOKEN came");
    let second = world.connect(token.clone(), Some(&VERSION_1), false); // The version that the first came to.
    world.confirm(second, 1);
    assert_eq!(world.asked(Reply::Retry), asked, "no round trip more");
    // A token is good once.
    let third = world.connect(token, Some(&VERSION_1), false);
    world.confirm(third, 2);
    assert!(world.asked(Reply::Retry) > asked);
    world.talk(third, 2);
}

#[test]
fn a_client_goes_on_in_a_version_that_the_server_takes() {
    let mut world = World::new(&Setting { server_versions: vec![&VERSION_1], ..Setting::default() });
    let first = world.connect(Vec::new(), None, false);
    world.run(|world| world.client.ear(first).closed.is_some());
    assert_eq!(world.client.ear(first).closed, Some(Closed::Version));
    assert_eq!(world.client.ear(first).versions, [1]);
    world.asked(Reply::VersionNegotiation);
    let second = world.connect(Vec::new(), Some(&VERSION_1), true);
    world.confirm(second, 0);
    assert_eq!(*world.client.connection(second).version(), VERSION_1);
    world.talk(second, 0);
}

#[test]
fn who_is_refused_hears_it() {
    let limits = Limits { connections: 0, ..Limits::default() };
    let mut world = World::new(&Setting { limits, ..Setting::default() });
    let index = world.connect(Vec::new(), None, false);
    world.run(|world| world.client.ear(index).closed.is_some());
    let closed = &world.client.ear(index).closed;
    assert!(matches!(closed, Some(Closed::Peer { code: 2, .. })), "{closed:?}");
    world.asked(Reply::Refused);
    assert!(world.server.seats.is_empty());
}

#[test]
fn a_server_that_lost_its_state_resets_its_clients() {
    let mut world = World::new(&Setting::default());
    let index = world.connect(Vec::new(), None, false);
    world.confirm(index, 0);
    world.talk(index, 0);
    world.server.endpoint.forget(0);
    world.server.seats[0] = None;
    world.client.connection(index).ping();
    world.run(|world| world.client.ear(index).closed.is_some());
    assert_eq!(world.client.ear(index).closed, Some(Closed::Reset));
    assert!(world.replies.contains(&Reply::StatelessReset));
}

#[test]
fn early_data_that_outruns_its_initial_waits_for_it() {
    let mut world = World::new(&Setting::default());
    let first = world.connect(Vec::new(), None, false);
    world.confirm(first, 0);
    assert!(world.run(|world| world.client.ear(first).ticket.is_some()));
    let session = world.client.seats[first].as_mut().and_then(|(_, ear)| ear.ticket.take());
    // In the version that they came to the first time: what is sent early is sealed in the first version alone.
    let second = world.attempt(session, Vec::new(), Some(&VERSION_1), false);
    let question = text(6_000, 1);
    let connection = world.client.connection(second);
    let id = connection.open(Direction::Bidirectional).expect("what the server allowed before");
    say(connection, id, &question);
    world.is_reversed = true;
    let start = world.now;
    assert!(
        world.run(|world| world.server.seats.get(1).is_some() && world.server.ear(1).finished.contains(&id))
    );
    assert_eq!(
        world.now.since(start),
        DELAY,
        "half a round trip, though everything came the wrong way round"
    );
    assert!(world.server.ear(1).data[&id] == question);
    assert!(world.server.endpoint.counters().held > 0);
}
