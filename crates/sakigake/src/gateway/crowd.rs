//! Requests of browsers that ask for the same in the same words while the first of them is under way: its response does for all, where
//! anybody may have it and it may be used unasked (RFC 9111 section 4). Equal words are what keeps one browser from choosing another's
//! answer, by whatever field. Nothing of it is kept.

use super::{
    Gateway,
    body::Outgoing,
    fetch,
    flight::{Flight, Head, Places, Reader},
    forward,
    memory::Memory,
};
use crate::client::{Exchange, Protocol};
use core::time::Duration;
use http::{HeaderMap, Method, Response, header, request::Parts};
use http_cache_semantics::BeforeRequest;
use sakigake_preload::Origin;
use std::{collections::BTreeMap, rc::Rc, time::SystemTime};

/// Fields of requests that a 304 may answer.
const CONDITIONS: [header::HeaderName; 2] = [header::IF_NONE_MATCH, header::IF_MODIFIED_SINCE];

/// Who is under way.
#[derive(Default)]
pub(super) struct Crowds {
    /// By path and query.
    under_way: BTreeMap<String, Vec<Crowd>>,
    /// Those whose response somebody waits for, or reads.
    held: Places,
    /// What was not for all: nobody waits for that in vain.
    lonely: Memory,
}

/// A request and what comes of it.
struct Crowd {
    visited: Origin,
    headers: HeaderMap,
    flight: Rc<Flight>,
}

/// Where a request stands.
pub(super) enum Place {
    First(Lead),
    Behind(Rc<Flight>),
}

/// The first of a crowd. When it goes without having shared anything, those behind it ask for themselves.
pub(super) struct Lead {
    gateway: Rc<Gateway>,
    target: String,
    flight: Rc<Flight>,
    asked: SystemTime,
}

impl Drop for Lead {
    fn drop(&mut self) {
        self.flight.end(false); // Unless it has ended well.
        self.gateway.crowds.borrow_mut().leave(&self.target, &self.flight);
    }
}

impl Crowds {
    fn leave(&mut self, target: &str, flight: &Rc<Flight>) {
        let Some(all) = self.under_way.get_mut(target) else { return };
        all.retain(|crowd| !Rc::ptr_eq(&crowd.flight, flight));
        if all.is_empty() {
            self.under_way.remove(target);
        }
    }

    /// Something was changed there: who asks from now on gets what is there now, and not what was asked for before.
    pub(super) fn part(&mut self, target: &str) {
        self.under_way.remove(target);
    }
}

impl Gateway {
    /// Where a request stands among those that ask for the same; none where it has to go alone.
    pub(super) fn place(self: &Rc<Self>, parts: &Parts, visited: &Origin) -> Option<Place> {
        // Whoever asks whether what it has is still good gets a short answer, and no other's.
        let is_conditional = CONDITIONS.iter().any(|name| parts.headers.contains_key(name));
        let may_wait = parts.method == Method::GET && !forward::is_navigation(parts) && !is_conditional;
        if !may_wait || fetch::is_passed(&parts.headers) {
            return None;
        }
        let target = forward::target(parts);
        let (target, mut crowds) = (&*target, self.crowds.borrow_mut());
        let all = crowds.under_way.get(target).into_iter().flatten();
        let is_same = |crowd: &&Crowd| crowd.visited == *visited && crowd.headers == parts.headers;
        if let Some(crowd) = all.into_iter().find(is_same) {
            return Some(Place::Behind(crowd.flight.clone()));
        }
        if crowds.lonely.has(target) {
            return None;
        }
        let flight = Rc::new(Flight::new(false, crowds.held.take(self.options.limits.crowds)?));
        flight.claim(); // What must not be used unasked is the first one's.
        let crowd =
            Crowd { visited: visited.clone(), headers: parts.headers.clone(), flight: flight.clone() };
        crowds.under_way.entry(target.to_owned()).or_default().push(crowd);
        Some(Place::First(Lead {
            gateway: self.clone(),
            target: target.to_owned(),
            flight,
            asked: SystemTime::now(),
        }))
    }

    /// The response of the request before this one, if this one may have it and its head comes in time.
    pub(super) async fn behind(
        &self,
        flight: &Rc<Flight>,
        parts: &Parts,
        visited: &Origin,
    ) -> Option<Response<Outgoing>> {
        let request = fetch::request_of(parts);
        let patience = Duration::from_millis(self.options.limits.crowd_wait_ms);
        tokio::time::timeout(patience, self.join(flight, &request, visited)).await.ok()?
    }

    /// A first one's response has begun: where others wait for it and may have it, all of them read it as it comes. The exchange
    /// comes back where it is this request's alone.
    pub(super) fn share(
        self: &Rc<Self>,
        lead: Lead,
        parts: &Parts,
        came: &sakigake_semantics::Response,
        mut exchange: Exchange,
    ) -> Result<Outgoing, Exchange> {
        let Some((head, length)) = self.for_all(parts, (came, exchange.protocol()), lead.asked) else {
            self.crowds.borrow_mut().lonely.note(&lead.target);
            return Err(exchange);
        };
        if !lead.flight.is_awaited() {
            return Err(exchange); // It goes as fast as its own browser reads.
        }
        lead.flight.begin(head);
        let (gateway, reader) = (self.clone(), Reader::of(&lead.flight));
        tokio::task::spawn_local(async move {
            let whole = gateway.collect(&mut exchange, Some(length), &lead.flight).await;
            lead.flight.end(whole.is_some());
        });
        Ok(Outgoing::flight(reader))
    }

    /// The response's head and length, where anybody may have it who asks like that, and it is no longer than what may be held.
    fn for_all(
        &self,
        parts: &Parts,
        (came, protocol): (&sakigake_semantics::Response, Option<Protocol>),
        asked: SystemTime,
    ) -> Option<(Head, usize)> {
        let request = fetch::request_of(parts);
        let headers = forward::received(came, protocol)?;
        let (policy, length) = self.judge(&request, came.status, &headers, asked)?;
        let is_fresh = matches!(policy.before_request(&request, SystemTime::now()), BeforeRequest::Fresh(_));
        let length = length.filter(|_| is_fresh)?;
        Some((Head { policy, headers, is_sized: true }, length))
    }
}

#[cfg(test)]
mod tests;
