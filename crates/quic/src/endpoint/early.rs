//! Datagrams with 0-RTT packets that came before their Initial (RFC 9000 section 5.2.2).

use super::Limits;
use crate::ids::ConnectionId;
use core::net::SocketAddr;
use sakigake_wire::{Instant, Span};
use std::collections::VecDeque;

/// A datagram that waited for its Initial.
#[derive(Debug)]
pub struct Held {
    /// All of it.
    pub bytes: Vec<u8>,
    /// When it came.
    pub at: Instant,
    dcid: ConnectionId,
    peer: SocketAddr,
}

/// All that wait, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Early {
    held: VecDeque<Held>,
    bytes: usize,
}

impl Early {
    /// Keeps a copy; whether there was room. What waits already goes before what comes.
    pub(super) fn hold(
        &mut self,
        now: Instant,
        (dcid, peer): (ConnectionId, SocketAddr),
        datagram: &[u8],
        limits: &Limits,
    ) -> bool {
        self.expire(now, limits);
        if self.held.len() >= limits.early_datagrams || self.bytes + datagram.len() > limits.early_bytes {
            return false;
        }
        self.bytes += datagram.len();
        self.held.push_back(Held { bytes: datagram.to_vec(), at: now, dcid, peer });
        true
    }

    /// Takes out what one client sent to that id, in order.
    pub(super) fn take(
        &mut self,
        dcid: ConnectionId,
        peer: SocketAddr,
    ) -> impl Iterator<Item = Held> + use<> {
        let mut taken = Vec::new();
        let left = self.held.len();
        for _ in 0..left {
            match self.held.pop_front() {
                Some(held) if held.dcid == dcid && held.peer == peer => taken.push(held),
                Some(held) => self.held.push_back(held),
                None => {}
            }
        }
        self.bytes -= taken.iter().map(|held| held.bytes.len()).sum::<usize>();
        taken.into_iter()
    }

    pub(super) fn expire(&mut self, now: Instant, limits: &Limits) {
        let life = Span::from_millis(limits.early_ms);
        while let Some(held) = self.held.pop_front_if(|held| now.since(held.at) >= life) {
            self.bytes -= held.bytes.len();
        }
    }

    pub(super) fn deadline(&self, limits: &Limits) -> Option<Instant> {
        self.held.front().map(|held| held.at + Span::from_millis(limits.early_ms))
    }

    pub(super) fn is_within(&self, limits: &Limits) -> bool {
        self.held.len() <= limits.early_datagrams && self.bytes <= limits.early_bytes
    }
}
