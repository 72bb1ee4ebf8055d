//! Who lives in a world: browsers, callers and servers on the product's own session, and talkers on TLS alone.

mod browser;
pub mod caller;
mod pattern;
mod pipes;
mod reading;
pub mod server;
pub mod talker;
mod visit;

pub use browser::Browser;
pub use caller::Caller;
pub use pattern::pattern;
pub use server::{Content, Server};
pub use talker::Talker;
pub use visit::Memory;
pub(crate) use visit::Visit;

use crate::{
    log::Note,
    pipe::{PipeId, Side},
    world::{Node, NodeId},
};
use sakigake_wire::Instant;

/// Anybody, so that one world holds all kinds and can still be asked what each knows.
pub enum Someone {
    /// A client that loads a page.
    Browser(Box<Browser>),
    /// A client with a list of calls.
    Caller(Box<Caller>),
    /// A server.
    Server(Box<Server>),
    /// An end of TLS without HTTP.
    Talker(Box<Talker>),
}

impl Someone {
    fn node(&self) -> &dyn Node {
        match self {
            Self::Browser(node) => &**node,
            Self::Caller(node) => &**node,
            Self::Server(node) => &**node,
            Self::Talker(node) => &**node,
        }
    }

    fn node_mut(&mut self) -> &mut dyn Node {
        match self {
            Self::Browser(node) => &mut **node,
            Self::Caller(node) => &mut **node,
            Self::Server(node) => &mut **node,
            Self::Talker(node) => &mut **node,
        }
    }
}

impl Node for Someone {
    fn opened(&mut self, now: Instant, pipe: PipeId, side: Side) {
        self.node_mut().opened(now, pipe, side);
    }
    fn handle(&mut self, now: Instant, pipe: PipeId, bytes: &mut [u8]) {
        self.node_mut().handle(now, pipe, bytes);
    }
    fn ended(&mut self, now: Instant, pipe: PipeId, broken: bool) {
        self.node_mut().ended(now, pipe, broken);
    }
    fn expire(&mut self, now: Instant) {
        self.node_mut().expire(now);
    }
    fn deadline(&self) -> Option<Instant> {
        self.node().deadline()
    }
    fn transmit(&mut self, now: Instant, pipe: PipeId, out: &mut [u8]) -> Option<usize> {
        self.node_mut().transmit(now, pipe, out)
    }
    fn is_done(&self, pipe: PipeId) -> bool {
        self.node().is_done(pipe)
    }
    fn dials(&mut self) -> Option<NodeId> {
        self.node_mut().dials()
    }
    fn notes(&mut self) -> Vec<Note> {
        self.node_mut().notes()
    }
}
