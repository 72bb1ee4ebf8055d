//! What comes to a server before, and beside, its connections: floods of first packets, answers that are to hit somebody else,
//! resets that are to be fished for, ids that are to choose a worker (RFC 9000 sections 21.1.1.2, 21.5.5, 21.11 and 21.13).

use super::{
    Attack,
    Stands::{Beside, Blind, Server},
    Trial,
    between::{Between, Letter, Post, Scheme},
    trial::{came, is_ready, sent},
};
use crate::{
    datagram::{Entry, Incoming, Log, Node, Note, Outgoing, What},
    plain,
    quic::{
        Anybody, Setup,
        setup::{ATTACKER, CLIENT, SERVER, VICTIM},
    },
    seed::Seed,
};
use core::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use sakigake_crypto::{Secret, aws_lc::AES_128_BLOCK};
use sakigake_quic::{
    connection::{self, Chance, Config, Connection, Event, Received},
    endpoint::{
        Arrived, Endpoint, Limits, Neighbours, Options, Retry, Route, Validation,
        reset::ResetKey,
        token::{AddressTokens, Lives},
    },
    ids::{ConnectionId, IdKeys, IdSource, Place},
    packet::{Draft, FixedBit, Keys, Long, Number},
    paths::Addresses,
    recovery::acks::Mark,
    rules::{
        Side,
        versions::{LongType, VERSION_1},
    },
};
use sakigake_tls::{self as tls, KeyRing, TicketKey};
use sakigake_wire::{Entropy, Instant, Span, Writer};
use std::{collections::VecDeque, sync::Arc};

const HALF_OPEN: &str = "half-open connections";
const TIMES: &str = "bytes out for 100 in";
const ANSWERS: &str = "answers in the first second";
const ECHOES: &str = "answers to old services";
const RESETS: &str = "stateless resets";
const ASKED: &str = "datagrams to the victim";
const HANDED: &str = "datagrams handed on";

/// They.
pub const ATTACKS: &[Attack] = &[
    Attack {
        section: "21.1.1.2",
        name: "a_flood_of_initials",
        stands: Blind,
        holds: "2,000 clients that are nowhere: beyond the limit each is asked to show where it is, which costs us nothing, and who does is served",
        bounds: &[(HALF_OPEN, 50), (TIMES, 300)],
        play: |seed, trial| {
            let log = play(seed, trial, Flood::new(seed, 2_000, initial));
            trial.measure(
                HALF_OPEN,
                said(&log, "half open ").filter_map(|count| count.parse().ok()).max().unwrap_or(0),
            );
            let is_nobody = |at: SocketAddr| at.ip() != CLIENT.ip();
            let (out, came) = (sent(&log, SERVER_NODE, is_nobody), came(&log, SERVER_NODE, is_nobody));
            trial.measure(TIMES, out.1 * 100 / came.1.max(1));
        },
    },
    Attack {
        section: "21.5.5",
        name: "version_negotiation_to_a_victim",
        stands: Blind,
        holds: "an answer is smaller than half of what it answers, 1,000 leave in a second, and none to the ports of services that would answer in turn",
        bounds: &[(TIMES, 50), (ANSWERS, 1_000), (ECHOES, 0)],
        play: |seed, trial| {
            let log = play(seed, trial, Flood::new(seed, 2_000, unknown_version));
            let (out, came) = (sent(&log, SERVER_NODE, is_victim), came(&log, SERVER_NODE, is_victim));
            trial.measure(TIMES, out.1 * 100 / came.1.max(1));
            trial.measure(ANSWERS, out.0);
            trial.measure(ECHOES, sent(&log, SERVER_NODE, |to| to == VICTIM).0);
            trial.bites(out.0 as usize);
        },
    },
    Attack {
        section: "21.5.3",
        name: "a_victim_for_a_preferred_address",
        stands: Server,
        holds: "a client asks whether somebody is there, a few times and with nothing else, and stays where it is",
        bounds: &[(ASKED, 8)],
        play: |seed, trial| {
            let SocketAddr::V4(victim) = VICTIM else { return };
            let log = play_with(seed, trial, Between::new(super::between::Watch), Some(victim));
            let client = crate::world::NodeId(0);
            trial.measure(ASKED, sent(&log, client, |to| to == VICTIM).0);
            trial.bites(sent(&log, client, |to| to == VICTIM).0 as usize);
        },
    },
    Attack {
        section: "21.11",
        name: "packets_of_a_connection_to_another_worker",
        stands: Beside,
        holds: "a worker that does not have the connection hands its packets to the one that has, and resets nothing",
        bounds: &[(RESETS, 0)],
        play: |seed, trial| {
            let log = play(seed, trial, Misdirects);
            trial.measure(RESETS, said(&log, "replies StatelessReset").count() as u64);
            trial.bites(said(&log, "hands").count());
        },
    },
    Attack {
        section: "21.13",
        name: "ids_that_aim_at_a_worker",
        stands: Blind,
        holds: "a client's id says nothing of a worker unless one of ours sealed it: 2,000 guesses reach none but the one they came to",
        bounds: &[(HANDED, 0)],
        play: |seed, trial| {
            let log = play(seed, trial, Flood::new(seed, 2_000, aimed));
            trial.measure(HANDED, said(&log, "hands").count() as u64);
        },
    },
];

