//! Loss detection and congestion control (RFC 9002): what was sent, what of it arrived, what is lost, when to ask, and how
//! much may leave.
//!
//! [`Recovery`] knows numbers, sizes and times; what a packet carried (`T`) is its owner's and comes back with its
//! [`Fate`]. It sends nothing and decides nothing: its verbs return facts.

pub mod acks;
pub mod congestion;
pub mod cubic;
pub mod ecn;
pub mod hystart;
mod log;
mod logs;
mod loss;
pub mod new_reno;
pub mod pacing;
pub mod rtt;

use crate::{Fault, frame::EcnCounts};
use congestion::{Algorithm, Congestion, initial_window};
use core::{fmt, ops::Range};
use ecn::Ecn;
use log::{Found, Log, Packet};
use logs::Logs;
use pacing::{Pacer, Rate};
use rtt::{INITIAL_RTT, Rtt};
use sakigake_wire::{Entropy, Instant, Span};

pub use loss::Expired;

/// A packet number space (RFC 9000 section 12.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Space {
    /// Initial packets.
    Initial,
    /// Handshake packets.
    Handshake,
    /// 0-RTT and 1-RTT packets.
    Application,
}

/// Bounds of what one connection remembers of its packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Packets in flight in one space; the window counts as full beyond them. Probes alone go on: two a timeout, and timeouts come ever more
    /// seldom, so that the end by silence comes before a few dozen.
    pub sent_packets: usize,
    /// Packets of one space that are declared lost and still recognised when they arrive after all.
    pub lost_packets: usize,
    /// Stretches of numbers of one space that were left out on purpose and are watched for.
    pub skipped_numbers: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { sent_packets: 32_768, lost_packets: 1_024, skipped_numbers: 16 }
    }
}

/// How a connection recovers.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Whether this is the client's end: it has to keep a server going that may not send (RFC 9002 section 6.2.2.1).
    pub is_client: bool,
    /// How the congestion window grows.
    pub algorithm: Algorithm,
    /// The round trip to assume before the first sample.
    pub initial_rtt: Span,
    /// The largest datagram that the path is known to carry, in bytes.
    pub datagram_bytes: u64,
    /// Whether to mark packets ECT(0), as long as the path carries marks.
    pub ecn: bool,
    /// Bounds.
    pub limits: Limits,
}

impl Config {
    /// What suits one end of a connection that begins.
    pub fn new(is_client: bool) -> Self {
        Self {
            is_client,
            algorithm: Algorithm::default(),
            initial_rtt: INITIAL_RTT,
            datagram_bytes: 1_200,
            ecn: true,
            limits: Limits::default(),
        }
    }
}

/// A packet that left.
#[derive(Clone, Copy, Debug)]
pub struct Sent<T> {
    /// Its number, at least [`Recovery::next_number`]; those passed over count as never sent.
    pub number: u64,
    /// Its length in the datagram, protection included.
    pub bytes: u32,
    /// Whether the peer has to acknowledge it.
    pub elicits_ack: bool,
    /// Whether it counts against the window: it elicits an acknowledgement or holds PADDING.
    pub in_flight: bool,
    /// Whether it left on another path than the one in use (RFC 9000 section 9.4): it is acknowledged as all are, but measures
    /// nothing here, asks for no probe and counts against no window.
    pub is_elsewhere: bool,
    /// Whether it left marked ECT(0).
    pub is_marked: bool,
    /// Whether it only tests how large a datagram may be; its loss is no sign of congestion (RFC 9000 section 14.4).
    pub is_mtu_probe: bool,
    /// What its owner wants back.
    pub carried: T,
}

/// What an ACK frame says.
#[derive(Clone, Debug)]
pub struct Acknowledgement<R> {
    /// Largest Acknowledged.
    pub largest: u64,
    /// ACK Delay, decoded with the peer's ack_delay_exponent.
    pub delay: Span,
    /// How long we had the frame before we could read it, since its keys were not there yet.
    pub waited: Span,
    /// The ranges, half-open, in any order, none above `largest`.
    pub ranges: R,
    /// The ECN counts of the frame.
    pub ecn: Option<EcnCounts>,
}

