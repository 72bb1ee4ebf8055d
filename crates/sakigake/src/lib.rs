//! Server, client and site: the library people use.

pub mod access_log;
pub mod client;
pub mod dev_ca;
pub mod expiry;
pub mod files;
#[doc(hidden)]
pub mod fuzz;
pub mod hints;
pub mod http1;
mod http2;
pub mod key_log;
pub mod server;
mod swap;

pub use swap::Swap;

#[cfg(test)]
mod scratch;
