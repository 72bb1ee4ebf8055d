//! Protects what was planned, and remembers it for loss recovery: the last third of the way out, and its front.

use super::{
    Connection, Transmit,
    budget::Batch,
    plan::{Plan, Planned},
    spaces::space_of,
};
use crate::{
    frame::{Frame, PathChallenge, PathResponse},
    recovery::{Sent, Space, acks::Mark},
    rules::{Epoch, Side},
};
use sakigake_wire::{Instant, Writer};

/// A datagram, as far as it is sealed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sealed {
    pub(super) len: usize,
}

impl Connection {
    /// Fills `out` with as many datagrams as may leave now for one place, all but the last of one size; none when nothing wants
    /// to leave or may. `out` has room for one datagram at least.
    pub fn transmit(&mut self, now: Instant, out: &mut [u8]) -> Option<Transmit> {
        if !self.life.is_open() {
            return self.transmit_close(out);
        }
        self.watch.at(now);
        self.renew_keys(now);
        if self.keys.is_worn() {
            self.key_times.worn_at.get_or_insert(now); // spec: 9001-6.6-c
            return None;
        }
        if let Some(transmit) = self.transmit_path(now, out).or_else(|| self.transmit_mtu_probe(now, out)) {
            return Some(transmit);
        }
        let mark = self.mark();
        let mut batch = Batch::default();
        while let Some(budget) = self.budget(now, &batch, out.len()) {
            let place = &mut out[batch.len..][..budget.bytes];
            let mut plan = self.plan(now, &budget, place);
            if plan.len == 0 {
                break;
            }
            match self.seal(now, &mut plan, mark, place) {
                0 => break,
                bytes => batch.push(bytes, budget.allowance),
            }
        }
        self.account(now);
        self.watch_turn();
        batch.transmit(self.paths.active().addresses, mark)
    }

    /// Protects a datagram's packets; gives its length.
    fn seal(&mut self, now: Instant, plan: &mut Plan, mark: Mark, out: &mut [u8]) -> usize {
        let mut sealed = Sealed::default();
        self.watch.begin_datagram(plan.len);
        let is_alone = plan.packets.iter().flatten().count() == 1;
        for planned in plan.packets.iter_mut().flatten() {
            let datagram_bytes = if is_alone { planned.len() } else { 0 };
            if !self.seal_packet(now, &mut sealed, planned, datagram_bytes, mark, out) {
                break; // What lies behind it was planned for another place.
            }
        }
        self.paths.active_mut().credit.sent(sealed.len);
        sealed.len
    }

    /// Protects a packet and remembers it; false where its keys are used up, of which [`Connection::expire`] tells.
    fn seal_packet(
        &mut self,
        now: Instant,
        sealed: &mut Sealed,
        planned: &mut Planned,
        datagram_bytes: usize,
        mark: Mark,
        out: &mut [u8],
    ) -> bool {
        let Planned { epoch, path, draft, elicits_ack, in_flight, is_mtu_probe, .. } = *planned;
        let space = space_of(epoch);
        let before = sealed.len;
        if !self.protect(sealed, planned, out) {
            self.key_times.worn_at.get_or_insert(now);
            return false;
        }
        if epoch == Epoch::OneRtt {
            planned.carried.datagram_bytes = u16::try_from(datagram_bytes).unwrap_or(0);
        }
        let bytes = (sealed.len - before) as u32; // Of a datagram.
        let is_marked = mark == Mark::Ect0;
        let is_elsewhere = path != self.active_path();
        let number = draft.number();
        let carried = core::mem::replace(&mut planned.carried, super::Carried::new(space, path));
        let says_nothing = space == Space::Application && !carried.is_of_use();
        self.recovery.on_sent(
            now,
            space,
            Sent { number, bytes, elicits_ack, in_flight, is_elsewhere, is_marked, is_mtu_probe, carried },
        );
        self.idle.sent(now, elicits_ack);
        if epoch == Epoch::OneRtt {
            self.unasked = if elicits_ack { 0 } else { self.unasked.saturating_add(1) };
        }
        if elicits_ack && !is_elsewhere {
            let probes = &mut self.probes[space as usize];
            // A second PING would ask what the first one asks; and where it is lost each time, as the last of a burst is in a short
            // queue, there is always one that was not acknowledged, and the asking has no end.
            *probes = if says_nothing { 0 } else { probes.saturating_sub(1) };
        }
        if epoch == Epoch::Handshake && self.side == Side::Client {
            self.discard(now, Epoch::Initial); // spec: 9001-4.9.1-b
        }
        true
    }

    /// Protects one packet in place; false where its keys are used up.
    pub(super) fn protect(&mut self, sealed: &mut Sealed, planned: &Planned, out: &mut [u8]) -> bool {
        let len = planned.len();
        let packet = &mut out[sealed.len..][..len];
        let preview = self.preview(planned, packet);
        let is_done = self.keys.seal(planned.epoch, planned.draft, packet, planned.payload_bytes).is_ok();
        if let (Some(preview), true) = (preview, is_done) {
            self.note_sent(*preview);
        }
        sealed.len += if is_done { len } else { 0 };
        is_done
    }

