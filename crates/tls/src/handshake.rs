//! The handshake as a machine of states, without records (RFC 9846 section 4 and appendix A).

mod established;
pub(crate) mod fuzz;
mod reassembly;
mod signed;

pub(crate) use established::{Established, QUIC_MAX_EARLY_DATA_SIZE, Resumption, Window};
pub(crate) use signed::content;

use crate::{
    Answer, Exporter, Fault, Flight, Level, Limits, Misuse, Session, Step, TicketNote, Wanted, client,
    config::LIST_BYTES,
    rules::{HandshakeType, Side},
    server,
};
use reassembly::Reassembly;
use sakigake_wire::{Entropy, Instant, Span};
use std::sync::Arc;

/// One side of a handshake, and of what follows it: tickets and key updates. It knows no records: bytes of messages come
/// in at a level, a [`Flight`] goes out.
///
/// Each state is a type named for what it awaits; taking a message consumes it and gives the next one. What waits for its
/// owner (`wanted`) is a state too: it takes an [`Answer`] instead, and holds messages back, within a bound.
///
/// ```text
/// client                                             server
///
/// AwaitServerHello --HRR--> AwaitSecondServerHello   AwaitClientHello --HRR--> AwaitSecondClientHello
///        | ServerHello          | ServerHello                | ClientHello          | ClientHello
///        +-----------+----------+                            +-----------+----------+
///                    |                                   AwaitTransportParameters (wanted, over QUIC)
///                    |                                                   |
///       AwaitEncryptedExtensions                             AwaitCertificateAnswer (wanted, if the owner chooses)
///                    |                                                   |
///      AwaitCertificateOrRequest --+                              AwaitSignature (wanted, if the owner signs)
///                    |             | CertificateRequest                  |  the flight is out: Negotiated
///                    |      AwaitCertificate                   AwaitEndOfEarlyData (if it is taken, not over QUIC)
///                    | Certificate |                                     |
///                    +------+------+                  if it asks   AwaitCertificate ---- none, and none required ---+
///       AwaitVerdict (wanted, if the owner judges)                       | Certificate                              |
///                    |                                   AwaitVerdict (wanted, if the owner judges)                 |
///          AwaitCertificateVerify                                        |                                          |
///                    |                                         AwaitCertificateVerify                               |
///              AwaitFinished                                             |                                          |
///                    |                                             AwaitFinished <----------------------------------+
///    AwaitSignature (wanted, if it was asked and the owner signs)        |
///                    |                                                   |
///               Established                                         Established
/// ```
///
/// `Established` is one type for both sides: KeyUpdate both ways, tickets at a client, and client authentication after the
/// handshake, which waits for its owner within it.
pub struct Handshake {
    state: State,
    incoming: Reassembly,
    entropy: Box<dyn Entropy>,
    limits: Limits,
    deadline: Option<Instant>,
    /// A server's tickets wait for their owner.
    holds_tickets: bool,
    /// QUIC carries it.
    is_quic: bool,
}

/// What a state may use while it takes a message.
pub(crate) struct Turn<'a> {
    pub(crate) now: Instant,
    pub(crate) entropy: &'a mut dyn Entropy,
    pub(crate) flight: &'a mut Flight,
    /// Tickets that are due wait for the owner.
    pub(crate) holds_tickets: bool,
}

enum State {
    Client(client::State),
    Server(server::State),
    /// A fault ended it.
    Over,
}

impl Handshake {
    /// A client for `server_name`, a DNS name or an IP address; its ClientHello is in `flight`.
    pub fn client(
        config: Arc<client::Config>,
        server_name: &str,
        now: Instant,
        entropy: Box<dyn Entropy>,
        flight: &mut Flight,
    ) -> Result<Self, Misuse> {
        Self::resume(config, server_name, None, now, entropy, flight)
    }

    /// As [`Handshake::client`], resuming an earlier connection: `session` is offered where it is for the same host and
    /// may still be used, and is used up in any case.
    pub fn resume(
        config: Arc<client::Config>,
        server_name: &str,
        session: Option<Session>,
        now: Instant,
        mut entropy: Box<dyn Entropy>,
        flight: &mut Flight,
    ) -> Result<Self, Misuse> {
        let limits = config.limits.clone();
        let mut turn = Turn { now, entropy: &mut *entropy, flight, holds_tickets: false };
        let state = State::Client(client::State::start(config, server_name, session, None, &mut turn)?);
        Ok(Self::new(state, limits, now, entropy))
    }

