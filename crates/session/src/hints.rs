//! What a server says first, and later, on one connection: when the frame leaves. What it means is `preload`'s.

use sakigake_h2 as h2;
use sakigake_preload::{
    Digest, Origin, Table, Told,
    table::{Account, Flight},
};
use sakigake_semantics::{Request, StreamId};
use sakigake_wire::{Instant, Span};
use std::{collections::VecDeque, sync::Arc};

/// Bytes that a sender may have in flight before the first acknowledgement: ten segments (RFC 6928).
const INITIAL_WINDOW_BYTES: usize = 14_600;
/// What the record, our SETTINGS, WINDOW_UPDATE and the frame's header take beside the frame's block.
pub(crate) const OVERHEAD_BYTES: usize = 128;

/// An HTTP engine, as far as hints concern it.
pub(crate) trait Speaks {
    /// Queues a frame of hints; whether it will be said. An engine refuses when the connection is closing, since then nobody would
    /// act on the hints.
    fn preload(&mut self, flight: &Flight) -> bool;

    /// Whether the client said that it acts on them.
    fn knows_preload(&self) -> bool;

    /// How long a round trip takes, so far as that is known.
    fn rtt(&self) -> Option<Span>;
}

impl Speaks for h2::Connection {
    fn preload(&mut self, flight: &Flight) -> bool {
        self.preload(flight.block()).is_ok()
    }

    fn knows_preload(&self) -> bool {
        self.knows_preload()
    }

    fn rtt(&self) -> Option<Span> {
        self.rtt()
    }
}

/// Pages that one turn may ask for and be hinted at.
const PAGES: usize = 8;

/// Requests before the first flight that are remembered.
const BEFORE: usize = 64;

/// Requests whose marks wait for their owner.
const MARKS: usize = 256;

/// What hints had to do with one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// The connection had been hinted at what was asked for.
    pub hinted: bool,
    /// Hints that went out because of it.
    pub hints: usize,
}

/// A connection's share in the table of hints.
pub(crate) struct Hints {
    table: Arc<Table>,
    account: Account,
    is_first_said: bool,
    /// The client is known not to know the frame, from an earlier connection.
    is_unknown: bool,
    /// Of the first flight's frame that the client has, from this connection or from that one.
    digest: Option<Digest>,
    /// What was asked for before the first flight: by early data. Authorities and targets.
    before: Vec<(String, String)>,
    /// Pages that were asked for and not yet answered with what they need beyond the host's set.
    pages: Vec<(StreamId, String)>,
    /// What is to be said of requests; the owner takes it, and who takes nothing loses the oldest.
    marks: VecDeque<(StreamId, Mark)>,
}

impl Hints {
    pub(crate) fn new(table: Arc<Table>) -> Self {
        Self {
            table,
            account: Account::new(),
            is_first_said: false,
            is_unknown: false,
            digest: None,
            before: Vec::new(),
            pages: Vec::new(),
            marks: VecDeque::new(),
        }
    }

    /// The client goes on from an earlier connection, at whose end this was known. What it was told then counts as told now, if it
    /// would be the same: it acts on it, and is not told again.
    pub(crate) fn returned(&mut self, now: Instant, told: Told, host: Option<&str>) {
        self.is_unknown = !told.is_known;
        let Some(flight) = self.table.first(host, INITIAL_WINDOW_BYTES) else { return };
        if told.is_known && told.digest == Some(flight.digest()) {
            self.account.sent(now, &flight);
            (self.digest, self.is_first_said) = (told.digest, true); // spec: preload-profile-10-a
        }
    }

    /// What is to be known when the client comes back.
    pub(crate) fn told(&self, http: &impl Speaks) -> Told {
        let is_known = http.knows_preload();
        Told { is_known, digest: self.digest.filter(|_| is_known) }
    }

    /// The host's hints, once, behind a handshake flight of so many bytes over a byte pipe: the frame never makes that flight
    /// wait for an acknowledgement (profile, point 5).
    pub(crate) fn first(
        &mut self,
        now: Instant,
        host: Option<&str>,
        flight_bytes: usize,
        http: &mut impl Speaks,
    ) {
        let budget = INITIAL_WINDOW_BYTES.saturating_sub(flight_bytes + OVERHEAD_BYTES); // spec: preload-profile-5-c
        self.first_within(now, host, budget, http);
    }

