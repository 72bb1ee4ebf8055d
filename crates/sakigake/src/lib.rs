//! Server, client and site: the library people use.

pub mod access_log;
pub mod files;

#[cfg(test)]
mod scratch;
