//! The sum of what all workers counted, and what the site knows itself.

use super::{
    Metrics,
    shard::{BUCKETS, HostCounts, PROTOCOLS, REASONS, SPOKEN, Shard, alert_name, code_name},
    text::{Text, Type},
};
use crate::{expiry, server::Site};
use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, SystemTime},
};

impl Metrics {
    /// Everything about `site`, as text.
    pub(crate) fn text(&self, site: &Site) -> String {
        let shards = self.shards().clone();
        let mut text = Text::new();
        self.server(&mut text);
        connections(&mut text, &shards);
        handshakes(&mut text, &shards);
        early_data(&mut text, &shards);
        faults(&mut text, &shards);
        requests(&mut text, &shards);
        durations(&mut text, &shards);
        self.of_site(&mut text, site);
        text.into_string()
    }

    fn of_site(&self, text: &mut Text, site: &Site) {
        let help = "Lines of the access log that were lost since it was opened.";
        text.family("sakigake_access_log_lines_lost_total", Type::Counter, help);
        text.sample(&[], site.log.lost());
        let session = site.session.now();
        if let Some(table) = &session.hints {
            let totals = self.hints(table.totals());
            let help =
                "Hints sent to clients that act on PRELOAD frames, and whether they were asked for in time.";
            text.family("sakigake_hints_total", Type::Counter, help);
            text.sample(&[("outcome", "sent")], totals.sent);
            text.sample(&[("outcome", "used")], totals.used);
            text.sample(&[("outcome", "unused")], totals.sent.saturating_sub(totals.used));
        }
        let mut ends: BTreeMap<&str, u64> = BTreeMap::new();
        for credential in &session.tls.credentials {
            let name = credential.names.first().map_or("", String::as_str);
            // One that cannot be parsed has no end to tell.
            if let Some(end) = credential.chain.first().and_then(|leaf| expiry::not_after(leaf)) {
                let end = since_1970(end).as_secs();
                ends.entry(name).and_modify(|first| *first = end.min(*first)).or_insert(end);
            }
        }
        let help = "When the first certificate of that first name ends, in seconds since 1970.";
        text.family("sakigake_certificate_expiry_timestamp_seconds", Type::Gauge, help);
        for (name, end) in ends {
            text.sample(&[("name", name)], end);
        }
    }

    fn server(&self, text: &mut Text) {
        text.family("sakigake_build_info", Type::Gauge, "The program's version; the value is always 1.");
        text.sample(&[("version", env!("CARGO_PKG_VERSION"))], 1);
        text.family(
            "process_start_time_seconds",
            Type::Gauge,
            "When the server began, in seconds since 1970.",
        );
        let began = since_1970(self.began);
        text.named("", &[], format_args!("{}.{:03}", began.as_secs(), began.subsec_millis()));
        text.family("sakigake_reloads_total", Type::Counter, "Sites that took the place of the one before.");
        text.sample(&[], self.reloads.load(Relaxed));
    }
}

fn connections(text: &mut Text, shards: &[Arc<Shard>]) {
    text.family("sakigake_connections_total", Type::Counter, "Connections that got to speak a protocol.");
    for (protocol, count) in SPOKEN.iter().zip(sum(shards, |shard| shard.connections.get())) {
        text.sample(&[("protocol", protocol)], count);
    }
    text.family("sakigake_connections_open", Type::Gauge, "Connections that are open, whatever they do.");
    text.sample(&[], one(shards, |shard| shard.connections_open.get()));
    text.family("sakigake_streams_open", Type::Gauge, "Requests that are being answered.");
    text.sample(&[], one(shards, |shard| shard.streams_open.get()));
}

fn handshakes(text: &mut Text, shards: &[Arc<Shard>]) {
    let help = "TLS handshakes: completed, refused by our alert, ended by the client's alert, or gone without a word.";
    text.family("sakigake_handshakes_total", Type::Counter, help);
    let completed = one(shards, |shard| shard.handshakes_completed.get());
    let gone = one(shards, |shard| shard.handshakes_gone.get());
    text.sample(&[("outcome", "completed"), ("alert", "")], completed);
    text.sample(&[("outcome", "gone"), ("alert", "")], gone);
    let refused = sum(shards, |shard| shard.handshakes_refused.get());
    let alerted = sum(shards, |shard| shard.handshakes_alerted.get());
    for (outcome, counts) in [("refused", refused), ("alerted", alerted)] {
        for (number, count) in known(counts) {
            text.sample(&[("outcome", outcome), ("alert", alert_name(number))], count);
        }
    }
}

fn early_data(text: &mut Text, shards: &[Arc<Shard>]) {
    let help = "Clients that sent early data, by what became of it.";
    text.family("sakigake_early_data_total", Type::Counter, help);
    text.sample(&[("outcome", "accepted")], one(shards, |shard| shard.early_data_accepted.get()));
    text.sample(&[("outcome", "rejected")], one(shards, |shard| shard.early_data_rejected.get()));
}

