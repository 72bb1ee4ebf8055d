//! The keys of one connection, by what they protect, and when they come and go (RFC 9001 sections 4.9 and 5).

use crate::{
    packet::{Draft, Exhausted, Forgeries, Keys, Opened, Phases, Turn, Unopened},
    rules::{Epoch, Side, versions::Version},
};
use sakigake_crypto::Suite;
use sakigake_tls::{Level, TrafficSecret};
use sakigake_wire::Instant;

/// Keys of each epoch, as long as they live.
pub(super) struct Keyring {
    /// TLS_AES_128_GCM_SHA256, which protects Initial packets.
    suite: &'static Suite,
    side: Side,
    /// Apart, since a connection outlives them by far; gone with the last of them.
    passing: Option<Box<Passing>>,
    one_rtt: Option<Phases>,
    forgeries: Forgeries,
}

/// The keys that the handshake takes along when it is over.
#[derive(Default)]
struct Passing {
    initial: Pair,
    /// A server's for what comes in the version that it went on in.
    initial_chosen: Option<(&'static Version, Keys)>,
    handshake: Pair,
    /// A client sends with them, a server receives.
    zero_rtt: Option<Keys>,
    /// A client's 1-RTT secret for what it receives may come before the one to send with, or behind it.
    awaiting: Option<TrafficSecret>,
}

/// When something is due about keys.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct KeyTimes {
    /// When the keys of the phase before this one are forgotten: three probe timeouts after the first packet of this one.
    pub(super) settle_at: Option<Instant>,
    /// No update begins before: three probe timeouts after the last one was confirmed.
    pub(super) rest_until: Option<Instant>,
    /// Since when keys are used up, which ends the connection.
    pub(super) worn_at: Option<Instant>,
    /// When a server's 0-RTT keys go: packets under them may come late.
    pub(super) early_until: Option<Instant>,
    /// When a packet came last that 1-RTT keys were needed for and that does not count: one that was forged, or a copy.
    pub(super) stirred_at: Option<Instant>,
}

#[derive(Default)]
struct Pair {
    send: Option<Keys>,
    receive: Option<Keys>,
}

/// Which way a secret is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Send,
    Receive,
}

impl Keyring {
    pub(super) fn new(suite: &'static Suite, side: Side, version: &'static Version, dcid: &[u8]) -> Self {
        let mut ring = Self { suite, side, passing: None, one_rtt: None, forgeries: Forgeries::default() };
        ring.begin(version, dcid);
        ring
    }

    /// Initial keys from the id that the client's first packet went to, or its first after a Retry.
    pub(super) fn begin(&mut self, version: &'static Version, dcid: &[u8]) {
        let initial = Keys::initial(self.suite, version, dcid, self.side);
        self.passing().initial = Pair { send: Some(initial.send), receive: Some(initial.receive) };
    }

    /// Initial keys of the version that a server goes on in; what comes in the version before is still opened with the old ones.
    pub(super) fn choose(&mut self, version: &'static Version, dcid: &[u8]) {
        let initial = Keys::initial(self.suite, version, dcid, self.side);
        let passing = self.passing();
        passing.initial.send = Some(initial.send);
        passing.initial_chosen = Some((version, initial.receive));
    }

    /// TLS gave a secret.
    pub(super) fn install(&mut self, version: &'static Version, way: Way, secret: &TrafficSecret) {
        let keys = || Some(Keys::from_secret(version, secret));
        match (secret.level, way) {
            (Level::Plain, _) => {}
            (Level::EarlyData, _) => self.passing().zero_rtt = keys(),
            (Level::Handshake, Way::Send) => self.passing().handshake.send = keys(),
            (Level::Handshake, Way::Receive) => self.passing().handshake.receive = keys(),
            (Level::Application, Way::Send) => {
                let phases = self.one_rtt.insert(Phases::new(version, secret));
                if let Some(secret) = self.passing.as_mut().and_then(|passing| passing.awaiting.take()) {
                    phases.receive(&secret);
                }
            }
            (Level::Application, Way::Receive) => match &mut self.one_rtt {
                Some(phases) => phases.receive(secret),
                None => self.passing().awaiting = Some(secret.clone()),
            },
        }
    }

    pub(super) fn can_send(&self, epoch: Epoch) -> bool {
        let passing = self.passing.as_deref();
        match epoch {
            Epoch::Initial => passing.is_some_and(|keys| keys.initial.send.is_some()),
            Epoch::Handshake => passing.is_some_and(|keys| keys.handshake.send.is_some()),
            Epoch::ZeroRtt => {
                let has_keys = passing.is_some_and(|keys| keys.zero_rtt.is_some());
                self.side == Side::Client && has_keys && self.one_rtt.is_none()
            }
            Epoch::OneRtt => self.one_rtt.is_some(),
        }
    }

