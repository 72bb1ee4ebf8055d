//! `cargo xtask interop`: suites that others wrote and that are more than a program to talk to.

pub(crate) mod bogo;
pub(crate) mod quic;
