//! A client and a server, with what is between them.

use super::{
    Anybody, ID_BYTES,
    attacks::paths::{Attacker, has_bitten},
    checkers::{self, Expected, Grants, Scene},
    end::{End, Role},
    front::{Front, Office, Reception},
    tape::Tape,
    web::{Page, Site, Web},
    work::Habits,
};
use crate::{
    checkers::Verdict,
    datagram::{
        Log, Node, Way, World,
        nat::{Nat, Rebinding},
    },
    plain,
    scenario::HOST,
    seed::Seed,
    world::{NodeId, Stopped},
};
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use sakigake_crypto::Secret;
use sakigake_quic::{connection::Options, ids::IdSource};
use sakigake_tls::{
    self as tls, KeyRing, TicketKey, Tickets,
    extension::TicketRequest,
    server::{AntiReplay, EarlyDataPolicy, Seen},
};
use sakigake_wire::{Instant, Span};
use std::sync::{Arc, Mutex, PoisonError};

/// Where the client is.
pub const CLIENT: SocketAddr = at([10, 0, 0, 1], 50_000);
/// Where it may go.
pub const ELSEWHERE: SocketAddr = at([10, 0, 0, 2], 50_001);
/// The NAT before it, if there is one.
pub const HOME: SocketAddr = at([192, 0, 2, 1], 0);
/// Where that may go.
pub const ABROAD: SocketAddr = at([203, 0, 113, 1], 0);
/// Where the server is.
pub const SERVER: SocketAddr = at([198, 51, 100, 1], 443);
/// Where an attacker is.
pub const ATTACKER: SocketAddr = at([198, 51, 100, 66], 6_666);
/// Somebody who has nothing to do with anything.
pub const VICTIM: SocketAddr = at([198, 51, 100, 99], 53);

const fn at([a, b, c, d]: [u8; 4], port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(a, b, c, d)), port)
}

/// What the application protocol calls itself.
const PROTOCOL: &[u8] = b"lab";
/// What ends a handshake here is QUIC's own patience.
const PATIENCE_MS: u64 = 3_600_000;
/// 2026-06-01.
const UNIX_SECS: u64 = 1_780_272_000;

/// A world to be.
#[derive(Clone)]
pub struct Setup {
    /// All chance.
    pub seed: u64,
    /// From the client, or its NAT, to the rest.
    pub up: Way,
    /// And back.
    pub down: Way,
    /// The client is behind a NAT that rebinds so.
    pub nat: Option<Vec<Rebinding>>,
    /// The server's datagrams pass an endpoint that is so; none for the lab's own routes, by ids of eight bytes.
    pub front: Option<Front>,
    /// The client's QUIC.
    pub client: Options,
    /// The server's.
    pub server: Options,
    /// The client's TLS.
    pub client_tls: tls::client::Options,
    /// The server's.
    pub server_tls: tls::server::Options,
    /// What their applications do.
    pub habits: [Habits; 2],
    /// HTTP/3 in place of habits; see [`Setup::with_web`].
    pub web: Option<(Page, Site)>,
    /// When the client dials.
    pub dials: Vec<Instant>,
    /// Whether every connection is to be complete.
    pub completes: bool,
    /// Nobody forges anything.
    pub is_honest: bool,
    /// See [`Expected::spare_datagrams`].
    pub spare_datagrams: u64,
    /// Who stands between the ends.
    pub attacker: Option<Attacker>,
}

/// A world that is over.
pub struct Story {
    /// It.
    pub world: World<Anybody>,
    /// Why it stopped.
    pub stopped: Stopped,
    /// What the ends said.
    pub tape: Tape,
    /// What the checkers say.
    pub verdict: Verdict,
    /// Who stood between the ends, and what he did made a difference.
    pub attacker: Option<Attacker>,
}

/// A world before it runs.
pub struct Ready {
    /// It.
    pub world: World<Anybody>,
    /// The client and the server.
    pub ends: [NodeId; 2],
    /// The NAT, if there is one.
    pub nat: Option<NodeId>,
    /// What it should come to.
    pub expected: Expected,
}

/// A register that lives as long as its world.
struct Register(Mutex<Seen>);

