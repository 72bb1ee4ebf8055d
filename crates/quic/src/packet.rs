//! Packets (RFC 9000 section 17) and what protects them (RFC 9001 sections 5 and 6), in versions 1 and 2.
//!
//! ```text
//!   datagram -> parse -> Packet { header in the clear, len, number_at } -> Keys::open, in place -> Opened
//!   Draft::long, Draft::short -> the owner writes frames -> Draft::seal, in place -> one packet of a datagram
//! ```

pub mod draft;
#[doc(hidden)]
pub mod fuzz;
pub mod header;
pub mod number;
pub mod phases;
pub mod protect;
pub mod retry;
pub mod version;

pub use draft::{Draft, Long};
pub use header::{Discard, Door, FixedBit, Header, Packet, parse, parse_next};
pub use number::{MAX_NUMBER, Number};
pub use phases::{NotYet, Phases, Received, Turn};
pub use protect::{Exhausted, Forgeries, Keys, Opened, Unopened};

#[cfg(test)]
pub(crate) mod tests;