    /// A client over QUIC, whose owner carries the messages in CRYPTO frames and takes the secrets from the steps (RFC 9001).
    /// `parameters` are its transport parameters, at most 4,096 bytes, not looked into; `session` is one of an earlier connection
    /// over QUIC. No session id goes out, no EndOfEarlyData and no KeyUpdate, and neither `record_size_limit` nor
    /// `post_handshake_auth` is offered, whatever the configuration says.
    ///
    /// Every secret comes as soon as it exists: that of early data with the ClientHello, both of the handshake with ServerHello,
    /// both of application data once the server's Finished was verified and ours is in the steps.
    ///
    /// # Errors
    /// As [`Handshake::resume`], and [`Misuse::Quic`] without an application protocol or for parameters that are too long.
    pub fn quic_client(
        config: Arc<client::Config>,
        server_name: &str,
        session: Option<Session>,
        parameters: Vec<u8>,
        now: Instant,
        mut entropy: Box<dyn Entropy>,
        flight: &mut Flight,
    ) -> Result<Self, Misuse> {
        if config.alpn.is_empty() {
            return Err(Misuse::Quic("a client has to offer an application protocol")); // spec: 9001-8.1-a
        }
        if parameters.len() > LIST_BYTES {
            return Err(Misuse::Quic("the transport parameters have over 4,096 bytes"));
        }
        let limits = config.limits.clone();
        let mut turn = Turn { now, entropy: &mut *entropy, flight, holds_tickets: false };
        let state = client::State::start(config, server_name, session, Some(parameters), &mut turn)?;
        Ok(Self { is_quic: true, ..Self::new(State::Client(state), limits, now, entropy) })
    }

    /// A server that waits for a ClientHello.
    pub fn server(config: Arc<server::Config>, now: Instant, entropy: Box<dyn Entropy>) -> Self {
        let limits = config.limits.clone();
        Self::new(State::Server(server::State::start(config, false)), limits, now, entropy)
    }

    /// A server over QUIC that waits for a ClientHello (see [`Handshake::quic_client`]); it wants
    /// [`Wanted::TransportParameters`] of each client. One without application protocols refuses everybody, and
    /// [`server::Options::without_alpn`] and [`server::Options::record_size_limit`] mean nothing here. Of
    /// [`server::EarlyDataPolicy::max_bytes`] counts whether there are any.
    ///
    /// Every secret comes as soon as it exists: both of the handshake with ServerHello, and that of early data among them where
    /// it is taken; ours for application data behind our flight; the client's once its Finished was verified.
    pub fn quic_server(config: Arc<server::Config>, now: Instant, entropy: Box<dyn Entropy>) -> Self {
        let limits = config.limits.clone();
        let state = State::Server(server::State::start(config, true));
        Self { is_quic: true, ..Self::new(state, limits, now, entropy) }
    }

    /// Takes bytes of handshake messages that came under the keys of `level`, in any split. After a fault it takes
    /// nothing any more: the one alert is on its way.
    pub fn handle(
        &mut self,
        now: Instant,
        level: Level,
        bytes: &[u8],
        flight: &mut Flight,
    ) -> Result<(), Fault> {
        if bytes.is_empty() || matches!(self.state, State::Over) {
            return Ok(());
        }
        let result = self.take(now, level, bytes, flight);
        self.settle(result)
    }

    /// Takes the owner's answer to [`Handshake::wanted`]; ignored when nothing is wanted.
    pub fn answer(&mut self, now: Instant, answer: Answer, flight: &mut Flight) -> Result<(), Fault> {
        if self.wanted().is_none() {
            return Ok(());
        }
        let result = self.step(now, flight, |state, turn| match state {
            State::Client(state) => state.answer(answer, turn).map(State::Client),
            State::Server(state) => state.answer(answer, turn).map(State::Server),
            State::Over => Ok(State::Over),
        });
        let result = result
            .and_then(|changed| self.end_of_keys(changed, &[]))
            .and_then(|()| self.run(now, &mut &[][..], flight));
        self.settle(result)
    }

