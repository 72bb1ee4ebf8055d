//! What came of a load, for people and for programs.

use sakigake::bench::{Report, Times};
use std::{fmt::Write as _, time::Duration};

const PERCENTILES: [f64; 6] = [50.0, 75.0, 90.0, 95.0, 99.0, 99.9];

/// As h2load prints it, with percentiles.
pub(super) fn table(report: &Report) -> String {
    let seconds = report.took.as_secs_f64().max(1e-9);
    let done = report.done();
    let Report { started, succeeded, failed, errored, timed_out, statuses, body_bytes, .. } = report;
    let mut out = String::new();
    let mut line = |text: String| {
        out.push_str(&text);
        out.push('\n');
    };
    if let Some(agreed) = &report.agreed {
        line(agreed.clone());
    }
    line(format!(
        "finished in {}, {:.2} req/s, {}/s",
        time(report.took),
        (succeeded + failed) as f64 / seconds,
        bytes(*body_bytes as f64 / seconds)
    ));
    line(format!(
        "requests: {started} started, {done} done, {succeeded} succeeded, {failed} failed, {errored} errored, {timed_out} timeout"
    ));
    let [_, informational, ok, redirected, client, server] = statuses;
    let others = if *informational > 0 { format!(", {informational} 1xx") } else { String::new() };
    line(format!("status codes: {ok} 2xx, {redirected} 3xx, {client} 4xx, {server} 5xx{others}"));
    line(format!(
        "bodies: {} ({body_bytes}) over {} connections",
        bytes(*body_bytes as f64),
        report.connections
    ));
    line(format!("{:18}{:>10}{:>10}{:>10}{:>10}{:>9}", "", "min", "max", "mean", "sd", "+/- sd"));
    for (name, times) in [
        ("time for request", &report.request),
        ("time for connect", &report.connect),
        ("time to 1st byte", &report.first_byte),
    ] {
        line(row(name, times));
    }
    let percentiles: Vec<String> = PERCENTILES
        .iter()
        .map(|percent| format!("p{percent} {}", time(report.request.percentile(*percent))))
        .collect();
    line(format!("request: {}", percentiles.join(", ")));
    for (why, times) in &report.errors {
        line(format!("error: {why} ({times} x)"));
    }
    out
}

fn row(name: &str, times: &Times) -> String {
    let mut row = format!("{name:18}");
    for value in [times.min(), times.max(), times.mean(), times.deviation()] {
        // Writing to a String does not fail.
        let _ = write!(row, "{:>10}", time(value));
    }
    row + &format!("{:>8.2}%", times.within_deviation() * 100.0)
}

/// One object; times in microseconds.
pub(super) fn json(report: &Report) -> String {
    let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let times = |times: &Times| {
        let percentiles: serde_json::Map<String, serde_json::Value> = PERCENTILES
            .iter()
            .map(|percent| (format!("p{percent}"), micros(times.percentile(*percent)).into()))
            .collect();
        serde_json::json!({
            "count": times.count(), "min": micros(times.min()), "max": micros(times.max()), "mean": micros(times.mean()),
            "deviation": micros(times.deviation()), "percentiles": percentiles,
        })
    };
    let seconds = report.took.as_secs_f64().max(1e-9);
    let object = serde_json::json!({
        "agreed": report.agreed, "seconds": report.took.as_secs_f64(),
        "requests_a_second": (report.succeeded + report.failed) as f64 / seconds,
        "started": report.started, "done": report.done(), "succeeded": report.succeeded, "failed": report.failed,
        "errored": report.errored, "timed_out": report.timed_out, "statuses": report.statuses, "body_bytes": report.body_bytes,
        "connections": report.connections, "request_us": times(&report.request), "connect_us": times(&report.connect),
        "first_byte_us": times(&report.first_byte), "errors": report.errors,
    });
    object.to_string() + "\n"
}

/// `1.23ms`: three digits and their unit.
fn time(time: Duration) -> String {
    let micros = time.as_secs_f64() * 1e6;
    match micros {
        _ if micros < 1e3 => format!("{micros:.0}us"),
        _ if micros < 1e6 => format!("{:.2}ms", micros / 1e3),
        _ => format!("{:.2}s", micros / 1e6),
    }
}

/// `1.23 MiB`.
fn bytes(bytes: f64) -> String {
    let units = [("GiB", 1u64 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    let unit = units.iter().find(|(_, size)| bytes >= *size as f64);
    unit.map_or_else(|| format!("{bytes:.0} B"), |(name, size)| format!("{:.2} {name}", bytes / *size as f64))
}

#[cfg(test)]
mod tests;
