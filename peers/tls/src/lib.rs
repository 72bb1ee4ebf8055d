//! TLS stacks behind one small interface, so that the same loops measure each: ours, and rustls by both of its own.

pub mod credentials;
pub mod ours;
pub mod stack;
pub mod theirs;
pub mod unbuffered;
