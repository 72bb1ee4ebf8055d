//! What a watched connection has still to tell, and what it was when it was looked at last.

use crate::{
    ids::ConnectionId,
    paths::{Addresses, PathId},
    recovery::{Space, congestion::Phase},
    rules::{Epoch, Side},
    trace::{CongestionTrigger, Ecn, KeyChange, Metrics, Party, Record, State},
};
use sakigake_wire::Instant;
use std::collections::VecDeque;

/// What waits to be told, and what was told last.
pub(super) struct Tracer {
    pub(super) now: Instant,
    pub(super) waiting: VecDeque<(Instant, Record)>,
    pub(super) waiting_bytes: usize,
    pub(super) most_bytes: usize,
    /// Records that had no room.
    pub(super) missed: u64,
    /// None before the first look.
    pub(super) seen: Option<Seen>,
    pub(super) metrics: Metrics,
    /// Packets that count as lost, until it is known why.
    pub(super) lost: Vec<(Space, u64)>,
    /// The first number of a 1-RTT packet: below it are those of 0-RTT packets.
    pub(super) first_1rtt: Option<u64>,
    /// What brought the congestion controller where it is.
    pub(super) cause: Option<CongestionTrigger>,
    /// Paths below this are told.
    pub(super) next_path: u32,
    /// Of the datagram that is sealed.
    pub(super) datagram_bytes: usize,
}

/// How things are.
#[derive(Clone, Copy)]
pub(super) struct Seen {
    pub(super) state: State,
    pub(super) version: u32,
    pub(super) has_peer: bool,
    /// Of each epoch, by what the client and what the server sends.
    pub(super) keys: [[bool; 2]; 4],
    pub(super) updates: u64,
    pub(super) phase: Phase,
    pub(super) ecn: Ecn,
    pub(super) mtu: u16,
    pub(super) theirs: Option<ConnectionId>,
    pub(super) ours: ConnectionId,
}

impl Tracer {
    pub(super) fn new(now: Instant, most_bytes: usize) -> Self {
        Self {
            now,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            most_bytes,
            missed: 0,
            seen: None,
            metrics: Metrics::default(),
            lost: Vec::new(),
            first_1rtt: None,
            cause: None,
            next_path: 1, // The first one is told with the beginning.
            datagram_bytes: 0,
        }
    }

    /// A packet takes a path, maybe for the first time.
    pub(super) fn meet(&mut self, path: PathId, addresses: Option<Addresses>) {
        if let Some(addresses) = addresses.filter(|_| path.0 >= self.next_path) {
            self.next_path = path.0 + 1;
            self.push(Record::Path { id: path, addresses });
        }
    }

    pub(super) fn push(&mut self, record: Record) {
        let bytes = size_of::<(Instant, Record)>() + record.heap_bytes();
        if self.waiting_bytes + bytes > self.most_bytes {
            self.missed += 1;
            return;
        }
        self.waiting_bytes += bytes;
        self.waiting.push_back((self.now, record));
    }

    /// What is not as it was.
    pub(super) fn compare(&mut self, new: Seen, by: Party) {
        let old = self.seen.replace(new);
        let state = old.map(|old| old.state);
        if state != Some(new.state) {
            self.push(Record::State { old: state, new: new.state });
        }
        if old.is_some_and(|old| old.version != new.version) {
            self.push(Record::Versions { client: Vec::new(), server: Vec::new(), chosen: Some(new.version) });
        }
        self.compare_keys(old.as_ref(), &new, by);
        let theirs = old.and_then(|old| old.theirs);
        if let Some(id) = new.theirs.filter(|id| Some(*id) != theirs) {
            self.push(Record::ConnectionId { user: Party::Local, old: theirs, new: id });
        }
        let ours = old.map(|old| old.ours);
        if ours != Some(new.ours) {
            self.push(Record::ConnectionId { user: Party::Peer, old: ours, new: new.ours });
        }
        self.compare_path(old.as_ref(), &new);
    }

    fn compare_path(&mut self, old: Option<&Seen>, new: &Seen) {
        if let Some(old) = old.filter(|old| old.phase != new.phase) {
            let trigger = self.cause.take();
            self.push(Record::Congestion { old: old.phase, new: new.phase, trigger });
        }
        let ecn = old.map(|old| old.ecn);
        if ecn != Some(new.ecn) {
            self.push(Record::Ecn { old: ecn, new: new.ecn });
        }
        let mtu = old.map(|old| old.mtu);
        if mtu != Some(new.mtu) {
            self.push(Record::Mtu { old: mtu, new: new.mtu });
        }
    }

    fn compare_keys(&mut self, old: Option<&Seen>, new: &Seen, by: Party) {
        let none = [[false; 2]; 4];
        for (epoch, (before, after)) in
            Epoch::ALL.iter().zip(old.map_or(none, |old| old.keys).iter().zip(new.keys))
        {
            for (index, sender) in [Side::Client, Side::Server].into_iter().enumerate() {
                let change = match (before[index], after[index]) {
                    (false, true) => KeyChange::Installed,
                    (true, false) => KeyChange::Discarded,
                    _ => continue,
                };
                self.push(Record::Key { sender, epoch: *epoch, change });
            }
        }
        if old.is_some_and(|old| old.updates != new.updates) {
            for sender in [Side::Client, Side::Server] {
                let change = KeyChange::Updated { phase: new.updates, by };
                self.push(Record::Key { sender, epoch: Epoch::OneRtt, change });
            }
        }
    }
}
