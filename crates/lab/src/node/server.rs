//! A server with a few resources in memory, on the product's session. Without an HTTP engine it echoes.

use super::{pipes::Pipes, reading::Reading};
use crate::{
    log::Note,
    pipe::{PipeId, Side},
    seed::Seed,
    world::{Node, NodeId},
};
use sakigake_preload::table::Links;
use sakigake_semantics::{Chunk, Event, Request, Response, StreamId};
use sakigake_session::{self as session, Carrier, ServerConfig, Session};
use sakigake_wire::{Instant, Span};
use std::{collections::BTreeMap, sync::Arc};

/// Room in a stream's queue that is worth refilling, in bytes.
const REFILL_BYTES: usize = 4 * 1024;

/// Resources by path: content type and body.
pub type Content = BTreeMap<String, (String, Vec<u8>)>;

/// How a server behaves.
#[derive(Clone, Debug, Default)]
pub struct Habits {
    /// Reads what came at intervals; none reads at once.
    pub read_every: Option<Span>,
    /// Says that it will stop, once it was asked so often.
    pub drain_at: Option<usize>,
    /// Values of `link` fields that it sends in a 103 to who navigates, before it answers.
    pub early_hints: Option<Links>,
}

/// A server node.
pub struct Server {
    config: Arc<ServerConfig>,
    content: Arc<Content>,
    habits: Habits,
    pipes: Pipes<Connection>,
    seed: Seed,
    notes: Vec<Note>,
}

/// What is going on in one connection.
#[derive(Default)]
pub(crate) struct Connection {
    asked: Vec<(StreamId, Request)>,
    reading: Reading,
    uploads: BTreeMap<StreamId, (String, Vec<u8>)>,
    requests: usize,
    early_hints: Option<Links>,
    is_draining: bool,
    bodies: BTreeMap<StreamId, (Vec<u8>, usize)>,
    echo: Vec<u8>,
}

impl Server {
    /// A server that has `content` and behaves as `config` says.
    pub fn new(config: Arc<ServerConfig>, content: Arc<Content>, seed: Seed) -> Self {
        Self { config, content, habits: Habits::default(), pipes: Pipes::default(), seed, notes: Vec::new() }
    }

    /// The same with other habits.
    #[must_use]
    pub fn with(self, habits: Habits) -> Self {
        Self { habits, ..self }
    }

    fn turn(&mut self, now: Instant, pipe: PipeId) {
        let Self { content, pipes, notes, habits, .. } = self;
        if let Some((session, connection)) = pipes.of(pipe) {
            session.tell(&mut |event| hear(connection, event, notes, pipe));
            connection.act(now, session, content, notes);
            if habits.drain_at.is_some_and(|at| connection.requests >= at) && !connection.is_draining {
                connection.is_draining = true;
                session.close(now);
            }
        }
    }
}

fn hear(connection: &mut Connection, event: session::Event<'_>, notes: &mut Vec<Note>, pipe: PipeId) {
    if matches!(event, session::Event::Ready { .. }) {
        notes.push(Note::Ready { pipe });
    }
    connection.heard(event, notes);
}

impl Connection {
    pub(crate) fn new(habits: Habits) -> Self {
        let reading = Reading::new(habits.read_every);
        Self { reading, early_hints: habits.early_hints, ..Self::default() }
    }

