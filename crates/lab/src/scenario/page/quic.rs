//! The same page over HTTP/3: a client and a server in a world of datagrams.

use super::{Failure, HOST, Hints, Run, Start, check_whole, content, draw, habits, options, resume, table};
use crate::{
    datagram::{self, Note, What},
    node::Memory,
    plain,
    quic::{Page, Setup, Site, Story},
    scenario::UNIX_SECS,
    world::{NodeId, Stopped},
};
use sakigake_h3 as h3;
use sakigake_page::Url;
use sakigake_quic::connection::Options;
use sakigake_tls::server::{ClientAuthentication, Demand};
use sakigake_wire::{Instant, Span};
use std::sync::Arc;

/// Silence, handshakes and the age of tickets may take so many round trips before anybody gives up.
const PATIENCE_RTTS: u64 = 20;

/// The link, and what is known beforehand.
#[derive(Clone, Copy, Debug)]
pub struct Course {
    /// There and back.
    pub rtt: Span,
    /// Chance that a datagram is lost, each way.
    pub loss_ppm: u32,
    /// Whether there are hints.
    pub hints: Hints,
    /// What the client knows.
    pub start: Start,
    /// What becomes of a warm client's early data.
    pub early: Early,
    /// Bytes of one more certificate in the server's chain.
    pub chain_bytes: usize,
    /// What the client grants the server on each stream from the beginning, in bytes.
    pub credit_bytes: u64,
    /// Whether the host asks its clients who they are; this one has nothing to show.
    pub asks_clients: bool,
    /// All chance.
    pub seed: u64,
}

/// What becomes of a warm client's early data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Early {
    /// It sends none, and resumes.
    None,
    /// The server takes it.
    Taken,
    /// The server takes none any more.
    Rejected,
    /// The server has other settings of HTTP/3 by now.
    Reconfigured,
}

impl Course {
    /// A link without loss.
    pub fn new(rtt: Span, hints: Hints, start: Start, seed: u64) -> Self {
        let credit_bytes = Options::default().limits.streams.initial_stream_window_bytes;
        Self {
            rtt,
            loss_ppm: 0,
            hints,
            start,
            early: Early::Taken,
            chain_bytes: 0,
            credit_bytes,
            asks_clients: false,
            seed,
        }
    }
}

/// Loads the page, which takes a whole number of round trips.
///
/// # Errors
/// [`Failure`].
pub fn run(course: &Course) -> Result<Run<Story>, Failure> {
    let Course { rtt, hints, start, .. } = *course;
    let load = load(course)?;
    Run::counted(rtt, hints, start, load.took, load.waterfall, load.story)
}

/// How long the page takes on any link.
///
/// # Errors
/// [`Failure`].
pub fn time(course: &Course) -> Result<Span, Failure> {
    load(course).map(|load| load.took)
}

/// How long so many loads take, each in a world of its own, the shortest first.
///
/// # Errors
/// [`Failure`] of the first that failed.
pub fn times(course: &Course, worlds: u64) -> Result<Vec<Span>, Failure> {
    let times = (0..worlds).map(|world| time(&Course { seed: course.seed + world, ..*course }));
    let mut times = times.collect::<Result<Vec<Span>, Failure>>()?;
    times.sort_unstable();
    Ok(times)
}

struct Load {
    took: Span,
    waterfall: sakigake_page::waterfall::Waterfall,
    story: Story,
    memory: Memory,
}

fn load(course: &Course) -> Result<Load, Failure> {
    match course.start {
        Start::Cold => visit(course, None, None),
        Start::Warm => {
            // Where it was before the link was a good one.
            let before = Course { loss_ppm: 0, start: Start::Cold, ..*course };
            let Load { memory, .. } = visit(&before, Some(0), None)?;
            if memory.ticket.is_none() {
                return Err(Failure::Missing("everything but a ticket".into()));
            }
            visit(course, Some(super::later(course.rtt)), Some(memory))
        }
    }
}

