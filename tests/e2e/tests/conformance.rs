//! Each rule of RFC 9113, RFC 7541, RFC 9218 and RFC 8336 that names an error or forbids one, asked of a running server by
//! frames written by hand; and the rules for clients, asked of the client's engine.

#[path = "conformance/case.rs"]
mod case;
#[path = "conformance/client.rs"]
mod client;
#[path = "conformance/flow.rs"]
mod flow;
#[path = "conformance/framing.rs"]
mod framing;
#[path = "conformance/generic.rs"]
mod generic;
#[path = "conformance/hpack.rs"]
mod hpack;
#[path = "conformance/messages.rs"]
mod messages;
#[path = "conformance/priority.rs"]
mod priority;
#[path = "conformance/settings.rs"]
mod settings;
#[path = "conformance/streams.rs"]
mod streams;
