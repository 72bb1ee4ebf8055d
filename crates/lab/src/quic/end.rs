//! An end: a client that dials, or a server that accepts, each with an application on every connection.

use super::{
    ID_BYTES,
    front::Reception,
    web::{self, Web},
    work::{Habits, Work},
};
use crate::{
    datagram::{Incoming, Node, Note, Outgoing, Over},
    node::Visit,
    seed::Seed,
};
use core::net::SocketAddr;
use sakigake_quic::{
    Fault,
    connection::{Accepted, Attempt, Chance, Closed, Config, Connection, Event, Received},
    endpoint::Route,
    ids::ConnectionId,
    packet::{Door, FixedBit, Header, parse},
    paths::Addresses,
    recovery::acks::Mark,
    rules::versions::Version,
};
use sakigake_session::Http3;
use sakigake_tls::{self as tls, rules::Side};
use sakigake_wire::Instant;
use std::{collections::BTreeMap, sync::Arc};

/// A client or a server.
pub struct End {
    side: Side,
    role: Role,
    config: Arc<Config>,
    address: SocketAddr,
    habits: Habits,
    /// HTTP/3 in place of habits.
    web: Option<Web>,
    seed: Seed,
    connections: Vec<Option<Live>>,
    routes: BTreeMap<ConnectionId, usize>,
    /// A server's, instead of routes.
    reception: Option<Box<Reception>>,
    kept: Kept,
    /// What was done on the last connection that is over.
    last: Option<Doing>,
    /// A client's next attempt, where the server speaks other versions than that of the last one.
    reaction: Option<(Instant, &'static Version)>,
    /// How many attempts there were for that reason.
    reactions: usize,
    notes: Vec<Note>,
}

/// What side it is, and whom it knows.
pub enum Role {
    /// Dials.
    Client {
        /// TLS.
        tls: Arc<tls::client::Config>,
        /// Where.
        server: SocketAddr,
        /// Whom.
        name: String,
        /// When, in order; each once the connection before is over. Later ones resume where they can.
        dials: Vec<Instant>,
    },
    /// Accepts.
    Server {
        /// TLS.
        tls: Arc<tls::server::Config>,
    },
}

/// What a client keeps from one connection to the next.
#[derive(Default)]
struct Kept {
    session: Option<tls::Session>,
    token: Vec<u8>,
}

struct Live {
    connection: Connection,
    work: Doing,
}

/// What is done on a connection.
enum Doing {
    Work(Box<Work>),
    Web(Box<web::Session>),
}

impl Doing {
    fn hear(&mut self, now: Instant, event: Event<'_>, notes: &mut Vec<Note>) {
        match self {
            Self::Work(work) => work.hear(now, &event, notes),
            Self::Web(web) => web.hear(now, event, notes),
        }
    }

    fn pump(&mut self, now: Instant, connection: &mut Connection, notes: &mut Vec<Note>) {
        match self {
            Self::Work(work) => work.pump(now, connection, notes),
            Self::Web(web) => web.pump(now, connection, notes),
        }
    }

    fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Work(work) => work.deadline(),
            Self::Web(web) => web.deadline(),
        }
    }
}

impl End {
    /// Somebody at `address`.
    pub fn new(role: Role, config: Arc<Config>, address: SocketAddr, habits: Habits, seed: Seed) -> Self {
        let side = match role {
            Role::Client { .. } => Side::Client,
            Role::Server { .. } => Side::Server,
        };
        Self {
            side,
            role,
            config,
            address,
            habits,
            web: None,
            seed,
            connections: Vec::new(),
            routes: BTreeMap::new(),
            reception: None,
            kept: Kept::default(),
            last: None,
            reaction: None,
            reactions: 0,
            notes: Vec::new(),
        }
    }

    /// Puts a front before a server.
    pub(super) fn receive_by(&mut self, reception: Reception) {
        self.reception = Some(Box::new(reception));
    }

    /// Has it speak HTTP/3.
    pub(super) fn speak(&mut self, web: Web) {
        if let Web::Page(page) = &web {
            self.kept.session.clone_from(&page.memory.ticket);
        }
        self.web = Some(web);
    }

    /// A client's visit to a page, on its last connection.
    pub(crate) fn visit(&self) -> Option<&Visit> {
        let live = self.connections.iter().flatten().map(|live| &live.work).next_back();
        match live.or(self.last.as_ref())? {
            Doing::Web(web) => web.visit(),
            Doing::Work(_) => None,
        }
    }

    /// How many connections there were.
    pub fn begun(&self) -> usize {
        self.connections.len()
    }

    /// Those that are not over.
    pub fn live(&self) -> impl Iterator<Item = &Connection> {
        self.connections.iter().flatten().map(|live| &live.connection)
    }

