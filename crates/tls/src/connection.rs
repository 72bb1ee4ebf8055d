//! TLS over a byte stream: one [`Handshake`] and the record layer around it (RFC 9846 sections 5 and 6).
//!
//! ```text
//!   bytes in --handle--> records --> handshake messages --> Handshake --Flight--> keys, messages out, facts
//!                           \-----> Event::Data, in place
//!   transmit <-- handshake messages, change_cipher_spec, alerts, KeyUpdates (as many records as fit)
//!   seal     <-- application data, written where its record will lie
//! ```
//!
//! The owner sends what `transmit` gives until it gives nothing, then, while `may_send` says so, what `seal` gives. Both
//! may fill one buffer: a server's first flight and its first application data leave in one write.

mod event;
pub(crate) mod fuzz;
mod outbox;
mod receive;
mod tracer;

pub use event::Event;
pub use outbox::MIN_OUT_BYTES;
pub use tracer::Traced;

use crate::{
    Answer, EarlyData, EarlyOffer, Exporter, Fact, Fault, Flight, Handshake, KeyLogLine, Limits, Misuse,
    Session, Step, TicketNote, client,
    record::{Boundary, Opener, Padding},
    rules::{AlertDescription, Side},
    server,
};
use outbox::Outbox;
use sakigake_wire::{Entropy, Instant, Span};
use std::sync::Arc;
use tracer::Tracer;

/// One side of a TLS connection over a byte stream.
pub struct Connection {
    side: Side,
    handshake: Box<Handshake>,
    limits: Limits,
    opener: Opener,
    outbox: Outbox,
    /// Where handshake messages end in what was received.
    boundary: Boundary,
    /// Received and not yet opened: the beginning of a record, or whole records while the owner is asked something.
    /// Nothing is held, not even capacity, between two records.
    pending: Vec<u8>,
    /// The owner knows what is wanted of it.
    has_asked: bool,
    /// The first ClientHello is behind us.
    has_begun: bool,
    established: bool,
    /// Records without content since the last one that had some.
    empty_records: u32,
    /// Bytes of messages that we sent of our own accord since the last time that nothing waited.
    own_bytes: usize,
    /// Bytes of early data that a server has skipped.
    skipped_bytes: usize,
    /// Bytes of early data that a server still takes.
    early_bytes_left: usize,
    /// What came of a client's first message; none at a server, and where nothing did.
    beginning: Option<Box<Beginning>>,
    /// No more will come: close_notify, or the end of the bytes.
    peer_closed: bool,
    /// We have sent, or queued, close_notify.
    closed: bool,
    closing_deadline: Option<Instant>,
    fault: Option<Fault>,
    tracer: Option<Box<Tracer>>,
}

/// A client's early data, as far as its ClientHello decides of it.
struct Beginning {
    early: EarlyOffer,
    /// Lines of the key log that nobody has heard yet.
    key_log: Vec<KeyLogLine>,
}

impl Connection {
    /// A client for `server_name`, a DNS name or an IP address. Its ClientHello is ready to transmit.
    pub fn client(
        config: Arc<client::Config>,
        server_name: &str,
        now: Instant,
        entropy: Box<dyn Entropy>,
    ) -> Result<Self, Misuse> {
        Self::resume(config, server_name, None, now, entropy)
    }

    /// As [`Connection::client`], resuming an earlier connection where that is possible.
    pub fn resume(
        config: Arc<client::Config>,
        server_name: &str,
        session: Option<Session>,
        now: Instant,
        entropy: Box<dyn Entropy>,
    ) -> Result<Self, Misuse> {
        let (limits, padding) = (config.limits.clone(), config.padding);
        let mut flight = Flight::default();
        let handshake = Handshake::resume(config, server_name, session, now, entropy, &mut flight)?;
        let mut connection = Self::new(Side::Client, handshake, limits).padded(padding);
        connection.has_begun = true;
        connection.carry_out(flight.steps);
        if let Some(Fact::EarlyData(early)) = flight.facts.pop() {
            connection.outbox.allow_early_data(early.max_bytes as usize); // Of 32 bits, as every target's has at least.
            connection.beginning = Some(Box::new(Beginning { early, key_log: flight.key_log }));
        }
        Ok(connection)
    }

    /// A server that waits for a ClientHello.
    pub fn server(config: Arc<server::Config>, now: Instant, entropy: Box<dyn Entropy>) -> Self {
        let (limits, padding) = (config.limits.clone(), config.padding);
        Self::new(Side::Server, Handshake::server(config, now, entropy), limits).padded(padding)
    }

