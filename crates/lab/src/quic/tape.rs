//! What two ends said to each other, read from outside: a world's log with every packet opened under the keys that the ends'
//! own key logs tell.
//!
//! Packets are opened as they were sent. What arrives is the packet with the same bytes, whichever datagram brought it and by
//! whatever way: a NAT, or somebody who holds datagrams back.

use crate::{
    datagram::{Log, Note, What},
    plain,
    world::NodeId,
};
use core::net::SocketAddr;
use sakigake_crypto::{Provider, Secret, Suite};
use sakigake_quic::{
    frame::{Frame, Terms, walk},
    packet::{Door, Draft, FixedBit, Forgeries, Header, Keys, Number, Phases, Turn, parse},
    rules::{Epoch, Side, versions::Version},
};
use sakigake_tls::{Level, TrafficSecret};
use sakigake_wire::{Instant, Writer};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Everything that two ends said, in order.
#[derive(Clone, Debug, Default)]
pub struct Tape {
    /// Every packet that was opened, as they were sent.
    pub packets: Vec<Packet>,
    /// What happened to them.
    pub events: Vec<Event>,
    /// Packets of the ends that no key opened, but for answers that no connection gave.
    pub unread: u64,
    /// Connections whose early data was not taken.
    pub rejected: BTreeSet<usize>,
}

/// A packet that an end sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// When.
    pub at: Instant,
    /// The number of its datagram in the world's log.
    pub datagram: u64,
    /// Who.
    pub sender: Side,
    /// Of which connection, counted from 0 as clients began them.
    pub connection: usize,
    /// Its keys' epoch.
    pub epoch: Epoch,
    /// Its number.
    pub number: u64,
    /// How many key updates there were before.
    pub updates: u64,
    /// Where from and where to, as the sender sees it.
    pub addresses: (SocketAddr, SocketAddr),
    /// Whether it is an Initial packet with a token.
    pub has_token: bool,
    /// Its frames.
    pub payload: Vec<u8>,
}

/// What happened, by the packet's index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It was sent.
    Sent(usize),
    /// It arrived at the other end.
    Received {
        /// The packet.
        packet: usize,
        /// The address that the receiver saw.
        from: SocketAddr,
    },
    /// An end sent a datagram to an address.
    Out {
        /// Who.
        by: Side,
        /// Where.
        to: SocketAddr,
        /// Its bytes.
        bytes: usize,
    },
    /// A datagram arrived at an end.
    In {
        /// At whom.
        at: Side,
        /// The address that it says it is from.
        from: SocketAddr,
        /// Its bytes.
        bytes: usize,
    },
}

impl Packet {
    /// Its frames; those behind one that is malformed are not there.
    pub fn frames(&self) -> impl Iterator<Item = Frame<'_>> {
        let terms = Terms {
            sender: self.sender,
            max_datagram_frame_size: u64::MAX,
            reset_stream_at: true,
            min_ack_delay_us: Some(0),
        };
        walk(&self.payload, self.epoch, terms).map_while(Result::ok)
    }
}

impl Tape {
    /// Whether a packet is of early data that was not taken: as if it had never been sent.
    pub fn is_void(&self, packet: &Packet) -> bool {
        packet.epoch == Epoch::ZeroRtt && self.rejected.contains(&packet.connection)
    }

    /// Reads a log: `ends` are the client and the server, and `id_bytes` how long the ids are that packets to each bear.
    pub fn read(log: &Log, ends: [NodeId; 2], id_bytes: [usize; 2]) -> Self {
        let mut reader = Reader::new(ends, id_bytes, secrets(log, ends));
        reader.twins = Twins::find(log, &reader);
        for entry in log.entries() {
            match &entry.what {
                What::Sent { number, by, from, to, bytes, .. } => {
                    if let Some(side) = reader.side(*by) {
                        let out = Event::Out { by: side, to: *to, bytes: bytes.len() };
                        reader.tape.events.push(out);
                        reader.sent((entry.at, *number), side, (*from, *to), bytes);
                    }
                }
                What::Arrived { at, from, bytes, .. } => {
                    if let Some(side) = reader.side(*at) {
                        let came = Event::In { at: side, from: *from, bytes: bytes.len() };
                        reader.tape.events.push(came);
                        reader.arrived(side, *from, bytes);
                    }
                }
                What::Noted { node, note: Note::Answered { bytes, .. } } if *node == ends[1] => {
                    reader.answers.insert(bytes.clone());
                }
                // A client numbers its connections as they begin.
                What::Noted { node, note: Note::Rejected { connection } } if *node == ends[0] => {
                    reader.tape.rejected.insert(*connection);
                }
                What::Faulted { .. } | What::Noted { .. } => {}
            }
        }
        reader.tape
    }
}

