//! The access log: a line a request, for people or for programs. Nothing that a peer chose reaches a terminal as anything
//! but printable ASCII.

mod queue;
#[cfg(test)]
mod tests;

use crate::files::FieldSource;
use crate::handler::{H2, H3};
use queue::Queue;
use std::fmt::Write as _;
use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Bytes of lines that may wait for a slow place; what comes beyond is lost, counted and said.
const QUEUE_BYTES: usize = 1 << 20;

/// Bytes of a `referer` or a `user-agent` that are kept; what a client writes beyond is left out.
const VISIT_BYTES: usize = 1 << 10;

/// Where lines go: one writer, on a thread of its own, for all connections. A clone writes to the same place.
#[derive(Clone)]
pub struct AccessLog(Option<Arc<Writer>>);

struct Writer {
    format: Format,
    colour: bool,
    queue: Queue,
}

/// What a line looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Aligned columns.
    Text,
    /// One JSON object.
    Json,
    /// The Common Log Format, which most tools for logs read.
    Common,
    /// The same with `referer` and `user-agent` behind it: Apache's and nginx' `combined`.
    Combined,
}

/// Where a client says that it comes from, and what it says that it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Visit {
    pub(crate) referer: Vec<u8>,
    pub(crate) user_agent: Vec<u8>,
}

/// One request as it is logged.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// When the response ended.
    pub at: SystemTime,
    /// Who asked.
    pub client: SocketAddr,
    /// The subject of the certificate that the client showed, as RFC 4514 writes it; empty where it showed none.
    pub identity: &'a str,
    /// `HTTP/1.1`, `h2`, ...
    pub protocol: &'a str,
    /// The host that answered, by its name here; empty where there was none.
    pub host: &'a str,
    /// The request's method.
    pub method: &'a [u8],
    /// Its path and query, as they came.
    pub path: &'a [u8],
    /// The response's status.
    pub status: u16,
    /// Bytes of its body that were handed on: over HTTP/2, those that had left for the socket.
    pub bytes: u64,
    /// From the request until the end of the response was handed on, or never would be.
    pub took: Duration,
    /// Whether the response went out whole.
    pub whole: bool,
    /// Whether this answers a request for something that this connection was hinted at.
    pub hinted: bool,
    /// How many hints went out in frames for this request.
    pub hints: usize,
    /// How many went out in a 103 (Early Hints) for it.
    pub early_hints: usize,
    /// The request's `referer`; empty where it has none, or the format does not ask for it.
    pub referer: &'a [u8],
    /// The same of its `user-agent`.
    pub user_agent: &'a [u8],
}

impl AccessLog {
    /// To standard output, with colour where that is a terminal and `NO_COLOR` is not set.
    pub fn stdout(format: Format) -> Self {
        let wants_none = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let colour = std::io::stdout().is_terminal() && !wants_none;
        Self::with(format, colour, QUEUE_BYTES, Box::new(std::io::stdout()))
    }

    /// To anything else, without colour.
    pub fn new(format: Format, out: Box<dyn Write + Send>) -> Self {
        Self::with(format, false, QUEUE_BYTES, out)
    }

    /// To nowhere.
    pub fn off() -> Self {
        Self(None)
    }

    fn with(format: Format, colour: bool, queue_bytes: usize, out: Box<dyn Write + Send>) -> Self {
        let note = match format {
            Format::Text | Format::Common | Format::Combined => {
                |lost| format!("{lost} lines are missing here: the log is too slow\n")
            }
            Format::Json => |lost| format!("{{\"lost\":{lost}}}\n"),
        };
        Self(Some(Arc::new(Writer { format, colour, queue: Queue::new(queue_bytes, out, note) })))
    }

    /// Whether nobody reads what is written here.
    pub fn is_off(&self) -> bool {
        self.0.is_none()
    }

    /// What is to be kept of a request's fields until its line is written: nothing, but where the format asks for it.
    pub(crate) fn visit(&self, fields: &dyn FieldSource) -> Option<Box<Visit>> {
        self.0.as_ref().filter(|writer| writer.format == Format::Combined)?;
        let mut visit = Visit::default();
        fields.lines(&mut |name, value| {
            let kept = match name {
                b"referer" => &mut visit.referer,
                b"user-agent" => &mut visit.user_agent,
                _ => return,
            };
            if kept.is_empty() {
                kept.extend_from_slice(&value[..value.len().min(VISIT_BYTES)]);
            }
        });
        Some(Box::new(visit))
    }

    /// Writes one line. It waits for nobody: where the log is slower than the server, lines are lost.
    pub fn write(&self, entry: &Entry<'_>) {
        let Some(writer) = &self.0 else { return };
        writer.queue.put(&match writer.format {
            Format::Text => text(entry, writer.colour),
            Format::Json => json(entry),
            Format::Common => common(entry),
            Format::Combined => combined(entry),
        });
    }

    /// Writes one line about a connection that ended because of a fault. The Common Log Format has none for that, and neither has the combined one.
    pub fn failure(&self, client: SocketAddr, what: &str) {
        let Some(writer) = &self.0 else { return };
        let at = rfc3339(SystemTime::now());
        writer.queue.put(&match writer.format {
            Format::Common | Format::Combined => return,
            Format::Text => format!("{at} {:<21} {}\n", client.to_string(), plain(what.as_bytes())),
            Format::Json => {
                let what = json_text(what.as_bytes());
                format!("{{\"time\":\"{at}\",\"client\":\"{client}\",\"fault\":\"{what}\"}}\n")
            }
        });
    }

