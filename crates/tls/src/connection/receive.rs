//! The way in: bytes to records, records to messages, data and alerts.

use super::{Connection, Event};
use crate::{
    Fault, Flight, Level,
    record::{self, HEADER_BYTES, Header, Opened},
    rules::{AlertDescription, ContentType, Side},
};
use sakigake_wire::Instant;

impl Connection {
    /// Takes `input` after what is pending.
    pub(super) fn receive(
        &mut self,
        now: Instant,
        input: &mut [u8],
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        let mut rest = input;
        // What is pending is completed record by record, so that all others are opened where they lie.
        while !self.pending.is_empty() && self.wants_bytes() {
            let missing = record::missing(&self.pending)?.min(rest.len());
            let (head, tail) = rest.split_at_mut(missing);
            self.pending.extend_from_slice(head);
            rest = tail;
            let mut pending = core::mem::take(&mut self.pending);
            let taken = self.walk(now, &mut pending, heard)?;
            pending.drain(..taken);
            self.pending = pending;
            if taken == 0 && rest.is_empty() {
                return Ok(());
            }
        }
        if self.pending.is_empty() && self.wants_bytes() {
            let taken = self.walk(now, rest, heard)?;
            rest = rest.split_at_mut(taken).1;
        }
        self.keep(rest)
    }

    fn wants_bytes(&self) -> bool {
        !self.peer_closed && self.handshake.wanted().is_none()
    }

    /// Keeps what could not be taken yet.
    fn keep(&mut self, rest: &[u8]) -> Result<(), Fault> {
        if self.peer_closed || (self.pending.is_empty() && rest.is_empty()) {
            self.pending = Vec::new(); // An idle connection holds no buffer.
            return Ok(());
        }
        // Without a question there is never more than the beginning of one record.
        if self.handshake.wanted().is_some() && self.pending.len() + rest.len() > self.limits.held_bytes {
            return Err(Fault::TooManyParts);
        }
        self.pending.extend_from_slice(rest);
        Ok(())
    }

