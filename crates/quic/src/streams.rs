//! The streams of a connection (RFC 9000, sections 2 to 4): what comes is put in order, what leaves is kept until it has
//! arrived, and both stay within their limits.
//!
//! - From the peer: the `accept_` verbs, one a frame. What follows is told to a sink as [`Heard`]; data is borrowed from the
//!   packet where it comes in order.
//! - To the peer: [`Streams::next_control`] and [`Streams::next_piece`] name frames, [`Streams::fill`] copies a piece's bytes
//!   to where they leave, and what was named comes back by [`Streams::acked`] or [`Streams::lost`].
//! - From the owner: [`Streams::open`], [`Streams::write`], [`Streams::finish`], [`Streams::reset`], [`Streams::stop`],
//!   [`Streams::consume`]. Data heard is the owner's; it gives credit back by saying that it has read it.

mod accept;
mod assembly;
mod backlog;
mod crypto;
mod depart;
mod fault;
mod flow;
#[doc(hidden)]
pub mod fuzz;
mod id;
mod limits;
mod order;
mod outgoing;
mod receive;
mod send;
mod shelf;
mod state;

pub use backlog::Chunk;
pub use crypto::{CryptoPiece, CryptoStream};
pub use fault::StreamFault;
pub use id::{Direction, StreamId};
pub use limits::Limits;
pub use order::Priority;
pub use outgoing::{MOST_CONTROL_BYTES, Outgoing, Piece};

use crate::rules::MAX_STREAM_COUNT;
use assembly::Held;
use core::{fmt, ops::Range};
use flow::{ReceiveWindow, SendWindow};
use order::Order;
use receive::{Receiving, Shared};
use sakigake_wire::MAX_VARINT;
use send::Sending;
use shelf::Shelf;
use std::collections::VecDeque;

/// What the peer's frames mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard<'a> {
    /// The peer opened a stream.
    Opened {
        /// The stream.
        id: StreamId,
    },
    /// The next bytes of a stream, in order and never twice. They count against the windows until [`Streams::consume`].
    Data {
        /// The stream.
        id: StreamId,
        /// At least one.
        bytes: &'a [u8],
    },
    /// The peer said all.
    Finished {
        /// The stream.
        id: StreamId,
    },
    /// The peer gave up sending. What was heard before stands; no more comes.
    Reset {
        /// The stream.
        id: StreamId,
        /// Application Protocol Error Code.
        code: u64,
    },
    /// The peer does not want what we send. The stream's sending part is reset with the same code.
    Stopped {
        /// The stream.
        id: StreamId,
        /// Application Protocol Error Code.
        code: u64,
    },
    /// The peer has all that we sent, its end included, or knows of our reset.
    Delivered {
        /// The stream.
        id: StreamId,
    },
    /// More streams of a kind may be opened.
    MayOpen {
        /// Which.
        direction: Direction,
    },
}

/// The owner asked for what a stream cannot do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It is not there, or no longer.
    NoStream,
    /// Only the peer sends on it.
    ReceiveOnly,
    /// It was finished or reset, by us or because the peer wanted it.
    Ended,
    /// As much as may wait does so: see [`Streams::room`].
    Full,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoStream => "there is no such stream",
            Self::ReceiveOnly => "only the peer sends on this stream",
            Self::Ended => "the stream's sending part has ended",
            Self::Full => "the stream's queue is full",
        })
    }
}

impl core::error::Error for Refused {}

/// What the peer's transport parameters grant (section 18.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeerLimits {
    /// initial_max_data, in bytes.
    pub data: u64,
    /// initial_max_stream_data_bidi_local, in bytes: of streams that the peer opens.
    pub stream_data_bidi_local: u64,
    /// initial_max_stream_data_bidi_remote, in bytes: of streams that we open.
    pub stream_data_bidi_remote: u64,
    /// initial_max_stream_data_uni, in bytes.
    pub stream_data_uni: u64,
    /// initial_max_streams_bidi.
    pub streams_bidi: u64,
    /// initial_max_streams_uni.
    pub streams_uni: u64,
}

