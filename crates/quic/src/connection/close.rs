//! How a connection ends (RFC 9000 section 10): CONNECTION_CLOSE and what follows it, or silence.

use super::{Closed, Connection, Event, Transmit, carried::Once, seal::Sealed};
use crate::{
    Fault,
    frame::ConnectionClose,
    rules::{Epoch, Side, codes::TransportErrorCode},
};
use sakigake_wire::{Instant, Span, Writer};

/// The longest reason that is told, in bytes: a datagram of the handshake holds it in three packets.
const REASON_BYTES: usize = 256;

/// Where a connection stands.
pub(super) enum Life {
    Open,
    /// We said that it is over, and say so again to whoever has not heard (RFC 9000 section 10.2.1).
    Closing(Closing),
    /// The peer said so: we are silent (RFC 9000 section 10.2.2).
    Draining {
        until: Instant,
    },
    Over,
}

/// CONNECTION_CLOSE, sealed, and when it leaves.
pub(super) struct Closing {
    until: Instant,
    /// One datagram.
    datagram: Vec<u8>,
    is_due: bool,
    /// Datagrams that came since, and how many of them the next answer waits for.
    provoked: u64,
    patience: u64,
}

/// Who closes, and how.
pub(super) struct Words<'a> {
    pub(super) code: u64,
    /// None where the application closes.
    pub(super) frame_type: Option<u64>,
    pub(super) reason: &'a [u8],
}

impl Life {
    pub(super) const fn is_open(&self) -> bool {
        matches!(self, Self::Open)
    }

    /// A datagram came though the connection is over: it is answered, but ever more seldom.
    pub(super) fn provoke(&mut self) {
        let Self::Closing(closing) = self else { return };
        closing.provoked += 1;
        if closing.provoked >= closing.patience {
            (closing.provoked, closing.patience) = (0, closing.patience.saturating_mul(2));
            closing.is_due = true; // spec: 9000-10.2.1-a
        }
    }

    pub(super) const fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Closing(Closing { until, .. }) | Self::Draining { until } => Some(*until),
            Self::Open | Self::Over => None,
        }
    }
}

impl Connection {
    /// Ends the connection for the application's reason `code`; what was not delivered is lost.
    pub fn close(&mut self, now: Instant, code: u64, reason: &[u8]) {
        if self.life.is_open() {
            self.say(now, &Words { code, frame_type: None, reason });
        }
    }

    /// Ends the connection without an error of anybody's: NO_ERROR.
    pub fn leave(&mut self, now: Instant) {
        if self.life.is_open() {
            self.say(now, &Words { code: TransportErrorCode::NO_ERROR.0, frame_type: Some(0), reason: b"" });
        }
    }

