//! HTTP/3 (RFC 9114) without I/O: bytes of streams in, events and bytes of streams out.
//!
//! [`Connection`] knows QUIC's stream ids, not its connection: its owner carries the bytes. The tables are in [`rules`],
//! what a peer can do wrong in [`Fault`], and what it may cost us in [`Limits`].

mod budget;
mod connection;
mod control;
mod datagram;
mod departure;
mod fault;
mod frame;
#[doc(hidden)]
pub mod fuzz;
mod grease;
mod limits;
mod local;
mod output;
mod owner;
mod patience;
mod priority;
mod request;
pub mod rules;
mod section;
mod settings;
mod trace;

pub use connection::{Config, Connection};
pub use departure::Departure;
pub use fault::{Fault, Flood, Scope};
pub use grease::Grease;
pub use limits::Limits;
pub use rules::{CodePoints, ErrorCode};
pub use sakigake_semantics::Misuse;
pub use settings::Settings;
pub use trace::{DETAIL_BYTES, Seen, Tracer, What};
