//! Whose an id is. Ids that clients chose are among the keys, so that the map is an ordered one.

use crate::ids::ConnectionId;
use core::net::SocketAddr;
use std::collections::{BTreeMap, BTreeSet};

/// Ids, and the connections that they stand for.
#[derive(Debug, Default)]
pub(super) struct Routes {
    ids: BTreeMap<ConnectionId, usize>,
    connections: BTreeMap<usize, Known>,
    peers: BTreeSet<(SocketAddr, usize)>,
    half_open: usize,
}

/// One connection.
#[derive(Debug)]
struct Known {
    ids: Vec<ConnectionId>,
    peer: SocketAddr,
    is_half_open: bool,
}

impl Routes {
    pub(super) fn begin(&mut self, index: usize, peer: SocketAddr, is_half_open: bool) {
        let known = Known { ids: Vec::with_capacity(2), peer, is_half_open };
        let other = self.connections.insert(index, known);
        assert!(other.is_none(), "an owner has one connection of each index");
        self.peers.insert((peer, index));
        self.half_open += usize::from(is_half_open);
    }

    pub(super) fn insert(&mut self, id: ConnectionId, index: usize) {
        let known = self.connections.get_mut(&index).expect("an owner gives ids to connections that it has");
        known.ids.push(id);
        let other = self.ids.insert(id, index);
        assert!(other.is_none(), "ids never come twice, and known ones are not accepted again");
    }

    pub(super) fn remove(&mut self, id: &ConnectionId) {
        let Some(index) = self.ids.remove(id) else { return };
        if let Some(known) = self.connections.get_mut(&index) {
            known.ids.retain(|other| other != id);
        }
    }

    pub(super) fn validated(&mut self, index: usize) {
        if let Some(known) = self.connections.get_mut(&index) {
            self.half_open -= usize::from(known.is_half_open);
            known.is_half_open = false;
        }
    }

    pub(super) fn moved(&mut self, index: usize, peer: SocketAddr) {
        if let Some(known) = self.connections.get_mut(&index) {
            self.peers.remove(&(known.peer, index));
            self.peers.insert((peer, index));
            known.peer = peer;
        }
    }

    pub(super) fn forget(&mut self, index: usize) {
        let Some(known) = self.connections.remove(&index) else { return };
        for id in &known.ids {
            self.ids.remove(id);
        }
        self.peers.remove(&(known.peer, index));
        self.half_open -= usize::from(known.is_half_open);
    }

    pub(super) fn find(&self, id: &[u8]) -> Option<usize> {
        self.ids.get(&ConnectionId::new(id)?).copied()
    }

    pub(super) fn with(&self, peer: SocketAddr) -> impl Iterator<Item = usize> {
        self.peers.range((peer, 0)..=(peer, usize::MAX)).map(|(_, index)| *index)
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.len()
    }

    pub(super) fn half_open(&self) -> usize {
        self.half_open
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ids.is_empty() && self.connections.is_empty() && self.peers.is_empty() && self.half_open == 0
    }

    /// Ids that are known.
    #[cfg(test)]
    pub(super) fn ids(&self) -> usize {
        self.ids.len()
    }
}
