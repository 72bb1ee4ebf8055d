//! The part of a stream that sends (RFC 9000, section 3.1): its bytes, its end, its reset.

use super::backlog::{Backlog, Chunk};
use super::flow::SendWindow;
use super::id::StreamId;
use super::order::{Places, Priority};
use super::outgoing::{Outgoing, Piece};
use super::state::{SendEvent, SendState};
use crate::frame;

/// One stream's way out.
#[derive(Debug)]
pub(crate) struct Sending {
    state: SendState,
    backlog: Backlog,
    /// Its credit; what it has used is where the backlog's next byte is.
    window: SendWindow,
    fin: Fin,
    reset: Option<Reset>,
    pub(crate) priority: Priority,
    pub(crate) places: Places,
    /// The owner filled the queue, so it wants to hear when there is room.
    is_full: bool,
}

/// How the direction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fin {
    /// Not yet.
    Open,
    /// It is to be told, with the last byte or behind it.
    Wanted,
    Sent,
    Acked,
}

/// RESET_STREAM, or RESET_STREAM_AT when some bytes are to arrive nevertheless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reset {
    code: u64,
    final_size: u64,
    reliable_size: u64,
    step: Step,
    /// Code and final size were told, and stand.
    is_told: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Wanted,
    Sent,
    Acked,
}

/// A part of a packet that is worth its frame's header, when there is more to send.
const LEAST_PIECE_BYTES: u64 = 16;

impl Sending {
    pub(crate) fn new(limit: u64) -> Self {
        Self {
            state: SendState::Ready,
            backlog: Backlog::default(),
            window: SendWindow::new(limit),
            fin: Fin::Open,
            reset: None,
            priority: Priority::default(),
            places: Places::default(),
            is_full: false,
        }
    }

    pub(crate) const fn state(&self) -> SendState {
        self.state
    }

    /// Whether the owner may still add to it.
    pub(crate) fn is_open(&self) -> bool {
        self.fin == Fin::Open && self.reset.is_none() && !self.state.is_terminal()
    }

    /// Bytes that have not left.
    pub(crate) const fn queued(&self) -> u64 {
        self.backlog.queued()
    }

    /// Bytes that have left.
    pub(crate) const fn sent(&self) -> u64 {
        self.backlog.next()
    }

    /// Whether something waits for credit, which the connection `has_credit` for or not.
    pub(crate) const fn is_blocked(&self, has_credit: bool) -> bool {
        self.queued() > 0 && !(has_credit && self.window.available() > 0)
    }

    /// Gives back room that nothing lies in.
    pub(crate) fn shrink(&mut self) {
        self.backlog.shrink();
    }

    /// Bytes that the peer lets leave, beyond those that are queued.
    pub(crate) const fn credit(&self) -> u64 {
        self.window.available().saturating_sub(self.queued())
    }

    pub(crate) fn push(&mut self, chunk: Chunk, limit: u64) {
        self.backlog.push(chunk);
        self.is_full |= self.queued() > limit / 2;
    }

    /// Whether the owner is to hear that there is room again: once for each time that the queue had been filled.
    pub(crate) fn is_writable_again(&mut self, limit: u64) -> bool {
        self.is_full && self.queued() <= limit / 4 && core::mem::take(&mut self.is_full)
    }

    /// Nothing follows what was given.
    pub(crate) fn finish(&mut self) {
        if self.is_open() {
            self.fin = Fin::Wanted;
        }
    }

