//! Server, client and site: the library people use.

pub mod access_log;
pub mod bench;
mod builder;
pub mod client;
pub mod client_certificates;
pub mod config;
pub mod dev_ca;
mod early;
pub mod expiry;
pub mod files;
#[doc(hidden)]
pub mod fuzz;
pub mod gateway;
mod handler;
pub mod hints;
pub mod hosts;
pub mod http1;
pub mod key_log;
pub mod metrics;
mod private;
pub mod qlog;
pub mod redirect;
pub mod replay;
pub mod server;
pub mod service;
mod signer;
mod streams;
mod swap;
pub mod tickets;

pub use builder::{Error, Server};
pub use sakigake_page as page;
pub use sakigake_preload as preload;
pub use sakigake_tls as tls;
pub use signer::{RemoteSigner, Signature, Signing};
pub use swap::Swap;

#[cfg(test)]
mod scratch;
