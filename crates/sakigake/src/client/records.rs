//! What DNS says of an origin beside its addresses: HTTPS records (RFC 9460), and with them whether it speaks HTTP/3.
//!
//! One type of question, put to the servers of `/etc/resolv.conf` by ourselves: the system's resolver cannot be asked for it, and a
//! resolver of our own would be the largest thing that stands here, for an answer that nobody has to wait for. What does not come, or
//! not in time, costs a first connection over TCP and no more; addresses come from the system's resolver alone.

mod ask;
mod message;
mod rdata;

pub(crate) use rdata::{Mode, Record};

use super::alternatives::Spot;
use ask::Server;
use sakigake_page::Origin;
use sakigake_wire::{Instant, Span};
use std::{cell::RefCell, collections::BTreeMap, net::IpAddr, net::SocketAddr, rc::Rc};

/// Whom to ask for HTTPS records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum NameServers {
    /// Those that the system is set up with (`/etc/resolv.conf`).
    #[default]
    System,
    /// These, in order.
    These(Vec<SocketAddr>),
    /// Nobody.
    None,
}

/// Answers, for as long as they are good.
pub(crate) struct Records {
    servers: Vec<Server>,
    known: RefCell<BTreeMap<String, Known>>,
}

/// Where a name's HTTP/3 is, as far as records tell, and until when.
struct Known {
    spots: Vec<Spot>,
    until: Instant,
}

/// What an answer leads to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// Where HTTP/3 is spoken, best first.
    pub(crate) spots: Vec<Spot>,
    /// For how long that is good.
    pub(crate) ttl_secs: u32,
}

/// Names whose answers are kept.
const NAMES: usize = 256;
/// How long an answer is kept at most, and how long it is that there was none.
const MOST_SECS: u32 = 3_600;
const NOTHING_SECS: u32 = 60;
/// Names that one question may lead through by AliasMode (RFC 9460 section 3.1).
const ALIASES: usize = 4;

impl Records {
    pub(crate) fn new(servers: &NameServers) -> Self {
        let servers = match servers {
            NameServers::System => ask::of_the_system(),
            NameServers::These(servers) => servers.iter().copied().map(Server).collect(),
            NameServers::None => Vec::new(),
        };
        Self { servers, known: RefCell::default() }
    }

    /// Whether there is anything to be asked about `origin`.
    pub(crate) fn may_know(&self, origin: &Origin) -> bool {
        let host = origin.host.trim_start_matches('[').trim_end_matches(']');
        let is_local = host == "localhost" || host.ends_with(".localhost"); // Not for DNS (RFC 6761 section 6.3).
        !self.servers.is_empty() && !is_local && host.parse::<IpAddr>().is_err()
    }

    /// Where `origin` speaks HTTP/3; nowhere if that cannot be found out.
    pub(crate) async fn spots(self: Rc<Self>, origin: Origin, now: Instant) -> Vec<Spot> {
        let name = question(&origin);
        if let Some(known) = self.known.borrow().get(&name).filter(|known| known.until > now) {
            return known.spots.clone();
        }
        let found = self.find(&name, origin.port).await.unwrap_or_default();
        let secs = if found.spots.is_empty() { NOTHING_SECS } else { found.ttl_secs.min(MOST_SECS) };
        let mut known = self.known.borrow_mut();
        known.retain(|_, known| known.until > now);
        if known.len() < NAMES {
            let until = now + Span::from_secs(secs.into());
            known.insert(name, Known { spots: found.spots.clone(), until });
        }
        found.spots
    }

    /// Asks, and follows aliases. `None` where nobody answered, or what came cannot be used.
    async fn find(&self, name: &str, port: u16) -> Option<Found> {
        let (mut name, mut ttl_secs) = (name.to_owned(), u32::MAX);
        for _ in 0..ALIASES {
            let answer = ask::ask(&self.servers, &name).await?;
            ttl_secs = ttl_secs.min(answer.ttl_secs);
            // Who has an alias has nothing else (RFC 9460 section 2.4.1).
            match answer.records.iter().find(|record| record.mode == Mode::Alias) {
                // spec: 9460-2.4.2-a
                Some(alias) if !alias.target.is_empty() => name = alias.target.clone(),
                Some(_) => return None, // The service is not there (section 2.5.1).
                None => return Some(Found { spots: spots(&answer.records, &answer.owner, port), ttl_secs }),
            }
        }
        None // spec: 9460-3.1-a
    }
}

/// Where an answer leads that holds a question about `a.test`, for a fuzzer.
pub(crate) fn spots_of(answer: &[u8]) -> Vec<Spot> {
    let asked = message::question(0, "a.test").expect("a name");
    match message::answer(&asked, answer) {
        Some(message::Heard::Answer(answer)) => spots(&answer.records, &answer.owner, 443),
        _ => Vec::new(),
    }
}

/// The name that is asked about (RFC 9460 section 9.1).
fn question(origin: &Origin) -> String {
    match origin.port {
        443 => origin.host.clone(),
        port => format!("_{port}._https.{}", origin.host), // spec: 9460-9.1-a
    }
}

/// Where these records lead who speaks HTTP/3.
fn spots(records: &[Record], owner: &str, port: u16) -> Vec<Spot> {
    let mut fitting: Vec<&Record> =
        records.iter().filter(|record| record.is_understood && record.speaks(b"h3")).collect();
    fitting.sort_by_key(|record| record.priority); // spec: 9460-2.4.1-a
    let spot = |record: &&Record| {
        let host = if record.target.is_empty() { owner } else { &record.target };
        Spot { host: host.to_owned(), port: record.port.unwrap_or(port) }
    };
    fitting.iter().map(spot).collect()
}

#[cfg(test)]
mod tests;
