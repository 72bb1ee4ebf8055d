//! HTTP/2 (RFC 9113) without I/O: bytes in, events and bytes out.
//!
//! [`Connection`] is the whole of it. The tables are in [`rules`], what a peer can do wrong in [`Fault`], and what it
//! may cost us in [`Limits`].

mod accept;
mod budget;
mod connection;
mod departure;
mod fault;
mod flow;
mod frame;
#[doc(hidden)]
pub mod fuzz;
mod intake;
mod limits;
mod local;
mod message;
mod origin;
mod output;
mod owner;
pub mod rules;
mod section;
mod send;
mod settings;
mod shelf;
mod stream;
mod streams;
mod trace;

pub use connection::{Config, Connection};
pub use fault::{Fault, Flood, Scope};
pub use limits::Limits;
pub use rules::{CodePoints, ErrorCode};
pub use sakigake_semantics::{Misuse, Origin, OriginSet};
pub use trace::{DETAIL_BYTES, Seen, Tracer};
