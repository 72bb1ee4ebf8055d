//! Request streams: what comes on them, and what of it is a message (section 4).

use crate::connection::Connection;
use crate::output::Output;
use crate::rules::{self, Place, kind};
use crate::{Fault, Flood, section};
use sakigake_fields::section::Outcome;
use sakigake_semantics::{Assembly, BodyLength, Event, Kind, Message, Priority, Response, StreamId};
use sakigake_wire::{
    Instant,
    tlv::{Cutter, Fate, Piece},
};

/// One exchange.
#[derive(Debug, Default)]
pub(crate) struct Exchange {
    frames: Cutter,
    pub(crate) phase: Phase,
    /// A client's request's method.
    method: Vec<u8>,
    /// Frames of unknown types that came, as far as they are counted.
    strange_frames: u8,
    /// Interim responses that came.
    interims: u32,
    /// Whether DATA alone may follow.
    tunnel: bool,
    body: BodyLength,
    /// Whether a section waits for entries; what came behind it is held.
    waits: bool,
    pub(crate) held: Vec<u8>,
    held_fin: bool,
    pub(crate) output: Output,
    /// Whether our own head has left, so that DATA may follow.
    pub(crate) head_sent: bool,
    /// How soon the response is wanted, and what leaves of it.
    pub(crate) priority: Priority,
    /// Whether bytes of ours have left.
    pub(crate) has_begun: bool,
    /// Whether HTTP datagrams belong to it.
    pub(crate) datagrams: bool,
    /// When its first byte came, until its head was whole.
    pub(crate) began: Option<Instant>,
    /// What room was seen where nothing fitted into it.
    pub(crate) room_seen: u64,
    /// Whether the owner has heard of it.
    pub(crate) known: bool,
}

/// Frames of unknown types that a stream may have before they count against the connection's.
const FREE_STRANGE_FRAMES: u8 = 4;

/// How much of the peer's message has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nothing, or interim responses.
    #[default]
    Head,
    /// The head.
    Body,
    /// All, but the stream's end.
    Trailers,
    /// All.
    Ended,
}

impl Connection {
    /// What came on a request stream.
    pub(crate) fn read(
        &mut self,
        now: Instant,
        id: u64,
        exchange: &mut Exchange,
        mut bytes: &[u8],
        fin: bool,
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        let (came, mut passed) = (bytes.len(), 0);
        while !exchange.waits && exchange.phase != Phase::Ended {
            let (phase, tunnel, strange) = (exchange.phase, exchange.tunnel, &mut exchange.strange_frames);
            let mut admit = |kind, len| self.request_fate(now, kind, len, phase, tunnel, strange);
            let Some(piece) = exchange.frames.next(&mut bytes, &mut admit)? else { break };
            let end = fin && bytes.is_empty() && exchange.frames.is_between();
            match piece {
                Piece::Part(part) => {
                    exchange.body.data(part.len()).map_err(Fault::Malformed)?; // spec: 9114-4.1.2-b
                    exchange.ends(end)?;
                    passed += part.len();
                    heard(Event::Data { stream: StreamId(id), bytes: part, end });
                }
                // Nothing is kept but HEADERS.
                Piece::Whole(_, payload) => self.section(id, exchange, &payload, end, heard)?,
            }
        }
        // The owner says when a body's bytes were used; all others have been.
        self.used(id, (came - bytes.len() - passed) as u64);
        if exchange.waits {
            return self.hold(exchange, bytes, fin);
        }
        if fin { exchange.end_of_stream(id, self.client, heard) } else { Ok(()) }
    }

