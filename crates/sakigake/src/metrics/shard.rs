//! The counters of one worker.

use crate::handler::{H2, H3, Served};
use sakigake_h2::rules::error_name;
use sakigake_h3::rules::ERRORS as H3_ERRORS;
use sakigake_session::Protocol;
use sakigake_tls::{self as tls, rules::AlertDescription};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

/// Requests are counted by these, as the access log names them.
pub(super) const PROTOCOLS: [&str; 4] = ["HTTP/1.0", "HTTP/1.1", H2, H3];
/// Methods of RFC 9110 and RFC 5789; all others are one.
pub(super) const METHODS: [&str; 10] =
    ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "other"];
/// Statuses by their first digit; without an answer there is none.
pub(super) const CLASSES: [&str; 6] = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"];
/// Connections are counted by these.
pub(super) const SPOKEN: [&str; 4] = [H2, "HTTP/1.1", "cleartext", H3];
/// Why connections ended badly behind their handshake.
pub(super) const REASONS: [&str; 6] = ["tls", H2, "http1", "socket", H3, "quic"];
/// Upper bounds of the histogram's buckets, in nanoseconds and as they are told in seconds; what is longer is in one more.
#[rustfmt::skip]
pub(super) const BUCKETS: [(u64, &str); 16] = [
    (100_000, "0.0001"), (250_000, "0.00025"), (500_000, "0.0005"),
    (1_000_000, "0.001"), (2_500_000, "0.0025"), (5_000_000, "0.005"),
    (10_000_000, "0.01"), (25_000_000, "0.025"), (50_000_000, "0.05"),
    (100_000_000, "0.1"), (250_000_000, "0.25"), (500_000_000, "0.5"),
    (1_000_000_000, "1"), (2_500_000_000, "2.5"), (5_000_000_000, "5"), (10_000_000_000, "10"),
];
/// Codes of RFC 9113 section 7.
const H2_CODES: usize = 14;
/// Those, then those of HTTP/3 and QPACK; all others are one.
const CODES: usize = H2_CODES + H3_ERRORS.len() + 1;
/// Alerts that have a name; all others are one.
const ALERTS: usize = AlertDescription::ALL.len() + 1;
const SERIES: usize = PROTOCOLS.len() * METHODS.len() * CLASSES.len();

/// A number that one thread changes and any may read.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    /// A load and a store: no other thread writes here, so that none waits for the memory.
    pub(crate) fn add(&self, more: u64) {
        self.set(self.get().wrapping_add(more));
    }

    pub(crate) fn sub(&self, less: u64) {
        self.set(self.get().saturating_sub(less));
    }

    pub(crate) fn set(&self, now: u64) {
        self.0.store(now, Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// Numbers that stand side by side.
#[derive(Debug)]
pub(crate) struct Counts<const N: usize>([Count; N]);

impl<const N: usize> Counts<N> {
    pub(crate) fn add(&self, at: usize, more: u64) {
        if let Some(count) = self.0.get(at) {
            count.add(more);
        }
    }

    pub(super) fn get(&self) -> [u64; N] {
        core::array::from_fn(|at| self.0[at].get())
    }
}

impl<const N: usize> Default for Counts<N> {
    fn default() -> Self {
        Self(core::array::from_fn(|_| Count::default()))
    }
}

/// Everything that one worker counts. Aligned to two cache lines, which processors fetch together, so that no worker's
/// counting costs another anything.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Shard {
    /// Connections that are open.
    pub(crate) connections_open: Count,
    /// Requests that are being answered.
    pub(crate) streams_open: Count,
    /// By [`SPOKEN`].
    pub(super) connections: Counts<{ SPOKEN.len() }>,
    pub(super) handshakes_completed: Count,
    pub(super) handshakes_gone: Count,
    pub(super) handshakes_refused: Counts<ALERTS>,
    pub(super) handshakes_alerted: Counts<ALERTS>,
    pub(super) early_data_accepted: Count,
    pub(super) early_data_rejected: Count,
    pub(super) resets: Counts<CODES>,
    pub(super) goaways_received: Counts<CODES>,
    pub(super) goaways_sent: Counts<CODES>,
    /// By [`REASONS`].
    pub(super) failures: Counts<{ REASONS.len() }>,
    /// What came for no host of ours.
    pub(crate) nowhere: HostCounts,
    /// By the host's label. Hosts that a reload took away stay: a counter never falls.
    hosts: Mutex<BTreeMap<String, Arc<HostCounts>>>,
}

impl Shard {
    /// Those of one host, which a reload finds again.
    pub(crate) fn host(&self, label: &str) -> Arc<HostCounts> {
        self.hosts().entry(label.to_owned()).or_default().clone()
    }

    // A thread that panicked while it held the lock left a whole map behind.
    pub(super) fn hosts(&self) -> MutexGuard<'_, BTreeMap<String, Arc<HostCounts>>> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A handshake is over.
    pub(crate) fn ready(&self, protocol: Protocol) {
        self.handshakes_completed.add(1);
        self.connections.add(
            match protocol {
                Protocol::H2 => 0,
                Protocol::Plain => 1,
                Protocol::H3 => 3,
            },
            1,
        );
    }

    /// A client sent early data, which was taken or not.
    pub(crate) fn early_data(&self, is_accepted: bool) {
        let count = if is_accepted { &self.early_data_accepted } else { &self.early_data_rejected };
        count.add(1);
    }

    /// A connection came on which there is no handshake.
    pub(crate) fn cleartext(&self) {
        self.connections.add(2, 1);
    }

    /// The client left before its handshake was over, or the socket failed.
    pub(crate) fn gone(&self) {
        self.handshakes_gone.add(1);
    }

    /// A handshake failed: one of both sides said so with an alert.
    pub(crate) fn handshake_failed(&self, fault: &tls::Fault) {
        match fault {
            tls::Fault::PeerAlert(alert) => self.handshakes_alerted.add(alert_number(*alert), 1),
            tls::Fault::Truncated => self.gone(),
            fault => self.handshakes_refused.add(alert_number(fault.alert()), 1),
        }
    }

    pub(crate) fn reset(&self, code: u64) {
        self.resets.add(code_number(code), 1);
    }

    pub(crate) fn goaway_received(&self, code: u64) {
        self.goaways_received.add(code_number(code), 1);
    }

    pub(crate) fn goaway_sent(&self, code: u64) {
        self.goaways_sent.add(code_number(code), 1);
    }

    /// A connection ended badly behind its handshake; `reason` is one of [`REASONS`].
    pub(crate) fn failed(&self, reason: &str) {
        self.failures.add(REASONS.iter().position(|known| *known == reason).unwrap_or(REASONS.len()), 1);
    }
}

/// What one worker counts of one host.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct HostCounts {
    /// By protocol, then method, then class of status.
    requests: Counts<SERIES>,
    /// By protocol.
    pub(super) body_bytes: Counts<{ PROTOCOLS.len() }>,
    pub(super) took: Counts<{ BUCKETS.len() + 1 }>,
    pub(super) took_nanos: Count,
    /// 103 (Early Hints).
    pub(super) early_hints: Count,
}