/// One load, of somebody who remembers this or nothing.
fn visit(course: &Course, later: Option<u64>, memory: Option<Memory>) -> Result<Load, Failure> {
    let Course { rtt, hints, start, .. } = *course;
    let mut story = setup(course, later, memory)?.build();
    let client = story.ends[0];
    // Who has closed waits for a while whatever the round trip is.
    let longest = rtt.times(super::LONGEST_RTTS).max(Span::from_secs(60));
    let stopped = story.world.run(longest, super::STEPS);
    if stopped == Stopped::OutOfSteps {
        return Err(Failure::Incomplete(stopped));
    }
    let story = story.read(stopped);
    let took = page_time(story.log(), client).ok_or(Failure::Incomplete(stopped))?;
    let visit = story.world.node(client).end().and_then(|end| end.visit());
    let visit = visit.ok_or(Failure::Incomplete(stopped))?;
    check_whole(visit.load().entries())?;
    let waterfall = draw(visit.load(), hints, start, ready(story.log(), client));
    let memory = visit.learnt().clone();
    Ok(Load { took, waterfall, story, memory })
}

fn setup(course: &Course, later: Option<u64>, memory: Option<Memory>) -> Result<Setup, Failure> {
    let Course { rtt, hints, seed, .. } = *course;
    let mut setup = Setup::new(seed);
    for way in [&mut setup.up, &mut setup.down] {
        // Half of it each way; what does not divide goes up.
        way.delay = Span::from_nanos(rtt.as_nanos() / 2);
        way.loss_ppm = course.loss_ppm;
    }
    setup.up.delay = Span::from_nanos(rtt.as_nanos() - setup.down.delay.as_nanos());
    let patience_ms = rtt.times(PATIENCE_RTTS).as_millis().max(30_000);
    for quic in [&mut setup.client, &mut setup.server] {
        quic.initial_rtt = quic.initial_rtt.max(rtt);
        quic.max_idle_timeout_ms = patience_ms;
    }
    for limits in [&mut setup.client_tls.limits, &mut setup.server_tls.limits] {
        limits.handshake_ms = limits.handshake_ms.max(patience_ms);
    }
    setup.client.limits.streams.initial_stream_window_bytes = course.credit_bytes;
    if course.chain_bytes > 0 {
        let mut credential = plain::credential(HOST, 1);
        credential.chain.push(vec![0; course.chain_bytes]);
        credential.signed_with.push(credential.signed_with[0]);
        setup.server_tls.credentials = vec![Arc::new(credential)];
    }
    if course.asks_clients {
        setup.server_tls.client_authentication = vec![Arc::new(ClientAuthentication {
            hosts: Vec::new(),
            is_default: true,
            demand: Demand::Optional,
            verifier: None,
            authorities: Vec::new(),
        })];
    }
    if let Some(later) = later {
        resume(&mut setup.server_tls, &mut setup.client_tls, rtt, UNIX_SECS + later);
        if course.early == Early::Rejected && later > 0 {
            setup.server_tls.early_data = None;
        }
        setup.client_tls.early_data = course.early != Early::None;
    }
    let url =
        Url::parse(&format!("https://{HOST}/")).ok_or_else(|| Failure::Config("the page's URL".into()))?;
    let has_frames = matches!(hints, Hints::Preload | Hints::Ignored);
    let mut server_h3 = h3::Config::default();
    if course.early == Early::Reconfigured && later > Some(0) {
        server_h3.limits.header_list_bytes /= 2;
    }
    let site = Site {
        h3: server_h3,
        hints: has_frames.then(table).map(Arc::new),
        content: Arc::new(content()),
        habits: habits(hints),
    };
    let page = Page {
        h3: h3::Config { preload: hints == Hints::Preload, ..h3::Config::default() },
        url,
        options: options(hints),
        memory: memory.unwrap_or_default(),
    };
    Ok(setup.with_web(page, site))
}

/// The checker: from the first datagram's departure to the arrival that made the page complete, by the world's log alone.
pub fn page_time(log: &datagram::Log, client: NodeId) -> Option<Span> {
    let entries = log.entries();
    let first = entries.iter().find(|entry| matches!(entry.what, What::Sent { by, .. } if by == client))?.at;
    let is_complete = |entry: &datagram::Entry| matches!(entry.what, What::Noted { node, note: Note::Complete { .. } } if node == client);
    let end = entries.iter().position(is_complete)?;
    let arrived = |entry: &&datagram::Entry| matches!(entry.what, What::Arrived { at, .. } if at == client);
    let last = entries[..end].iter().rev().find(arrived)?.at;
    Some(last.since(first))
}

/// When the client's handshake was over.
fn ready(log: &datagram::Log, client: NodeId) -> Option<Span> {
    let is_ready = |entry: &&datagram::Entry| matches!(entry.what, What::Noted { node, note: Note::Ready { .. } } if node == client);
    let at = log.entries().iter().find(is_ready)?.at;
    Some(at.since(Instant::default()))
}

#[cfg(test)]
mod tests;
