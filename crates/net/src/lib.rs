//! The only clock, the only sockets: tokio drivers for the engines.
