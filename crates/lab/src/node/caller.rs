//! A client that makes a list of calls over one connection, with bodies both ways, late reading, and resets of its own.

use super::{pattern, pipes::Pipes, reading::Reading, server::named};
use crate::{
    log::Note,
    pipe::{PipeId, Side},
    seed::Seed,
    world::{Node, NodeId},
};
use sakigake_h2::{Connection as Http, Misuse};
use sakigake_semantics::{Chunk, Event, Fields, Priority, Request, StreamId};
use sakigake_session::{self as session, ClientConfig, Session};
use sakigake_wire::{Instant, Span};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

const CANCEL: u32 = 0x8;

/// One request.
#[derive(Clone, Debug, Default)]
pub struct Call {
    /// Where it goes; unique in its world.
    pub path: String,
    /// Bytes of body to send: [`pattern`] of the path.
    pub upload: usize,
    /// Whether the body ends with trailers.
    pub trailers: bool,
    /// Bytes of a field that serves nothing but its length.
    pub filler: usize,
    /// Resets the stream once so many bytes of the response's body came.
    pub reset_at: Option<usize>,
    /// Tells the server how soon the response is wanted.
    pub priority: Option<Priority>,
}

/// How a caller behaves.
#[derive(Clone, Debug, Default)]
pub struct Habits {
    /// What to ask for, in order.
    pub calls: Vec<Call>,
    /// Calls under way at a time.
    pub at_once: usize,
    /// Reads what came at intervals; none reads at once.
    pub read_every: Option<Span>,
}

/// The node.
pub struct Caller {
    config: Arc<ClientConfig>,
    server: Option<NodeId>,
    host: String,
    at_once: usize,
    read_every: Option<Span>,
    waiting: VecDeque<Call>,
    pipes: Pipes<Connection>,
    seed: Seed,
    notes: Vec<Note>,
    is_complete: bool,
}

#[derive(Default)]
struct Connection {
    is_ready: bool,
    calls: BTreeMap<StreamId, Ongoing>,
    reading: Reading,
    again: Vec<Call>,
}

#[derive(Default)]
struct Ongoing {
    call: Call,
    uploaded: usize,
    status: u16,
    body: Vec<u8>,
    is_reset_due: bool,
    /// The response is whole; the request's body may still be on its way.
    is_received: bool,
}

impl Caller {
    /// A client of `host` at `server`.
    pub fn new(config: Arc<ClientConfig>, server: NodeId, host: &str, habits: Habits, seed: Seed) -> Self {
        Self {
            config,
            server: Some(server),
            host: host.to_owned(),
            at_once: habits.at_once.max(1),
            read_every: habits.read_every,
            waiting: habits.calls.into(),
            pipes: Pipes::default(),
            seed,
            notes: Vec::new(),
            is_complete: false,
        }
    }

    fn turn(&mut self, now: Instant, pipe: PipeId) {
        let Self { pipes, waiting, notes, host, at_once, is_complete, .. } = self;
        let Some((session, connection)) = pipes.of(pipe) else { return };
        session.tell(&mut |event| connection.hear(event, notes, pipe));
        for call in connection.again.drain(..) {
            waiting.push_front(call);
        }
        if !connection.is_ready {
            return;
        }
        if let Some(http) = session.http() {
            connection.reading.act(now, http);
            connection.reset(http, notes);
            while connection.calls.len() < *at_once
                && let Some(call) = waiting.pop_front()
            {
                if let Some(call) = connection.begin(http, host, call, notes) {
                    waiting.push_front(call);
                    break;
                }
            }
            connection.upload(http);
        }
        if connection.calls.is_empty() && waiting.is_empty() && !core::mem::replace(is_complete, true) {
            notes.push(Note::Complete);
            session.close(now);
        }
    }
}

impl Connection {
    fn hear(&mut self, event: session::Event<'_>, notes: &mut Vec<Note>, pipe: PipeId) {
        match event {
            session::Event::Ready { .. } => {
                self.is_ready = true;
                notes.push(Note::Ready { pipe });
            }
            session::Event::Http(event) => self.hear_http(event, notes),
            _ => {}
        }
    }

    fn hear_http(&mut self, event: Event<'_>, notes: &mut Vec<Note>) {
        match event {
            Event::Preload { .. } => notes.push(Note::Hinted { taken: 0 }),
            Event::Response { stream, response, end } => {
                if let Some(ongoing) = self.calls.get_mut(&stream) {
                    ongoing.status = response.status;
                }
                self.finish(stream, end, notes);
            }
            Event::Data { stream, bytes, end } => {
                self.reading.hear(stream, bytes.len());
                if let Some(ongoing) = self.calls.get_mut(&stream) {
                    ongoing.body.extend_from_slice(bytes);
                    ongoing.is_reset_due = ongoing.call.reset_at.is_some_and(|at| ongoing.body.len() >= at);
                }
                self.finish(stream, end, notes);
            }
            Event::Trailers { stream, .. } => self.finish(stream, true, notes),
            Event::Reset { stream, untouched, .. } => {
                if let Some(ongoing) = self.calls.remove(&stream) {
                    match untouched {
                        _ if ongoing.is_received => {}
                        true => self.again.push(ongoing.call),
                        false => notes.push(ongoing.abandoned()),
                    }
                }
            }
            _ => {}
        }
    }

