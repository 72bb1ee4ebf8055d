//! TLS, HTTP/2 and PRELOAD composed behind the same five verbs; owns the first flight.
//!
//! ```text
//!   bytes of a TCP stream -> Session::handle -> tls::Connection -> h2::Connection -> Event
//!   acts (request, respond, send ...)        -> h2::Connection -> tls::Connection -> Session::transmit
//! ```
//!
//! A server's first flight leaves in one `transmit`: ServerHello to Finished, then, as 0.5-RTT data, SETTINGS and the
//! PRELOAD frame of the host that the client named.

mod carrier;
mod config;
mod event;
mod fault;
mod frames;
mod hints;
mod plain;
mod session;

pub use carrier::Carrier;
pub use config::{ClientConfig, ServerConfig};
pub use event::{Agreed, Event, Protocol};
pub use fault::Fault;
pub use hints::Mark;
pub use sakigake_tls::Answer;
pub use session::Session;