/// Secrets of a connection, by label.
type Secrets = BTreeMap<&'static str, Vec<u8>>;

/// What each side's connections logged, the client's first, and how many those are. A server numbers its own; which is which shows
/// when a packet opens.
fn secrets(log: &Log, ends: [NodeId; 2]) -> (usize, Vec<Secrets>) {
    let mut secrets: BTreeMap<(NodeId, usize), Secrets> = BTreeMap::new();
    for entry in log.entries() {
        if let What::Noted { node, note: Note::Secret { connection, label, secret } } = &entry.what
            && ends.contains(node)
        {
            secrets.entry((*node, *connection)).or_default().insert(label, secret.clone());
        }
    }
    let clients = secrets.keys().filter(|(node, _)| *node == ends[0]).count();
    (clients, secrets.into_values().collect())
}

/// Clients' first packets may begin two connections at a server: where it forgot the first one, or where one of them came with a
/// spoiled token and was answered by a Retry. The client goes on with one, and nobody hears what the other one says.
#[derive(Default)]
struct Twins {
    /// By a client's id: the server's id that it went on with, where there were others.
    partners: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Twins {
    fn find(log: &Log, reader: &Reader) -> Self {
        // The ids that servers gave themselves, in order, and those that clients sent to.
        let mut given: BTreeMap<Vec<u8>, Vec<Vec<u8>>> = BTreeMap::new();
        let mut taken: BTreeSet<(Vec<u8>, Vec<u8>)> = BTreeSet::new();
        for entry in log.entries() {
            let What::Sent { by, bytes, .. } = &entry.what else { continue };
            let Some(side) = reader.side(*by) else { continue };
            for (_, header) in pieces(bytes, &reader.door(side)) {
                let is_protected = matches!(header, Header::Initial { .. } | Header::Handshake { .. });
                let (Some(scid), true) = (header.scid(), is_protected) else { continue };
                let (dcid, scid) = (header.dcid().to_vec(), scid.to_vec());
                match side {
                    Side::Client => drop(taken.insert((scid, dcid))),
                    Side::Server => {
                        let given = given.entry(dcid).or_default();
                        given.extend((!given.contains(&scid)).then_some(scid));
                    }
                }
            }
        }
        given.retain(|_, ids| ids.len() > 1);
        let partner = |(client, ids): (Vec<u8>, Vec<Vec<u8>>)| {
            let taken = ids.iter().find(|id| taken.contains(&(client.clone(), (*id).clone())));
            let partner = taken.or(ids.first())?.clone();
            Some((client, partner))
        };
        Self { partners: given.into_iter().filter_map(partner).collect() }
    }

    /// Whether a server's packet is of a connection that its client did not go on with.
    fn has(&self, header: &Header<'_>) -> bool {
        let partner = self.partners.get(header.dcid());
        header.scid().zip(partner).is_some_and(|(scid, partner)| scid != partner)
    }
}

struct Reader {
    ends: [NodeId; 2],
    id_bytes: [usize; 2],
    /// What a server said without a connection.
    answers: BTreeSet<Vec<u8>>,
    twins: Twins,
    /// The client's first.
    clients_secrets: usize,
    secrets: Vec<Secrets>,
    tape: Tape,
    /// By the client's first connection id.
    connections: Vec<Known>,
    /// Packets by their bytes.
    known: BTreeMap<Arc<[u8]>, usize>,
}

/// A connection as it is found on the wire.
struct Known {
    client_id: Vec<u8>,
    /// Keys of Initial packets, by what they follow from; the latest last.
    initial: Vec<(u32, Vec<u8>, [Keys; 2])>,
    early: Option<Keys>,
    handshake: [Option<Keys>; 2],
    phases: [Option<Phases>; 2],
    /// The largest number of each side in each space.
    largest: BTreeMap<(Side, u8), u64>,
    forgeries: Forgeries,
}

/// What opened.
struct Open {
    connection: usize,
    number: u64,
    updates: u64,
    payload: Vec<u8>,
}

impl Reader {
    fn new(ends: [NodeId; 2], id_bytes: [usize; 2], secrets: (usize, Vec<Secrets>)) -> Self {
        let (tape, connections, known) = (Tape::default(), Vec::new(), BTreeMap::new());
        let (clients_secrets, secrets) = secrets;
        let (answers, twins) = (BTreeSet::new(), Twins::default());
        Self { ends, id_bytes, answers, twins, clients_secrets, secrets, tape, connections, known }
    }

