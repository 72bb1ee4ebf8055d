//! What leaves: what an owner is told to do, in its order, and how much of each stream at a time.

use crate::connection::{Connection, Notice};
use crate::output::Output;
use crate::rules::{ErrorCode, is_reserved, kind, stream_type};
use crate::{Fault, frame};
use sakigake_semantics::{Chunk, Cut, Priority, StreamId};
use sakigake_wire::Instant;
use std::collections::VecDeque;

/// What an owner does for a connection, in this order.
#[derive(Clone, Debug)]
pub enum Departure {
    /// A chunk leaves on a stream, by reference: a stream of ours begins with the first of them, and those of a kind begin
    /// in the order of their ids.
    Bytes {
        /// The stream.
        stream: StreamId,
        /// What leaves, which may be nothing when `fin` is set.
        chunk: Chunk,
        /// Whether nothing follows.
        fin: bool,
    },
    /// Our direction of a stream is reset.
    Reset {
        /// The stream.
        stream: StreamId,
        /// The error code.
        code: u64,
    },
    /// The peer is asked to stop sending, and nothing more of the stream is handed in.
    Stop {
        /// The stream.
        stream: StreamId,
        /// The error code.
        code: u64,
    },
    /// So many bytes more of what came on a stream were used: the peer may send as many.
    Consumed {
        /// The stream.
        stream: StreamId,
        /// How many.
        bytes: u64,
    },
    /// How urgent what leaves on a stream is from here on; until this is said it is as [`Priority`] is by default. The stream
    /// has begun, and may be over.
    Prioritize {
        /// The stream.
        stream: StreamId,
        /// How urgent.
        priority: Priority,
    },
    /// A QUIC datagram leaves.
    Datagram {
        /// All of it.
        bytes: Vec<u8>,
    },
    /// The connection is closed, and this was the last departure.
    Close {
        /// The error code.
        code: u64,
    },
}

/// A unidirectional stream of ours.
#[derive(Debug)]
pub(crate) struct Local {
    pub(crate) id: u64,
    kind: u64,
    pub(crate) output: Output,
}

impl Local {
    /// The peer wants no more of it, which it may say of what means nothing.
    pub(crate) fn stopped(&mut self) -> Result<(), Fault> {
        if is_reserved(self.kind) {
            self.output.drop_rest();
            return Ok(());
        }
        Err(Fault::CriticalStream)
    }
}

impl Connection {
    /// What is to be done next, until there is nothing. `room` says how many bytes a stream takes now, one that has not begun too: a
    /// stream where nothing waits takes a chunk of any length, and says so by [`u64::MAX`]. What finds no room waits here, and
    /// holds nobody else up: ask again when there may be some.
    pub fn depart(&mut self, now: Instant, room: &mut impl FnMut(StreamId) -> u64) -> Option<Departure> {
        if let Some(code) = self.last_word.take() {
            return Some(Departure::Close { code });
        }
        if self.is_over() {
            return None;
        }
        self.begin();
        self.begin_grease(room);
        self.collect_instructions();
        // What the peer needs in order to read the rest leaves first.
        for local in self.locals.iter_mut().filter(|local| local.output.has_work()) {
            let stream = StreamId(local.id);
            // Nothing but bytes of ours waits on these streams.
            if let Ok(Some((chunk, fin))) = local.output.take(room(stream)) {
                return Some(Departure::Bytes { stream, chunk, fin });
            }
        }
        if let Some(bytes) = self.datagrams.pop_front() {
            self.datagram_bytes -= bytes.len();
            return Some(Departure::Datagram { bytes });
        }
        if let Some(departure) = self.departures.pop_front().or_else(|| self.next_priority()) {
            if self.departures.is_empty() {
                self.departures = VecDeque::new();
            }
            if let Departure::Stop { stream, .. } = departure {
                self.forget_uni(stream.0);
            }
            return Some(departure);
        }
        if let Some((stream, bytes)) = self.used.pop_front() {
            return Some(Departure::Consumed { stream: StreamId(stream), bytes });
        }
        self.depart_from(now, self.turn..u64::MAX, room).or_else(|| {
            let before = core::mem::take(&mut self.turn);
            self.depart_from(now, 0..before, room)
        })
    }