    /// The same within a block of so many bytes.
    pub(crate) fn first_within(
        &mut self,
        now: Instant,
        host: Option<&str>,
        budget: usize,
        http: &mut impl Speaks,
    ) {
        if core::mem::replace(&mut self.is_first_said, true) {
            return;
        }
        let flight = self.table.first(host, budget).filter(|_| !self.is_unknown); // spec: preload-profile-10-c
        if let Some(flight) = flight
            && self.say(now, &flight, http)
        {
            self.digest = Some(flight.digest());
        }
        for (authority, path) in core::mem::take(&mut self.before) {
            self.account.requested(Some(&authority), &path); // It has no need of a hint at what it has asked for.
        }
        self.flush(now, host, http);
    }

    /// A request was heard: where it asks for a page of `host`, the one that the client named in SNI, what that needs beyond
    /// the host's set waits for [`Hints::flush`]. Other origins that share the connection have their own sets.
    pub(crate) fn asked(&mut self, stream: StreamId, request: &Request, host: Option<&str>) {
        let (Ok(authority), Ok(path)) =
            (core::str::from_utf8(request.authority()), core::str::from_utf8(request.path()))
        else {
            return; // No hint is for such a place.
        };
        let hinted = self.account.requested(Some(authority), path);
        if !self.is_first_said && self.before.len() < BEFORE {
            self.before.push((authority.to_owned(), path.to_owned()));
        }
        if self.marks.len() == MARKS {
            self.marks.pop_front();
        }
        self.marks.push_back((stream, Mark { hinted, hints: 0 }));
        let navigates = request.fields.find(b"sec-fetch-mode") == Some(b"navigate");
        let is_page = request.method() == b"GET" && navigates && is_at(authority, host); // spec: preload-profile-3-b
        if is_page && self.pages.len() < PAGES {
            self.pages.push((stream, path.to_owned()));
        }
    }

    /// Says what waits, once the engine is free, and settles the account's overdue rows.
    pub(crate) fn flush(&mut self, now: Instant, host: Option<&str>, http: &mut impl Speaks) {
        if let Some(rtt) = http.rtt() {
            self.account.learn_rtt(rtt);
        }
        // A page's hints come after the host's, and without them.
        let pages = if self.is_first_said { core::mem::take(&mut self.pages) } else { Vec::new() };
        // spec: preload-profile-2-d
        if http.knows_preload() {
            self.account.client_acts();
            for (stream, page) in pages {
                if let Some(flight) = self.table.page(host, &page, &self.account) {
                    let _ = self.say(now, &flight, http); // Nobody asks for what a closing connection did not hear.
                    let mark = self.marks.iter_mut().find(|(marked, _)| *marked == stream);
                    mark.into_iter().for_each(|(_, mark)| mark.hints += flight.hints().count());
                }
            }
        }
        self.account.expire(now, self.table.config());
    }

    /// What is to be said of a request, once.
    pub(crate) fn mark(&mut self, stream: StreamId) -> Mark {
        let at = self.marks.iter().position(|(marked, _)| *marked == stream);
        let mark = at.and_then(|at| self.marks.remove(at)).map_or_else(Mark::default, |(_, mark)| mark);
        if self.marks.is_empty() {
            self.marks = VecDeque::new();
        }
        mark
    }

    /// When [`Hints::flush`] has something to settle.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.account.deadline(self.table.config())
    }

    /// Whether it was said.
    fn say(&mut self, now: Instant, flight: &Flight, http: &mut impl Speaks) -> bool {
        let is_said = http.preload(flight);
        if is_said {
            self.account.sent(now, flight);
        }
        is_said
    }
}

/// Whether a request's authority names that host; without SNI every one does.
fn is_at(authority: &str, host: Option<&str>) -> bool {
    let Some(host) = host else { return true };
    Origin::parse(authority).is_some_and(|origin| origin.host() == host)
}

impl Drop for Hints {
    fn drop(&mut self) {
        self.account.close();
    }
}

#[cfg(test)]
mod tests;
