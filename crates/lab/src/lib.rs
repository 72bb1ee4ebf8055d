//! Deterministic worlds: one virtual clock, one seed, nodes, pipes between them, and checkers that stand outside.
//!
//! The nodes run the very `session` and `page` that the product runs; only the pipes and the cryptography differ. The same
//! seed gives the same log, byte for byte with the plain provider.

pub mod checkers;
pub mod datagram;
pub mod log;
pub mod node;
pub mod pipe;
pub mod plain;
pub mod quic;
pub mod scenario;
pub mod seed;
pub mod soak;
pub mod world;
