//! A server with a few resources in memory, on the product's session. Without an HTTP engine it echoes.

use super::pipes::Pipes;
use crate::{
    log::Note,
    pipe::{PipeId, Side},
    seed::Seed,
    world::{Node, NodeId},
};
use sakigake_semantics::{Chunk, Event, Request, Response, StreamId};
use sakigake_session::{self as session, ServerConfig, Session};
use sakigake_wire::Instant;
use std::{collections::BTreeMap, sync::Arc};

/// Room in a stream's queue that is worth refilling, in bytes.
const REFILL_BYTES: usize = 4 * 1024;

/// Resources by path: content type and body.
pub type Content = BTreeMap<String, (String, Vec<u8>)>;

/// A server node.
pub struct Server {
    config: Arc<ServerConfig>,
    content: Arc<Content>,
    pipes: Pipes<Connection>,
    seed: Seed,
    notes: Vec<Note>,
}

/// What is going on in one pipe.
#[derive(Default)]
struct Connection {
    asked: Vec<(StreamId, Request)>,
    read: Vec<(StreamId, usize)>,
    bodies: BTreeMap<StreamId, (Vec<u8>, usize)>,
    echo: Vec<u8>,
}

impl Server {
    /// A server that has `content` and behaves as `config` says.
    pub fn new(config: Arc<ServerConfig>, content: Arc<Content>, seed: Seed) -> Self {
        Self { config, content, pipes: Pipes::default(), seed, notes: Vec::new() }
    }

    fn turn(&mut self, now: Instant, pipe: PipeId) {
        let Self { content, pipes, notes, .. } = self;
        if let Some((session, connection)) = pipes.of(pipe) {
            connection.act(now, session, content, notes);
        }
    }
}

impl Connection {
    fn heard(&mut self, event: session::Event<'_>, notes: &mut Vec<Note>, pipe: PipeId) {
        match event {
            session::Event::Ready { .. } => notes.push(Note::Ready { pipe }),
            session::Event::Bytes(bytes) => self.echo.extend_from_slice(bytes),
            session::Event::Http(Event::Request { stream, request, .. }) => {
                notes.push(Note::Asked { request: named(&request) });
                self.asked.push((stream, request));
            }
            session::Event::Http(Event::Data { stream, bytes, .. }) => self.read.push((stream, bytes.len())),
            session::Event::Http(Event::Reset { stream, .. }) => drop(self.bodies.remove(&stream)),
            _ => {}
        }
    }

    fn act(&mut self, now: Instant, session: &mut Session, content: &Content, notes: &mut Vec<Note>) {
        let echoed = session.write(&self.echo);
        self.echo.drain(..echoed);
        let Some(http) = session.http() else { return };
        for (stream, len) in self.read.drain(..) {
            http.consume(now, stream, len);
        }
        for (stream, request) in self.asked.drain(..) {
            let (response, body) = answer(content.get(&*String::from_utf8_lossy(&request.path)));
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
    format!("{} {}{}", text(&request.method), text(&request.authority), text(&request.path))
}

impl Node for Server {
    fn opened(&mut self, now: Instant, pipe: PipeId, _: Side) {
        let session = Session::server(self.config.clone(), now, Box::new(self.seed.fork()));
        self.pipes.open(pipe, session, Connection::default());
    }

    fn handle(&mut self, now: Instant, pipe: PipeId, bytes: &mut [u8]) {
        let Self { pipes, notes, .. } = self;
        pipes
            .handle(now, pipe, bytes, notes, |connection, event, notes| connection.heard(event, notes, pipe));
        self.turn(now, pipe);
    }

    fn ended(&mut self, now: Instant, pipe: PipeId, broken: bool) {
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
        None
    }

    fn notes(&mut self) -> Vec<Note> {
        core::mem::take(&mut self.notes)
    }
}
