//! The composition itself. `Session` alone decides what goes into a turn's output and in which order.

use crate::{
    Agreed, ClientConfig, Event, Fault, Mark, Protocol, ServerConfig, frames::Frames, hints::Hints,
    plain::Outgoing,
};
use sakigake_h2 as h2;
use sakigake_preload::Told;
use sakigake_semantics as semantics;
use sakigake_tls::{self as tls, rules::HandshakeType};
use sakigake_wire::{Entropy, Instant};
use std::sync::Arc;

/// HTTP/2 over TLS, as ALPN names it (RFC 9113 section 3.2).
const H2: &[u8] = b"h2";

/// One connection: TLS, what is spoken inside it, and the hints.
pub struct Session {
    tls: tls::Connection,
    spoken: Spoken,
    role: Role,
    /// Where the configuration asks for them.
    frames: Option<Box<Frames>>,
    server_name: Option<String>,
    agreed: Option<Agreed>,
    identity: Option<tls::Identity>,
    is_ready: bool,
    /// The host asks clients who they are: hints wait until one has said so.
    is_client_asked: bool,
    is_closing: bool,
    /// What TLS tells the peer at the end in place of close_notify.
    last_word: Option<tls::Fault>,
    /// The peer sent close_notify.
    is_peer_done: bool,
    /// The pipe brought something.
    has_begun: bool,
    /// A server's tickets wait until it is known what they say of hints.
    owes_tickets: bool,
}

/// What is spoken inside TLS, once ALPN has decided.
enum Spoken {
    Undecided,
    H2(Box<h2::Connection>),
    Plain(Outgoing),
}

enum Role {
    Server { config: Arc<ServerConfig>, hints: Option<Hints> },
    Client { config: Arc<ClientConfig> },
}

impl Session {
    /// A server's side of a byte pipe that was just accepted.
    pub fn server(config: Arc<ServerConfig>, now: Instant, entropy: Box<dyn Entropy>) -> Self {
        let mut tls = tls::Connection::server(config.tls.clone(), now, entropy);
        if config.trace {
            tls.trace();
        }
        let trace = config.trace;
        let hints = config.hints.clone().map(Hints::new);
        let owes_tickets = hints.is_some();
        if owes_tickets {
            tls.hold_tickets();
        }
        Self { owes_tickets, ..Self::new(tls, Role::Server { config, hints }, trace) }
    }

    /// A client's side of a byte pipe that was just opened to `server_name`, a host or an IP address without port.
    pub fn client(
        config: Arc<ClientConfig>,
        server_name: &str,
        now: Instant,
        entropy: Box<dyn Entropy>,
    ) -> Result<Self, tls::Misuse> {
        Self::resume(config, server_name, None, now, entropy)
    }

    /// As [`Session::client`], going on from an earlier connection where both sides can: `earlier` came as an
    /// [`Event::Ticket`], and is used up in any case.
    pub fn resume(
        config: Arc<ClientConfig>,
        server_name: &str,
        earlier: Option<tls::Session>,
        now: Instant,
        entropy: Box<dyn Entropy>,
    ) -> Result<Self, tls::Misuse> {
        let mut tls = tls::Connection::resume(config.tls.clone(), server_name, earlier, now, entropy)?;
        if config.trace {
            tls.trace();
        }
        let trace = config.trace;
        let early = tls.early_data().map(|early| early.alpn.clone());
        let mut session = Self::new(tls, Role::Client { config }, trace);
        if let Some(alpn) = early {
            session.spoken = session.role.speak(now, alpn.as_deref(), None);
        }
        Ok(session)
    }

    fn new(tls: tls::Connection, role: Role, trace: bool) -> Self {
        Self {
            tls,
            spoken: Spoken::Undecided,
            role,
            frames: trace.then(Box::default),
            server_name: None,
            agreed: None,
            identity: None,
            is_ready: false,
            is_client_asked: false,
            is_closing: false,
            last_word: None,
            is_peer_done: false,
            has_begun: false,
            owes_tickets: false,
        }
    }

    /// Takes bytes of the pipe, in any split; they are opened in place.
    ///
    /// # Errors
    /// The peer broke a rule: send what `transmit` still gives, then close the pipe.
    pub fn handle(
        &mut self,
        now: Instant,
        input: &mut [u8],
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        self.has_begun = true;
        let (tls, mut listener) = self.parts(now, heard);
        tls.handle(now, input, &mut |event| listener.hear(event)).map_err(Fault::Tls)?;
        let outcome = listener.outcome();
        self.hint_later(now);
        outcome
    }

