//! A client and a server over a link in memory: delay, and whatever a test wants to do to datagrams.

use crate::{
    connection::{Accepted, Attempt, Chance, Closed, Config, Connection, Event, Options, Received},
    ids::ConnectionId,
    packet::{self, Door, FixedBit, Header},
    paths::Addresses,
    recovery::acks::Mark,
    rules::Side,
    streams::{Chunk, Direction, Heard, StreamId},
    trace::Record,
};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use sakigake_crypto::aws_lc::PROVIDER;
use sakigake_tls::{self as tls, Credential, WebPki};
use sakigake_wire::{Entropy, Instant, Span, Writer};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, LazyLock},
};

/// 2026-06-01.
pub(super) const UNIX_SECS: u64 = 1_780_272_000;
/// Longer than any story takes.
const MOST_TURNS: usize = 200_000;

/// Bytes that a seed decides.
pub(super) struct Seeded(pub(super) u64);

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

pub(super) fn client_tls() -> tls::client::Options {
    let mut verifier = WebPki::new(&PROVIDER);
    verifier.trust(&CREDENTIAL.0).unwrap();
    tls::client::Options {
        verifier: Some(Arc::new(verifier)),
        alpn: vec![b"hq-interop".to_vec()],
        unix_secs_at_start: UNIX_SECS,
        ..tls::client::Options::new(&PROVIDER)
    }
}

pub(super) fn server_tls() -> tls::server::Options {
    tls::server::Options {
        credentials: vec![Arc::clone(&CREDENTIAL.1)],
        alpn: vec![b"hq-interop".to_vec()],
        unix_secs_at_start: UNIX_SECS,
        ..tls::server::Options::new(&PROVIDER)
    }
}

/// What one side has heard.
#[derive(Default)]
pub(super) struct Ear {
    pub(super) names: Vec<String>,
    pub(super) data: BTreeMap<StreamId, Vec<u8>>,
    pub(super) finished: Vec<StreamId>,
    pub(super) datagrams: Vec<Vec<u8>>,
    pub(super) closed: Vec<Closed>,
    pub(super) negotiated: Option<tls::Negotiated>,
    pub(super) ticket: Option<Box<tls::Session>>,
    pub(super) token: Vec<u8>,
    pub(super) versions: Vec<u32>,
    pub(super) traced: Vec<(Instant, Record)>,
    /// Bytes that were read and are to be consumed.
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
            Event::Datagram(bytes) => self.datagrams.push(bytes.to_vec()),
            Event::Ticket(session) => self.ticket = Some(session),
            Event::NewToken(token) => self.token = token.to_vec(),
            Event::OtherVersions(versions) => self.versions = versions.to_vec(),
            Event::Closed(closed) => self.closed.push(closed),
            Event::Traced { at, record } => self.traced.push((at, record.clone())),
            Event::Negotiated(negotiated) => {
                self.names.push("negotiated".into());
                self.negotiated = Some(negotiated);
            }
            Event::Established => self.names.push("established".into()),
            Event::Confirmed => self.names.push("confirmed".into()),
            Event::Moved(moved) => self.names.push(format!("moved: {:?}", moved.reason)),
            Event::Validated(path) => self.names.push(format!("validated: {}", path.0)),
            other => self.names.push(format!("{other:?}")),
        }
    }

    pub(super) fn heard(&self, name: &str) -> bool {
        self.names.iter().any(|heard| heard == name)
    }
}

/// A datagram under way.
pub(super) struct Flying {
    pub(super) at: Instant,
    pub(super) bytes: Vec<u8>,
    pub(super) addresses: Addresses,
    pub(super) mark: Mark,
}

/// What becomes of a datagram: true for the client's, its index on that way, its bytes. False loses it.
pub(super) type Fate = Box<dyn FnMut(bool, usize, &mut Vec<u8>) -> bool>;

pub(super) struct Pair {
    pub(super) now: Instant,
    pub(super) client: Connection,
    pub(super) server: Option<Connection>,
    pub(super) client_ear: Ear,
    pub(super) server_ear: Ear,
    pub(super) delay: Span,
    pub(super) fate: Fate,
    /// Datagrams that left each side.
    pub(super) sent: [usize; 2],
    pub(super) bytes: [usize; 2],
    flying: VecDeque<(bool, Flying)>,
    server_tls: Arc<tls::server::Config>,
    server_config: Arc<Config>,
    /// Where the server sees the client, if not where it is.
    pub(super) nat: Option<core::net::SocketAddr>,
    pub(super) is_validated: bool,
    /// The token of the Retry packet that answers the client's first.
    pub(super) retry: Option<Vec<u8>>,
    retried: Option<ConnectionId>,
    /// Whether the server is watched.
    pub(super) watches_server: bool,
    next_id: u64,
}