/// All streams of one connection.
#[derive(Debug)]
pub struct Streams {
    is_client: bool,
    limits: Limits,
    shelf: Shelf<Stream>,
    /// What we opened, by direction.
    local: [Local; 2],
    /// What the peer opened, by direction.
    remote: [Remote; 2],
    peer: PeerLimits,
    /// What we may send on all streams together.
    credit: SendWindow,
    /// What the peer may.
    window: ReceiveWindow,
    held: Held,
    order: Order,
    /// Streams with control frames to send.
    wanting: VecDeque<StreamId>,
    /// Streams whose owners wait for room.
    writable: VecDeque<StreamId>,
}

/// One stream: a part that is missing is one that its kind does not have. Each lies apart, since most streams of a connection that
/// waits have one of them: those that carry HTTP/3's settings and QPACK's instructions.
#[derive(Debug)]
struct Stream {
    send: Option<Box<Sending>>,
    receive: Option<Box<Receiving>>,
    /// It stands among those with control frames.
    is_wanting: bool,
}

/// Streams of one direction that we open.
#[derive(Clone, Copy, Debug, Default)]
struct Local {
    /// The index of the next one.
    next: u64,
    /// The peer's limit.
    limit: u64,
    /// The owner wanted another one at this limit, and whether that was said.
    blocked: Option<(u64, bool)>,
}

/// Streams of one direction that the peer opens.
#[derive(Clone, Copy, Debug)]
struct Remote {
    /// The index of the next one.
    next: u64,
    /// The limit that the peer knows.
    limit: u64,
    /// Those that are over.
    closed: u64,
    /// How many may be open at a time.
    most: u64,
    /// The last word about the limit was lost.
    is_lost: bool,
}

impl Streams {
    /// An end's streams. The peer knows the initial limits of `limits` from our transport parameters; it grants nothing yet.
    pub fn new(is_client: bool, limits: Limits) -> Self {
        let remote = |most: u64| {
            let most = most.min(MAX_STREAM_COUNT);
            Remote { next: 0, limit: most, closed: 0, most, is_lost: false }
        };
        Self {
            is_client,
            shelf: Shelf::default(),
            local: [Local::default(); 2],
            remote: [remote(limits.bidirectional_streams), remote(limits.unidirectional_streams)],
            peer: PeerLimits::default(),
            credit: SendWindow::new(0),
            window: ReceiveWindow::new(limits.initial_connection_window_bytes.min(MAX_VARINT)),
            held: Held::new(limits.fragments),
            order: Order::default(),
            wanting: VecDeque::new(),
            writable: VecDeque::new(),
            limits,
        }
    }

    /// The connection is over: nothing is sent or kept any more, and there is no stream.
    pub fn clear(&mut self) {
        *self = Self::new(self.is_client, self.limits.clone());
    }

    /// What the peer grants: as remembered for 0-RTT, or as it says now. It can only grow (section 7.4.1).
    pub fn grant(&mut self, peer: PeerLimits) {
        self.peer = peer;
        self.credit.raise(peer.data);
        for (direction, limit) in Direction::ALL.into_iter().zip([peer.streams_bidi, peer.streams_uni]) {
            self.allow(direction, limit.min(MAX_STREAM_COUNT));
        }
        self.each_sending(|sending, limit| sending.raise(limit));
    }

    /// The peer rejected 0-RTT and grants this: all that was sent leaves anew within it.
    pub fn restart(&mut self, peer: PeerLimits) {
        self.peer = peer;
        self.credit.restart(peer.data);
        for (local, limit) in self.local.iter_mut().zip([peer.streams_bidi, peer.streams_uni]) {
            local.limit = limit.min(MAX_STREAM_COUNT);
        }
        self.each_sending(Sending::rewind);
    }

    /// The peer lets us open so many streams of a direction; whether that is more than before.
    fn allow(&mut self, direction: Direction, limit: u64) -> bool {
        let local = &mut self.local[direction as usize];
        let before = local.limit;
        local.limit = before.max(limit);
        self.unbar(direction, before);
        limit > before
    }