    /// Takes the whole records at the beginning of `bytes`; gives how many bytes they have.
    fn walk(
        &mut self,
        now: Instant,
        bytes: &mut [u8],
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<usize, Fault> {
        let mut at = 0;
        while self.wants_bytes() {
            let rest = &mut bytes[at..];
            let Some(header) = Header::read(rest)? else { break };
            let Some(record) = rest.get_mut(..header.record_len()) else { break };
            self.take_record(now, header, record, heard)?;
            at += header.record_len();
        }
        Ok(if self.peer_closed { bytes.len() } else { at })
    }

    fn take_record(
        &mut self,
        now: Instant,
        header: Header,
        record: &mut [u8],
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        if header.kind == ContentType::CHANGE_CIPHER_SPEC {
            self.trace_received(record, &Opened::plain(header), heard);
            return self.take_change_cipher_spec(&record[HEADER_BYTES..]);
        }
        let opened = match self.opener.open(record) {
            Ok(opened) => opened,
            Err(fault) => return self.skip_early_data(record.len(), fault), // spec: 9846-4.3.10-n
        };
        self.trace_received(record, &opened, heard);
        self.admit(&opened)?;
        let content = &mut record[opened.content];
        match opened.kind {
            ContentType::HANDSHAKE => self.take_messages(now, content, heard),
            ContentType::ALERT => self.take_alert(content, heard),
            ContentType::APPLICATION_DATA => self.take_data(content, heard),
            ContentType::CHANGE_CIPHER_SPEC => Err(Fault::ProtectedChangeCipherSpec), // spec: 9846-5-b
            other => Err(Fault::UnexpectedRecord(other)),                             // spec: 9846-5-c
        }
    }

    fn trace_received(&mut self, record: &[u8], opened: &Opened, heard: &mut impl FnMut(Event<'_>)) {
        if let (Some(tracer), Some(header)) = (&mut self.tracer, record.first_chunk()) {
            tracer.receives(*header, opened.kind, &record[opened.content.clone()], opened.protected, heard);
        }
    }

    /// Plaintext is over once there are keys, except for the alert of a client that could not make them out.
    fn admit(&self, opened: &Opened) -> Result<(), Fault> {
        let level = self.opener.level();
        let is_first_alert = self.side == Side::Server // A server that sends ServerHello has keys behind it.
            && opened.kind == ContentType::ALERT
            && level == Level::Handshake
            && self.opener.is_fresh();
        if opened.protected || level == Level::Plain || is_first_alert {
            Ok(())
        } else {
            Err(Fault::UnexpectedRecord(opened.kind)) // spec: 9846-5-c spec: 9846-5-e
        }
    }

    /// Drops the disguise for middleboxes.
    fn take_change_cipher_spec(&mut self, body: &[u8]) -> Result<(), Fault> {
        if body != [1] {
            return Err(Fault::BadChangeCipherSpec); // spec: 9846-5-b
        }
        if !self.boundary.is_aligned() {
            return Err(Fault::InterleavedRecords); // spec: 9846-5.1-a
        }
        if !self.has_begun || self.established {
            return Err(Fault::UnexpectedChangeCipherSpec); // spec: 9846-5-d
        }
        self.count_empty(Fault::UnexpectedChangeCipherSpec)?;
        Ok(()) // spec: 9846-5-a
    }

    /// A server that did not accept early data passes over it (RFC 9846 section 4.3.10).
    fn skip_early_data(&mut self, record_len: usize, fault: Fault) -> Result<(), Fault> {
        let is_early = match fault {
            Fault::BadRecordMac => self.opener.level() == Level::Handshake && self.opener.is_fresh(),
            Fault::UnexpectedRecord(ContentType::APPLICATION_DATA) => self.opener.level() == Level::Plain,
            _ => false,
        };
        if self.side != Side::Server || !is_early || !self.handshake.ignores_early_data() {
            return Err(fault);
        }
        if !self.boundary.is_aligned() {
            return Err(Fault::InterleavedRecords); // spec: 9846-5.1-a
        }
        self.skipped_bytes += record_len;
        if self.skipped_bytes > self.limits.skipped_early_data_bytes {
            return Err(Fault::TooMuchEarlyData);
        }
        Ok(()) // spec: 9846-4.3.10-a
    }

    fn take_messages(
        &mut self,
        now: Instant,
        content: &[u8],
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        if content.is_empty() {
            return Err(Fault::EmptyRecord(ContentType::HANDSHAKE)); // spec: 9846-5.4-a
        }
        self.empty_records = 0;
        let mut rest = content;
        while !rest.is_empty() {
            rest = &rest[self.boundary.take(rest)..];
        }
        self.has_begun |= self.boundary.is_aligned();
        // Whoever asks for more before the answer to the last request has left asks too much.
        if self.established && self.outbox.unsent_bytes() > self.limits.unsent_bytes + self.own_bytes {
            return Err(Fault::TooManyPostHandshakeMessages);
        }
        let mut flight = Flight::default();
        let result = self.handshake.handle(now, self.opener.level(), content, &mut flight);
        // Also after a fault: its alert goes out under the keys that were agreed on before it.
        self.absorb(flight, heard);
        result
    }

    fn take_alert(&mut self, content: &[u8], heard: &mut impl FnMut(Event<'_>)) -> Result<(), Fault> {
        let description = match content {
            [] => return Err(Fault::EmptyRecord(ContentType::ALERT)), // spec: 9846-5.4-a
            [_, description] => AlertDescription(*description),       // spec: 9846-6-r
            _ => return Err(Fault::BadAlert),                         // spec: 9846-5.1-h
        };
        if !description.is_closure() {
            return Err(Fault::PeerAlert(description)); // spec: 9846-6-b
        }
        if !self.boundary.is_aligned() {
            return Err(Fault::InterleavedRecords); // spec: 9846-5.1-a
        }
        if description == AlertDescription::USER_CANCELED {
            return self.count_empty(Fault::TooManyWarnings); // What counts is the close_notify that follows.
        }
        if !self.established {
            return Err(Fault::PeerAlert(description)); // Nothing can come of it any more.
        }
        self.peer_closed = true; // spec: 9846-6.1-b
        self.closing_deadline = None;
        heard(Event::Closed);
        Ok(())
    }

    fn take_data(&mut self, content: &mut [u8], heard: &mut impl FnMut(Event<'_>)) -> Result<(), Fault> {
        match self.opener.level() {
            Level::Application => {}
            Level::EarlyData => {
                let left = self.early_bytes_left.checked_sub(content.len());
                self.early_bytes_left = left.ok_or(Fault::TooMuchEarlyData)?; // spec: 9846-4.7.1-n
            }
            Level::Plain | Level::Handshake => return Err(Fault::EarlyApplicationData),
        }
        if !self.boundary.is_aligned() {
            return Err(Fault::InterleavedRecords); // spec: 9846-5.1-a
        }
        if self.handshake.is_amid_authentication() {
            return Err(Fault::InterleavedRecords); // spec: 9846-4.7.2-b
        }
        if content.is_empty() {
            return self.count_empty(Fault::TooManyEmptyRecords);
        }
        self.empty_records = 0;
        heard(Event::Data(content));
        Ok(())
    }

    fn count_empty(&mut self, fault: Fault) -> Result<(), Fault> {
        self.empty_records += 1;
        if self.empty_records > self.limits.empty_records { Err(fault) } else { Ok(()) }
    }
}
