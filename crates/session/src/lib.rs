//! TLS with HTTP/2, QUIC with HTTP/3, and PRELOAD, composed behind the same five verbs; owns the first flight.
//!
//! ```text
//!   bytes of a TCP stream -> Session::handle -> tls::Connection -> h2::Connection -> Event
//!   acts (request, respond, send ...)        -> h2::Connection -> tls::Connection -> Session::transmit
//! ```
//!
//! A server's first flight leaves in one `transmit`: ServerHello to Finished, then, as 0.5-RTT data, SETTINGS and the
//! PRELOAD frame of the host that the client named. Over QUIC both leave in 1-RTT packets beside the handshake ([`Http3`]).

mod carrier;
mod config;
mod event;
mod fault;
mod frames;
mod hints;
mod http3;
mod plain;
mod session;

pub use carrier::Carrier;
pub use config::{ClientConfig, ServerConfig};
pub use event::{Agreed, Event, Protocol};
pub use fault::Fault;
pub use hints::Mark;
pub use http3::{Http3, OverQuic};
pub use sakigake_tls::Answer;
pub use session::Session;
