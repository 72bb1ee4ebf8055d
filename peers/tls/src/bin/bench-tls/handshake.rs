//! Handshakes, full and resumed: CPU time of each side, with rustls as the peer of either, so that both are told the same.

use bench_tls::stack::{Side, Stack};
use pairs::cpu_ns;

/// Connections that are under way at a time: the clock is read once a phase, not once a call.
const BATCH: usize = 16;

/// Nanoseconds a handshake of a client and of a server, from the making of the connection to its end.
#[derive(Default)]
struct Spent {
    client: u64,
    server: u64,
}

/// A client's nanoseconds a handshake.
pub(crate) fn client(subject: &dyn Stack, peer: &dyn Stack, is_resumed: bool) -> [f64; 1] {
    [batch(subject, peer, is_resumed).client as f64 / BATCH as f64]
}

/// A server's nanoseconds a handshake.
pub(crate) fn server(subject: &dyn Stack, peer: &dyn Stack, is_resumed: bool) -> [f64; 1] {
    [batch(peer, subject, is_resumed).server as f64 / BATCH as f64]
}

fn batch(client: &dyn Stack, server: &dyn Stack, is_resumed: bool) -> Spent {
    let mut spent = Spent::default();
    let mut places: Vec<(Vec<u8>, usize)> = (0..2 * BATCH).map(|_| (vec![0; 8_192], 0)).collect();
    let (to_server, to_client) = places.split_at_mut(BATCH);
    let mut clients: Vec<Box<dyn Side>> = Vec::new();
    let mut servers: Vec<Box<dyn Side>> = Vec::new();
    timed(&mut spent.client, || {
        for (out, len) in to_server.iter_mut() {
            let mut side = client.client();
            *len = side.turn(&mut [], out);
            clients.push(side);
        }
    });
    timed(&mut spent.server, || {
        for ((input, input_len), (out, len)) in to_server.iter_mut().zip(to_client.iter_mut()) {
            let mut side = server.server();
            *len = side.turn(&mut input[..*input_len], out);
            servers.push(side);
        }
    });
    timed(&mut spent.client, || turns(&mut clients, to_client, to_server));
    timed(&mut spent.server, || turns(&mut servers, to_server, to_client));
    timed(&mut spent.client, || turns(&mut clients, to_client, to_server));
    let mut sides = clients.iter().chain(&servers);
    assert!(sides.clone().all(|side| side.is_established()), "a handshake ends");
    assert!(sides.all(|side| side.is_resumed() == is_resumed), "all are resumed, or none is");
    timed(&mut spent.client, || clients.clear());
    timed(&mut spent.server, || servers.clear());
    spent
}

fn turns(sides: &mut [Box<dyn Side>], from: &mut [(Vec<u8>, usize)], to: &mut [(Vec<u8>, usize)]) {
    for ((side, (input, input_len)), (out, len)) in sides.iter_mut().zip(from).zip(to) {
        *len = side.turn(&mut input[..*input_len], out);
    }
}

fn timed(sum: &mut u64, work: impl FnOnce()) {
    let start = cpu_ns();
    work();
    *sum += cpu_ns() - start;
}
