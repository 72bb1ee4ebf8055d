//! The only clock, the only sockets: tokio drivers for the engines.
//!
//! A connection is one task that owns a socket, a [`Session`](sakigake_session::Session) and an [`Application`]. The task
//! holds no read or write buffer of its own while it waits: both belong to the worker's thread.
//!
//! A [`UdpPort`] carries the datagrams of all QUIC connections of a worker: what comes lies in the worker's one [`Slab`], and what
//! leaves goes in batches.

mod buffers;
mod clock;
mod connection;
mod inherit;
mod listen;
mod plain;
pub mod quic;
mod udp;

pub use clock::{Clock, SystemEntropy, unix_secs, warm_up};
pub use connection::{Application, Ended, Failure, drive};
pub use inherit::{Inherited, Successor, inherited};
pub use listen::{claim, descriptors, listen, loopback};
pub use plain::PlainStream;
pub use udp::{Batch, Datagram, Refusals, Sent, Slab, UdpOptions, UdpPort, source_towards};