    /// The pipe will bring nothing more.
    ///
    /// # Errors
    /// It ended without close_notify: what was read may be cut short. Where nothing can have been lost that is no fault,
    /// since many peers leave that way: HTTP/2 with no stream open, or a server to which nobody has said a word.
    pub fn end(&mut self) -> Result<(), Fault> {
        let cut = self.tls.eof().map_err(Fault::Tls);
        let is_harmless = match &self.spoken {
            Spoken::H2(h2) => self.is_ready && !h2.has_streams(),
            Spoken::Undecided => !self.has_begun && matches!(self.role, Role::Server { .. }),
            Spoken::Plain(_) => false,
        };
        if is_harmless { Ok(()) } else { cut }
    }

    /// Answers what an [`Event::Wanted`] asked for.
    ///
    /// # Errors
    /// As [`Session::handle`]: the answer may be that the peer is not to be trusted.
    pub fn answer(
        &mut self,
        now: Instant,
        answer: tls::Answer,
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        let (tls, mut listener) = self.parts(now, heard);
        tls.answer(now, answer, &mut |event| listener.hear(event)).map_err(Fault::Tls)?;
        listener.outcome()
    }

    /// TLS, and who listens to it: two parts, since one calls the other.
    fn parts<'a, F: FnMut(Event<'_>)>(
        &'a mut self,
        now: Instant,
        heard: &'a mut F,
    ) -> (&'a mut tls::Connection, Listener<'a, F>) {
        let Self { tls, spoken, role, frames, server_name, agreed, is_ready, is_peer_done, .. } = self;
        let Self { identity, is_client_asked, last_word, .. } = self;
        let frames = frames.as_deref_mut();
        (
            tls,
            Listener {
                now,
                spoken,
                role,
                frames,
                server_name,
                agreed,
                identity,
                is_ready,
                is_client_asked,
                is_peer_done,
                last_word,
                heard,
                broken: None,
            },
        )
    }

    /// Time passed.
    ///
    /// # Errors
    /// The peer let a deadline pass.
    pub fn expire(&mut self, now: Instant) -> Result<(), Fault> {
        if let Spoken::H2(h2) = &mut self.spoken {
            h2.expire(now);
        }
        self.hint_later(now);
        if self.tls.fault().is_some() {
            return Ok(()); // It was reported when it happened.
        }
        self.tls.expire(now);
        self.tls.fault().map_or(Ok(()), |fault| Err(Fault::Tls(fault.clone())))
    }

    /// Gives the events that arose in `transmit`, `expire` and the owner's own calls.
    pub fn tell(&mut self, heard: &mut impl FnMut(Event<'_>)) {
        self.tls.tell_sent(&mut |event| {
            if let tls::Event::Traced(traced) = event {
                heard(Event::Traced(traced));
            }
        });
        if let Some(frames) = &mut self.frames {
            frames.tell(heard);
        }
        if let Spoken::H2(h2) = &mut self.spoken {
            h2.tell(&mut |event| heard(Event::Http(event)));
        }
    }

    /// When to call [`Session::expire`].
    pub fn deadline(&self) -> Option<Instant> {
        let spoken = match &self.spoken {
            Spoken::H2(h2) => h2.deadline(),
            Spoken::Undecided | Spoken::Plain(_) => None,
        };
        let hints = match &self.role {
            Role::Server { hints: Some(hints), .. } => hints.deadline(),
            Role::Server { hints: None, .. } | Role::Client { .. } => None,
        };
        [self.tls.deadline(), spoken, hints].into_iter().flatten().min()
    }

    /// Bytes for the pipe: everything that this turn produced, as far as `out` has room.
    pub fn transmit(&mut self, now: Instant, out: &mut [u8]) -> Option<usize> {
        let mut len = self.handshake_bytes(now, out);
        if self.tls.may_send() {
            if self.is_ready || !self.is_client_asked {
                self.hint_first(now, len); // spec: preload-profile-2-a
            }
            if self.is_ready && self.owes_tickets {
                self.send_tickets(now);
                len += self.handshake_bytes(now, &mut out[len..]);
            }
            len += self.application_bytes(now, &mut out[len..]);
            if self.is_over() {
                match &self.last_word {
                    Some(fault) => self.tls.abort(fault.clone()),
                    None => self.tls.close(),
                }
                len += self.handshake_bytes(now, &mut out[len..]);
            }
        }
        (len > 0).then_some(len)
    }

    fn handshake_bytes(&mut self, now: Instant, out: &mut [u8]) -> usize {
        let mut len = 0;
        while let Some(more) = self.tls.transmit(now, &mut out[len..]) {
            len += more;
        }
        len
    }

    fn application_bytes(&mut self, now: Instant, out: &mut [u8]) -> usize {
        let Self { tls, spoken, frames, .. } = self;
        let mut len = 0;
        loop {
            let out = &mut out[len..];
            let sealed = match spoken {
                Spoken::H2(h2) => tls.seal(out, &mut |payload| {
                    let len = h2.transmit(now, payload).unwrap_or(0);
                    if let Some(frames) = frames {
                        frames.sent(&payload[..len]);
                    }
                    len
                }),
                Spoken::Plain(outgoing) => {
                    let (taken, sealed) = tls.seal_from(out, outgoing.waiting());
                    outgoing.sent(taken);
                    sealed
                }
                Spoken::Undecided => 0,
            };
            if sealed == 0 {
                return len;
            }
            len += sealed;
        }
    }

    /// Whether nothing more will be said here, so that close_notify is due.
    fn is_over(&self) -> bool {
        match &self.spoken {
            Spoken::H2(h2) => h2.is_closed() || (self.is_peer_done && h2.is_idle()),
            Spoken::Plain(outgoing) => outgoing.is_over() || self.last_word.is_some(),
            Spoken::Undecided => self.is_closing,
        }
    }

    /// The host's hints, straight after our SETTINGS, then the origins that the connection is for; `flight_bytes` of handshake
    /// went before them in this flight.
    fn hint_first(&mut self, now: Instant, flight_bytes: usize) {
        if let (Role::Server { hints: Some(hints), .. }, Spoken::H2(h2)) = (&mut self.role, &mut self.spoken)
        {
            hints.first(now, self.server_name.as_deref(), flight_bytes, &mut **h2);
        }
        if let (Role::Server { .. }, Spoken::H2(h2)) = (&self.role, &mut self.spoken) {
            // Refused when the connection is closing: then nobody asks for anything any more.
            let _ = h2.announce_origins();
        }
    }

    /// Tickets, once the client's SETTINGS say whether it acts on hints; over another protocol at once.
    fn send_tickets(&mut self, now: Instant) {
        let note = match (&self.spoken, &self.role) {
            (Spoken::H2(h2), _) if !h2.has_heard_settings() => return,
            (Spoken::H2(h2), Role::Server { hints: Some(hints), .. }) => {
                let mut told = hints.told(&**h2);
                if self.is_client_asked {
                    told.digest = None; // There the ticket comes before the frame, so that a client cannot keep them as one.
                }
                Some(told.to_bytes())
            }
            _ => None,
        };
        self.owes_tickets = false;
        self.tls.send_tickets(now, note);
    }

    /// What requested pages need beyond their host's set.
    fn hint_later(&mut self, now: Instant) {
        if let (Role::Server { hints: Some(hints), .. }, Spoken::H2(h2)) = (&mut self.role, &mut self.spoken)
        {
            hints.flush(now, self.server_name.as_deref(), &mut **h2);
        }
    }
}

