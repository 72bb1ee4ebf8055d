//! A client that loads a page, on the product's session and page engine.

use super::{pipes::Pipes, server::named};
use crate::{
    log::Note,
    pipe::{PipeId, Side},
    seed::Seed,
    world::{Node, NodeId},
};
use sakigake_page::{
    Origin, Url,
    load::{Id, Load, Options, Want, Wanted},
};
use sakigake_semantics::{Event, StreamId};
use sakigake_session::{self as session, ClientConfig, Session};
use sakigake_tls as tls;
use sakigake_wire::Instant;
use std::{collections::BTreeMap, sync::Arc};

/// HTTP/2: nobody needs the stream any more (RFC 9113 section 7).
const CANCEL: u32 = 0x8;

/// A browser node: one page, one connection.
pub struct Browser {
    config: Arc<ClientConfig>,
    server: Option<NodeId>,
    origin: Origin,
    load: Load,
    /// What is wanted before there is a connection: the document.
    waiting: Vec<Wanted>,
    pipes: Pipes<Connection>,
    seed: Seed,
    notes: Vec<Note>,
    is_complete: bool,
    /// What it goes on from.
    remembered: Option<Memory>,
    /// What it could go on from later.
    learnt: Memory,
}

/// What a browser keeps of an origin: the last ticket and the last hints, which belong together.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// The ticket, for one connection.
    pub ticket: Option<tls::Session>,
    /// The last PRELOAD frame's block.
    pub hints: Option<Vec<u8>>,
}

/// What is going on in the pipe.
#[derive(Default)]
struct Connection {
    is_ready: bool,
    waiting: Vec<Wanted>,
    requests: BTreeMap<StreamId, Request>,
    read: Vec<(StreamId, usize)>,
    heard: Vec<Heard>,
}

struct Request {
    wanted: Wanted,
    path: String,
    status: u16,
    body: Vec<u8>,
}

/// What the page is told once the session is free.
enum Heard {
    Head(Id, sakigake_semantics::Response),
    Data(Id, Vec<u8>),
    End(Id),
    Failed(Id, String),
    Hints(Vec<u8>),
    Ticket(Box<tls::Session>),
}

impl Browser {
    /// A browser that opens `url` at `server` as soon as the world starts.
    pub fn new(config: Arc<ClientConfig>, server: NodeId, url: &Url, options: Options, seed: Seed) -> Self {
        Self {
            config,
            server: Some(server),
            origin: url.origin().clone(),
            load: Load::new(url.clone(), options, Instant::default()),
            waiting: Vec::new(),
            pipes: Pipes::default(),
            seed,
            notes: Vec::new(),
            is_complete: false,
            remembered: None,
            learnt: Memory::default(),
        }
    }

    /// The same with what an earlier one learnt: it sends early data where it can, and asks for the remembered hints beside the
    /// document.
    #[must_use]
    pub fn remembering(self, memory: Memory) -> Self {
        Self { remembered: Some(memory), ..self }
    }

    /// What the next one may go on from.
    pub fn learnt(&self) -> &Memory {
        &self.learnt
    }

    /// The page's load, to ask what came of it.
    pub fn load(&self) -> &Load {
        &self.load
    }

    /// Tells the page what was heard, and the session what the page wants.
    fn turn(&mut self, now: Instant, pipe: PipeId) {
        let Some((session, connection)) = self.pipes.of(pipe) else { return };
        for heard in core::mem::take(&mut connection.heard) {
            match heard {
                Heard::Head(id, response) => self.load.head(now, id, &response),
                Heard::Data(id, bytes) => self.load.data(now, id, &bytes),
                Heard::End(id) => self.load.end(now, id),
                Heard::Failed(id, why) => self.load.failed(now, id, &why),
                Heard::Ticket(ticket) => self.learnt.ticket = Some(*ticket),
                Heard::Hints(block) => {
                    self.learnt.hints = Some(block.clone());
                    let taken = self.load.preload(now, &self.origin, &block);
                    self.notes.push(Note::Hinted { taken });
                }
            }
        }
        connection.waiting.append(&mut self.waiting);
        while let Some(want) = self.load.wants(now) {
            match want {
                Want::Request(wanted) => connection.waiting.push(*wanted),
                Want::Cancel(id) => connection.cancel(id, session),
            }
        }
        connection.act(now, session, &mut self.notes);
        if self.load.is_complete() && !self.is_complete {
            self.is_complete = true;
            self.notes.push(Note::Complete);
            session.close(now);
        }
    }
}

impl Connection {
    fn hear(&mut self, event: session::Event<'_>, notes: &mut Vec<Note>, pipe: PipeId) {
        match event {
            session::Event::Ready { early_data, .. } => {
                self.is_ready = true;
                if early_data == tls::EarlyData::Rejected {
                    // The server saw none of them, and their engine is gone.
                    let lost =
                        core::mem::take(&mut self.requests).into_values().map(|request| request.wanted);
                    self.waiting.extend(lost);
                }
                notes.push(Note::Ready { pipe });
            }
            session::Event::Ticket(ticket) => self.heard.push(Heard::Ticket(ticket)),
            session::Event::Http(event) => self.hear_http(event, notes),
            _ => {}
        }
    }

