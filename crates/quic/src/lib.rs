//! QUIC (RFC 9000, 9001, 9002) without I/O.
//!
//! Parts take plain arguments and return facts; none of them knows the connection, which alone decides.

pub mod connection;
pub mod endpoint;
pub mod fault;
pub mod frame;
#[doc(hidden)]
pub mod fuzz;
pub mod ids;
pub mod packet;
pub mod parameters;
pub mod paths;
pub mod qlog;
pub mod ranges;
mod rate;
pub mod recovery;
pub mod rules;
pub mod streams;
pub mod trace;

pub use fault::Fault;
