//! How DATA leaves: by priority, as far as credit goes; trailers behind it; and who waits for credit too long.

use crate::connection::{Connection, Notice};
use crate::frame::FrameHead;
use crate::rules::{ErrorCode, HEAD_BYTES, flag, kind};
use crate::send::{End, shorter};
use crate::{Fault, section};
use sakigake_semantics::{Cut, StreamId};
use sakigake_wire::{Instant, Span};

impl Connection {
    /// Whether fewer than that many bytes are queued that could leave with this stream's next ones or before them, so that
    /// less urgent ones follow within as many: the owner who cannot fill all queues should fill this one.
    pub fn runs_dry_within(&self, bytes: usize, stream: StreamId) -> bool {
        let Ok(id) = u32::try_from(stream.0) else { return false };
        let Some(this) = self.streams.look(id) else { return false };
        if this.send.window.available() as u64 <= this.send.queued() {
            return false; // It waits for credit first.
        }
        let mut left = bytes - shorter(bytes, this.send.queued());
        for other in self.schedule.before(id, this.priority) {
            let Some(other) = self.streams.look(other).filter(|_| left > 0) else { break };
            left -= shorter(left.min(other.send.window.available()), other.send.queued());
        }
        left > 0
    }

    /// Streams that live: each may have something queued.
    pub fn open_streams(&self) -> usize {
        self.streams.open()
    }

    /// One DATA frame into `out`; `None` when there is none to send, or no place for a good one.
    pub(crate) fn write_data(&mut self, now: Instant, out: &mut [u8], first: bool) -> Option<usize> {
        let id = self.schedule.first()?;
        if self.send.available() == 0 {
            self.stall_all(now);
            return None;
        }
        let max_frame = self.peer.max_frame_size as usize;
        let stream = self.streams.find(id)?;
        let most = max_frame // spec: 9113-4.2-c
            .min(stream.send.window.available()) // spec: 9113-6.9.1-c
            .min(self.send.available()); // spec: 9113-6.9.1-c
        let due = shorter(most, stream.send.queued());
        // A buffer too small for a head and a byte still makes progress, through the queue.
        let mut spill = [0; HEAD_BYTES + 64];
        let spilled = first && out.len() <= HEAD_BYTES;
        if out.is_empty() && first {
            return None;
        }
        let place = if spilled { &mut spill[..] } else { &mut *out };
        let room = place.len().checked_sub(HEAD_BYTES)?;
        let len = due.min(room);
        if !first && len < due && len < 1_024 {
            return None;
        }
        let end = len as u64 == stream.send.queued() && matches!(stream.send.end, End::Data);
        let head = FrameHead::new(kind::DATA, if end { flag::END_STREAM } else { 0 }, id, len);
        place[..HEAD_BYTES].copy_from_slice(&head.bytes());
        let was = (stream.send.queued(), stream.send.held());
        let written = stream.send.write(&mut place[HEAD_BYTES..HEAD_BYTES + len]);
        self.queued -= was.0 - stream.send.queued();
        self.held -= was.1 - stream.send.held();
        if let Err(Cut) = written {
            return self.cut(id);
        }
        stream.send.window.spend(len);
        self.send.spend(len);
        if stream.send.is_writable_again(self.config.limits.send_queue_bytes) {
            self.notices.push_back(Notice::Writable(id));
        }
        self.budget.sent_data(now);
        if spilled {
            self.output.push_bytes(&spill[..HEAD_BYTES + len]);
        }
        self.sent_data(id, end);
        Some(if spilled { 0 } else { HEAD_BYTES + len })
    }

    /// The stream's body cannot be completed, which is our fault: the peer hears of it, and so does the owner.
    fn cut(&mut self, id: u32) -> Option<usize> {
        let code = ErrorCode::InternalError.wire();
        self.notices.push_back(Notice::Reset { stream: id, code, untouched: false });
        self.end_stream(id, code);
        Some(0)
    }

    /// A DATA frame of the stream left: its next place in line, its trailers, or its end.
    fn sent_data(&mut self, id: u32, end: bool) {
        let Some(stream) = self.streams.find(id) else { return };
        if end {
            stream.send.end = End::Sent;
            stream.state = stream.state.sent_end();
            if let Some(rank) = stream.rank.take() {
                self.schedule.leave(rank);
            }
        } else {
            self.wake(id);
            self.send_trailers(id);
        }
        self.settle(id);
    }

    /// Trailers leave when everything before them has.
    pub(crate) fn send_trailers(&mut self, id: u32) {
        let max_frame = self.headers_frame_bytes();
        let Some(stream) = self.streams.find(id) else { return };
        if stream.send.queued() > 0 {
            return;
        }
        match core::mem::take(&mut stream.send.end) {
            End::Trailers(fields) => {
                stream.send.end = End::Sent;
                stream.state = stream.state.sent_end();
                let encoder = &mut self.encoder;
                self.output
                    .push_headers(id, true, max_frame, |out| section::encode(encoder, fields.iter(), out));
            }
            other => stream.send.end = other,
        }
    }

    /// How HEADERS are cut: so that a TLS record takes a frame whole.
    pub(crate) const fn headers_frame_bytes(&self) -> usize {
        let max = self.peer.max_frame_size as usize;
        if max < 16_000 { max } else { 16_000 }
    }

    /// Puts a stream in line, in its present place, or out of it.
    pub(crate) fn wake(&mut self, id: u32) {
        let Some(stream) = self.streams.find(id) else { return };
        let may_send = stream.send.queued() > 0 && stream.send.window.available() > 0;
        if may_send && stream.rank.is_some_and(|rank| rank.stands(id, stream.priority)) {
            return;
        }
        if let Some(rank) = stream.rank.take() {
            self.schedule.leave(rank);
        }
        if stream.send.queued() == 0 {
            return;
        }
        if may_send {
            stream.rank = Some(self.schedule.enter(id, stream.priority));
        } else {
            stream.send.stall(self.now);
            self.note_stall(self.now);
        }
    }

    /// A stream waits for credit since now: when that is over, unless another's term is over before.
    fn note_stall(&mut self, now: Instant) {
        self.stalls_due.get_or_insert(now + Span::from_millis(self.config.limits.stall_ms));
    }

    /// The connection's own credit is out, so everybody waits.
    fn stall_all(&mut self, now: Instant) {
        for id in self.schedule.iter() {
            if let Some(stream) = self.streams.find(id) {
                stream.send.stall(now);
            }
        }
        self.note_stall(now);
    }

    pub(crate) fn expire_stalls(&mut self, now: Instant) {
        if self.stalls_due.is_none_or(|due| due > now) {
            return;
        }
        let limits = &self.config.limits;
        let (term, bytes) = (Span::from_millis(limits.stall_ms), limits.stall_bytes);
        let has_credit = self.send.available() > 0;
        let mut over = Vec::new();
        for (id, stream) in self.streams.iter_mut() {
            let due = stream.send.stall.is_some_and(|stall| stall.since + term <= now);
            if due && stream.rank.is_some() && has_credit {
                // It has credit by now, and waits for others or for its owner to fetch.
                stream.send.stall = None;
            } else if due && !stream.send.has_moved(now, bytes) {
                over.push(id);
            }
        }
        over.sort_unstable();
        let waiting = self.streams.iter().filter_map(|(_, stream)| stream.send.stall);
        self.stalls_due = waiting.map(|stall| stall.since + term).min();
        for id in over {
            let code = Fault::Stalled.code().wire();
            self.notices.push_back(Notice::Reset { stream: id, code, untouched: false });
            self.end_stream(id, code);
        }
    }
}
