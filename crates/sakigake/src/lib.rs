//! Server, client and site: the library people use.

pub mod files;

#[cfg(test)]
mod scratch;