/// What an owner does: each act waits in the engine until `transmit` carries it out.
impl Session {
    /// The HTTP engine, once ALPN chose it. A client that sends early data has it from the beginning: what it asks before
    /// [`Session::is_ready`] leaves in its first flight, and may reach the server more than once.
    pub fn http(&mut self) -> Option<&mut h2::Connection> {
        match &mut self.spoken {
            Spoken::H2(h2) => Some(h2),
            Spoken::Undecided | Spoken::Plain(_) => None,
        }
    }

    /// What hints had to do with a server's request; asked once, after the input that brought it.
    pub fn mark(&mut self, stream: semantics::StreamId) -> Mark {
        match &mut self.role {
            Role::Server { hints: Some(hints), .. } => hints.mark(stream),
            Role::Server { hints: None, .. } | Role::Client { .. } => Mark::default(),
        }
    }

    /// The host that the client asked for, in lower case.
    pub fn server_name(&self) -> Option<&str> {
        self.server_name.as_deref()
    }

    /// Whether the handshake is over on this side.
    pub fn is_ready(&self) -> bool {
        self.is_ready
    }

    /// Whether an [`Event::Wanted`] has no answer yet: until then nothing that comes can be taken.
    pub fn is_waiting(&self) -> bool {
        self.tls.is_waiting()
    }

