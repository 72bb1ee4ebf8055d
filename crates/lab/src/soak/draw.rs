//! What worlds of every kind draw alike: links, faults, and TLS's configuration.

use crate::{
    pipe::{Fault, Link, Planned, Side},
    plain,
    scenario::HOST,
    seed::Seed,
};
use sakigake_tls::{self as tls, Credential};
use sakigake_wire::Span;
use std::sync::Arc;

/// Deadlines lie beyond what any link here needs: those that strike early have stories of their own.
pub(super) const PATIENCE_MS: u64 = 3_600_000;

/// One of `choices`.
pub(super) fn pick<T: Clone>(seed: &mut Seed, choices: &[T]) -> T {
    choices[seed.below(choices.len() as u64) as usize].clone()
}

/// A link; `bytes` is about what will pass in each direction, so that faults strike where something passes.
pub(super) fn link(seed: &mut Seed, bytes: u64) -> Link {
    let rtt = match seed.below(4) {
        0 => Span::from_millis(1),
        1 => Span::from_micros(seed.between(1_000, 100_000)),
        2 => Span::from_millis(50),
        _ => Span::from_millis(seed.between(1, 2_000)),
    };
    let jitter = if seed.chance(300) { rtt.divided(seed.between(1, 8)) } else { Span::ZERO };
    // Single bytes cost an event each, so they are for small worlds.
    let piece_bytes = match seed.below(6) {
        0 if bytes < 40_000 => seed.between(1, 3) as usize,
        1 => seed.between(100, 1_500) as usize,
        2 => 1_460,
        _ => 0,
    };
    let write_bytes = match seed.below(4) {
        0 => seed.between(tls::MIN_OUT_BYTES as u64, 600) as usize,
        1 => seed.between(600, 20_000) as usize,
        _ => 64 * 1024,
    };
    let bits_per_s = seed.chance(300).then(|| seed.between(200_000, 100_000_000));
    Link { rtt, bits_per_s, jitter, piece_bytes, write_bytes, faults: faults(seed, bytes) }
}

/// Half of all worlds have none, and most of the others one.
fn faults(seed: &mut Seed, bytes: u64) -> Vec<Planned> {
    let count = match seed.below(10) {
        0..5 => 0,
        5..9 => 1,
        _ => 2,
    };
    let draw = |seed: &mut Seed| {
        let from = pick(seed, &[Side::Client, Side::Server]);
        // The first flights are where most decisions fall.
        let within = if seed.chance(600) { 2_000 } else { bytes.max(200) };
        Planned { from, at_byte: seed.below(within), fault: pick(seed, &Fault::ALL) }
    };
    (0..count).map(|_| draw(seed)).collect()
}

/// Both sides of TLS; they always have a group, a suite and a protocol in common.
pub(super) struct Tls {
    pub(super) client: tls::client::Options,
    pub(super) server: tls::server::Options,
}

impl Tls {
    pub(super) fn draw(seed: &mut Seed) -> Self {
        let mut client = tls::client::Options::new(provider(seed));
        let mut server = tls::server::Options::new(&plain::PROVIDER);
        if seed.chance(500) {
            std::mem::swap(&mut client.provider, &mut server.provider);
        }
        client.verifier = Some(Arc::new(plain::Verifier));
        client.grease = seed.chance(700);
        client.middlebox = seed.chance(700);
        (client.groups, server.groups) = groups(seed);
        server.credentials = credentials(seed);
        server.prefer_clients_chacha = seed.chance(500);
        client.key_log = true;
        server.key_log = true;
        for limits in [&mut client.limits, &mut server.limits] {
            limits.handshake_ms = PATIENCE_MS;
            limits.closing_ms = PATIENCE_MS;
            if seed.chance(200) {
                limits.records_per_key = seed.between(16, 60);
                limits.key_updates_per_10_s = u32::MAX;
            }
        }
        // Both count the updates that either makes.
        if client.limits.records_per_key != server.limits.records_per_key {
            client.limits.key_updates_per_10_s = u32::MAX;
            server.limits.key_updates_per_10_s = u32::MAX;
        }
        Self { client, server }
    }
}

/// All suites, or one.
fn provider(seed: &mut Seed) -> &'static sakigake_crypto::Provider {
    match seed.below(6) as usize {
        at if at < plain::ONE_SUITE.len() => &plain::ONE_SUITE[at],
        _ => &plain::PROVIDER,
    }
}

/// What is offered and what is taken; in a third of all worlds the offered share is for another group.
fn groups(seed: &mut Seed) -> (Vec<u16>, Vec<u16>) {
    let all: Vec<u16> = plain::PROVIDER.groups.iter().map(|group| group.id).collect();
    let offered = match seed.below(3) {
        0 => Vec::new(),
        1 => vec![pick(seed, &all)],
        _ => {
            let mut offered = all.clone();
            offered.rotate_left(seed.below(all.len() as u64) as usize);
            offered.truncate(seed.between(2, all.len() as u64) as usize);
            offered
        }
    };
    let common: &[u16] = if offered.is_empty() { &all } else { &offered };
    let taken = if seed.chance(400) { vec![pick(seed, common)] } else { Vec::new() };
    (offered, taken)
}

/// One for the host, now and then behind or before others.
fn credentials(seed: &mut Seed) -> Vec<Arc<Credential>> {
    let mut credentials = vec![Arc::new(plain::credential(HOST, seed.draw()))];
    if seed.chance(300) {
        credentials.insert(0, Arc::new(plain::credential("other.test", seed.draw())));
    }
    if seed.chance(300) {
        credentials.push(Arc::new(plain::credential("*.saki.test", seed.draw())));
    }
    credentials
}
