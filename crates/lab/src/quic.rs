//! QUIC in worlds of datagrams: ends that transfer files over streams, and who tries to stop them.

pub mod attacks;
pub mod checkers;
pub mod content;
pub mod end;
pub mod front;
pub mod setup;
pub mod tape;
pub mod web;
pub mod work;

pub use end::End;
pub use front::Front;
pub use setup::{Setup, Story};
pub use web::{Page, Site, Web};

use crate::datagram::{Incoming, Node, Note, Outgoing, nat::Nat};
use sakigake_wire::Instant;

/// Bytes of the connection ids of everybody here.
pub const ID_BYTES: usize = 8;

/// Anybody who lives in these worlds.
pub enum Anybody {
    /// A client or a server.
    End(Box<End>),
    /// A NAT.
    Nat(Box<Nat>),
    /// Who means harm.
    Attacker(Box<dyn Node>),
}

impl Anybody {
    /// The end that it is.
    pub fn end(&self) -> Option<&End> {
        match self {
            Self::End(end) => Some(end),
            Self::Nat(_) | Self::Attacker(_) => None,
        }
    }

    fn node(&self) -> &dyn Node {
        match self {
            Self::End(node) => &**node,
            Self::Nat(node) => &**node,
            Self::Attacker(node) => &**node,
        }
    }

    fn node_mut(&mut self) -> &mut dyn Node {
        match self {
            Self::End(node) => &mut **node,
            Self::Nat(node) => &mut **node,
            Self::Attacker(node) => &mut **node,
        }
    }
}

impl Node for Anybody {
    fn handle(&mut self, now: Instant, datagram: Incoming<'_>) {
        self.node_mut().handle(now, datagram);
    }
    fn expire(&mut self, now: Instant) {
        self.node_mut().expire(now);
    }
    fn deadline(&self) -> Option<Instant> {
        self.node().deadline()
    }
    fn transmit(&mut self, now: Instant, out: &mut [u8]) -> Option<Outgoing> {
        self.node_mut().transmit(now, out)
    }
    fn notes(&mut self) -> Vec<Note> {
        self.node_mut().notes()
    }
}
