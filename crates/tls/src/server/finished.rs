use super::{Config, Later, State, choose, clients::Asked};
use crate::{
    Exporter, Fact, Fault, Flight, Identity, Level, Negotiated, Step, TicketNote, TrafficSecret,
    extension::NewSessionTicketExtensions,
    handshake::{Established, Turn},
    message::{Message, NewSessionTicket},
    resumption::{Origin, Verdict},
    schedule::Main,
    ticket::{Ticket, Tickets},
    transcript::Transcript,
};
use sakigake_crypto::Digest;
use sakigake_wire::{Drawn, Entropy, Instant};
use std::sync::Arc;

/// Awaits the client's Finished; the whole flight is out.
pub(crate) struct AwaitFinished {
    /// The client's handshake secret.
    pub(super) client: TrafficSecret,
    /// Of all messages before it.
    pub(super) transcript: Digest,
    /// The client's application secret.
    pub(super) read: TrafficSecret,
    /// Our application secret.
    pub(super) write: TrafficSecret,
    pub(super) config: Arc<Config>,
    pub(super) ignores_early_data: bool,
    pub(super) exporter: Exporter,
    /// Who the client is, as far as it has shown that.
    pub(super) identity: Option<Identity>,
    /// The tickets that follow, if any.
    pub(super) issue: Option<Box<Issue>>,
    /// How the client may be asked for a certificate later, if it may.
    pub(super) later: Option<Box<Asked>>,
    /// QUIC carries it.
    pub(super) is_quic: bool,
    /// All messages before it, where something still hangs on them: tickets, or what may be asked later.
    pub(super) running: Option<Transcript>,
}

/// What a client gets to come back with.
pub(super) struct Issue {
    pub(super) count: u8,
    pub(super) main: Main,
    /// When the certificate was shown that all this rests on; none where that was in this handshake.
    pub(super) authenticated_unix_secs: Option<u64>,
    pub(super) negotiated: Negotiated,
    /// The most early data that a ticket allows.
    pub(super) max_early_data: u32,
    /// What QUIC remembers, where that carries it.
    pub(super) transport: Option<Vec<u8>>,
    /// The policy of the ticket that was gone on from, if one was: what holds for it holds for those that follow.
    pub(super) policy: Option<[u8; 32]>,
    /// Chance that was drawn for the tickets.
    pub(super) chance: Vec<u8>,
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
        if let Some(identity) = &self.identity {
            turn.flight.facts.push(Fact::Authenticated(Some(identity.clone())));
        }
        turn.flight.facts.push(Fact::Established);
        let mut established =
            Established::new(self.read, self.write.clone(), self.exporter, &self.config.limits)
                .over_quic(self.is_quic);
        if let Some(mut transcript) = self.running {
            transcript.add(message);
            let later = self.later.map(|asked| Later::new(*asked, transcript.fork()));
            if let Some(issue) = self.issue {
                let unix_ms = self.config.unix_ms(turn.now);
                let promised = issue.promise(
                    self.config.clone(),
                    &self.write,
                    self.identity,
                    &transcript.finish(),
                    unix_ms,
                );
                match promised {
                    Some(promised) if turn.holds_tickets => established = established.with_promised(promised),
                    Some(promised) => promised.send(turn.now, None, turn.entropy, turn.flight),
                    None => {}
                }
            }
            if let Some(later) = later {
                established = established.with_server_later(later);
            }
        }
        Ok(State::Established(Box::new(established)))
    }

    /// `transcript` holds all messages before the client's Finished.
    pub(super) fn keep(&mut self, transcript: Transcript) {
        if self.issue.is_some() || self.later.is_some() {
            self.running = Some(transcript);
        }
    }
}

