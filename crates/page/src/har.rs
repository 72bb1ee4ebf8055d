//! A page load as an HTTP Archive, version 1.2: what browsers' network panels and their tools read.

use crate::load::{Entry, Id, Load, State, Why};
use sakigake_semantics::{Fields, Request, Response};
use sakigake_wire::{Instant, Span, base64, percent_decoded};
use serde_json::{Value, json};
use std::{collections::BTreeMap, net::IpAddr};

#[cfg(test)]
mod tests;

/// What a load's owner saw of one request.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// `HTTP/2` or `HTTP/1.1`; empty when it was not sent.
    pub protocol: &'static str,
    /// The request as it left.
    pub request: Request,
    /// Bytes of its body.
    pub request_bytes: u64,
    /// Its body, where bodies are kept.
    pub request_body: Option<Vec<u8>>,
    /// The response's head.
    pub response: Option<Response>,
    /// Bytes of the response's body as they came, before content codings were undone.
    pub coded_bytes: u64,
    /// The body, decoded, where bodies are kept.
    pub body: Option<Vec<u8>>,
    /// What carried it.
    pub line: Option<Line>,
}

/// A connection as an exchange saw it.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// Its number within the load.
    pub number: usize,
    /// Where it leads.
    pub address: IpAddr,
    /// When the address was known.
    pub resolved: Instant,
    /// When TLS could begin.
    pub connected: Instant,
    /// When it could carry requests.
    pub ready: Instant,
    /// Whether it was opened for this exchange.
    pub is_new: bool,
}

/// The archive of a load as JSON; it began at `unix_nanos` since 1970.
pub fn archive(load: &Load, exchanges: &BTreeMap<Id, Exchange>, unix_nanos: u64) -> String {
    let at = |moment: Instant| date(unix_nanos.saturating_add(moment.since(load.started()).as_nanos()));
    let sent = load.entries().iter().enumerate().filter(|(_, entry)| entry.requested.is_some());
    let entries: Vec<Value> =
        sent.map(|(number, entry)| one(load, entry, exchanges.get(&Id(number)), &at)).collect();
    let summary = load.summary();
    let document = &load.entries()[load.document().0];
    let since_start = |moment: Option<Instant>| {
        moment.map_or(Value::Null, |moment| json!(millis(moment.since(load.started()))))
    };
    let archive = json!({ "log": {
        "version": "1.2",
        "creator": { "name": "sakigake", "version": env!("CARGO_PKG_VERSION") },
        "pages": [{
            "startedDateTime": at(load.started()),
            "id": PAGE,
            "title": summary.page.to_string(),
            "pageTimings": {
                // The document is read as it comes, so that this is when it is whole.
                "onContentLoad": since_start(document.ended),
                "onLoad": summary.duration.map_or(Value::Null, |span| json!(millis(span))),
            },
            "_preload": {
                "heard": summary.hints.heard, "dropped": summary.hints.dropped, "late": summary.hints.late,
                "taken": summary.hints.taken, "used": summary.hints.used, "wasted": summary.hints.wasted,
                "usedBytes": summary.hints.used_bytes, "wastedBytes": summary.hints.wasted_bytes,
            },
        }],
        "entries": entries,
    }});
    format!("{archive:#}\n")
}

/// The one page's id.
const PAGE: &str = "page_1";

fn one(load: &Load, entry: &Entry, exchange: Option<&Exchange>, at: &dyn Fn(Instant) -> String) -> Value {
    let requested = entry.requested.unwrap_or(entry.known);
    let (timings, time) = timings(load, entry, exchange);
    let protocol = exchange.map_or("", |exchange| exchange.protocol);
    let parent = match entry.why {
        Why::Discovery { parent } => Some(parent),
        Why::Redirect { from } => Some(from),
        Why::Document | Why::Hint => None,
    };
    let kind = match entry.why {
        Why::Document => "other",
        Why::Hint => "preload",
        Why::Discovery { .. } => "parser",
        Why::Redirect { .. } => "redirect",
    };
    let mut value = json!({
        "pageref": PAGE,
        "startedDateTime": at(requested),
        "time": time,
        "request": request(entry, exchange, protocol),
        "response": response(entry, exchange, protocol),
        "cache": {},
        "timings": timings,
        "_initiator": {
            "type": kind,
            "url": parent.map(|parent| load.entries()[parent.0].resource.url.to_string()),
        },
        "_resourceType": entry.resource.destination.name(),
        "_priority": entry.resource.priority().to_string(),
        "_preload": { "hinted": entry.is_hint(), "used": entry.is_hint() && entry.is_claimed },
    });
    if let Some(line) = exchange.and_then(|exchange| exchange.line) {
        value["serverIPAddress"] = json!(line.address.to_string());
        value["connection"] = json!(line.number.to_string());
    }
    value
}

/// Where the time went, in milliseconds; -1 for what does not apply. `connect` holds `ssl`, as the format has it.
fn timings(load: &Load, entry: &Entry, exchange: Option<&Exchange>) -> (Value, f64) {
    let latest = load.duration().map_or(entry.known, |duration| load.started() + duration);
    let begin = entry.requested.unwrap_or(entry.known);
    let end = entry.ended.unwrap_or(latest).max(begin);
    let answered = entry.first_byte.unwrap_or(end).min(end);
    let line = exchange.and_then(|exchange| exchange.line);
    let new = line.filter(|line| line.is_new);
    let sent = line.map_or(begin, |line| line.ready).clamp(begin, answered.max(begin));
    let between = |from: Instant, to: Instant| to.clamp(begin, sent).since(from.clamp(begin, sent));
    let of = |span: Option<Span>| span.map_or(-1.0, millis);
    let dns = new.map(|line| between(begin, line.resolved));
    let connect = new.map(|line| between(line.resolved, line.ready));
    let ssl = new.map(|line| between(line.connected, line.ready));
    let opening = [dns, connect].into_iter().flatten().map(Span::as_nanos).sum::<u64>();
    let blocked = Span::from_nanos(sent.since(begin).as_nanos().saturating_sub(opening));
    let (wait, receive) = (answered.since(sent), end.since(answered));
    let timings = json!({
        "blocked": millis(blocked), "dns": of(dns), "connect": of(connect), "ssl": of(ssl),
        "send": 0.0, "wait": millis(wait), "receive": millis(receive),
    });
    (timings, millis(end.since(begin)))
}

