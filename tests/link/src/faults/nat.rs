//! A translator of addresses that forgets: the client's packets go on under another port, or address, from time to time.

use super::HEADER;
use std::time::Duration;

/// When the translator forgets, and what it changes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rebind {
    pub(crate) first: Duration,
    pub(crate) every: Duration,
    pub(crate) what: Rebound,
}

/// What the server sees change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rebound {
    Port,
    Address,
}

pub(super) struct Nat {
    rebind: Rebind,
    /// How often it has forgotten.
    times: u64,
    flows: Vec<Flow>,
    next_port: u16,
}

struct Flow {
    inside: End,
    outside: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct End {
    address: [u8; 4],
    port: u16,
}

/// Below the ports that a kernel gives its clients.
const FIRST_PORT: u16 = 20_000;
/// More are forgotten at once: nobody here opens as many.
const FLOWS: usize = 1_000;

/// Where a packet names its sender and its receiver: the offset of the address, and of the port.
const SOURCE: (usize, usize) = (12, HEADER);
const TARGET: (usize, usize) = (16, HEADER + 2);

impl Nat {
    pub(super) fn new(rebind: Rebind) -> Self {
        Self { rebind, times: 0, flows: Vec::new(), next_port: FIRST_PORT }
    }

    /// A packet of the client's.
    pub(super) fn outward(&mut self, since: Duration, packet: &mut [u8]) -> bool {
        self.forget(since);
        let inside = End::read(packet, SOURCE);
        let outside = match self.flows.iter().find(|flow| flow.inside == inside) {
            Some(flow) => flow.outside,
            None => self.open(inside),
        };
        outside.write(packet, SOURCE);
        true
    }

    /// A packet of the server's: to an end that is forgotten it is lost.
    pub(super) fn inward(&mut self, since: Duration, packet: &mut [u8]) -> bool {
        self.forget(since);
        let outside = End::read(packet, TARGET);
        let flow = self.flows.iter().find(|flow| flow.outside == outside);
        if let Some(flow) = flow {
            flow.inside.write(packet, TARGET);
        }
        flow.is_some()
    }

    fn forget(&mut self, since: Duration) {
        let Some(late) = since.checked_sub(self.rebind.first) else { return };
        let due = 1 + late.as_nanos() / self.rebind.every.as_nanos().max(1);
        if u128::from(self.times) < due {
            self.times = due.try_into().unwrap_or(u64::MAX);
            self.flows.clear();
        }
    }

    fn open(&mut self, inside: End) -> End {
        if self.flows.len() >= FLOWS {
            self.flows.clear();
        }
        let mut outside = End { port: self.next_port, ..inside };
        self.next_port = self.next_port.checked_add(1).unwrap_or(FIRST_PORT);
        if self.rebind.what == Rebound::Address {
            // The client's own network, behind its own address.
            outside.address[3] = 2 + (self.times % 250) as u8;
        }
        self.flows.push(Flow { inside, outside });
        outside
    }
}

impl End {
    fn read(packet: &[u8], (address, port): (usize, usize)) -> Self {
        let byte = |at: usize| packet[at];
        Self {
            address: [byte(address), byte(address + 1), byte(address + 2), byte(address + 3)],
            port: u16::from_be_bytes([byte(port), byte(port + 1)]),
        }
    }

    fn write(self, packet: &mut [u8], (address, port): (usize, usize)) {
        let was = Self::read(packet, (address, port));
        packet[address..address + 4].copy_from_slice(&self.address);
        packet[port..port + 2].copy_from_slice(&self.port.to_be_bytes());
        let addresses = [(was.high(), self.high()), (was.low(), self.low())];
        change(packet, 10, &addresses);
        let sum = HEADER + 6;
        // A sum of zero says that there is none.
        if packet[sum..sum + 2] != [0, 0] {
            change(packet, sum, &addresses);
            change(packet, sum, &[(was.port, self.port)]);
        }
    }

    fn high(self) -> u16 {
        u16::from_be_bytes([self.address[0], self.address[1]])
    }

    fn low(self) -> u16 {
        u16::from_be_bytes([self.address[2], self.address[3]])
    }
}

/// A checksum after words that it covers have changed (RFC 1624).
fn change(packet: &mut [u8], at: usize, words: &[(u16, u16)]) {
    let mut sum = u32::from(!u16::from_be_bytes([packet[at], packet[at + 1]]));
    for (was, is) in words {
        sum += u32::from(!was) + u32::from(*is);
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    packet[at..at + 2].copy_from_slice(&(!(sum as u16)).to_be_bytes());
}
