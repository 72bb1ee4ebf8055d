//! TLS 1.3 (RFC 9846) without I/O: a handshake that knows no records, and a record layer for byte streams.
//!
//! ```text
//!   bytes of a TCP stream            handshake messages at a level
//!          |                                    |
//!   Connection (records) ---- Flight <---- Handshake (states) ---- Wanted / Answer ---- the owner
//! ```
//!
//! QUIC will call the same [`Handshake`] from its CRYPTO frames.

mod certificate;
pub mod client;
mod config;
mod connection;
mod exporter;
pub mod extension;
mod fault;
mod flight;
#[doc(hidden)]
pub mod fuzz;
mod handshake;
pub mod key_log;
mod level;
mod limits;
pub mod message;
mod misuse;
pub mod record;
mod resumption;
pub mod rules;
pub mod schedule;
pub mod server;
mod ticket;
pub mod trace;
pub mod transcript;
#[cfg(test)]
mod vectors;
mod wanted;

pub use certificate::{BadCredential, Identity, WebPki, check_key, compression, verify_signature};
pub use connection::{Connection, Event, MIN_OUT_BYTES, Traced};
pub use exporter::{CHANNEL_BINDING_BYTES, CHANNEL_BINDING_LABEL, Exporter};
pub use fault::Fault;
pub use flight::{EarlyData, EarlyOffer, Fact, Flight, KeyLogLine, Negotiated, Step, TrafficSecret};
pub use handshake::Handshake;
pub use level::Level;
pub use limits::Limits;
pub use misuse::Misuse;
pub use resumption::{MAX_REMEMBERED_TRANSPORT_BYTES, MAX_TICKET_LIFETIME_SECS, Session, Transport, Verdict};
pub use ticket::{KeyRing, Policy, Rotation, TicketKey, TicketKeys, TicketNote, Tickets};
pub use wanted::{
    Answer, ClientVerifier, Credential, Grounds, RejectedCertificate, Signer, Staples, Verified, Verifier,
    Wanted,
};