    /// Ends it at once; `reliable_size` bytes of what was given are to arrive nevertheless. Said again, it can only promise
    /// less than before.
    pub(crate) fn reset(&mut self, code: u64, reliable_size: u64) {
        if !self.state.may_send() {
            return;
        }
        let mut reset = match self.reset {
            Some(reset) if reliable_size >= reset.reliable_size => return, // spec: rsa-5.2-a
            Some(reset) if reset.is_told => reset,                         // spec: rsa-5.2-b
            _ => Reset { code, final_size: 0, reliable_size: 0, step: Step::Wanted, is_told: false },
        };
        reset.reliable_size = reliable_size.min(self.backlog.end());
        reset.step = Step::Wanted;
        if !reset.is_told {
            reset.final_size = self.backlog.next().max(reset.reliable_size);
        }
        if reset.reliable_size == 0 {
            self.state = self.state.after(SendEvent::Reset);
            self.backlog.abandon();
        } else {
            self.backlog.truncate(reset.reliable_size);
            self.backlog.release_from(reset.reliable_size); // spec: rsa-5-b
        }
        self.reset = Some(reset);
        self.settle_acked();
    }

    /// STOP_SENDING came: whether it changed anything.
    pub(crate) fn stopped(&mut self, code: u64) -> bool {
        let may_send = self.state.may_send();
        self.reset(code, 0); // spec: 9000-3.5-a
        may_send
    }

    /// MAX_STREAM_DATA.
    pub(crate) fn raise(&mut self, limit: u64) {
        self.window.raise(limit);
    }

    /// Whether it has something to send that costs no credit.
    pub(crate) fn wants_repair(&self) -> bool {
        self.state.may_send() && (self.backlog.first_lost().is_some() || self.wants_bare_fin())
    }

    /// Whether it has something new that its own limit lets leave.
    pub(crate) fn wants_fresh(&self) -> bool {
        self.state.may_send() && self.queued() > 0 && self.window.available() > 0
    }

    fn wants_bare_fin(&self) -> bool {
        self.fin == Fin::Wanted && self.reset.is_none() && self.queued() == 0
    }

    /// Whether a control frame of it is to leave.
    pub(crate) fn wants_control(&self) -> bool {
        self.may_tell_reset() || self.wants_to_complain()
    }

    fn wants_to_complain(&self) -> bool {
        self.state.may_send() && self.queued() > 0 && self.window.wants_to_complain()
    }

    /// A reset waits until everything below its final size has left: only then is its credit spent.
    fn may_tell_reset(&self) -> bool {
        let is_ready = |reset: Reset| reset.step == Step::Wanted && self.backlog.next() >= reset.final_size; // spec: rsa-4-b
        !self.state.is_terminal() && self.reset.is_some_and(is_ready)
    }

    /// The next control frame of it.
    pub(crate) fn next_control(&mut self, id: StreamId) -> Option<Outgoing> {
        if self.may_tell_reset()
            && let Some(reset) = &mut self.reset
        {
            (reset.step, reset.is_told) = (Step::Sent, true);
            let Reset { code, final_size, reliable_size, .. } = *reset;
            if reliable_size == 0 {
                return Some(Outgoing::ResetStream { id, code, final_size });
            }
            self.state = self.state.after(SendEvent::Fin);
            let frame = Outgoing::ResetStreamAt { id, code, final_size, reliable_size };
            self.settle_acked();
            return Some(frame);
        }
        if self.wants_to_complain() {
            self.state = self.state.after(SendEvent::Stream);
            return Some(Outgoing::StreamDataBlocked { id, limit: self.window.complain() });
        }
        None
    }

    /// The next STREAM frame that repeats something or only says the end, for a frame of at most `room` bytes.
    pub(crate) fn next_repair(&mut self, id: StreamId, room: usize) -> Option<Piece> {
        let lost = self.backlog.first_lost();
        let range = lost.unwrap_or(self.backlog.next()..self.backlog.next());
        let len = fitting(id, range.start, range.end - range.start, room)?;
        self.backlog.sent_again(range.start..range.start + len);
        Some(self.piece(id, range.start, len))
    }

    /// The next STREAM frame with new bytes, at most `credit` of them.
    pub(crate) fn next_fresh(&mut self, id: StreamId, room: usize, credit: u64) -> Option<Piece> {
        let offset = self.backlog.next();
        let most = self.queued().min(self.window.available()).min(credit);
        let len = fitting(id, offset, most, room)?;
        self.window.spend(len);
        self.backlog.sent(len);
        Some(self.piece(id, offset, len))
    }