impl AntiReplay for Register {
    fn is_first(&self, unix_ms: u64, until_unix_ms: u64, binder: &[u8]) -> bool {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.is_first(unix_ms, until_unix_ms, binder)
    }
}

impl Setup {
    /// 50 ms there and back, one connection without early data, and nothing to do on it.
    pub fn new(seed: u64) -> Self {
        let mut client_tls = tls::client::Options::new(&plain::PROVIDER);
        client_tls.verifier = Some(Arc::new(plain::Verifier));
        client_tls.alpn = vec![PROTOCOL.to_vec()];
        client_tls.key_log = true;
        let mut server_tls = tls::server::Options::new(&plain::PROVIDER);
        server_tls.credentials = vec![Arc::new(plain::credential(HOST, 1))];
        server_tls.alpn = vec![PROTOCOL.to_vec()];
        server_tls.key_log = true;
        for limits in [&mut client_tls.limits, &mut server_tls.limits] {
            limits.handshake_ms = PATIENCE_MS;
        }
        Self {
            seed,
            up: Way::after(Span::from_millis(25)),
            down: Way::after(Span::from_millis(25)),
            nat: None,
            front: None,
            client: Options::default(),
            server: Options::default(),
            client_tls,
            server_tls,
            habits: [Habits { closes_after: Some(Span::ZERO), ..Habits::default() }, Habits::default()],
            web: None,
            dials: vec![Instant::default()],
            completes: true,
            is_honest: true,
            spare_datagrams: 200,
            attacker: None,
        }
    }

    /// The server gives tickets and takes early data; the client asks for both.
    #[must_use]
    pub fn with_early_data(mut self) -> Self {
        let key = TicketKey {
            name: [1; 16],
            secret: Secret::new(&[1; 32]),
            from_unix_secs: 0,
            until_unix_secs: u64::MAX,
            opens_until_unix_secs: u64::MAX,
        };
        let keys = KeyRing::new(&plain::PROVIDER.suites[0], vec![key]);
        self.server_tls.tickets = Some(Tickets::new(Arc::new(keys)));
        let register = Register(Mutex::new(Seen::new(UNIX_SECS * 1_000, 22_000, 1_000)));
        self.server_tls.early_data = Some(EarlyDataPolicy::new(Arc::new(register)));
        self.server_tls.unix_secs_at_start = UNIX_SECS;
        self.client_tls.unix_secs_at_start = UNIX_SECS;
        self.client_tls.tickets = Some(TicketRequest { new_session_count: 1, resumption_count: 1 });
        self.client_tls.early_data = true;
        self.habits[0].is_early = true;
        self
    }

    /// The ends speak HTTP/3: the client visits a page of the server's site.
    #[must_use]
    pub fn with_web(mut self, page: Page, site: Site) -> Self {
        self.client_tls.alpn = vec![b"h3".to_vec()];
        self.server_tls.alpn = vec![b"h3".to_vec()];
        self.web = Some((page, site));
        self
    }

