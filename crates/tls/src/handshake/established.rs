use super::Turn;
use crate::{
    Answer, Exporter, Fact, Fault, Flight, Level, Limits, MAX_TICKET_LIFETIME_SECS, Misuse, Session, Step,
    TicketNote, TrafficSecret, Wanted, client, config,
    message::{HEADER_BYTES, KeyUpdate, Message, NewSessionTicket},
    resumption::{Origin, Transport},
    rules::HandshakeType,
    server,
};
use sakigake_wire::{Entropy, Instant, Span};

/// After the handshake. It holds the two secrets that KeyUpdate goes on from, the one for exporters and, where there is such,
/// what a client's tickets have in common and what a certificate that is asked for now is held against; no more.
pub(crate) struct Established {
    read: TrafficSecret,
    write: TrafficSecret,
    /// We have asked for an update that has not come yet.
    has_asked: bool,
    /// The peer has asked for an update that we have not sent yet.
    owes_update: bool,
    updates: Window,
    tickets: Window,
    resumption: Option<Box<Resumption>>,
    exporter: Exporter,
    later: Option<Later>,
    /// A server's tickets that wait for its owner.
    promised: Option<Box<server::Promised>>,
    /// QUIC carries it, which updates keys in its own way.
    is_quic: bool,
}

/// Client authentication after the handshake; without it a request for it is unexpected.
enum Later {
    Client(client::Later),
    Server(Box<server::Later>),
}

/// What a client makes sessions of, as tickets come.
pub(crate) struct Resumption {
    pub(crate) origin: Origin,
    pub(crate) unix_secs_at_start: u64,
}

/// Bounds events in windows of 10 seconds.
pub(crate) struct Window {
    since: Instant,
    count: u32,
    per_10_s: u32,
}

impl Established {
    /// `read` is the peer's secret, `write` ours.
    pub(crate) fn new(
        read: TrafficSecret,
        write: TrafficSecret,
        exporter: Exporter,
        limits: &Limits,
    ) -> Self {
        let updates = Window::new(limits.key_updates_per_10_s);
        let tickets = Window::new(limits.tickets_per_10_s);
        Self {
            read,
            write,
            has_asked: false,
            owes_update: false,
            updates,
            tickets,
            resumption: None,
            exporter,
            later: None,
            promised: None,
            is_quic: false,
        }
    }

    /// The same where QUIC carries it, or not.
    pub(crate) fn over_quic(self, is_quic: bool) -> Self {
        Self { is_quic, ..self }
    }

    /// The same for a client that takes tickets.
    pub(crate) fn with_resumption(self, resumption: Option<Box<Resumption>>) -> Self {
        Self { resumption, ..self }
    }

    /// Gives out keying material.
    pub(super) fn exporter(&self) -> &Exporter {
        &self.exporter
    }

    /// The same for a client that knows what to make of a CertificateRequest.
    pub(crate) fn with_client_later(self, later: Option<client::Later>) -> Self {
        Self { later: later.map(Later::Client), ..self }
    }

    /// The same for a server whose client takes a CertificateRequest.
    pub(crate) fn with_server_later(self, later: server::Later) -> Self {
        Self { later: Some(Later::Server(Box::new(later))), ..self }
    }

    /// The same for a server that is still to send its tickets.
    pub(crate) fn with_promised(self, promised: server::Promised) -> Self {
        Self { promised: Some(Box::new(promised)), ..self }
    }

    /// Sends them.
    pub(crate) fn send_tickets(
        &mut self,
        now: Instant,
        note: Option<TicketNote>,
        entropy: &mut dyn Entropy,
        flight: &mut Flight,
    ) {
        if let Some(promised) = self.promised.take() {
            promised.send(now, note, entropy, flight);
        }
    }