    fn piece(&mut self, id: StreamId, offset: u64, len: u64) -> Piece {
        let is_last = self.queued() == 0 && offset + len == self.backlog.end();
        let fin = is_last && self.reset.is_none() && matches!(self.fin, Fin::Wanted | Fin::Sent);
        self.state = self.state.after(SendEvent::Stream);
        if fin {
            self.fin = Fin::Sent;
            self.state = self.state.after(SendEvent::Fin);
        }
        Piece { id, offset, len, fin }
    }

    /// Copies a piece's bytes; whether they are still there.
    pub(crate) fn fill(&self, piece: &Piece, out: &mut [u8]) -> bool {
        self.backlog.fill(piece.offset, out)
    }

    /// The peer has a piece.
    pub(crate) fn acked(&mut self, piece: &Piece) {
        self.backlog.acked(piece.offset..piece.offset + piece.len);
        if piece.fin {
            self.fin = Fin::Acked;
        }
        self.settle_acked();
    }

    /// A piece has to go again, as far as it still matters.
    pub(crate) fn lost(&mut self, piece: &Piece) {
        self.backlog.lost(piece.offset..piece.offset + piece.len);
        if let Some(reset) = self.reset {
            self.backlog.release_from(reset.reliable_size); // spec: 9000-13.3-a
        }
        if piece.fin && self.fin == Fin::Sent {
            self.fin = Fin::Wanted;
        }
    }

    /// The peer has the reset that promised so much.
    pub(crate) fn reset_acked(&mut self, of_size: u64) {
        let Some(reset) = &mut self.reset else { return };
        if reset.reliable_size != of_size {
            return; // A later one promises less; that one counts.
        }
        reset.step = Step::Acked;
        self.state = self.state.after(SendEvent::ResetAcked);
        self.settle_acked();
    }

    /// The reset that promised so much was lost.
    pub(crate) fn reset_lost(&mut self, of_size: u64) {
        if let Some(reset) = &mut self.reset
            && reset.reliable_size == of_size
            && reset.step == Step::Sent
        {
            reset.step = Step::Wanted; // spec: 9000-13.3-b
        }
    }

    /// STREAM_DATA_BLOCKED was lost.
    pub(crate) fn complaint_lost(&mut self, limit: u64) {
        self.window.forget_complaint(limit);
    }

    /// Says again what holds it up.
    pub(crate) fn remind(&mut self) {
        self.window.forget_complaint(self.window.limit());
    }

    /// The peer threw away all that it got: everything leaves anew, within this limit.
    pub(crate) fn rewind(&mut self, limit: u64) {
        if self.state.is_terminal() {
            return;
        }
        self.window.restart(limit);
        if self.fin == Fin::Sent {
            self.fin = Fin::Wanted;
        }
        self.backlog.rewind();
        if let Some(reset) = &mut self.reset {
            (reset.step, reset.is_told) = (Step::Wanted, false);
            reset.final_size = reset.reliable_size;
            self.backlog.truncate(reset.reliable_size);
        } else {
            self.state = SendState::Ready;
        }
    }

    fn settle_acked(&mut self) {
        let below = self.backlog.acked_below();
        let all = match self.reset {
            Some(reset) if reset.reliable_size > 0 => {
                reset.step == Step::Acked && below >= reset.reliable_size // spec: rsa-5.3-a
            }
            _ => self.fin == Fin::Acked && below >= self.backlog.end(),
        };
        if all {
            self.state = self.state.after(SendEvent::AllAcked);
        }
        if self.state.is_terminal() {
            self.backlog.abandon();
        }
    }
}

/// How many of `most` bytes at `offset` a frame of at most `room` bytes takes; nothing when it is not worth a frame.
fn fitting(id: StreamId, offset: u64, most: u64, room: usize) -> Option<u64> {
    let len = frame::Stream::fit(room, id.number(), offset, most)?;
    (len == most || len >= LEAST_PIECE_BYTES).then_some(len)
}

#[cfg(test)]
mod tests;