    /// When it has something to do though nothing was heard.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.reading.deadline()
    }

    /// The connection said something.
    pub(crate) fn heard(&mut self, event: session::Event<'_>, notes: &mut Vec<Note>) {
        match event {
            session::Event::Bytes(bytes) => self.echo.extend_from_slice(bytes),
            session::Event::Http(event) => self.heard_http(event, notes),
            _ => {}
        }
    }

    fn heard_http(&mut self, event: Event<'_>, notes: &mut Vec<Note>) {
        match event {
            Event::Request { stream, request, end } => {
                notes.push(Note::Asked { request: named(&request) });
                self.requests += 1;
                if !end {
                    let path = String::from_utf8_lossy(request.path()).into_owned();
                    self.uploads.insert(stream, (path, Vec::new()));
                }
                self.asked.push((stream, request));
            }
            Event::Data { stream, bytes, end } => {
                self.reading.hear(stream, bytes.len());
                if let Some((_, body)) = self.uploads.get_mut(&stream) {
                    body.extend_from_slice(bytes);
                }
                if end {
                    self.uploaded(stream, true, notes);
                }
            }
            Event::Trailers { stream, .. } => self.uploaded(stream, true, notes),
            Event::Reset { stream, .. } => {
                self.uploaded(stream, false, notes);
                self.bodies.remove(&stream);
            }
            _ => {}
        }
    }

    fn uploaded(&mut self, stream: StreamId, whole: bool, notes: &mut Vec<Note>) {
        if let Some((path, body)) = self.uploads.remove(&stream) {
            notes.push(Note::Uploaded { path, body, whole });
        }
    }

    /// Answers what was asked.
    pub(crate) fn act(
        &mut self,
        now: Instant,
        session: &mut dyn Carrier,
        content: &Content,
        notes: &mut Vec<Note>,
    ) {
        let echoed = session.write(&self.echo);
        self.echo.drain(..echoed);
        let Some(http) = session.http() else { return };
        self.reading.act(now, http);
        for (stream, request) in self.asked.drain(..) {
            let navigates = request.fields.find(b"sec-fetch-mode") == Some(b"navigate");
            if let Some(links) = self.early_hints.as_ref().filter(|_| navigates) {
                let fields = links.iter().map(|link| ("link", link.as_str())).collect();
                if let Err(misuse) = http.respond(stream, &Response { status: 103, fields }, false) {
                    notes.push(Note::Said(format!("cannot hint: {misuse}")));
                }
            }
            let (response, body) = answer(content.get(&*String::from_utf8_lossy(request.path())));
            match http.respond(stream, &response, body.is_empty()) {
                Ok(()) => drop(self.bodies.insert(stream, (body, 0))),
                Err(misuse) => notes.push(Note::Said(format!("cannot answer: {misuse}"))),
            }
        }
        self.bodies.retain(|stream, (body, sent)| {
            while *sent < body.len() && http.room(*stream) >= REFILL_BYTES {
                let len = (body.len() - *sent).min(http.room(*stream));
                let chunk = Chunk::Owned(body[*sent..*sent + len].to_vec());
                *sent += len;
                if http.send(*stream, chunk, *sent == body.len()).is_err() {
                    return false; // Reset in the meantime.
                }
            }
            *sent < body.len()
        });
    }
}

fn answer(found: Option<&(String, Vec<u8>)>) -> (Response, Vec<u8>) {
    let (status, kind, body) = match found {
        Some((kind, body)) => (200, kind.as_str(), body.clone()),
        None => (404, "text/plain", b"not here".to_vec()),
    };
    let length = body.len().to_string();
    let fields = [("content-type", kind), ("content-length", &length)].into_iter().collect();
    (Response { status, fields }, body)
}

/// Method, authority and path, as notes name a request.
pub(crate) fn named(request: &Request) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{} {}{}", text(request.method()), text(request.authority()), text(request.path()))
}

impl Node for Server {
    fn opened(&mut self, now: Instant, pipe: PipeId, _: Side) {
        let session = Session::server(self.config.clone(), now, Box::new(self.seed.fork()));
        self.pipes.open(pipe, session, Connection::new(self.habits.clone()));
    }

    fn handle(&mut self, now: Instant, pipe: PipeId, bytes: &mut [u8]) {
        let Self { pipes, notes, .. } = self;
        pipes
            .handle(now, pipe, bytes, notes, |connection, event, notes| hear(connection, event, notes, pipe));
        self.turn(now, pipe);
    }

    fn ended(&mut self, now: Instant, pipe: PipeId, broken: bool) {
        self.pipes.ended(now, pipe, broken, &mut self.notes);
    }

    fn expire(&mut self, now: Instant) {
        self.pipes.expire(now, &mut self.notes);
        for pipe in self.pipes.ids() {
            self.turn(now, pipe); // A pipe that is full or broken asks for nothing, but reading goes on.
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.pipes.deadline_with(Connection::deadline)
    }

    fn transmit(&mut self, now: Instant, pipe: PipeId, out: &mut [u8]) -> Option<usize> {
        self.turn(now, pipe);
        self.pipes.transmit(now, pipe, out)
    }

    fn is_done(&self, pipe: PipeId) -> bool {
        self.pipes.is_done(pipe)
    }

    fn dials(&mut self) -> Option<NodeId> {
        None
    }

    fn notes(&mut self) -> Vec<Note> {
        core::mem::take(&mut self.notes)
    }
}