/// What became of a packet.
#[derive(Debug, PartialEq, Eq)]
pub enum Fate<'a, T> {
    /// It arrived.
    Acked(T),
    /// It counts as lost: send again what still matters of it.
    Lost(&'a T),
    /// It had been declared lost and arrived all the same: what was not yet sent again need not be.
    Late(T),
}

/// What one acknowledgement changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Acked {
    /// Packets acknowledged for the first time, late ones not counted.
    pub packets: u64,
    /// Their bytes that were in flight.
    pub bytes: u64,
    /// Whether one of them elicited acknowledgement.
    pub elicited: bool,
    /// Packets that had been declared lost.
    pub late: u64,
    /// The round-trip sample.
    pub sample: Option<Span>,
    /// What is lost now that these have arrived.
    pub lost: Lost,
    /// Whether the peer tells of a congestion mark that began a recovery period.
    pub is_marked: bool,
    /// Whether the peer's counts show that marks do not survive the path.
    pub ecn_failed: bool,
    /// Whether the last cut of the window was undone, since nothing had been lost.
    pub is_undone: bool,
}

/// What was declared lost at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// Packets.
    pub packets: u64,
    /// Their bytes that were in flight.
    pub bytes: u64,
    /// Whether a recovery period began.
    pub is_event: bool,
    /// Whether the congestion is persistent.
    pub is_persistent: bool,
}

/// The peer acknowledged a packet that nobody sent: PROTOCOL_VIOLATION (RFC 9000 section 13.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NeverSent {
    /// The largest of the numbers in question.
    pub number: u64,
}

impl fmt::Display for NeverSent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "packet {} is acknowledged but was never sent", self.number)
    }
}

impl core::error::Error for NeverSent {}

impl From<NeverSent> for Fault {
    fn from(_: NeverSent) -> Self {
        Self::AckOfUnsentPacket
    }
}

/// The state of loss recovery and congestion control of one connection, on the path it uses at present.
pub struct Recovery<T> {
    spaces: Logs<T>,
    rtt: Rtt,
    congestion: Congestion,
    pacer: Pacer,
    ecn: Ecn,
    config: Config,
    /// Counts the paths used so far.
    path: u32,
    bytes_in_flight: u64,
    probes: u32,
    /// When the timer was last set without a packet to count from.
    armed: Instant,
    max_ack_delay: Span,
    is_confirmed: bool,
    is_validated: bool,
    has_handshake_keys: bool,
    is_blocked: bool,
    packet_threshold: u64,
    /// What the last cut of the window rests on.
    doubt: Option<Doubt>,
    /// The number to leave out next, and how far apart they are.
    skip: Option<(u64, u64)>,
    /// The packets of one acknowledgement; empty between calls, its room kept.
    newly: Vec<Packet>,
}

/// A cut of the window that may have been for nothing.
#[derive(Clone, Copy, Debug)]
struct Doubt {
    since: Instant,
    /// Losses since then that have not turned out to be none.
    losses: u64,
}

impl<T> Recovery<T> {
    /// A connection that begins `now`.
    pub fn new(now: Instant, config: Config) -> Self {
        let datagram = config.datagram_bytes;
        Self {
            spaces: Logs::new(),
            rtt: Rtt::new(config.initial_rtt),
            congestion: Congestion::new(now, config.algorithm, datagram),
            pacer: Pacer::new(now, initial_window(datagram)),
            ecn: Ecn::new(config.ecn),
            config,
            path: 0,
            bytes_in_flight: 0,
            probes: 0,
            armed: now,
            max_ack_delay: Span::ZERO,
            is_confirmed: false,
            is_validated: !config.is_client,
            has_handshake_keys: false,
            is_blocked: false,
            packet_threshold: loss::PACKET_THRESHOLD,
            doubt: None,
            skip: None,
            newly: Vec::new(),
        }
    }