    /// The world, in which nothing has happened yet.
    ///
    /// # Panics
    /// Where options are drawn that no configuration can have.
    pub fn build(self) -> Ready {
        let Self { seed, up, down, nat, client, mut server, client_tls, server_tls, habits, dials, .. } =
            self;
        let grants = [&client, &server].map(|options| {
            let streams = &options.limits.streams;
            Grants {
                data: streams.initial_connection_window_bytes,
                stream_data: streams.initial_stream_window_bytes,
                streams: [streams.bidirectional_streams, streams.unidirectional_streams],
            }
        });
        let expected = Expected {
            grants,
            complete: self.completes.then_some(dials.len()),
            is_honest: self.is_honest,
            spare_datagrams: self.spare_datagrams,
            attacker: self.attacker,
            front: self.front.clone(),
            page: self.web.as_ref().map(|(page, site)| checkers::Page {
                content: Arc::clone(&site.content),
                has_hints: site.hints.is_some(),
                follows: page.options.preload,
                has_others: site.habits.early_hints.is_some() || page.memory.hints.is_some(),
            }),
            refuses_version: !server
                .versions
                .iter()
                .any(|version| version.number == client.versions[0].number),
        };
        let mut world = World::new(seed);
        let [client_habits, server_habits] = habits;
        let config = client.build(&plain::PROVIDER).expect("the options are good");
        let tls = client_tls.build().expect("the options are good");
        let role = Role::Client { tls, server: SERVER, name: HOST.into(), dials };
        let (page, site) = self.web.unzip();
        let client = |seed: Seed| {
            let mut client = End::new(role, config, CLIENT, client_habits, seed);
            page.into_iter().for_each(|page| client.speak(Web::Page(Box::new(page))));
            Anybody::End(Box::new(client))
        };
        let (client, nat) = match nat {
            None => (world.add(up, down, client), None),
            Some(rebindings) => {
                let client = world.add(Way::default(), Way::default(), client);
                let nat = Anybody::Nat(Box::new(Nat::new(HOME.ip(), rebindings)));
                let nat = world.add(up, down, |_| nat);
                world.put_behind(client, nat);
                world.route(HOME.ip(), nat);
                world.route(ABROAD.ip(), nat);
                (client, Some(nat))
            }
        };
        world.route(CLIENT.ip(), client);
        world.route(ELSEWHERE.ip(), client);
        let office = self.front.map(Office::new);
        if let Some(office) = &office {
            office.equip(&mut server, UNIX_SECS);
        }
        let options = server.clone();
        let config = server.build(&plain::PROVIDER).expect("the options are good");
        let role = Role::Server { tls: server_tls.build().expect("the options are good") };
        let server = |mut seed: Seed| {
            let reception = office.map(|office| Reception::new(office, &options, seed.fork()));
            let mut server = End::new(role, config, SERVER, server_habits, seed);
            reception.into_iter().for_each(|reception| server.receive_by(reception));
            site.into_iter().for_each(|site| server.speak(Web::Site(Box::new(site))));
            Anybody::End(Box::new(server))
        };
        let server = world.add(Way::default(), Way::default(), server);
        world.route(SERVER.ip(), server);
        Ready { world, ends: [client, server], nat, expected }
    }

    /// Builds it and runs it.
    pub fn run(self) -> Story {
        let attacker = self.attacker;
        let mut ready = self.build();
        let node = attacker.map(|attacker| ready.stand_between(|seed| attacker.node(seed)));
        let story = ready.run();
        let attacker = attacker.filter(|_| node.is_some_and(|node| has_bitten(story.log(), node)));
        Story { attacker, ..story }
    }
}

impl Ready {
    /// Puts somebody on the client's path: all that it sends and is sent passes there.
    pub fn stand_between(&mut self, make: impl FnOnce(Seed) -> Box<dyn Node>) -> NodeId {
        let node = self.world.add(Way::default(), Way::default(), |seed| Anybody::Attacker(make(seed)));
        self.world.put_behind(self.ends[1], node);
        node
    }

    /// Adds somebody who is elsewhere.
    pub fn stand_aside(&mut self, address: IpAddr, make: impl FnOnce(Seed) -> Box<dyn Node>) -> NodeId {
        let way = Way::after(Span::from_millis(5));
        let node = self.world.add(way.clone(), way, |seed| Anybody::Attacker(make(seed)));
        self.world.route(address, node);
        node
    }

    /// Runs it until nothing is due, and holds it against every checker.
    pub fn run(mut self) -> Story {
        let stopped = self.world.run(LONGEST, STEPS);
        let mut story = self.read(stopped);
        if stopped != Stopped::Idle {
            story.verdict.complaints.push(format!("world: it stopped {stopped:?}"));
        }
        story
    }

    /// Reads what happened so far.
    pub(crate) fn read(self, stopped: Stopped) -> Story {
        let server_id_bytes = if self.expected.front.is_some() { IdSource::ID_BYTES } else { ID_BYTES };
        let tape = Tape::read(self.world.log(), self.ends, [ID_BYTES, server_id_bytes]);
        let scene = Scene { log: self.world.log(), tape: &tape, ends: self.ends, expected: &self.expected };
        let verdict = checkers::check(&scene);
        Story { world: self.world, stopped, tape, verdict, attacker: None }
    }
}

impl Story {
    /// What happened.
    pub fn log(&self) -> &Log {
        self.world.log()
    }
}

/// What a world may take before it is given up: a year, for those whose round trip is a week.
const LONGEST: Span = Span::from_secs(366 * 86_400);
const STEPS: usize = 200_000;