fn request(entry: &Entry, exchange: Option<&Exchange>, protocol: &str) -> Value {
    let none = Fields::new();
    let fields = exchange.map_or(&none, |exchange| &exchange.request.fields);
    let target = entry.resource.url.target();
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        json!({ "name": name, "value": value })
    };
    let cookies = fields.find_all(b"cookie").map(text).collect::<Vec<_>>().join("; ");
    let mut value = json!({
        "method": text(&entry.call.method),
        "url": entry.resource.url.to_string(),
        "httpVersion": protocol,
        "cookies": cookies.split("; ").filter(|cookie| !cookie.is_empty()).map(pair).collect::<Vec<_>>(),
        "headers": lines(fields),
        "queryString": pairs.map(pair).collect::<Vec<_>>(),
        "headersSize": -1,
        "bodySize": exchange.map_or(0, |exchange| exchange.request_bytes),
    });
    if let Some(exchange) = exchange.filter(|exchange| exchange.request_bytes > 0) {
        value["postData"] = post_data(exchange);
    }
    value
}

/// What was sent: as text where it is kept, and a form's fields one by one.
fn post_data(exchange: &Exchange) -> Value {
    let media_type = exchange.request.fields.find(b"content-type").map(text).unwrap_or_default();
    let mut data = json!({ "mimeType": media_type, "params": [], "text": "" });
    match exchange.request_body.as_deref().map(|body| core::str::from_utf8(body).map_err(|_| body)) {
        None => data["comment"] = json!("the body was not kept"),
        Some(Ok(body)) => {
            let essence = media_type.split(';').next().unwrap_or_default().trim();
            if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
                let pairs = body.split('&').filter(|pair| !pair.is_empty());
                data["params"] = pairs.map(form_field).collect();
            }
            data["text"] = json!(body);
        }
        // The format has no word for it; that of a response's content serves.
        Some(Err(body)) => {
            data["text"] = json!(base64(body));
            data["_encoding"] = json!("base64");
        }
    }
    data
}

/// One of a form's fields, decoded.
fn form_field(pair: &str) -> Value {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    let plain = |part: &str| text(&percent_decoded(&part.replace('+', " ")));
    json!({ "name": plain(name), "value": plain(value) })
}

fn response(entry: &Entry, exchange: Option<&Exchange>, protocol: &str) -> Value {
    let none = Fields::new();
    let response = exchange.and_then(|exchange| exchange.response.as_ref());
    let fields = response.map_or(&none, |response| &response.fields);
    let cookie = |line: &[u8]| {
        let line = text(line);
        let pair = line.split(';').next().unwrap_or("");
        let (name, value) = pair.split_once('=').unwrap_or(("", pair));
        json!({ "name": name.trim(), "value": value.trim() })
    };
    let coded_bytes = exchange.map_or(0, |exchange| exchange.coded_bytes);
    let media_type = fields.find(b"content-type").map_or_else(|| "x-unknown".to_owned(), text);
    let mut content = json!({ "size": entry.bytes, "mimeType": media_type });
    if fields.find(b"content-encoding").is_some() {
        content["compression"] = json!(i128::from(entry.bytes) - i128::from(coded_bytes));
    }
    if let Some(body) = exchange.and_then(|exchange| exchange.body.as_ref()) {
        match core::str::from_utf8(body) {
            Ok(text) => content["text"] = json!(text),
            Err(_) => {
                content["text"] = json!(base64(body));
                content["encoding"] = json!("base64");
            }
        }
    }
    let mut value = json!({
        "status": entry.status.unwrap_or(0),
        "statusText": "",
        "httpVersion": protocol,
        "cookies": fields.find_all(b"set-cookie").map(cookie).collect::<Vec<_>>(),
        "headers": lines(fields),
        "content": content,
        "redirectURL": fields.find(b"location").map(text).unwrap_or_default(),
        "headersSize": -1,
        "bodySize": coded_bytes,
    });
    match &entry.state {
        State::Failed(why) => value["_error"] = json!(why),
        State::Cancelled => value["_error"] = json!("nobody needed it"),
        _ => {}
    }
    value
}

fn lines(fields: &Fields) -> Vec<Value> {
    fields.iter().map(|line| json!({ "name": text(line.name), "value": text(line.value) })).collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Milliseconds with three digits after the point.
fn millis(span: Span) -> f64 {
    (span.as_nanos() / 1_000) as f64 / 1e3
}

/// `2026-11-22T01:30:00.250Z`.
fn date(unix_nanos: u64) -> String {
    let (secs, ms) = (unix_nanos / 1_000_000_000, unix_nanos / 1_000_000 % 1_000);
    let (days, second) = (secs / 86_400, secs % 86_400);
    // Years begin in March, so that the leap day ends them; an era has 400 years, 146,097 days.
    let shifted = days + 719_468;
    let (era, day) = (shifted / 146_097, shifted % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = year + era * 400 + carry;
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}
