//! How large a datagram the path carries (RFC 8899, in the profile of RFC 9000 section 14.3).
//!
//! ```text
//! off -start-> searching -acked or refused, until nothing is left-> complete -10 min-> searching
//!                 ^--------------- black hole: back to 1,200 -----------'
//! ```

mod holes;

use holes::Holes;
use sakigake_wire::{Instant, Span};

/// The search for the largest datagram of one path.
#[derive(Clone, Debug)]
pub struct Mtu {
    /// What is known to arrive.
    bytes: u16,
    /// What both sides would take.
    most: u16,
    /// The least that is known not to arrive.
    refused: Option<u16>,
    phase: Phase,
    probe: Option<Probe>,
    /// Probes of the size at hand that were lost.
    lost_probes: u8,
    holes: Holes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Off,
    Searching,
    Complete { raise: Instant },
}

#[derive(Clone, Copy, Debug)]
struct Probe {
    bytes: u16,
    number: u64,
}

/// What a lost packet says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// It was a probe: no sign of congestion.
    Probe,
    /// A loss like any other.
    Packet,
    /// Large datagrams do not arrive any more: from here on they have [`Mtu::BASE_BYTES`].
    BlackHole,
}

impl Mtu {
    /// Every path that QUIC uses carries as much (RFC 9000 section 14), and the handshake's own datagrams show it.
    pub const BASE_BYTES: u16 = 1_200;

    /// A search up to `most` bytes of UDP payload, which does not begin before [`Mtu::start`].
    pub fn new(most: u16) -> Self {
        let most = most.max(Self::BASE_BYTES);
        Self {
            bytes: Self::BASE_BYTES,
            most,
            refused: None,
            phase: Phase::Off,
            probe: None,
            lost_probes: 0,
            holes: Holes::default(),
        }
    }

    /// What is known here, for a path that is as good as this one. What is under way here settles nothing there.
    pub fn inherited(&self) -> Self {
        Self { probe: None, holes: Holes::default(), ..self.clone() }
    }

    /// The peer's max_udp_payload_size, which is never below [`Mtu::BASE_BYTES`].
    pub fn limit(&mut self, max_udp_payload_size: u64) {
        let theirs = u16::try_from(max_udp_payload_size).unwrap_or(u16::MAX);
        self.most = self.most.min(theirs.max(Self::BASE_BYTES));
        self.bytes = self.bytes.min(self.most); // spec: 9000-14-a
    }

    /// Begins the search: the handshake is confirmed, or the path is validated.
    pub fn start(&mut self) {
        if self.phase == Phase::Off {
            self.phase = Phase::Searching; // spec: 9000-14.3-a
        }
    }

    /// The largest datagram that may be sent, but for probes.
    pub const fn datagram_bytes(&self) -> u16 {
        self.bytes
    }

    /// The size of the probe that is to be sent now: PING and PADDING that fill a datagram. None while one is on its way.
    pub fn probe(&self) -> Option<u16> {
        if self.phase != Phase::Searching || self.probe.is_some() {
            return None;
        }
        self.next()
    }

    /// The packet with this number is the probe.
    pub fn probe_sent(&mut self, number: u64) {
        self.probe = self.next().map(|bytes| Probe { bytes, number });
    }

    /// A packet in a datagram of so many bytes was acknowledged; the new size where it is larger from here on.
    pub fn acked(&mut self, now: Instant, number: u64, datagram_bytes: u16) -> Option<u16> {
        self.holes.acked(number, datagram_bytes);
        let probe = self.probe.take_if(|probe| probe.number == number)?;
        self.bytes = self.bytes.max(probe.bytes); // spec: 9000-14.2-b
        self.lost_probes = 0;
        self.settle(now);
        Some(self.bytes)
    }

