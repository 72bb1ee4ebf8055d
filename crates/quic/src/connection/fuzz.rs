//! Sequences of datagrams, lost, doubled, changed and made up, between a client and a server of which either may turn hostile.

use super::{
    Accepted, Attempt, Chance, Config, Connection, Event, Options, Received, seal::Sealed, spaces::space_of,
};
use crate::{
    ids::ConnectionId,
    packet::{self, Door, FixedBit, Header},
    paths::Addresses,
    recovery::acks::Mark,
    rules::{Epoch, Side, versions::VERSION_2},
    streams::{Chunk, Direction, Heard, StreamId},
};
use sakigake_tls::{self as tls, fuzz::TOY_HOST};
use sakigake_wire::{Entropy, Instant, Reader, Short, Span};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, LazyLock},
};

/// Steps of one run; more bytes are not looked at.
const MOST_STEPS: usize = 400;
/// Datagrams of one turn: whoever has more to say at once will never stop.
const MOST_AT_ONCE: usize = 200;
/// Timers that may fire one after the other at one moment.
const MOST_TIMERS: usize = 16;
/// Datagrams that wait on a way; the oldest is lost.
const MOST_FLYING: usize = 64;
/// What each side may hold of streams.
const WINDOW: u64 = 20_000;

struct Toys {
    client: Arc<tls::client::Config>,
    server: Arc<tls::server::Config>,
    configs: [Arc<Config>; 2],
}

static TOYS: LazyLock<Toys> = LazyLock::new(|| {
    let (mut client, mut server) = tls::fuzz::toys();
    client.alpn = vec![b"toy".to_vec()];
    server.alpn = client.alpn.clone();
    let provider = client.provider;
    let configs = [Options::default(), Options { versions: vec![&VERSION_2], ..Options::default() }].map(
        |mut options| {
            options.versions.push(Options::default().versions[0]);
            options.max_datagram_frame_bytes = 500;
            let streams = &mut options.limits.streams;
            (streams.initial_stream_window_bytes, streams.stream_window_bytes) = (WINDOW, WINDOW);
            (streams.initial_connection_window_bytes, streams.connection_window_bytes) = (WINDOW, 2 * WINDOW);
            (streams.bidirectional_streams, streams.unidirectional_streams) = (4, 4);
            options.build(provider).expect("the options are ours")
        },
    );
    Toys {
        client: client.build().expect("the options are ours"),
        server: server.build().expect("the options are ours"),
        configs,
    }
});

struct Seeded(u64);

impl Entropy for Seeded {
    fn fill(&mut self, out: &mut [u8]) {
        for byte in out {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = (self.0 >> 56) as u8;
        }
    }
}

/// One side, and what its application has heard.
struct End {
    connection: Connection,
    heard: BTreeMap<StreamId, u64>,
    written: BTreeMap<StreamId, u64>,
    closed: usize,
}

struct World {
    now: Instant,
    ends: [Option<End>; 2],
    /// Towards the client, towards the server.
    flying: [VecDeque<Vec<u8>>; 2],
    client_port: u16,
    received: u64,
    sent: u64,
    /// Somebody sent what no honest side sends: streams promise nothing any more.
    is_hostile: bool,
    /// The client has shown once that it is there.
    is_known: bool,
    next_id: u64,
}

/// Plays the steps that `bytes` tell: nothing panics, nobody talks without end, timers move on, a server keeps to its limit,
/// streams bring what was written, and a connection that is over says so once.
///
/// # Panics
/// When one of these is broken.
pub fn fuzz_connection(bytes: &[u8]) {
    let mut reader = Reader::new(bytes);
    let Ok(habit) = reader.u8() else { return };
    let mut world = World::new(habit);
    for _ in 0..MOST_STEPS {
        if world.step(&mut reader).is_err() {
            break;
        }
        world.check();
    }
    world.rest();
}