    /// What came of a verb: a fault closes.
    pub(super) fn settle(
        &mut self,
        now: Instant,
        result: Result<(), Fault>,
        heard: &mut impl FnMut(Event<'_>),
    ) {
        if let Err(fault) = result {
            self.fail(now, fault, heard);
        }
    }

    /// The peer broke a rule.
    pub(super) fn fail(&mut self, now: Instant, fault: Fault, heard: &mut impl FnMut(Event<'_>)) {
        if self.life.is_open() {
            let reason = fault.to_string();
            let frame_type = Some(fault.frame_type());
            self.say(now, &Words { code: fault.code(), frame_type, reason: reason.as_bytes() }); // spec: 9000-11-a
            heard(Event::Closed(Closed::Fault(fault)));
        }
    }

    /// The connection ends without a word of ours.
    pub(super) fn end(&mut self, now: Instant, why: Closed, heard: &mut impl FnMut(Event<'_>)) {
        if !self.life.is_open() {
            return;
        }
        self.life = match why {
            Closed::Idle | Closed::NoPath | Closed::Version => Life::Over,
            _ => Life::Draining { until: now + self.closing_time() }, // spec: 9000-10.2.2-a 9000-10.3.1-d
        };
        self.shed();
        self.watch.note_end(&why);
        heard(Event::Closed(why));
    }

    /// Seals CONNECTION_CLOSE under all keys that the peer may have, once; it is sent as often as need be.
    fn say(&mut self, now: Instant, words: &Words<'_>) {
        let until = now + self.closing_time();
        let mut datagram = vec![0; usize::from(crate::paths::Mtu::BASE_BYTES)];
        self.watch.at(now);
        self.watch.begin_datagram(0);
        let len = self.seal_close(words, &mut datagram);
        self.watch.note_words(words);
        datagram.truncate(len);
        self.life = Life::Closing(Closing { until, datagram, is_due: len > 0, provoked: 0, patience: 1 });
        self.shed();
        self.watch_turn();
    }

    fn seal_close(&mut self, words: &Words<'_>, out: &mut [u8]) -> usize {
        let epochs: &[Epoch] = match self.is_confirmed {
            true => &[Epoch::OneRtt],
            false => &[Epoch::Initial, Epoch::ZeroRtt, Epoch::Handshake, Epoch::OneRtt], // spec: 9000-10.2.3-a
        };
        let able: Vec<Epoch> = epochs.iter().copied().filter(|epoch| self.keys.can_send(*epoch)).collect();
        let is_expanded = self.side == Side::Client && able.first() == Some(&Epoch::Initial); // spec: 9000-14.1-c
        let mut sealed = Sealed::default();
        for (index, epoch) in able.iter().enumerate() {
            let left = able.len() - index;
            let room = self.close_room(*epoch, out.len() - sealed.len, left);
            let frame = ConnectionClose {
                code: words.code,
                frame_type: words.frame_type,
                reason: words.reason.get(..REASON_BYTES).unwrap_or(words.reason),
            };
            let frame = frame.disclosed_in(*epoch);
            let path = self.active_path();
            let packet = &mut out[sealed.len..][..room];
            let Some(mut planned) = self.begin_packet(*epoch, path, packet) else { continue };
            let at = sealed.len + planned.draft.payload_at();
            let end = sealed.len + room - sakigake_crypto::TAG_BYTES;
            let mut payload = Writer::new(&mut out[at..end]);
            let frame = frame.shortened(payload.room());
            if frame.write(&mut payload).is_err() {
                continue; // There is no room for it in this packet.
            }
            planned.payload_bytes = payload.written();
            let pads = left == 1 && (is_expanded || *epoch == Epoch::Initial);
            let wanted = if pads { room } else { 0 };
            planned.pad(&mut out[sealed.len..][..room], wanted);
            self.protect(&mut sealed, &planned, out);
        }
        sealed.len
    }

    /// What a packet of `epoch` gets of so many bytes that so many packets share: as much as each, but an Initial packet what its token takes too.
    fn close_room(&self, epoch: Epoch, bytes: usize, packets: usize) -> usize {
        let token = match &self.opening {
            Some(opening) if epoch == Epoch::Initial => opening.token.len(),
            _ => 0,
        };
        (token + bytes.saturating_sub(token) / packets).min(bytes)
    }

    /// What is left to say, when it is due.
    pub(super) fn transmit_close(&mut self, out: &mut [u8]) -> Option<Transmit> {
        let path = self.paths.active_mut();
        let Life::Closing(closing) = &mut self.life else { return None };
        let len = closing.datagram.len();
        // Where there was no id to send to, or no key, nothing could be sealed.
        let may = len > 0 && closing.is_due && path.credit.may_send(len);
        let place = out.get_mut(..len).filter(|_| may)?;
        place.copy_from_slice(&closing.datagram);
        closing.is_due = false;
        path.credit.sent(len);
        let mark = crate::recovery::acks::Mark::NotEct;
        Some(Transmit { len, segment_bytes: len, addresses: path.addresses, mark })
    }

    /// Three probe timeouts (RFC 9000 section 10.2).
    fn closing_time(&self) -> Span {
        self.pto().times(3)
    }

    /// Gives back what an ended connection does not need: a peer decides by its delays how long this state lasts.
    fn shed(&mut self) {
        self.datagrams.clear();
        self.datagram_queue_bytes = 0;
        self.streams.clear();
        self.spaces.clear(&self.config.limits.streams);
        self.recovery.clear();
        self.once = Once::default();
        self.opening = None;
        self.probes = [0; 3];
        self.paced_until = None;
        self.shrink();
    }
}
