//! Field sections: HEADERS and CONTINUATION joined, decoded, and taken for what they are on their stream (sections 4.3
//! and 8.1).

use crate::connection::{Connection, Going};
use crate::frame::{self, FrameHead};
use crate::rules::{INITIAL_WINDOW, flag, kind};
use crate::stream::{Heard, State};
use crate::streams::{Method, Stream};
use crate::{Fault, Flood, section};
use sakigake_semantics::{
    Assembly, BodyLength, Event, Fields, Kind, Message, Priority, Request, Response, StreamId,
};
use sakigake_wire::Instant;

/// A field block whose end has not come.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) stream: u32,
    end: bool,
    /// What was wrong with HEADERS beside its block.
    spoilt: Option<Fault>,
    bytes: Vec<u8>,
    continuations: u32,
}

/// What a field section is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// A stream's first, and what was said of its priority before.
    Open(Option<Priority>),
    /// A live stream's.
    Live(Kind),
    /// Decoded for the table's sake alone; with a fault, the stream is told.
    Lost(Option<Fault>),
}

impl Connection {
    pub(crate) fn headers(
        &mut self,
        now: Instant,
        head: FrameHead,
        payload: &[u8],
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        let (fragment, on) = frame::headers_fragment(head, payload)?;
        let spoilt = self.check_dependency(head.stream, on).err();
        self.bound_block(fragment.len())?;
        let end = head.has(flag::END_STREAM);
        if head.has(flag::END_HEADERS) {
            return self.section(now, head.stream, end, spoilt, fragment, heard);
        }
        let bytes = fragment.to_vec();
        self.block = Some(Block { stream: head.stream, end, spoilt, bytes, continuations: 0 });
        Ok(())
    }

    pub(crate) fn continuation(
        &mut self,
        now: Instant,
        head: FrameHead,
        payload: &[u8],
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        let Some(mut block) = self.block.take() else { return Err(Fault::StrayContinuation) };
        block.continuations += 1;
        if block.continuations > self.config.limits.continuations {
            return Err(Fault::Flood(Flood::Continuations));
        }
        if payload.is_empty() {
            self.budget.spend(now, &self.config.limits, Flood::EmptyFrames)?;
        }
        self.bound_block(block.bytes.len() + payload.len())?;
        block.bytes.extend_from_slice(payload);
        if head.has(flag::END_HEADERS) {
            return self.section(now, block.stream, block.end, block.spoilt, &block.bytes, heard);
        }
        self.block = Some(block);
        Ok(())
    }

    fn bound_block(&self, bytes: usize) -> Result<(), Fault> {
        if bytes > self.config.limits.header_block_bytes {
            return Err(Fault::Flood(Flood::HeaderBlockBytes));
        }
        Ok(())
    }

    /// A whole field block. It is decoded whatever it is for, since the table must stay in step.
    fn section(
        &mut self,
        now: Instant,
        id: u32,
        end: bool,
        spoilt: Option<Fault>,
        block: &[u8],
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        let purpose = match (self.purpose(id, end)?, spoilt) {
            (Purpose::Open(_) | Purpose::Live(_), Some(fault)) => Purpose::Lost(Some(fault)),
            (purpose, _) => purpose,
        };
        let kind = match purpose {
            Purpose::Open(_) => Kind::Request,
            Purpose::Live(kind) => kind,
            Purpose::Lost(_) => Kind::Trailers,
        };
        let mut assembly = Assembly::new(kind, self.config.extended_connect);
        let within = section::decode(&mut self.decoder, block, &self.config.limits, &mut assembly)?; // spec: 9113-4.3-c
        match purpose {
            Purpose::Lost(Some(fault)) => return self.spoil(now, id, fault),
            Purpose::Lost(None) => return self.budget.spend(now, &self.config.limits, Flood::StrayFrames),
            Purpose::Open(_) | Purpose::Live(_) if !within => {
                return self.spoil(now, id, Fault::SectionTooLarge);
            }
            Purpose::Open(_) | Purpose::Live(_) => {}
        }
        let early = if let Purpose::Open(early) = purpose { early } else { None };
        let taken = assembly.finish().map_err(Fault::Malformed).and_then(|message| match message {
            Message::Request(request) => self.open(id, request, early, end, heard),
            Message::Response(response) => self.response(id, response, end, heard),
            Message::Trailers(fields) => self.trailer_section(id, fields, end, heard),
        });
        taken.or_else(|fault| self.spoil(now, id, fault)) // spec: 9113-8.1.1-c
    }

