//! A connection: the parts put together. What the peer's control stream does is in [`crate::control`], what its messages
//! do in [`crate::request`].

use crate::budget::Budget;
use crate::control::{Heard, Uni};
use crate::output::Output;
use crate::request::{Exchange, Phase};
use crate::rules::{ErrorCode, kind, stream_type};
use crate::{Departure, Fault, Flood, Limits, Scope, Settings, frame, section};
use core::fmt;
use sakigake_fields::qpack;
use sakigake_semantics::{Chunk, Event, FieldLine, Fields, Request, Response, StreamId};
use sakigake_wire::Instant;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

/// What connections share.
#[derive(Clone, Copy, Debug, Default)]
pub struct Config {
    /// What one may cost us.
    pub limits: Limits,
    /// What its field compression may cost us.
    pub qpack: qpack::Limits,
    /// Whether a server understands extended CONNECT (RFC 9220).
    pub extended_connect: bool,
}

/// One side of one HTTP/3 connection.
///
/// Its owner hands in the bytes of the peer's streams, each stream's in order, and does what
/// [`transmit`](Connection::transmit) says. How many streams may be open is for QUIC to say. There are no timers.
#[derive(Debug)]
pub struct Connection {
    pub(crate) client: bool,
    pub(crate) config: Arc<Config>,
    pub(crate) encoder: qpack::Encoder,
    pub(crate) decoder: qpack::Decoder,
    pub(crate) budget: Budget,
    /// The peer's unidirectional streams.
    pub(crate) unis: BTreeMap<u64, Uni>,
    pub(crate) heard: Heard,
    pub(crate) exchanges: BTreeMap<u64, Exchange>,
    /// Bytes held behind sections that wait, on all streams.
    pub(crate) held_bytes: usize,
    /// Resets and the like, in their order.
    pub(crate) departures: VecDeque<Departure>,
    /// Our own unidirectional streams that have begun.
    locals: Vec<Local>,
    /// The next request's stream: ours, or one above the highest that came.
    next_request: u64,
    goaway_sent: Option<u64>,
    /// The stream that was served last, so that all have their turn.
    served: u64,
    over: bool,
}

/// A unidirectional stream of ours.
#[derive(Debug)]
struct Local {
    id: u64,
    kind: u64,
    output: Output,
}

/// Our caller asked for what cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misuse {
    /// The connection takes no new requests, or has ended.
    Closing,
    /// That is for the other end to do.
    Role,
    /// No such stream, or no longer.
    UnknownStream,
    /// Out of order: DATA before a response, a second response, anything after the end.
    Order,
    /// The stream's send queue has no room for it (see [`Connection::room`]).
    Full,
    /// A field section above what the peer says that it takes.
    TooLarge,
    /// The server did not say that it understands extended CONNECT (RFC 9220 section 3).
    Protocol,
}

impl Connection {
    /// A client's side. Its SETTINGS are the first thing to leave.
    pub fn client(config: Arc<Config>) -> Self {
        Self::new(config, true)
    }

    /// A server's side. Its SETTINGS are the first thing to leave.
    pub fn server(config: Arc<Config>) -> Self {
        Self::new(config, false)
    }

    fn new(config: Arc<Config>, client: bool) -> Self {
        let mut connection = Self {
            client,
            encoder: qpack::Encoder::new(config.qpack),
            decoder: qpack::Decoder::new(config.qpack),
            config,
            budget: Budget::default(),
            unis: BTreeMap::new(),
            heard: Heard::default(),
            exchanges: BTreeMap::new(),
            held_bytes: 0,
            departures: VecDeque::new(),
            locals: Vec::new(),
            next_request: 0,
            goaway_sent: None,
            served: 0,
            over: false,
        };
        let mut settings = Vec::new();
        frame::write(kind::SETTINGS, &connection.settings().write(), &mut settings);
        connection.local(stream_type::CONTROL, settings); // spec: 9114-6.2.1-d
        connection
    }

