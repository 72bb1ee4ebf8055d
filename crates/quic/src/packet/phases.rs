//! Keys of 1-RTT packets and their updates (RFC 9001 section 6).
//!
//! ```text
//!   phase n --- update(), or a packet of the peer under the next keys ---> phase n + 1
//!     receives under: previous (until forgotten), current, next          sends under: current alone
//! ```
//!
//! At rest nothing but secrets is kept, since the provider's keys are large. Whichever packet comes first, be it forged, has all
//! keys to receive with made before anything of it is read, so that the time it takes tells nothing (section 6.3).

use super::draft::Draft;
use super::protect::{
    Exhausted, Forgeries, KEY_PHASE, Opened, PacketKey, Unopened, header_key, next_secret, unmask,
};
use crate::rules::versions::Version;
use sakigake_crypto::HeaderKey;
use sakigake_tls::TrafficSecret;

/// 1-RTT keys of both directions.
pub struct Phases {
    version: &'static Version,
    /// How many updates there were; the Key Phase bit is the lowest bit.
    updates: u64,
    is_confirmed: bool,
    sending: Sending,
    /// None before TLS gives the secret.
    receiving: Option<Receiving>,
}

/// A 1-RTT packet that was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// What it is.
    pub opened: Opened,
    /// Whose keys opened it.
    pub turn: Turn,
}

/// Under which keys a packet was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Those of the phase before this one.
    Previous,
    /// Those of this phase.
    Current,
    /// The same, and it is the first of a phase that we began: [`Phases::forget_previous`] is due after three probe timeouts.
    Followed,
    /// The next: the peer began an update, which is done on this side too. [`Phases::forget_previous`] is due after
    /// three probe timeouts.
    Updated,
}

/// Keys may not be updated yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotYet;

struct Sending {
    header: Option<Box<dyn HeaderKey>>,
    /// That of this phase.
    secret: TrafficSecret,
    key: PacketKey,
    /// The first number that was sent in this phase.
    first: Option<u64>,
    /// Whether the peer has acknowledged something of this phase.
    is_acked: bool,
}

struct Receiving {
    header: Option<Box<dyn HeaderKey>>,
    previous: Option<PacketKey>,
    current: PacketKey,
    /// There before it is needed, so that the time a packet takes tells nothing of its phase (RFC 9001 section 6.3).
    next: Option<PacketKey>,
    /// That of this phase.
    secret: TrafficSecret,
    /// The largest number of the phases before this one.
    largest_before: Option<u64>,
    /// The smallest and the largest number of this phase.
    heard: Option<(u64, u64)>,
}

impl Phases {
    /// Sends with keys from `send`; nothing can be received yet.
    pub fn new(version: &'static Version, send: &TrafficSecret) -> Self {
        let sending = Sending {
            header: Some(header_key(send.suite, version, &send.secret)),
            secret: send.clone(),
            key: PacketKey::derive(send.suite, version, &send.secret),
            first: None,
            is_acked: false,
        };
        Self { version, updates: 0, is_confirmed: false, sending, receiving: None }
    }

    /// Receives with keys from `secret` from here on. A server does so when the handshake is complete, not before (RFC
    /// 9001 section 5.7).
    pub fn receive(&mut self, secret: &TrafficSecret) {
        let mut receiving = Receiving {
            header: None,
            previous: None,
            current: PacketKey::derive(secret.suite, self.version, &secret.secret),
            next: None,
            secret: secret.clone(),
            largest_before: None,
            heard: None,
        };
        receiving.wake(self.version);
        self.receiving = Some(receiving);
    }

    /// The handshake is confirmed (RFC 9001 section 4.1.2): updates may begin.
    pub fn confirm(&mut self) {
        self.is_confirmed = true;
    }

    /// Whether packets can be opened yet.
    pub const fn can_receive(&self) -> bool {
        self.receiving.is_some()
    }

    /// The Key Phase bit of what is sent.
    pub const fn key_phase(&self) -> bool {
        self.updates & 1 == 1
    }

    /// How many updates there were.
    pub const fn updates(&self) -> u64 {
        self.updates
    }

