//! The page load of depth two: a document, and what it names. Counts what PRELOAD saves.

pub mod quic;

use super::{Configs, HOST, resume};
use crate::{
    log::{Log, Note, What},
    node::{Browser, Content, Memory, Server, Someone, server},
    pipe::{Link, Side},
    world::{Stopped, World},
};
use core::fmt;
use sakigake_page::{Url, load, waterfall::Waterfall};
use sakigake_preload::{Destination, Hint, Table, table};
use sakigake_wire::Span;
use std::sync::Arc;

/// What a world may take before it is given up, in round trips and in steps.
const LONGEST_RTTS: u64 = 50;
const STEPS: usize = 100_000;
/// From one load to the next, in seconds.
const SECS_BETWEEN: u64 = 60;

/// Whether, and to whom, the server speaks first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hints {
    /// The server has none.
    None,
    /// It sends them, and the client follows.
    Preload,
    /// It sends them, and the client does not know the frame.
    Ignored,
    /// It answers the document's request with 103 (Early Hints) before the document, and the client follows.
    Early,
}

impl Hints {
    /// In words.
    pub fn title(self) -> &'static str {
        match self {
            Self::None => "without hints",
            Self::Preload => "with PRELOAD",
            Self::Ignored => "PRELOAD ignored",
            Self::Early => "with 103",
        }
    }
}

/// What both sides know of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Nothing.
    Cold,
    /// The client was there a minute ago: it has a ticket that allows early data, and the hints that it got then.
    Warm,
}

impl Start {
    /// In one word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cold => "cold",
            Self::Warm => "warm",
        }
    }
}

/// What a load came to; `L` is the log of its world.
#[derive(Clone, Debug)]
pub struct Run<L = Log> {
    /// Whether there were hints.
    pub hints: Hints,
    /// What the client knew.
    pub start: Start,
    /// From the departure of the first packet to the arrival of the page's last byte.
    pub took: Span,
    /// The same in round trips: PRELOAD.md counts whole ones.
    pub rtts: u64,
    /// Every request, to be drawn.
    pub waterfall: Waterfall,
    /// Everything that happened.
    pub log: L,
}

/// Why a load came to nothing that can be counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The configuration was refused.
    Config(String),
    /// The world stopped before the page was complete.
    Incomplete(Stopped),
    /// Not everything came whole.
    Missing(String),
    /// The time is no whole number of round trips.
    Fraction(Span),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(why) => write!(f, "the configuration was refused: {why}"),
            Self::Incomplete(stopped) => {
                write!(f, "it was not complete when the world stopped ({stopped:?})")
            }
            Self::Missing(what) => write!(f, "it came with {what}"),
            Self::Fraction(took) => write!(f, "it took {took}, which is no whole number of round trips"),
        }
    }
}

impl std::error::Error for Failure {}

/// Loads the page over a link of `rtt` without rate, loss or think time.
pub fn run(rtt: Span, hints: Hints, start: Start, seed: u64) -> Result<Run, Failure> {
    match start {
        Start::Cold => load(rtt, hints, None, None, seed).map(|(run, _)| run),
        Start::Warm => {
            let (_, memory) = load(rtt, hints, Some(0), None, seed)?;
            if memory.ticket.is_none() {
                return Err(Failure::Missing("everything but a ticket".into()));
            }
            load(rtt, hints, Some(later(rtt)), Some(memory), seed).map(|(run, _)| run)
        }
    }
}

/// When a second load begins, in seconds behind the beginning of the first: that is over by then.
fn later(rtt: Span) -> u64 {
    SECS_BETWEEN + rtt.times(10).as_millis() / 1_000
}

/// One load, of somebody who remembers this or nothing; what is learnt in it.
fn load(
    rtt: Span,
    hints: Hints,
    later: Option<u64>,
    memory: Option<Memory>,
    seed: u64,
) -> Result<(Run, Memory), Failure> {
    let start = if memory.is_some() { Start::Warm } else { Start::Cold };
    let has_frames = matches!(hints, Hints::Preload | Hints::Ignored);
    let table = has_frames.then(table).map(Arc::new);
    let configs = Configs::h2(rtt, table, hints == Hints::Preload, later);
    let configs = configs.map_err(|misuse| Failure::Config(misuse.to_string()))?;
    let url =
        Url::parse(&format!("https://{HOST}/")).ok_or_else(|| Failure::Config("the page's URL".into()))?;
    let options = options(hints);
    let mut world = World::new(seed, Link { rtt, ..Link::default() });
    let content = Arc::new(content());
    let server = world.add(|seed| {
        Someone::Server(Box::new(Server::new(configs.server, content, seed).with(habits(hints))))
    });
    let make = |seed| {
        let browser = Browser::new(configs.client, server, &url, options, seed);
        Someone::Browser(Box::new(browser.remembering(memory.unwrap_or_default())))
    };
    let browser = world.add(make);
    let stopped = world.run(rtt.times(LONGEST_RTTS), STEPS);
    let took = page_time(world.log()).ok_or(Failure::Incomplete(stopped))?;
    let Someone::Browser(node) = world.node(browser) else { return Err(Failure::Incomplete(stopped)) };
    check_whole(node.load().entries())?;
    let waterfall = draw(node.load(), hints, start, ready(world.log()));
    let learnt = node.learnt().clone();
    let run = Run::counted(rtt, hints, start, took, waterfall, world.log().clone())?;
    Ok((run, learnt))
}