    fn chance(&mut self) -> Chance {
        Chance { tls: Box::new(self.seed.fork()), quic: Box::new(self.seed.fork()) }
    }

    fn next_dial(&self) -> Option<Instant> {
        match &self.role {
            Role::Client { dials, .. } if self.connections.iter().all(Option::is_none) => {
                let reaction = self.reaction.map(|(at, _)| at);
                reaction.or_else(|| dials.get(self.connections.len() - self.reactions).copied())
            }
            _ => None,
        }
    }

    fn dial(&mut self, now: Instant) {
        let chance = self.chance();
        let local = ConnectionId::random(ID_BYTES, &mut self.seed);
        let reaction = self.reaction.take();
        self.reactions += usize::from(reaction.is_some());
        let Role::Client { tls, server, name, .. } = &self.role else { return };
        let Kept { session, token } = core::mem::take(&mut self.kept);
        let remembered = session.as_ref().and_then(Http3::remembered);
        let attempt = Attempt {
            server_name: name,
            session,
            token,
            addresses: Addresses { local: self.address, peer: *server },
            local,
            version: reaction.map(|(_, version)| version),
            has_reacted: reaction.is_some(),
        };
        let connection = Connection::client(Arc::clone(tls), Arc::clone(&self.config), attempt, now, chance)
            .expect("the lab's options let TLS begin");
        let index = self.enter(connection);
        self.routes.insert(local, index);
        let Some(live) = &mut self.connections[index] else { return };
        match &mut live.work {
            Doing::Work(work) if work.is_early() && live.connection.early_data().is_some() => work.begin(now),
            Doing::Work(_) => {}
            Doing::Web(web) => {
                let hints = match &mut self.web {
                    Some(Web::Page(page)) => page.memory.hints.take(),
                    _ => None,
                };
                web.begin(&mut live.connection, remembered, hints);
            }
        }
        live.work.pump(now, &mut live.connection, &mut self.notes);
    }

    fn accept(&mut self, now: Instant, datagram: &Incoming<'_>) -> Option<usize> {
        if self.side == Side::Client {
            return None;
        }
        let door = Door { side: Side::Server, id_bytes: ID_BYTES, fixed_bit: FixedBit::Required };
        let packet = parse(datagram.bytes, &door).ok()?;
        let Header::Initial { version, dcid, scid, .. } = packet.header else { return None };
        if datagram.bytes.len() < LEAST_INITIAL_BYTES || dcid.len() < 8 {
            return None;
        }
        let local = ConnectionId::random(ID_BYTES, &mut self.seed);
        let dcid = ConnectionId::new(dcid)?;
        let accepted = Accepted {
            version,
            original_dcid: dcid,
            retry_source: None,
            dcid,
            local,
            peer: ConnectionId::new(scid)?,
            addresses: Addresses { local: datagram.to, peer: datagram.from },
            is_validated: false,
        };
        let index = self.admit(now, &accepted)?;
        self.routes.extend([(local, index), (dcid, index)]);
        Some(index)
    }

    fn admit(&mut self, now: Instant, accepted: &Accepted) -> Option<usize> {
        let chance = self.chance();
        let Role::Server { tls } = &self.role else { return None };
        let connection = Connection::server(Arc::clone(tls), Arc::clone(&self.config), accepted, now, chance);
        let index = self.enter(connection);
        if let Some(Live { connection, work: Doing::Web(web) }) = &mut self.connections[index] {
            web.begin(connection, None, None);
        }
        Some(index)
    }

    fn enter(&mut self, connection: Connection) -> usize {
        let index = self.connections.len();
        let work = match (&self.web, &self.role) {
            (Some(Web::Page(page)), Role::Client { tls, .. }) => {
                Doing::Web(Box::new(web::Session::of_client(page, Arc::clone(tls), index)))
            }
            (Some(Web::Site(site)), Role::Server { tls }) => {
                Doing::Web(Box::new(web::Session::of_server(site, Arc::clone(tls), index)))
            }
            _ => Doing::Work(Box::new(Work::new(self.side, index, self.habits.clone()))),
        };
        self.connections.push(Some(Live { connection, work }));
        index
    }

    /// The next visit goes on from what the last one learnt.
    fn remember(&mut self) {
        if let (Some(Web::Page(page)), Some(Doing::Web(web))) = (&mut self.web, &self.last)
            && let Some(visit) = web.visit()
        {
            self.kept.session.clone_from(&visit.learnt().ticket);
            page.memory.hints.clone_from(&visit.learnt().hints);
        }
    }