    /// Opens a stream; nothing when the peer allows no more, of which it will be told.
    pub fn open(&mut self, direction: Direction) -> Option<StreamId> {
        let local = &mut self.local[direction as usize];
        let index = local.next;
        if index >= local.limit {
            local.blocked = local.blocked.filter(|(at, _)| *at == local.limit).or(Some((local.limit, false)));
            return None; // spec: 9000-4.6-a
        }
        let id = StreamId::of(self.is_client, direction, index)?;
        local.next += 1; // spec: 9000-2.1-a
        self.insert(id);
        Some(id)
    }

    /// Whether a stream may be opened now.
    pub fn may_open(&self, direction: Direction) -> bool {
        let local = &self.local[direction as usize];
        local.next < local.limit
    }

    /// The indexes of the streams of a direction that may be opened now.
    pub fn openable(&self, direction: Direction) -> Range<u64> {
        let local = &self.local[direction as usize];
        local.next..local.limit.max(local.next)
    }

    /// How many streams of a direction the peer was told that it may open in all.
    pub fn allowed(&self, direction: Direction) -> u64 {
        self.remote[direction as usize].limit
    }

    /// What was opened here has never been: 0-RTT was rejected, and the owner begins anew.
    pub fn forget_local(&mut self) {
        let ids: Vec<StreamId> = self.shelf.ids().filter(|id| self.is_local(*id)).collect();
        for id in ids {
            self.remove(id);
        }
        let is_client = self.is_client;
        for queue in [&mut self.wanting, &mut self.writable] {
            queue.retain(|id| id.is_clients() != is_client);
        }
        for local in &mut self.local {
            (local.next, local.blocked) = (0, None);
        }
    }

    /// Streams of a direction of which something is still of interest.
    pub fn live(&self, direction: Direction) -> usize {
        self.shelf.ids().filter(|id| id.direction() == direction).count()
    }

    /// Bytes that were written and have not left.
    ///
    /// # Errors
    /// [`Refused`] when the stream takes nothing, now or ever.
    pub fn queued(&self, id: StreamId) -> Result<u64, Refused> {
        let stream = self.shelf.look(id).ok_or(Refused::NoStream)?;
        let sending = stream.send.as_deref().ok_or(Refused::ReceiveOnly)?;
        if sending.is_open() { Ok(sending.queued()) } else { Err(Refused::Ended) }
    }

    /// Streams with bytes that wait, and how many of each have left: those that the peer gives no credit for, or `all`.
    pub fn held_up(&self, all: bool) -> impl Iterator<Item = (StreamId, u64)> {
        let has_credit = !all && self.credit.available() > 0;
        let sending = self.shelf.iter().filter_map(|(id, stream)| Some((id, stream.send.as_deref()?)));
        sending
            .filter(move |(_, sending)| sending.is_blocked(has_credit))
            .map(|(id, sending)| (id, sending.sent()))
    }

    /// Bytes of all streams that have left.
    pub const fn sent_bytes(&self) -> u64 {
        self.credit.used()
    }

    /// Gives back room that nothing lies in: for a connection at rest.
    pub fn shrink(&mut self) {
        self.shelf.shrink(|stream| {
            if let Some(sending) = &mut stream.send {
                sending.shrink();
            }
        });
    }

    /// How many bytes [`Streams::write`] takes now.
    ///
    /// # Errors
    /// [`Refused`] when the stream takes nothing, now or ever.
    pub fn room(&self, id: StreamId) -> Result<u64, Refused> {
        let stream = self.shelf.look(id).ok_or(Refused::NoStream)?;
        let sending = stream.send.as_deref().ok_or(Refused::ReceiveOnly)?;
        if !sending.is_open() {
            return Err(Refused::Ended);
        }
        match (sending.queued(), self.limits.send_queue_bytes) {
            (0, most) => Ok(most.max(1)),
            (queued, most) if queued < most => Ok(most - queued),
            _ => Err(Refused::Full),
        }
    }

