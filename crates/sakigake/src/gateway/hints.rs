//! What an origin's connection says that its pages will want, and how a browser is told.

use crate::client::Told;
use http::{HeaderMap, HeaderValue, header};
use sakigake_preload::{
    Hint, Origin, Policy, link,
    policy::{HintId, Judgement, Limits},
};
use sakigake_semantics::Response;
use std::collections::BTreeMap;

/// A hint on the origin itself, and what it asks for there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) hint: Hint,
    /// Path and query.
    pub(super) target: String,
}

/// What the origin's connections said: the newest of them counts that said anything.
pub(super) struct Hints {
    origin: Origin,
    said: BTreeMap<usize, Said>,
}

/// The hints of one connection.
struct Said {
    policy: Policy,
    known: Vec<(HintId, Link)>,
}

impl Hints {
    pub(super) fn new(origin: Origin) -> Self {
        Self { origin, said: BTreeMap::new() }
    }

    /// Whether more is known now. What a connection said goes with it: its successor says it again, or its ticket has it.
    pub(super) fn hear(&mut self, told: Told<'_>) -> bool {
        match told {
            Told::Preload { connection, block } => {
                let new = || Said {
                    policy: Policy::new(self.origin.clone(), true, Limits::default()),
                    known: Vec::new(),
                };
                self.said.entry(connection).or_insert_with(new).hear(block)
            }
            Told::Gone { connection } => {
                self.said.remove(&connection);
                false
            }
        }
    }

    /// The best first.
    pub(super) fn links(&self) -> Vec<Link> {
        let newest = self.said.values().rev().find(|said| !said.known.is_empty());
        let mut links: Vec<Link> =
            newest.into_iter().flat_map(|said| &said.known).map(|(_, link)| link.clone()).collect();
        links.sort_by_key(|link| link.hint.rank());
        links
    }
}

impl Said {
    fn hear(&mut self, block: &[u8]) -> bool {
        // What is ignored leaves what was known.
        let Ok((orders, _)) = self.policy.receive(block, &mut |_| Judgement::Wanted) else {
            return false;
        };
        self.known.retain(|(id, _)| !orders.cancel.contains(id));
        let found = orders.request.into_iter().filter_map(|order| Some((order.id, of(order.hint)?)));
        self.known.extend(found);
        !self.known.is_empty()
    }
}

/// An image set would name other addresses, which nobody has looked at: such a hint is left out.
fn of(hint: Hint) -> Option<Link> {
    let (_, target) = hint.split_url().filter(|_| hint.imagesrcset.is_none())?;
    let target = target.to_owned();
    Some(Link { hint, target })
}

/// What the origin's own 103 names, of which the same is taken as of a frame.
pub(super) fn of_interim(interim: &Response, origin: &Origin) -> Vec<Link> {
    let mut hints = Vec::new();
    for value in interim.fields.find_all(b"link") {
        // What stood before a fault counts.
        let _ = link::parse(value, link::Limits::default(), &mut |mut link| {
            if link.target.starts_with('/') && !link.target.starts_with("//") {
                link.target = origin.url(&link.target);
            }
            hints.extend(Hint::from_link(&link).ok());
        });
    }
    let mut policy = Policy::new(origin.clone(), true, Limits::default());
    let orders = policy.take(&hints, &mut |_| Judgement::Wanted);
    let mut links: Vec<Link> = orders.request.into_iter().filter_map(|order| of(order.hint)).collect();
    links.sort_by_key(|link| link.hint.rank());
    links
}

/// The same resources under the authority that the browser visits. Each value is printed from what was read of it.
pub(super) fn fields(links: &[Link], visited: &Origin) -> HeaderMap {
    let mut fields = HeaderMap::new();
    for link in links {
        let hint = Hint { url: visited.url(&link.target), ..link.hint.clone() };
        if let Ok(value) = HeaderValue::from_str(&hint.to_string()) {
            fields.append(header::LINK, value);
        }
    }
    fields
}

#[cfg(test)]
mod tests;