    /// What it waits for, if it is the owner's turn.
    pub fn wanted(&self) -> Option<&Wanted> {
        match &self.state {
            State::Client(state) => state.wanted(),
            State::Server(state) => state.wanted(),
            State::Over => None,
        }
    }

    /// When [`Handshake::expire`] wants to be called; none once established.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Ends the handshake when its time is over.
    pub fn expire(&mut self, now: Instant) -> Result<(), Fault> {
        match self.deadline {
            Some(deadline) if deadline <= now => self.settle(Err(Fault::HandshakeTimeout)),
            _ => Ok(()),
        }
    }

    /// At which level the peer's next message comes; none after a fault.
    pub fn awaits(&self) -> Option<Level> {
        match &self.state {
            State::Client(state) => Some(state.level()),
            State::Server(state) => Some(state.level()),
            State::Over => None,
        }
    }

    /// Whether the peer's Finished was verified.
    pub fn is_established(&self) -> bool {
        self.established().is_some()
    }

    /// Whether a server must skip what it cannot open, since the client sends early data that was not accepted
    /// (RFC 9846 section 4.3.10).
    pub fn ignores_early_data(&self) -> bool {
        matches!(&self.state, State::Server(state) if state.ignores_early_data())
    }

    /// Gives out keying material to whoever runs above TLS; none before the peer's Finished was verified.
    pub fn exporter(&self) -> Option<&Exporter> {
        self.established().map(Established::exporter) // spec: 9846-7.5-b
    }

    /// Sends with new keys from here on, and asks the peer to do so too. Nothing happens before the handshake is over, nor over
    /// QUIC, which updates its keys without messages.
    pub fn update_keys(&mut self, flight: &mut Flight) {
        if let Some(established) = self.established_mut() {
            established.update_keys(flight);
        }
    }

    /// Whether the peer has asked for new keys: [`Handshake::respond`] goes before the next application data.
    pub fn owes_update(&self) -> bool {
        self.established().is_some_and(Established::owes_update)
    }

    /// Sends with new keys from here on, where the peer has asked for that since the last time (RFC 9846 section 4.7.3):
    /// who is silent for long answers once.
    pub fn respond(&mut self, flight: &mut Flight) {
        if let Some(established) = self.established_mut() {
            established.respond(flight);
        }
    }

    /// Forgets all secrets: what carries it has failed.
    pub(crate) fn end(&mut self) {
        self.state = State::Over; // spec: 9846-6-c
        self.incoming = Reassembly::default();
        self.deadline = None;
    }

    /// What nobody can predict, for the record layer.
    pub(crate) fn chance(&mut self) -> [u8; 32] {
        let mut chance = [0; 32];
        self.entropy.fill(&mut chance);
        chance
    }

    /// Server: asks the client for its certificate now that the handshake is over (RFC 9846 section 4.7.2).
    ///
    /// # Errors
    /// [`Misuse::Request`].
    pub fn request_certificate(&mut self, flight: &mut Flight) -> Result<(), Misuse> {
        match &mut self.state {
            State::Server(server::State::Established(state)) => {
                state.request_certificate(&mut *self.entropy, flight)
            }
            _ => Err(Misuse::Request),
        }
    }

    /// Server: tickets wait for [`Handshake::send_tickets`] rather than leave straight after the client's Finished.
    pub fn hold_tickets(&mut self) {
        self.holds_tickets = true;
    }

    /// Server: sends the tickets that were held, each with the owner's `note`. Nothing happens before the handshake is over, and
    /// where none is due any more.
    pub fn send_tickets(&mut self, now: Instant, note: Option<TicketNote>, flight: &mut Flight) {
        if let State::Server(server::State::Established(state)) = &mut self.state {
            state.send_tickets(now, note, &mut *self.entropy, flight);
        }
    }

    /// Whether the client is in the middle of its answer to [`Handshake::request_certificate`], where nothing else may come.
    pub fn is_amid_authentication(&self) -> bool {
        self.established().is_some_and(Established::is_amid_authentication)
    }