    fn side(&self, node: NodeId) -> Option<Side> {
        match node {
            node if node == self.ends[0] => Some(Side::Client),
            node if node == self.ends[1] => Some(Side::Server),
            _ => None,
        }
    }

    fn sent(
        &mut self,
        (at, datagram): (Instant, u64),
        sender: Side,
        addresses: (SocketAddr, SocketAddr),
        bytes: &[u8],
    ) {
        let pieces = pieces(bytes, &self.door(sender));
        let is_twins = pieces.first().is_some_and(|(_, header)| self.twins.has(header));
        if sender == Side::Server && (is_twins || self.answers.contains(bytes)) {
            return;
        }
        for (piece, header) in pieces {
            let (epoch, has_token) = match &header {
                Header::Initial { token, .. } => (Epoch::Initial, !token.is_empty()),
                Header::ZeroRtt { .. } => (Epoch::ZeroRtt, false),
                Header::Handshake { .. } => (Epoch::Handshake, false),
                Header::Short { .. } => (Epoch::OneRtt, false),
                _ => continue,
            };
            let Some(open) = self.open(sender, epoch, &header, piece) else {
                // What the other of two connections says goes unread where nothing else tells whose it is.
                let may_be_twins =
                    epoch == Epoch::OneRtt && sender == Side::Server && !self.twins.partners.is_empty();
                self.tape.unread += u64::from(!may_be_twins);
                continue;
            };
            let Open { connection, number, updates, payload } = open;
            let index = self.tape.packets.len();
            self.tape.packets.push(Packet {
                at,
                datagram,
                sender,
                connection,
                epoch,
                number,
                updates,
                addresses,
                has_token,
                payload,
            });
            self.tape.events.push(Event::Sent(index));
            self.known.insert(piece.into(), index);
        }
    }

    fn arrived(&mut self, at: Side, from: SocketAddr, datagram: &[u8]) {
        let pieces = pieces(datagram, &self.door(peer(at)));
        // Where a spoiled bit sends the first packet to somebody else, all behind it goes there too.
        let whose = pieces.first().map(|(_, header)| header.dcid());
        for (piece, _) in pieces.iter().filter(|(_, header)| Some(header.dcid()) == whose) {
            if let Some(packet) = self.known.get(*piece).copied() {
                self.tape.events.push(Event::Received { packet, from });
            }
        }
    }

    fn open(&mut self, sender: Side, epoch: Epoch, header: &Header<'_>, piece: &[u8]) -> Option<Open> {
        let number_at = parse(piece, &self.door(sender)).ok()?.number_at?;
        let candidates: Vec<usize> = match header.scid() {
            // Those whose keys are known go first, so that nobody takes what another's open.
            None => {
                let mut all: Vec<usize> = (0..self.connections.len()).rev().collect();
                all.sort_by_key(|at| self.connections[*at].phases[sender as usize].is_none());
                all
            }
            Some(scid) => {
                let client_id = if sender == Side::Client { scid } else { header.dcid() };
                vec![self.find(client_id, sender)?]
            }
        };
        if epoch == Epoch::Initial && sender == Side::Client {
            self.connections[candidates[0]].key_initial(header.version()?, header.dcid());
        }
        // A server's packets with short headers do not tell which of two connections they are of, but that its client knows the keys.
        let is_double = epoch == Epoch::OneRtt && sender == Side::Server && !self.twins.partners.is_empty();
        let secrets = if is_double { &self.secrets[..self.clients_secrets] } else { &self.secrets[..] };
        candidates.into_iter().find_map(|connection| {
            let known = &mut self.connections[connection];
            let space = space(epoch);
            let largest = known.largest.get(&(sender, space)).copied();
            let opened = known.open(secrets, sender, epoch, header, piece, number_at, largest)?;
            let (number, updates, payload) = opened;
            let entry = known.largest.entry((sender, space)).or_insert(number);
            *entry = number.max(*entry);
            Some(Open { connection, number, updates, payload })
        })
    }