    fn purpose(&mut self, id: u32, end: bool) -> Result<Purpose, Fault> {
        let state = self.streams.state(id);
        if state == State::Idle {
            return self.open_purpose(id);
        }
        match state.receive(kind::HEADERS, end) {
            Ok(Heard::Ignored) => Ok(Purpose::Lost(None)),
            Ok(Heard::Now(_)) => {
                let head_heard = self.streams.look(id).is_some_and(|stream| stream.head_heard);
                Ok(Purpose::Live(if head_heard { Kind::Trailers } else { Kind::Response }))
            }
            Err(fault) if fault.scope() == crate::Scope::Stream => Ok(Purpose::Lost(Some(fault))),
            Err(fault) => Err(fault),
        }
    }

    /// A new number: only a client's may come, and only so many at a time.
    fn open_purpose(&mut self, id: u32) -> Result<Purpose, Fault> {
        if self.client {
            return Err(Fault::Idle);
        }
        if !self.streams.is_peers(id) {
            return Err(Fault::StreamOrder); // spec: 9113-5.1.1-a
        }
        self.streams.used_by_peer(id);
        let early = self.early_priority(id);
        if self.output.len() > self.config.limits.output_bytes {
            return Err(Fault::Flood(Flood::OutputBytes));
        }
        let limit = self.config.limits.streams as usize;
        // A stream whose body the owner has not read to its end still costs something.
        let crowded = self.streams.len() >= limit.saturating_mul(2) || self.streams.open() >= limit;
        if crowded || matches!(self.going, Going::Final(_)) {
            return Ok(Purpose::Lost(Some(Fault::Refused))); // spec: 9113-5.1.2-a 9113-8.7-a
        }
        Ok(Purpose::Open(early))
    }

    fn open(
        &mut self,
        id: u32,
        request: Request,
        early: Option<Priority>,
        end: bool,
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        let body = BodyLength::of_request(&request).map_err(Fault::Malformed)?;
        if end {
            body.end().map_err(Fault::Malformed)?;
        }
        let mut stream = self.new_stream(if end { State::HalfClosedRemote } else { State::Open });
        stream.head_heard = true;
        stream.body = body;
        stream.method = Method::of(request.method());
        let said = early.or_else(|| Priority::of(&request.fields)); // spec: 9218-7-a
        stream.priority = said.unwrap_or_default();
        self.streams.insert(id, stream);
        heard(Event::Request { stream: StreamId(u64::from(id)), request, end });
        Ok(())
    }

    pub(crate) fn new_stream(&self, state: State) -> Stream {
        let known = match self.local.acknowledged {
            true => self.config.limits.initial_stream_window_bytes,
            false => INITIAL_WINDOW, // spec: 9113-6.9.3-a
        };
        Stream::new(state, known, self.peer.initial_window_size)
    }

    fn response(
        &mut self,
        id: u32,
        response: Response,
        end: bool,
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        let Some(stream) = self.streams.find(id) else { return Ok(()) };
        let event_stream = StreamId(u64::from(id));
        if response.is_informational() {
            if end {
                return Err(Fault::MessageOrder); // spec: 9113-8.1-d
            }
            stream.interims += 1;
            if stream.interims > self.config.limits.interim_responses {
                return Err(Fault::Interims);
            }
            heard(Event::Informational { stream: event_stream, response });
            return Ok(());
        }
        let body = BodyLength::of_response(&response, stream.method.bytes()).map_err(Fault::Malformed)?;
        if end {
            body.end().map_err(Fault::Malformed)?;
        }
        stream.head_heard = true;
        stream.body = body;
        if !matches!(response.status, 200..=299) && stream.method == Method::Connect {
            stream.method = Method::Other; // No tunnel, but an ordinary response.
        }
        heard(Event::Response { stream: event_stream, response, end });
        if end {
            self.received_end(id);
        }
        Ok(())
    }

    fn trailer_section(
        &mut self,
        id: u32,
        fields: Fields,
        end: bool,
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        let Some(stream) = self.streams.find(id) else { return Ok(()) };
        if !end {
            return Err(Fault::MessageOrder); // spec: 9113-8.1-c
        }
        if stream.method == Method::Connect {
            return Err(Fault::MessageOrder); // spec: 9113-8.5-c
        }
        stream.body.end().map_err(Fault::Malformed)?;
        heard(Event::Trailers { stream: StreamId(u64::from(id)), fields });
        self.received_end(id);
        Ok(())
    }
}