    /// Lines that were lost so far.
    pub fn lost(&self) -> u64 {
        self.0.as_ref().map_or(0, |writer| writer.queue.lost())
    }
}

/// Time, client, protocol, method, status, bytes, duration, path, and marks: what varies most in length stands last.
pub fn text(entry: &Entry<'_>, colour: bool) -> String {
    let (on, off) = match (colour, entry.status) {
        (false, _) => ("", ""),
        (true, 500..) => ("\x1b[31m", "\x1b[0m"),
        (true, 400..) => ("\x1b[33m", "\x1b[0m"),
        (true, _) => ("\x1b[32m", "\x1b[0m"),
    };
    let mut line = format!(
        "{} {:<21} {:<8} {:<4} {on}{}{off} {:>9} {:>9} ",
        rfc3339(entry.at),
        entry.client.to_string(),
        plain(entry.protocol.as_bytes()),
        plain(entry.method),
        entry.status,
        entry.bytes,
        milliseconds(entry.took),
    );
    line.push_str(&plain(entry.path));
    for (is_set, mark) in [(entry.hinted, "  hinted"), (!entry.whole, "  cut short")] {
        line.push_str(if is_set { mark } else { "" });
    }
    for (count, what) in [(entry.hints, "hints"), (entry.early_hints, "early hints")] {
        if count > 0 {
            write!(line, "  +{count} {what}").expect("a String takes everything");
        }
    }
    if !entry.identity.is_empty() {
        write!(line, "  {}", plain(entry.identity.as_bytes())).expect("a String takes everything");
    }
    line.push('\n');
    line
}

/// One object, one line. Bytes that are no UTF-8 become U+FFFD; all but printable ASCII is escaped.
pub fn json(entry: &Entry<'_>) -> String {
    format!(
        "{{\"time\":\"{}\",\"client\":\"{}\",\"protocol\":\"{}\",\"host\":\"{}\",\"method\":\"{}\",\"path\":\"{}\",\"status\":{},\
         \"bytes\":{},\"ms\":{:.3},\"whole\":{},\"hinted\":{},\"hints\":{},\"early_hints\":{}{}}}\n",
        rfc3339(entry.at),
        entry.client,
        json_text(entry.protocol.as_bytes()),
        json_text(entry.host.as_bytes()),
        json_text(entry.method),
        json_text(entry.path),
        entry.status,
        entry.bytes,
        entry.took.as_secs_f64() * 1e3,
        entry.whole,
        entry.hinted,
        entry.hints,
        entry.early_hints,
        match entry.identity {
            "" => String::new(),
            identity => format!(",\"identity\":\"{}\"", json_text(identity.as_bytes())),
        },
    )
}

/// `127.0.0.1 - - [21/Nov/2026:21:04:05 +0000] "GET /a?b HTTP/2.0" 200 1234`, in UTC.
pub fn common(entry: &Entry<'_>) -> String {
    let at = time::OffsetDateTime::from(entry.at);
    let protocol = match entry.protocol {
        H2 => "HTTP/2.0",
        H3 => "HTTP/3.0",
        protocol => protocol,
    };
    format!(
        "{} - {} [{:02}/{}/{:04}:{:02}:{:02}:{:02} +0000] \"{} {} {protocol}\" {} {}\n",
        entry.client.ip(),
        user(entry.identity),
        at.day(),
        &at.month().to_string()[..3],
        at.year(),
        at.hour(),
        at.minute(),
        at.second(),
        quoted(entry.method),
        quoted(entry.path),
        entry.status,
        entry.bytes,
    )
}

/// The same, then `"https://a.test/" "curl/8.14"`; `"-"` where the client does not say.
pub fn combined(entry: &Entry<'_>) -> String {
    let mut line = common(entry);
    line.pop(); // Its end.
    for said in [entry.referer, entry.user_agent] {
        let said = if said.is_empty() { b"-" } else { said };
        write!(line, " \"{}\"", quoted(said)).expect("a String takes everything");
    }
    line.push('\n');
    line
}

/// Who the client is, as one word.
fn user(identity: &str) -> String {
    if identity.is_empty() { "-".into() } else { quoted(identity.as_bytes()).replace(' ', "\\x20") }
}

/// As [`plain`], to stand between quotation marks.
fn quoted(bytes: &[u8]) -> String {
    plain(bytes).replace('"', "\\\"")
}

/// Printable ASCII as it is, and the rest as `\xNN`: no byte that a peer chose can move a terminal's cursor, begin an
/// escape or turn the direction of the text.
fn plain(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            b'\\' => text.push_str("\\\\"),
            b' '..=b'~' => text.push(char::from(byte)),
            _ => write!(text, "\\x{byte:02x}").expect("a String takes everything"),
        }
    }
    text
}

fn json_text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for character in String::from_utf8_lossy(bytes).chars() {
        match character {
            '"' | '\\' => text.extend(['\\', character]),
            ' '..='~' => text.push(character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(text, "\\u{unit:04x}").expect("a String takes everything");
                }
            }
        }
    }
    text
}

fn milliseconds(took: Duration) -> String {
    let ms = took.as_secs_f64() * 1e3;
    match ms {
        ..10.0 => format!("{ms:.2} ms"),
        ..1000.0 => format!("{ms:.0} ms"),
        _ => format!("{:.1} s", ms / 1e3),
    }
}

/// `2026-11-21T21:00:00.123Z`.
fn rfc3339(at: SystemTime) -> String {
    let at = time::OffsetDateTime::from(at);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        at.year(),
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second(),
        at.millisecond()
    )
}