fn faults(text: &mut Text, shards: &[Arc<Shard>]) {
    let help = "Connections that ended badly behind their handshake, by who found the fault.";
    text.family("sakigake_connection_failures_total", Type::Counter, help);
    for (reason, count) in REASONS.iter().zip(sum(shards, |shard| shard.failures.get())) {
        text.sample(&[("reason", reason)], count);
    }
    let help = "Streams of HTTP/2 and HTTP/3 that the client reset, or that broke a rule, by error code.";
    text.family("sakigake_resets_total", Type::Counter, help);
    for (number, count) in known(sum(shards, |shard| shard.resets.get())) {
        text.sample(&[("code", code_name(number))], count);
    }
    let help = "GOAWAY frames that clients sent, or that we sent because of a fault (over HTTP/3 CONNECTION_CLOSE), by error code.";
    text.family("sakigake_goaways_total", Type::Counter, help);
    let received = sum(shards, |shard| shard.goaways_received.get());
    let sent = sum(shards, |shard| shard.goaways_sent.get());
    for (direction, counts) in [("received", received), ("sent", sent)] {
        for (number, count) in known(counts) {
            text.sample(&[("direction", direction), ("code", code_name(number))], count);
        }
    }
}

fn requests(text: &mut Text, shards: &[Arc<Shard>]) {
    let (mut requests, mut bytes, mut early) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    each_host(shards, |host, counts| {
        for (labels, count) in counts.requests() {
            *requests.entry((host.to_owned(), labels)).or_insert(0) += count;
        }
        for (number, count) in known(counts.body_bytes.get()) {
            *bytes.entry((host.to_owned(), PROTOCOLS[number])).or_insert(0) += count;
        }
        if counts.early_hints.get() > 0 {
            *early.entry(host.to_owned()).or_insert(0) += counts.early_hints.get();
        }
    });
    let help = "Requests whose response ended, by the host that answered (empty: none), and the status's first digit.";
    text.family("sakigake_requests_total", Type::Counter, help);
    for ((host, [protocol, method, code]), count) in requests {
        let labels = [("host", host.as_str()), ("protocol", protocol), ("method", method), ("code", code)];
        text.sample(&labels, count);
    }
    text.family("sakigake_response_body_bytes_total", Type::Counter, "Bytes of responses' bodies.");
    for ((host, protocol), count) in bytes {
        text.sample(&[("host", &host), ("protocol", protocol)], count);
    }
    let help = "103 (Early Hints) sent, by the host whose answer they preceded.";
    text.family("sakigake_early_hints_total", Type::Counter, help);
    for (host, count) in early {
        text.sample(&[("host", &host)], count);
    }
}

fn durations(text: &mut Text, shards: &[Arc<Shard>]) {
    let mut hosts: BTreeMap<String, ([u64; BUCKETS.len() + 1], u64)> = BTreeMap::new();
    each_host(shards, |host, counts| {
        let (took, nanos) = hosts.entry(host.to_owned()).or_default();
        took.iter_mut().zip(counts.took.get()).for_each(|(sum, count)| *sum += count);
        *nanos = nanos.wrapping_add(counts.took_nanos.get());
    });
    let help = "From the end of a request's head to the end of the response's body.";
    text.family("sakigake_request_duration_seconds", Type::Histogram, help);
    for (host, (took, nanos)) in hosts {
        let mut so_far = 0;
        let bounds = BUCKETS.iter().map(|(_, bound)| *bound).chain(["+Inf"]);
        for (bound, count) in bounds.zip(took) {
            so_far += count;
            text.named("_bucket", &[("host", &host), ("le", bound)], format_args!("{so_far}"));
        }
        let (secs, nanos) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
        text.named("_sum", &[("host", &host)], format_args!("{secs}.{nanos:09}"));
        text.named("_count", &[("host", &host)], format_args!("{so_far}"));
    }
}

fn since_1970(time: SystemTime) -> Duration {
    // A clock that stands before 1970 is wrong anyway.
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// Every host's counters, worker by worker; `""` where there was no host.
fn each_host(shards: &[Arc<Shard>], mut take: impl FnMut(&str, &HostCounts)) {
    for shard in shards {
        shard.hosts().iter().for_each(|(host, counts)| take(host, counts));
        take("", &shard.nowhere);
    }
}

fn one(shards: &[Arc<Shard>], count: impl Fn(&Shard) -> u64) -> u64 {
    shards.iter().map(|shard| count(shard)).fold(0, u64::wrapping_add)
}

fn sum<const N: usize>(shards: &[Arc<Shard>], counts: impl Fn(&Shard) -> [u64; N]) -> [u64; N] {
    let mut sum = [0_u64; N];
    for shard in shards {
        sum.iter_mut().zip(counts(shard)).for_each(|(sum, count)| *sum = sum.wrapping_add(count));
    }
    sum
}

/// Those that are not 0, with their places.
fn known<const N: usize>(counts: [u64; N]) -> impl Iterator<Item = (usize, u64)> {
    counts.into_iter().enumerate().filter(|(_, count)| *count > 0)
}