    /// The number for the next packet of a space. Now and then one of the application's is left out, which a peer that
    /// acknowledges what it has not received cannot know (RFC 9000 section 21.4).
    pub fn next_number(&mut self, space: Space, entropy: &mut dyn Entropy) -> u64 {
        let next = self.spaces.get(space).map_or(0, |log| log.next);
        if space != Space::Application {
            return next;
        }
        match self.skip {
            Some((at, _)) if next < at => next,
            Some((_, apart)) => {
                self.skip = Some((next + 2 + drawn(apart, entropy), (apart * 2).min(loss::SKIPS_APART.1)));
                next + 1
            }
            None => {
                let apart = loss::SKIPS_APART.0;
                self.skip = Some((next + 1 + drawn(apart, entropy), apart));
                next
            }
        }
    }

    /// A packet left.
    pub fn on_sent(&mut self, now: Instant, space: Space, sent: Sent<T>) {
        let Sent { number, bytes, is_elsewhere, is_marked, is_mtu_probe, carried, .. } = sent;
        let Some(log) = self.spaces.get_mut(space) else { return };
        debug_assert!(number >= log.next, "numbers only grow");
        debug_assert!(sent.in_flight || !sent.elicits_ack, "what elicits an acknowledgement is in flight");
        let path = if is_elsewhere { ELSEWHERE } else { self.path };
        let (elicits_ack, in_flight) = (sent.elicits_ack && !is_elsewhere, sent.in_flight && !is_elsewhere); // spec: 9000-9.4-b
        let packet =
            Packet { number, sent: now, bytes, path, elicits_ack, in_flight, is_marked, is_mtu_probe };
        log.push(packet, carried, &self.config.limits);
        if is_marked {
            self.ecn.sent(space as usize);
        }
        if elicits_ack {
            self.armed = now;
        }
        if in_flight {
            self.bytes_in_flight += u64::from(bytes); // spec: 9002-7.5-a
            let rate = self.rate();
            self.pacer.take(now, u64::from(bytes), rate);
            if self.window_left() < self.congestion.datagram() {
                self.congestion.set_idle(now, false);
            }
        }
    }

