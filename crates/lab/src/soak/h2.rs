//! Worlds of HTTP/2: calls with bodies both ways, small windows, late readers, resets, and a server that leaves.

use super::{
    Ready,
    draw::{PATIENCE_MS, Tls, link, pick},
};
use crate::{
    checkers::Expected,
    node::{
        Caller, Content, Server, Someone,
        caller::{Call, Habits},
        pattern, server,
    },
    scenario::HOST,
    seed::Seed,
    world::World,
};
use sakigake_h2 as h2;
use sakigake_semantics::Priority;
use sakigake_session::{ClientConfig, ServerConfig};
use sakigake_wire::Span;
use std::sync::Arc;

/// Bodies of one world together, so that none runs for ever.
const WORLD_BYTES: usize = 400_000;

pub(super) fn draw(seed: &mut Seed) -> Ready {
    let count = if seed.chance(200) { seed.between(20, 60) } else { seed.between(1, 8) } as usize;
    let (calls, content) = calls(seed, count);
    let bytes: usize = content.values().map(|(_, body)| body.len()).sum();
    let link = link(seed, bytes as u64 + 4_000);
    let drain_at = seed.chance(100).then(|| seed.between(1, count as u64) as usize);
    let expected = Expected {
        uploads: calls.iter().map(|call| (call.path.clone(), call.upload)).collect(),
        responses: calls
            .iter()
            .filter(|call| call.reset_at.is_none() && drain_at.is_none())
            .map(|call| call.path.clone())
            .collect(),
        content: content.clone(),
        is_http: true,
        has_hints: false,
    };
    let mut tls = Tls::draw(seed);
    tls.client.alpn = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    tls.server.alpn = vec![b"h2".to_vec()];
    let late = |seed: &mut Seed| seed.chance(250).then(|| Span::from_millis(seed.between(1, 200)));
    let habits = Habits { calls, at_once: seed.between(1, count as u64) as usize, read_every: late(seed) };
    let manner = server::Habits { read_every: late(seed), drain_at, ..server::Habits::default() };
    // A window of one byte grows under a reader who keeps up; under a late one it would take days.
    let limits = |seed: &mut Seed, read_every: Option<Span>| {
        let mut limits = limits(seed);
        if read_every.is_some() {
            limits.initial_stream_window_bytes = limits.initial_stream_window_bytes.max(16_383);
        }
        Some(h2::Config { limits, ..h2::Config::default() })
    };
    let mut server_h2 = limits(seed, manner.read_every);
    if manner.read_every.is_some() {
        // A server refuses streams while it holds many bodies unread, and the caller knows no patience.
        server_h2.iter_mut().for_each(|h2| h2.limits.streams = 128);
    }
    let client_h2 = limits(seed, habits.read_every);
    let config = tls.server.build().expect("the drawn options are good");
    let config = Arc::new(ServerConfig { tls: config, h2: server_h2, h3: None, hints: None, trace: false });
    let mut world = World::new(seed.draw(), link.clone());
    let node = world
        .add(|seed| Someone::Server(Box::new(Server::new(config, Arc::new(content), seed).with(manner))));
    let config = tls.client.build().expect("the drawn options are good");
    let config = Arc::new(ClientConfig { tls: config, h2: client_h2, h3: None, trace: false });
    world.add(|seed| Someone::Caller(Box::new(Caller::new(config, node, HOST, habits, seed))));
    Ready { world, link, expected }
}

fn calls(seed: &mut Seed, count: usize) -> (Vec<Call>, Content) {
    let mut content = Content::new();
    let mut left = WORLD_BYTES;
    let body_bytes = |seed: &mut Seed| match seed.below(4) {
        0 => 0,
        1 => seed.between(1, 1_000) as usize,
        2 => seed.between(16_000, 70_000) as usize,
        _ => seed.between(0, 300_000) as usize,
    };
    let calls = (0..count).map(|index| {
        let path = format!("/{index}");
        let download = body_bytes(seed).min(left);
        left -= download;
        if !seed.chance(50) {
            let kind = pick(seed, &["text/plain", "image/png", "application/octet-stream"]);
            content.insert(path.clone(), (kind.into(), pattern(&format!("body {path}"), download)));
        }
        let upload = if seed.chance(300) { body_bytes(seed).min(left) } else { 0 };
        left -= upload;
        Call {
            upload,
            trailers: seed.chance(100),
            filler: if seed.chance(100) { seed.between(1, 40_000) as usize } else { 0 },
            reset_at: seed.chance(100).then(|| seed.below(download as u64 + 1) as usize),
            priority: seed
                .chance(200)
                .then(|| Priority { urgency: seed.below(8) as u8, incremental: seed.chance(500) }),
            path,
        }
    });
    (calls.collect(), content)
}

/// Patient about time, and near the edges of everything else.
pub(super) fn limits(seed: &mut Seed) -> h2::Limits {
    let mut limits = h2::Limits {
        settings_ack_ms: PATIENCE_MS,
        stall_ms: PATIENCE_MS,
        drain_ms: 10_000,
        header_block_ms: PATIENCE_MS,
        ..h2::Limits::default()
    };
    let window = |seed: &mut Seed| pick(seed, &[1, 100, 16_383, 16_384, 65_534, 65_535, 65_536, 1 << 20]);
    if seed.chance(500) {
        limits.initial_stream_window_bytes = window(seed);
        limits.initial_connection_window_bytes = window(seed).max(65_535);
    }
    if seed.chance(300) {
        limits.stream_window_bytes = seed.between(20_000, 200_000) as u32;
        limits.connection_window_bytes = seed.between(65_535, 300_000) as u32;
    }
    limits.header_table_bytes = pick(seed, &[4_096, 4_096, 0, 100, 65_536]);
    limits.frame_bytes = pick(seed, &[16_384, 16_384, 16_385, 65_536]);
    limits.send_queue_bytes = pick(seed, &[256 << 10, 16 << 10, 5_000]);
    limits.streams = pick(seed, &[128, 128, 1, 2, 7]);
    limits
}