impl HostCounts {
    /// A response ended.
    pub(crate) fn served(&self, served: &Served) {
        let protocol = PROTOCOLS.iter().position(|known| *known == served.protocol).unwrap_or(1);
        let last = METHODS.len() - 1;
        let method = METHODS[..last]
            .iter()
            .position(|known| known.as_bytes() == served.asked.method())
            .unwrap_or(last);
        let class = usize::from(served.status / 100);
        let class = if class < CLASSES.len() { class } else { 0 };
        let nanos = u64::try_from(served.took.as_nanos()).unwrap_or(u64::MAX);
        self.requests.add(series(protocol, method, class), 1);
        self.body_bytes.add(protocol, served.bytes);
        self.took.add(BUCKETS.partition_point(|(bound, _)| *bound < nanos), 1);
        self.took_nanos.add(nanos);
        if served.early_hints > 0 {
            self.early_hints.add(1);
        }
    }

    /// Every number of requests that is not 0, with its protocol, method and class.
    pub(super) fn requests(&self) -> impl Iterator<Item = ([&'static str; 3], u64)> {
        let counts = self.requests.get();
        let places = (0..PROTOCOLS.len() * METHODS.len() * CLASSES.len()).map(|at| {
            let (method, class) = (at / CLASSES.len() % METHODS.len(), at % CLASSES.len());
            [PROTOCOLS[at / CLASSES.len() / METHODS.len()], METHODS[method], CLASSES[class]]
        });
        places.zip(counts).filter(|(_, count)| *count > 0)
    }
}

const fn series(protocol: usize, method: usize, class: usize) -> usize {
    (protocol * METHODS.len() + method) * CLASSES.len() + class
}

fn alert_number(alert: AlertDescription) -> usize {
    AlertDescription::ALL.iter().position(|(known, _)| *known == alert).unwrap_or(ALERTS - 1)
}

/// The name of the alert at `number`.
pub(super) fn alert_name(number: usize) -> &'static str {
    AlertDescription::ALL.get(number).map_or("other", |(_, name)| name)
}

/// The place of an error code: the numbers of HTTP/2 and of HTTP/3 are not each other's.
fn code_number(code: u64) -> usize {
    let is_h2 = |code: &usize| *code < H2_CODES;
    let h3 = || Some(H2_CODES + H3_ERRORS.iter().position(|(known, _)| known.wire() == code)?);
    usize::try_from(code).ok().filter(is_h2).or_else(h3).unwrap_or(CODES - 1)
}

/// The name of the error code at `number`.
pub(super) fn code_name(number: usize) -> &'static str {
    match u32::try_from(number) {
        Ok(code) if number < H2_CODES => error_name(code),
        _ => H3_ERRORS.get(number.saturating_sub(H2_CODES)).map_or("other", |(_, name)| name),
    }
}