    /// A packet in a datagram of so many bytes was lost, when `largest_sent` was the last number in use.
    pub fn lost(&mut self, now: Instant, number: u64, datagram_bytes: u16, largest_sent: u64) -> Loss {
        if let Some(probe) = self.probe.take_if(|probe| probe.number == number) {
            self.lost_probes += 1;
            if self.lost_probes >= MAX_PROBES {
                self.refuse(now, probe.bytes);
            }
            return Loss::Probe; // spec: 9000-14.4-m
        }
        match self.holes.lost(number, datagram_bytes, largest_sent) {
            Some(smallest) if self.bytes > Self::BASE_BYTES => {
                self.fall(now, Some(smallest));
                Loss::BlackHole
            }
            _ => Loss::Packet,
        }
    }

    /// So many probe timeouts went by without any answer. True: it may be for the size, and datagrams have
    /// [`Mtu::BASE_BYTES`] again.
    pub fn timed_out(&mut self, now: Instant, probe_timeouts: u32) -> bool {
        let is_suspect = probe_timeouts >= u32::from(MAX_PROBES) && self.bytes > Self::BASE_BYTES;
        if is_suspect {
            self.fall(now, None);
        }
        is_suspect
    }

    /// A router says that it carries no more than so many bytes of UDP payload, and quotes a packet of ours (the caller has
    /// seen to that). It may be a lie: never more than before, and never below [`Mtu::BASE_BYTES`].
    pub fn too_big(&mut self, now: Instant, datagram_bytes: u16) {
        if datagram_bytes < Self::BASE_BYTES || self.phase == Phase::Off {
            return; // spec: 9000-14.2.1-a
        }
        let in_doubt = self.probe.map_or(self.bytes, |probe| probe.bytes);
        if datagram_bytes < in_doubt {
            self.bytes = self.bytes.min(datagram_bytes); // spec: 9000-14.2.1-b
            (self.probe, self.phase) = (None, Phase::Searching);
            self.refuse(now, datagram_bytes.saturating_add(1));
        }
    }

    /// When the search begins again.
    pub const fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Complete { raise } if self.bytes < self.most => Some(raise),
            _ => None,
        }
    }

    /// Time passed.
    pub fn expire(&mut self, now: Instant) {
        if self.deadline().is_some_and(|raise| now >= raise) {
            (self.phase, self.refused) = (Phase::Searching, None);
        }
    }

    /// The size to try: one that many paths have, as long as none was refused; then halfway.
    fn next(&self) -> Option<u16> {
        match self.refused {
            None => {
                let likely = LIKELY_BYTES.iter().copied().find(|bytes| *bytes > self.bytes);
                Some(likely.unwrap_or(u16::MAX).min(self.most)).filter(|bytes| *bytes > self.bytes)
            }
            Some(refused) => {
                let gap = refused.saturating_sub(self.bytes);
                (gap > FINE_BYTES).then(|| self.bytes + gap / 2)
            }
        }
    }

    fn refuse(&mut self, now: Instant, bytes: u16) {
        self.refused = Some(self.refused.map_or(bytes, |refused| refused.min(bytes)));
        self.lost_probes = 0;
        self.settle(now);
    }

    fn settle(&mut self, now: Instant) {
        if self.phase == Phase::Searching && self.next().is_none() {
            self.phase = Phase::Complete { raise: now + RAISE_AFTER };
        }
    }

    fn fall(&mut self, now: Instant, refused: Option<u16>) {
        (self.bytes, self.probe, self.lost_probes) = (Self::BASE_BYTES, None, 0);
        (self.refused, self.phase) = (refused, Phase::Searching);
        self.holes = Holes::default();
        self.settle(now);
    }
}

/// UDP payloads of Ethernet under IPv6 and IPv4, and of jumbo frames.
const LIKELY_BYTES: [u16; 4] = [1_452, 1_472, 8_932, 8_952];
/// A search ends where less than this is left to find.
const FINE_BYTES: u16 = 16;
/// RFC 8899 section 5.1.2.
const MAX_PROBES: u8 = 3;
/// PMTU_RAISE_TIMER (RFC 8899 section 5.1.1).
const RAISE_AFTER: Span = Span::from_secs(600);

#[cfg(test)]
mod tests;
