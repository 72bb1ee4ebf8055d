//! Stories: small worlds with one surprise each.

mod h2;
mod preload;
mod quic;
mod throughput;
mod tls;

use sakigake_lab::{
    checkers::{self, Expected, Scene},
    log::Note,
    node::Someone,
    pipe::Link,
    plain,
    world::{Stopped, World},
};
use sakigake_tls::{client, server};
use sakigake_wire::Span;
use std::sync::Arc;

const HOST: &str = "www.saki.test";

/// The lab's TLS on both sides, with these protocols.
fn options(alpn: &[&str]) -> (client::Options, server::Options) {
    let alpn: Vec<Vec<u8>> = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let mut client = client::Options::new(&plain::PROVIDER);
    client.verifier = Some(Arc::new(plain::Verifier));
    client.alpn = alpn.clone();
    client.key_log = true;
    let mut server = server::Options::new(&plain::PROVIDER);
    server.credentials = vec![Arc::new(plain::credential(HOST, 1))];
    server.alpn = alpn;
    server.key_log = true;
    (client, server)
}

/// Runs a world to its end, and holds it against every checker.
fn finish(world: &mut World<Someone>, expected: &Expected) {
    assert_eq!(world.run(Span::from_secs(600), 1_000_000), Stopped::Idle);
    let link = Link { piece_bytes: 1, ..Link::default() }; // Which only says that arrivals may be late.
    let scene = Scene { log: world.log(), link: &link, expected };
    let complaints = checkers::check(&scene).complaints;
    // A story may be about a fault; completion is then for the story to judge.
    let unexpected: Vec<_> = complaints.iter().filter(|what| !what.starts_with("completion")).collect();
    assert!(unexpected.is_empty(), "{unexpected:#?}");
}

/// What the nodes found wrong, in their order.
fn faults(world: &World<Someone>) -> Vec<(usize, String)> {
    let fault = |(_, node, note): (_, sakigake_lab::world::NodeId, &Note)| match note {
        Note::Fault { why, .. } => Some((node.0, why.clone())),
        _ => None,
    };
    world.log().notes().filter_map(fault).collect()
}

/// How many nodes noted that.
fn count(world: &World<Someone>, is: impl Fn(&Note) -> bool) -> usize {
    world.log().notes().filter(|(_, _, note)| is(note)).count()
}
