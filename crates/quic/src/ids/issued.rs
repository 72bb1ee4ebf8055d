//! The ids that we issued, and that the peer sends to.

use super::{ConnectionId, Limits};
use crate::Fault;

/// Our own connection ids: each is active from when it is issued until the peer retires it.
#[derive(Debug)]
pub struct Issued {
    /// In the order of their sequence numbers.
    active: Vec<Own>,
    next_sequence: u64,
    /// What the peer holds, and what we give at most: the smaller of both.
    limit: usize,
    most: usize,
    retire_prior_to: u64,
    /// The peer sends to an empty id, and no other is ever issued.
    is_empty: bool,
}

#[derive(Debug)]
struct Own {
    sequence: u64,
    id: ConnectionId,
    /// What its frame says, each time that it is sent.
    retire_prior_to: u64,
    /// Its frame is to be sent, for the first time or again.
    is_due: bool,
    /// A packet came to it.
    is_used: bool,
}

/// What a NEW_CONNECTION_ID frame says, but for the stateless reset token, which the id's own key gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announced {
    /// Sequence Number.
    pub sequence: u64,
    /// Retire Prior To.
    pub retire_prior_to: u64,
    /// Connection ID.
    pub id: ConnectionId,
}

impl Issued {
    /// The Source Connection ID of our handshake packets has sequence number 0. Until the peer's transport parameters are
    /// known nothing is issued beside it.
    pub fn new(handshake: ConnectionId, limits: &Limits) -> Self {
        let mut issued = Self {
            active: Vec::new(),
            next_sequence: 0,
            limit: 1,
            most: limits.issued_ids.max(1),
            retire_prior_to: 0,
            is_empty: handshake.is_empty(),
        };
        issued.add(handshake, false);
        issued
    }

    /// The id in our preferred_address parameter: sequence number 1, so it comes before all others.
    pub fn prefer(&mut self, id: ConnectionId) {
        debug_assert!(
            self.next_sequence == 1 && !self.is_empty,
            "it is the second one, and never with an empty one"
        );
        self.limit = self.limit.max(2); // Whoever takes the parameter holds two, and 2 is the least that a peer may say.
        self.add(id, false);
    }

    /// The peer's active_connection_id_limit.
    pub fn allow(&mut self, active_connection_id_limit: u64) {
        let limit = usize::try_from(active_connection_id_limit).unwrap_or(usize::MAX);
        self.limit = self.limit.max(limit.min(self.most)); // spec: 9000-5.1.1-b
    }

    /// How many more ids the peer is to be given now.
    pub fn wanted(&self) -> usize {
        if self.is_empty {
            return 0; // spec: 9000-19.15-b
        }
        let active = self.active.iter().filter(|own| own.sequence >= self.retire_prior_to).count();
        self.limit.saturating_sub(active)
    }

    /// Issues one of the [`Issued::wanted`]; false, and nothing is issued, where none is wanted or the id is active already.
    pub fn issue(&mut self, id: ConnectionId) -> bool {
        let is_new = !id.is_empty() && !self.is_active(&id);
        let may = is_new && self.wanted() > 0;
        if may {
            self.add(id, true);
        }
        may
    }

    /// Has the peer retire all that was issued so far, and wants as many new ones; false while it has not yet retired what it
    /// was asked to before.
    pub fn replace_all(&mut self) -> bool {
        let is_over = self.active.first().is_none_or(|own| own.sequence >= self.retire_prior_to); // spec: 9000-5.1.2-d
        let may = is_over && !self.is_empty;
        if may {
            self.retire_prior_to = self.next_sequence;
        }
        may
    }

    /// What the next NEW_CONNECTION_ID frame says; it counts as sent. None where nothing is to be announced.
    pub fn announce(&mut self) -> Option<Announced> {
        let own = self.active.iter_mut().find(|own| own.is_due)?;
        own.is_due = false;
        let Own { sequence, id, retire_prior_to, .. } = *own;
        Some(Announced { sequence, retire_prior_to, id })
    }

    /// Whether [`Issued::announce`] has something.
    pub fn is_due(&self) -> bool {
        self.active.iter().any(|own| own.is_due)
    }

    /// A NEW_CONNECTION_ID frame was lost (or found no room): it is sent again unless the peer has retired its id since.
    pub fn lost(&mut self, sequence: u64) {
        if let Some(own) = self.active.iter_mut().find(|own| own.sequence == sequence) {
            own.is_due = true;
        }
    }

    /// RETIRE_CONNECTION_ID in a packet that was sent to `arrived_at`: the id that is now over, none where it was already.
    pub fn retire(
        &mut self,
        sequence: u64,
        arrived_at: &ConnectionId,
    ) -> Result<Option<ConnectionId>, Fault> {
        if self.is_empty {
            return Err(Fault::RetiredNobodysId); // spec: 9000-19.16-c
        }
        if sequence >= self.next_sequence {
            return Err(Fault::RetiredUnissuedId); // spec: 9000-19.16-a
        }
        let Some(at) = self.active.iter().position(|own| own.sequence == sequence) else { return Ok(None) };
        if self.active[at].id == *arrived_at {
            return Err(Fault::RetiredIdInUse); // spec: 9000-19.16-b
        }
        Ok(Some(self.active.remove(at).id))
    }

    /// Notes that a packet came to `id`: whether it is the first one there. A peer that changes ids moves on purpose.
    pub fn arrive(&mut self, id: &ConnectionId) -> bool {
        let own = self.active.iter_mut().find(|own| own.id == *id);
        own.is_some_and(|own| !core::mem::replace(&mut own.is_used, true))
    }

    /// Whether the peer may send to `id`.
    pub fn is_active(&self, id: &ConnectionId) -> bool {
        self.active.iter().any(|own| own.id == *id) // spec: 9000-5.1.1-c
    }

    /// All ids that the peer may send to; at the connection's end they are forgotten together.
    pub fn ids(&self) -> impl Iterator<Item = &ConnectionId> {
        self.active.iter().map(|own| &own.id)
    }

    fn add(&mut self, id: ConnectionId, is_due: bool) {
        let (sequence, retire_prior_to) = (self.next_sequence, self.retire_prior_to);
        self.active.push(Own { sequence, id, retire_prior_to, is_due, is_used: false });
        self.next_sequence += 1; // spec: 9000-5.1.1-a
    }
}

#[cfg(test)]
mod tests;