/// The client is added first, then the server.
const SERVER_NODE: crate::world::NodeId = crate::world::NodeId(1);
const UNIX_SECS: u64 = 1_780_272_000;
/// Packets a millisecond.
const AT_ONCE: u64 = 20;

/// An honest client comes in the middle of it, and is served.
fn play(seed: u64, trial: &mut Trial, scheme: impl Scheme + 'static) -> Log {
    let between = Between::new(scheme).from(Instant::default() + Span::from_millis(1));
    let log = play_with(seed, trial, between, None);
    let attacker = crate::world::NodeId(2);
    trial.bites(usize::from(sent(&log, attacker, |_| true).0 != came(&log, attacker, |_| true).0));
    log
}

fn play_with(
    seed: u64,
    trial: &mut Trial,
    between: impl Node + 'static,
    preferred: Option<SocketAddrV4>,
) -> Log {
    let mut setup = Setup::new(seed);
    setup.dials = vec![Instant::default() + Span::from_millis(50)];
    setup.client.keep_alive = Some(Span::from_millis(20));
    setup.habits[0].closes_after = Some(Span::from_millis(300));
    let tls = setup.server_tls.clone().build().expect("the options are good");
    let mut ready = setup.build();
    let [client, server] = ready.ends;
    debug_assert_eq!(server, SERVER_NODE);
    *ready.world.node_mut(server) = Anybody::Attacker(Box::new(Gate::new(tls, preferred, Seed::new(seed))));
    ready.stand_between(|_| Box::new(between));
    trial.watch(&mut ready, client);
    let log = ready.world.log().clone();
    trial.expect(is_ready(&log, client), || "the client was not served".into());
    let is_complete = |entry: &Entry| matches!(&entry.what, What::Noted { node, note: Note::Complete { .. } } if *node == client);
    trial.expect(log.entries().iter().any(is_complete), || "the client did not complete".into());
    log
}

fn is_victim(at: SocketAddr) -> bool {
    at.ip() == VICTIM.ip()
}

/// What the server said of itself, behind that beginning.
fn said<'a>(log: &'a Log, beginning: &'a str) -> impl Iterator<Item = &'a str> {
    log.entries().iter().filter_map(move |entry| match &entry.what {
        What::Noted { note: Note::Said(words), .. } => words.strip_prefix(beginning),
        _ => None,
    })
}

/// A server of two workers behind one address: the client's datagrams come to the first, all others to the second.
struct Gate {
    workers: [Endpoint; 2],
    connections: Vec<Option<Connection>>,
    config: Arc<Config>,
    tls: Arc<tls::server::Config>,
    seed: Seed,
    leaving: VecDeque<Letter>,
    notes: Vec<Note>,
    most_half_open: usize,
}