    /// How many bytes the peer lets leave on a stream, beyond those that are queued there; of one that is not open yet too.
    pub fn credit(&self, id: StreamId) -> u64 {
        let own = match self.shelf.look(id) {
            Some(stream) => stream.send.as_ref().map_or(0, |sending| sending.credit()),
            None => self.initial_limit(id),
        };
        own.min(self.credit.available())
    }

    /// Queues a chunk by reference. When nothing is queued, one is taken whatever its length.
    ///
    /// # Errors
    /// [`Refused`], and nothing was queued.
    pub fn write(&mut self, id: StreamId, chunk: Chunk) -> Result<(), Refused> {
        let room = self.room(id)?;
        let limit = self.limits.send_queue_bytes;
        let sending = self.sending(id)?;
        if sending.queued() > 0 && chunk.as_ref().len() as u64 > room {
            return Err(Refused::Full);
        }
        sending.push(chunk, limit);
        self.settle(id);
        Ok(())
    }

    /// A stream whose queue had been filled and has room again.
    pub fn next_writable(&mut self) -> Option<StreamId> {
        self.writable.pop_front()
    }

    /// Nothing follows what was written.
    ///
    /// # Errors
    /// [`Refused`] when there is no such stream to send on.
    pub fn finish(&mut self, id: StreamId) -> Result<(), Refused> {
        self.sending(id)?.finish();
        self.settle(id);
        Ok(())
    }

    /// Gives up sending.
    ///
    /// # Errors
    /// [`Refused`] when there is no such stream to send on.
    pub fn reset(&mut self, id: StreamId, code: u64) -> Result<(), Refused> {
        self.reset_at(id, code, 0)
    }

    /// Gives up sending, but for the first `reliable_size` bytes of what was written. Said again, it can only lower that.
    /// With more than 0, only for a peer that sent reset_stream_at.
    ///
    /// # Errors
    /// [`Refused`] when there is no such stream to send on.
    pub fn reset_at(&mut self, id: StreamId, code: u64, reliable_size: u64) -> Result<(), Refused> {
        self.sending(id)?.reset(code, reliable_size);
        self.settle(id);
        Ok(())
    }

    /// Wants no more of what the peer sends on a stream; nothing more of it is heard.
    pub fn stop(&mut self, id: StreamId, code: u64) {
        let Some(stream) = self.shelf.find(id) else { return };
        let mut shared = Shared { window: &mut self.window, held: &mut self.held };
        if let Some(receiving) = &mut stream.receive {
            receiving.stop(code, &mut shared);
        }
        self.settle(id);
    }

    /// The owner has read bytes that it had heard, which gives the peer credit.
    pub fn consume(&mut self, id: StreamId, bytes: u64) {
        let Some(receiving) = self.shelf.find(id).and_then(|stream| stream.receive.as_deref_mut()) else {
            return;
        };
        let bytes = receiving.consume(bytes);
        self.window.consume(bytes);
        self.settle(id);
    }

    /// How urgent a stream is from now on.
    pub fn prioritize(&mut self, id: StreamId, priority: Priority) {
        let Some(sending) = self.shelf.find(id).and_then(|stream| stream.send.as_deref_mut()) else { return };
        if sending.priority != priority {
            self.order.leave(&mut sending.places);
            sending.priority = priority;
            self.settle(id);
        }
    }

    /// Streams of which something is still of interest.
    pub fn len(&self) -> usize {
        self.shelf.len()
    }

    /// Whether no stream lives.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that came before those in front of them, on all streams, and the pieces that they lie in.
    pub fn waiting(&self) -> (usize, usize) {
        (self.held.bytes(), self.held.pieces())
    }

    fn sending(&mut self, id: StreamId) -> Result<&mut Sending, Refused> {
        let stream = self.shelf.find(id).ok_or(Refused::NoStream)?;
        stream.send.as_deref_mut().ok_or(Refused::ReceiveOnly)
    }

