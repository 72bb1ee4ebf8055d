//! What streams send: control frames, pieces of data, and what becomes of them.

use super::id::{Direction, StreamId};
use super::order::Turn;
use super::outgoing::{MOST_CONTROL_BYTES, Outgoing, Piece};
use super::{Heard, Streams};
use sakigake_wire::{Instant, Span};

impl Streams {
    /// Whether [`Streams::next_control`] or [`Streams::next_piece`] has something.
    pub fn wants_to_send(&self) -> bool {
        !self.wanting.is_empty()
            || self.window.is_due()
            || self.is_blocked()
            || Direction::ALL
                .into_iter()
                .any(|way| self.wants_max_streams(way) || self.wants_streams_blocked(way))
            || self.order.first(self.credit.available() > 0).is_some()
    }

    /// The next control frame, for a packet with `room` bytes left; nothing when one of [`MOST_CONTROL_BYTES`] would not
    /// fit. `rtt` is the smoothed round-trip time, by which windows grow.
    pub fn next_control(&mut self, now: Instant, rtt: Option<Span>, room: usize) -> Option<Outgoing> {
        if room < MOST_CONTROL_BYTES {
            return None;
        }
        if self.window.is_due() {
            let limit = self.window.update(now, rtt, self.limits.connection_window_bytes);
            return Some(Outgoing::MaxData { limit });
        }
        if self.is_blocked() {
            return Some(Outgoing::DataBlocked { limit: self.credit.complain() });
        }
        for direction in Direction::ALL {
            if let Some(frame) = self.next_about_kind(direction) {
                return Some(frame);
            }
        }
        while let Some(id) = self.wanting.pop_front() {
            let frame = self.next_about(id, now, rtt);
            self.settle(id);
            if frame.is_some() {
                return frame;
            }
        }
        None
    }

    /// MAX_STREAMS and STREAMS_BLOCKED.
    fn next_about_kind(&mut self, direction: Direction) -> Option<Outgoing> {
        let remote = &mut self.remote[direction as usize];
        if let Some(limit) = remote.due() {
            (remote.limit, remote.is_lost) = (limit, false);
            return Some(Outgoing::MaxStreams { direction, limit });
        }
        let local = &mut self.local[direction as usize];
        if let Some((limit, false)) = local.blocked
            && limit == local.limit
        {
            local.blocked = Some((limit, true));
            return Some(Outgoing::StreamsBlocked { direction, limit });
        }
        None
    }

    /// A stream's own frames; it stands in line again as long as it has more.
    fn next_about(&mut self, id: StreamId, now: Instant, rtt: Option<Span>) -> Option<Outgoing> {
        let may = !self.is_barred(id);
        let stream = self.shelf.find(id)?;
        stream.is_wanting = false;
        if !may {
            return None;
        }
        if let Some(receiving) = &mut stream.receive {
            if let Some(code) = receiving.next_stop() {
                return Some(Outgoing::StopSending { id, code });
            }
            if receiving.wants_credit() {
                let limit = receiving.window.update(now, rtt, self.limits.stream_window_bytes);
                return Some(Outgoing::MaxStreamData { id, limit });
            }
        }
        stream.send.as_deref_mut()?.next_control(id)
    }

    /// The next STREAM frame, of at most `room` bytes with its Offset and Length fields; [`Streams::fill`] gives its bytes.
    /// What does not fit well is left for a packet with more room.
    pub fn next_piece(&mut self, room: usize) -> Option<Piece> {
        let credit = self.credit.available();
        let turn = self.order.first(credit > 0)?;
        let (Turn::Repair(id) | Turn::Fresh(id)) = turn;
        let sending = self.shelf.find(id)?.send.as_deref_mut()?;
        let piece = match turn {
            Turn::Repair(_) => sending.next_repair(id, room)?,
            Turn::Fresh(_) => {
                let piece = sending.next_fresh(id, room, credit)?;
                self.credit.spend(piece.len); // spec: 9000-4.1-a
                piece
            }
        };
        if sending.priority.incremental {
            self.order.leave(&mut sending.places); // It enters again behind the others.
        }
        if sending.is_writable_again(self.limits.send_queue_bytes) {
            self.writable.push_back(id);
        }
        self.settle(id);
        Some(piece)
    }