    /// What came to a server with a front.
    fn receive(&mut self, now: Instant, bytes: &mut [u8], addresses: Addresses, mark: Mark) {
        let Self { reception, seed, notes, .. } = self;
        let Some(reception) = reception else { return };
        match reception.route(now, bytes, addresses, seed, notes) {
            Route::Connection(index) => self.give(now, index, bytes, addresses, mark),
            Route::Accept(accepted) => {
                let Some(index) = self.admit(now, &accepted) else { return };
                let Some(reception) = &mut self.reception else { return };
                reception.endpoint.accept(&accepted, index);
                let held: Vec<_> = reception.endpoint.take_early(&accepted).collect();
                self.give(now, index, bytes, addresses, mark);
                for mut held in held {
                    self.give(now, index, &mut held.bytes, addresses, Mark::NotEct);
                }
            }
            Route::PerhapsReset => {
                let perhaps: Vec<usize> = reception.endpoint.connections_with(addresses.peer).collect();
                for index in perhaps {
                    self.give(now, index, &mut bytes.to_vec(), addresses, mark);
                }
            }
            // There is one worker and one process; replies wait to leave.
            Route::Hand(_) | Route::Pass(_) | Route::Reply { .. } | Route::Held | Route::Drop(_) => {}
        }
    }

    fn give(&mut self, now: Instant, index: usize, bytes: &mut [u8], addresses: Addresses, mark: Mark) {
        self.turn(now, index, |connection, mut heard| {
            connection.handle(now, Received { bytes, addresses, mark }, &mut heard);
        });
    }

    /// The process of a server with a front ends, and another one takes its place.
    fn restart(&mut self) {
        if let Some(reception) = &mut self.reception {
            reception.restart(&mut self.seed);
            self.connections.iter_mut().for_each(|live| *live = None);
            self.notes.push(Note::Restarted);
        }
    }

    /// Whose a datagram is.
    fn route(&self, bytes: &[u8]) -> Option<usize> {
        let dcid = match bytes.first()? & 0x80 {
            0 => bytes.get(1..=ID_BYTES)?,
            _ => bytes.get(6..6 + usize::from(*bytes.get(5)?))?,
        };
        let known = self.routes.get(&ConnectionId::new(dcid)?).copied();
        // A stateless reset may go to an id that was never ours.
        let only = (self.side == Side::Client && bytes[0] & 0x80 == 0)
            .then(|| self.connections.len().checked_sub(1));
        known.or(only.flatten()).filter(|index| self.connections[*index].is_some())
    }

