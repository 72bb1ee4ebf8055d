//! What the owner asks for.

use crate::connection::{Connection, Going};
use crate::frame::Frame;
use crate::section;
use crate::send::End;
use crate::stream::State;
use crate::streams::{Method, Stream};
use sakigake_semantics::{Chunk, FieldLine, Fields, Misuse, Priority, Request, Response, Source, StreamId};
use sakigake_wire::Instant;

impl Connection {
    /// Sends a request; with `end` it has no body. The peer need not have been heard of before. Names are in
    /// lower case; fields of HTTP/1.1's connections are left out, here as in every other section (section 8.2.2).
    pub fn request(&mut self, request: &Request, end: bool) -> Result<StreamId, Misuse> {
        if !self.client {
            return Err(Misuse::Role);
        }
        if self.going != Going::On || self.goaway_heard.is_some() {
            return Err(Misuse::Closing); // spec: 9113-6.8-c
        }
        if self.streams.open() >= self.peer.max_concurrent_streams as usize {
            return Err(Misuse::TooManyStreams); // spec: 9113-5.1.2-b
        }
        if request.protocol().is_some() && !self.peer.enable_connect_protocol {
            return Err(Misuse::Protocol); // spec: 8441-3-b
        }
        let id = self.streams.next_local().ok_or(Misuse::NoMoreStreams)?; // spec: 9113-5.1.1-e
        let mut stream = self.new_stream(if end { State::HalfClosedLocal } else { State::Open });
        stream.head_said = true;
        stream.method = Method::of(request.method());
        if end {
            stream.send.end = End::Sent;
        }
        self.streams.insert(id, stream);
        self.push_section(id, end, request.lines());
        Ok(StreamId(u64::from(id)))
    }

    /// Sends a response, interim (1xx, any number) or final; with `end` it has no body.
    pub fn respond(&mut self, stream: StreamId, response: &Response, end: bool) -> Result<(), Misuse> {
        if self.client {
            return Err(Misuse::Role);
        }
        let (id, sending) = self.sending(stream)?;
        if sending.head_said || (response.is_informational() && end) {
            return Err(Misuse::Order);
        }
        sending.head_said = !response.is_informational();
        if sending.head_said {
            sending.priority = sending.priority.refined_by(&response.fields);
        }
        if end {
            sending.send.end = End::Sent;
            sending.state = sending.state.sent_end();
        }
        self.push_section(id, end, response.lines());
        self.settle(id);
        Ok(())
    }

    /// Queues a piece of the body by reference; with `end` it is the last, and may be empty. A chunk is taken when it
    /// fits into [`Connection::room`], or when nothing is queued.
    pub fn send(&mut self, stream: StreamId, chunk: Chunk, end: bool) -> Result<(), Misuse> {
        let limit = self.config.limits.send_queue_bytes;
        let (id, sending) = self.sending_body(stream)?;
        let len = chunk.as_ref().len();
        let held = sending.send.held();
        if held > 0 && len > limit.saturating_sub(held) {
            return Err(Misuse::Full);
        }
        if len > 0 {
            sending.send.push(chunk, limit);
        }
        self.held += len;
        self.has_queued(id, len as u64, end);
        Ok(())
    }

    /// Queues `len` bytes of a body that are asked for where they leave; with `end` they are the last. They take no memory,
    /// and so no [`Connection::room`].
    pub fn send_from(
        &mut self,
        stream: StreamId,
        source: Box<dyn Source>,
        len: u64,
        end: bool,
    ) -> Result<(), Misuse> {
        let (id, sending) = self.sending_body(stream)?;
        if len > 0 {
            sending.send.push_source(source, len);
        }
        self.has_queued(id, len, end);
        Ok(())
    }

    /// The stream's queue grew by so many bytes, which may be its last.
    fn has_queued(&mut self, id: u32, len: u64, end: bool) {
        self.queued += len;
        let Some(stream) = self.streams.find(id) else { return };
        let is_waiting = stream.rank.is_none();
        if end && stream.send.queued() == 0 {
            stream.send.end = End::Sent;
            stream.state = stream.state.sent_end();
            self.output.push_end(id);
            return self.settle(id);
        }
        if end {
            stream.send.end = End::Data;
        }
        if is_waiting {
            self.wake(id);
        }
    }

    /// Ends the body with fields after it.
    pub fn trailers(&mut self, stream: StreamId, fields: &Fields) -> Result<(), Misuse> {
        let (id, sending) = self.sending_body(stream)?;
        sending.send.end = End::Trailers(fields.clone());
        self.send_trailers(id);
        self.settle(id);
        Ok(())
    }