    fn hear_http(&mut self, event: Event<'_>, notes: &mut Vec<Note>) {
        match event {
            Event::Preload { block } => self.heard.push(Heard::Hints(block.to_vec())),
            Event::Response { stream, response, end } => {
                if let Some(request) = self.requests.get_mut(&stream) {
                    request.status = response.status;
                    self.heard.push(Heard::Head(request.wanted.id, response));
                }
                self.finish(stream, end, notes);
            }
            Event::Data { stream, bytes, end } => {
                self.read.push((stream, bytes.len()));
                if let Some(request) = self.requests.get_mut(&stream) {
                    request.body.extend_from_slice(bytes);
                    self.heard.push(Heard::Data(request.wanted.id, bytes.to_vec()));
                }
                self.finish(stream, end, notes);
            }
            Event::Trailers { stream, .. } => self.finish(stream, true, notes),
            Event::Reset { stream, code, .. } => {
                if let Some(request) = self.requests.remove(&stream) {
                    self.heard.push(Heard::Failed(request.wanted.id, format!("reset with code {code}")));
                }
            }
            _ => {}
        }
    }

    fn finish(&mut self, stream: StreamId, end: bool, notes: &mut Vec<Note>) {
        if end && let Some(request) = self.requests.remove(&stream) {
            let Request { wanted, path, status, body } = request;
            self.heard.push(Heard::End(wanted.id));
            notes.push(Note::Received { path, status, body });
        }
    }

    fn cancel(&mut self, id: Id, session: &mut Session) {
        self.waiting.retain(|wanted| wanted.id != id);
        let stream =
            self.requests.iter().find(|(_, request)| request.wanted.id == id).map(|(stream, _)| *stream);
        if let (Some(stream), Some(http)) = (stream, session.http()) {
            http.reset(stream, CANCEL);
            self.requests.remove(&stream);
        }
    }

    fn act(&mut self, now: Instant, session: &mut Session, notes: &mut Vec<Note>) {
        // There before it is ready, an engine takes what may be sent early; a page load asks for nothing else.
        let Some(http) = session.http() else { return };
        for (stream, len) in self.read.drain(..) {
            http.consume(now, stream, len);
        }
        for wanted in self.waiting.drain(..) {
            let path = String::from_utf8_lossy(wanted.request.path()).into_owned();
            match http.request(&wanted.request, true) {
                Ok(stream) => {
                    notes.push(Note::Requested { request: named(&wanted.request) });
                    let request = Request { wanted, path, status: 0, body: Vec::new() };
                    self.requests.insert(stream, request);
                }
                Err(misuse) => self.heard.push(Heard::Failed(wanted.id, misuse.to_string())),
            }
        }
    }

    /// The pipe is gone: so is everything that was to come through it.
    fn lose(&mut self) {
        let lost = core::mem::take(&mut self.requests).into_values().map(|request| request.wanted.id);
        let waiting = self.waiting.drain(..).map(|wanted| wanted.id);
        self.heard.extend(lost.chain(waiting).map(|id| Heard::Failed(id, "the connection is gone".into())));
    }
}

impl Node for Browser {
    fn opened(&mut self, now: Instant, pipe: PipeId, _: Side) {
        let host = self.origin.host.clone();
        let Memory { ticket, hints } = self.remembered.take().unwrap_or_default();
        match Session::resume(self.config.clone(), &host, ticket, now, Box::new(self.seed.fork())) {
            Ok(mut session) => {
                let mut connection = Connection::default();
                if session.http().is_some() {
                    connection.heard.extend(hints.map(Heard::Hints));
                }
                self.pipes.open(pipe, session, connection);
            }
            Err(misuse) => self.notes.push(Note::Said(format!("cannot connect: {misuse}"))),
        }
        self.turn(now, pipe);
    }

    fn handle(&mut self, now: Instant, pipe: PipeId, bytes: &mut [u8]) {
        let Self { pipes, notes, .. } = self;
        pipes.handle(now, pipe, bytes, notes, |connection, event, notes| connection.hear(event, notes, pipe));
        self.turn(now, pipe);
    }

    fn ended(&mut self, now: Instant, pipe: PipeId, broken: bool) {
        if let Some((_, connection)) = self.pipes.of(pipe) {
            connection.lose();
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
        let server = self.server.take()?;
        while let Some(Want::Request(wanted)) = self.load.wants(Instant::default()) {
            self.waiting.push(*wanted);
        }
        Some(server)
    }

    fn notes(&mut self) -> Vec<Note> {
        core::mem::take(&mut self.notes)
    }
}
