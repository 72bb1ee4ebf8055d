//! HTTP datagrams in QUIC's (RFC 9297 section 2.1). Requests that know them are those of extended CONNECT: what its protocol makes of
//! them is for whoever speaks that.

use crate::connection::{Connection, Notice};
use crate::request::Phase;
use crate::{Fault, Flood, frame};
use sakigake_semantics::{Misuse, StreamId};
use sakigake_wire::{Instant, MAX_VARINT, Reader};

/// The largest Quarter Stream ID.
const MOST_QUARTER: u64 = MAX_VARINT / 4;

impl Connection {
    /// A QUIC datagram came: the stream that it belongs to and its payload, where somebody may want it.
    ///
    /// # Errors
    /// As those of [`handle`](Self::handle).
    pub fn handle_datagram<'a>(
        &mut self,
        now: Instant,
        datagram: &'a [u8],
    ) -> Result<Option<(StreamId, &'a [u8])>, Fault> {
        if self.is_over() || !self.config.datagrams {
            return Ok(None);
        }
        let taken = self.take_datagram(now, datagram);
        self.bear(taken.as_ref().map_or_else(|fault| Err(*fault), |_| Ok(())));
        taken
    }

    fn take_datagram<'a>(
        &mut self,
        now: Instant,
        datagram: &'a [u8],
    ) -> Result<Option<(StreamId, &'a [u8])>, Fault> {
        let mut reader = Reader::new(datagram);
        let quarter = reader.varint().ok().filter(|quarter| *quarter <= MOST_QUARTER);
        let id = quarter.ok_or(Fault::Datagram)? * 4; // spec: 9297-2.1-a
        if !self.client && id >= self.peer_requests_below {
            return Err(Fault::DatagramStream); // spec: 9297-2.1-d
        }
        // What comes before its request is lost, as any datagram may be.
        let exchange = self.exchanges.get(&id).filter(|exchange| exchange.known);
        let Some(exchange) = exchange.filter(|exchange| exchange.phase != Phase::Ended) else {
            return Ok(None); // spec: 9297-2.1-c
        };
        if exchange.datagrams {
            return Ok(Some((StreamId(id), reader.rest())));
        }
        self.budget.spend(now, &self.config.limits, Flood::Resets)?;
        let code = Fault::Datagram.code();
        self.notices.push_back(Notice::Reset { stream: id, code: code.wire() });
        self.abandon(id, code)?; // spec: 9297-2-a
        Ok(None)
    }

    /// Sends a datagram with a request of extended CONNECT. It leaves with the next packets, or never; how long it may be is for
    /// QUIC to say.
    ///
    /// # Errors
    /// [`Misuse::Protocol`] where not both sides said that they take datagrams; [`Misuse::Order`] where the request knows none, or our
    /// direction has ended; [`Misuse::Full`] when nobody fetches what waits.
    pub fn send_datagram(&mut self, stream: StreamId, payload: &[u8]) -> Result<(), Misuse> {
        let is_known = self.heard.known().is_some_and(|settings| settings.h3_datagram);
        if !self.config.datagrams || !is_known {
            return Err(Misuse::Protocol); // spec: 9297-2.1.1-b
        }
        let exchange = self.exchanges.get(&stream.0).ok_or(Misuse::UnknownStream)?;
        // spec: 9297-2-b 9297-2.1-b
        if !exchange.datagrams || exchange.output.is_ended() {
            return Err(Misuse::Order);
        }
        let mut datagram = Vec::with_capacity(8 + payload.len());
        frame::varint(stream.0 / 4, &mut datagram);
        datagram.extend_from_slice(payload);
        if self.datagram_bytes + datagram.len() > self.config.limits.datagram_queue_bytes {
            return Err(Misuse::Full);
        }
        self.datagram_bytes += datagram.len();
        self.datagrams.push_back(datagram);
        Ok(())
    }
}