    /// The next chunk of the first of these exchanges that has one and room for it.
    fn depart_from(
        &mut self,
        now: Instant,
        ids: core::ops::Range<u64>,
        room: &mut impl FnMut(StreamId) -> u64,
    ) -> Option<Departure> {
        let limit = self.config.limits.send_queue_bytes;
        let mut broken = None;
        for (id, exchange) in self.exchanges.range_mut(ids) {
            if !exchange.output.has_work() {
                continue;
            }
            let stream = StreamId(*id);
            let was = (exchange.output.queued(), exchange.output.held());
            let room = room(stream);
            let taken = exchange.output.take(room);
            self.queued -= was.0 - exchange.output.queued();
            self.held -= was.1 - exchange.output.held();
            match taken {
                Ok(None) => {
                    // Room that grows is progress too.
                    let has_moved = room >= exchange.room_seen.saturating_add(self.config.limits.stall_bytes);
                    if self.stalled.is_none() || has_moved {
                        (self.stalled, exchange.room_seen) = (Some(now), room);
                    }
                }
                Ok(Some((chunk, fin))) => {
                    (self.stalled, exchange.room_seen) = (None, 0);
                    if exchange.output.is_writable_again(limit) {
                        self.notices.push_back(Notice::Writable(*id));
                    }
                    self.turn = *id;
                    self.begun(stream.0);
                    if fin {
                        self.forget_ended(stream.0);
                    }
                    return Some(Departure::Bytes { stream, chunk, fin });
                }
                Err(Cut) => {
                    broken = Some(*id);
                    break;
                }
            }
        }
        self.cut(broken?);
        self.depart(now, room)
    }

    /// A body cannot be completed, which is our fault: the peer hears of it, and so does the owner.
    fn cut(&mut self, id: u64) {
        let code = ErrorCode::InternalError;
        self.notices.push_back(Notice::Reset { stream: id, code: code.wire() });
        let abandoned = self.abandon(id, code);
        self.bear(abandoned);
    }

    /// What QPACK's two sides have to say. What does not leave stays with them, whose limits end it.
    pub(crate) fn collect_instructions(&mut self) {
        let mut bytes = Vec::new();
        if self.encoder.wants_to_write() && self.has_left(stream_type::QPACK_ENCODER) {
            self.encoder.write_instructions(&mut bytes);
            self.local(stream_type::QPACK_ENCODER, core::mem::take(&mut bytes));
        }
        if self.decoder.wants_to_write() && self.has_left(stream_type::QPACK_DECODER) {
            self.decoder.write_instructions(&mut bytes);
            self.local(stream_type::QPACK_DECODER, bytes);
        }
    }

    /// The stream on which our encoder's instructions leave, where there may be some.
    pub fn encoder_stream(&self) -> Option<StreamId> {
        let is_encoder = |local: &&Local| local.kind == stream_type::QPACK_ENCODER;
        let begun = || self.locals.iter().find(is_encoder).map(|local| local.id);
        self.encoder.has_table().then(|| StreamId(begun().unwrap_or_else(|| self.next_local())))
    }

    /// The owner's word how many bytes the peer lets leave on that stream: no instruction is begun that would not leave whole, since
    /// who waits for it may hold up the very credit that it needs.
    pub fn allow_instructions(&mut self, bytes: u64) {
        let bytes = if self.has_left(stream_type::QPACK_ENCODER) { bytes } else { 0 };
        self.encoder.set_room(usize::try_from(bytes).unwrap_or(usize::MAX));
    }

    fn has_left(&self, kind: u64) -> bool {
        !self.locals.iter().any(|local| local.kind == kind && local.output.has_work())
    }

    /// SETTINGS are the first thing that is said.
    pub(crate) fn begin(&mut self) {
        if !core::mem::replace(&mut self.has_begun, true) {
            let meaningless = self.grease.as_ref().map_or((0x21, 0), |grease| grease.setting);
            let settings = self.settings().write(self.config.code_points, meaningless);
            self.say(kind::SETTINGS, &settings); // spec: 9114-6.2.1-d
        }
    }

    /// The number of the next unidirectional stream of ours.
    pub(crate) const fn next_local(&self) -> u64 {
        let first = if self.client { 2 } else { 3 };
        first + 4 * self.locals.len() as u64
    }

    /// A stream that is said at once.
    pub(crate) fn local_once(&mut self, kind: u64, bytes: &[u8]) {
        self.local(kind, bytes.to_vec());
        if let Some(local) = self.locals.last_mut() {
            local.output.end();
        }
    }

    /// Queues bytes on a unidirectional stream of ours, which begins with the first of them.
    pub(crate) fn local(&mut self, kind: u64, bytes: Vec<u8>) {
        if let Some(local) = self.locals.iter_mut().find(|local| local.kind == kind) {
            return local.output.push_frames(bytes);
        }
        let mut local = Local { id: self.next_local(), kind, output: Output::default() };
        let mut head = Vec::new();
        frame::varint(kind, &mut head);
        head.extend_from_slice(&bytes);
        local.output.push_frames(head);
        self.locals.reserve_exact(1); // There are few, for as long as the connection lasts.
        self.locals.push(local);
    }

    /// So many bytes of what came on a stream are of no more use.
    pub(crate) fn used(&mut self, stream: u64, bytes: u64) {
        if bytes > 0 && !self.is_over() {
            match self.used.binary_search_by_key(&stream, |(stream, _)| *stream) {
                Ok(at) => self.used[at].1 += bytes,
                Err(at) => self.used.insert(at, (stream, bytes)),
            }
        }
    }

    /// A fault that came up outside of [`handle`](Self::handle) ends the connection all the same.
    pub(crate) fn bear(&mut self, outcome: Result<(), Fault>) {
        if let Err(fault) = outcome {
            self.close(fault.code());
        }
    }
}
