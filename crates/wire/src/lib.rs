//! All that an engine may receive: bounded bytes, time and entropy.
//!
//! Nothing here knows a protocol, and nothing here does I/O. An engine that builds on this crate alone cannot read a
//! clock or draw randomness by itself: its owner hands it an [`Instant`] with every call and an [`Entropy`] once.

mod base64;
mod entropy;
mod percent;
mod reader;
mod time;
pub mod tlv;
mod writer;

pub use base64::base64;
pub use entropy::{Drawn, Entropy};
pub use percent::percent_decoded;
pub use reader::{Reader, Short};
pub use time::{Instant, Span};
pub use writer::{Full, Grow, MAX_VARINT, Writer, varint_len};