    /// How packets of `sender` are read.
    fn door(&self, sender: Side) -> Door {
        let side = peer(sender);
        Door { side, id_bytes: self.id_bytes[side as usize], fixed_bit: FixedBit::Ignored }
    }

    /// The connection of a client's id; a client's first packet begins one.
    fn find(&mut self, client_id: &[u8], sender: Side) -> Option<usize> {
        let known = self.connections.iter().position(|known| known.client_id == client_id);
        if known.is_none() && sender == Side::Client {
            self.connections.push(Known::new(client_id));
            return Some(self.connections.len() - 1);
        }
        known
    }
}

impl Known {
    fn new(client_id: &[u8]) -> Self {
        Self {
            client_id: client_id.to_vec(),
            initial: Vec::new(),
            early: None,
            handshake: [None, None],
            phases: [None, None],
            largest: BTreeMap::new(),
            forgeries: Forgeries::default(),
        }
    }

    fn key_initial(&mut self, version: &'static Version, dcid: &[u8]) {
        let is_known = |(number, id, _): &(u32, Vec<u8>, _)| *number == version.number && id == dcid;
        if !self.initial.iter().any(is_known) {
            let suite = &plain::PROVIDER.suites[0];
            let keys = Keys::initial(suite, version, dcid, Side::Client);
            self.initial.push((version.number, dcid.to_vec(), [keys.send, keys.receive]));
        }
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "one place where all that is known of a packet comes together"
    )]
    fn open(
        &mut self,
        secrets: &[Secrets],
        sender: Side,
        epoch: Epoch,
        header: &Header<'_>,
        piece: &[u8],
        number_at: usize,
        largest: Option<u64>,
    ) -> Option<(u64, u64, Vec<u8>)> {
        let forgeries = &mut self.forgeries;
        let mut with = |keys: &Keys| {
            let mut copy = piece.to_vec();
            let opened = keys.open(&mut copy, number_at, largest, forgeries).ok()?;
            Some((opened.number, 0, copy[opened.payload].to_vec()))
        };
        let at = sender as usize;
        match epoch {
            Epoch::Initial => {
                let version = header.version()?.number;
                let keyed = self.initial.iter().rev().filter(|(number, ..)| *number == version);
                // A server may answer in another version than the client began with, from the client's first id.
                keyed
                    .map(|(.., keys)| &keys[at])
                    .find_map(with)
                    .or_else(|| self.open_other(header, sender, piece, number_at, largest))
            }
            Epoch::ZeroRtt | Epoch::Handshake => {
                let slot = if epoch == Epoch::ZeroRtt { &mut self.early } else { &mut self.handshake[at] };
                if let Some(keys) = slot {
                    return with(keys);
                }
                let label = label(epoch, sender);
                let version = header.version()?;
                let candidates = secrets.iter().filter_map(|secrets| secrets.get(label));
                let keys = candidates
                    .flat_map(|secret| traffic(epoch, secret))
                    .map(|secret| Keys::from_secret(version, &secret));
                let (keys, opened) =
                    keys.into_iter().find_map(|keys| with(&keys).map(|opened| (keys, opened)))?;
                *slot = Some(keys);
                Some(opened)
            }
            Epoch::OneRtt => self.open_short(secrets, sender, piece, number_at, largest),
        }
    }

    fn open_other(
        &mut self,
        header: &Header<'_>,
        sender: Side,
        piece: &[u8],
        number_at: usize,
        largest: Option<u64>,
    ) -> Option<(u64, u64, Vec<u8>)> {
        let version = header.version()?;
        for id in self.initial.iter().map(|(_, id, _)| id.clone()).collect::<Vec<_>>() {
            let suite = &plain::PROVIDER.suites[0];
            let keys = Keys::initial(suite, version, &id, Side::Client);
            let keys = [keys.send, keys.receive];
            let mut copy = piece.to_vec();
            if let Ok(opened) = keys[sender as usize].open(&mut copy, number_at, largest, &mut self.forgeries)
            {
                self.initial.push((version.number, id, keys));
                return Some((opened.number, 0, copy[opened.payload].to_vec()));
            }
        }
        None
    }

