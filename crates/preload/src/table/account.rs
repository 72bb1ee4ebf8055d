//! What one connection heard, and what it asked for.

use super::{Config, Flight, host::Host};
use crate::Origin;
use sakigake_wire::{Instant, Span};
use std::sync::Arc;

/// One connection's side of the accounting (PRELOAD profile, point 11): which hints it heard and which it asked for in
/// time. Only connections whose client says that it acts on the frame count.
#[derive(Debug, Default)]
pub struct Account {
    rows: Vec<Row>,
    acts: bool,
    rtt: Span,
}

#[derive(Debug)]
struct Row {
    host: Arc<Host>,
    index: usize,
    sent: Instant,
    used: bool,
    settled: bool,
}

impl Account {
    /// Nothing was said yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A frame with `flight` left.
    pub fn sent(&mut self, now: Instant, flight: &Flight) {
        let host = flight.host();
        let row = |index| Row { host: Arc::clone(host), index, sent: now, used: false, settled: false };
        self.rows.extend(flight.entries().map(row));
    }

    /// The client's SETTINGS said that it acts on the frame.
    pub fn client_acts(&mut self) {
        self.acts = true; // spec: preload-profile-11-a
    }

    /// The connection's round-trip time is about `rtt`.
    pub fn learn_rtt(&mut self, rtt: Span) {
        self.rtt = rtt;
    }

    /// The client asked for `target`, a path with query. `authority`: where the connection serves several origins, the one
    /// that was asked. Says whether the connection had been hinted at it, be it long ago.
    pub fn requested(&mut self, authority: Option<&str>, target: &str) -> bool {
        if self.rows.is_empty() {
            return false;
        }
        let origin = authority.map(Origin::parse);
        if origin == Some(None) {
            return false;
        }
        let origin = origin.flatten();
        let mut was_hinted = false;
        for row in &mut self.rows {
            if row.host.is_asked_for(row.index, origin.as_ref(), target) {
                was_hinted = true;
                row.used |= !row.settled;
            }
        }
        was_hinted
    }

    /// When [`Account::expire`] has something to do.
    pub fn deadline(&self, config: &Config) -> Option<Instant> {
        let window = self.window(config);
        self.rows.iter().filter(|row| !row.settled).map(|row| row.sent + window).min()
    }

    /// Counts the hints whose time is over.
    pub fn expire(&mut self, now: Instant, config: &Config) {
        let window = self.window(config);
        self.settle(|row| row.sent + window <= now);
    }

    /// The connection is over: counts the rest.
    pub fn close(&mut self) {
        self.settle(|_| true);
    }

    /// How many hints the connection heard.
    pub(super) const fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether the connection heard of that resource, from this state of the host or from an earlier one.
    pub(super) fn has(&self, host: &Arc<Host>, index: usize) -> bool {
        let is_same = |row: &Row| match Arc::ptr_eq(&row.host, host) {
            true => row.index == index,
            false => row.host.hint(row.index).url == host.hint(index).url,
        };
        self.rows.iter().any(is_same)
    }

    fn window(&self, config: &Config) -> Span {
        config.withdrawal.window.max(self.rtt.times(config.withdrawal.window_rtts)) // spec: preload-profile-11-d
    }

    fn settle(&mut self, is_over: impl Fn(&Row) -> bool) {
        let acts = self.acts;
        for row in self.rows.iter_mut().filter(|row| !row.settled && is_over(row)) {
            row.settled = true;
            if acts {
                row.host.settle(row.index, row.used);
            }
        }
    }
}