    /// Lets a connection do something, then its application, and forgets it when it is over.
    fn turn(
        &mut self,
        now: Instant,
        index: usize,
        act: impl FnOnce(&mut Connection, &mut dyn FnMut(Event<'_>)),
    ) {
        let Some(live) = &mut self.connections[index] else { return };
        let Live { connection, work } = live;
        let (notes, kept, mut retired) = (&mut self.notes, &mut self.kept, Vec::new());
        let (config, reaction, mut is_validated) = (&self.config, &mut self.reaction, false);
        act(connection, &mut |event| {
            match &event {
                // A page's visit keeps its own, with the settings that belong to it.
                Event::Ticket(session) if matches!(work, Doing::Work(_)) => {
                    kept.session = Some(session.as_ref().clone());
                }
                Event::NewToken(token) => kept.token = token.to_vec(),
                Event::Retired(id) => retired.push(*id),
                Event::Validated(_) | Event::Established => is_validated = true,
                Event::OtherVersions(theirs) => {
                    let is_theirs = |version: &&&Version| theirs.contains(&version.number);
                    *reaction = config.versions.iter().find(is_theirs).map(|version| (now, *version));
                }
                Event::KeyLog(line) => notes.push(Note::Secret {
                    connection: index,
                    label: line.label,
                    secret: line.secret.as_ref().to_vec(),
                }),
                Event::Closed(closed) => {
                    if let Doing::Work(work) = work {
                        work.over();
                    }
                    notes.push(Note::Over { connection: index, why: why(closed) });
                }
                _ => {}
            }
            work.hear(now, event, notes);
        });
        for id in retired {
            match &mut self.reception {
                Some(reception) => reception.endpoint.retire(&id),
                None => drop(self.routes.remove(&id)),
            }
        }
        if let Some(reception) = &mut self.reception {
            reception.endpoint.moved(index, connection.paths().active().addresses.peer);
            if is_validated {
                reception.endpoint.validated(index);
            }
        }
        work.pump(now, connection, &mut self.notes);
        while connection.ids_wanted() > 0 {
            let id = match &mut self.reception {
                Some(reception) => reception.endpoint.issue(index),
                None => ConnectionId::random(ID_BYTES, &mut self.seed),
            };
            if !connection.issue(id) {
                break;
            }
            if self.reception.is_none() {
                self.routes.insert(id, index);
            }
        }
        if connection.is_over() {
            self.last = self.connections[index].take().map(|live| live.work);
            self.remember();
            if let Some(reception) = &mut self.reception {
                reception.endpoint.forget(index);
            }
            self.routes.retain(|_, other| *other != index);
        }
    }
}

impl Node for End {
    fn handle(&mut self, now: Instant, datagram: Incoming<'_>) {
        let addresses = Addresses { local: datagram.to, peer: datagram.from };
        if self.reception.is_some() {
            return self.receive(now, datagram.bytes, addresses, datagram.mark);
        }
        let Some(index) = self.route(datagram.bytes).or_else(|| self.accept(now, &datagram)) else { return };
        self.give(now, index, datagram.bytes, addresses, datagram.mark);
    }

    fn expire(&mut self, now: Instant) {
        if self.next_dial().is_some_and(|at| at <= now) {
            self.dial(now);
        }
        if let Some(reception) = &mut self.reception {
            reception.endpoint.expire(now);
            if reception.restart_due().is_some_and(|at| at <= now) {
                self.restart();
            }
        }
        for index in 0..self.connections.len() {
            let due = self.connections[index].as_ref().and_then(Live::deadline);
            if due.is_some_and(|due| due <= now) {
                self.turn(now, index, |connection, mut heard| connection.expire(now, &mut heard));
            }
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let reception = self.reception.as_ref();
        let reception = reception.map(|reception| [reception.restart_due(), reception.endpoint.deadline()]);
        let reception = reception.into_iter().flatten().flatten();
        let live = self.connections.iter().flatten().filter_map(Live::deadline);
        live.chain(self.next_dial()).chain(reception).min()
    }

    fn transmit(&mut self, now: Instant, out: &mut [u8]) -> Option<Outgoing> {
        if let Some(outgoing) = self.reception.as_mut().and_then(|reception| reception.transmit(out)) {
            return Some(outgoing);
        }
        for index in 0..self.connections.len() {
            let Some(live) = &mut self.connections[index] else { continue };
            live.work.pump(now, &mut live.connection, &mut self.notes);
            let (before, is_probe) = (live.connection.bytes_in_flight(), live.connection.may_exceed_window());
            let transmit = live.connection.transmit(now, out);
            let Some(transmit) = transmit else {
                self.turn(now, index, |_, _| {}); // What it had to say last may have been its end.
                continue;
            };
            let (after, window) = (live.connection.bytes_in_flight(), live.connection.congestion().window());
            // PATH_CHALLENGE and PATH_RESPONSE leave unmarked, in datagrams of their own; and an acknowledgement of an Initial
            // packet is expanded by PADDING, which counts.
            let is_long = out[0] & 0x80 != 0;
            let is_single = transmit.len <= LEAST_INITIAL_BYTES;
            let is_probe = is_probe || (is_single && (is_long || transmit.mark == Mark::NotEct));
            if after > before {
                self.notes.push(Note::Window { connection: index, before, after, window, is_probe });
            }
            let (from, to) = (transmit.addresses.local, transmit.addresses.peer);
            let segment_bytes = Some(transmit.segment_bytes);
            return Some(Outgoing { len: transmit.len, segment_bytes, from, to, mark: transmit.mark });
        }
        None
    }

    fn notes(&mut self) -> Vec<Note> {
        core::mem::take(&mut self.notes)
    }
}

impl Live {
    fn deadline(&self) -> Option<Instant> {
        self.connection.deadline().into_iter().chain(self.work.deadline()).min()
    }
}

fn why(closed: &Closed) -> Over {
    match closed {
        Closed::Local => Over::Local,
        Closed::Peer { frame_type: None, .. } | Closed::Peer { code: APPLICATION_ERROR, .. } => Over::Peer,
        Closed::NoPath => Over::NoPath,
        Closed::Idle | Closed::Fault(Fault::Tls(tls::Fault::HandshakeTimeout)) => Over::Idle,
        Closed::Reset => Over::Reset,
        Closed::Version => Over::Version,
        Closed::Peer { code: INVALID_TOKEN, frame_type: Some(_), .. } => Over::InvalidToken,
        other => Over::Fault(format!("{other:?}")),
    }
}

/// RFC 9000 section 20.1.
const INVALID_TOKEN: u64 = 0x0b;
/// What an application's close says in packets of the handshake (RFC 9000 section 10.2.3).
const APPLICATION_ERROR: u64 = 0x0c;
/// RFC 9000 section 14.1.
const LEAST_INITIAL_BYTES: usize = 1_200;
