//! What a server says first, and later, on one connection: when the frame leaves. What it means is `preload`'s.

use sakigake_h2 as h2;
use sakigake_preload::{
    Origin, Table,
    table::{Account, Flight},
};
use sakigake_semantics::{Request, StreamId};
use sakigake_wire::Instant;
use std::{collections::VecDeque, sync::Arc};

/// Bytes that a sender may have in flight before the first acknowledgement: ten segments (RFC 6928).
const INITIAL_WINDOW_BYTES: usize = 14_600;
/// What the record, our SETTINGS, WINDOW_UPDATE and the frame's header take beside the frame's block.
const OVERHEAD_BYTES: usize = 128;

/// Pages that one turn may ask for and be hinted at.
const PAGES: usize = 8;

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
            pages: Vec::new(),
            marks: VecDeque::new(),
        }
    }

    /// The host's hints, once, behind a handshake flight of so many bytes: the frame never makes that flight wait for an
    /// acknowledgement (profile, point 5).
    pub(crate) fn first(
        &mut self,
        now: Instant,
        host: Option<&str>,
        flight_bytes: usize,
        h2: &mut h2::Connection,
    ) {
        if core::mem::replace(&mut self.is_first_said, true) {
            return;
        }
        let budget = INITIAL_WINDOW_BYTES.saturating_sub(flight_bytes + OVERHEAD_BYTES); // spec: preload-profile-5-c
        if let Some(flight) = self.table.first(host, budget) {
            self.say(now, &flight, h2);
        }
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
    pub(crate) fn flush(&mut self, now: Instant, host: Option<&str>, h2: &mut h2::Connection) {
        if let Some(rtt) = h2.rtt() {
            self.account.learn_rtt(rtt);
        }
        let pages = core::mem::take(&mut self.pages);
        // spec: preload-profile-2-d
        if h2.knows_preload() {
            self.account.client_acts();
            for (stream, page) in pages {
                if let Some(flight) = self.table.page(host, &page, &self.account) {
                    self.say(now, &flight, h2);
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

    fn say(&mut self, now: Instant, flight: &Flight, h2: &mut h2::Connection) {
        // The engine refuses when the connection is closing: then nobody would act on the hints.
        if h2.preload(flight.block()).is_ok() {
            self.account.sent(now, flight);
        }
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
