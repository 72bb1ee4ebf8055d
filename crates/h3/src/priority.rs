//! How soon responses are wanted (RFC 9218): what a client says, what a server makes of it, and what QUIC is told.

use crate::connection::Connection;
use crate::{Departure, Fault, frame};
use sakigake_semantics::{Priority, StreamId};
use sakigake_wire::Reader;
use std::collections::BTreeMap;

/// What a connection knows of priorities.
#[derive(Debug, Default)]
pub(crate) struct Priorities {
    /// Those of streams that have not begun, or are over.
    early: BTreeMap<u64, Priority>,
    /// What QUIC does not know yet.
    changed: BTreeMap<u64, Priority>,
}

impl Connection {
    /// A client's PRIORITY_UPDATE.
    pub(crate) fn priority_update(&mut self, payload: &[u8]) -> Result<(), Fault> {
        let mut reader = Reader::new(payload);
        let id = reader.varint().map_err(|_| Fault::FrameLength)?;
        if !id.is_multiple_of(4) || id >= self.peer_requests_below {
            return Err(Fault::PriorityUpdate); // spec: 9218-7.2-a 9218-7.2-b
        }
        let priority = Priority::parse(reader.rest());
        if self.exchanges.contains_key(&id) {
            self.set_priority(id, priority);
            return Ok(());
        }
        if id < self.next_request {
            // It may be over here, and not yet out of QUIC's queue.
            self.priorities.changed.insert(id, priority);
        }
        let early = &mut self.priorities.early;
        early.insert(id, priority);
        if early.len() > self.config.limits.early_priorities {
            // The oldest is the likeliest to be over.
            early.pop_first();
        }
        Ok(())
    }

    /// What was said of a stream before its request came.
    pub(crate) fn early_priority(&mut self, id: u64) -> Option<Priority> {
        let early = self.priorities.early.remove(&id)?;
        if self.priorities.early.is_empty() {
            self.priorities.early = BTreeMap::new();
        }
        Some(early)
    }

    pub(crate) fn set_priority(&mut self, id: u64, priority: Priority) {
        let Some(exchange) = self.exchanges.get_mut(&id) else { return };
        if exchange.priority != priority {
            exchange.priority = priority;
            // QUIC hears of it when it has something of the stream.
            if exchange.has_begun {
                self.priorities.changed.insert(id, priority);
            }
        }
    }

    /// The first bytes of a stream have left.
    pub(crate) fn begun(&mut self, id: u64) {
        let Some(exchange) = self.exchanges.get_mut(&id) else { return };
        if !core::mem::replace(&mut exchange.has_begun, true) && exchange.priority != Priority::default() {
            self.priorities.changed.insert(id, exchange.priority);
        }
    }

    /// A stream is given up.
    pub(crate) fn forget_priority(&mut self, id: u64) {
        self.priorities.changed.remove(&id);
    }

    /// The next priority that QUIC is to know.
    pub(crate) fn next_priority(&mut self) -> Option<Departure> {
        let (id, priority) = self.priorities.changed.pop_first()?;
        if self.priorities.changed.is_empty() {
            self.priorities.changed = BTreeMap::new();
        }
        Some(Departure::Prioritize { stream: StreamId(id), priority })
    }
}

/// The payload of a PRIORITY_UPDATE frame.
pub(crate) fn payload(id: u64, priority: Priority) -> Vec<u8> {
    let mut payload = Vec::new();
    frame::varint(id, &mut payload);
    payload.extend_from_slice(priority.to_string().as_bytes());
    payload
}