    /// What we say of ourselves.
    pub fn settings(&self) -> Settings {
        let config = &self.config;
        Settings {
            qpack_max_table_capacity: config.qpack.table_bytes as u64,
            qpack_blocked_streams: config.qpack.blocked_streams as u64,
            max_field_section_size: Some(config.limits.header_list_bytes as u64),
            enable_connect_protocol: config.extended_connect && !self.client,
        }
    }

    /// What the peer said of itself.
    pub const fn peer_settings(&self) -> Option<Settings> {
        self.heard.settings
    }

    /// The next bytes of a stream, and whether they are its last.
    ///
    /// # Errors
    /// The peer broke a rule of the connection, which is to be closed with the fault's code. What reaches no further than
    /// a stream is told as an event and done by [`transmit`](Self::transmit).
    pub fn handle(
        &mut self,
        now: Instant,
        stream: StreamId,
        bytes: &[u8],
        fin: bool,
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        if self.over {
            return Ok(());
        }
        let id = stream.0;
        let handled = match id & 3 {
            0 => self.request_bytes(now, id, bytes, fin, heard),
            1 if self.client => Err(Fault::ServerStream), // spec: 9114-6.1-a
            2 | 3 if self.is_peers(id) => self.uni(now, id, bytes, fin, heard),
            _ => Ok(()),
        };
        self.judge(handled)
    }

    /// The peer reset its direction of a stream.
    ///
    /// # Errors
    /// As those of [`handle`](Self::handle).
    pub fn reset_heard(
        &mut self,
        now: Instant,
        stream: StreamId,
        code: u64,
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        let reset = match stream.0 & 3 {
            0 => self.request_reset(now, stream, code, heard),
            _ if self.is_peers(stream.0) => self.uni_ended(stream.0),
            _ => Ok(()),
        };
        self.judge(reset)
    }

    /// The peer wants no more of our direction of a stream, which QUIC has reset. To a server that is the end of the
    /// exchange; a client's response may still come.
    ///
    /// # Errors
    /// As those of [`handle`](Self::handle).
    pub fn stop_heard(
        &mut self,
        now: Instant,
        stream: StreamId,
        code: u64,
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        let stopped = self.stopped(now, stream, code, heard);
        self.judge(stopped)
    }

    /// What is to be done next; bytes are written into `out`.
    pub fn transmit(&mut self, out: &mut [u8]) -> Option<Departure> {
        self.collect_instructions();
        // What the peer needs in order to read the rest leaves first.
        for local in &mut self.locals {
            if let Some((len, fin)) = local.output.take(out) {
                return Some(Departure::Bytes { stream: StreamId(local.id), len, fin });
            }
        }
        if let Some(departure) = self.departures.pop_front() {
            return Some(departure);
        }
        let ready = |(id, exchange): (&u64, &Exchange)| exchange.output.has_work().then_some(*id);
        let next = self.exchanges.range(self.served + 1..).find_map(ready);
        let id = next.or_else(|| self.exchanges.range(..=self.served).find_map(ready))?;
        let (len, fin) = self.exchanges.get_mut(&id)?.output.take(out)?;
        self.served = id;
        if fin {
            self.forget_ended(id);
        }
        Some(Departure::Bytes { stream: StreamId(id), len, fin })
    }

    /// A client's next request; without `end` a body follows.
    ///
    /// # Errors
    /// [`Misuse`]; nothing was changed.
    pub fn request(&mut self, request: &Request, end: bool) -> Result<StreamId, Misuse> {
        if !self.client {
            return Err(Misuse::Role);
        }
        if self.over || self.heard.goaway.is_some() {
            return Err(Misuse::Closing); // spec: 9114-5.2-b
        }
        let extended = self.heard.settings.is_some_and(|settings| settings.enable_connect_protocol);
        if request.protocol().is_some() && !extended {
            return Err(Misuse::Protocol);
        }
        self.fits(request.lines())?;
        let id = self.next_request;
        self.next_request += 4;
        let method = request.method().to_vec();
        self.exchanges.insert(id, Exchange::of_client(method));
        self.send_section(id, request.lines(), end);
        Ok(StreamId(id))
    }

