//! What goes wrong on purpose with UDP packets, beside the queues' losses at random. Time is an input.

mod nat;

use nat::Nat;
pub(crate) use nat::{Rebind, Rebound};
use std::time::Duration;

/// Faults that happen once or in turns; the default is none. They count from the client's first UDP packet.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Plan {
    /// Which of the client's packets never arrive, the first being 1.
    pub(crate) drops_to_server: Vec<u64>,
    pub(crate) outages: Option<Outages>,
    pub(crate) rebind: Option<Rebind>,
}

/// A link that carries, then carries nothing either way, again and again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Outages {
    pub(crate) on: Duration,
    pub(crate) off: Duration,
}

/// From whom a packet comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    Server,
    Client,
}

/// A plan under way.
pub(crate) struct Faults {
    plan: Plan,
    nat: Option<Nat>,
    /// When the client's first packet came.
    began: Option<Duration>,
    from_client: u64,
}

impl Faults {
    pub(crate) fn new(plan: Plan) -> Self {
        Self { nat: plan.rebind.map(Nat::new), plan, began: None, from_client: 0 }
    }

    /// A packet enters the link and may be changed. Says whether it goes on. What is not UDP over IPv4 always does.
    pub(crate) fn pass(&mut self, now: Duration, from: From, packet: &mut [u8]) -> bool {
        if !is_udp(packet) {
            return true;
        }
        if from == From::Client {
            self.began.get_or_insert(now);
            self.from_client += 1;
        }
        let since = now.saturating_sub(self.began.unwrap_or(now));
        let is_dropped = from == From::Client && self.plan.drops_to_server.contains(&self.from_client);
        if is_dropped || self.plan.outages.is_some_and(|outages| outages.is_off(since)) {
            return false;
        }
        match (&mut self.nat, from) {
            (None, _) => true,
            (Some(nat), From::Client) => nat.outward(since, packet),
            (Some(nat), From::Server) => nat.inward(since, packet),
        }
    }
}

impl Outages {
    fn is_off(self, since: Duration) -> bool {
        let cycle = (self.on + self.off).as_nanos().max(1);
        since.as_nanos() % cycle >= self.on.as_nanos()
    }
}

const HEADER: usize = 20;
const UDP: u8 = 17;

/// IPv4 without options or fragments, and a whole UDP header.
fn is_udp(packet: &[u8]) -> bool {
    packet.len() >= HEADER + 8 && packet[0] == 0x45 && packet[9] == UDP
}

#[cfg(test)]
mod tests;
