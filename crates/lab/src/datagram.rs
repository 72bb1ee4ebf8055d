//! Worlds of datagrams: everybody has an address and a way to and from the rest, all else happens on those ways.
//!
//! ```text
//!   node -> up -> [gateway: a NAT, somebody on the path] -> down -> node
//! ```
//! What a node sends passes its own `up` and the receiver's `down`. All that a node behind a gateway sends or is sent passes
//! that gateway, which is a node like any other: it may rewrite, hold back, drop and make up what it likes. Between the two
//! lie the node's ways alone.

pub mod nat;
pub mod record;
pub mod way;

pub use record::{Ending, Entry, Log, Note, Over, What};
pub use way::{Fault, Queue, Way};

use crate::{
    seed::Seed,
    world::{NodeId, Stopped},
};
use core::net::{IpAddr, SocketAddr};
use sakigake_quic::recovery::acks::Mark;
use sakigake_wire::{Instant, Span};
use std::{
    collections::{BTreeMap, btree_map::Entry as Slot},
    sync::Arc,
};
use way::{Carried, Channel};

/// The most that a node gives at once: a batch of datagrams.
pub const BATCH_BYTES: usize = 64 * 1024;

/// Steps that may follow each other while the clock stands still.
const STEPS_A_MOMENT: usize = 1_000;

/// Somebody who lives in a world of datagrams: an end, a NAT, an attacker.
pub trait Node {
    /// A datagram came.
    fn handle(&mut self, now: Instant, datagram: Incoming<'_>);
    /// Time passed.
    fn expire(&mut self, now: Instant);
    /// When to call [`Node::expire`].
    fn deadline(&self) -> Option<Instant>;
    /// A datagram, or a batch of them, for the world; never an empty one.
    fn transmit(&mut self, now: Instant, out: &mut [u8]) -> Option<Outgoing>;
    /// What it has to say.
    fn notes(&mut self) -> Vec<Note>;
}

/// A datagram as it arrives.
#[derive(Debug)]
pub struct Incoming<'a> {
    /// What it carries.
    pub bytes: &'a mut [u8],
    /// Whose address stands in it.
    pub from: SocketAddr,
    /// Whom it was sent to.
    pub to: SocketAddr,
    /// Its ECN mark.
    pub mark: Mark,
}

/// What a node put into the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Bytes in all.
    pub len: usize,
    /// Where that is a batch, what each datagram has but the last, which may be shorter.
    pub segment_bytes: Option<usize>,
    /// The address that it says it is from.
    pub from: SocketAddr,
    /// Whom it is for.
    pub to: SocketAddr,
    /// Its ECN mark.
    pub mark: Mark,
}

/// A clock, a seed, and nodes with their ways.
pub struct World<N> {
    now: Instant,
    seed: Seed,
    places: Vec<Place<N>>,
    routes: BTreeMap<IpAddr, NodeId>,
    due: BTreeMap<(Instant, u64), Due>,
    sequence: u64,
    sent: u64,
    log: Log,
    buffer: Vec<u8>,
}

struct Place<N> {
    node: N,
    up: Channel,
    down: Channel,
    gateway: Option<NodeId>,
}

/// A datagram under way.
#[derive(Clone, Debug)]
struct Parcel {
    /// Counted from 0 as they were sent; a copy has its original's number.
    number: u64,
    bytes: Arc<[u8]>,
    from: SocketAddr,
    to: SocketAddr,
    mark: Mark,
}

#[derive(Clone, Copy)]
enum Leg {
    Up,
    Down,
}

enum Due {
    /// It has passed the sender's way, and begins the receiver's.
    Enters {
        to: NodeId,
        parcel: Parcel,
    },
    Arrives {
        to: NodeId,
        parcel: Parcel,
    },
}

impl<N: Node> World<N> {
    /// An empty world.
    pub fn new(seed: u64) -> Self {
        Self {
            now: Instant::default(),
            seed: Seed::new(seed),
            places: Vec::new(),
            routes: BTreeMap::new(),
            due: BTreeMap::new(),
            sequence: 0,
            sent: 0,
            log: Log::default(),
            buffer: vec![0; BATCH_BYTES],
        }
    }

    /// Adds somebody with a way out and a way in; `make` gets a seed of its own.
    pub fn add(&mut self, up: Way, down: Way, make: impl FnOnce(Seed) -> N) -> NodeId {
        let (up, down) = (Channel::new(up, self.seed.fork()), Channel::new(down, self.seed.fork()));
        let node = make(self.seed.fork());
        self.places.push(Place { node, up, down, gateway: None });
        NodeId(self.places.len() - 1)
    }

    /// What is sent to this address comes to `node`, whatever the port.
    ///
    /// # Panics
    /// Where another node has the address.
    pub fn route(&mut self, address: IpAddr, node: NodeId) {
        match self.routes.entry(address) {
            Slot::Vacant(slot) => drop(slot.insert(node)),
            Slot::Occupied(slot) => assert_eq!(*slot.get(), node, "one address, one node"),
        }
    }

    /// All that `node` sends and is sent passes `gateway`.
    pub fn put_behind(&mut self, node: NodeId, gateway: NodeId) {
        self.places[node.0].gateway = Some(gateway);
    }

    /// The moment.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// What happened so far.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// A node, to ask it what it knows.
    pub fn node(&self, id: NodeId) -> &N {
        &self.places[id.0].node
    }