    fn open_short(
        &mut self,
        secrets: &[Secrets],
        sender: Side,
        piece: &[u8],
        number_at: usize,
        largest: Option<u64>,
    ) -> Option<(u64, u64, Vec<u8>)> {
        let slot = &mut self.phases[sender as usize];
        if let Some(phases) = slot {
            return open_phase(phases, piece, number_at, largest, &mut self.forgeries);
        }
        let versions = self
            .initial
            .iter()
            .rev()
            .filter_map(|(number, ..)| sakigake_quic::rules::versions::version(*number));
        for version in versions {
            for secret in secrets.iter().filter_map(|secrets| secrets.get(label(Epoch::OneRtt, sender))) {
                for secret in traffic(Epoch::OneRtt, secret) {
                    let mut phases = Phases::new(version, &secret);
                    phases.receive(&secret);
                    phases.confirm();
                    let opened = open_phase(&mut phases, piece, number_at, largest, &mut self.forgeries);
                    if opened.is_some() {
                        *slot = Some(phases);
                        return opened;
                    }
                }
            }
        }
        None
    }
}

fn open_phase(
    phases: &mut Phases,
    piece: &[u8],
    number_at: usize,
    largest: Option<u64>,
    forgeries: &mut Forgeries,
) -> Option<(u64, u64, Vec<u8>)> {
    let mut copy = piece.to_vec();
    let received = phases.open(&mut copy, number_at, largest, forgeries).ok()?;
    let updates = phases.updates() - u64::from(received.turn == Turn::Previous);
    if received.turn == Turn::Updated {
        follow(phases);
    }
    Some((received.opened.number, updates, copy[received.opened.payload].to_vec()))
}

/// Phases believe that they send too, and allow no update before they have.
fn follow(phases: &mut Phases) {
    let mut buffer = [0; 64];
    let mut out = Writer::new(&mut buffer);
    let number = Number::with_len(0, 4).expect("0 is a number, 4 a length");
    let draft = Draft::short(&mut out, &[], false, number).expect("64 bytes are enough");
    let sealed = phases.seal(draft, &mut buffer, 8);
    debug_assert!(sealed.is_ok(), "a key that seals one packet an update is never exhausted");
}

/// A secret, for each suite that it may be of.
fn traffic(epoch: Epoch, secret: &[u8]) -> Vec<TrafficSecret> {
    let level = match epoch {
        Epoch::Initial => Level::Plain,
        Epoch::ZeroRtt => Level::EarlyData,
        Epoch::Handshake => Level::Handshake,
        Epoch::OneRtt => Level::Application,
    };
    let provider: &'static Provider = &plain::PROVIDER;
    let fits = |suite: &&'static Suite| suite.hash.len == secret.len();
    let suites = provider.suites.iter().filter(fits);
    suites.map(|suite| TrafficSecret { level, suite, secret: Secret::new(secret) }).collect()
}

/// The packets of a datagram.
fn pieces<'a>(datagram: &'a [u8], door: &Door) -> Vec<(&'a [u8], Header<'a>)> {
    let mut pieces = Vec::new();
    let mut rest = datagram;
    while let Ok(packet) = parse(rest, door) {
        let (piece, behind) = rest.split_at(packet.len.min(rest.len()));
        pieces.push((piece, packet.header));
        rest = behind;
        if rest.is_empty() {
            break;
        }
    }
    pieces
}

/// The other side.
pub fn peer(side: Side) -> Side {
    match side {
        Side::Client => Side::Server,
        Side::Server => Side::Client,
    }
}

/// Which packets share their numbers.
pub fn space(epoch: Epoch) -> u8 {
    match epoch {
        Epoch::Initial => 0,
        Epoch::Handshake => 1,
        Epoch::ZeroRtt | Epoch::OneRtt => 2,
    }
}

fn label(epoch: Epoch, sender: Side) -> &'static str {
    match (epoch, sender) {
        (Epoch::Handshake, Side::Client) => "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
        (Epoch::Handshake, Side::Server) => "SERVER_HANDSHAKE_TRAFFIC_SECRET",
        (Epoch::OneRtt, Side::Client) => "CLIENT_TRAFFIC_SECRET_0",
        (Epoch::OneRtt, Side::Server) => "SERVER_TRAFFIC_SECRET_0",
        (Epoch::ZeroRtt | Epoch::Initial, _) => "CLIENT_EARLY_TRAFFIC_SECRET",
    }
}