    pub(super) fn can_receive(&self, epoch: Epoch) -> bool {
        let passing = self.passing.as_deref();
        match epoch {
            Epoch::Initial => passing.is_some_and(|keys| keys.initial.receive.is_some()),
            Epoch::Handshake => passing.is_some_and(|keys| keys.handshake.receive.is_some()),
            Epoch::ZeroRtt => {
                self.side == Side::Server && passing.is_some_and(|keys| keys.zero_rtt.is_some())
            }
            Epoch::OneRtt => self.one_rtt.as_ref().is_some_and(Phases::can_receive),
        }
    }

    /// These keys are of no use any more.
    pub(super) fn discard(&mut self, epoch: Epoch) {
        let Some(keys) = self.passing.as_deref_mut() else { return };
        match epoch {
            Epoch::Initial => (keys.initial, keys.initial_chosen) = (Pair::default(), None),
            Epoch::Handshake => keys.handshake = Pair::default(),
            Epoch::ZeroRtt => keys.zero_rtt = None,
            Epoch::OneRtt => {}
        }
        if keys.is_empty() {
            self.passing = None;
        }
    }

    /// Opens a packet in place, of `version` where its header says one. Only 1-RTT packets have a turn.
    pub(super) fn open(
        &mut self,
        epoch: Epoch,
        version: Option<&Version>,
        packet: &mut [u8],
        number_at: usize,
        largest: Option<u64>,
    ) -> Result<(Opened, Turn), Unopened> {
        let Self { passing, one_rtt, forgeries, .. } = self;
        if epoch == Epoch::OneRtt {
            let phases = one_rtt.as_mut().ok_or(Unopened::NoKeys)?;
            let received = phases.open(packet, number_at, largest, forgeries)?;
            return Ok((received.opened, received.turn));
        }
        let passing = passing.as_deref().ok_or(Unopened::NoKeys)?;
        let keys = match epoch {
            Epoch::Initial => match &passing.initial_chosen {
                Some((chosen, keys)) if version == Some(*chosen) => Some(keys), // spec: 9369-4.1-b
                _ => passing.initial.receive.as_ref(),
            },
            Epoch::Handshake => passing.handshake.receive.as_ref(),
            Epoch::ZeroRtt => passing.zero_rtt.as_ref(),
            Epoch::OneRtt => None,
        };
        let keys = keys.ok_or(Unopened::NoKeys)?;
        Ok((keys.open(packet, number_at, largest, forgeries)?, Turn::Current))
    }

    /// Protects a packet in place; gives its length.
    pub(super) fn seal(
        &mut self,
        epoch: Epoch,
        draft: Draft,
        packet: &mut [u8],
        payload_len: usize,
    ) -> Result<usize, Exhausted> {
        if epoch == Epoch::OneRtt {
            let phases = self.one_rtt.as_mut().ok_or(Exhausted)?;
            return phases.seal(draft, packet, payload_len);
        }
        let passing = self.passing.as_deref_mut().ok_or(Exhausted)?;
        let keys = match epoch {
            Epoch::Initial => &mut passing.initial.send,
            Epoch::Handshake => &mut passing.handshake.send,
            Epoch::ZeroRtt => &mut passing.zero_rtt,
            Epoch::OneRtt => return Err(Exhausted),
        };
        draft.seal(keys.as_mut().ok_or(Exhausted)?, packet, payload_len)
    }

    /// Whether 1-RTT keys that cannot be updated have no more left than what closes the connection takes.
    pub(super) fn is_worn(&self) -> bool {
        self.one_rtt.as_ref().is_some_and(Phases::is_worn)
    }

    /// Whether 1-RTT keys are ready for use, and take the room for that.
    pub(super) fn is_awake(&self) -> bool {
        self.one_rtt.as_ref().is_some_and(Phases::is_awake)
    }

    /// 1-RTT keys, once there are some.
    pub(super) fn phases(&mut self) -> Option<&mut Phases> {
        self.one_rtt.as_mut()
    }

    fn passing(&mut self) -> &mut Passing {
        self.passing.get_or_insert_default()
    }
}

impl Passing {
    fn is_empty(&self) -> bool {
        let Self { initial, initial_chosen, handshake, zero_rtt, awaiting } = self;
        let pairs = [initial, handshake];
        let is_without = |pair: &Pair| pair.send.is_none() && pair.receive.is_none();
        pairs.into_iter().all(is_without)
            && initial_chosen.is_none()
            && zero_rtt.is_none()
            && awaiting.is_none()
    }
}