    /// A node, to have it do something.
    pub fn node_mut(&mut self, id: NodeId) -> &mut N {
        &mut self.places[id.0].node
    }

    /// Runs until nothing is due, `longest` has passed, or `steps` were taken.
    pub fn run(&mut self, longest: Span, steps: usize) -> Stopped {
        let end = self.now + longest;
        self.settle();
        let mut here = 0;
        for _ in 0..steps {
            let before = self.now;
            if let Some(stopped) = self.step(end) {
                return stopped;
            }
            here = if self.now == before { here + 1 } else { 0 };
            if here > STEPS_A_MOMENT {
                break; // Somebody's deadline has passed, and calling it changes nothing.
            }
        }
        Stopped::OutOfSteps
    }

    /// One moment: everything that is due then.
    fn step(&mut self, end: Instant) -> Option<Stopped> {
        let arrival = self.due.first_key_value().map(|((at, _), _)| *at);
        let timers = self.places.iter().filter_map(|place| place.node.deadline());
        let Some(next) = arrival.into_iter().chain(timers).min() else { return Some(Stopped::Idle) };
        if next > end {
            self.now = self.now.max(end);
            return Some(Stopped::OutOfTime);
        }
        self.now = self.now.max(next);
        while let Some(entry) = self.due.first_entry().filter(|entry| entry.key().0 <= self.now) {
            match entry.remove() {
                Due::Enters { to, parcel } => self.enter(to, parcel),
                Due::Arrives { to, parcel } => self.arrive(to, parcel),
            }
        }
        for at in 0..self.places.len() {
            if self.places[at].node.deadline().is_some_and(|deadline| deadline <= self.now) {
                self.places[at].node.expire(self.now);
                self.gather_notes(NodeId(at));
            }
        }
        self.settle();
        None
    }

    /// Lets everybody send, until nobody has more.
    fn settle(&mut self) {
        for id in (0..self.places.len()).map(NodeId) {
            let mut buffer = core::mem::take(&mut self.buffer);
            while let Some(outgoing) = self.places[id.0].node.transmit(self.now, &mut buffer) {
                let Outgoing { len, segment_bytes, from, to, mark } = outgoing;
                assert!(len > 0, "nobody sends a batch of nothing");
                self.gather_notes(id); // What it says of these datagrams stands before them.
                for bytes in buffer[..len].chunks(segment_bytes.unwrap_or(len).max(1)) {
                    self.send(id, bytes, (from, to), mark);
                }
            }
            self.buffer = buffer;
            self.gather_notes(id);
        }
    }

    fn send(&mut self, by: NodeId, bytes: &[u8], (from, to): (SocketAddr, SocketAddr), mark: Mark) {
        let number = self.sent;
        self.sent += 1;
        let parcel = Parcel { number, bytes: bytes.into(), from, to, mark };
        let bytes = Arc::clone(&parcel.bytes);
        self.log.push(self.now, What::Sent { number, by, from, to, mark, bytes });
        let gateway = |node: NodeId| self.places[node.0].gateway;
        let Some(next) = gateway(by).or_else(|| self.outside(by, to.ip())) else {
            return self.log.push(self.now, What::Faulted { number, fault: Fault::Unroutable });
        };
        match () {
            () if gateway(by) == Some(next) => {
                self.carry((by, Leg::Up), parcel, |parcel| Due::Arrives { to: next, parcel });
            }
            () if gateway(next) == Some(by) => self.enter(next, parcel),
            () => self.carry((by, Leg::Up), parcel, |parcel| Due::Enters { to: next, parcel }),
        }
    }

    /// Who has that address, or stands before who has it.
    fn outside(&self, by: NodeId, to: IpAddr) -> Option<NodeId> {
        let receiver = *self.routes.get(&to)?;
        let gateway = self.places[receiver.0].gateway.filter(|gateway| *gateway != by);
        Some(gateway.unwrap_or(receiver))
    }

    fn carry(&mut self, (node, leg): (NodeId, Leg), parcel: Parcel, due: impl Fn(Parcel) -> Due) {
        let place = &mut self.places[node.0];
        let channel = match leg {
            Leg::Up => &mut place.up,
            Leg::Down => &mut place.down,
        };
        let Carried { copies, faults } = channel.carry(self.now, &parcel.bytes, parcel.mark);
        let number = parcel.number;
        for fault in faults {
            self.log.push(self.now, What::Faulted { number, fault });
        }
        for copy in copies {
            self.sequence += 1;
            let parcel = Parcel { bytes: copy.bytes, mark: copy.mark, ..parcel };
            self.due.insert((copy.at, self.sequence), due(parcel));
        }
    }

    fn enter(&mut self, to: NodeId, parcel: Parcel) {
        self.carry((to, Leg::Down), parcel, |parcel| Due::Arrives { to, parcel });
    }

    fn arrive(&mut self, node: NodeId, parcel: Parcel) {
        let Parcel { number, bytes, from, to, mark } = parcel;
        let mut copy = bytes.to_vec();
        self.log.push(self.now, What::Arrived { number, at: node, from, to, mark, bytes });
        self.places[node.0].node.handle(self.now, Incoming { bytes: &mut copy, from, to, mark });
        self.gather_notes(node);
    }

    fn gather_notes(&mut self, node: NodeId) {
        for note in self.places[node.0].node.notes() {
            self.log.push(self.now, What::Noted { node, note });
        }
    }
}

#[cfg(test)]
mod tests;
