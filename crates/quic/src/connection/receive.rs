//! The way in: a datagram's packets, each opened where it lies.

use super::{Connection, Event, Received, begin::Early, spaces::space_of};
use crate::{
    Fault,
    frame::walk,
    ids::ConnectionId,
    packet::{self, Door, FixedBit, Header, Packet, Turn, Unopened},
    paths::{Addresses, Mtu, PathId},
    recovery::acks::Mark,
    rules::{Epoch, Side, versions::Version},
    trace::DropReason,
};
use sakigake_wire::{Instant, Span};

/// What all packets of a datagram have in common.
#[derive(Clone, Copy)]
pub(super) struct Arrival {
    pub(super) addresses: Addresses,
    pub(super) mark: Mark,
    pub(super) datagram_bytes: usize,
    /// How long its packets have waited for their keys, if they have.
    pub(super) waited: Option<Span>,
}

/// What the header of a protected packet says.
#[derive(Clone, Copy)]
struct Head {
    epoch: Epoch,
    /// Of a long header.
    version: Option<&'static Version>,
    dcid: ConnectionId,
    /// Of a long header.
    scid: Option<ConnectionId>,
    number_at: usize,
}

/// A packet that was opened and counts.
#[derive(Clone, Copy)]
pub(super) struct Context {
    pub(super) epoch: Epoch,
    pub(super) turn: Turn,
    pub(super) dcid: ConnectionId,
    pub(super) path: PathId,
    /// How long it has waited for its keys.
    pub(super) waited: Span,
}