    /// A server's response, interim or final; without `end` a body or another response follows.
    ///
    /// # Errors
    /// [`Misuse`]; nothing was changed.
    pub fn respond(&mut self, stream: StreamId, response: &Response, end: bool) -> Result<(), Misuse> {
        if self.client {
            return Err(Misuse::Role);
        }
        self.fits(response.lines())?;
        let exchange = self.exchanges.get_mut(&stream.0).filter(|exchange| exchange.known);
        let exchange = exchange.ok_or(Misuse::UnknownStream)?;
        if exchange.head_sent || exchange.output.is_ended() || (response.is_informational() && end) {
            return Err(Misuse::Order);
        }
        exchange.head_sent = !response.is_informational();
        self.send_section(stream.0, response.lines(), end);
        Ok(())
    }

    /// More of a body.
    ///
    /// # Errors
    /// [`Misuse`]; nothing was changed.
    pub fn send(&mut self, stream: StreamId, chunk: Chunk, end: bool) -> Result<(), Misuse> {
        let limit = self.config.limits.send_queue_bytes;
        let exchange = self.sendable(stream)?;
        let len = chunk.as_ref().len();
        if exchange.output.queued() > 0 && exchange.output.queued() + len > limit {
            return Err(Misuse::Full);
        }
        if len > 0 {
            let mut head = Vec::new();
            frame::write_head(kind::DATA, len, &mut head);
            exchange.output.push(Chunk::Owned(head));
            exchange.output.push(chunk);
        }
        if end {
            exchange.output.end();
        }
        Ok(())
    }

    /// Fields behind a body: nothing follows.
    ///
    /// # Errors
    /// [`Misuse`]; nothing was changed.
    pub fn send_trailers(&mut self, stream: StreamId, fields: &Fields) -> Result<(), Misuse> {
        self.fits(fields.iter())?;
        self.sendable(stream)?;
        self.send_section(stream.0, fields.iter(), true);
        Ok(())
    }

    /// How many bytes [`send`](Self::send) takes now.
    pub fn room(&self, stream: StreamId) -> usize {
        let queued = self.exchanges.get(&stream.0).map(|exchange| exchange.output.queued());
        queued.map_or(0, |queued| self.config.limits.send_queue_bytes.saturating_sub(queued))
    }

    /// Ends an exchange at once, both ways.
    ///
    /// # Errors
    /// The peer does not read what our QPACK decoder says: as those of [`handle`](Self::handle).
    pub fn reset(&mut self, stream: StreamId, code: ErrorCode) -> Result<(), Fault> {
        let abandoned = self.abandon(stream.0, code);
        self.judge(abandoned)
    }

    /// Says that requests which have not come are not served. Those that did go on.
    pub fn go_away(&mut self) {
        let id = if self.client { 0 } else { self.next_request };
        if self.goaway_sent.is_some_and(|before| id >= before) {
            return;
        }
        self.goaway_sent = Some(id);
        let (mut payload, mut out) = (Vec::new(), Vec::new());
        frame::varint(id, &mut payload);
        frame::write(kind::GOAWAY, &payload, &mut out);
        self.local(stream_type::CONTROL, out); // spec: 9114-5.2-c
    }

    /// Whether no exchange is under way and nothing waits to leave.
    pub fn is_idle(&self) -> bool {
        self.exchanges.is_empty()
            && self.departures.is_empty()
            && self.locals.iter().all(|local| !local.output.has_work())
    }

    /// Whether the peer is about to be asked to stop sending.
    fn is_given_up(&self, id: u64) -> bool {
        let stops =
            |departure: &Departure| matches!(departure, Departure::Stop { stream, .. } if stream.0 == id);
        self.departures.iter().any(stops)
    }

    const fn is_peers(&self, id: u64) -> bool {
        (id & 1 == 1) == self.client
    }