    /// Bytes that the stream's send queue still takes; 0 when nothing may be sent on it.
    pub fn room(&self, stream: StreamId) -> usize {
        let look = u32::try_from(stream.0).ok().and_then(|id| self.streams.look(id));
        let open = look.filter(|stream| stream.state.may_send() && matches!(stream.send.end, End::Open));
        open.map_or(0, |stream| self.config.limits.send_queue_bytes.saturating_sub(stream.send.held()))
    }

    /// Whether everything that the owner had to say on the stream has left, or nothing more can.
    pub fn has_sent_end(&self, stream: StreamId) -> bool {
        let look = u32::try_from(stream.0).ok().and_then(|id| self.streams.look(id));
        look.is_none_or(|stream| !stream.state.may_send())
    }

    /// Bytes of the stream's DATA that have yet to leave.
    pub fn queued(&self, stream: StreamId) -> u64 {
        let look = u32::try_from(stream.0).ok().and_then(|id| self.streams.look(id));
        look.map_or(0, |stream| stream.send.queued())
    }

    /// The owner has read that many bytes of the stream's body: their credit goes back to the peer in time. Bytes of a
    /// stream that has finished count too; who does not want them says [`Connection::reset`], or the connection's window
    /// stays that much smaller.
    pub fn consume(&mut self, now: Instant, stream: StreamId, bytes: usize) {
        self.now = now;
        let cap = self.config.limits.stream_window_bytes;
        let Ok(id) = u32::try_from(stream.0) else { return };
        let Some(reading) = self.streams.find(id) else { return };
        let bytes = reading.receive.consume(bytes as u64);
        self.receive.consume(bytes);
        if reading.state.may_receive()
            && let Some(increment) = reading.receive.update(now, self.rtt, cap)
        {
            self.output.push(&Frame::WindowUpdate { stream: id, increment });
        }
        self.release(id);
        self.grant(now);
    }

    /// Ends a stream at once, whatever its state. No event follows.
    pub fn reset(&mut self, stream: StreamId, code: u32) {
        let Ok(id) = u32::try_from(stream.0) else { return };
        let Some(ended) = self.streams.look(id) else { return };
        match ended.state {
            // Both ends have said all: there is nobody to tell, and nobody will read the rest.
            State::Closed(cause) => self.forget(id, cause),
            _ => self.end_stream(id, code),
        }
        self.grant(self.now);
    }

    /// Sends a PRELOAD frame with this block: straight after SETTINGS when nothing else was asked for before.
    pub fn preload(&mut self, block: &[u8]) -> Result<(), Misuse> {
        if self.client {
            return Err(Misuse::Role); // spec: preload-2-d
        }
        if self.going == Going::Over {
            return Err(Misuse::Closing);
        }
        if block.len() > self.peer.max_frame_size as usize {
            return Err(Misuse::TooLarge);
        }
        self.output.push(&Frame::Preload { kind: self.config.code_points.frame, block });
        Ok(())
    }

    /// Says how soon a stream's response is wanted: a server orders its DATA by it, a client tells its server
    /// (RFC 9218 section 7.1).
    pub fn prioritise(&mut self, stream: StreamId, priority: Priority) {
        let Ok(id) = u32::try_from(stream.0) else { return };
        if self.streams.look(id).is_none() {
            return;
        }
        self.set_priority(id, priority);
        // A server that does not say that it has left the old scheme does not know the new one (section 2.1.1).
        let is_heard = !self.peer_settings_heard || self.peer.no_rfc7540_priorities; // spec: 9218-2.1.1-a
        if self.client && is_heard {
            let value = priority.to_string();
            self.output.push(&Frame::PriorityUpdate { stream: id, value: value.as_bytes() });
        }
    }

    /// A stream whose own direction is open.
    fn sending(&mut self, stream: StreamId) -> Result<(u32, &mut Stream), Misuse> {
        let id = u32::try_from(stream.0).map_err(|_| Misuse::UnknownStream)?;
        let found = self.streams.find(id).ok_or(Misuse::UnknownStream)?;
        if !found.state.may_send() {
            return Err(Misuse::Order);
        }
        Ok((id, found))
    }

    /// One whose head is said, and whose end is not.
    fn sending_body(&mut self, stream: StreamId) -> Result<(u32, &mut Stream), Misuse> {
        let (id, found) = self.sending(stream)?;
        if !found.head_said || !matches!(found.send.end, End::Open) {
            return Err(Misuse::Order); // spec: 9113-5.1-h
        }
        Ok((id, found))
    }

    fn push_section<'a>(&mut self, id: u32, end: bool, lines: impl Iterator<Item = FieldLine<'a>>) {
        let max_frame = self.headers_frame_bytes();
        let encoder = &mut self.encoder;
        self.output.push_headers(id, end, max_frame, |out| section::encode(encoder, lines, out));
    }
}
