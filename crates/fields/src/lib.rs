//! Field compression: HPACK (RFC 7541) and QPACK (RFC 9204) over one Huffman coder and one prefix-integer coder.

#[doc(hidden)]
pub mod fuzz;
pub mod hpack;
pub mod huffman;
pub mod integer;
mod line;
mod memory;
pub mod qpack;
mod rules;
pub mod section;
mod string;
mod table;

pub use line::FieldLine;