    fn padded(mut self, padding: Padding) -> Self {
        if padding != Padding::None {
            self.pad(padding);
        }
        self
    }

    /// Takes what the transport received, in any split; records are opened where they lie in `input`.
    ///
    /// An error is final: its alert waits in [`Connection::transmit`], and later input is ignored.
    pub fn handle(
        &mut self,
        now: Instant,
        input: &mut [u8],
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        self.tell_sent(heard);
        if self.fault.is_some() || self.peer_closed {
            return Ok(());
        }
        let result = self.receive(now, input, heard);
        self.settle(result)
    }

    /// The transport's bytes ended. That is a fault, unless close_notify came before: what was received may be only the
    /// beginning of what was sent. No alert is queued, and an established connection may still send.
    pub fn eof(&mut self) -> Result<(), Fault> {
        if self.fault.is_some() || self.peer_closed {
            return Ok(());
        }
        self.peer_closed = true;
        self.pending = Vec::new();
        if !self.established {
            return self.settle(Err(Fault::Truncated));
        }
        Err(Fault::Truncated) // spec: 9846-6.1-e
    }

    /// Takes the owner's answer to [`Event::Wanted`], then what was received meanwhile.
    pub fn answer(
        &mut self,
        now: Instant,
        answer: Answer,
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        if self.fault.is_some() {
            return Ok(());
        }
        self.has_asked = false;
        let mut flight = Flight::default();
        let result = self.handshake.answer(now, answer, &mut flight);
        self.absorb(flight, heard);
        let result = result.and_then(|()| self.receive(now, &mut [], heard));
        self.settle(result)
    }

    /// Tells the time. When that ends the connection, [`Connection::fault`] says why.
    pub fn expire(&mut self, now: Instant) {
        if self.fault.is_none() {
            let result = self.handshake.expire(now);
            // The fault is kept, and its alert queued, by `settle`.
            let _ = self.settle(result);
        }
        if self.closing_deadline.is_some_and(|deadline| deadline <= now) {
            self.closing_deadline = None;
            self.peer_closed = true; // It had its time to answer our close_notify.
        }
    }

    /// When [`Connection::expire`] wants to be called.
    pub fn deadline(&self) -> Option<Instant> {
        let handshake = if self.fault.is_none() { self.handshake.deadline() } else { None };
        [handshake, self.closing_deadline].into_iter().flatten().min()
    }

    /// Fills `out` with as many whole records as fit: handshake messages, change_cipher_spec, alerts, KeyUpdates.
    /// None when nothing waits. `out` should have [`MIN_OUT_BYTES`] at least; less than that may give nothing for ever.
    pub fn transmit(&mut self, now: Instant, out: &mut [u8]) -> Option<usize> {
        if self.handshake.owes_update() && self.fault.is_none() && !self.closed {
            let mut flight = Flight::default();
            self.handshake.respond(&mut flight);
            self.carry_out(flight.steps);
        }
        if self.established && self.outbox.wants_update() {
            self.update_keys(); // 0.5-RTT data has used them up, or our own messages have.
        }
        let len = self.outbox.transmit(out, self.tracer.as_deref_mut());
        let awaits_peer = self.closed && !self.peer_closed && self.fault.is_none();
        if awaits_peer && self.outbox.is_empty() && self.closing_deadline.is_none() {
            self.closing_deadline = Some(now + Span::from_millis(self.limits.closing_ms));
        }
        len
    }

    /// Makes one application_data record at the beginning of `out`: `write` gets the place where its content will lie, and
    /// tells how many bytes of it are filled. Gives the record's length; 0 when `write` gave 0, when `out` has no room
    /// for a byte, or when now is no time ([`Connection::may_send`]).
    ///
    /// # Panics
    /// When `write` tells more than it was given.
    pub fn seal(&mut self, out: &mut [u8], write: &mut dyn FnMut(&mut [u8]) -> usize) -> usize {
        if !self.may_send() {
            return 0;
        }
        let len = self.outbox.seal(out, write, self.tracer.as_deref_mut());
        if self.outbox.wants_update() {
            self.update_keys(); // spec: 9846-5.5-a
        }
        len
    }

    /// The same for `content` that lies elsewhere, which is encrypted on its way to `out` instead of being copied there first.
    /// Gives how many bytes of it the record carries, and the record's length; nothing where [`Connection::seal`] gives 0.
    pub fn seal_from(&mut self, out: &mut [u8], content: &[u8]) -> (usize, usize) {
        if !self.may_send() {
            return (0, 0);
        }
        let lens = self.outbox.seal_from(out, content, self.tracer.as_deref_mut());
        if self.outbox.wants_update() {
            self.update_keys(); // spec: 9846-5.5-a
        }
        lens
    }

