//! The loop: deliver what is due, run timers, collect output, jump the clock.

use crate::{
    log::{Log, Note, What},
    pipe::{Departure, Direction, Fault, Link, PipeId, Side},
    seed::Seed,
};
use core::fmt;
use sakigake_wire::{Instant, Span};
use std::collections::BTreeMap;

/// A node's number in its world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeId(
    /// Counted from 0 in the order in which nodes were added.
    pub usize,
);

/// Somebody who lives in a world: drives engines, as `net` does outside.
pub trait Node {
    /// A pipe is open: on the client's side because it asked, on the server's because somebody dialled.
    fn opened(&mut self, now: Instant, pipe: PipeId, side: Side);
    /// Bytes came.
    fn handle(&mut self, now: Instant, pipe: PipeId, bytes: &mut [u8]);
    /// The peer will send nothing more; `broken` tells a reset from an orderly end.
    fn ended(&mut self, now: Instant, pipe: PipeId, broken: bool);
    /// Time passed.
    fn expire(&mut self, now: Instant);
    /// When to call [`Node::expire`].
    fn deadline(&self) -> Option<Instant>;
    /// Bytes for the pipe.
    fn transmit(&mut self, now: Instant, pipe: PipeId, out: &mut [u8]) -> Option<usize>;
    /// Whether this side of the pipe is over, after all that `transmit` gave.
    fn is_done(&self, pipe: PipeId) -> bool;
    /// Another node to open a pipe to.
    fn dials(&mut self) -> Option<NodeId>;
    /// What it has to say.
    fn notes(&mut self) -> Vec<Note>;
}

/// A clock, a seed, nodes, and pipes between them.
pub struct World<N> {
    now: Instant,
    seed: Seed,
    link: Link,
    nodes: Vec<N>,
    pipes: Vec<Pipe>,
    due: BTreeMap<(Instant, u64), Due>,
    sequence: u64,
    log: Log,
}

struct Pipe {
    client: NodeId,
    server: NodeId,
    to_server: Direction,
    to_client: Direction,
    is_open: [bool; 2],
    is_broken: bool,
}

enum Due {
    Opens { pipe: PipeId, side: Side },
    Arrives { pipe: PipeId, from: Side, bytes: Vec<u8> },
    Acknowledges { pipe: PipeId, from: Side, bytes: usize },
    Ends { pipe: PipeId, from: Side },
    Breaks { pipe: PipeId, side: Side },
}

/// Why a world stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Nothing is due any more.
    Idle,
    /// It was still busy at the end of its time.
    OutOfTime,
    /// It took more steps than a world should: somebody is spinning.
    OutOfSteps,
}

impl<N: Node> World<N> {
    /// A world in which every pipe is like `link`.
    pub fn new(seed: u64, link: Link) -> Self {
        Self {
            now: Instant::default(),
            seed: Seed::new(seed),
            link,
            nodes: Vec::new(),
            pipes: Vec::new(),
            due: BTreeMap::new(),
            sequence: 0,
            log: Log::default(),
        }
    }

    /// Adds somebody; `make` gets a seed of its own.
    pub fn add(&mut self, make: impl FnOnce(Seed) -> N) -> NodeId {
        let seed = self.seed.fork();
        self.nodes.push(make(seed));
        NodeId(self.nodes.len() - 1)
    }

    /// The moment.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// What happened so far.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// A node, to ask it what it knows.
    pub fn node(&self, id: NodeId) -> &N {
        &self.nodes[id.0]
    }

    /// Runs until nothing is due, `longest` has passed, or `steps` were taken.
    pub fn run(&mut self, longest: Span, steps: usize) -> Stopped {
        let end = self.now + longest;
        self.settle();
        for _ in 0..steps {
            match self.step(end) {
                None => {}
                Some(stopped) => return stopped,
            }
        }
        Stopped::OutOfSteps
    }

    /// One moment: everything that is due then.
    fn step(&mut self, end: Instant) -> Option<Stopped> {
        let arrivals = self.due.first_key_value().map(|((at, _), _)| *at);
        let timers = self.nodes.iter().filter_map(Node::deadline).min();
        let Some(next) = arrivals.into_iter().chain(timers).min() else { return Some(Stopped::Idle) };
        if next > end {
            return Some(Stopped::OutOfTime);
        }
        self.now = self.now.max(next);
        while let Some(entry) = self.due.first_entry().filter(|entry| entry.key().0 <= self.now) {
            let due = entry.remove();
            self.deliver(due);
        }
        for node in &mut self.nodes {
            if node.deadline().is_some_and(|deadline| deadline <= self.now) {
                node.expire(self.now);
            }
        }
        self.settle();
        None
    }

    fn deliver(&mut self, due: Due) {
        match due {
            Due::Opens { pipe, side } => {
                self.pipes[pipe.0].is_open[side as usize] = true;
                let node = self.node_at(pipe, side);
                self.nodes[node.0].opened(self.now, pipe, side);
            }
            Due::Acknowledges { pipe, from, bytes } => self.direction(pipe, from).acknowledge(bytes),
            _ if self.is_broken(&due) => {}
            Due::Arrives { pipe, from, mut bytes } => {
                self.log.push(self.now, What::Arrived { pipe, from, bytes: bytes.clone() });
                let node = self.node_at(pipe, from.peer());
                self.nodes[node.0].handle(self.now, pipe, &mut bytes);
            }
            Due::Ends { pipe, from } => {
                self.log.push(self.now, What::Ended { pipe, from });
                let node = self.node_at(pipe, from.peer());
                self.nodes[node.0].ended(self.now, pipe, false);
            }
            Due::Breaks { pipe, side } => {
                let node = self.node_at(pipe, side);
                self.nodes[node.0].ended(self.now, pipe, true);
            }
        }
        self.gather_notes();
    }