    /// Whether the key will soon have protected as many packets as it may.
    pub fn wants_update(&self) -> bool {
        self.sending.key.wants_update()
    }

    /// Whether the key has no more left than a CONNECTION_CLOSE and what is on its way to be sealed takes.
    pub fn is_worn(&self) -> bool {
        self.sending.key.left() <= PacketKey::RESERVED
    }

    /// Whether [`Phases::update`] is possible. After its confirmation three more probe timeouts should pass (RFC 9001 section
    /// 6.5), which the owner of the clock sees to.
    pub const fn may_update(&self) -> bool {
        // spec: 9001-6.1-b 9001-6.1-c
        self.is_confirmed && self.receiving.is_some() && (self.updates == 0 || self.sending.is_acked)
    }

    /// Begins an update: what is sent from here on is under the next keys.
    pub fn update(&mut self) -> Result<(), NotYet> {
        let may_update = self.may_update();
        let receiving = self.receiving.as_mut().filter(|_| may_update).ok_or(NotYet)?;
        receiving.advance(self.version);
        self.sending.advance(self.version);
        self.updates += 1;
        Ok(())
    }

    /// As [`Draft::seal`].
    pub fn seal(&mut self, draft: Draft, packet: &mut [u8], payload_len: usize) -> Result<usize, Exhausted> {
        draft.finish(packet, payload_len);
        packet[0] = packet[0] & !KEY_PHASE | if self.key_phase() { KEY_PHASE } else { 0 };
        let (header, key, first) = self.sending.awake(self.version);
        let len = key.seal(header, draft, packet, payload_len)?;
        first.get_or_insert(draft.number());
        Ok(len)
    }

    /// As [`super::Keys::open`].
    pub fn open(
        &mut self,
        packet: &mut [u8],
        number_at: usize,
        largest: Option<u64>,
        forgeries: &mut Forgeries,
    ) -> Result<Received, Unopened> {
        let phase = self.key_phase();
        let receiving = self.receiving.as_mut().ok_or(Unopened::NoKeys)?;
        let unmasked = unmask(receiving.wake(self.version), packet, number_at, largest)?;
        let turn = match (unmasked.first & KEY_PHASE != 0) == phase {
            true if receiving.previous.is_some() && receiving.heard.is_none() => Turn::Followed,
            true => Turn::Current,
            false => receiving.turn(unmasked.number, self.updates),
        };
        let opened = receiving.key(turn).ok_or(Unopened::NoKeys)?.open(packet, &unmasked, forgeries)?;
        let number = opened.number;
        match turn {
            Turn::Previous => receiving.largest_before = receiving.largest_before.max(Some(number)),
            Turn::Current | Turn::Followed => receiving.hear(number)?,
            Turn::Updated => {
                // Twice without waiting for us, or with a number that belongs to this phase.
                let is_early = self.updates > 0 && self.sending.first.is_none();
                if is_early || receiving.heard.is_some_and(|(_, last)| number < last) {
                    return Err(Unopened::KeyUpdate); // spec: 9001-6.2-b 9001-6.4-a
                }
                receiving.advance(self.version);
                receiving.hear(number)?;
                self.sending.advance(self.version); // spec: 9001-6.2-a
                self.updates += 1;
            }
        }
        Ok(Received { opened, turn })
    }

    /// The peer acknowledged `largest` in a packet that was opened as `turn`. Whether it confirms the last update, for the first
    /// time.
    pub fn acked(&mut self, largest: u64, turn: Turn) -> Result<bool, Unopened> {
        if self.sending.first.is_none_or(|first| largest < first) {
            return Ok(false);
        }
        if turn == Turn::Previous {
            return Err(Unopened::KeyUpdate); // spec: 9001-6.2-c
        }
        Ok(!core::mem::replace(&mut self.sending.is_acked, true) && self.updates > 0)
    }

    /// Whether there are keys to forget.
    pub fn has_previous(&self) -> bool {
        self.receiving.as_ref().is_some_and(|receiving| receiving.previous.is_some())
    }