    /// Whether application data may be sealed now: its keys are there (at a server as soon as its flight is: 0.5-RTT; at a
    /// client that sends early data from the beginning, until it has sent as much as it may), all
    /// that [`Connection::transmit`] has to give was fetched, and the connection is neither closed by us nor broken.
    pub fn may_send(&self) -> bool {
        self.fault.is_none() && !self.closed && !self.handshake.owes_update() && self.outbox.may_send()
    }

    /// Gives out keying material to whoever runs above TLS (RFC 9846 section 7.5); none before the handshake is over.
    pub fn exporter(&self) -> Option<&Exporter> {
        self.handshake.exporter()
    }

    /// Goes on under new keys, and asks the peer to do the same. Nothing happens before the handshake is over.
    pub fn update_keys(&mut self) {
        if self.fault.is_some() || self.closed {
            return;
        }
        let mut flight = Flight::default();
        self.handshake.update_keys(&mut flight);
        self.carry_out(flight.steps);
    }

    /// Server: asks the client for its certificate now that the handshake is over (RFC 9846 section 4.7.2), as
    /// [`server::ClientAuthentication`] says for its host; [`Event::Authenticated`] tells the answer, which may take any time.
    ///
    /// # Errors
    /// It cannot be asked: [`Misuse::Request`] says why.
    pub fn request_certificate(&mut self) -> Result<(), Misuse> {
        if self.fault.is_some() || self.closed {
            return Err(Misuse::Request);
        }
        let mut flight = Flight::default();
        self.handshake.request_certificate(&mut flight)?;
        self.carry_out(flight.steps);
        Ok(())
    }

    /// Server: tickets wait for [`Connection::send_tickets`] rather than leave straight after the client's Finished. Call it
    /// before anything else.
    pub fn hold_tickets(&mut self) {
        self.handshake.hold_tickets();
    }

    /// Server: sends the tickets that were held, each with the owner's `note`, which [`Event::Negotiated`] tells where one of them
    /// is gone on from. Nothing happens before the handshake is over, and where none is due any more.
    pub fn send_tickets(&mut self, now: Instant, note: Option<TicketNote>) {
        if self.fault.is_some() || self.closed {
            return;
        }
        let mut flight = Flight::default();
        self.handshake.send_tickets(now, note, &mut flight);
        self.carry_out(flight.steps);
    }

    /// Ends the connection by `fault`, which the owner found in what TLS carries: its alert is the last word.
    pub fn abort(&mut self, fault: Fault) {
        if self.fault.is_none() {
            // It is kept, and its alert queued.
            let _ = self.settle(Err(fault));
        }
    }

    /// Ends what we send, with close_notify; what the peer sends is still received. Before the handshake is over it
    /// cancels the connection.
    pub fn close(&mut self) {
        if self.fault.is_some() || self.closed {
            return;
        }
        self.closed = true;
        if !self.established {
            self.outbox.alert(AlertDescription::USER_CANCELED); // spec: 9846-6.1-d
        }
        self.outbox.alert(AlertDescription::CLOSE_NOTIFY); // spec: 9846-6.1-c
    }

    /// From here on makes protected records longer than their content, to hide its length.
    pub fn pad(&mut self, padding: Padding) {
        let seed = self.handshake.chance();
        self.outbox.pad(padding, seed);
    }

    /// From here on tells every record and message as [`Event::Traced`]; call it before anything else to see the first
    /// ones. What is sent is told with the next input or by [`Connection::tell_sent`].
    pub fn trace(&mut self) {
        self.tracer = Some(Box::new(Tracer::new(self.side)));
    }