    fn new(state: State, limits: Limits, now: Instant, entropy: Box<dyn Entropy>) -> Self {
        let deadline = Some(now + Span::from_millis(limits.handshake_ms));
        let incoming = Reassembly::default();
        Self { state, incoming, entropy, limits, deadline, holds_tickets: false, is_quic: false }
    }

    fn take(&mut self, now: Instant, level: Level, bytes: &[u8], flight: &mut Flight) -> Result<(), Fault> {
        self.incoming.enter(level)?;
        if self.awaits().is_some_and(|awaited| awaited != level) {
            let kind = HandshakeType(bytes.first().copied().unwrap_or(0)); // Never empty: `handle` saw to it.
            return Err(Fault::UnexpectedMessage(kind));
        }
        self.run(now, &mut &*bytes, flight)
    }

    /// Takes message after message until bytes are missing or the owner is asked.
    fn run(&mut self, now: Instant, input: &mut &[u8], flight: &mut Flight) -> Result<(), Fault> {
        while self.wanted().is_none() {
            self.admit(input)?;
            let Some(message) = self.incoming.next(input, &self.limits)? else { return Ok(()) };
            let changed = self.step(now, flight, |state, turn| match state {
                State::Client(state) => state.take(&message, turn).map(State::Client),
                State::Server(state) => state.take(&message, turn).map(State::Server),
                State::Over => Ok(State::Over),
            })?;
            self.end_of_keys(changed, input)?;
        }
        self.incoming.hold(input, &self.limits)
    }

    /// Refuses a message by its first byte where its sender must not send it at this level: its body need not come.
    fn admit(&self, input: &[u8]) -> Result<(), Fault> {
        let Some(kind) = self.incoming.kind(input) else { return Ok(()) };
        let (sender, level) = match &self.state {
            State::Client(state) => (Side::Server, state.level()),
            State::Server(state) => (Side::Client, state.level()),
            State::Over => return Ok(()),
        };
        let has_place =
            kind.may_be_sent(sender, level) && self.established().is_none_or(|state| state.takes(kind));
        if has_place { Ok(()) } else { Err(Fault::UnexpectedMessage(kind)) } // spec: 9846-4.2.2-n spec: 9846-4.7.3-n spec: 9846-4.7.2-k
    }

    /// Moves the state on; tells whether the keys for what the peer sends have changed.
    fn step(
        &mut self,
        now: Instant,
        flight: &mut Flight,
        body: impl FnOnce(State, &mut Turn<'_>) -> Result<State, Fault>,
    ) -> Result<bool, Fault> {
        let before = flight.steps.len();
        let holds_tickets = self.holds_tickets;
        let mut turn = Turn { now, entropy: &mut *self.entropy, flight, holds_tickets };
        self.state = body(core::mem::replace(&mut self.state, State::Over), &mut turn)?;
        if self.is_established() {
            self.deadline = None;
        }
        Ok(flight.steps[before..].iter().any(|step| matches!(step, Step::ReadKey(_))))
    }

    /// Where keys change, nothing may be left that came under the old ones. Over QUIC a KeyUpdate is refused by its name: it has
    /// another code than what else is left (RFC 9001, sections 6 and 4.1.3).
    fn end_of_keys(&self, changed: bool, input: &[u8]) -> Result<(), Fault> {
        match self.incoming.kind(input).filter(|_| changed) {
            None => Ok(()),
            Some(kind @ HandshakeType::KEY_UPDATE) if self.is_quic => Err(Fault::UnexpectedMessage(kind)), // spec: 9001-6-b
            Some(_) => Err(Fault::MessageSpansKeyChange), // spec: 9846-5.1-l spec: 9001-4.1.3-a
        }
    }

    fn settle(&mut self, result: Result<(), Fault>) -> Result<(), Fault> {
        if result.is_err() {
            self.end();
        }
        result
    }

    fn established(&self) -> Option<&Established> {
        match &self.state {
            State::Client(client::State::Established(state))
            | State::Server(server::State::Established(state)) => Some(state),
            _ => None,
        }
    }

    fn established_mut(&mut self) -> Option<&mut Established> {
        match &mut self.state {
            State::Client(client::State::Established(state))
            | State::Server(server::State::Established(state)) => Some(state),
            _ => None,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
