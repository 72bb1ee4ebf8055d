//! Where an origin may be asked over HTTP/3: who told so, and what came of it.

use super::{
    Http3, Shared,
    alternatives::{self, Spot},
    dial,
    failure::{Cause, Failed},
    place,
};
use core::time::Duration;
use sakigake_net::unix_secs;
use sakigake_page::Origin;
use sakigake_semantics::Response;
use std::net::SocketAddr;
use tokio::time;

/// How long DNS may still think about HTTP/3 when the addresses are known.
const RECORDS_PATIENCE: Duration = Duration::from_millis(50);
/// 421 (Misdirected Request).
const MISDIRECTED: u16 = 421;

/// What was found out of an origin before anything is dialled.
pub(super) struct Found {
    pub(super) addresses: Vec<SocketAddr>,
    /// Where to try HTTP/3, best first.
    pub(super) ways: Vec<Way>,
}

/// A spot that may speak HTTP/3, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) spot: Spot,
    pub(super) address: SocketAddr,
}

impl Shared {
    /// By which name alternatives of an origin are kept.
    fn alternatives_place(&self, origin: &Origin) -> String {
        format!("{} {}", place(origin), self.trusted)
    }

    /// A response of `origin`'s came: what it says of other places counts from now on.
    pub(super) fn hear_alternatives(&self, origin: &Origin, response: &Response) {
        let Some(alternatives) = &self.alternatives else { return };
        // A proxy's clients go where it leads.
        if response.status == MISDIRECTED || self.proxies.of(&origin.host).is_some() {
            return; // spec: 7838-6-a
        }
        let mut lines = response.fields.find_all(b"alt-svc").peekable();
        if lines.peek().is_none() {
            return;
        }
        let age = response.fields.find_all(b"age").next().and_then(|age| core::str::from_utf8(age).ok());
        let age_secs = age.and_then(|age| age.trim().parse().ok()).unwrap_or(0); // No number, no age.
        if let Some(field) = alternatives::parse(lines, age_secs) {
            alternatives.hear(&self.alternatives_place(origin), &own(origin), &field, unix_secs());
        }
    }

    async fn find(&self, origin: &Origin, known: Option<Vec<SocketAddr>>) -> Result<Found, Failed> {
        let told = self.spots_told(origin);
        let stands_in = self.resolve.iter().any(|row| row.host == origin.host && row.port == origin.port);
        let asks = self.http3 == Http3::WhereOffered && told.is_empty() && !stands_in;
        // It goes on when it is too late for this connection: the next one is quicker.
        let asked = (asks && self.records.may_know(origin))
            .then(|| tokio::task::spawn_local(self.records.clone().spots(origin.clone(), self.clock.now())));
        let addresses = match known {
            Some(known) => known,
            None => dial::addresses(self, &origin.host, origin.port).await?,
        };
        let mut spots = told;
        if let Some(asked) = asked
            && let Ok(Ok(found)) = time::timeout(RECORDS_PATIENCE, asked).await
        {
            spots.extend(found); // spec: 9460-3-a
        }
        let ways = self.ways(origin, &addresses, spots).await;
        Ok(Found { addresses, ways })
    }

    /// What Alt-Svc and the options say.
    fn spots_told(&self, origin: &Origin) -> Vec<Spot> {
        if self.http3 == Http3::Never {
            return Vec::new();
        }
        let told = self.alternatives.as_ref();
        let told = told.map(|told| told.spots(&self.alternatives_place(origin), unix_secs()));
        let mut spots = told.unwrap_or_default();
        if matches!(self.http3, Http3::Tried | Http3::Only) && !spots.contains(&own(origin)) {
            spots.push(own(origin));
        }
        spots
    }

    async fn ways(&self, origin: &Origin, addresses: &[SocketAddr], spots: Vec<Spot>) -> Vec<Way> {
        let (place, now) = (self.alternatives_place(origin), unix_secs());
        let is_broken = |spot: &Spot| {
            let alternatives = self.alternatives.as_ref();
            alternatives.is_some_and(|alternatives| alternatives.is_broken(&place, spot, now))
        };
        let mut ways = Vec::new();
        for spot in spots {
            if self.http3 == Http3::WhereOffered && is_broken(&spot) {
                continue;
            }
            let found = match spot.host == origin.host {
                true => addresses.to_vec(),
                // One that has none is none.
                false => dial::addresses(self, &spot.host, spot.port).await.unwrap_or_default(),
            };
            let way = |mut address: SocketAddr| {
                address.set_port(spot.port);
                Way { spot: spot.clone(), address }
            };
            ways.extend(super::race::interleaved(&found).into_iter().map(way));
        }
        ways
    }

    /// Nobody answered there.
    pub(super) fn http3_failed(&self, origin: &Origin, spot: &Spot) {
        if let Some(alternatives) = &self.alternatives {
            alternatives.failed(&self.alternatives_place(origin), spot, unix_secs());
        }
    }

    /// A connection came about.
    pub(super) fn http3_worked(&self, origin: &Origin, spot: &Spot) {
        if let Some(alternatives) = &self.alternatives {
            alternatives.worked(&self.alternatives_place(origin), spot, unix_secs());
        }
    }
}

/// The addresses of an origin that is asked straight, unless `known`, and where it may speak HTTP/3.
pub(super) async fn look_up(
    shared: &Shared,
    origin: &Origin,
    known: Option<Vec<SocketAddr>>,
) -> Result<Found, Failed> {
    let late = |_| {
        let patience = shared.connect_patience;
        let why = format_args!("cannot find {}: no answer within {patience:?}", origin.host);
        Failed::new(Cause::OperationTimedout, why)
    };
    time::timeout(shared.connect_patience, shared.find(origin, known)).await.map_err(late)?
}

/// Where an origin is by its own name.
pub(super) fn own(origin: &Origin) -> Spot {
    Spot { host: origin.host.clone(), port: origin.port }
}

#[cfg(test)]
mod tests;
