//! One visit to a page on one connection, whatever carries it: the product's page engine, and what it has asked for.

use super::server::named;
use crate::log::Note;
use sakigake_page::{
    Origin, Url,
    load::{Id, Load, Options, Want, Wanted},
};
use sakigake_semantics::{Event, Misuse, Reason, StreamId};
use sakigake_session::{self as session, Carrier};
use sakigake_tls as tls;
use sakigake_wire::Instant;
use std::collections::BTreeMap;

/// A page, and the connection that it comes by.
pub(crate) struct Visit {
    origin: Origin,
    load: Load,
    connection: Connection,
    is_complete: bool,
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

#[derive(Default)]
struct Connection {
    waiting: Vec<Wanted>,
    requests: BTreeMap<StreamId, Request>,
    read: Vec<(StreamId, usize)>,
    heard: Vec<Heard>,
    /// Hints of an earlier visit that nobody has followed yet.
    remembered: Option<Vec<u8>>,
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
    EarlyHints(Id, sakigake_semantics::Response),
    Hints(Vec<u8>),
    Ticket(Box<tls::Session>),
}

impl Visit {
    /// A visit to `url` that begins now: the document is wanted at once.
    pub(crate) fn new(url: &Url, options: Options) -> Self {
        let mut load = Load::new(url.clone(), options, Instant::default());
        let mut connection = Connection::default();
        while let Some(Want::Request(wanted)) = load.wants(Instant::default()) {
            connection.waiting.push(*wanted);
        }
        let origin = url.origin().clone();
        Self { origin, load, connection, is_complete: false, learnt: Memory::default() }
    }

    /// The host that it goes to.
    pub(crate) fn host(&self) -> &str {
        &self.origin.host
    }

    pub(crate) fn learnt(&self) -> &Memory {
        &self.learnt
    }

    pub(crate) fn load(&self) -> &Load {
        &self.load
    }

    /// Hints of an earlier visit, which are followed at once where early data can be sent; otherwise when the handshake is over.
    pub(crate) fn remember(&mut self, hints: Option<Vec<u8>>, is_early: bool) {
        self.connection.remembered = hints;
        if is_early {
            self.connection.recall();
        }
    }

    /// The connection said something.
    pub(crate) fn hear(&mut self, event: session::Event<'_>, notes: &mut Vec<Note>) {
        self.connection.hear(event, notes);
    }

    /// Tells the page what was heard, and the session what the page wants.
    pub(crate) fn turn(&mut self, now: Instant, session: &mut dyn Carrier, notes: &mut Vec<Note>) {
        let Self { connection, load, learnt, origin, .. } = self;
        for heard in core::mem::take(&mut connection.heard) {
            match heard {
                Heard::Head(id, response) => load.head(now, id, &response),
                Heard::Data(id, bytes) => load.data(now, id, &bytes),
                Heard::End(id) => load.end(now, id),
                Heard::Failed(id, why) => load.failed(now, id, &why),
                Heard::EarlyHints(id, response) => drop(load.interim(now, id, &response)),
                Heard::Ticket(ticket) => learnt.ticket = Some(*ticket),
                Heard::Hints(block) => {
                    learnt.hints = Some(block.clone());
                    let taken = load.preload(now, origin, &block);
                    notes.push(Note::Hinted { taken });
                }
            }
        }
        while let Some(want) = load.wants(now) {
            match want {
                Want::Request(wanted) => connection.waiting.push(*wanted),
                Want::Cancel(id) => connection.cancel(id, session),
            }
        }
        connection.act(now, session, notes);
        if load.is_complete() && !self.is_complete {
            self.is_complete = true;
            notes.push(Note::Complete);
            session.close(now);
        }
    }

    /// The connection is gone: so is everything that was to come by it.
    pub(crate) fn lose(&mut self) {
        self.connection.lose();
    }
}

impl Connection {
    fn recall(&mut self) {
        self.heard.extend(self.remembered.take().map(Heard::Hints));
    }

    fn hear(&mut self, event: session::Event<'_>, notes: &mut Vec<Note>) {
        match event {
            session::Event::Ready { early_data, is_resumed, .. } => {
                if is_resumed {
                    self.recall(); // The server goes on too, and does not say again what it said.
                }
                if early_data == tls::EarlyData::Rejected {
                    // The server saw none of them, and their engine is gone.
                    let lost =
                        core::mem::take(&mut self.requests).into_values().map(|request| request.wanted);
                    self.waiting.extend(lost);
                }
            }
            session::Event::Ticket(ticket) => self.heard.push(Heard::Ticket(ticket)),
            session::Event::Http(event) => self.hear_http(event, notes),
            _ => {}
        }
    }

    fn hear_http(&mut self, event: Event<'_>, notes: &mut Vec<Note>) {
        match event {
            Event::Preload { block } => self.heard.push(Heard::Hints(block.to_vec())),
            Event::Informational { stream, response } => {
                if let Some(request) = self.requests.get(&stream) {
                    self.heard.push(Heard::EarlyHints(request.wanted.id, response));
                }
            }
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

    fn cancel(&mut self, id: Id, session: &mut dyn Carrier) {
        self.waiting.retain(|wanted| wanted.id != id);
        let stream =
            self.requests.iter().find(|(_, request)| request.wanted.id == id).map(|(stream, _)| *stream);
        if let (Some(stream), Some(http)) = (stream, session.http()) {
            http.reset(stream, Reason::Cancel);
            self.requests.remove(&stream);
        }
    }

    fn act(&mut self, now: Instant, session: &mut dyn Carrier, notes: &mut Vec<Note>) {
        // There before it is ready, an engine takes what may be sent early; a page load asks for nothing else.
        let Some(http) = session.http() else { return };
        for (stream, len) in self.read.drain(..) {
            http.consume(now, stream, len);
        }
        let mut late = Vec::new();
        for wanted in self.waiting.drain(..) {
            let path = String::from_utf8_lossy(wanted.request.path()).into_owned();
            match http.request(&wanted.request, true) {
                Ok(stream) => {
                    notes.push(Note::Requested { request: named(&wanted.request) });
                    let request = Request { wanted, path, status: 0, body: Vec::new() };
                    self.requests.insert(stream, request);
                }
                Err(Misuse::TooManyStreams) => late.push(wanted),
                Err(misuse) => self.heard.push(Heard::Failed(wanted.id, misuse.to_string())),
            }
        }
        self.waiting = late;
    }

    fn lose(&mut self) {
        let lost = core::mem::take(&mut self.requests).into_values().map(|request| request.wanted.id);
        let waiting = self.waiting.drain(..).map(|wanted| wanted.id);
        self.heard.extend(lost.chain(waiting).map(|id| Heard::Failed(id, "the connection is gone".into())));
    }
}