impl Gate {
    fn new(tls: Arc<tls::server::Config>, preferred_v4: Option<SocketAddrV4>, mut seed: Seed) -> Self {
        let suite = &plain::PROVIDER.suites[0];
        let reset_key = || ResetKey::new(suite.hash, Secret::new(&[5; 32]));
        let key = TicketKey {
            name: [1; 16],
            secret: Secret::new(&[1; 32]),
            from_unix_secs: 0,
            until_unix_secs: u64::MAX,
            opens_until_unix_secs: u64::MAX,
        };
        let tokens = Arc::new(AddressTokens::new(Arc::new(KeyRing::new(suite, vec![key])), Lives::default()));
        let workers = [0, 1].map(|worker| {
            let place = Place { process: 1, worker };
            Endpoint::new(Options {
                side: Side::Server,
                suite,
                versions: vec![&VERSION_1],
                fixed_bit: FixedBit::Ignored,
                ids: IdSource::new(0, &AES_128_BLOCK, &[3; 16], place, &mut seed),
                keys: IdKeys::new().with(0, &AES_128_BLOCK, &[3; 16]),
                neighbours: Neighbours { workers: 2, processes: Vec::new() },
                reset_key: reset_key(),
                validation: Some(Validation { tokens: Arc::clone(&tokens), retry: Retry::Never }),
                limits: Limits { half_open: 50, ..Limits::default() },
            })
        });
        let reset_key = Some(reset_key());
        let options = connection::Options { reset_key, preferred_v4, ..connection::Options::default() };
        let config = options.build(&plain::PROVIDER).expect("the options are good");
        let (connections, leaving, notes) = (Vec::new(), VecDeque::new(), Vec::new());
        Self { workers, connections, config, tls, seed, leaving, notes, most_half_open: 0 }
    }

    fn take(&mut self, now: Instant, worker: usize, datagram: Incoming<'_>, is_handed: bool) {
        let Incoming { bytes, from, to, mark } = datagram;
        let addresses = Addresses { local: to, peer: from };
        let unix_secs = UNIX_SECS + now.as_nanos() / 1_000_000_000;
        let arrived = Arrived { now, unix_secs, bytes, addresses };
        let mut out = vec![0; 1_200];
        let index = match self.workers[worker].route(&arrived, &mut self.seed, &mut out) {
            Route::Connection(index) => index,
            Route::Accept(accepted) => {
                let chance = Chance { tls: Box::new(self.seed.fork()), quic: Box::new(self.seed.fork()) };
                let (tls, config) = (Arc::clone(&self.tls), Arc::clone(&self.config));
                let mut connection = Connection::server(tls, config, &accepted, now, chance);
                let index = self.connections.len();
                self.workers[worker].accept(&accepted, index);
                if connection.ids_wanted() > 0 {
                    connection.issue(self.workers[worker].issue(index)); // Of its preferred address.
                }
                self.connections.push(Some(connection));
                index
            }
            Route::Reply { len, reply } => {
                out.truncate(len);
                self.notes.push(Note::Said(format!("replies {reply:?}")));
                return self.leaving.push_back(Letter { bytes: out, from: to, to: from, mark: Mark::NotEct });
            }
            Route::Hand(place) if !is_handed => {
                self.notes.push(Note::Said("hands".into()));
                return self.take(now, usize::from(place.worker), Incoming { bytes, from, to, mark }, true);
            }
            _ => return,
        };
        self.turn(worker, index, |connection, mut heard| {
            connection.handle(now, Received { bytes, addresses, mark }, &mut heard);
        });
        let half_open = self.workers[worker].half_open();
        if half_open > self.most_half_open {
            self.most_half_open = half_open;
            self.notes.push(Note::Said(format!("half open {half_open}")));
        }
    }

