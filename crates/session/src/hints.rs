//! What a server says first, and later, on one connection: when the frame leaves. What it means is `preload`'s.

use sakigake_h2 as h2;
use sakigake_preload::{
    Table,
    table::{Account, Flight},
};
use sakigake_semantics::Request;
use sakigake_wire::Instant;
use std::sync::Arc;

/// Bytes that a sender may have in flight before the first acknowledgement: ten segments (RFC 6928).
const INITIAL_WINDOW_BYTES: usize = 14_600;
/// What the record, our SETTINGS, WINDOW_UPDATE and the frame's header take beside the frame's block.
const OVERHEAD_BYTES: usize = 128;

/// A connection's share in the table of hints.
pub(crate) struct Hints {
    table: Arc<Table>,
    account: Account,
    is_first_said: bool,
    later: Vec<Flight>,
}

impl Hints {
    pub(crate) fn new(table: Arc<Table>) -> Self {
        Self { table, account: Account::new(), is_first_said: false, later: Vec::new() }
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
        let budget = INITIAL_WINDOW_BYTES.saturating_sub(flight_bytes + OVERHEAD_BYTES);
        if let Some(flight) = self.table.first(host, budget) {
            self.say(now, &flight, h2);
        }
    }

    /// A request was heard: what its page needs beyond the host's set waits for [`Hints::flush`].
    pub(crate) fn asked(&mut self, host: Option<&str>, request: &Request) {
        let (Ok(authority), Ok(path)) =
            (core::str::from_utf8(&request.authority), core::str::from_utf8(&request.path))
        else {
            return; // No hint is for such a place.
        };
        self.account.requested(Some(authority), path);
        if request.method == b"GET" {
            self.later.extend(self.table.page(host, path, &self.account));
        }
    }

    /// Says what waits, once the engine is free, and settles the account's overdue rows.
    pub(crate) fn flush(&mut self, now: Instant, h2: &mut h2::Connection) {
        if h2.knows_preload() {
            self.account.client_acts();
        }
        if let Some(rtt) = h2.rtt() {
            self.account.learn_rtt(rtt);
        }
        for flight in core::mem::take(&mut self.later) {
            self.say(now, &flight, h2);
        }
        self.account.expire(now, self.table.config());
    }

    fn say(&mut self, now: Instant, flight: &Flight, h2: &mut h2::Connection) {
        // The engine refuses when the connection is closing: then nobody would act on the hints.
        if h2.preload(flight.block()).is_ok() {
            self.account.sent(now, flight);
        }
    }
}

impl Drop for Hints {
    fn drop(&mut self) {
        self.account.close();
    }
}