pub(super) fn addresses() -> Addresses {
    Addresses { local: "192.0.2.1:4000".parse().unwrap(), peer: "192.0.2.2:443".parse().unwrap() }
}

/// How a story begins.
pub(super) struct Setting {
    pub(super) client_tls: tls::client::Options,
    pub(super) server_tls: tls::server::Options,
    pub(super) client: Options,
    pub(super) server: Options,
    pub(super) session: Option<tls::Session>,
    /// As an owner keeps it.
    pub(super) token: Vec<u8>,
    pub(super) seed: u64,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            client_tls: client_tls(),
            server_tls: server_tls(),
            client: Options::default(),
            server: Options::default(),
            session: None,
            token: Vec::new(),
            seed: 1,
        }
    }
}

impl Pair {
    pub(super) fn new() -> Self {
        Self::of(Setting::default())
    }

    pub(super) fn of(setting: Setting) -> Self {
        let now = Instant::from_nanos(1_000_000_000);
        let Setting { client_tls, server_tls, client, server, session, token, seed } = setting;
        let attempt = Attempt {
            server_name: "example.com",
            session,
            token,
            addresses: addresses(),
            local: ConnectionId::new(&[0xc1; 8]).unwrap(),
            version: None,
            has_reacted: false,
        };
        let config = client.build(&PROVIDER).unwrap();
        let client =
            Connection::client(client_tls.build().unwrap(), config, attempt, now, chance(seed)).unwrap();
        Self {
            now,
            client,
            server: None,
            client_ear: Ear::default(),
            server_ear: Ear::default(),
            delay: Span::from_millis(10),
            fate: Box::new(|_, _, _| true),
            sent: [0; 2],
            bytes: [0; 2],
            flying: VecDeque::new(),
            server_tls: server_tls.build().unwrap(),
            server_config: server.build(&PROVIDER).unwrap(),
            nat: None,
            is_validated: false,
            retry: None,
            retried: None,
            watches_server: false,
            next_id: 0,
        }
    }

    /// The server takes this group alone, for which no client sends a share at first.
    pub(super) fn demand_group(&mut self, group: u16) {
        let options = tls::server::Options { groups: vec![group], ..(**self.server_tls).clone() };
        self.server_tls = options.build().unwrap();
    }

    pub(super) fn server(&mut self) -> &mut Connection {
        self.server.as_mut().expect("the first Initial packet has come")
    }

    /// Lets time pass until `done`, or until nothing more happens.
    pub(super) fn run(&mut self, mut done: impl FnMut(&mut Self) -> bool) -> bool {
        for _ in 0..MOST_TURNS {
            self.settle();
            self.flush();
            if done(self) {
                return true;
            }
            let arrival = self.flying.iter().map(|(_, flying)| flying.at).min();
            let deadlines = [self.client.deadline(), self.server.as_ref().and_then(Connection::deadline)];
            let Some(next) = deadlines.into_iter().flatten().chain(arrival).min() else { return false };
            self.now = self.now.max(next);
            self.deliver();
            let Self { now, client, server, client_ear, server_ear, .. } = self;
            if client.deadline().is_some_and(|deadline| deadline <= *now) {
                client.expire(*now, &mut |event| client_ear.hear(event));
            }
            if let Some(server) = server
                && server.deadline().is_some_and(|deadline| deadline <= *now)
            {
                server.expire(*now, &mut |event| server_ear.hear(event));
            }
        }
        panic!("the story has no end");
    }

    /// Until the handshake is confirmed on both sides.
    pub(super) fn confirm(&mut self) {
        let is_done = self.run(|pair| {
            pair.client.is_confirmed() && pair.server.as_ref().is_some_and(Connection::is_confirmed)
        });
        assert!(is_done, "client {:?}, server {:?}", self.client_ear.closed, self.server_ear.closed);
    }

    /// The client opens a stream, says `bytes` and ends it.
    pub(super) fn say(&mut self, bytes: &[u8]) -> StreamId {
        let id = self.client.open(Direction::Bidirectional).expect("the server lets us");
        self.client.write(id, Chunk::Owned(bytes.to_vec())).unwrap();
        self.client.finish(id).unwrap();
        id
    }

    /// Reads what was heard, and gives the peer more ids.
    fn settle(&mut self) {
        let Self { client, server, client_ear, server_ear, next_id, .. } = self;
        let sides = [(Some(client), client_ear), (server.as_mut(), server_ear)];
        for (connection, ear) in sides {
            let Some(connection) = connection else { continue };
            for (id, bytes) in ear.due.drain(..) {
                connection.consume(id, bytes);
            }
            while connection.ids_wanted() > 0 {
                *next_id += 1;
                let id = ConnectionId::new(&next_id.to_be_bytes()).unwrap();
                assert!(connection.issue(id));
            }
        }
    }

