use super::{State, flight::Plan, hello};
use crate::{Fault, MAX_REMEMBERED_TRANSPORT_BYTES, Wanted, config::LIST_BYTES, handshake::Turn};
use sakigake_wire::Instant;

/// Awaits the owner's transport parameters, over QUIC; nothing of the flight is out.
pub(crate) struct AwaitTransportParameters {
    plan: Plan,
    /// The ClientHello, from which the rest is chosen.
    hello: Vec<u8>,
    wanted: Wanted,
}

/// What QUIC adds to a handshake.
pub(super) struct Transport {
    /// Ours, for EncryptedExtensions.
    pub(super) parameters: Vec<u8>,
    /// For the tickets.
    pub(super) remembered: Vec<u8>,
}

impl AwaitTransportParameters {
    /// `hello` is the ClientHello, whose transport parameters are `peer`.
    pub(super) fn new(plan: Plan, hello: &[u8], peer: &[u8]) -> Self {
        let wanted =
            Wanted::TransportParameters { peer: peer.to_vec(), remembered: plan.remembered().cloned() };
        Self { plan, hello: hello.to_vec(), wanted }
    }

    pub(super) fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// The same without the ticket.
    pub(super) fn afresh(self, now: Instant) -> Result<Self, Fault> {
        let plan = self.plan.afresh(&hello::read(&self.hello)?, now);
        Ok(Self { plan, ..self })
    }

    pub(super) fn take(
        self,
        transport: Transport,
        takes_early_data: bool,
        turn: &mut Turn<'_>,
    ) -> Result<State, Fault> {
        let Transport { parameters, remembered } = &transport;
        if parameters.len() > LIST_BYTES || remembered.len() > MAX_REMEMBERED_TRANSPORT_BYTES {
            return Err(Fault::Internal("the owner's transport parameters are too long"));
        }
        let hello = hello::read(&self.hello)?;
        self.plan.over_quic(transport).go_on(&hello, takes_early_data, turn)
    }
}
