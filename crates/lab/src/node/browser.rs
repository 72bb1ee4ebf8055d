//! A client that loads a page, on the product's session and page engine.

use super::{
    pipes::Pipes,
    visit::{Memory, Visit},
};
use crate::{
    log::Note,
    pipe::{PipeId, Side},
    seed::Seed,
    world::{Node, NodeId},
};
use sakigake_page::{
    Url,
    load::{Load, Options},
};
use sakigake_session::{self as session, ClientConfig, Session};
use sakigake_wire::Instant;
use std::sync::Arc;

/// A browser node: one page, one connection.
pub struct Browser {
    config: Arc<ClientConfig>,
    server: Option<NodeId>,
    visit: Visit,
    pipes: Pipes<()>,
    seed: Seed,
    notes: Vec<Note>,
    /// What it goes on from.
    remembered: Option<Memory>,
}

impl Browser {
    /// A browser that opens `url` at `server` as soon as the world starts.
    pub fn new(config: Arc<ClientConfig>, server: NodeId, url: &Url, options: Options, seed: Seed) -> Self {
        let (visit, pipes) = (Visit::new(url, options), Pipes::default());
        Self { config, server: Some(server), visit, pipes, seed, notes: Vec::new(), remembered: None }
    }

    /// The same with what an earlier one learnt: it sends early data where it can, and asks for the remembered hints beside the
    /// document.
    #[must_use]
    pub fn remembering(self, memory: Memory) -> Self {
        Self { remembered: Some(memory), ..self }
    }

    /// What the next one may go on from.
    pub fn learnt(&self) -> &Memory {
        self.visit.learnt()
    }

    /// The page's load, to ask what came of it.
    pub fn load(&self) -> &Load {
        self.visit.load()
    }

    fn turn(&mut self, now: Instant, pipe: PipeId) {
        if let Some((session, ())) = self.pipes.of(pipe) {
            self.visit.turn(now, session, &mut self.notes);
        }
    }
}

impl Node for Browser {
    fn opened(&mut self, now: Instant, pipe: PipeId, _: Side) {
        let Memory { ticket, hints } = self.remembered.take().unwrap_or_default();
        let entropy = Box::new(self.seed.fork());
        match Session::resume(self.config.clone(), self.visit.host(), ticket, now, entropy) {
            Ok(mut session) => {
                self.visit.remember(hints, session.http().is_some());
                self.pipes.open(pipe, session, ());
            }
            Err(misuse) => self.notes.push(Note::Said(format!("cannot connect: {misuse}"))),
        }
        self.turn(now, pipe);
    }

    fn handle(&mut self, now: Instant, pipe: PipeId, bytes: &mut [u8]) {
        let Self { pipes, notes, visit, .. } = self;
        pipes.handle(now, pipe, bytes, notes, |(), event, notes| {
            let is_ready = matches!(event, session::Event::Ready { .. });
            visit.hear(event, notes);
            if is_ready {
                notes.push(Note::Ready { pipe });
            }
        });
        self.turn(now, pipe);
    }

    fn ended(&mut self, now: Instant, pipe: PipeId, broken: bool) {
        if self.pipes.of(pipe).is_some() {
            self.visit.lose();
        }
        self.turn(now, pipe);
        self.pipes.ended(now, pipe, broken, &mut self.notes);
    }

    fn expire(&mut self, now: Instant) {
        self.pipes.expire(now, &mut self.notes);
    }

    fn deadline(&self) -> Option<Instant> {
        self.pipes.deadline()
    }

    fn transmit(&mut self, now: Instant, pipe: PipeId, out: &mut [u8]) -> Option<usize> {
        self.turn(now, pipe);
        self.pipes.transmit(now, pipe, out)
    }

    fn is_done(&self, pipe: PipeId) -> bool {
        self.pipes.is_done(pipe)
    }

    fn dials(&mut self) -> Option<NodeId> {
        self.server.take()
    }

    fn notes(&mut self) -> Vec<Note> {
        core::mem::take(&mut self.notes)
    }
}
