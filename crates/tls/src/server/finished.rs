use super::{Config, State};
use crate::{
    Exporter, Fact, Fault, Level, Negotiated, Step, TrafficSecret,
    extension::NewSessionTicketExtensions,
    handshake::{Established, Turn},
    message::{Message, NewSessionTicket},
    resumption::Origin,
    schedule::Main,
    ticket::{Ticket, Tickets},
    transcript::Transcript,
};
use sakigake_crypto::Digest;
use std::sync::Arc;

/// Awaits the client's Finished; the whole flight is out.
pub(crate) struct AwaitFinished {
    /// The client's handshake secret.
    pub(super) client: TrafficSecret,
    /// Of all messages up to our Finished.
    pub(super) transcript: Digest,
    /// The client's application secret.
    pub(super) read: TrafficSecret,
    /// Our application secret.
    pub(super) write: TrafficSecret,
    pub(super) config: Arc<Config>,
    pub(super) ignores_early_data: bool,
    pub(super) exporter: Exporter,
    /// The tickets that follow, if any.
    pub(super) issue: Option<Box<Issue>>,
}

/// What a client gets to come back with.
pub(super) struct Issue {
    pub(super) count: u8,
    pub(super) main: Main,
    /// All messages up to our Finished.
    pub(super) transcript: Transcript,
    /// When the certificate was shown that all this rests on; none where that was in this handshake.
    pub(super) authenticated_unix_secs: Option<u64>,
    pub(super) negotiated: Negotiated,
}

impl AwaitFinished {
    pub(super) fn take(self, message: &[u8], turn: &mut Turn<'_>) -> Result<State, Fault> {
        let finished = match Message::read(message)? {
            Message::Finished(finished) => finished,
            other => return Err(Fault::UnexpectedMessage(other.kind())),
        };
        if !self.client.is_verified(&self.transcript, finished.verify_data) {
            return Err(Fault::BadFinished); // spec: 9846-4.5.3-k
        }
        turn.flight.steps.push(Step::ReadKey(self.read.clone()));
        turn.flight.facts.push(Fact::Established);
        if let (Some(issue), Some(tickets)) = (self.issue, &self.config.tickets) {
            let unix_ms = self.config.unix_ms(turn.now);
            issue.send(tickets, &self.write, message, unix_ms, turn);
        }
        let established = Established::new(self.read, self.write, self.exporter, &self.config.limits);
        Ok(State::Established(Box::new(established)))
    }
}

impl Issue {
    /// Sends as many tickets as are due; fewer where there is no key to seal them. `finished` is the client's.
    fn send(
        mut self,
        tickets: &Tickets,
        write: &TrafficSecret,
        finished: &[u8],
        unix_ms: u64,
        turn: &mut Turn<'_>,
    ) {
        self.transcript.add(finished);
        let origin = Origin {
            suite: write.suite,
            resumption_secret: self.main.resumption_secret(&self.transcript.digest()),
            server_name: self.negotiated.server_name,
            alpn: self.negotiated.alpn,
            chain: Arc::default(),
            authenticated_unix_secs: self.authenticated_unix_secs.unwrap_or(unix_ms / 1_000),
        };
        for nonce in 0..self.count {
            let Some(message) = new_session_ticket(&origin, tickets, nonce, unix_ms, turn) else { return };
            turn.flight.steps.push(Step::Send { level: Level::Application, message });
        }
    }
}

/// A NewSessionTicket; none where there is no key to seal it.
fn new_session_ticket(
    origin: &Origin,
    tickets: &Tickets,
    nonce: u8,
    unix_ms: u64,
    turn: &mut Turn<'_>,
) -> Option<Vec<u8>> {
    let mut ticket_age_add = [0; 4];
    turn.entropy.fill(&mut ticket_age_add); // spec: 9846-4.7.1-f
    let ticket = Ticket {
        suite: origin.suite.id,
        secret: origin.ticket_key(&[nonce]),
        issued_unix_ms: unix_ms,
        ticket_age_add: u32::from_be_bytes(ticket_age_add),
        lifetime_secs: tickets.lifetime_secs,
        authenticated_unix_secs: origin.authenticated_unix_secs,
        policy: (tickets.policy)(origin.server_name.as_deref()),
        server_name: origin.server_name.clone(),
        alpn: origin.alpn.clone(),
    };
    let sealed = ticket.seal(&*tickets.keys, unix_ms / 1_000, turn.entropy)?;
    let mut message = Vec::with_capacity(sealed.len() + 32);
    NewSessionTicket {
        ticket_lifetime: ticket.lifetime_secs,
        ticket_age_add: ticket.ticket_age_add,
        ticket_nonce: &[nonce],
        ticket: &sealed,
        extensions: NewSessionTicketExtensions::default(),
    }
    .write(&mut message);
    Some(message)
}
