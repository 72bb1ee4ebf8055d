//! Which frames a datagram carries, written where they will be protected: the second third of the way out. No key is needed.

use super::{
    Connection,
    budget::Budget,
    carried::{Carried, Sent},
    spaces::space_of,
};
use crate::{
    frame::{self, Frame, write_ack},
    ids::ConnectionId,
    packet::{Draft, Long, Number},
    paths::{Mtu, PathId},
    recovery::Space,
    rules::{Epoch, Side, versions::LongType},
    streams::{Outgoing, Piece},
};
use sakigake_crypto::TAG_BYTES;
use sakigake_wire::{Full, Instant, Writer};

/// What a short header and a tag take at most, in bytes.
pub(super) const MOST_SHORT_BYTES: usize = 1 + ConnectionId::MOST_BYTES + 4 + TAG_BYTES;
/// The type and the length of a DATAGRAM frame, in bytes.
pub(super) const DATAGRAM_HEAD_BYTES: usize = 1 + 4;
/// Our ack_delay_exponent is the default, 3 (RFC 9000 section 18.2).
const ACK_DELAY_UNIT_US: u64 = 8;
/// So many packets may say nothing but what came; then the peer is asked what of them arrived, so that they can be forgotten.
const MOST_UNASKED: u8 = 64;
/// A datagram that lacks no more than this is filled up, so that another one can follow it in the same batch.
const NEARLY_FULL_BYTES: usize = 16;

/// Packets of one datagram, in the order in which they lie in it.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) packets: [Option<Planned>; 3],
    pub(super) len: usize,
}

/// A packet that lacks its protection alone.
pub(super) struct Planned {
    pub(super) epoch: Epoch,
    pub(super) path: PathId,
    pub(super) draft: Draft,
    pub(super) payload_bytes: usize,
    pub(super) carried: Carried,
    pub(super) elicits_ack: bool,
    pub(super) in_flight: bool,
    pub(super) is_mtu_probe: bool,
}

impl Planned {
    /// Bytes of the packet, its protection included.
    pub(super) fn len(&self) -> usize {
        self.draft.payload_at() + self.payload_bytes + TAG_BYTES
    }

    /// Adds PADDING until the packet has `wanted` bytes, and what header protection needs in any case.
    pub(super) fn pad(&mut self, packet: &mut [u8], wanted: usize) {
        let at = self.draft.payload_at();
        let least = self.draft.least_payload().max(wanted.saturating_sub(at + TAG_BYTES));
        if least > self.payload_bytes {
            packet[at + self.payload_bytes..at + least].fill(0);
            self.payload_bytes = least;
            self.in_flight = true; // PADDING counts (RFC 9002 section 2).
        }
    }

    /// A frame was written; the packet has to be acknowledged.
    fn push(&mut self, sent: Sent) {
        self.carried.push(sent);
        self.elicit();
    }

    fn elicit(&mut self) {
        (self.elicits_ack, self.in_flight) = (true, true);
    }
}

impl Connection {
    /// Whether a space has something to send besides acknowledgements.
    pub(super) fn wants(&self, space: Space) -> bool {
        let crypto = self.spaces.get(space).is_some_and(|space| space.crypto.wants_to_send());
        crypto || (space == Space::Application && self.wants_application())
    }

    fn wants_application(&self) -> bool {
        let is_1rtt = self.keys.can_send(Epoch::OneRtt);
        let own = self.once.handshake_done
            || self.once.new_token
            || self.wants_ping
            || self.asked.is_due
            || self.issued.is_due()
            || self.theirs.is_due();
        let is_able = is_1rtt || self.keys.can_send(Epoch::ZeroRtt);
        (is_1rtt && own) || (is_able && (self.streams.wants_to_send() || !self.datagrams.is_empty()))
    }

    /// Fills the datagram that `out` has room for with what may and wants to leave.
    pub(super) fn plan(&mut self, now: Instant, budget: &Budget, out: &mut [u8]) -> Plan {
        let mut plan = Plan::default();
        let path = self.active_path();
        for epoch in [Epoch::Initial, Epoch::ZeroRtt, Epoch::Handshake, Epoch::OneRtt] {
            let room = budget.bytes - plan.len;
            if !self.keys.can_send(epoch) || room < MOST_SHORT_BYTES || !self.may_begin(now, epoch, budget) {
                continue;
            }
            let packet = &mut out[plan.len..budget.bytes];
            if let Some(mut planned) = self.plan_packet(now, epoch, path, budget, packet) {
                planned.pad(packet, 0);
                plan.push(planned);
            }
        }
        self.expand(&mut plan, budget, out);
        plan
    }