    fn finish(&mut self, stream: StreamId, end: bool, notes: &mut Vec<Note>) {
        let Some(ongoing) = self.calls.get_mut(&stream).filter(|_| end) else { return };
        ongoing.is_received = true;
        let (path, body) = (ongoing.call.path.clone(), core::mem::take(&mut ongoing.body));
        notes.push(Note::Received { path, status: ongoing.status, body });
    }

    fn reset(&mut self, http: &mut Http, notes: &mut Vec<Note>) {
        let due: Vec<StreamId> = self
            .calls
            .iter()
            .filter(|(_, ongoing)| ongoing.is_reset_due)
            .map(|(stream, _)| *stream)
            .collect();
        for stream in due {
            http.reset(stream, CANCEL);
            let ongoing = self.calls.remove(&stream).filter(|ongoing| !ongoing.is_received);
            notes.extend(ongoing.map(Ongoing::abandoned));
        }
    }

    /// Gives the call back when now is no time for it.
    fn begin(&mut self, http: &mut Http, host: &str, call: Call, notes: &mut Vec<Note>) -> Option<Call> {
        let has_body = call.upload > 0 || call.trailers;
        let method = if has_body { "POST" } else { "GET" };
        let mut request = Request::new(method, host, &call.path);
        if call.filler > 0 {
            request = request.with("x-filler", &"f".repeat(call.filler));
        }
        match http.request(&request, !has_body) {
            Ok(stream) => {
                notes.push(Note::Requested { request: named(&request) });
                if let Some(priority) = call.priority {
                    http.prioritise(stream, priority);
                }
                let ongoing = Ongoing { call, ..Ongoing::default() };
                self.calls.insert(stream, ongoing);
                None
            }
            Err(Misuse::TooManyStreams) => Some(call),
            Err(misuse) => {
                notes.push(Note::Said(format!("{} is not asked for: {misuse}", call.path)));
                None
            }
        }
    }

    fn upload(&mut self, http: &mut Http) {
        for (stream, ongoing) in &mut self.calls {
            let Call { path, upload, trailers, .. } = &ongoing.call;
            let len = (upload - ongoing.uploaded).min(http.room(*stream));
            if len == 0 && !(*trailers && ongoing.uploaded == *upload) {
                continue;
            }
            let body = pattern(path, ongoing.uploaded + len);
            let last = ongoing.uploaded + len == *upload;
            let chunk = Chunk::Owned(body[ongoing.uploaded..].to_vec());
            // An error means that the stream is over; its reset is on its way to us as an event.
            if len > 0 && http.send(*stream, chunk, last && !trailers).is_err() {
                continue;
            }
            ongoing.uploaded += len;
            if last && *trailers {
                let fields: Fields = [("x-length", upload.to_string())].into_iter().collect();
                // An error means that the stream is over, as above.
                let _ = http.trailers(*stream, &fields);
                ongoing.call.trailers = false;
            }
        }
        self.calls.retain(|_, ongoing| {
            let Call { upload, trailers, .. } = ongoing.call;
            !ongoing.is_received || ongoing.uploaded < upload || trailers
        });
    }
}

impl Ongoing {
    fn abandoned(self) -> Note {
        Note::Abandoned { path: self.call.path, body: self.body }
    }
}

impl Node for Caller {
    fn opened(&mut self, now: Instant, pipe: PipeId, _: Side) {
        let connection = Connection { reading: Reading::new(self.read_every), ..Connection::default() };
        match Session::client(self.config.clone(), &self.host, now, Box::new(self.seed.fork())) {
            Ok(session) => self.pipes.open(pipe, session, connection),
            Err(misuse) => self.notes.push(Note::Said(format!("cannot connect: {misuse}"))),
        }
    }

    fn handle(&mut self, now: Instant, pipe: PipeId, bytes: &mut [u8]) {
        let Self { pipes, notes, .. } = self;
        pipes.handle(now, pipe, bytes, notes, |connection, event, notes| connection.hear(event, notes, pipe));
        self.turn(now, pipe);
    }

    fn ended(&mut self, now: Instant, pipe: PipeId, broken: bool) {
        if let Some((_, connection)) = self.pipes.of(pipe) {
            self.notes.extend(
                core::mem::take(&mut connection.calls)
                    .into_values()
                    .filter(|ongoing| !ongoing.is_received)
                    .map(Ongoing::abandoned),
            );
        }
        self.pipes.ended(now, pipe, broken, &mut self.notes);
    }

    fn expire(&mut self, now: Instant) {
        self.pipes.expire(now, &mut self.notes);
        for pipe in self.pipes.ids() {
            self.turn(now, pipe); // A pipe that is full or broken asks for nothing, but reading goes on.
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.pipes.deadline_with(|connection| connection.reading.deadline())
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
