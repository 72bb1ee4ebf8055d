//! What must hold between two ends in every world, judged from outside: by the log, and by the tape that is read from it.

mod acks;
mod amplification;
mod bytes;
mod credit;
mod ending;
mod front;
mod keys;
mod numbers;
mod pages;
mod quiet;
mod streams;
mod window;

use super::{Front, attacks::paths::Attacker, tape::Tape};
use crate::{
    checkers::{Notebook, Verdict},
    datagram::Log,
    node::Content,
    world::NodeId,
};
use std::sync::Arc;

/// A world that is over, and what is known about it beforehand.
pub struct Scene<'a> {
    /// What happened.
    pub log: &'a Log,
    /// What the ends said, opened.
    pub tape: &'a Tape,
    /// The client and the server.
    pub ends: [NodeId; 2],
    /// What should be.
    pub expected: &'a Expected,
}

/// What a world should come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// What each end declares, client and server.
    pub grants: [Grants; 2],
    /// Connections that the client dials, each to be complete; none where the world may be too bad for that.
    pub complete: Option<usize>,
    /// Nobody forges anything: a fault that an end finds is one of the engine's.
    pub is_honest: bool,
    /// Datagrams that may be sent beside those that are needed for what is transferred.
    pub spare_datagrams: u64,
    /// What stands before the server's connections.
    pub front: Option<Front>,
    /// Streams carry HTTP/3, and not what is known beforehand.
    pub page: Option<Page>,
    /// The server speaks not the version that the client begins with.
    pub refuses_version: bool,
    /// Who stands between the ends.
    pub attacker: Option<Attacker>,
}

/// A page that clients visit over HTTP/3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// What the server has.
    pub content: Arc<Content>,
    /// Whether the server has hints for the host.
    pub has_hints: bool,
    /// Whether the client follows hints.
    pub follows: bool,
    /// Whether there may be other hints: fields of a 103, or what was learnt in another world.
    pub has_others: bool,
}

/// Initial limits of an end's streams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// initial_max_data, in bytes.
    pub data: u64,
    /// All three initial_max_stream_data, in bytes.
    pub stream_data: u64,
    /// initial_max_streams_bidi and initial_max_streams_uni.
    pub streams: [u64; 2],
}

/// Every checker by its name.
pub const CHECKERS: [(&str, Checker); 10] = [
    ("bytes", bytes::check),
    ("streams", streams::check),
    ("credit", credit::check),
    ("amplification", amplification::check),
    ("window", window::check),
    ("numbers", numbers::check),
    ("keys", keys::check),
    ("acks", acks::check),
    ("ending", ending::check),
    ("quiet", quiet::check),
];

/// Those of what a server says without a connection.
pub const OF_FRONTS: [(&str, Checker); 5] = [
    ("retry", front::retry),
    ("versions", front::versions),
    ("resets", front::resets),
    ("tokens", front::tokens),
    ("invalid tokens", front::invalid_tokens),
];

/// Those of HTTP/3.
pub const OF_PAGES: [(&str, Checker); 3] =
    [("pages", pages::check), ("requests", pages::requests), ("hints", pages::hints)];

/// Reads a scene, counts what it looked at, and complains.
pub type Checker = fn(&Scene<'_>, &mut Notebook);

/// Asks all checkers.
pub fn check(scene: &Scene<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    for (name, checker) in CHECKERS.into_iter().chain(OF_FRONTS).chain(OF_PAGES) {
        verdict.ask(name, |notebook| checker(scene, notebook));
    }
    verdict
}

#[cfg(test)]
mod tests;
