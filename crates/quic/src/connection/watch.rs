//! Watching a connection: what it does is noted where it happens, what it is is compared with what it was. Nothing of that
//! happens unless [`Connection::trace`] asked for it.

mod tracer;

use super::{
    Closed, Connection, Event,
    begin::Opening,
    carried::Carried,
    close::{Life, Words},
    plan::Planned,
    receive::{Arrival, Context},
};
use crate::{
    ids::ConnectionId,
    packet::{self, Discard, Header, Opened, Turn},
    paths::Change,
    recovery::{Acked, Expired, Fate, Lost, Space},
    rules::{Epoch, Side, codes::TransportErrorCode},
    trace::{
        CongestionTrigger, DEFAULT_ACK_DELAY_EXPONENT, DropReason, Ecn, Ending, Metrics, MigrationState,
        Packet, PacketKind, Party, Record, State, Threshold, Trigger,
    },
};
use sakigake_tls as tls;
use sakigake_wire::Instant;
use tracer::{Seen, Tracer};

/// Who watches, if anybody does.
#[derive(Default)]
pub(super) struct Watch(Option<Box<Tracer>>);

impl Watch {
    pub(super) const fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// The time of what follows.
    #[inline]
    pub(super) fn at(&mut self, now: Instant) {
        if let Some(tracer) = &mut self.0 {
            tracer.now = now;
        }
    }

    /// Notes a fact.
    #[inline]
    pub(super) fn note(&mut self, record: impl FnOnce() -> Record) {
        if let Some(tracer) = &mut self.0 {
            tracer.push(record());
        }
    }

    /// What became of a packet; where it counts as lost, [`Connection::explain`] tells why.
    #[inline]
    pub(super) fn learn(&mut self, number: u64, fate: &Fate<'_, Carried>) {
        if let (Some(tracer), Fate::Lost(carried)) = (&mut self.0, fate) {
            tracer.lost.push((carried.space(), number));
        }
    }

    /// What follows is sealed for one datagram of so many bytes.
    #[inline]
    pub(super) fn begin_datagram(&mut self, bytes: usize) {
        if let Some(tracer) = &mut self.0 {
            tracer.datagram_bytes = bytes;
        }
    }

    /// Something came that is no packet, `bytes` of it.
    pub(super) fn drop_unreadable(&mut self, bytes: usize, discard: Discard) {
        self.note(|| Record::Dropped { kind: None, bytes, why: DropReason::Header(discard) });
    }

    /// A protected packet of `bytes` is not taken.
    pub(super) fn drop_packet(&mut self, epoch: Epoch, bytes: usize, why: DropReason) {
        self.note(|| Record::Dropped { kind: Some(PacketKind::Protected(epoch)), bytes, why });
    }

    /// A packet of `bytes` came before its keys, and waits for them if it `is_kept`.
    pub(super) fn note_early(&mut self, epoch: Epoch, bytes: usize, is_kept: bool) {
        let kind = PacketKind::Protected(epoch);
        self.note(|| match is_kept {
            true => Record::Buffered { kind, bytes },
            false => Record::Dropped { kind: Some(kind), bytes, why: DropReason::NoKeys },
        });
    }

    /// What the paths say.
    pub(super) fn note_change(&mut self, change: &Change) {
        let Some(tracer) = &mut self.0 else { return };
        let (path, state) = match *change {
            Change::Validated { path } => (path, MigrationState::ProbingSuccessful),
            Change::Moved(moved) => (moved.to, MigrationState::Complete(moved.reason)),
            Change::Gone { path } => (path, MigrationState::Abandoned),
            Change::NoPath => return, // That is the end, and told as such.
        };
        tracer.push(Record::Migration { path, state });
    }

    /// The end as we tell the peer.
    pub(super) fn note_words(&mut self, words: &Words<'_>) {
        self.note(|| {
            let is_application = words.frame_type.is_none();
            let is_error = !is_application && words.code != TransportErrorCode::NO_ERROR.0;
            Record::Closed(Ending {
                by: Some(Party::Local),
                code: Some((words.code, is_application)),
                reason: words.reason.to_vec(),
                trigger: if is_error { Trigger::Error } else { Trigger::Application },
            })
        });
    }

