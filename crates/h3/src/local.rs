//! What the owner asks for.

use crate::connection::{CatchUp, Connection, Going};
use crate::request::Exchange;
use crate::rules::{ErrorCode, kind, stream_type};
use crate::{frame, priority, section};
use sakigake_semantics::{
    Chunk, FieldLine, Fields, Misuse, Origin, OriginSet, Priority, Request, Response, Source, StreamId,
    origin_frames,
};

/// How long an ORIGIN frame of ours becomes, in bytes.
const ORIGIN_BYTES: usize = 16_384;

impl Connection {
    /// A client's next request; without `end` a body follows.
    ///
    /// # Errors
    /// [`Misuse`]; nothing was changed.
    pub fn request(&mut self, request: &Request, end: bool) -> Result<StreamId, Misuse> {
        if !self.client {
            return Err(Misuse::Role);
        }
        if self.going != Going::On || self.heard.goaway.is_some() {
            return Err(Misuse::Closing); // spec: 9114-5.2-b
        }
        if self.next_request >= self.requests_below {
            return Err(Misuse::TooManyStreams);
        }
        if request.protocol().is_some() && !self.knows_extended_connect() {
            return Err(Misuse::Protocol); // spec: 9220-3-c
        }
        self.fits(request.lines())?;
        let id = self.next_request;
        self.next_request += 4;
        let mut exchange = Exchange::of_client(request.method().to_vec());
        exchange.datagrams = request.protocol().is_some();
        exchange.priority = Priority::of(&request.fields).unwrap_or_default();
        self.exchanges.insert(id, Box::new(exchange));
        self.send_section(id, request.lines(), end);
        Ok(StreamId(id))
    }

    /// The owner's word how many requests may be made in all: as many bidirectional streams as QUIC's peer lets us open.
    pub fn allow_requests(&mut self, count: u64) {
        self.requests_below = count.saturating_mul(4);
    }

    /// The owner's word how many requests the peer may make in all: what QUIC told it with MAX_STREAMS. It is not to speak
    /// of others.
    pub fn allow_peer_requests(&mut self, count: u64) {
        self.peer_requests_below = count.saturating_mul(4);
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
        if exchange.head_sent {
            let refined = exchange.priority.refined_by(&response.fields);
            self.set_priority(stream.0, refined);
        }
        self.send_section(stream.0, response.lines(), end);
        Ok(())
    }

    /// More of a body, by reference; with `end` it is the last, and may be empty. A chunk is taken when it fits into
    /// [`Connection::room`], or when nothing of the body is queued in memory.
    ///
    /// # Errors
    /// [`Misuse`]; nothing was changed.
    pub fn send(&mut self, stream: StreamId, chunk: Chunk, end: bool) -> Result<(), Misuse> {
        let limit = self.config.limits.send_queue_bytes;
        let exchange = self.sendable(stream)?;
        let (len, held) = (chunk.as_ref().len(), exchange.output.held());
        if held > 0 && len > limit.saturating_sub(held) {
            return Err(Misuse::Full);
        }
        if len > 0 {
            exchange.output.push_frames(data_head(len as u64));
            exchange.output.push(chunk, limit);
        }
        if end {
            exchange.output.end();
        }
        self.queued += len as u64;
        self.held += len;
        Ok(())
    }

    /// `len` more bytes of a body, which are asked for when the stream has room for them; with `end` they are the last. They take
    /// no memory before, and so no [`Connection::room`].
    ///
    /// # Errors
    /// [`Misuse`]; nothing was changed.
    pub fn send_from(
        &mut self,
        stream: StreamId,
        source: Box<dyn Source>,
        len: u64,
        end: bool,
    ) -> Result<(), Misuse> {
        let exchange = self.sendable(stream)?;
        if len > 0 {
            exchange.output.push_frames(data_head(len));
            exchange.output.push_source(source, len);
        }
        if end {
            exchange.output.end();
        }
        self.queued += len;
        Ok(())
    }

    /// Fields behind a body: nothing follows.
    ///
    /// # Errors
    /// [`Misuse`]; nothing was changed.
    pub fn trailers(&mut self, stream: StreamId, fields: &Fields) -> Result<(), Misuse> {
        self.fits(fields.iter())?;
        self.sendable(stream)?;
        self.send_section(stream.0, fields.iter(), true);
        Ok(())
    }

    /// How many bytes [`send`](Self::send) takes now; none when nothing may be sent on the stream.
    pub fn room(&self, stream: StreamId) -> usize {
        let output = self.exchanges.get(&stream.0).map(|exchange| &exchange.output);
        let open = output.filter(|output| !output.is_ended());
        open.map_or(0, |output| self.config.limits.send_queue_bytes.saturating_sub(output.held()))
    }

    /// Bytes of the stream's body that wait here.
    pub fn queued(&self, stream: StreamId) -> u64 {
        self.exchanges.get(&stream.0).map_or(0, |exchange| exchange.output.queued())
    }

    /// Whether the owner was handed everything that leaves on the stream, or nothing more can leave.
    pub fn has_sent_end(&self, stream: StreamId) -> bool {
        self.exchanges.get(&stream.0).is_none_or(|exchange| exchange.output.is_over())
    }

