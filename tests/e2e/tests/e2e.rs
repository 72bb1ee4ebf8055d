//! A server and its clients over real sockets, on loopback.

#[path = "e2e/abuse.rs"]
mod abuse;
#[path = "e2e/bodies.rs"]
mod bodies;
#[path = "e2e/codings.rs"]
mod codings;
#[path = "e2e/early.rs"]
mod early;
#[path = "e2e/early_data.rs"]
mod early_data;
#[path = "e2e/embedded.rs"]
mod embedded;
#[path = "e2e/ends.rs"]
mod ends;
#[path = "e2e/first_flight.rs"]
mod first_flight;
#[path = "e2e/gateway.rs"]
mod gateway;
#[path = "e2e/gateway_bodies.rs"]
mod gateway_bodies;
#[path = "e2e/gateway_cache.rs"]
mod gateway_cache;
#[path = "e2e/gateway_http3.rs"]
mod gateway_http3;
#[path = "e2e/gateway_slow.rs"]
mod gateway_slow;
#[path = "e2e/gateway_smuggling.rs"]
mod gateway_smuggling;
#[path = "e2e/handover.rs"]
mod handover;
#[path = "e2e/hosts.rs"]
mod hosts;
#[path = "e2e/http1.rs"]
mod http1;
#[path = "e2e/http3.rs"]
mod http3;
#[path = "e2e/http3_client.rs"]
mod http3_client;
#[path = "e2e/identity.rs"]
mod identity;
#[path = "e2e/load.rs"]
mod load;
#[path = "e2e/logged.rs"]
mod logged;
#[path = "e2e/metrics.rs"]
mod metrics;
#[path = "e2e/origins.rs"]
mod origins;
#[path = "e2e/pages.rs"]
mod pages;
#[path = "e2e/service.rs"]
mod service;
#[path = "e2e/signers.rs"]
mod signers;
#[path = "e2e/warm.rs"]
mod warm;
#[path = "e2e/websockets.rs"]
mod websockets;