    /// Goes on with the streams whose sections have their entries now.
    pub(crate) fn resume(&mut self, now: Instant, heard: &mut impl FnMut(Event<'_>)) -> Result<(), Fault> {
        while let Some(id) = self.decoder.ready() {
            let Some(mut exchange) = self.exchanges.remove(&id) else {
                self.decoder.cancel(id)?; // Whoever gave it up has said so; nothing waits on it any more.
                continue;
            };
            exchange.waits = false;
            let held = core::mem::take(&mut exchange.held);
            self.waiting_bytes -= held.len();
            let fin = exchange.held_fin;
            let end = fin && held.is_empty();
            let read = self.resumed(id, &mut exchange, end, heard);
            let read = read.and_then(|()| self.read(now, id, &mut exchange, &held, fin, heard));
            self.settle(now, id, exchange, read, heard)?;
        }
        Ok(())
    }

    fn resumed(
        &mut self,
        id: u64,
        exchange: &mut Exchange,
        end: bool,
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        let mut assembly = Assembly::new(self.kind(exchange.phase), self.config.extended_connect);
        let limits = section::limits(&self.config.limits);
        let outcome = self.decoder.resume(id, limits, &mut section::sink(&mut assembly))?;
        self.message(id, exchange, outcome, assembly, end, heard)
    }

    /// What becomes of a frame, by its head.
    fn request_fate(
        &mut self,
        now: Instant,
        kind: u64,
        len: u64,
        phase: Phase,
        tunnel: bool,
        strange: &mut u8,
    ) -> Result<Fate, Fault> {
        if rules::admit(kind, len, Place::Request, !self.client)?.is_none() {
            // Whoever keeps us used to them sends some with each message.
            if *strange == FREE_STRANGE_FRAMES {
                self.budget.spend(now, &self.config.limits, Flood::UnknownFrames)?;
            } else {
                *strange += 1;
            }
            return Ok(Fate::Skip);
        }
        match (kind, phase) {
            (kind::DATA, Phase::Head | Phase::Trailers) | (kind::HEADERS, Phase::Trailers) => {
                Err(Fault::MessageOrder) // spec: 9114-4.1-a
            }
            (kind::DATA, _) => {
                if len == 0 {
                    self.budget.spend(now, &self.config.limits, Flood::EmptyFrames)?;
                }
                Ok(Fate::Pass)
            }
            _ if tunnel => Err(Fault::MessageOrder), // spec: 9114-4.4-a
            (kind::HEADERS, _) if len > self.config.limits.header_block_bytes as u64 => {
                Err(Fault::SectionTooLarge)
            }
            (kind::HEADERS, _) => Ok(Fate::Keep),
            _ => Err(Fault::Push), // spec: 9114-7.2.5-b
        }
    }

    /// Bytes behind a section that waits.
    fn hold(&mut self, exchange: &mut Exchange, bytes: &[u8], fin: bool) -> Result<(), Fault> {
        exchange.held_fin |= fin;
        exchange.held.extend_from_slice(bytes);
        self.waiting_bytes += bytes.len();
        if self.waiting_bytes > self.config.limits.waiting_bytes {
            return Err(Fault::Flood(Flood::WaitingBytes));
        }
        Ok(())
    }

    /// What a section on a stream in this phase is to be.
    const fn kind(&self, phase: Phase) -> Kind {
        match phase {
            Phase::Head if self.client => Kind::Response,
            Phase::Head => Kind::Request,
            _ => Kind::Trailers,
        }
    }

    fn section(
        &mut self,
        id: u64,
        exchange: &mut Exchange,
        payload: &[u8],
        end: bool,
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        let mut assembly = Assembly::new(self.kind(exchange.phase), self.config.extended_connect);
        let limits = section::limits(&self.config.limits);
        let outcome = self.decoder.decode(id, payload, limits, &mut section::sink(&mut assembly))?;
        self.message(id, exchange, outcome, assembly, end, heard)
    }

    fn message(
        &mut self,
        id: u64,
        exchange: &mut Exchange,
        outcome: Option<Outcome>,
        assembly: Assembly,
        end: bool,
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        match outcome {
            None => {
                exchange.waits = true;
                return Ok(());
            }
            Some(Outcome::TooLarge) => return Err(Fault::SectionTooLarge),
            Some(Outcome::Complete) => {}
        }
        self.budget.justify();
        let stream = StreamId(id);
        match assembly.finish().map_err(Fault::Malformed)? {
            Message::Request(request) => {
                exchange.body = BodyLength::of_request(&request).map_err(Fault::Malformed)?;
                exchange.tunnel = request.method() == b"CONNECT";
                exchange.datagrams = request.protocol().is_some();
                exchange.phase = Phase::Body;
                exchange.ends(end)?;
                exchange.known = true;
                self.has_head(exchange);
                // spec: 9218-7-a
                let said = self.early_priority(id).or_else(|| Priority::of(&request.fields));
                exchange.priority = said.unwrap_or_default();
                heard(Event::Request { stream, request, end });
            }
            Message::Response(response) if response.is_informational() => {
                exchange.interims += 1;
                if exchange.interims > self.config.limits.interim_responses {
                    return Err(Fault::Interims);
                }
                heard(Event::Informational { stream, response });
            }
            Message::Response(response) => {
                exchange.take_response(&response)?;
                exchange.ends(end)?;
                heard(Event::Response { stream, response, end });
            }
            Message::Trailers(fields) => {
                exchange.body.end().map_err(Fault::Malformed)?;
                exchange.phase = if end { Phase::Ended } else { Phase::Trailers };
                heard(Event::Trailers { stream, fields });
            }
        }
        Ok(())
    }
}

impl Exchange {
    /// One that our request begins.
    pub(crate) fn of_client(method: Vec<u8>) -> Self {
        Self { method, known: true, head_sent: true, ..Self::default() }
    }

    /// One that the peer's first bytes begin.
    pub(crate) fn of_server(now: Instant) -> Self {
        Self { began: Some(now), ..Self::default() }
    }

    fn take_response(&mut self, response: &Response) -> Result<(), Fault> {
        self.body = BodyLength::of_response(response, &self.method).map_err(Fault::Malformed)?;
        self.tunnel = self.method == b"CONNECT" && matches!(response.status, 200..=299);
        self.phase = Phase::Body;
        Ok(())
    }

    /// The message may be complete.
    fn ends(&mut self, end: bool) -> Result<(), Fault> {
        if end {
            self.body.end().map_err(Fault::Malformed)?;
            self.phase = Phase::Ended;
        }
        Ok(())
    }

    fn end_of_stream(
        &mut self,
        id: u64,
        client: bool,
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        if !self.frames.is_between() {
            return Err(Fault::Truncated); // spec: 9114-7.1-b
        }
        match self.phase {
            Phase::Head if client => return Err(Fault::NoResponse),
            Phase::Head => return Err(Fault::Incomplete), // spec: 9114-4.1-b
            Phase::Body => {
                self.ends(true)?;
                heard(Event::Data { stream: StreamId(id), bytes: &[], end: true });
            }
            Phase::Trailers | Phase::Ended => {}
        }
        self.phase = Phase::Ended;
        Ok(())
    }
}