    /// The peer acknowledged packets of a space. `fate` is told of each packet that is settled by it; nothing changes when
    /// the acknowledgement is refused.
    pub fn on_ack<R: Iterator<Item = Range<u64>> + Clone>(
        &mut self,
        now: Instant,
        space: Space,
        ack: Acknowledgement<R>,
        fate: &mut impl FnMut(u64, Fate<'_, T>),
    ) -> Result<Acked, NeverSent> {
        self.refuse_never_sent(space, &ack)?;
        let mut acked = Acked::default();
        self.collect(space, &ack, &mut acked, fate);
        let newly = core::mem::take(&mut self.newly);
        let largest = newly.iter().find(|packet| packet.number == ack.largest).copied();
        if let Some(largest) = largest.filter(|largest| acked.elicited && largest.path == self.path) {
            let waited = if self.is_confirmed { Span::ZERO } else { ack.waited };
            let read_in = now.since(largest.sent) - waited; // spec: 9002-5.3-c
            acked.sample = Some(self.sample(now, space, read_in, ack.delay)); // spec: 9002-5.1-a
        }
        if self.config.is_client && space == Space::Handshake {
            self.is_validated = true;
        }
        let Some(log) = self.spaces.get_mut(space) else { return Ok(acked) };
        let is_larger = log.largest_acked.is_none_or(|held| held < ack.largest);
        log.largest_acked = log.largest_acked.max(Some(ack.largest));
        let here = newly.iter().filter(|packet| packet.path != ELSEWHERE).map(|packet| packet.number).max();
        // What is not remembered was nothing but an acknowledgement, and left where all others did.
        let forgotten = Some(ack.largest).filter(|_| is_larger && largest.is_none());
        log.largest_here = log.largest_here.max(here).max(forgotten);
        let may_judge_marks = is_larger && !newly.is_empty(); // spec: 9000-13.4.2.1-c
        if may_judge_marks {
            self.hear_marks(now, space, &newly, ack.ecn, &mut acked);
        }
        if acked.late > 0 {
            acked.is_undone = self.undo();
        }
        // What arrived on another path says nothing of this one, nor of the probes that it waits for.
        let is_progress = here.is_some() || acked.late > 0;
        if is_progress || is_larger {
            acked.lost = self.detect(now, space, fate);
        }
        if is_progress {
            let is_answer = self.is_validated; // spec: 9002-6.2.1-g
            self.probes = if is_answer { 0 } else { self.probes }; // spec: 9002-6.2.1-d
            self.armed = now;
        }
        for packet in newly.iter().filter(|packet| packet.in_flight && packet.path == self.path) {
            self.congestion.acked(now, packet.sent, u64::from(packet.bytes), self.rtt.smoothed());
        }
        self.newly = newly;
        self.newly.clear();
        Ok(acked)
    }

    /// The keys of a space are gone, and with them all that was sent under them.
    pub fn discard(&mut self, now: Instant, space: Space) {
        self.land(space);
        self.spaces.discard(space);
        self.probes = 0; // spec: 9002-6.2.2-b
        self.armed = now;
    }

    /// The connection is over: no packet is waited for any more.
    pub fn clear(&mut self) {
        self.spaces.each(Log::clear);
        self.bytes_in_flight = 0;
    }

    /// What was sent in a space will not be answered (a Retry came, or early data was rejected): all of it is handed back as
    /// lost, which says nothing of congestion. Numbers go on where they were.
    pub fn withdraw(&mut self, now: Instant, space: Space, fate: &mut impl FnMut(u64, Fate<'_, T>)) {
        self.land(space); // spec: 9002-6.3-a
        let Some(log) = self.spaces.get_mut(space) else { return };
        for (packet, carried) in log.outstanding() {
            fate(packet.number, Fate::Lost(carried));
        }
        log.clear();
        self.probes = 0;
        self.armed = now;
    }

    /// The handshake is confirmed (RFC 9001 section 4.1.2): the application's space gets its timer.
    pub fn on_confirmed(&mut self) {
        self.is_confirmed = true;
        self.is_validated = true;
    }

    /// Handshake packets can be sent now.
    pub fn on_handshake_keys(&mut self) {
        self.has_handshake_keys = true;
    }

    /// The peer's max_ack_delay.
    pub fn set_max_ack_delay(&mut self, delay: Span) {
        self.max_ack_delay = delay;
    }

    /// Whether the anti-amplification limit forbids to send anything; then nothing is timed but loss.
    pub fn set_blocked(&mut self, is_blocked: bool) {
        self.is_blocked = is_blocked;
    }

    /// At the end of a turn of sending: whether there was more to send than the window or the pacer allowed. If there was
    /// not, what is acknowledged does not grow the window until it is filled again (RFC 9002 section 7.8).
    pub fn set_demand(&mut self, now: Instant, wants_more: bool) {
        let is_idle = !wants_more && self.window_left() >= self.congestion.datagram();
        self.congestion.set_idle(now, is_idle);
    }

    /// The path carries datagrams of so many bytes.
    pub fn set_datagram_bytes(&mut self, bytes: u64) {
        self.config.datagram_bytes = bytes;
        self.congestion.set_datagram(bytes, self.rtt.first_sample().is_none());
    }

    /// The connection moves to a path that nobody has measured (RFC 9000 section 9.4). What is out on the old one is still
    /// recognised, but neither measures the new path nor counts against its window.
    pub fn on_new_path(&mut self, now: Instant) {
        let datagram = self.config.datagram_bytes;
        self.path += 1;
        self.rtt = Rtt::new(self.config.initial_rtt);
        self.congestion = Congestion::new(now, self.config.algorithm, datagram);
        self.pacer = Pacer::new(now, initial_window(datagram));
        self.ecn.restart(self.config.ecn);
        self.bytes_in_flight = 0;
        self.probes = 0;
        self.doubt = None;
        self.packet_threshold = loss::PACKET_THRESHOLD;
        self.armed = now;
    }

    /// Bytes that the window still has room for.
    pub fn window_left(&self) -> u64 {
        if self.spaces.iter().any(|log| log.is_full(&self.config.limits)) {
            return 0;
        }
        self.congestion.window().saturating_sub(self.bytes_in_flight) // spec: 9002-7-a
    }

    /// How long a packet of so many bytes has to wait for its turn. Acknowledgements and probes need not ask.
    pub fn pacing_delay(&self, now: Instant, bytes: u64) -> Span {
        self.pacer.delay(now, bytes, self.rate())
    }

    /// Whether the next packet is to be marked ECT(0).
    pub fn is_marking(&self) -> bool {
        self.ecn.is_marking()
    }

    /// Whether something that elicits acknowledgement is under way in a space.
    pub fn is_waiting(&self, space: Space) -> bool {
        self.spaces.get(space).is_some_and(|log| log.eliciting > 0)
    }

    /// What waits for acknowledgement in a space, oldest first; a probe that has nothing new to say repeats from here.
    pub fn outstanding(&self, space: Space) -> impl Iterator<Item = (u64, &T)> {
        self.spaces
            .get(space)
            .into_iter()
            .flat_map(Log::outstanding)
            .map(|(packet, carried)| (packet.number, carried))
    }

    /// The largest number that was sent in a space.
    pub fn largest_sent(&self, space: Space) -> Option<u64> {
        self.spaces.get(space)?.next.checked_sub(1)
    }

    /// The largest number that the peer has acknowledged in a space.
    pub fn largest_acked(&self, space: Space) -> Option<u64> {
        self.spaces.get(space)?.largest_acked
    }

    /// How many later packets have to arrive for one to count as lost: kPacketThreshold, unless the path reorders.
    pub const fn packet_threshold(&self) -> u64 {
        self.packet_threshold
    }

    /// Bytes in flight on the present path.
    pub const fn bytes_in_flight(&self) -> u64 {
        self.bytes_in_flight
    }

    /// The path's round trip.
    pub const fn rtt(&self) -> &Rtt {
        &self.rtt
    }

    /// The path's window.
    pub const fn congestion(&self) -> &Congestion {
        &self.congestion
    }

    /// The path's marks.
    pub fn ecn(&self) -> &Ecn {
        &self.ecn
    }

    /// Whether nothing of the application's is in flight.
    pub const fn is_at_rest(&self) -> bool {
        self.spaces.application.is_at_rest()
    }

    /// Gives back the room that a connection at rest does not need.
    pub fn shrink(&mut self) {
        self.spaces.each(Log::shrink);
        self.newly.shrink_to_fit();
    }

    fn refuse_never_sent<R>(&self, space: Space, ack: &Acknowledgement<R>) -> Result<(), NeverSent>
    where
        R: Iterator<Item = Range<u64>> + Clone,
    {
        let Some(log) = self.spaces.get(space) else { return Ok(()) }; // Discarded, and its numbers with it.
        if ack.largest >= log.next {
            return Err(NeverSent { number: ack.largest }); // spec: 9000-13.1-a
        }
        match ack.ranges.clone().find(|range| range.end > log.next || log.has_skipped(range)) {
            Some(range) => Err(NeverSent { number: range.end.saturating_sub(1) }), // spec: 9000-21.4-a
            None => Ok(()),
        }
    }

    /// Takes the acknowledged packets out of the log, into `newly`.
    fn collect<R: Iterator<Item = Range<u64>> + Clone>(
        &mut self,
        space: Space,
        ack: &Acknowledgement<R>,
        acked: &mut Acked,
        fate: &mut impl FnMut(u64, Fate<'_, T>),
    ) {
        let Self { spaces, newly, bytes_in_flight, path, doubt, packet_threshold, .. } = self;
        let Some(log) = spaces.get_mut(space) else { return };
        let largest = log.largest_acked.map_or(ack.largest, |held| held.max(ack.largest));
        for range in ack.ranges.clone() {
            log.take(&range, &mut |packet, carried| {
                acked.packets += 1;
                acked.elicited |= packet.elicits_ack;
                if packet.in_flight && packet.path == *path {
                    acked.bytes += u64::from(packet.bytes);
                    *bytes_in_flight -= u64::from(packet.bytes);
                }
                newly.push(packet);
                fate(packet.number, Fate::Acked(carried));
            });
            log.find(&range, &mut |found| {
                acked.late += 1;
                let Found { packet, carried, declared, by_count } = found;
                let has_counted = packet.path == *path && packet.in_flight && !packet.is_mtu_probe;
                if let Some(doubt) = doubt.as_mut().filter(|doubt| has_counted && doubt.since <= declared) {
                    doubt.losses = doubt.losses.saturating_sub(1);
                }
                if by_count && has_counted {
                    let overtaken = largest.saturating_sub(packet.number) + 1;
                    *packet_threshold = overtaken.min(loss::MOST_PACKET_THRESHOLD).max(*packet_threshold);
                }
                fate(packet.number, Fate::Late(carried));
            });
        }
        log.trim();
    }

    /// Learns a round trip.
    fn sample(&mut self, now: Instant, space: Space, sample: Span, delay: Span) -> Span {
        let held = match space {
            Space::Initial => Span::ZERO,
            _ if self.is_confirmed => delay.min(self.max_ack_delay), // spec: 9002-5.3-a
            _ => delay,
        };
        self.rtt.learn(now, sample, held);
        self.congestion.learn(sample);
        sample
    }

    fn hear_marks(
        &mut self,
        now: Instant,
        space: Space,
        newly: &[Packet],
        counts: Option<EcnCounts>,
        acked: &mut Acked,
    ) {
        let ours = newly.iter().filter(|packet| packet.path == self.path);
        let marked = ours.clone().filter(|packet| packet.is_marked).count() as u64;
        let Some(latest) = ours.map(|packet| packet.sent).max() else { return };
        match self.ecn.acked(space as usize, marked, counts) {
            ecn::Verdict::Unmarked => {}
            ecn::Verdict::Failed => acked.ecn_failed = true,
            ecn::Verdict::Congested => {
                acked.is_marked = self.congestion.event(now, latest); // spec: 9002-7.1-a
                self.doubt = None;
            }
        }
    }

    /// Undoes the last cut of the window when all that it rested on has arrived.
    fn undo(&mut self) -> bool {
        self.doubt.take_if(|doubt| doubt.losses == 0).is_some() && self.congestion.undo()
    }

    /// Nothing of a space is in flight any more.
    fn land(&mut self, space: Space) {
        let outstanding = self.spaces.get(space).into_iter().flat_map(Log::outstanding);
        let ours = outstanding.filter(|(packet, _)| packet.in_flight && packet.path == self.path);
        let bytes: u64 = ours.map(|(packet, _)| u64::from(packet.bytes)).sum();
        self.bytes_in_flight -= bytes; // spec: 9002-6.4-a
    }

    fn rate(&self) -> Rate {
        Rate {
            window: self.congestion.window(),
            rtt: self.rtt.smoothed(),
            is_slow_start: self.congestion.phase() == congestion::Phase::SlowStart,
            initial: initial_window(self.congestion.datagram()),
        }
    }
}

/// The path of packets that left on another one than that in use: none of those that are counted.
const ELSEWHERE: u32 = u32::MAX;

/// Between `apart` and twice that.
fn drawn(apart: u64, entropy: &mut dyn Entropy) -> u64 {
    let mut bytes = [0; 8];
    entropy.fill(&mut bytes);
    apart + u64::from_le_bytes(bytes) % apart
}

#[cfg(test)]
mod tests;