impl World {
    fn new(habit: u8) -> Self {
        let now = Instant::from_nanos(1_000_000_000);
        let attempt = Attempt {
            server_name: TOY_HOST,
            session: None,
            token: Vec::new(),
            addresses: addresses(4_000),
            local: ConnectionId::new(&[0xc1; 8]).expect("8 bytes"),
            version: None,
            has_reacted: false,
        };
        let config = Arc::clone(&TOYS.configs[usize::from(habit & 1)]);
        let client =
            Connection::client(Arc::clone(&TOYS.client), config, attempt, now, chance(u64::from(habit)));
        let client = End::new(client.expect("the name is ours"));
        let mut world = Self {
            now,
            ends: [Some(client), None],
            flying: [VecDeque::new(), VecDeque::new()],
            client_port: 4_000,
            received: 0,
            sent: 0,
            is_hostile: false,
            is_known: false,
            next_id: u64::from(habit & 2),
        };
        world.flush();
        if habit & 4 != 0 {
            (0..8).for_each(|_| world.exchange());
        }
        world
    }

    fn step(&mut self, reader: &mut Reader<'_>) -> Result<(), Short> {
        let verb = reader.u8()?;
        let (side, verb) = (usize::from(verb & 1), verb >> 1);
        match verb % 16 {
            0..=3 => self.deliver(side),
            4 => drop(self.flying[side].pop_front()),
            5 => {
                if let Some(datagram) = self.flying[side].front().cloned() {
                    self.flying[side].push_back(datagram);
                }
            }
            6 => {
                let (at, bits) = (usize::from(reader.u16()?), reader.u8()?);
                if let Some(datagram) = self.flying[side].front_mut() {
                    let at = at % datagram.len();
                    datagram[at] ^= bits;
                }
            }
            7 => self.flying[side].rotate_left(usize::from(self.flying[side].len() > 1)),
            8 => {
                self.now += Span::from_millis(1 << (reader.u8()? & 15));
                self.expire();
            }
            9 => self.write(side, reader.u8()?),
            10 => self.act(side, reader.u8()?),
            11 => {
                let epoch = Epoch::ALL[usize::from(reader.u8()? & 3)];
                let len = usize::from(reader.u8()?).min(reader.len());
                let frames = reader.take(len)?;
                self.lie(side, epoch, frames);
            }
            12 => {
                let len = usize::from(reader.u8()?).min(reader.len());
                let datagram = reader.take(len)?.to_vec();
                self.push(side, datagram);
            }
            13 => self.client_port ^= 1,
            _ => self.exchange(),
        }
        self.flush();
        Ok(())
    }

    /// All that is under way arrives, both ways.
    fn exchange(&mut self) {
        for side in [1, 0] {
            for _ in 0..self.flying[side].len() {
                self.deliver(side);
            }
            self.flush();
        }
        self.now += Span::from_millis(1);
        self.expire();
        self.flush();
    }

    fn deliver(&mut self, side: usize) {
        let Some(mut datagram) = self.flying[side].pop_front() else { return };
        if side == 1 && self.ends[1].is_none() {
            self.accept(&datagram);
        }
        let addresses = self.seen_by(side);
        if side == 1 && self.ends[1].is_some() {
            self.received += datagram.len() as u64;
        }
        let now = self.now;
        if let Some(end) = &mut self.ends[side] {
            let received = Received { bytes: &mut datagram, addresses, mark: Mark::Ect0 };
            end.listen(|connection, heard| connection.handle(now, received, &mut |event| heard(event)));
        }
    }

    /// Both addresses, as a side sees them.
    fn seen_by(&self, side: usize) -> Addresses {
        let Addresses { local, peer } = addresses(if side == 1 { self.client_port } else { 4_000 });
        if side == 1 { Addresses { local: peer, peer: local } } else { Addresses { local, peer } }
    }

    fn accept(&mut self, datagram: &[u8]) {
        let door = Door { side: Side::Server, id_bytes: 8, fixed_bit: FixedBit::Ignored };
        let Ok(packet) = packet::parse(datagram, &door) else { return };
        let Header::Initial { version, dcid, scid, .. } = packet.header else { return };
        let (Some(dcid), Some(peer)) = (ConnectionId::new(dcid), ConnectionId::new(scid)) else { return };
        let accepted = Accepted {
            version,
            original_dcid: dcid,
            retry_source: None,
            dcid,
            local: ConnectionId::new(&[0x5e; 8]).expect("8 bytes"),
            peer,
            addresses: self.seen_by(1),
            is_validated: false,
        };
        let config = Arc::clone(&TOYS.configs[(self.next_id & 1) as usize]);
        let server = Connection::server(Arc::clone(&TOYS.server), config, &accepted, self.now, chance(77));
        self.ends[1] = Some(End::new(server));
    }