    /// Whether a message of this type is taken now, from whichever side may send it.
    pub(crate) fn takes(&self, kind: HandshakeType) -> bool {
        if self.is_quic && kind == HandshakeType::KEY_UPDATE {
            return false; // spec: 9001-6-b
        }
        let is_usual = matches!(kind, HandshakeType::KEY_UPDATE | HandshakeType::NEW_SESSION_TICKET);
        match self.later.as_ref() {
            Some(Later::Server(later)) => later.takes(kind) || (is_usual && !later.is_amid()), // spec: 9846-4.7.2-b
            Some(Later::Client(_)) => is_usual || kind == HandshakeType::CERTIFICATE_REQUEST,
            None => is_usual, // spec: 9846-4.7.2-k
        }
    }

    /// Asks the client for its certificate.
    pub(crate) fn request_certificate(
        &mut self,
        entropy: &mut dyn Entropy,
        flight: &mut Flight,
    ) -> Result<(), Misuse> {
        let is_asked = match self.later.as_mut() {
            Some(Later::Server(later)) => later.request(entropy, flight),
            Some(Later::Client(_)) | None => false,
        };
        if is_asked { Ok(()) } else { Err(Misuse::Request) }
    }

    /// Whether the client is in the middle of its answer.
    pub(crate) fn is_amid_authentication(&self) -> bool {
        matches!(self.later.as_ref(), Some(Later::Server(later)) if later.is_amid())
    }

    /// For the table of states: what it awaits beside what it always takes.
    #[cfg(test)]
    pub(crate) fn later_name(&self) -> &'static str {
        match self.later.as_ref() {
            Some(Later::Client(later)) if later.wanted().is_some() => "client Established, wants a signature",
            Some(Later::Client(client::Later::Barred)) => "client Established, bars requests",
            Some(Later::Client(client::Later::Willing(_))) => "client Established, answers requests",
            Some(Later::Server(later)) => later.name(),
            None => "",
        }
    }

    /// What it wants of its owner.
    pub(crate) fn wanted(&self) -> Option<&Wanted> {
        match self.later.as_ref()? {
            Later::Client(later) => later.wanted(),
            Later::Server(later) => later.wanted(),
        }
    }

    /// Takes the owner's answer.
    pub(crate) fn answer(&mut self, answer: Answer, turn: &mut Turn<'_>) -> Result<(), Fault> {
        match (self.later.as_mut(), answer) {
            (Some(Later::Client(later)), Answer::Signature(signature)) => {
                later.answer(signature, &self.write, turn)
            }
            (Some(Later::Server(later)), Answer::Verify(verdict)) => later.answer(verdict),
            _ => Err(Fault::Internal("the answer is to another question")),
        }
    }

    /// Takes what may come after the handshake.
    pub(crate) fn take(mut self, message: &[u8], turn: &mut Turn<'_>) -> Result<Self, Fault> {
        let read = Message::read(message)?;
        if matches!(read, Message::CertificateRequest(_)) {
            self.respond(turn.flight); // What is owed does not come between the messages of the answer.
        }
        match read {
            Message::KeyUpdate(update) => self.take_update(update, turn)?,
            Message::NewSessionTicket(ticket) if self.tickets.takes(turn.now) => {
                let most = ticket.extensions.early_data;
                if self.is_quic && most.is_some_and(|most| most != QUIC_MAX_EARLY_DATA_SIZE) {
                    return Err(Fault::BadMaxEarlyDataSize); // spec: 9001-4.6.1-b
                }
                let session = self
                    .resumption
                    .as_ref()
                    .and_then(|resumption| resumption.session(&ticket, self.is_quic, turn.now)); // spec: 9846-4.7.1-k
                turn.flight.facts.extend(session.map(|session| Fact::Ticket(Box::new(session))));
            }
            Message::NewSessionTicket(_) => return Err(Fault::TooManyPostHandshakeMessages),
            read => match (self.later.as_mut(), read) {
                (Some(Later::Client(later)), Message::CertificateRequest(request)) => {
                    later.take(&request, message, &self.write, turn)?;
                }
                (Some(Later::Server(later)), read) if later.takes(read.kind()) => {
                    later.take(message, &self.read, turn)?;
                }
                (_, read) => return Err(Fault::UnexpectedMessage(read.kind())),
            },
        }
        Ok(self)
    }

    /// Goes on under our next keys, and asks the peer to do the same unless it was asked already.
    pub(crate) fn update_keys(&mut self, flight: &mut Flight) {
        if self.is_quic {
            return; // spec: 9001-6-a
        }
        self.respond(flight);
        let update_requested = !core::mem::replace(&mut self.has_asked, true); // spec: 9846-4.7.3-m
        self.send_update(update_requested, flight);
    }

    fn take_update(&mut self, update: KeyUpdate, turn: &mut Turn<'_>) -> Result<(), Fault> {
        if !self.updates.takes(turn.now) {
            return Err(Fault::TooManyKeyUpdates);
        }
        self.has_asked = false;
        self.read = self.read.clone().next(); // spec: 9846-4.7.3-k
        turn.flight.steps.push(Step::ReadKey(self.read.clone()));
        self.owes_update |= update.update_requested; // spec: 9846-4.7.3-l
        Ok(())
    }

    /// Whether the peer waits for an update of ours.
    pub(super) fn owes_update(&self) -> bool {
        self.owes_update
    }

    /// Sends what is owed: one update, however many were asked for.
    pub(super) fn respond(&mut self, flight: &mut Flight) {
        if core::mem::take(&mut self.owes_update) {
            self.send_update(false, flight);
        }
    }

    /// KeyUpdate goes out under the old keys, all else under the new ones.
    fn send_update(&mut self, update_requested: bool, flight: &mut Flight) {
        let mut message = Vec::with_capacity(HEADER_BYTES + 1);
        KeyUpdate { update_requested }.write(&mut message);
        flight.steps.push(Step::Send { level: Level::Application, message });
        self.write = self.write.clone().next();
        flight.steps.push(Step::WriteKey(self.write.clone()));
    }
}