impl<L> Run<L> {
    /// A load whose time is to be a whole number of round trips.
    fn counted(
        rtt: Span,
        hints: Hints,
        start: Start,
        took: Span,
        mut waterfall: Waterfall,
        log: L,
    ) -> Result<Self, Failure> {
        let rtts = took.as_nanos() / rtt.as_nanos();
        if took != rtt.times(rtts) {
            return Err(Failure::Fraction(took));
        }
        waterfall.round_trips = Some(rtts);
        Ok(Self { hints, start, took, rtts, waterfall, log })
    }
}

/// What the client heeds.
fn options(hints: Hints) -> load::Options {
    let (preload, early_hints) = (hints == Hints::Preload, hints == Hints::Early);
    load::Options { preload, early_hints, ..load::Options::default() }
}

/// What the server does beside answering.
fn habits(hints: Hints) -> server::Habits {
    let early_hints = (hints == Hints::Early).then(|| table().links(Some(HOST), "/"));
    server::Habits { early_hints, ..server::Habits::default() }
}

fn draw(load: &load::Load, hints: Hints, start: Start, connected: Option<Span>) -> Waterfall {
    let mut waterfall = Waterfall::of(load);
    waterfall.title = match start {
        Start::Cold => hints.title().to_owned(),
        Start::Warm => format!("{}, warm", hints.title()),
    };
    waterfall.connected = connected;
    waterfall
}

/// The checker: from the first packet's departure to the arrival that made the page complete, by the world's log alone.
pub fn page_time(log: &Log) -> Option<Span> {
    let first = log.entries().iter().find(|entry| matches!(entry.what, What::Dialled { .. }))?.at;
    let complete = |entry: &crate::log::Entry| matches!(entry.what, What::Noted { note: Note::Complete, .. });
    let end = log.entries().iter().position(complete)?;
    let arrived = |entry: &&crate::log::Entry| matches!(entry.what, What::Arrived { from: Side::Server, .. });
    let last = log.entries()[..end].iter().rev().find(arrived)?.at;
    Some(last.since(first))
}

/// When the client could send its first request.
fn ready(log: &Log) -> Option<Span> {
    let ready = log.notes().find(|(_, _, note)| matches!(note, Note::Ready { .. }));
    ready.map(|(at, _, _)| at.since(Default::default()))
}

fn check_whole(entries: &[load::Entry]) -> Result<(), Failure> {
    let wanted = content().len();
    let whole = entries.iter().filter(|entry| entry.state == load::State::Done && entry.status == Some(200));
    match whole.count() {
        count if count == wanted && entries.len() == wanted => Ok(()),
        count => Err(Failure::Missing(format!("{count} of {wanted} resources, {} requests", entries.len()))),
    }
}

/// A document, six styles and scripts, ten images: under 8 KB in all, and as many names as one frame carries hints.
fn content() -> Content {
    let mut content = Content::new();
    let mut names = String::new();
    for index in 1..=3 {
        names.push_str(&format!("<link rel=stylesheet href=/style{index}.css>\n"));
        names.push_str(&format!("<script src=/script{index}.js defer></script>\n"));
        content.insert(format!("/style{index}.css"), ("text/css".into(), vec![b' '; 400]));
        content.insert(format!("/script{index}.js"), ("text/javascript".into(), vec![b' '; 400]));
    }
    for index in 1..=10 {
        names.push_str(&format!("<img src=/image{index}.svg alt=\"\">\n"));
        content.insert(format!("/image{index}.svg"), ("image/svg+xml".into(), vec![b' '; 250]));
    }
    let document = format!("<!doctype html>\n<title>A page of depth two</title>\n{names}");
    content.insert("/".into(), ("text/html".into(), document.into_bytes()));
    content
}

/// What the page needs, as the server hints it.
fn table() -> Table {
    let hint = |(path, (kind, _)): (String, (String, Vec<u8>))| {
        let destination = match kind.as_str() {
            "text/css" => Destination::Style,
            "text/javascript" => Destination::Script,
            "image/svg+xml" => Destination::Image,
            _ => return None,
        };
        Some(Hint::new(path, destination))
    };
    let hints = content().into_iter().filter_map(hint).collect();
    let table = Table::new(table::Config { port: 443, ..table::Config::default() });
    table.set(HOST, &table::Site { hints, pages: Vec::new() });
    table
}

#[cfg(test)]
mod tests;