    /// Drops the keys of the phase before this one, unless nothing was received in this one yet.
    pub fn forget_previous(&mut self) {
        if let Some(receiving) = &mut self.receiving
            && receiving.heard.is_some()
        {
            receiving.previous = None; // spec: 9001-6.1-d 9001-6.5-a
        }
    }

    /// Nothing has come for a while: keys are made again when something does, or leaves.
    pub fn rest(&mut self) {
        // Header protection is not updated: after an update no secret is left that its keys come from (RFC 9001 section 6.1).
        let is_first = self.updates == 0;
        let Self { sending, receiving, .. } = self;
        sending.key.rest();
        sending.header.take_if(|_| is_first);
        if let Some(receiving) = receiving {
            receiving.current.rest();
            receiving.next = None;
            receiving.header.take_if(|_| is_first);
        }
    }

    /// Whether there is something for [`Phases::rest`] to give back.
    pub fn is_awake(&self) -> bool {
        !self.sending.key.is_at_rest()
            || self.receiving.as_ref().is_some_and(|receiving| !receiving.current.is_at_rest())
    }

    #[cfg(test)]
    pub(crate) fn set_sealed(&mut self, sealed: u64) {
        self.sending.key.set_sealed(sealed);
    }
}

impl Sending {
    /// What seals, ready for it.
    fn awake(&mut self, version: &'static Version) -> (&dyn HeaderKey, &mut PacketKey, &mut Option<u64>) {
        let Self { header, secret, key, first, .. } = self;
        key.wake(version, &secret.secret);
        let header = header.get_or_insert_with(|| header_key(secret.suite, version, &secret.secret));
        (&**header, key, first)
    }

    fn advance(&mut self, version: &'static Version) {
        self.awake(version); // While its secret is there.
        self.secret = next_secret(version, &self.secret);
        self.key = PacketKey::derive(self.secret.suite, version, &self.secret.secret);
        (self.first, self.is_acked) = (None, false);
    }
}

impl Receiving {
    /// Under which keys a packet with the other Key Phase is: the number decides (RFC 9001 section 6.5).
    fn turn(&self, number: u64, updates: u64) -> Turn {
        let is_older = match self.heard {
            Some((first, _)) => number < first,
            None => updates > 0, // The peer has not followed our update yet.
        };
        // Without previous keys the next are tried, in vain: that takes the time that every packet takes.
        if is_older && self.previous.is_some() { Turn::Previous } else { Turn::Updated } // spec: 9001-6.3-a
    }

    /// Makes all keys that are not there, and gives what takes header protection off.
    fn wake(&mut self, version: &'static Version) -> &dyn HeaderKey {
        let Self { header, current, next, secret, .. } = self;
        current.wake(version, &secret.secret);
        next.get_or_insert_with(|| {
            let next = next_secret(version, secret);
            PacketKey::derive(next.suite, version, &next.secret)
        });
        &**header.get_or_insert_with(|| header_key(secret.suite, version, &secret.secret))
    }

    fn key(&self, turn: Turn) -> Option<&PacketKey> {
        match (turn, &self.previous) {
            (Turn::Previous, Some(previous)) => Some(previous),
            (Turn::Current | Turn::Followed, _) => Some(&self.current),
            (Turn::Updated | Turn::Previous, _) => self.next.as_ref(),
        }
    }

    fn hear(&mut self, number: u64) -> Result<(), Unopened> {
        if self.largest_before.is_some_and(|before| number < before) {
            return Err(Unopened::KeyUpdate); // spec: 9001-6.4-a
        }
        let (first, last) = self.heard.unwrap_or((number, number));
        self.heard = Some((first.min(number), last.max(number)));
        Ok(())
    }

    fn advance(&mut self, version: &'static Version) {
        self.wake(version);
        self.secret = next_secret(version, &self.secret);
        if let Some(current) = self.next.take() {
            self.previous = Some(core::mem::replace(&mut self.current, current));
        }
        self.wake(version);
        if let Some((_, last)) = self.heard.take() {
            self.largest_before = self.largest_before.max(Some(last));
        }
    }
}

impl core::fmt::Debug for Phases {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Phases({:?}, {} updates)", self.version, self.updates)
    }
}

#[cfg(test)]
mod tests;