    /// A fault of the connection ends it.
    fn judge(&mut self, handled: Result<(), Fault>) -> Result<(), Fault> {
        self.over |= handled.is_err();
        handled
    }

    fn request_bytes(
        &mut self,
        now: Instant,
        id: u64,
        bytes: &[u8],
        fin: bool,
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        let mut exchange = match self.exchanges.remove(&id) {
            Some(exchange) => exchange,
            None if self.client || self.is_given_up(id) => return Ok(()),
            None if self.goaway_sent.is_some_and(|from| id >= from) => {
                let exchange = Exchange::default();
                return self.settle(now, id, exchange, Err(Fault::Rejected), heard); // spec: 9114-5.2-d
            }
            None => Exchange::default(),
        };
        if !self.client {
            self.next_request = self.next_request.max(id + 4);
        }
        let read = self.read(now, id, &mut exchange, bytes, fin, heard);
        self.settle(now, id, exchange, read, heard)
    }

    /// Puts an exchange back, or ends it for what the peer did.
    pub(crate) fn settle(
        &mut self,
        now: Instant,
        id: u64,
        exchange: Exchange,
        read: Result<(), Fault>,
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        let known = exchange.known;
        self.exchanges.insert(id, exchange);
        match read {
            Ok(()) => {
                self.forget_ended(id);
                Ok(())
            }
            Err(fault) if fault.scope() == Scope::Stream => {
                self.budget.spend(now, &self.config.limits, Flood::Resets)?;
                self.abandon(id, fault.code())?; // spec: 9114-4.1.2-a
                if known {
                    let code = fault.code().wire();
                    heard(Event::Reset { stream: StreamId(id), code, untouched: false });
                }
                Ok(())
            }
            Err(fault) => Err(fault),
        }
    }

    fn request_reset(
        &mut self,
        now: Instant,
        stream: StreamId,
        code: u64,
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        let Some(exchange) = self.exchanges.get(&stream.0) else { return Ok(()) };
        if exchange.phase == Phase::Ended {
            return Ok(()); // The message had come whole.
        }
        let known = exchange.known;
        self.budget.spend(now, &self.config.limits, Flood::Resets)?;
        self.abandon(stream.0, ErrorCode::RequestCancelled)?;
        if known {
            let untouched = self.client && code == ErrorCode::RequestRejected.wire();
            heard(Event::Reset { stream, code, untouched });
        }
        Ok(())
    }

    fn stopped(
        &mut self,
        now: Instant,
        stream: StreamId,
        code: u64,
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        if self.locals.iter().any(|local| local.id == stream.0) {
            return Err(Fault::CriticalStream); // spec: 9114-6.2.1-e
        }
        let Some(exchange) = self.exchanges.get_mut(&stream.0) else { return Ok(()) };
        exchange.output.drop_rest();
        let known = exchange.known;
        if self.client {
            self.forget_ended(stream.0);
            return Ok(());
        }
        self.budget.spend(now, &self.config.limits, Flood::Resets)?;
        self.abandon(stream.0, ErrorCode::RequestCancelled)?;
        if known {
            heard(Event::Reset { stream, code, untouched: false });
        }
        Ok(())
    }

