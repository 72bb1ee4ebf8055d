//! Worlds that load a page over HTTP/3: the ways, ends and attackers of QUIC's worlds, the pages of those over byte pipes.

use super::{Outcome, page, quic};
use crate::{
    quic::{Page, Setup, Site},
    scenario::HOST,
    seed::Seed,
};
use sakigake_h3 as h3;
use sakigake_page::{Url, load};
use std::sync::Arc;

/// What is said over HTTP/3 is drawn from a stream of its own.
const OVER: u64 = 0x6874_7470_0003_0240;

/// Runs one world.
pub(super) fn run(seed: &mut Seed) -> Outcome {
    quic::outcome(draw(seed).run())
}

/// A world.
pub(super) fn draw(seed: &mut Seed) -> Setup {
    let mut setup = quic::draw(seed);
    let mut seed = Seed::new(setup.seed ^ OVER);
    for options in [&mut setup.client, &mut setup.server] {
        // RFC 9114 section 6.2: so many are allowed by everybody.
        let streams = &mut options.limits.streams;
        streams.unidirectional_streams = streams.unidirectional_streams.max(3);
    }
    let (content, hints) = page::site(&mut seed);
    let hints = seed.chance(650).then(|| Arc::new(page::table(&mut seed, hints)));
    let follows = seed.chance(750);
    let site = Site { h3: config(&mut seed), hints, content: Arc::new(content), habits: Default::default() };
    let page = Page {
        h3: h3::Config { preload: follows, ..config(&mut seed) },
        url: Url::parse(&format!("https://{HOST}/")).expect("the address is good"),
        options: load::Options { preload: follows, ..load::Options::default() },
        memory: Default::default(),
    };
    setup.with_web(page, site)
}

/// An end's HTTP/3: with a table that others may use, or with a small one, or with none.
fn config(seed: &mut Seed) -> h3::Config {
    let mut config = h3::Config::default();
    match seed.below(4) {
        0 => config.qpack.table_bytes = 0,
        1 => config.qpack.table_bytes = seed.between(64, 512) as usize,
        _ => {}
    }
    if seed.chance(300) {
        config.limits.send_queue_bytes = seed.between(4_096, 20_000) as usize;
    }
    // Nobody gives up because of what a way does.
    config.limits.header_block_ms = super::draw::PATIENCE_MS;
    config.limits.stall_ms = super::draw::PATIENCE_MS;
    config
}
