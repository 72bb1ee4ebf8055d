//! Whether a ClientHello resumes an earlier connection (RFC 9846 section 4.3.11).

use super::{Config, choose};
use crate::{
    Fault,
    extension::{OfferedPsks, PskIdentity},
    handshake::Turn,
    message::ClientHello,
    resumption::is_past,
    rules::PskKeyExchangeMode,
    schedule::Early,
    ticket::{Ticket, Tickets},
    transcript::Transcript,
};
use sakigake_crypto::Suite;
use sakigake_wire::Instant;

/// Tickets that one ClientHello may have tried: opening costs, and a client needs no more than one.
const TICKETS_A_HELLO: usize = 4;

/// A ticket that was taken.
pub(super) struct Resumed {
    /// Which of the client's identities it was.
    pub(super) index: u16,
    pub(super) ticket: Ticket,
    /// The ticket's age as the client told it.
    pub(super) age_ms: u32,
    /// Its binder, which was right.
    pub(super) binder: Vec<u8>,
    /// The schedule that begins with its key.
    pub(super) early: Early,
}

/// The first ticket that is good here and now, if its binder is right. `transcript` holds all messages before this one, which
/// it takes in.
pub(super) fn resume(
    config: &Config,
    is_quic: bool,
    suite: &'static Suite,
    hello: &ClientHello<'_>,
    message: &[u8],
    transcript: &mut Transcript,
    turn: &Turn<'_>,
) -> Result<Option<Resumed>, Fault> {
    let found = hello.extensions.pre_shared_key.and_then(|offered| {
        let (index, told, ticket) = find(config, is_quic, suite, hello, &offered, turn)?;
        Some((offered, index, told, ticket))
    });
    let Some((offered, index, told, ticket)) = found else {
        transcript.add(message);
        return Ok(None); // spec: 9846-4.3.11-b
    };
    // It ends with the binders: `pre_shared_key` is the last extension.
    let (truncated, binders) = message.split_at(message.len() - offered.binders_len());
    transcript.add(truncated);
    let early = Early::new(suite, Some(&ticket.secret));
    let binder = early.binder(&transcript.digest());
    transcript.add(binders);
    let received = offered.binders.iter().nth(usize::from(index));
    match (binder, received) {
        (Some(binder), Some(received)) if sakigake_crypto::equal(binder.as_ref(), received.0) => {
            // Asked only now: judging a chain costs, and whoever saw a ticket go by can send it.
            if !admits(config, &ticket, config.unix_ms(turn.now) / 1_000) {
                return Ok(None);
            }
            let age_ms = ticket.told_age_ms(told.obfuscated_ticket_age);
            Ok(Some(Resumed { index, ticket, age_ms, binder: received.0.to_vec(), early }))
        }
        _ => Err(Fault::BadBinder), // spec: 9846-4.3.11-c
    }
}

/// The first ticket that is good here and now, and where it stands.
fn find<'a>(
    config: &Config,
    is_quic: bool,
    suite: &'static Suite,
    hello: &ClientHello<'_>,
    offered: &OfferedPsks<'a>,
    turn: &Turn<'_>,
) -> Option<(u16, PskIdentity<'a>, Ticket)> {
    let tickets = config.tickets.as_ref().filter(|_| takes_dhe(hello))?; // spec: 9846-4.3.9-b
    let server_name = super::flight::server_name(hello);
    let here = Here {
        config,
        tickets,
        is_quic,
        suite,
        server_name: server_name.as_deref(),
        unix_ms: config.unix_ms(turn.now),
    };
    let tried = offered.identities.iter().take(TICKETS_A_HELLO);
    (0u16..).zip(tried).find_map(|(index, identity)| Some((index, identity, here.takes(identity)?)))
}

/// Whether the client takes a pre-shared key together with a key exchange, the only way that we resume.
pub(super) fn takes_dhe(hello: &ClientHello<'_>) -> bool {
    let modes = hello.extensions.psk_key_exchange_modes;
    modes.is_some_and(|modes| modes.contains(&PskKeyExchangeMode::PSK_DHE_KE.0))
}

/// How many tickets the client gets.
#[derive(Clone, Copy)]
pub(super) struct Due {
    pub(super) count: u8,
    /// The client had a wish, and we send some at all.
    is_told: bool,
}

impl Due {
    /// What EncryptedExtensions says of it (RFC 9149 section 3).
    pub(super) fn told(self) -> Option<u8> {
        self.is_told.then_some(self.count)
    }
}

/// How many tickets the client gets, who may want fewer than we would send (RFC 9149 section 3).
pub(super) fn tickets(config: &Config, hello: &ClientHello<'_>, is_resumed: bool, now: Instant) -> Due {
    let is_told = config.tickets.is_some() && hello.extensions.ticket_request.is_some();
    let none = Due { count: 0, is_told };
    let Some(tickets) = config.tickets.as_ref().filter(|_| takes_dhe(hello)) else { return none }; // spec: 9846-4.3.9-a
    if !tickets.keys.is_sealing(config.unix_ms(now) / 1_000) {
        return none; // What cannot come is not promised.
    }
    let wanted = hello.extensions.ticket_request;
    let (ours, wanted) = match is_resumed {
        false => (tickets.count, wanted.map(|wanted| wanted.new_session_count)),
        true => (tickets.count_resumed, wanted.map(|wanted| wanted.resumption_count)),
    };
    let count = wanted.map_or(ours, |wanted| wanted.min(ours)); // spec: 9149-3-a
    Due { count, is_told }
}

/// What a ticket has to fit.
struct Here<'a> {
    config: &'a Config,
    tickets: &'a Tickets,
    is_quic: bool,
    suite: &'static Suite,
    server_name: Option<&'a str>,
    unix_ms: u64,
}

impl Here<'_> {
    fn takes(&self, offered: PskIdentity<'_>) -> Option<Ticket> {
        let unix_secs = self.unix_ms / 1_000;
        let ticket = Ticket::open(&*self.tickets.keys, unix_secs, offered.identity)?;
        let suite = self.config.provider.suite(ticket.suite)?;
        let age_ms = self.unix_ms.saturating_sub(ticket.issued_unix_ms);
        let told_age_ms = ticket.told_age_ms(offered.obfuscated_ticket_age);
        let lifetime_ms = u64::from(ticket.lifetime_secs) * 1_000;
        let fits = core::ptr::eq(suite.hash, self.suite.hash) // spec: 9846-4.7.1-e
            && ticket.transport.is_some() == self.is_quic
            && is_past(ticket.issued_unix_ms / 1_000, self.unix_ms)
            && is_past(ticket.authenticated_unix_secs, self.unix_ms)
            && age_ms < lifetime_ms
            && u64::from(told_age_ms) <= lifetime_ms
            && unix_secs.saturating_sub(ticket.authenticated_unix_secs) < self.tickets.chain_secs // spec: 9846-4.7.1-d
            && ticket.server_name.as_deref() == self.server_name
            && Some(ticket.policy) == choose::ticket_policy(self.config, self.tickets, self.server_name);
        fits.then_some(ticket)
    }
}

/// Whether a client of the ticket's identity is still welcome: certificates expire and are revoked, and policies change.
fn admits(config: &Config, ticket: &Ticket, unix_secs: u64) -> bool {
    match config.client_authentication(ticket.server_name.as_deref()) {
        Some(policy) => policy.admits(ticket.identity.as_ref(), unix_secs),
        None => ticket.identity.is_none(),
    }
}