    /// The end without a word of ours.
    pub(super) fn note_end(&mut self, why: &Closed) {
        self.note(|| {
            let (by, trigger) = match why {
                Closed::Idle => (None, Trigger::IdleTimeout),
                Closed::NoPath => (None, Trigger::Aborted),
                Closed::Version => (Some(Party::Local), Trigger::VersionMismatch),
                Closed::Reset => (Some(Party::Peer), Trigger::StatelessReset),
                Closed::Peer { frame_type: Some(_), code, .. } if *code != TransportErrorCode::NO_ERROR.0 => {
                    (Some(Party::Peer), Trigger::Error)
                }
                Closed::Peer { .. } => (Some(Party::Peer), Trigger::Application),
                Closed::Local | Closed::Fault(_) => (Some(Party::Local), Trigger::Error),
            };
            let (code, reason) = match why {
                Closed::Peer { code, frame_type, reason } => {
                    (Some((*code, frame_type.is_none())), reason.clone())
                }
                _ => (None, Vec::new()),
            };
            Record::Closed(Ending { by, code, reason, trigger })
        });
    }

    /// What TLS agreed on.
    pub(super) fn note_negotiated(&mut self, negotiated: &tls::Negotiated) {
        if let Some(name) = &negotiated.alpn {
            self.note(|| Record::Alpn(name.clone()));
        }
    }

    /// A packet without keys came; whether it counts.
    pub(super) fn note_unprotected(&mut self, packet: &packet::Packet<'_>, counts: bool) {
        self.note(|| {
            let (kind, versions) = match &packet.header {
                Header::VersionNegotiation { versions, .. } => {
                    (PacketKind::VersionNegotiation, versions.iter().collect())
                }
                _ => (PacketKind::Retry, Vec::new()),
            };
            if !counts {
                return Record::Dropped { kind: Some(kind), bytes: packet.len, why: DropReason::Unwanted };
            }
            let id = |id| ConnectionId::new(id).unwrap_or_default(); // It counts, so it has our ids.
            Record::Received(Packet {
                version: packet.header.version().map(|version| version.number),
                scid: packet.header.scid().map(id),
                token_bytes: match packet.header {
                    Header::Retry { token, .. } => Some(token.len()),
                    _ => None,
                },
                versions,
                ..Packet::plain(kind, id(packet.header.dcid()), packet.len)
            })
        });
    }

    /// Tells what waits.
    pub(super) fn tell(&mut self, heard: &mut impl FnMut(Event<'_>)) {
        let Some(tracer) = &mut self.0 else { return };
        for (at, record) in tracer.waiting.drain(..) {
            heard(Event::Traced { at, record: &record });
        }
        tracer.waiting_bytes = 0;
        if tracer.missed > 0 {
            let record = Record::Missed(core::mem::take(&mut tracer.missed));
            heard(Event::Traced { at: tracer.now, record: &record });
        }
    }
}

impl Connection {
    /// From here on tells every packet and whatever else changes as [`Event::Traced`]; call it before anything else to see
    /// the first ones. What is sent is told with the next input or by [`Connection::tell_traced`].
    pub fn trace(&mut self, now: Instant) {
        let mut tracer = Tracer::new(now, self.config.limits.trace_queue_bytes);
        tracer.push(Record::Started(self.paths.active().addresses));
        let own = self.config.versions.iter().map(|version| version.number).collect();
        let (client, server) = if self.side == Side::Client { (own, Vec::new()) } else { (Vec::new(), own) };
        tracer.push(Record::Versions { client, server, chosen: Some(self.version.number) });
        if let Some(own) = self.own_parameters() {
            tracer.push(Record::ParametersSet(Party::Local, Box::new(own)));
        }
        if let Some(Opening { remembered: Some(remembered), .. }) = self.opening.as_deref() {
            tracer.push(Record::ParametersRestored(Box::new(remembered.parameters().clone())));
        }
        self.watch = Watch(Some(Box::new(tracer)));
        self.observe(Party::Local);
    }