/// What a ticket over QUIC says of early data where it may be sent (RFC 9001 section 4.6.1).
pub(crate) const QUIC_MAX_EARLY_DATA_SIZE: u32 = u32::MAX;

impl Resumption {
    /// What the ticket resumes; none where it is to be dropped at once.
    fn session(&self, ticket: &NewSessionTicket<'_>, is_quic: bool, now: Instant) -> Option<Session> {
        let lifetime_secs = ticket.ticket_lifetime.min(MAX_TICKET_LIFETIME_SECS); // spec: 9846-4.7.1-c
        let origin = &self.origin;
        (lifetime_secs > 0).then(|| Session {
            server_name: origin.server_name.clone().unwrap_or_default(), // A client always has one.
            suite: origin.suite.id,
            secret: origin.ticket_key(ticket.ticket_nonce),
            ticket: ticket.ticket.to_vec(),
            ticket_age_add: ticket.ticket_age_add,
            lifetime_secs,
            received_unix_ms: config::unix_ms(self.unix_secs_at_start, now),
            authenticated_unix_secs: origin.authenticated_unix_secs,
            alpn: origin.alpn.clone(),
            chain: origin.chain.clone(),
            verdict: origin.verdict.clone(),
            max_early_data: ticket.extensions.early_data.unwrap_or(0), // None: it takes none.
            client_certificates: origin.client_certificates,
            kept: Vec::new(),
            transport: Transport::new(is_quic),
        })
    }
}

impl Window {
    pub(crate) fn new(per_10_s: u32) -> Self {
        Self { since: Instant::default(), count: 0, per_10_s }
    }

    /// Counts one more, and tells whether it is within the bound.
    pub(crate) fn takes(&mut self, now: Instant) -> bool {
        if self.count == 0 || now.since(self.since) >= Span::from_secs(10) {
            (self.since, self.count) = (now, 0);
        }
        self.count = self.count.saturating_add(1);
        self.count <= self.per_10_s
    }
}
