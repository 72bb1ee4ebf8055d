//! Connections that serve other origins than their own (RFC 9113 section 9.1.1, RFC 8336).
//!
//! An HTTP/2 connection may serve another https origin on the same port when its certificate covers that host, and either the
//! host's addresses name the same server or the server's ORIGIN set names the origin. A set that was sent and lacks the origin
//! forbids it; and so does an identity that we show to one host alone. A 421 is asked again on a connection of the origin's own, and then remembered.

use super::{Call, Connection, Pool};
use crate::client::{
    Shared,
    connection::{News, Protocol},
    dial,
    failure::Failed,
};
use sakigake_h2 as h2;
use sakigake_net::unix_secs;
use sakigake_page::{Origin, load::Id};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
};

#[cfg(test)]
mod tests;

/// News that no connection tells.
const NOBODY: usize = usize::MAX;

/// Who serves whom.
#[derive(Default)]
pub(super) struct Sharing {
    /// Which connection serves an origin that is not its own.
    guests: BTreeMap<Origin, usize>,
    /// Origins whose addresses are being looked up.
    sought: BTreeSet<Origin>,
    /// Origins that get connections of their own, and their addresses where they were looked up.
    alone: BTreeMap<Origin, Option<Vec<SocketAddr>>>,
    /// Requests that guests make, should they have to be asked again.
    copies: BTreeMap<Id, (Origin, Box<Call>)>,
}

impl Connection {
    /// Whether names and certificate allow it to serve `origin` too.
    fn may_host(&self, origin: &Origin, shared: &Shared) -> bool {
        let Some(ready) = &self.ready else { return false };
        let is_near = self.origin.port == origin.port && self.origin.secure && origin.secure;
        let is_barred = self.origin_set.is_some() && !self.is_named(origin);
        ready.protocol != Protocol::Http1
            && !self.is_retired
            && !ready.line.is_proxied
            && is_near
            && shared.is_same_to(&self.origin.host, &origin.host)
            && !is_barred
            && ready.witness.as_ref().is_some_and(|witness| witness.covers(&origin.host, unix_secs())) // spec: 9113-9.1.1-a
    }

    /// Whether the server's ORIGIN set names it.
    fn is_named(&self, origin: &Origin) -> bool {
        let origin = h2::Origin::parse(origin.to_string().as_bytes());
        self.origin_set.as_ref().zip(origin).is_some_and(|(set, origin)| set.contains(&origin))
    }
}

impl Pool {
    /// The connection that has `origin` as its guest.
    pub(super) fn host_of(&self, origin: &Origin) -> Option<usize> {
        let number = *self.sharing.guests.get(origin)?;
        self.find(number)
            .filter(|connection| connection.has_room(self.asker, false))
            .map(|connection| connection.number)
    }

    /// Whether `origin` has to wait for its addresses, since a connection may serve it.
    pub(super) fn seeks(&mut self, origin: &Origin) -> bool {
        if self.sharing.sought.contains(origin) {
            return true;
        }
        let is_alone = self.sharing.alone.contains_key(origin);
        // What a proxy is asked for is neither looked up here nor asked around it.
        let is_proxied = self.shared.proxies.of(&origin.host).is_some();
        if is_alone
            || is_proxied
            || !self.connections.iter().any(|connection| connection.may_host(origin, &self.shared))
        {
            return false;
        }
        self.sharing.sought.insert(origin.clone());
        let (shared, ear, origin) = (self.shared.clone(), self.ear.clone(), origin.clone());
        tokio::task::spawn_local(async move {
            let found = dial::addresses(&shared, &origin.host, origin.port).await;
            let _ = ear.send((NOBODY, News::Found(origin, found))); // A loader that is gone needs no addresses.
        });
        true
    }

    /// The addresses of an origin are known: it becomes a guest, or gets a connection of its own. Gives what cannot come.
    pub(in crate::client) fn found(
        &mut self,
        origin: Origin,
        found: Result<Vec<SocketAddr>, Failed>,
    ) -> Vec<(Id, Failed)> {
        self.sharing.sought.remove(&origin);
        let is_there = |connection: &&Connection| {
            let address = connection.ready.as_ref().map(|ready| ready.line.address);
            let is_at = found.as_ref().is_ok_and(|found| found.iter().any(|one| Some(*one) == address));
            (is_at || connection.is_named(&origin)) && connection.may_host(&origin, &self.shared)
        };
        let host = self.connections.iter().find(is_there).map(|host| host.number);
        let (waiting, others) =
            core::mem::take(&mut self.waiting).into_iter().partition(|(waits, ..)| *waits == origin);
        self.waiting = others;
        match (host, found) {
            (Some(host), _) => _ = self.sharing.guests.insert(origin, host),
            (None, Ok(found)) => _ = self.sharing.alone.insert(origin, Some(found)),
            (None, Err(why)) => return waiting.into_iter().map(|(_, id, _)| (id, why.clone())).collect(),
        }
        for (origin, id, call) in waiting {
            self.request(&origin, id, call);
        }
        Vec::new()
    }

    /// The response was 421: `true` if it is asked again, on a connection of the origin's own.
    pub(in crate::client) fn misdirected(&mut self, number: usize, id: Id) -> bool {
        let Some((origin, call)) = self.sharing.copies.remove(&id) else { return false };
        self.cancel(id);
        self.release(number, id);
        self.sharing.guests.remove(&origin);
        self.sharing.alone.insert(origin.clone(), None); // spec: 9113-9.1.1-b
        self.request(&origin, id, call);
        true
    }

    /// The origin that a connection is asked for by this request.
    pub(super) fn origin_of(&self, number: usize, id: Id) -> Option<Origin> {
        let copy = self.sharing.copies.get(&id).map(|(origin, _)| origin.clone());
        copy.or_else(|| self.find(number).map(|connection| connection.origin.clone()))
    }

    /// A guest asks: a 421 may follow.
    pub(super) fn remember(&mut self, origin: &Origin, id: Id, call: &Call) {
        if let Some(copy) = call.copy() {
            self.sharing.copies.insert(id, (origin.clone(), Box::new(copy)));
        }
    }

    pub(super) fn forget(&mut self, id: Id) {
        self.sharing.copies.remove(&id);
    }

    /// A connection's ORIGIN set changed: guests that it lacks go (RFC 8336 section 2.4).
    pub(super) fn review_guests(&mut self, number: usize) {
        let Some(host) = self.connections.iter().find(|host| host.number == number) else { return };
        self.sharing.guests.retain(|origin, at| *at != number || host.may_host(origin, &self.shared)); // spec: 8336-2.4-a
    }

    /// What is known of the addresses of an origin.
    pub(super) fn known(&self, origin: &Origin) -> Option<Vec<SocketAddr>> {
        self.sharing.alone.get(origin).cloned().flatten()
    }

    /// A connection is gone, and with it its guests' host.
    pub(super) fn evict(&mut self, number: usize) {
        self.sharing.guests.retain(|_, host| *host != number);
    }
}
