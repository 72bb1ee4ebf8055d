//! What came of a load.

use hdrhistogram::Histogram;
use std::{collections::BTreeMap, time::Duration};

/// Different errors that are told apart; the rest is counted under one name.
const ERRORS: usize = 16;

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With a response of this status.
    Response(u16),
    /// Without one.
    Errored,
    /// Without one in time.
    TimedOut,
}

/// Times, in microseconds, to three digits.
#[derive(Clone, Debug)]
pub struct Times(Histogram<u64>);

impl Default for Times {
    fn default() -> Self {
        // From a microsecond to an hour; the bounds are constants that it takes.
        Self(Histogram::new_with_bounds(1, 3_600_000_000, 3).expect("the bounds are in order"))
    }
}

impl Times {
    pub(super) fn record(&mut self, time: Duration) {
        self.0.saturating_record(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The shortest.
    pub fn min(&self) -> Duration {
        Duration::from_micros(if self.0.is_empty() { 0 } else { self.0.min() })
    }

    /// The longest.
    pub fn max(&self) -> Duration {
        Duration::from_micros(self.0.max())
    }

    /// The mean.
    pub fn mean(&self) -> Duration {
        Duration::from_secs_f64(self.0.mean() / 1e6)
    }

    /// The standard deviation.
    pub fn deviation(&self) -> Duration {
        Duration::from_secs_f64(self.0.stdev() / 1e6)
    }

    /// The time within which that share of them ended, of 100.
    pub fn percentile(&self, percent: f64) -> Duration {
        Duration::from_micros(if self.0.is_empty() { 0 } else { self.0.value_at_percentile(percent) })
    }

    /// The share of them that lies within one standard deviation of the mean, of 1.
    pub fn within_deviation(&self) -> f64 {
        let (mean, deviation) = (self.0.mean(), self.0.stdev());
        let low = (mean - deviation).max(0.0) as u64;
        let inside = self.0.count_between(low, (mean + deviation) as u64);
        if self.0.is_empty() { 0.0 } else { inside as f64 / self.0.len() as f64 }
    }

    fn add(&mut self, other: &Self) {
        self.0.add(&other.0).expect("all have the same bounds");
    }
}

/// What came of a load.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// How long it took; for a load by time, what counted.
    pub took: Duration,
    /// Requests that were sent.
    pub started: u64,
    /// Requests with a response of status below 400.
    pub succeeded: u64,
    /// Requests with any other response.
    pub failed: u64,
    /// Requests without a response.
    pub errored: u64,
    /// Of those without a response, how many waited too long.
    pub timed_out: u64,
    /// Responses by the first digit of their status.
    pub statuses: [u64; 6],
    /// Bytes of bodies.
    pub body_bytes: u64,
    /// From a request's departure to its response's last byte.
    pub request: Times,
    /// From a connection's first packet to the end of its handshake.
    pub connect: Times,
    /// From a connection's first packet to its first response's first byte.
    pub first_byte: Times,
    /// What the first connection agreed on.
    pub agreed: Option<String>,
    /// Connections that were opened.
    pub connections: u64,
    /// What went wrong, in words, and how often.
    pub errors: BTreeMap<String, u64>,
}

impl Report {
    /// Requests that have ended, and count.
    pub fn done(&self) -> u64 {
        self.succeeded + self.failed + self.errored
    }

    pub(super) fn ended(&mut self, outcome: Outcome, body_bytes: u64, took: Duration) {
        match outcome {
            Outcome::Response(status) => {
                self.statuses[usize::from(status / 100).min(5)] += 1;
                match status < 400 {
                    true => self.succeeded += 1,
                    false => self.failed += 1,
                }
                self.body_bytes += body_bytes;
                self.request.record(took);
            }
            Outcome::Errored => self.errored += 1,
            Outcome::TimedOut => {
                self.errored += 1;
                self.timed_out += 1;
            }
        }
    }

    /// So many requests came to nothing for one reason.
    pub(super) fn errored(&mut self, requests: u64, why: &str) {
        if requests > 0 {
            self.errored += requests;
            self.note(why, requests);
        }
    }

    pub(super) fn note(&mut self, why: &str, times: u64) {
        let why = match self.errors.len() >= ERRORS && !self.errors.contains_key(why) {
            true => "other errors",
            false => why,
        };
        *self.errors.entry(why.to_owned()).or_default() += times;
    }

    pub(super) fn add(&mut self, other: Self) {
        self.started += other.started;
        self.succeeded += other.succeeded;
        self.failed += other.failed;
        self.errored += other.errored;
        self.timed_out += other.timed_out;
        self.body_bytes += other.body_bytes;
        self.connections += other.connections;
        for (own, more) in self.statuses.iter_mut().zip(other.statuses) {
            *own += more;
        }
        self.request.add(&other.request);
        self.connect.add(&other.connect);
        self.first_byte.add(&other.first_byte);
        self.agreed = self.agreed.take().or(other.agreed);
        for (why, times) in other.errors {
            self.note(&why, times);
        }
    }
}
