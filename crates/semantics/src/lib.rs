//! HTTP without a wire: messages, field rules and priorities (RFC 9110, RFC 9113 section 8, RFC 9218), and the one
//! [`Event`] that every HTTP engine yields.

mod assembly;
mod capsule;
mod control;
mod event;
mod fields;
#[doc(hidden)]
pub mod fuzz;
mod http;
mod length;
mod message;
mod origin;
mod priority;
mod rules;

pub use assembly::{Assembly, Malformed};
pub use capsule::{Capsules, DATAGRAM_CAPSULE, says_capsules, write_capsule};
pub use control::{Control, Part};
pub use event::{Chunk, Cut, Event, Source, StreamId};
pub use fields::{FieldLine, Fields};
pub use http::{Http, Misuse, Reason};
pub use length::BodyLength;
pub use message::{Kind, Message, Request, Response};
pub use origin::{Origin, OriginSet, Origins, origin_frames};
pub use priority::Priority;
pub use rules::{CONNECTION_SPECIFIC, crosses, is_host, is_token};