    /// What both sides have to say goes on its way.
    fn flush(&mut self) {
        let mut out = [0; 8_000];
        for side in [0, 1] {
            for turn in 0.. {
                assert!(turn < MOST_AT_ONCE, "a side that talks without end");
                let Some(end) = &mut self.ends[side] else { break };
                while end.connection.ids_wanted() > 0 {
                    self.next_id += 1;
                    let id = ConnectionId::new(&self.next_id.to_be_bytes()).expect("8 bytes");
                    assert!(end.connection.issue(id), "what is wanted is taken");
                }
                let Some(sent) = end.connection.transmit(self.now, &mut out) else { break };
                assert!(sent.len > 0 && sent.segment_bytes <= sent.len);
                if side == 1 {
                    self.sent += sent.len as u64;
                }
                for datagram in out[..sent.len].chunks(sent.segment_bytes) {
                    self.push(1 - side, datagram.to_vec());
                }
            }
        }
    }

    fn push(&mut self, to: usize, datagram: Vec<u8>) {
        if self.flying[to].len() == MOST_FLYING {
            self.flying[to].pop_front();
        }
        if !datagram.is_empty() {
            self.flying[to].push_back(datagram);
        }
    }

    fn expire(&mut self) {
        for side in [0, 1] {
            for turn in 0.. {
                let now = self.now;
                let Some(end) = &mut self.ends[side] else { break };
                assert!(turn < MOST_TIMERS, "timers that never move on: {:?}", end.connection.timers());
                if end.connection.deadline().is_none_or(|deadline| deadline > now) {
                    break;
                }
                end.listen(|connection, heard| connection.expire(now, &mut |event| heard(event)));
                self.flush();
            }
        }
    }

    /// The application writes.
    fn write(&mut self, side: usize, habit: u8) {
        let Some(end) = &mut self.ends[side] else { return };
        let direction = Direction::ALL[usize::from(habit & 1)];
        let known = end.heard.keys().chain(end.written.keys()).copied().nth(usize::from(habit >> 4));
        let id = if habit & 2 == 0 { end.connection.open(direction) } else { known };
        let Some(id) = id else { return };
        let bytes = vec![id.number() as u8; usize::from(habit) * 40];
        let len = bytes.len() as u64;
        if end.connection.write(id, Chunk::Owned(bytes)).is_ok() {
            *end.written.entry(id).or_default() += len;
        }
        if habit & 4 != 0 {
            // It may be over, or the peer's.
            let _ = end.connection.finish(id);
        }
    }

    /// The application does something else.
    fn act(&mut self, side: usize, habit: u8) {
        let now = self.now;
        let Some(end) = &mut self.ends[side] else { return };
        let id = end.written.keys().chain(end.heard.keys()).copied().nth(usize::from(habit >> 5));
        let connection = &mut end.connection;
        // Whatever is refused here is refused for a reason that the verbs' own tests know.
        match (habit % 8, id) {
            (0, _) => drop(connection.update_keys(now)),
            (1, Some(id)) => drop(connection.reset(id, 7)),
            (2, Some(id)) => connection.stop(id, 8),
            (3, _) => drop(connection.send_datagram(vec![9; usize::from(habit)])),
            (4, _) => connection.ping(),
            (5, Some(id)) => drop(connection.reset_at(id, 7, 10)),
            (6, _) if habit > 200 => connection.close(now, 1, b"enough"),
            _ => {}
        }
    }

    /// A side sends frames that are not its own, under its own keys.
    fn lie(&mut self, side: usize, epoch: Epoch, frames: &[u8]) {
        let Some(end) = &mut self.ends[side] else { return };
        let mut out = [0; 1_200];
        let Some(len) = end.connection.send_raw(self.now, epoch, frames, &mut out) else { return };
        self.is_hostile = true;
        self.sent += if side == 1 { len as u64 } else { 0 };
        self.push(1 - side, out[..len].to_vec());
    }