    /// Tells each sending part what the peer grants it from the beginning.
    fn each_sending(&mut self, mut tell: impl FnMut(&mut Sending, u64)) {
        let ids: Vec<StreamId> = self.shelf.ids().collect();
        for id in ids {
            let limit = self.initial_limit(id);
            if let Ok(sending) = self.sending(id) {
                tell(sending, limit);
                self.settle(id);
            }
        }
    }

    /// What the peer lets us send on a stream from the beginning.
    fn initial_limit(&self, id: StreamId) -> u64 {
        match (id.direction(), self.is_local(id)) {
            (Direction::Unidirectional, _) => self.peer.stream_data_uni,
            (Direction::Bidirectional, true) => self.peer.stream_data_bidi_remote,
            (Direction::Bidirectional, false) => self.peer.stream_data_bidi_local,
        }
    }

    fn is_local(&self, id: StreamId) -> bool {
        id.is_clients() == self.is_client
    }

    fn insert(&mut self, id: StreamId) {
        let is_local = self.is_local(id);
        let is_both = id.direction() == Direction::Bidirectional;
        let send = (is_both || is_local).then(|| Box::new(Sending::new(self.initial_limit(id))));
        let window = self.limits.initial_stream_window_bytes.min(MAX_VARINT);
        let receive = (is_both || !is_local).then(|| Box::new(Receiving::new(window)));
        self.shelf.insert(id, Stream { send, receive, is_wanting: false });
    }

    /// After anything that happened to a stream: where it stands in line, and whether it is over.
    fn settle(&mut self, id: StreamId) {
        let may = !self.is_barred(id);
        let Some(stream) = self.shelf.find(id) else { return };
        if let Some(sending) = &mut stream.send {
            let (repair, fresh) = (may && sending.wants_repair(), may && sending.wants_fresh());
            self.order.place(id, sending.priority, &mut sending.places, repair, fresh);
        }
        if may && !stream.is_wanting && stream.wants_control() {
            stream.is_wanting = true;
            self.wanting.push_back(id);
        }
        if stream.is_over() {
            self.remove(id);
        }
    }

    /// Whether the peer does not allow a stream that we have opened: it had been opened in early data, which was rejected.
    fn is_barred(&self, id: StreamId) -> bool {
        self.is_local(id) && id.index() >= self.local[id.direction() as usize].limit
    }

    /// The peer allows more streams of a direction, from `before` on.
    fn unbar(&mut self, direction: Direction, before: u64) {
        let local = self.local[direction as usize];
        for index in before..local.next.min(local.limit) {
            if let Some(id) = StreamId::of(self.is_client, direction, index) {
                self.settle(id);
            }
        }
    }

    fn remove(&mut self, id: StreamId) {
        if let Some(Stream { send: Some(mut sending), .. }) = self.shelf.remove(id) {
            self.order.leave(&mut sending.places);
        }
        if !self.is_local(id) {
            self.remote[id.direction() as usize].closed += 1;
        }
    }
}

impl Stream {
    fn wants_control(&self) -> bool {
        self.send.as_ref().is_some_and(|sending| sending.wants_control())
            || self
                .receive
                .as_ref()
                .is_some_and(|receiving| receiving.wants_stop() || receiving.wants_credit())
    }

    /// Whether both parts are in a terminal state (section 3.4).
    fn is_over(&self) -> bool {
        self.send.as_ref().is_none_or(|sending| sending.state().is_terminal())
            && self.receive.as_ref().is_none_or(|receiving| receiving.is_over())
    }
}

impl Remote {
    /// The limit to tell, once that is worth a frame: a quarter of the streams are over, or the frame before was lost.
    fn due(&self) -> Option<u64> {
        let limit = (self.closed + self.most).min(MAX_STREAM_COUNT);
        let is_due = self.is_lost || limit - self.limit >= (self.most / 4).max(1);
        is_due.then_some(limit)
    }
}

#[cfg(test)]
mod tests;