    fn flush(&mut self) {
        let mut out = vec![0; 65_535];
        for is_client in [true, false] {
            loop {
                let connection = if is_client { Some(&mut self.client) } else { self.server.as_mut() };
                let Some(transmit) =
                    connection.and_then(|connection| connection.transmit(self.now, &mut out))
                else {
                    break;
                };
                for datagram in out[..transmit.len].chunks(transmit.segment_bytes) {
                    self.fly(is_client, datagram, transmit.addresses, transmit.mark);
                }
            }
        }
    }

    fn fly(&mut self, is_client: bool, datagram: &[u8], addresses: Addresses, mark: Mark) {
        let side = usize::from(!is_client);
        let index = self.sent[side];
        self.sent[side] += 1;
        self.bytes[side] += datagram.len();
        let mut bytes = datagram.to_vec();
        if (self.fate)(is_client, index, &mut bytes) {
            // As its receiver sees it.
            let mut addresses = Addresses { local: addresses.peer, peer: addresses.local };
            if let (Some(nat), true) = (self.nat, is_client) {
                addresses.peer = nat;
            }
            let at = self.now + self.delay;
            self.flying.push_back((is_client, Flying { at, bytes, addresses, mark }));
        }
    }

    fn deliver(&mut self) {
        let now = self.now;
        while let Some(at) = self.flying.iter().position(|(_, flying)| flying.at <= now) {
            let Some((is_client, mut flying)) = self.flying.remove(at) else { return };
            if is_client && self.server.is_none() {
                self.accept(&flying);
            }
            let client_address = addresses().local;
            let mut addresses = flying.addresses;
            if !is_client && Some(addresses.local) == self.nat {
                addresses.local = client_address;
            } else if !is_client && self.nat.is_some() {
                continue; // To where the client is no more.
            }
            let received = Received { bytes: &mut flying.bytes, addresses, mark: flying.mark };
            let Self { client, server, client_ear, server_ear, .. } = self;
            match (is_client, server) {
                (true, Some(server)) => server.handle(now, received, &mut |event| server_ear.hear(event)),
                (true, None) => {}
                (false, _) => client.handle(now, received, &mut |event| client_ear.hear(event)),
            }
        }
    }

    /// A packet of the server's, which nobody sent.
    pub(super) fn hand_to_client(&mut self, bytes: &mut [u8]) {
        let Self { now, client, client_ear, .. } = self;
        let received = Received { bytes, addresses: addresses(), mark: Mark::NotEct };
        client.handle(*now, received, &mut |event| client_ear.hear(event));
    }

    /// A packet of the client's from `peer`, which took no time.
    pub(super) fn hand_to_server(&mut self, bytes: &mut [u8], peer: core::net::SocketAddr) {
        let addresses = Addresses { local: addresses().peer, peer };
        let Self { now, server, server_ear, .. } = self;
        let received = Received { bytes, addresses, mark: Mark::NotEct };
        server.as_mut().expect("there is one").handle(*now, received, &mut |event| server_ear.hear(event));
    }

    fn accept(&mut self, flying: &Flying) {
        let door = Door { side: Side::Server, id_bytes: 8, fixed_bit: FixedBit::Ignored };
        let Ok(packet) = packet::parse(&flying.bytes, &door) else { return };
        let Header::Initial { version, dcid, scid, .. } = packet.header else { return };
        let (dcid, scid) = (ConnectionId::new(dcid).unwrap(), ConnectionId::new(scid).unwrap());
        if let Some(token) = self.retry.take() {
            let retry =
                packet::retry::Retry { version, dcid: scid.as_ref(), scid: &[0x4e; 8], token: &token };
            let mut packet = [0; 1_200];
            let mut out = Writer::new(&mut packet);
            retry.write(&mut out, &PROVIDER.suites[0], dcid.as_ref(), 0).unwrap();
            let len = out.written();
            self.retried = Some(dcid);
            return self.hand_to_client(&mut packet[..len]);
        }
        if self.retried == Some(dcid) {
            return; // It left before the Retry came.
        }
        let accepted = Accepted {
            version,
            original_dcid: self.retried.unwrap_or(dcid),
            retry_source: self.retried.map(|_| dcid),
            dcid,
            local: ConnectionId::new(&[0x5e; 8]).unwrap(),
            peer: scid,
            addresses: flying.addresses,
            is_validated: self.is_validated,
        };
        let (tls, config) = (Arc::clone(&self.server_tls), Arc::clone(&self.server_config));
        let mut server = Connection::server(tls, config, &accepted, self.now, chance(99));
        while server.ids_wanted() > 0 {
            self.next_id += 1;
            assert!(server.issue(ConnectionId::new(&self.next_id.to_be_bytes()).unwrap()));
        }
        if self.watches_server {
            server.trace(self.now);
        }
        self.server = Some(server);
    }
}

fn chance(seed: u64) -> Chance {
    Chance { tls: Box::new(Seeded(seed)), quic: Box::new(Seeded(seed ^ 0xdead_beef)) }
}
