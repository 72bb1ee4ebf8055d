//! Many random worlds under all checkers: what nobody thought of happens here first.

mod draw;
mod h2;
mod http3;
mod page;
mod quic;
mod replay;
mod report;
mod tls;

pub use report::Report;

use crate::{
    checkers::{self, Expected, Scene},
    datagram,
    log::{Note, What},
    node::Someone,
    pipe::{Fault, Link},
    quic::attacks::paths::Attacker,
    seed::Seed,
    world::{Stopped, World},
};
use core::fmt;
use sakigake_wire::Span;
use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// What is spoken in a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// TLS alone: one side talks, the other echoes.
    Tls,
    /// HTTP/2 calls with bodies both ways.
    H2,
    /// A page load, with hints or without.
    Page,
    /// Two ends of QUIC that transfer streams both ways over datagrams.
    Quic,
    /// A page load over HTTP/3, in the same worlds.
    Http3,
    /// First flights with early data that an attacker repeats. These worlds have no pipes, and run when they are asked for.
    Replay,
}

impl Kind {
    /// Those that take turns, in this order: every other world is one of QUIC, one in six with HTTP/3 upon it.
    pub const TURNS: [Self; 6] = [Self::Quic, Self::Tls, Self::Http3, Self::H2, Self::Quic, Self::Page];

    /// As the command line spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tls => "tls",
            Self::H2 => "h2",
            Self::Page => "page",
            Self::Quic => "quic",
            Self::Http3 => "http3",
            Self::Replay => "replay",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a world may take before it is given up. The longest patience of its nodes is far below.
const LONGEST: Span = Span::from_secs(6 * 3_600);
const STEPS: usize = 3_000_000;

/// Runs `worlds` worlds drawn from `seed`, of one kind or of all in turn.
///
/// A run of one world takes its seed as it is: so a failing one is replayed.
pub fn run(seed: u64, worlds: u64, only: Option<Kind>) -> Report {
    let mut seeds = Seed::new(seed);
    let mut report = Report::default();
    for number in 0..worlds {
        let own = if worlds == 1 { seed } else { seeds.draw() };
        let kind = only.unwrap_or_else(|| kind(own, worlds, number));
        report.add(own, kind, one(kind, own));
    }
    report
}

/// Kinds take turns; a world that is alone tells its kind by its seed.
fn kind(own: u64, worlds: u64, number: u64) -> Kind {
    let turn = if worlds == 1 { own } else { number };
    Kind::TURNS[(turn % Kind::TURNS.len() as u64) as usize]
}

/// A world that is ready to run.
pub(crate) struct Ready {
    world: World<Someone>,
    link: Link,
    expected: Expected,
}

/// What came of a world.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Whether both sides finished the handshake.
    pub is_ready: bool,
    /// What the pipe did.
    pub faults: Vec<Fault>,
    /// What happened to datagrams, and how often.
    pub datagram_faults: BTreeMap<datagram::Fault, u64>,
    /// Who stood between two ends of QUIC, and what he did made a difference.
    pub attacker: Option<Attacker>,
    /// Requests that a client began.
    pub requests: u64,
    /// Bytes that arrived, both ways.
    pub bytes: u64,
    /// What the checkers say.
    pub verdict: checkers::Verdict,
}

/// Runs one world, whatever happens in it.
pub fn one(kind: Kind, seed: u64) -> Outcome {
    let run = || {
        let mut seed = Seed::new(seed);
        let ready = match kind {
            Kind::Tls => tls::draw(&mut seed),
            Kind::H2 => h2::draw(&mut seed),
            Kind::Page => page::draw(&mut seed),
            Kind::Quic => return quic::run(&mut seed),
            Kind::Http3 => return http3::run(&mut seed),
            Kind::Replay => return replay::run(&mut seed),
        };
        judge(ready)
    };
    // A panic of an engine is a finding like any other; the world it happened in is dropped whole.
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<String>().map(String::as_str);
        let words = words.or(panic.downcast_ref::<&str>().copied()).unwrap_or("without words");
        let mut outcome = Outcome::default();
        outcome.verdict.complaints.push(format!("panic: {words}"));
        outcome
    })
}

/// The world of QUIC that a seed names, to be looked into.
pub fn quic_world(seed: u64) -> crate::quic::Setup {
    self::quic::draw(&mut Seed::new(seed))
}

/// The same of HTTP/3.
pub fn http3_world(seed: u64) -> crate::quic::Setup {
    self::http3::draw(&mut Seed::new(seed))
}

fn judge(mut ready: Ready) -> Outcome {
    let stopped = ready.world.run(LONGEST, STEPS);
    let log = ready.world.log();
    let mut outcome = Outcome {
        verdict: checkers::check(&Scene { log, link: &ready.link, expected: &ready.expected }),
        ..Outcome::default()
    };
    if stopped != Stopped::Idle {
        outcome.verdict.complaints.push(format!("world: it stopped {stopped:?}"));
    }
    let mut sides = 0;
    for entry in log.entries() {
        match &entry.what {
            What::Arrived { bytes, .. } => outcome.bytes += bytes.len() as u64,
            What::Faulted { fault, .. } => outcome.faults.push(*fault),
            What::Noted { note: Note::Ready { .. }, .. } => sides += 1,
            What::Noted { note: Note::Requested { .. }, .. } => outcome.requests += 1,
            _ => {}
        }
    }
    outcome.is_ready = sides >= 2;
    outcome
}

#[cfg(test)]
mod tests;