    /// Whether fewer than so many bytes of the stream's body wait here: the owner who cannot fill all queues should fill
    /// this one.
    pub fn runs_dry_within(&self, bytes: usize, stream: StreamId) -> bool {
        self.exchanges.get(&stream.0).is_some_and(|exchange| exchange.output.queued() < bytes as u64)
    }

    /// The application has read so many bytes that [`Event::Data`] brought, of a stream that has finished too: the peer may
    /// send as many more.
    ///
    /// [`Event::Data`]: sakigake_semantics::Event::Data
    pub fn consume(&mut self, stream: StreamId, bytes: usize) {
        self.used(stream.0, bytes as u64);
    }

    /// Ends an exchange at once, both ways. No event follows.
    pub fn reset(&mut self, stream: StreamId, code: ErrorCode) {
        let abandoned = self.abandon(stream.0, code);
        self.bear(abandoned);
    }

    /// Sends a PRELOAD frame with this block: straight behind SETTINGS when nothing else was asked for before.
    ///
    /// # Errors
    /// [`Misuse`]; nothing was changed.
    pub fn preload(&mut self, block: &[u8]) -> Result<(), Misuse> {
        if self.client {
            return Err(Misuse::Role); // spec: preload-2-d
        }
        if self.is_over() {
            return Err(Misuse::Closing);
        }
        self.say(self.config.code_points.frame, block); // spec: preload-2-f
        Ok(())
    }

    /// Sends the configuration's origins, once: as many ORIGIN frames as they need, behind what was asked for before.
    /// Nothing leaves where there are none.
    ///
    /// # Errors
    /// A client has none to send, and nothing is sent any more on a connection that has ended.
    pub fn announce_origins(&mut self) -> Result<(), Misuse> {
        if self.client {
            return Err(Misuse::Role);
        }
        if self.is_over() {
            return Err(Misuse::Closing);
        }
        if !core::mem::replace(&mut self.are_origins_announced, true) {
            for entries in origin_frames(&self.config.origins.clone(), ORIGIN_BYTES) {
                self.say(kind::ORIGIN, &entries); // spec: 9412-2-a
            }
        }
        Ok(())
    }

    /// A client's origin set: `None` until the server has sent ORIGIN, and then only what is in it may be asked for here
    /// (RFC 8336 section 2.4). [`sakigake_semantics::Event::Origin`] says when it has changed.
    pub const fn origins(&self) -> Option<&OriginSet> {
        self.origins.set()
    }

    /// Says which origin a client connected to: the host that it named in TLS, and the port.
    pub fn connected_to(&mut self, origin: Origin) {
        self.origins.connected_to(origin);
    }

    /// A response said 421: the connection is not for that origin, whatever was said before.
    pub fn misdirected(&mut self, origin: &Origin) {
        self.origins.misdirected(origin);
    }

    /// Says how soon a stream's response is wanted: its owner hears of it as [`crate::Departure::Prioritize`], and a client
    /// tells its server too (RFC 9218 section 7.2).
    pub fn prioritise(&mut self, stream: StreamId, priority: Priority) {
        if !self.exchanges.contains_key(&stream.0) {
            return;
        }
        self.set_priority(stream.0, priority);
        if self.client {
            self.say(kind::PRIORITY_UPDATE, &priority::payload(stream.0, priority));
        }
    }

    /// Asks, once, whether the peer has read all that was sent up to here; the owner finds out by what QUIC's peer
    /// acknowledges.
    pub fn ask_catch_up(&mut self) {
        if self.catch_up == CatchUp::None {
            self.catch_up = CatchUp::Asked;
        }
    }

    /// Whether [`ask_catch_up`](Self::ask_catch_up) asked and nobody answered yet.
    pub fn is_catch_up_asked(&self) -> bool {
        self.catch_up == CatchUp::Asked
    }

    /// The peer has all that was sent when [`ask_catch_up`](Self::ask_catch_up) asked.
    pub const fn caught_up(&mut self) {
        self.catch_up = CatchUp::Answered;
    }

    /// Whether that was so.
    pub fn has_caught_up(&self) -> bool {
        self.catch_up == CatchUp::Answered
    }

    /// A frame on our control stream.
    pub(crate) fn say(&mut self, kind: u64, payload: &[u8]) {
        self.begin();
        let mut out = Vec::new();
        frame::write(kind, payload, &mut out);
        self.local(stream_type::CONTROL, out);
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
        let size: usize = lines.map(|line| line.size()).sum();
        // spec: 9114-4.2.2-a
        if size as u64 > self.peer_header_list_bytes() { Err(Misuse::TooLarge) } else { Ok(()) }
    }

    fn send_section<'a>(&mut self, id: u64, lines: impl Iterator<Item = FieldLine<'a>>, end: bool) {
        let (mut section, mut frame) = (Vec::new(), Vec::new());
        self.encoder.encode(id, section::crossing(lines), &mut section);
        frame::write(kind::HEADERS, &section, &mut frame);
        if let Some(exchange) = self.exchanges.get_mut(&id) {
            exchange.output.push_frames(frame);
            if end {
                exchange.output.end();
            }
        }
    }
}

fn data_head(len: u64) -> Vec<u8> {
    let mut head = Vec::new();
    frame::write_head(kind::DATA, len, &mut head);
    head
}