    /// PATH_RESPONSE and PATH_CHALLENGE, in a datagram of their own on whichever path.
    fn transmit_path(&mut self, now: Instant, out: &mut [u8]) -> Option<Transmit> {
        if !self.keys.can_send(Epoch::OneRtt) {
            return None;
        }
        let Self { paths, theirs, entropy, recovery, probes, .. } = self;
        let has_window =
            *probes != [0; 3] || recovery.window_left() >= u64::from(crate::paths::Mtu::BASE_BYTES);
        let outgoing =
            paths.outgoing(now, has_window, &mut |path| theirs.on(path).is_some(), &mut **entropy)?;
        let addresses = self.paths.get(outgoing.path)?.addresses;
        let room = out.len().min(usize::from(crate::paths::Mtu::BASE_BYTES));
        self.watch.begin_datagram(0);
        let packet = &mut out[..room];
        let mut planned = self.begin_packet(Epoch::OneRtt, outgoing.path, packet)?;
        let (at, most) = (planned.draft.payload_at(), planned.draft.most_payload(packet.len()));
        let mut payload = Writer::new(&mut packet[at..at + most]);
        let response = outgoing.response.map(|data| Frame::PathResponse(PathResponse { data }));
        let challenge = outgoing.challenge.map(|data| Frame::PathChallenge(PathChallenge { data }));
        for frame in [response, challenge].into_iter().flatten() {
            frame.write(&mut payload).ok()?; // `Paths` saw to it that there is room for both.
        }
        planned.payload_bytes = payload.written();
        (planned.elicits_ack, planned.in_flight) = (true, true);
        planned.pad(packet, outgoing.padded_bytes.map_or(0, usize::from).min(room));
        let mut sealed = Sealed::default();
        self.seal_packet(now, &mut sealed, &mut planned, 0, Mark::NotEct, out);
        self.paths.get_mut(outgoing.path)?.credit.sent(sealed.len);
        let (len, mark) = (sealed.len, Mark::NotEct);
        (len > 0).then_some(Transmit { len, segment_bytes: len, addresses, mark })
    }

    /// PING and PADDING that fill a larger datagram than before (RFC 9000 section 14.3).
    fn transmit_mtu_probe(&mut self, now: Instant, out: &mut [u8]) -> Option<Transmit> {
        let path = self.paths.active();
        let (id, addresses) = (path.id, path.addresses);
        let bytes = usize::from(path.mtu.probe()?);
        // Who has nothing to say does not keep the connection alive by looking for room.
        let has_use = self.recovery.bytes_in_flight() > 0 || self.wants(Space::Application);
        let may = self.is_confirmed
            && has_use
            && self.probes == [0; 3] // What a timeout asks for says more, and is more likely to arrive.
            && path.credit.room() >= bytes as u64
            && self.recovery.window_left() >= bytes as u64
            && self.recovery.pacing_delay(now, bytes as u64) == sakigake_wire::Span::ZERO;
        let packet = out.get_mut(..bytes).filter(|_| may)?;
        self.watch.begin_datagram(bytes);
        let mut planned = self.begin_packet(Epoch::OneRtt, id, packet)?;
        let at = planned.draft.payload_at();
        Frame::Ping.write(&mut Writer::new(&mut packet[at..])).ok()?; // A byte.
        planned.payload_bytes = 1;
        (planned.elicits_ack, planned.in_flight, planned.is_mtu_probe) = (true, true, true);
        planned.pad(packet, bytes);
        let number = planned.draft.number();
        let mut sealed = Sealed::default();
        self.seal_packet(now, &mut sealed, &mut planned, bytes, Mark::NotEct, out);
        let path = self.paths.active_mut();
        path.credit.sent(sealed.len);
        path.mtu.probe_sent(number);
        let (len, mark) = (sealed.len, Mark::NotEct);
        (len > 0).then_some(Transmit { len, segment_bytes: len, addresses, mark })
    }

    /// Updates keys that have protected almost as many packets as they may.
    fn renew_keys(&mut self, now: Instant) {
        if !self.keys.phases().is_some_and(|phases| phases.wants_update() && phases.may_update()) {
            return;
        }
        // One packet in sixteen of those that the key may protect is left, so too early is no matter; but it is better than the end.
        if self.update_keys(now).is_err()
            && self.keys.is_worn()
            && let Some(phases) = self.keys.phases()
        {
            phases.update().expect("it was asked whether it may be");
        }
    }

    /// At the end of a turn of sending: what recovery has to know of what was held back.
    fn account(&mut self, now: Instant) {
        let wants_more = Space::ALL.into_iter().any(|space| self.wants(space));
        self.recovery.set_demand(now, wants_more);
        self.ask_frequency();
        self.recovery.set_blocked(self.paths.active().credit.is_blocked());
    }

    fn mark(&self) -> Mark {
        if self.recovery.is_marking() { Mark::Ect0 } else { Mark::NotEct }
    }
}
