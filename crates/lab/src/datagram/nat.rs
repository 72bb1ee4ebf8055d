//! A NAT: whoever is behind it has its address outside, and now and then another one.

use super::{Incoming, Node, Note, Outgoing};
use core::net::{IpAddr, SocketAddr};
use sakigake_quic::recovery::acks::Mark;
use sakigake_wire::Instant;
use std::collections::VecDeque;

/// A gateway that rewrites addresses.
#[derive(Debug)]
pub struct Nat {
    outside: IpAddr,
    next_port: u16,
    bindings: Vec<Binding>,
    rebindings: VecDeque<Rebinding>,
    leaving: VecDeque<(Vec<u8>, SocketAddr, SocketAddr, Mark)>,
    notes: Vec<Note>,
}

/// Everybody gets another port outside, or another address altogether.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rebinding {
    /// When.
    pub at: Instant,
    /// The address from then on; none for the same, with other ports.
    pub outside: Option<IpAddr>,
    /// Whether what is sent to the old binding still comes.
    pub keeps_old: bool,
}

#[derive(Debug)]
struct Binding {
    inside: SocketAddr,
    outside: SocketAddr,
    /// Whether what comes from inside takes it.
    is_current: bool,
    /// Whether what comes from outside takes it.
    is_open: bool,
}

impl Nat {
    /// A NAT with this address; `rebindings` in the order of their times.
    pub fn new(outside: IpAddr, rebindings: Vec<Rebinding>) -> Self {
        Self {
            outside,
            next_port: FIRST_PORT,
            bindings: Vec::new(),
            rebindings: rebindings.into(),
            leaving: VecDeque::new(),
            notes: Vec::new(),
        }
    }

    fn bind(&mut self, inside: SocketAddr) -> SocketAddr {
        let current = self.bindings.iter().find(|binding| binding.is_current && binding.inside == inside);
        if let Some(binding) = current {
            return binding.outside;
        }
        let outside = SocketAddr::new(self.outside, self.next_port);
        self.next_port += 1;
        if let Some(old) = self.bindings.iter().rev().find(|binding| binding.inside == inside) {
            self.notes.push(Note::Rebound { from: old.outside, to: outside });
        }
        self.bindings.push(Binding { inside, outside, is_current: true, is_open: true });
        outside
    }
}

impl Node for Nat {
    fn handle(&mut self, now: Instant, datagram: Incoming<'_>) {
        self.expire(now);
        let Incoming { bytes, from, to, mark } = datagram;
        let has_been_ours = |binding: &Binding| binding.outside.ip() == to.ip();
        let (from, to) = match self.bindings.iter().find(|binding| binding.outside == to && binding.is_open) {
            Some(binding) => (from, binding.inside),
            None if to.ip() == self.outside || self.bindings.iter().any(has_been_ours) => {
                self.notes.push(Note::Closed { to }); // There is no such port, or no more.
                return;
            }
            None => (self.bind(from), to),
        };
        self.leaving.push_back((bytes.to_vec(), from, to, mark));
    }

    fn expire(&mut self, now: Instant) {
        while let Some(rebinding) = self.rebindings.pop_front_if(|rebinding| rebinding.at <= now) {
            self.outside = rebinding.outside.unwrap_or(self.outside);
            for binding in &mut self.bindings {
                binding.is_current = false;
                binding.is_open &= rebinding.keeps_old;
            }
        }
    }

    fn deadline(&self) -> Option<Instant> {
        None // What nobody uses need not change at its time.
    }

    fn transmit(&mut self, _: Instant, out: &mut [u8]) -> Option<Outgoing> {
        let (bytes, from, to, mark) = self.leaving.pop_front()?;
        out[..bytes.len()].copy_from_slice(&bytes);
        Some(Outgoing { len: bytes.len(), segment_bytes: None, from, to, mark })
    }

    fn notes(&mut self) -> Vec<Note> {
        core::mem::take(&mut self.notes)
    }
}

const FIRST_PORT: u16 = 40_000;