impl Connection {
    /// Takes the packets of a datagram, one after the other.
    pub(super) fn receive(
        &mut self,
        now: Instant,
        datagram: Received<'_>,
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        let Received { bytes, addresses, mark } = datagram;
        let arrival = Arrival { addresses, mark, datagram_bytes: bytes.len(), waited: None };
        let tail = bytes.last_chunk::<16>().copied();
        let (mut at, mut first, mut is_readable) = (0, None, false);
        while at < bytes.len() {
            let door = self.door();
            let packet = match next(&bytes[at..], &door, first.as_ref()) {
                Ok(packet) => packet,
                Err(discard) => {
                    self.watch.drop_unreadable(bytes.len() - at, discard);
                    break;
                }
            };
            let end = at + packet.len;
            first = first.or(ConnectionId::new(packet.header.dcid()));
            match head(&packet) {
                Some(head) => {
                    is_readable |= self.open_packet(now, head, &mut bytes[at..end], &arrival, heard)?
                }
                None => self.unprotected(now, &packet, &bytes[at..end], heard),
            }
            if !self.life.is_open() {
                return Ok(());
            }
            at = end;
        }
        match tail {
            Some(tail) if !is_readable && self.theirs.is_reset(&tail) => {
                self.end(now, super::Closed::Reset, heard); // spec: 9000-10.3.1-a
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Takes packets whose keys have come since they did.
    pub(super) fn receive_early(
        &mut self,
        now: Instant,
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        while let Some(mut early) = self.next_early() {
            let Early { epoch, at, addresses, mark, datagram_bytes, .. } = early;
            let arrival = Arrival { addresses, mark, datagram_bytes, waited: Some(now.since(at)) };
            let door = self.door();
            let Ok(packet) = packet::parse(&early.bytes, &door) else { continue };
            let Some(head) = head(&packet).filter(|head| head.epoch == epoch) else { continue };
            self.open_packet(now, head, &mut early.bytes, &arrival, heard)?;
        }
        if self.is_confirmed {
            self.opening = None; // Not before: what outran the end of the handshake was kept there.
        }
        Ok(())
    }

    fn next_early(&mut self) -> Option<Early> {
        let Self { opening, keys, .. } = self;
        let early = &mut opening.as_mut()?.early;
        let at = early.iter().position(|early| keys.can_receive(early.epoch))?;
        early.remove(at)
    }

    /// Whether a datagram ends with what only this connection's peer and we know: a stateless reset, if nothing else. It costs no key, so
    /// that whoever has many connections with one address asks each of them before it gives one the datagram.
    pub fn is_reset_by(&self, datagram: &[u8]) -> bool {
        self.theirs.is_reset(datagram)
    }

    /// Whether a datagram is for this connection, and not one that may be a stateless reset for any connection with that peer: each of
    /// them gets it, and would owe the address three times its bytes. Without a limit nobody counts.
    pub(super) fn is_addressed(&self, datagram: &Received<'_>) -> bool {
        if self.life.is_open() && !self.paths.is_limited(&datagram.addresses) {
            return true;
        }
        match packet::parse(datagram.bytes, &self.door()).map(|packet| packet.header) {
            Ok(Header::Short { dcid }) => {
                ConnectionId::new(dcid).is_some_and(|dcid| self.issued.is_active(&dcid))
            }
            Ok(_) => true,
            Err(_) => false,
        }
    }

    fn door(&self) -> Door {
        let is_greased = self.config.grease_quic_bit;
        let fixed_bit = if is_greased { FixedBit::Ignored } else { FixedBit::Required };
        Door { side: self.side, id_bytes: self.arrived_at.len(), fixed_bit }
    }

    /// Packets without keys: only a client gets them.
    fn unprotected(
        &mut self,
        now: Instant,
        packet: &Packet<'_>,
        whole: &[u8],
        heard: &mut impl FnMut(Event<'_>),
    ) {
        let counts = match packet.header {
            Header::Retry { version, scid, token, .. } => self.on_retry(now, version, scid, token, whole),
            _ => self.on_version_negotiation(now, packet, heard),
        };
        self.watch.note_unprotected(packet, counts);
    }

    /// Opens a packet and takes its frames. Whether it could be read.
    fn open_packet(
        &mut self,
        now: Instant,
        head: Head,
        packet: &mut [u8],
        arrival: &Arrival,
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<bool, Fault> {
        let is_expanded = arrival.datagram_bytes >= usize::from(Mtu::BASE_BYTES);
        let is_small = head.epoch == Epoch::Initial && self.side == Side::Server && !is_expanded;
        if is_small || !self.admits(&head) {
            let why = if is_small { DropReason::SmallInitial } else { DropReason::Foreign };
            self.watch.drop_packet(head.epoch, packet.len(), why);
            return Ok(false); // spec: 9000-14.1-a
        }
        let space = space_of(head.epoch);
        if !self.keys.can_receive(head.epoch) {
            self.keep(now, head.epoch, packet, arrival);
            return Ok(false);
        }
        let largest = self.spaces.largest(space);
        let before = self.follow_version(&head);
        let (opened, turn) = match self.keys.open(head.epoch, head.version, packet, head.number_at, largest) {
            Ok(opened) => opened,
            Err(unopened) => {
                self.return_to_version(before);
                self.stirred(now, head.epoch);
                self.watch.drop_packet(head.epoch, packet.len(), DropReason::Unopened(unopened));
                return refuse(unopened);
            }
        };
        let is_duplicate = self.spaces.get(space).is_none_or(|space| space.acks.is_duplicate(opened.number));
        // Whoever copies packets moves nobody, and begins no path.
        let path = if is_duplicate { None } else { self.path_of(now, arrival, heard) };
        let Some(path) = path else {
            self.stirred(now, head.epoch);
            let why = if is_duplicate { DropReason::Duplicate } else { DropReason::Path };
            self.watch.drop_packet(head.epoch, packet.len(), why);
            return Ok(true);
        };
        self.arrived(now, &head, path, turn, heard);
        if !self.life.is_open() {
            return Ok(true); // A path that made room for this one had an id too many to be retired.
        }
        let waited = arrival.waited.unwrap_or(Span::ZERO);
        let context = Context { epoch: head.epoch, turn, dcid: head.dcid, path, waited };
        self.note_received(&context, packet, &opened, arrival);
        let was_answered = self.has_answered();
        let taken = self.take_frames(now, &context, &packet[opened.payload], heard)?;
        let Some((elicits_ack, is_probing)) = taken else { return Ok(true) };
        if let Some(space) = self.spaces.get_mut(space) {
            space.acks.on_received(now, opened.number, elicits_ack, arrival.mark);
        }
        self.on_initial_again(now, head.epoch, elicits_ack, was_answered);
        if head.epoch == Epoch::OneRtt && !is_probing {
            self.on_non_probing(now, path, opened.number, head.dcid, heard);
        }
        Ok(true)
    }

    /// A packet came for nothing.
    fn stirred(&mut self, now: Instant, epoch: Epoch) {
        if epoch == Epoch::OneRtt {
            self.key_times.stirred_at = Some(now);
        }
    }

    /// Takes a packet's frames: whether they elicit an acknowledgement, and whether they do nothing but probe. None where one of
    /// them was the end.
    fn take_frames(
        &mut self,
        now: Instant,
        context: &Context,
        payload: &[u8],
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<Option<(bool, bool)>, Fault> {
        let (mut elicits_ack, mut is_probing) = (false, true);
        for frame in walk(payload, context.epoch, self.terms) {
            let frame = frame?;
            let rule = frame.rule();
            elicits_ack |= rule.elicits_ack;
            is_probing &= rule.probes;
            self.accept(now, context, frame, heard)?;
            if !self.life.is_open() {
                return Ok(None);
            }
        }
        Ok(Some((elicits_ack, is_probing)))
    }

    /// Whether a long header's version and ids are those of this connection (RFC 9000 section 7.2).
    fn admits(&self, head: &Head) -> bool {
        let (Some(version), Some(scid)) = (head.version, head.scid) else { return true };
        let Some(opening) = &self.opening else {
            return head.epoch == Epoch::ZeroRtt; // Behind Finished, as long as there are keys for it.
        };
        let is_ours = version == self.version || version == opening.first_version || self.may_follow(head);
        is_ours && opening.peer_source.is_none_or(|source| source == scid) // spec: 9000-7.2-b
    }

    /// Whether a server may go on in the version of this packet (RFC 9368 section 2.3): that which it says ServerHello in. Before
    /// it has all of ClientHello it acknowledges a part of it in the version that the client began with.
    fn may_follow(&self, head: &Head) -> bool {
        let is_first = self.opening.as_ref().is_some_and(|opening| opening.first_version == self.version)
            && !self.keys.can_receive(Epoch::Handshake);
        let is_spoken = head.version.is_some_and(|version| self.config.versions.contains(&version));
        self.side == Side::Client && head.epoch == Epoch::Initial && is_first && is_spoken
    }

    /// Client: makes the keys of the version that the server chose; gives the version before, should the packet not open.
    fn follow_version(&mut self, head: &Head) -> Option<&'static Version> {
        let version = head.version.filter(|version| *version != self.version)?;
        if !self.may_follow(head) {
            return None;
        }
        let keyed_by = self.opening.as_ref()?.keyed_by;
        self.keys.begin(version, keyed_by.as_ref());
        Some(core::mem::replace(&mut self.version, version))
    }

    fn return_to_version(&mut self, before: Option<&'static Version>) {
        if let (Some(before), Some(opening)) = (before, &self.opening) {
            self.keys.begin(before, opening.keyed_by.as_ref());
            self.version = before;
        }
    }

    /// What follows from a packet that could be read, whatever its frames are.
    fn arrived(
        &mut self,
        now: Instant,
        head: &Head,
        path: PathId,
        turn: Turn,
        heard: &mut impl FnMut(Event<'_>),
    ) {
        self.idle.received(now);
        if let (Some(opening), Some(scid)) = (&mut self.opening, head.scid)
            && opening.peer_source.is_none()
        {
            opening.peer_source = Some(scid);
            self.theirs.answered(scid); // spec: 9000-7.2-c
        }
        if head.epoch == Epoch::Handshake && self.side == Side::Server {
            self.discard(now, Epoch::Initial); // spec: 9001-4.9.1-a
            self.each_change(now, heard, |paths, changes| {
                paths.validated(path, &mut |change| changes.push(change)); // spec: 9000-8.1-a
            });
        }
        if matches!(turn, Turn::Updated | Turn::Followed) {
            self.key_times.settle_at = Some(now + self.pto().times(3));
        }
    }

    /// Keeps a packet that came before its keys, within bounds: what is beyond them is lost, as packets are.
    fn keep(&mut self, now: Instant, epoch: Epoch, packet: &[u8], arrival: &Arrival) {
        let most = self.config.limits.early_packets;
        let is_refused = epoch == Epoch::ZeroRtt && self.keys.can_receive(Epoch::Handshake);
        let may = epoch != Epoch::Initial && !is_refused;
        let room = self.opening.as_mut().filter(|opening| opening.early.len() < most && may);
        self.watch.note_early(epoch, packet.len(), room.is_some());
        if let Some(opening) = room {
            let Arrival { addresses, mark, datagram_bytes, .. } = *arrival;
            let (bytes, at) = (packet.to_vec(), now);
            opening.early.push_back(Early { bytes, epoch, at, addresses, mark, datagram_bytes });
        }
        self.on_early(now, epoch);
    }
}

fn next<'a>(
    rest: &'a [u8],
    door: &Door,
    first: Option<&ConnectionId>,
) -> Result<Packet<'a>, packet::Discard> {
    match first {
        None => packet::parse(rest, door),
        Some(dcid) => packet::parse_next(rest, door, dcid.as_ref()),
    }
}

/// The header of a packet that keys protect.
fn head(packet: &Packet<'_>) -> Option<Head> {
    let number_at = packet.number_at?;
    let epoch = match packet.header {
        Header::Initial { .. } => Epoch::Initial,
        Header::ZeroRtt { .. } => Epoch::ZeroRtt,
        Header::Handshake { .. } => Epoch::Handshake,
        _ => Epoch::OneRtt,
    };
    let scid = match packet.header.scid() {
        Some(scid) => Some(ConnectionId::new(scid)?),
        None => None,
    };
    let dcid = ConnectionId::new(packet.header.dcid())?;
    Some(Head { epoch, version: packet.header.version(), dcid, scid, number_at })
}

/// A packet that was not opened is dropped, unless that is one forgery too many or the peer's own doing.
fn refuse(unopened: Unopened) -> Result<bool, Fault> {
    match unopened.fault() {
        Some(fault) => Err(fault),
        None => Ok(false),
    }
}