    fn turn(
        &mut self,
        worker: usize,
        index: usize,
        act: impl FnOnce(&mut Connection, &mut dyn FnMut(Event<'_>)),
    ) {
        let (Some(connection), endpoint) = (&mut self.connections[index], &mut self.workers[worker]) else {
            return;
        };
        act(connection, &mut |event| match event {
            Event::Retired(id) => endpoint.retire(&id),
            Event::Established | Event::Validated(_) => endpoint.validated(index),
            _ => {}
        });
        while connection.ids_wanted() > 0 {
            let id = endpoint.issue(index);
            connection.issue(id);
        }
        if connection.is_over() {
            self.connections[index] = None;
            endpoint.forget(index);
        }
    }
}

impl Node for Gate {
    fn handle(&mut self, now: Instant, datagram: Incoming<'_>) {
        let worker = usize::from(datagram.from.ip() != CLIENT.ip());
        self.take(now, worker, datagram, false);
    }

    fn expire(&mut self, now: Instant) {
        for index in 0..self.connections.len() {
            let due = self.connections[index].as_ref().and_then(Connection::deadline);
            if due.is_some_and(|due| due <= now) {
                let is_clients = self.connections[index]
                    .as_ref()
                    .is_some_and(|connection| connection.paths().active().addresses.peer.ip() == CLIENT.ip());
                self.turn(usize::from(!is_clients), index, |connection, mut heard| {
                    connection.expire(now, &mut heard)
                });
            }
        }
        self.workers.iter_mut().for_each(|worker| worker.expire(now));
    }

    fn deadline(&self) -> Option<Instant> {
        let connections = self.connections.iter().flatten().filter_map(Connection::deadline);
        connections.chain(self.workers.iter().filter_map(Endpoint::deadline)).min()
    }

    fn transmit(&mut self, now: Instant, out: &mut [u8]) -> Option<Outgoing> {
        if let Some(Letter { bytes, from, to, mark }) = self.leaving.pop_front() {
            out[..bytes.len()].copy_from_slice(&bytes);
            return Some(Outgoing { len: bytes.len(), segment_bytes: None, from, to, mark });
        }
        let transmit =
            self.connections.iter_mut().flatten().find_map(|connection| connection.transmit(now, out))?;
        let (from, to) = (transmit.addresses.local, transmit.addresses.peer);
        let segment_bytes = Some(transmit.segment_bytes);
        Some(Outgoing { len: transmit.len, segment_bytes, from, to, mark: transmit.mark })
    }

    fn notes(&mut self) -> Vec<Note> {
        core::mem::take(&mut self.notes)
    }
}

/// Sends so many datagrams of somebody's making.
struct Flood {
    seed: Seed,
    left: u64,
    make: fn(u64, &mut Seed) -> Letter,
}

impl Flood {
    fn new(seed: u64, count: u64, make: fn(u64, &mut Seed) -> Letter) -> Self {
        Self { seed: Seed::new(seed), left: count, make }
    }
}

impl Scheme for Flood {
    fn pass(&mut self, now: Instant, letter: Letter, post: &mut Post) {
        post.send(now, letter);
    }

    fn act(&mut self, now: Instant, post: &mut Post) -> Option<Instant> {
        for _ in 0..AT_ONCE.min(self.left) {
            self.left -= 1;
            let letter = (self.make)(self.left, &mut self.seed);
            post.send(now, letter);
        }
        (self.left > 0).then(|| now + Span::from_millis(1))
    }
}

/// Somebody who is nowhere.
fn nobody(nth: u64) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(203, 0, 113, (nth % 250) as u8)), 1_024 + (nth / 250) as u16)
}

fn initial_to(dcid: &[u8], from: SocketAddr) -> Letter {
    let mut keys = Keys::initial(&plain::PROVIDER.suites[0], &VERSION_1, dcid, Side::Client).send;
    let header = Long { version: &VERSION_1, kind: LongType::Initial, dcid, scid: &[4; 8], token: &[] };
    let mut bytes = vec![0; 1_200];
    let number = Number::with_len(0, 4).expect("0 is a number");
    let draft = Draft::long(&mut Writer::new(&mut bytes), &header, number).expect("there is room");
    bytes[draft.payload_at()] = 0x01;
    let most = draft.most_payload(bytes.len());
    draft.seal(&mut keys, &mut bytes, most).expect("one packet");
    Letter { bytes, from, to: SERVER, mark: Mark::NotEct }
}

fn initial(nth: u64, seed: &mut Seed) -> Letter {
    initial_to(ConnectionId::random(8, seed).as_ref(), nobody(nth))
}

/// As long as ours, and beginning as they do.
fn aimed(nth: u64, seed: &mut Seed) -> Letter {
    let mut id = [16; 17];
    seed.fill(&mut id[1..]);
    initial_to(&id, nobody(nth))
}

fn unknown_version(nth: u64, seed: &mut Seed) -> Letter {
    let mut bytes = vec![0; 1_200];
    seed.fill(&mut bytes);
    bytes[..6].copy_from_slice(&[0xc0, 0x1a, 0x2a, 0x3a, 0x4a, 255]);
    bytes[6 + 255] = 255;
    let port = if nth.is_multiple_of(2) { VICTIM.port() } else { 4_000 };
    Letter { bytes, from: SocketAddr::new(VICTIM.ip(), port), to: SERVER, mark: Mark::NotEct }
}

/// Sends the client's packets again, from where another worker gets them.
struct Misdirects;

impl Scheme for Misdirects {
    fn pass(&mut self, now: Instant, letter: Letter, post: &mut Post) {
        let copy = letter.readdressed(ATTACKER, letter.to);
        let is_short = letter.bytes[0] & 0x80 == 0;
        let is_clients = letter.from == CLIENT;
        post.send(now, letter);
        if is_clients && is_short {
            post.send(now, copy);
        }
    }
}