    fn check(&mut self) {
        let server = self.ends[1].as_ref();
        // Established: its first path was validated, even if the client has gone elsewhere since.
        self.is_known |= server.is_some_and(|server| {
            server.connection.is_established() || server.connection.paths.active().is_validated()
        });
        if !self.is_known && !self.is_hostile {
            assert!(self.sent <= 3 * self.received, "{} bytes for {}", self.sent, self.received);
        }
        for (side, end) in self.ends.iter().enumerate() {
            let Some(end) = end else { continue };
            assert!(end.closed <= 1, "it is over once");
            assert!(end.connection.streams.len() <= 64, "{} streams", end.connection.streams.len());
            let Some(other) = &self.ends[1 - side] else { continue };
            for (id, heard) in end.heard.iter().filter(|_| !self.is_hostile) {
                let written = other.written.get(id).copied().unwrap_or(0);
                assert!(*heard <= written, "{id:?}: {heard} bytes heard, {written} written");
            }
        }
    }

    /// Time goes on until both sides are over: nobody waits for ever.
    fn rest(&mut self) {
        for _ in 0..200 {
            let next = self.ends.iter().flatten().filter_map(|end| end.connection.deadline()).min();
            let Some(next) = next else { break };
            self.now = self.now.max(next);
            self.flying.iter_mut().for_each(VecDeque::clear);
            self.expire();
            self.flush();
        }
        for end in self.ends.iter().flatten() {
            assert!(end.connection.is_over(), "silence ends every connection");
        }
    }
}

impl End {
    fn new(connection: Connection) -> Self {
        Self { connection, heard: BTreeMap::new(), written: BTreeMap::new(), closed: 0 }
    }

    /// Does something with the connection, and consumes what it brings.
    fn listen(&mut self, body: impl FnOnce(&mut Connection, &mut dyn FnMut(Event<'_>))) {
        let Self { connection, heard, closed, .. } = self;
        let mut read = Vec::new();
        body(connection, &mut |event| match event {
            Event::Stream(Heard::Data { id, bytes }) => {
                *heard.entry(id).or_default() += bytes.len() as u64;
                read.push((id, bytes.len() as u64));
            }
            Event::Stream(Heard::Opened { id }) => drop(heard.entry(id).or_default()),
            Event::Closed(_) => *closed += 1,
            _ => {}
        });
        read.into_iter().for_each(|(id, bytes)| connection.consume(id, bytes));
    }
}

impl Connection {
    /// Seals `frames` as a packet of its own, as if they were ours.
    pub(super) fn send_raw(
        &mut self,
        now: Instant,
        epoch: Epoch,
        frames: &[u8],
        out: &mut [u8],
    ) -> Option<usize> {
        if !self.keys.can_send(epoch) || !self.life.is_open() {
            return None;
        }
        let path = self.active_path();
        let mut planned = self.begin_packet(epoch, path, out)?;
        let at = planned.draft.payload_at();
        out.get_mut(at..at + frames.len())?.copy_from_slice(frames);
        planned.payload_bytes = frames.len();
        (planned.elicits_ack, planned.in_flight) = (true, true);
        if planned.len() > out.len() {
            return None;
        }
        let wanted = if epoch == Epoch::Initial { out.len() } else { 0 };
        planned.pad(out, wanted);
        let number = planned.draft.number();
        let bytes = planned.len() as u32;
        let mut sealed = Sealed::default();
        if !self.protect(&mut sealed, &planned, out) {
            return None;
        }
        let carried = planned.carried;
        let sent = crate::recovery::Sent {
            number,
            bytes,
            elicits_ack: true,
            in_flight: true,
            is_elsewhere: false,
            is_marked: false,
            is_mtu_probe: false,
            carried,
        };
        self.recovery.on_sent(now, space_of(epoch), sent);
        Some(sealed.len)
    }
}

fn addresses(port: u16) -> Addresses {
    Addresses { local: ([192, 0, 2, 1], port).into(), peer: ([192, 0, 2, 2], 443).into() }
}

fn chance(seed: u64) -> Chance {
    Chance { tls: Box::new(Seeded(seed)), quic: Box::new(Seeded(seed ^ 0xdead_beef)) }
}

#[cfg(test)]
mod tests;