    /// Whether the session is over and all its bytes were given to `transmit`: the pipe may be closed.
    pub fn is_closed(&self) -> bool {
        self.tls.is_closed()
    }

    /// Server: who the client is, as it has shown before [`Event::Ready`].
    pub fn identity(&self) -> Option<&tls::Identity> {
        self.identity.as_ref()
    }

    /// Keying material of this connection, for what authenticates itself above it; none before the handshake is over.
    pub fn exporter(&self) -> Option<&tls::Exporter> {
        self.tls.exporter()
    }

    /// Server: asks the client for its certificate now that the handshake is over; [`Event::Authenticated`] tells the answer,
    /// which may take any time. HTTP/2 forbids it.
    ///
    /// # Errors
    /// It cannot be asked: [`tls::Misuse::Request`] says why.
    pub fn request_certificate(&mut self) -> Result<(), tls::Misuse> {
        self.tls.request_certificate()
    }

    /// What the peers agreed on, once they did.
    pub fn agreed(&self) -> Option<&Agreed> {
        self.agreed.as_ref()
    }

    /// Whether everything was said, close_notify included, and given to `transmit`. A client that has all it came for need
    /// not wait for the peer's farewell.
    pub fn has_said_all(&self) -> bool {
        self.is_closed() || (self.tls.has_closed() && matches!(self.role, Role::Client { .. }))
    }

    /// Plaintext for a protocol that has no engine here: takes what fits its queue and says how much that was.
    pub fn write(&mut self, bytes: &[u8]) -> usize {
        match &mut self.spoken {
            Spoken::Plain(outgoing) => outgoing.write(bytes),
            Spoken::Undecided | Spoken::H2(_) => 0,
        }
    }

    /// Whether plaintext that was written still waits for `transmit`.
    pub fn is_flushed(&self) -> bool {
        match &self.spoken {
            Spoken::Plain(outgoing) => outgoing.is_empty(),
            Spoken::Undecided | Spoken::H2(_) => true,
        }
    }

    /// Ends politely: HTTP finishes what it serves (GOAWAY), then close_notify.
    pub fn close(&mut self, now: Instant) {
        self.is_closing = true;
        match &mut self.spoken {
            Spoken::H2(h2) => h2.drain(now),
            Spoken::Plain(outgoing) => outgoing.end(),
            Spoken::Undecided => self.tls.close(),
        }
    }
}

/// Listens to TLS on behalf of what is spoken inside it.
struct Listener<'a, F> {
    now: Instant,
    spoken: &'a mut Spoken,
    role: &'a mut Role,
    frames: Option<&'a mut Frames>,
    server_name: &'a mut Option<String>,
    agreed: &'a mut Option<Agreed>,
    identity: &'a mut Option<tls::Identity>,
    is_ready: &'a mut bool,
    is_client_asked: &'a mut bool,
    is_peer_done: &'a mut bool,
    last_word: &'a mut Option<tls::Fault>,
    heard: &'a mut F,
    broken: Option<h2::Fault>,
}

