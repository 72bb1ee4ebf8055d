//! What stands beside the connections of an endpoint: address validation tokens, stateless resets, and when a connection
//! that hears nothing is over.

pub mod idle;
pub mod reset;
pub mod token;