    /// Tells what was sent since the last call, where [`Connection::trace`] asked for it.
    pub fn tell_sent(&mut self, heard: &mut impl FnMut(Event<'_>)) {
        if let Some(tracer) = &mut self.tracer {
            tracer.tell(heard);
        }
    }

    /// The terms of the early data that this client may send, from its beginning on: while [`Connection::may_send`] says so,
    /// [`Connection::seal`] makes it. [`Event::Negotiated`] tells whether the server took it.
    pub fn early_data(&self) -> Option<&EarlyOffer> {
        self.beginning.as_ref().map(|beginning| &beginning.early)
    }

    /// What ended the connection.
    pub fn fault(&self) -> Option<&Fault> {
        self.fault.as_ref()
    }

    /// Whether the peer's Finished was verified.
    pub fn is_established(&self) -> bool {
        self.established
    }

    /// Whether the owner is asked something; until it answers, what it still hands in is held, so it had better not read.
    pub fn is_waiting(&self) -> bool {
        self.handshake.wanted().is_some()
    }

    /// Whether nothing is left to receive or to transmit: the transport can be closed.
    pub fn is_closed(&self) -> bool {
        self.outbox.is_empty() && (self.fault.is_some() || (self.closed && self.peer_closed))
    }

    /// Whether we sent, and `transmit` gave, our close_notify: nothing more will leave. The peer may still send.
    pub fn has_closed(&self) -> bool {
        self.outbox.is_empty() && self.closed
    }

    fn new(side: Side, handshake: Handshake, limits: Limits) -> Self {
        let outbox = Outbox::new(side, limits.records_per_key);
        Self {
            side,
            handshake: Box::new(handshake),
            limits,
            opener: Opener::new(),
            outbox,
            boundary: Boundary::default(),
            pending: Vec::new(),
            has_asked: false,
            has_begun: false,
            established: false,
            empty_records: 0,
            own_bytes: 0,
            skipped_bytes: 0,
            early_bytes_left: 0,
            beginning: None,
            peer_closed: false,
            closed: false,
            closing_deadline: None,
            fault: None,
            tracer: None,
        }
    }

    /// Does what the handshake's flight asks for, and passes on what it tells.
    fn absorb(&mut self, flight: Flight, heard: &mut impl FnMut(Event<'_>)) {
        let beginning = self.beginning.as_mut().map(|beginning| core::mem::take(&mut beginning.key_log));
        for line in beginning.into_iter().flatten().chain(flight.key_log) {
            heard(Event::KeyLog(&line));
        }
        self.carry_out(flight.steps);
        for fact in flight.facts {
            match fact {
                Fact::Negotiated(negotiated) => {
                    if let EarlyData::Accepted { max_bytes } = negotiated.early_data {
                        self.early_bytes_left = max_bytes as usize;
                    }
                    heard(Event::Negotiated(negotiated));
                }
                Fact::EarlyData(_) => {} // Told when the connection was made.
                Fact::TransportParameters(_) => {} // Over QUIC alone.
                Fact::Ticket(session) => heard(Event::Ticket(session)),
                Fact::Authenticated(identity) => heard(Event::Authenticated(identity)),
                Fact::BarredRequest => heard(Event::BarredRequest),
                Fact::Established => {
                    self.established = true;
                    heard(Event::Established);
                }
            }
        }
        if let Some(wanted) = self.handshake.wanted()
            && !self.has_asked
        {
            self.has_asked = true;
            heard(Event::Wanted(wanted.clone()));
        }
    }

    fn carry_out(&mut self, steps: Vec<Step>) {
        if self.outbox.is_empty() {
            self.own_bytes = 0;
        }
        self.own_bytes += steps.iter().map(Step::own_bytes).sum::<usize>();
        for step in steps {
            match step {
                Step::ReadKey(secret) => self.opener.install(&secret),
                Step::LimitRecords { sent, received } => {
                    self.opener.limit(received);
                    self.outbox.limit(sent);
                }
                _ if self.closed => {} // spec: 9846-6.1-a
                Step::Send { message, .. } => self.outbox.send(message),
                Step::WriteKey(secret) => self.outbox.install(secret),
                Step::WritePlain => self.outbox.install_none(),
            }
        }
    }

    /// Keeps the first fault, and queues its one alert.
    fn settle(&mut self, result: Result<(), Fault>) -> Result<(), Fault> {
        let Err(fault) = &result else { return result };
        self.pending = Vec::new();
        self.opener = Opener::new(); // spec: 9846-6-c
        self.handshake.end();
        self.closing_deadline = None;
        match fault {
            Fault::PeerAlert(_) | Fault::Truncated => self.outbox.clear(), // spec: 9846-6-b
            _ if self.closed => {}                                         // spec: 9846-6.1-a
            _ => {
                self.outbox.abandon();
                self.outbox.alert(fault.alert()); // spec: 9846-6.2-r
                if fault.alert() == AlertDescription::USER_CANCELED {
                    self.outbox.alert(AlertDescription::CLOSE_NOTIFY);
                }
            }
        }
        self.fault = Some(fault.clone());
        result
    }
}

impl core::fmt::Debug for Connection {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Connection")
            .field("side", &self.side)
            .field("opener", &self.opener)
            .field("outbox", &self.outbox)
            .field("established", &self.established)
            .field("fault", &self.fault)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