    /// Whether a packet of `epoch` has a reason to leave.
    fn may_begin(&self, now: Instant, epoch: Epoch, budget: &Budget) -> bool {
        let space = space_of(epoch);
        let is_due =
            epoch != Epoch::ZeroRtt && self.spaces.get(space).is_some_and(|space| space.acks.is_due(now));
        let is_probe = self.probes[space as usize] > 0;
        is_due || (budget.allowance.includes(epoch) && (is_probe || self.wants(space)))
    }

    /// The header of a packet, and nothing in it; none where there is no number, no id or no room.
    pub(super) fn begin_packet(&mut self, epoch: Epoch, path: PathId, out: &mut [u8]) -> Option<Planned> {
        let space = space_of(epoch);
        let room_bytes = out.len();
        let number = self.recovery.next_number(space, &mut *self.entropy);
        let number = Number::new(number, self.recovery.largest_acked(space))?;
        let dcid = self.theirs.on(path)?;
        let room = out.len().checked_sub(TAG_BYTES)?;
        let out = &mut Writer::new(&mut out[..room]);
        let kind = match epoch {
            Epoch::OneRtt => None,
            Epoch::Initial => Some(LongType::Initial),
            Epoch::ZeroRtt => Some(LongType::ZeroRtt),
            Epoch::Handshake => Some(LongType::Handshake),
        };
        let draft = match (kind, &self.opening) {
            (None, _) => Draft::short(out, dcid.as_ref(), false, number),
            (Some(_), None) => return None,
            (Some(kind), Some(opening)) => {
                let version = if kind == LongType::ZeroRtt { opening.first_version } else { self.version };
                let (scid, token) = (opening.local, &opening.token[..]);
                let header = Long { version, kind, dcid: dcid.as_ref(), scid: scid.as_ref(), token };
                Draft::long(out, &header, number)
            }
        };
        let draft = draft.ok()?; // No room.
        // What is short is padded for header protection's sake, and that has to fit too.
        let has_room = draft.most_payload(room_bytes) >= draft.least_payload().max(1);
        has_room.then_some(Planned {
            epoch,
            path,
            draft,
            payload_bytes: 0,
            carried: Carried::new(space, path),
            elicits_ack: false,
            in_flight: false,
            is_mtu_probe: false,
        })
    }

    fn plan_packet(
        &mut self,
        now: Instant,
        epoch: Epoch,
        path: PathId,
        budget: &Budget,
        packet: &mut [u8],
    ) -> Option<Planned> {
        let mut planned = self.begin_packet(epoch, path, packet)?;
        let at = planned.draft.payload_at();
        let most = planned.draft.most_payload(packet.len());
        let mut payload = Writer::new(packet.get_mut(at..at + most)?);
        self.put_ack(now, epoch, &mut planned, &mut payload);
        if budget.allowance.includes(epoch) {
            self.put_crypto(epoch, &mut planned, &mut payload);
            if epoch == Epoch::OneRtt {
                self.put_own(&mut planned, &mut payload);
            }
            if matches!(epoch, Epoch::ZeroRtt | Epoch::OneRtt) {
                self.put_streams(now, &mut planned, &mut payload);
            }
            self.put_ping(epoch, &mut planned, &mut payload);
        }
        planned.payload_bytes = payload.written();
        (planned.payload_bytes > 0).then_some(planned)
    }

    /// ACK, where one is due or can ride along.
    fn put_ack(&mut self, now: Instant, epoch: Epoch, planned: &mut Planned, out: &mut Writer<'_>) {
        let Some(space) = self.spaces.get_mut(space_of(epoch)) else { return };
        let acks = &mut space.acks;
        if epoch == Epoch::ZeroRtt || !(acks.is_due(now) || acks.is_wanted()) {
            return;
        }
        let delay = acks.delay(now).as_nanos() / 1_000 / ACK_DELAY_UNIT_US;
        // Where not even the first range has room, the next packet has.
        if let Ok(Some(written)) = write_ack(out, acks.received().iter().rev(), delay, acks.counts()) {
            acks.on_sent();
            planned.carried.push(Sent::Ack(written.span.end - 1));
        }
    }