    /// Tells what was noted since the last call or input, where [`Connection::trace`] asked for it.
    pub fn tell_traced(&mut self, heard: &mut impl FnMut(Event<'_>)) {
        self.watch.tell(heard);
    }

    /// Notes what a verb has changed, what recovery measures included.
    #[inline]
    pub(super) fn watch_turn(&mut self) {
        if self.watch.is_on() {
            self.observe(Party::Local);
            self.measure();
        }
    }

    /// Notes what is not as it was; keys were updated by `by`.
    #[cold]
    fn observe(&mut self, by: Party) {
        let new = self.look();
        let peer = self.peer.as_ref();
        let Some(tracer) = &mut self.watch.0 else { return };
        if new.has_peer
            && !tracer.seen.is_some_and(|seen| seen.has_peer)
            && let Some(peer) = peer
        {
            tracer.push(Record::ParametersSet(Party::Peer, peer.clone()));
        }
        tracer.compare(new, by);
    }

    fn look(&mut self) -> Seen {
        let active = self.paths.active();
        let (path, mtu) = (active.id, active.mtu.datagram_bytes());
        let marks = self.recovery.ecn();
        let ecn = match () {
            () if marks.is_failed() => Ecn::Failed,
            () if marks.is_capable() => Ecn::Capable,
            () if marks.is_marking() => Ecn::Testing,
            () => Ecn::Unknown,
        };
        let state = match &self.life {
            Life::Over => State::Closed,
            Life::Closing(_) => State::Closing,
            Life::Draining { .. } => State::Draining,
            Life::Open if self.is_confirmed => State::HandshakeConfirmed,
            Life::Open if self.is_established => State::HandshakeComplete,
            Life::Open if self.keys.can_send(Epoch::Handshake) => State::HandshakeStarted,
            Life::Open => State::Attempted,
        };
        Seen {
            state,
            version: self.version.number,
            has_peer: self.peer.is_some(),
            keys: Epoch::ALL.map(|epoch| {
                let (send, receive) = (self.keys.can_send(epoch), self.keys.can_receive(epoch));
                if self.side == Side::Client { [send, receive] } else { [receive, send] }
            }),
            updates: self.keys.phases().map_or(0, |phases| phases.updates()),
            phase: self.recovery.congestion().phase(),
            ecn,
            mtu,
            theirs: self.theirs.of(path),
            ours: self.arrived_at,
        }
    }

    fn measure(&mut self) {
        let (rtt, congestion) = (self.recovery.rtt(), self.recovery.congestion());
        let new = Metrics {
            min_rtt: rtt.first_sample().map(|_| rtt.least()),
            smoothed_rtt: Some(rtt.smoothed()),
            latest_rtt: rtt.first_sample().map(|_| rtt.latest()),
            rtt_variance: Some(rtt.variation()),
            pto_count: Some(self.recovery.probes()),
            congestion_window: Some(congestion.window()),
            bytes_in_flight: Some(self.recovery.bytes_in_flight()),
            ssthresh: congestion.threshold(),
        };
        let Some(tracer) = &mut self.watch.0 else { return };
        if let Some(changed) = new.since(&tracer.metrics) {
            tracer.push(Record::Metrics(changed));
        }
        tracer.metrics = new;
    }

    /// Why packets count as lost, and what an acknowledgement made of the window.
    pub(super) fn explain(&mut self, acked: &Acked) {
        if self.watch.is_on() {
            let cause = match acked {
                Acked { is_undone: true, .. } => Some(CongestionTrigger::SpuriousLoss),
                Acked { is_marked: true, .. } => Some(CongestionTrigger::Ecn),
                Acked { lost, .. } => cause_of(lost),
            };
            self.explain_losses(cause);
        }
    }

    /// As [`Connection::explain`], when a timer has expired.
    pub(super) fn explain_expired(&mut self, expired: &Expired) {
        if let (true, Expired::Lost(lost)) = (self.watch.is_on(), expired) {
            let cause = cause_of(lost);
            self.explain_losses(cause);
        }
    }

    fn explain_losses(&mut self, cause: Option<CongestionTrigger>) {
        let Self { recovery, watch, .. } = self;
        let threshold = recovery.packet_threshold();
        let Some(tracer) = &mut watch.0 else { return };
        tracer.cause = cause.or(tracer.cause);
        for (space, number) in core::mem::take(&mut tracer.lost) {
            let largest = recovery.largest_acked(space).unwrap_or(0);
            let is_overtaken = largest.saturating_sub(number) >= threshold;
            let trigger = if is_overtaken { Threshold::Reordering } else { Threshold::Time };
            let epoch = match space {
                Space::Initial => Epoch::Initial,
                Space::Handshake => Epoch::Handshake,
                Space::Application if tracer.first_1rtt.is_none_or(|first| number < first) => Epoch::ZeroRtt,
                Space::Application => Epoch::OneRtt,
            };
            tracer.push(Record::Lost { epoch, number, trigger });
        }
    }

    /// Notes a packet that was opened.
    #[inline]
    pub(super) fn note_received(
        &mut self,
        context: &Context,
        packet: &[u8],
        opened: &Opened,
        arrival: &Arrival,
    ) {
        if self.watch.is_on() {
            self.note_opened(context, packet, opened, arrival);
        }
    }

    #[cold]
    fn note_opened(&mut self, context: &Context, packet: &[u8], opened: &Opened, arrival: &Arrival) {
        self.observe(if context.turn == Turn::Updated { Party::Peer } else { Party::Local });
        let Context { epoch, dcid, path, turn, .. } = *context;
        let payload = &packet[opened.payload.clone()];
        let Some(noted) = Packet::protected(epoch, opened.number, packet, dcid, payload) else { return };
        let updates = self.keys.phases().map_or(0, |phases| phases.updates());
        let phase = if turn == Turn::Previous { updates.saturating_sub(1) } else { updates };
        let exponent = self.peer.as_ref().map(|peer| peer.ack_delay_exponent);
        let addresses = self.paths.get(path).map(|path| path.addresses);
        let Some(tracer) = &mut self.watch.0 else { return };
        tracer.meet(path, addresses);
        tracer.push(Record::Received(Packet {
            key_phase: (epoch == Epoch::OneRtt).then_some(phase),
            datagram_bytes: arrival.datagram_bytes,
            was_buffered: arrival.waited.is_some(),
            path,
            ack_delay_exponent: exponent
                .filter(|_| epoch == Epoch::OneRtt)
                .unwrap_or(DEFAULT_ACK_DELAY_EXPONENT),
            ..noted
        }));
    }

    /// A packet that is about to be sealed, while it can be read; [`Connection::note_sent`] takes it once it is.
    #[inline]
    pub(super) fn preview(&mut self, planned: &Planned, packet: &[u8]) -> Option<Box<Packet>> {
        if self.watch.is_on() { self.read_planned(planned, packet) } else { None }
    }

    #[cold]
    fn read_planned(&mut self, planned: &Planned, packet: &[u8]) -> Option<Box<Packet>> {
        self.observe(Party::Local);
        let Planned { epoch, draft, payload_bytes, is_mtu_probe, path, .. } = planned;
        let at = draft.payload_at();
        // Where a short header's id lies; it ends before the number, whose length the first byte tells.
        let id = packet.get(1..at - 1 - usize::from(packet[0] & 3)).and_then(ConnectionId::new);
        let payload = &packet[at..at + payload_bytes];
        let noted = Packet::protected(*epoch, draft.number(), packet, id.unwrap_or_default(), payload)?;
        let updates = self.keys.phases().map_or(0, |phases| phases.updates());
        let key_phase = (*epoch == Epoch::OneRtt).then_some(updates);
        Some(Box::new(Packet { key_phase, is_mtu_probe: *is_mtu_probe, path: *path, ..noted }))
    }

    /// Notes a packet that leaves.
    #[cold]
    pub(super) fn note_sent(&mut self, packet: Packet) {
        let addresses = self.paths.get(packet.path).map(|path| path.addresses);
        let Some(tracer) = &mut self.watch.0 else { return };
        if packet.kind == PacketKind::Protected(Epoch::OneRtt) {
            tracer.first_1rtt = tracer.first_1rtt.or(packet.number);
        }
        tracer.meet(packet.path, addresses);
        let datagram_bytes = tracer.datagram_bytes.max(packet.bytes);
        tracer.push(Record::Sent(Packet { datagram_bytes, ..packet }));
    }
}

fn cause_of(lost: &Lost) -> Option<CongestionTrigger> {
    match lost {
        Lost { is_persistent: true, .. } => Some(CongestionTrigger::PersistentCongestion),
        Lost { is_event: true, .. } => Some(CongestionTrigger::Loss),
        _ => None,
    }
}