    /// Copies a piece's bytes into `out`, which is as long as the piece. Whether they are there: they are until the piece was
    /// acknowledged or its stream reset.
    pub fn fill(&self, piece: &Piece, out: &mut [u8]) -> bool {
        let sending = self.shelf.look(piece.id).and_then(|stream| stream.send.as_deref());
        sending.is_some_and(|sending| sending.fill(piece, out))
    }

    /// The packet with this frame was acknowledged.
    pub fn acked(&mut self, sent: &Outgoing, heard: &mut impl FnMut(Heard<'_>)) {
        let (id, reset) = match *sent {
            Outgoing::Stream(piece) => (piece.id, None),
            Outgoing::ResetStream { id, .. } => (id, Some(0)),
            Outgoing::ResetStreamAt { id, reliable_size, .. } => (id, Some(reliable_size)),
            _ => return,
        };
        let Ok(sending) = self.sending(id) else { return };
        let was_over = sending.state().is_terminal();
        match (sent, reset) {
            (Outgoing::Stream(piece), _) => sending.acked(piece),
            (_, Some(reliable_size)) => sending.reset_acked(reliable_size),
            _ => {}
        }
        if !was_over && sending.state().is_terminal() {
            heard(Heard::Delivered { id });
        }
        self.settle(id);
    }

    /// The packet with this frame was lost: what still matters of it leaves again.
    pub fn lost(&mut self, sent: &Outgoing) {
        match *sent {
            Outgoing::MaxData { limit } => self.window.lost(limit),
            Outgoing::DataBlocked { limit } => self.credit.forget_complaint(limit),
            Outgoing::MaxStreams { direction, limit } => {
                let remote = &mut self.remote[direction as usize];
                remote.is_lost |= remote.limit == limit; // spec: 9000-13.3-c
            }
            Outgoing::StreamsBlocked { direction, limit } => {
                let blocked = &mut self.local[direction as usize].blocked;
                *blocked = blocked.map(|(at, is_said)| (at, is_said && at != limit));
            }
            Outgoing::Stream(Piece { id, .. })
            | Outgoing::ResetStream { id, .. }
            | Outgoing::ResetStreamAt { id, .. }
            | Outgoing::StopSending { id, .. }
            | Outgoing::MaxStreamData { id, .. }
            | Outgoing::StreamDataBlocked { id, .. } => self.lost_of(id, sent),
        }
    }

    fn lost_of(&mut self, id: StreamId, sent: &Outgoing) {
        let Some(stream) = self.shelf.find(id) else { return };
        match (&mut stream.send, &mut stream.receive, sent) {
            (Some(sending), _, Outgoing::Stream(piece)) => sending.lost(piece),
            (Some(sending), _, Outgoing::ResetStream { .. }) => sending.reset_lost(0),
            (Some(sending), _, Outgoing::ResetStreamAt { reliable_size, .. }) => {
                sending.reset_lost(*reliable_size);
            }
            (Some(sending), _, Outgoing::StreamDataBlocked { limit, .. }) => sending.complaint_lost(*limit),
            (_, Some(receiving), Outgoing::StopSending { .. }) => receiving.stop_lost(),
            (_, Some(receiving), Outgoing::MaxStreamData { limit, .. }) => receiving.window.lost(*limit),
            _ => {}
        }
        self.settle(id);
    }

    /// Nothing is under way and limits hold us up: says so again, so that the peer sees that we live (section 4.1).
    pub fn remind(&mut self) {
        self.credit.forget_complaint(self.credit.limit());
        self.each_sending(|sending, _| sending.remind());
    }

    fn is_blocked(&self) -> bool {
        self.order.has_fresh() && self.credit.wants_to_complain()
    }

    fn wants_max_streams(&self, direction: Direction) -> bool {
        self.remote[direction as usize].due().is_some()
    }

    fn wants_streams_blocked(&self, direction: Direction) -> bool {
        let local = &self.local[direction as usize];
        local.blocked == Some((local.limit, false))
    }
}

#[cfg(test)]
mod tests;