    fn put_crypto(&mut self, epoch: Epoch, planned: &mut Planned, out: &mut Writer<'_>) {
        let Some(space) = self.spaces.get_mut(space_of(epoch)).filter(|_| epoch != Epoch::ZeroRtt) else {
            return;
        };
        while let Some(piece) = space.crypto.next_piece(out.room()) {
            let written = out.all_or_nothing(|out| {
                frame::Crypto::write_head(out, piece.offset, piece.len as usize)?;
                put_from(out, piece.len, |place| space.crypto.fill(&piece, place))
            });
            match written {
                Ok(()) => planned.push(Sent::Crypto(piece)),
                Err(Full(_)) => return space.crypto.lost(&piece),
            }
        }
    }

    /// What the connection itself has to say.
    fn put_own(&mut self, planned: &mut Planned, out: &mut Writer<'_>) {
        if self.once.handshake_done && Frame::HandshakeDone.write(out).is_ok() {
            self.once.handshake_done = false;
            planned.push(Sent::HandshakeDone);
        }
        if let Some(frame) = self.next_frequency() {
            match Frame::AckFrequency(frame).write(out) {
                Ok(()) => planned.push(Sent::AckFrequency(frame.sequence)),
                Err(Full(_)) => self.asked.lost(frame.sequence),
            }
        }
        if self.once.new_token {
            let frame = Frame::NewToken(frame::NewToken { token: &self.once.token });
            if frame.write(out).is_ok() {
                self.once.new_token = false;
                planned.push(Sent::NewToken);
            }
        }
        while let Some(announced) = self.issued.announce() {
            let token = self.reset_key.token(announced.id.as_ref());
            let frame = frame::NewConnectionId {
                sequence: announced.sequence,
                retire_prior_to: announced.retire_prior_to,
                id: announced.id.as_ref(),
                reset_token: token,
            };
            if frame.write(out).is_err() {
                return self.issued.lost(announced.sequence);
            }
            planned.push(Sent::NewConnectionId(announced.sequence));
        }
        while let Some(sequence) = self.theirs.retirement() {
            if (frame::RetireConnectionId { sequence }).write(out).is_err() {
                return self.theirs.retirement_lost(sequence);
            }
            planned.push(Sent::RetireConnectionId(sequence));
        }
    }

    fn put_streams(&mut self, now: Instant, planned: &mut Planned, out: &mut Writer<'_>) {
        let rtt = self.recovery.rtt();
        let rtt = rtt.first_sample().map(|_| rtt.smoothed());
        while let Some(frame) = self.streams.next_control(now, rtt, out.room()) {
            match control(&frame).write(out) {
                Ok(()) => planned.push(Sent::Stream(frame)),
                Err(Full(_)) => return self.streams.lost(&frame),
            }
        }
        while let Some(bytes) = self.datagrams.front() {
            if (Frame::Datagram(frame::Datagram { data: bytes, to_end: false })).write(out).is_err() {
                break;
            }
            self.datagram_queue_bytes -= bytes.len();
            self.datagrams.pop_front();
            planned.elicit();
        }
        while let Some(piece) = self.streams.next_piece(out.room()) {
            let frame = Outgoing::Stream(piece);
            match self.put_piece(&piece, out) {
                Ok(()) => planned.push(Sent::Stream(frame)),
                Err(Full(_)) => return self.streams.lost(&frame),
            }
        }
    }

    fn put_piece(&self, piece: &Piece, out: &mut Writer<'_>) -> Result<(), Full> {
        let Piece { id, offset, len, fin } = *piece;
        out.all_or_nothing(|out| {
            let head = frame::Stream { id: id.number(), offset, data: &[], fin, to_end: false };
            head.write_head(out, len as usize)?;
            put_from(out, len, |place| self.streams.fill(piece, place))
        })
    }