    /// A server will not look at requests from this one on.
    pub(crate) fn give_up_from(&mut self, from: u64, heard: &mut impl FnMut(Event<'_>)) -> Result<(), Fault> {
        let lost: Vec<u64> = self.exchanges.range(from..).map(|(id, _)| *id).collect();
        for id in lost {
            self.abandon(id, ErrorCode::RequestCancelled)?;
            let code = ErrorCode::RequestRejected.wire();
            heard(Event::Reset { stream: StreamId(id), code, untouched: true });
        }
        Ok(())
    }

    /// Ends both directions of a stream, as far as they have not ended.
    fn abandon(&mut self, id: u64, code: ErrorCode) -> Result<(), Fault> {
        let Some(exchange) = self.exchanges.remove(&id) else { return Ok(()) };
        let (stream, code) = (StreamId(id), code.wire());
        self.held_bytes -= exchange.held.len();
        if !exchange.output.is_over() {
            self.departures.push_back(Departure::Reset { stream, code });
        }
        if exchange.phase != Phase::Ended {
            self.departures.push_back(Departure::Stop { stream, code });
            self.decoder.cancel(id)?;
        }
        Ok(())
    }

    /// Forgets an exchange of which both directions have ended.
    fn forget_ended(&mut self, id: u64) {
        let ended = |exchange: &Exchange| exchange.phase == Phase::Ended && exchange.output.is_over();
        if self.exchanges.get(&id).is_some_and(ended) {
            self.exchanges.remove(&id);
        }
    }

    fn sendable(&mut self, stream: StreamId) -> Result<&mut Exchange, Misuse> {
        let exchange = self.exchanges.get_mut(&stream.0).ok_or(Misuse::UnknownStream)?;
        if !exchange.head_sent || exchange.output.is_ended() {
            return Err(Misuse::Order);
        }
        Ok(exchange)
    }

    /// Holds a section against what the peer takes.
    fn fits<'a>(&self, lines: impl Iterator<Item = FieldLine<'a>>) -> Result<(), Misuse> {
        let most = self.heard.settings.and_then(|settings| settings.max_field_section_size);
        let size: usize = lines.map(|line| line.size()).sum();
        match most {
            Some(most) if size as u64 > most => Err(Misuse::TooLarge), // spec: 9114-4.2.2-a
            _ => Ok(()),
        }
    }

    fn send_section<'a>(&mut self, id: u64, lines: impl Iterator<Item = FieldLine<'a>>, end: bool) {
        let (mut section, mut frame) = (Vec::new(), Vec::new());
        self.encoder.encode(id, section::crossing(lines), &mut section);
        self.collect_instructions();
        frame::write(kind::HEADERS, &section, &mut frame);
        if let Some(exchange) = self.exchanges.get_mut(&id) {
            exchange.output.push(Chunk::Owned(frame));
            if end {
                exchange.output.end();
            }
        }
    }

    /// What QPACK's two sides have to say. What does not leave stays with them, whose limits end it.
    fn collect_instructions(&mut self) {
        let mut bytes = Vec::new();
        if self.has_left(stream_type::QPACK_ENCODER) {
            self.encoder.write_instructions(&mut bytes);
            self.local(stream_type::QPACK_ENCODER, core::mem::take(&mut bytes));
        }
        if self.has_left(stream_type::QPACK_DECODER) {
            self.decoder.write_instructions(&mut bytes);
            self.local(stream_type::QPACK_DECODER, bytes);
        }
    }

    fn has_left(&self, kind: u64) -> bool {
        !self.locals.iter().any(|local| local.kind == kind && local.output.queued() > 0)
    }

    /// Queues bytes on a unidirectional stream of ours, which begins with the first of them.
    fn local(&mut self, kind: u64, bytes: Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        if let Some(local) = self.locals.iter_mut().find(|local| local.kind == kind) {
            local.output.push(Chunk::Owned(bytes));
            return;
        }
        let first = if self.client { 2 } else { 3 };
        let id = first + 4 * self.locals.len() as u64;
        let mut local = Local { id, kind, output: Output::default() };
        let mut head = Vec::new();
        frame::varint(kind, &mut head);
        local.output.push(Chunk::Owned(head));
        local.output.push(Chunk::Owned(bytes));
        self.locals.push(local);
    }
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closing => "the connection takes no new requests",
            Self::Role => "that is for the other end to do",
            Self::UnknownStream => "there is no such stream",
            Self::Order => "that does not come here in a message",
            Self::Full => "the stream's queue is full",
            Self::TooLarge => "the peer takes no field section of that size",
            Self::Protocol => "the server does not understand extended CONNECT",
        })
    }
}

impl core::error::Error for Misuse {}

#[cfg(test)]
mod tests;
