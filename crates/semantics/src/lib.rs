//! HTTP without a wire: messages, field rules and priorities (RFC 9110, RFC 9113 section 8, RFC 9218), and the one
//! [`Event`] that every HTTP engine yields.

mod event;
mod fields;
mod message;
mod priority;

pub use event::{Chunk, Event, StreamId};
pub use fields::{FieldLine, Fields};
pub use message::{Assembly, BodyLength, Kind, Malformed, Message, Request, Response};
pub use priority::Priority;