    /// PING, where the peer has to be asked and nothing else asks.
    fn put_ping(&mut self, epoch: Epoch, planned: &mut Planned, out: &mut Writer<'_>) {
        let is_probe = self.probes[space_of(epoch) as usize] > 0;
        let asks = self.wants_ping || self.unasked >= MOST_UNASKED; // spec: 9000-13.2.4-a
        let is_wanted = is_probe || (asks && epoch == Epoch::OneRtt);
        if is_wanted && !planned.elicits_ack && Frame::Ping.write(out).is_ok() {
            planned.elicit();
        }
        if epoch == Epoch::OneRtt && planned.elicits_ack {
            self.wants_ping = false;
            if is_probe && self.can_ask() && Frame::ImmediateAck.write(out).is_ok() {
                planned.elicit();
            }
        }
    }

    /// Datagrams with Initial packets are expanded (RFC 9000 section 14.1), and such as lack almost nothing filled.
    fn expand(&self, plan: &mut Plan, budget: &Budget, out: &mut [u8]) {
        let initial = plan.packets.iter().flatten().find(|packet| packet.epoch == Epoch::Initial);
        let must = initial.is_some_and(|packet| self.side == Side::Client || packet.elicits_ack); // spec: 9000-14.1-c
        let asks = plan.packets.iter().flatten().any(|packet| packet.elicits_ack);
        let wanted = match plan.len {
            0 => return,
            _ if must => usize::from(Mtu::BASE_BYTES).min(budget.bytes),
            // Not what nobody acknowledges: PADDING would keep it in flight for ever.
            len if asks && budget.bytes - len <= NEARLY_FULL_BYTES => budget.bytes,
            _ => return,
        };
        let before: usize = plan.len;
        if let Some(last) = plan.packets.iter_mut().flatten().last() {
            let start = before - last.len();
            last.pad(&mut out[start..budget.bytes], wanted.saturating_sub(start));
            plan.len = start + last.len();
        }
    }
}

impl Plan {
    fn push(&mut self, planned: Planned) {
        self.len += planned.len();
        let free = self.packets.iter_mut().find(|packet| packet.is_none());
        *free.expect("0-RTT and 1-RTT keys are never there together") = Some(planned);
    }
}

/// Lets `fill` write `len` bytes where they leave.
fn put_from(out: &mut Writer<'_>, len: u64, fill: impl FnOnce(&mut [u8]) -> bool) -> Result<(), Full> {
    let len = len as usize; // Of a frame that fits a datagram.
    let is_there = fill(out.spare().get_mut(..len).ok_or(Full(len))?);
    debug_assert!(is_there, "bytes are kept until they are acknowledged");
    out.advance(len)
}

/// A control frame of a stream, as it is written.
fn control(frame: &Outgoing) -> Frame<'static> {
    match *frame {
        Outgoing::Stream(Piece { id, offset, fin, .. }) => {
            Frame::Stream(frame::Stream { id: id.number(), offset, data: &[], fin, to_end: false })
        }
        Outgoing::ResetStream { id, code, final_size } => {
            Frame::ResetStream(frame::ResetStream { id: id.number(), code, final_size })
        }
        Outgoing::ResetStreamAt { id, code, final_size, reliable_size } => {
            Frame::ResetStreamAt(frame::ResetStreamAt { id: id.number(), code, final_size, reliable_size })
        }
        Outgoing::StopSending { id, code } => {
            Frame::StopSending(frame::StopSending { id: id.number(), code })
        }
        Outgoing::MaxData { limit } => Frame::MaxData(frame::MaxData { maximum: limit }),
        Outgoing::MaxStreamData { id, limit } => {
            Frame::MaxStreamData(frame::MaxStreamData { id: id.number(), maximum: limit })
        }
        Outgoing::MaxStreams { direction, limit } => {
            Frame::MaxStreams(frame::MaxStreams { direction, maximum: limit })
        }
        Outgoing::DataBlocked { limit } => Frame::DataBlocked(frame::DataBlocked { maximum: limit }),
        Outgoing::StreamDataBlocked { id, limit } => {
            Frame::StreamDataBlocked(frame::StreamDataBlocked { id: id.number(), maximum: limit })
        }
        Outgoing::StreamsBlocked { direction, limit } => {
            Frame::StreamsBlocked(frame::StreamsBlocked { direction, maximum: limit })
        }
    }
}
