//! What a client keeps to resume connections by: each ticket for one connection, to the place that it came from.

mod folder;

pub use folder::InFolder;

use super::Options;
use crate::client::place;
use core::fmt::Write as _;
use sakigake_crypto::aws_lc::PROVIDER;
use sakigake_page::Origin;
use sakigake_semantics as semantics;
use sakigake_session::Event;
use sakigake_tls as tls;
use sakigake_wire::Reader;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

/// Keeps tickets by place: an origin's host and port, and what else must be the same. Whatever fails in a store costs a full
/// handshake, no more.
pub trait Store: Send + Sync {
    /// The newest ticket for a place, which the store forgets: nobody gets it twice.
    fn take(&self, place: &str, unix_ms: u64) -> Option<tls::Session>;

    /// Keeps one more for later.
    fn put(&self, place: &str, session: &tls::Session);

    /// The place takes none of those tickets any more that came before (RFC 9149 section 3).
    fn forget(&self, place: &str, before_unix_ms: u64);
}

/// Tickets that one place has at most; the oldest gives way.
const A_PLACE: usize = 4;

/// Tickets in memory, for as long as the process lasts.
#[derive(Debug, Default)]
pub struct InMemory(Mutex<Places>);

#[derive(Debug, Default)]
struct Places {
    sessions: BTreeMap<String, VecDeque<tls::Session>>,
    /// Of all of them.
    bytes: usize,
}

impl InMemory {
    /// Places that are remembered at most; the one that was heard of longest ago gives way.
    pub const PLACES: usize = 1_024;

    /// Bytes of tickets and chains at most; the same place gives way.
    pub const BYTES: usize = 8 << 20;

    fn places(&self) -> std::sync::MutexGuard<'_, Places> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places {
    /// Keeps of a place what `change` leaves there, and what it gives back is no longer counted.
    fn change<T>(&mut self, place: &str, change: impl FnOnce(&mut VecDeque<tls::Session>) -> T) -> Option<T> {
        let sessions = self.sessions.get_mut(place)?;
        let bytes = |sessions: &VecDeque<tls::Session>| sessions.iter().map(bytes).sum::<usize>();
        let before = bytes(sessions);
        let changed = change(sessions);
        self.bytes = self.bytes - before + bytes(sessions);
        if sessions.is_empty() {
            self.sessions.remove(place);
        }
        Some(changed)
    }

    /// The place that was heard of longest ago.
    fn oldest(&self) -> Option<String> {
        let newest =
            |sessions: &VecDeque<tls::Session>| sessions.back().map(|session| session.received_unix_ms);
        self.sessions.iter().min_by_key(|(_, sessions)| newest(sessions)).map(|(name, _)| name.clone())
    }
}

impl Store for InMemory {
    fn take(&self, place: &str, unix_ms: u64) -> Option<tls::Session> {
        let newest = |sessions: &mut VecDeque<tls::Session>| {
            core::iter::from_fn(|| sessions.pop_back()).find(|session| is_fresh(session, unix_ms))
        };
        self.places().change(place, newest)?
    }

    fn put(&self, place: &str, session: &tls::Session) {
        if !is_kept(session) {
            return;
        }
        let mut places = self.places();
        places.sessions.entry(place.to_owned()).or_default();
        places.change(place, |sessions| {
            sessions.push_back(session.clone());
            if sessions.len() > A_PLACE {
                sessions.pop_front();
            }
        });
        while places.sessions.len() > Self::PLACES || places.bytes > Self::BYTES {
            let Some(oldest) = places.oldest() else { return };
            places.change(&oldest, VecDeque::clear);
        }
    }

    fn forget(&self, place: &str, before_unix_ms: u64) {
        let is_later = |session: &tls::Session| session.received_unix_ms >= before_unix_ms;
        self.places().change(place, |sessions| sessions.retain(is_later));
    }
}

/// Bytes of what a server has a say in.
fn bytes(session: &tls::Session) -> usize {
    session.ticket.len() + session.kept.len() + session.chain.iter().map(Vec::len).sum::<usize>()
}

/// Whether it is worth its room: a ticket that fills a ClientHello is not offered, and honest chains are short.
fn is_kept(session: &tls::Session) -> bool {
    session.ticket.len() <= MOST_TICKET_BYTES && bytes(session) <= MOST_BYTES
}

/// Bytes of a ticket that is kept.
const MOST_TICKET_BYTES: usize = 16_384;

/// Bytes of a ticket, of the chain that it rests on, and of what is kept beside.
const MOST_BYTES: usize = 49_152;

/// Whether its lifetime is not over; the rest is TLS's to judge.
fn is_fresh(session: &tls::Session, unix_ms: u64) -> bool {
    session.is_fresh(unix_ms, u64::MAX)
}

/// The store and a client's policy: what must be the same, beside host and port.
#[derive(Clone)]
pub(crate) struct Tickets {
    store: Arc<dyn Store>,
    policy: String,
}

impl Tickets {
    /// Those of a client, if it keeps any.
    pub(super) fn of(options: &Options) -> Option<Self> {
        let Options { trust, protocols, preload, tickets, verifier, identity, .. } = options;
        let shown = identity.as_ref().map(|identity| identity.credential.chain.first());
        // A server that was told that hints are of no use sends none to who comes back; and a ticket spares the staples: only
        // who is judged by such a verifier too has seen them.
        let judge = if verifier.is_some() { "own" } else { "" };
        let policy = format!("{trust:?} {protocols:?} {preload} {judge} {shown:?}");
        tickets.clone().map(|store| Self { store, policy })
    }