impl<F: FnMut(Event<'_>)> Listener<'_, F> {
    fn hear(&mut self, event: tls::Event<'_>) {
        match event {
            tls::Event::Negotiated(negotiated) => self.negotiated(negotiated),
            tls::Event::Established => {
                *self.is_ready = true;
                let protocol = self.spoken.protocol();
                let is_resumed = self.agreed.as_ref().is_some_and(|agreed| agreed.is_resumed);
                let early_data =
                    self.agreed.as_ref().map_or_else(Default::default, |agreed| agreed.early_data);
                let (server_name, identity) = (self.server_name.clone(), self.identity.clone());
                (self.heard)(Event::Ready { protocol, server_name, is_resumed, identity, early_data });
            }
            tls::Event::Authenticated(identity) if *self.is_ready => {
                (self.heard)(Event::Authenticated(identity))
            }
            tls::Event::Authenticated(identity) => *self.identity = identity,
            tls::Event::BarredRequest => self.refuse_request(),
            tls::Event::Data(_) if self.broken.is_some() => {}
            tls::Event::Data(bytes) => self.broken = self.listen(bytes).err(),
            tls::Event::Wanted(wanted) => (self.heard)(Event::Wanted(wanted)),
            tls::Event::KeyLog(line) => (self.heard)(Event::KeyLog(line)),
            tls::Event::Traced(traced) => (self.heard)(Event::Traced(traced)),
            tls::Event::Ticket(session) => (self.heard)(Event::Ticket(session)),
            tls::Event::Closed => {
                *self.is_peer_done = true;
                (self.heard)(Event::Closed);
            }
        }
    }

    /// The server asked for a certificate where HTTP/2 forbids it (RFC 9113 section 9.2.3): its error, then that of TLS, which
    /// had offered nothing of the kind (RFC 9846 section 4.7.2).
    fn refuse_request(&mut self) {
        *self.last_word = Some(tls::Fault::UnexpectedMessage(HandshakeType::CERTIFICATE_REQUEST));
        let fault = h2::Fault::ClientAuthentication;
        if let Spoken::H2(h2) = self.spoken {
            h2.close(fault.code().wire());
        }
        self.broken = Some(fault); // spec: 9113-9.2.3-a
    }

    fn negotiated(&mut self, negotiated: tls::Negotiated) {
        let tls::Negotiated {
            server_name,
            alpn,
            suite,
            group,
            is_resumed,
            is_client_asked,
            early_data,
            note,
        } = negotiated;
        if let Role::Server { hints: Some(hints), .. } = &mut *self.role
            && let Some(told) = note.as_ref().and_then(Told::from_bytes)
        {
            hints.returned(self.now, told, server_name.as_deref());
        }
        *self.is_client_asked = is_client_asked;
        *self.server_name = server_name;
        let is_taken = matches!(early_data, tls::EarlyData::Accepted { .. });
        match self.role {
            Role::Client { .. } if is_taken => {} // It goes on with what it said.
            _ => *self.spoken = self.role.speak(self.now, alpn.as_deref(), self.server_name.as_deref()),
        }
        *self.agreed = Some(Agreed { suite, group, alpn, is_resumed, early_data });
        if is_taken && matches!(self.role, Role::Server { .. }) {
            (self.heard)(Event::Early { server_name: self.server_name.clone() });
        }
    }

    fn listen(&mut self, bytes: &[u8]) -> Result<(), h2::Fault> {
        let Self { now, spoken, role, frames, server_name, heard, .. } = self;
        let Spoken::H2(h2) = spoken else {
            heard(Event::Bytes(bytes));
            return Ok(());
        };
        if let Some(frames) = frames {
            frames.received(bytes, heard);
        }
        h2.handle(*now, bytes, &mut |event| {
            if let (
                semantics::Event::Request { stream, request, .. },
                Role::Server { hints: Some(hints), .. },
            ) = (&event, &mut **role)
            {
                hints.asked(*stream, request, server_name.as_deref());
            }
            heard(Event::Http(event));
        })
    }

    fn outcome(self) -> Result<(), Fault> {
        self.broken.map_or(Ok(()), |fault| Err(Fault::H2(fault)))
    }
}

impl Role {
    /// What ALPN's choice means here.
    fn speak(&self, now: Instant, alpn: Option<&[u8]>, server_name: Option<&str>) -> Spoken {
        let engine = match self {
            Self::Server { config, .. } => {
                config.h2_for(server_name).map(|h2| h2::Connection::server(h2, now))
            }
            Self::Client { config } => config.h2.clone().map(|h2| h2::Connection::client(h2, now)),
        };
        match engine {
            Some(h2) if alpn == Some(H2) => Spoken::H2(Box::new(h2)), // spec: preload-profile-2-b
            _ => Spoken::Plain(Outgoing::default()),
        }
    }
}

impl Spoken {
    fn protocol(&self) -> Protocol {
        match self {
            Self::H2(_) => Protocol::H2,
            Self::Undecided | Self::Plain(_) => Protocol::Plain,
        }
    }
}

#[cfg(test)]
mod tests;
