//! Whether a ClientHello resumes an earlier connection (RFC 9846 section 4.3.11).

use super::{Config, choose};
use crate::{
    Fault, Identity,
    extension::PskIdentity,
    handshake::Turn,
    message::ClientHello,
    rules::PskKeyExchangeMode,
    schedule::Early,
    ticket::{Ticket, Tickets},
    transcript::Transcript,
};
use sakigake_crypto::Suite;

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
}

/// The first ticket that is good here and now, if its binder is right. `before` holds all messages before this one.
pub(super) fn resume(
    config: &Config,
    suite: &'static Suite,
    hello: &ClientHello<'_>,
    message: &[u8],
    before: &Transcript,
    turn: &Turn<'_>,
) -> Result<Option<Resumed>, Fault> {
    let Some(tickets) = &config.tickets else { return Ok(None) };
    let Some(offered) = hello.extensions.pre_shared_key else { return Ok(None) };
    if !takes_dhe(hello) {
        return Ok(None); // spec: 9846-4.3.9-b
    }
    let server_name = super::flight::server_name(hello);
    let here = Here {
        config,
        tickets,
        suite,
        server_name: server_name.as_deref(),
        unix_ms: config.unix_ms(turn.now),
    };
    let tried = offered.identities.iter().take(TICKETS_A_HELLO);
    let found = (0u16..).zip(tried).find_map(|(index, identity)| {
        let ticket = here.takes(identity)?;
        let age_ms = ticket.told_age_ms(identity.obfuscated_ticket_age);
        Some(Resumed { index, ticket, age_ms, binder: Vec::new() })
    });
    let Some(mut resumed) = found else { return Ok(None) }; // spec: 9846-4.3.11-b
    let mut transcript = before.fork();
    transcript.add(&message[..message.len() - offered.binders_len()]); // It ends with them: `pre_shared_key` is the last extension.
    let binder = Early::new(suite, Some(&resumed.ticket.secret)).binder(&transcript.digest());
    let received = offered.binders.iter().nth(usize::from(resumed.index));
    match (binder, received) {
        (Some(binder), Some(received)) if sakigake_crypto::equal(binder.as_ref(), received.0) => {
            resumed.binder = received.0.to_vec();
            Ok(Some(resumed))
        }
        _ => Err(Fault::BadBinder), // spec: 9846-4.3.11-c
    }
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
pub(super) fn tickets(config: &Config, hello: &ClientHello<'_>, is_resumed: bool) -> Due {
    let is_told = config.tickets.is_some() && hello.extensions.ticket_request.is_some();
    let none = Due { count: 0, is_told };
    let Some(tickets) = config.tickets.as_ref().filter(|_| takes_dhe(hello)) else { return none }; // spec: 9846-4.3.9-a
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
            && age_ms < lifetime_ms
            && u64::from(told_age_ms) <= lifetime_ms
            && unix_secs.saturating_sub(ticket.authenticated_unix_secs) < self.tickets.chain_secs // spec: 9846-4.7.1-d
            && ticket.policy == (self.tickets.policy)(self.server_name)
            && ticket.server_name.as_deref() == self.server_name
            && choose::serves(self.config, self.server_name)
            && self.admits(ticket.identity.as_ref(), unix_secs);
        fits.then_some(ticket)
    }

    /// Whether a client of that identity is still welcome: certificates expire and are revoked, and policies change.
    fn admits(&self, identity: Option<&Identity>, unix_secs: u64) -> bool {
        match self.config.client_authentication(self.server_name) {
            Some(policy) => policy.admits(identity, unix_secs),
            None => identity.is_none(),
        }
    }
}