    /// How many to ask for: one for each connection to come, and one more where there was none.
    pub(super) const WANTED: tls::extension::TicketRequest =
        tls::extension::TicketRequest { new_session_count: 2, resumption_count: 1 };

    /// The tickets of one connection to `origin`, by way of `proxy`: what was got through one is not shown elsewhere. Nor is what
    /// was got over QUIC of use over TCP.
    pub(super) fn for_origin(&self, origin: &Origin, proxy: Option<&super::Proxy>, over: Over) -> Keeper {
        let quic = if over == Over::Quic { " quic" } else { "" };
        let place = format!("{} {}", place(origin), digest(&format!("{} {proxy:?}{quic}", self.policy)));
        Keeper {
            store: self.store.clone(),
            place,
            over,
            token: Vec::new(),
            offered_unix_ms: None,
            is_resumed: false,
            has_begun: false,
            hints: Hints::default(),
        }
    }
}

/// What carries a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    Tcp,
    Quic,
}

/// Keeps the tickets of one connection, each with the origin's hints: who loses one loses the other.
pub(super) struct Keeper {
    store: Arc<dyn Store>,
    place: String,
    over: Over,
    /// What the server believes our address by, the next time (NEW_TOKEN): kept with the ticket that comes after it.
    token: Vec<u8>,
    /// When a ticket was taken for this connection, if one was.
    offered_unix_ms: Option<u64>,
    is_resumed: bool,
    /// The server's SETTINGS were heard: a frame with hints would have come in their record.
    has_begun: bool,
    hints: Hints,
}

/// The hints of the connection's host, as a PRELOAD frame says them: those that came with the ticket, until the server says
/// others.
#[derive(Default)]
struct Hints {
    block: Vec<u8>,
    /// The server said them on this connection.
    are_new: bool,
    /// They were acted on, here.
    are_used: bool,
}

impl Keeper {
    /// What the connection may go on from.
    pub(super) fn take(&mut self, unix_ms: u64) -> Option<tls::Session> {
        let mut session = self.store.take(&self.place, unix_ms);
        self.offered_unix_ms = session.is_some().then_some(unix_ms);
        let kept = session.as_mut().map(|session| core::mem::take(&mut session.kept)).unwrap_or_default();
        self.unpack(kept);
        session
    }

    /// The token that came with the ticket, for one connection.
    pub(super) fn take_token(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.token)
    }

    /// What is kept beside a ticket: hints, and over QUIC a token before them.
    fn pack(&mut self) -> Vec<u8> {
        let token = core::mem::take(&mut self.token);
        match (self.over, u16::try_from(token.len())) {
            (Over::Tcp, _) => self.hints.block.clone(),
            (Over::Quic, Ok(len)) => [&len.to_be_bytes()[..], &token, &self.hints.block].concat(),
            (Over::Quic, Err(_)) => [&[0; 2][..], &self.hints.block].concat(),
        }
    }

    fn unpack(&mut self, kept: Vec<u8>) {
        self.hints.block = match self.over {
            Over::Tcp => kept,
            Over::Quic => {
                let mut reader = Reader::new(&kept);
                let token = reader.vector_u16().map(|mut token| token.rest()).unwrap_or_default(); // Nothing was kept.
                self.token = token.to_vec();
                reader.rest().to_vec()
            }
        };
    }

    /// The connection did not come about.
    pub(super) fn give_back(mut self, session: tls::Session) {
        let kept = self.pack();
        self.store.put(&self.place, &tls::Session { kept, ..session });
    }

    /// The remembered hints, for who asks for what they name in the first flight, before the server has said anything.
    pub(super) fn remembered(&mut self) -> Option<Vec<u8>> {
        let is_due = !self.hints.block.is_empty() && !core::mem::replace(&mut self.hints.are_used, true);
        is_due.then(|| self.hints.block.clone())
    }

    /// The same once the handshake is over: the server went on from the earlier connection and says nothing behind its SETTINGS,
    /// since it would say the same again.
    pub(super) fn recalled(&mut self) -> Option<Vec<u8>> {
        let is_silent = self.is_resumed && self.has_begun && !self.hints.are_new;
        if is_silent { self.remembered() } else { None } // spec: preload-profile-10-b
    }

    pub(super) fn hear(&mut self, event: &Event<'_>) {
        match event {
            Event::Ready { is_resumed: true, .. } => self.is_resumed = true,
            Event::Ready { is_resumed: false, .. } => {
                self.hints.block.clear(); // spec: preload-profile-9-b
                // What connections beside this one got meanwhile is good.
                if let Some(before_unix_ms) = self.offered_unix_ms {
                    self.store.forget(&self.place, before_unix_ms);
                }
            }
            Event::Http(semantics::Event::Settings) => self.has_begun = true,
            // What pages need beside them comes later.
            Event::Http(semantics::Event::Preload { block }) if !self.hints.are_new => {
                self.hints.are_new = true;
                self.hints.block = block.to_vec();
            }
            Event::Token(token) => self.token = token.to_vec(),
            Event::Ticket(session) => {
                let kept = self.pack();
                self.store.put(&self.place, &tls::Session { kept, ..(**session).clone() });
            }
            _ => {}
        }
    }
}

/// Sixteen bytes of a digest, in hexadecimal.
pub(super) fn digest(text: &str) -> String {
    let mut hash = (PROVIDER.suites.first().expect("the provider has suites").hash.start)();
    hash.update(text.as_bytes());
    let mut hex = String::with_capacity(32);
    for byte in &hash.digest().as_ref()[..16] {
        write!(hex, "{byte:02x}").expect("a String takes everything"); // No hash of a suite is shorter.
    }
    hex
}

#[cfg(test)]
mod tests;