impl Issue {
    /// What the tickets will be made of; none where the client's chain would make them too long. `transcript` is of all messages
    /// up to the client's Finished.
    fn promise(
        self,
        config: Arc<Config>,
        write: &TrafficSecret,
        identity: Option<Identity>,
        transcript: &Digest,
        unix_ms: u64,
    ) -> Option<Promised> {
        if identity.as_ref().is_some_and(|identity| identity.bytes() > IDENTITY_BYTES) {
            return None;
        }
        let origin = Origin {
            suite: write.suite,
            resumption_secret: self.main.resumption_secret(transcript),
            server_name: self.negotiated.server_name,
            alpn: self.negotiated.alpn,
            chain: Arc::default(),
            verdict: Verdict::default(),
            client_certificates: [0; 32],
            authenticated_unix_secs: self.authenticated_unix_secs.unwrap_or(unix_ms / 1_000),
        };
        let Self { count, max_early_data, transport, policy, chance, .. } = self;
        Some(Promised { config, count, origin, identity, max_early_data, transport, policy, chance })
    }
}

/// Tickets that the client is still to get.
pub(crate) struct Promised {
    config: Arc<Config>,
    count: u8,
    origin: Origin,
    identity: Option<Identity>,
    max_early_data: u32,
    transport: Option<Vec<u8>>,
    policy: Option<[u8; 32]>,
    chance: Vec<u8>,
}

impl Promised {
    /// Sends as many tickets as are due; fewer where there is no key to seal them.
    pub(crate) fn send(
        self,
        now: Instant,
        note: Option<TicketNote>,
        entropy: &mut dyn Entropy,
        flight: &mut Flight,
    ) {
        let Some(tickets) = &self.config.tickets else { return };
        let unix_ms = self.config.unix_ms(now);
        let host = self.origin.server_name.as_deref();
        let policy = self.policy.or_else(|| choose::ticket_policy(&self.config, tickets, host));
        let Some(policy) = policy else { return }; // Nobody is shown anything there: who came here was.
        let terms = Terms { tickets, policy, note, unix_ms };
        let mut drawn = Drawn::before(entropy, &self.chance);
        for nonce in 0..self.count {
            let Some(message) = self.new_session_ticket(&terms, nonce, &mut drawn) else {
                return;
            };
            flight.steps.push(Step::Send { level: Level::Application, message });
        }
    }

    /// A NewSessionTicket; none where there is no key to seal it.
    fn new_session_ticket(&self, terms: &Terms<'_>, nonce: u8, entropy: &mut dyn Entropy) -> Option<Vec<u8>> {
        let Self { origin, identity, max_early_data, transport, .. } = self;
        let Terms { tickets, policy, note, unix_ms } = *terms;
        let mut ticket_age_add = [0; 4];
        entropy.fill(&mut ticket_age_add); // spec: 9846-4.7.1-f
        let ticket = Ticket {
            suite: origin.suite.id,
            secret: origin.ticket_key(&[nonce]),
            issued_unix_ms: unix_ms,
            ticket_age_add: u32::from_be_bytes(ticket_age_add),
            lifetime_secs: tickets.lifetime_secs,
            authenticated_unix_secs: origin.authenticated_unix_secs,
            policy,
            max_early_data: *max_early_data,
            server_name: origin.server_name.clone(),
            alpn: origin.alpn.clone(),
            identity: identity.clone(),
            note,
            transport: transport.clone(),
        };
        let sealed = ticket.seal(&*tickets.keys, unix_ms / 1_000, entropy)?;
        let mut message = Vec::with_capacity(sealed.len() + 32);
        NewSessionTicket {
            ticket_lifetime: ticket.lifetime_secs,
            ticket_age_add: ticket.ticket_age_add,
            ticket_nonce: &[nonce],
            ticket: &sealed,
            extensions: NewSessionTicketExtensions {
                early_data: Some(*max_early_data).filter(|bytes| *bytes > 0),
                ..NewSessionTicketExtensions::default()
            },
        }
        .write(&mut message);
        Some(message)
    }
}

/// What all tickets that leave at a time have in common.
struct Terms<'a> {
    tickets: &'a Tickets,
    policy: [u8; 32],
    note: Option<TicketNote>,
    unix_ms: u64,
}

/// The longest chain of a client that goes into a ticket: it comes back in a ClientHello.
const IDENTITY_BYTES: usize = 8_192;

/// What a ticket draws: `ticket_age_add`, and the salt of a [`crate::KeyRing`].
pub(super) const CHANCE_BYTES: usize = 4 + 32;
