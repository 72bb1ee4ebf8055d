//! What the specifications have as tables, as tables.

pub mod codes;
pub mod frames;
pub mod parameters;
pub mod versions;