    fn is_broken(&self, due: &Due) -> bool {
        match due {
            Due::Arrives { pipe, .. } | Due::Ends { pipe, .. } => self.pipes[pipe.0].is_broken,
            Due::Opens { .. } | Due::Acknowledges { .. } | Due::Breaks { .. } => false,
        }
    }

    /// Lets everybody open pipes and write, until nobody has more.
    fn settle(&mut self) {
        for id in 0..self.nodes.len() {
            while let Some(server) = self.nodes[id].dials() {
                self.dial(NodeId(id), server);
            }
        }
        for pipe in (0..self.pipes.len()).map(PipeId) {
            for side in [Side::Client, Side::Server] {
                if self.pipes[pipe.0].is_open[side as usize] && !self.pipes[pipe.0].is_broken {
                    self.collect(pipe, side);
                }
            }
        }
        self.gather_notes();
    }

    fn gather_notes(&mut self) {
        for (id, node) in self.nodes.iter_mut().enumerate() {
            for note in node.notes() {
                self.log.push(self.now, What::Noted { node: NodeId(id), note });
            }
        }
    }

    /// Opening costs one round trip on the client's side, half of one on the server's.
    fn dial(&mut self, client: NodeId, server: NodeId) {
        let pipe = PipeId(self.pipes.len());
        let half = self.link.rtt.divided(2);
        self.pipes.push(Pipe {
            client,
            server,
            to_server: Direction::new(self.now),
            to_client: Direction::new(self.now),
            is_open: [false; 2],
            is_broken: false,
        });
        self.log.push(self.now, What::Dialled { pipe, from: client, to: server });
        self.schedule(self.now + half, Due::Opens { pipe, side: Side::Server });
        self.schedule(self.now + half + half, Due::Opens { pipe, side: Side::Client });
    }

    /// Moves what a node wants to send into its pipe, as far as there is room.
    fn collect(&mut self, pipe: PipeId, side: Side) {
        let node = self.node_at(pipe, side);
        let mut out = vec![0; self.link.write_bytes];
        loop {
            let room = self.direction(pipe, side).room().min(out.len());
            let has_room = room >= self.link.write_bytes;
            let wrote = match has_room {
                true => self.nodes[node.0].transmit(self.now, pipe, &mut out[..room]),
                false => None,
            };
            if let Some(len) = wrote {
                self.log.push(self.now, What::Wrote { pipe, from: side, bytes: out[..len].to_vec() });
                self.direction(pipe, side).write(&out[..len]);
            } else if has_room && self.nodes[node.0].is_done(pipe) {
                self.direction(pipe, side).end(); // Without room its last words would still be with the node.
            }
            let moved = self.depart(pipe, side);
            if wrote.is_none() && !moved {
                return;
            }
        }
    }

    fn depart(&mut self, pipe: PipeId, from: Side) -> bool {
        let Self { now, link, seed, pipes, .. } = self;
        let direction = pipes[pipe.0].direction(from);
        let Some(departure) = direction.depart(*now, from, link, seed) else { return false };
        let Departure { sent, pieces, acknowledged_at, struck, ends_at } = departure;
        if !sent.is_empty() {
            self.schedule(acknowledged_at, Due::Acknowledges { pipe, from, bytes: sent.len() });
            self.log.push(self.now, What::Sent { pipe, from, bytes: sent });
        }
        for (at, bytes) in pieces {
            self.schedule(at, Due::Arrives { pipe, from, bytes });
        }
        if let Some(at) = ends_at {
            self.schedule(at, Due::Ends { pipe, from });
        }
        for fault in struck {
            self.log.push(self.now, What::Faulted { pipe, from, fault });
            if fault == Fault::Reset {
                self.break_pipe(pipe);
            }
        }
        true
    }

    fn break_pipe(&mut self, pipe: PipeId) {
        self.pipes[pipe.0].is_broken = true;
        let at = self.now + self.link.rtt.divided(2);
        for side in [Side::Client, Side::Server] {
            self.schedule(at, Due::Breaks { pipe, side });
        }
    }

    fn schedule(&mut self, at: Instant, due: Due) {
        self.sequence += 1;
        self.due.insert((at, self.sequence), due);
    }

    fn node_at(&self, pipe: PipeId, side: Side) -> NodeId {
        match side {
            Side::Client => self.pipes[pipe.0].client,
            Side::Server => self.pipes[pipe.0].server,
        }
    }

    fn direction(&mut self, pipe: PipeId, from: Side) -> &mut Direction {
        self.pipes[pipe.0].direction(from)
    }
}

impl Pipe {
    fn direction(&mut self, from: Side) -> &mut Direction {
        match from {
            Side::Client => &mut self.to_server,
            Side::Server => &mut self.to_client,
        }
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node {}", self.0)
    }
}

#[cfg(test)]
mod tests;
