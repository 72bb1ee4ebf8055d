//! The access log: a line a request, for people or for programs. Nothing that a peer chose reaches a terminal as anything
//! but printable ASCII.

#[cfg(test)]
mod tests;

use std::fmt::Write as _;
use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

/// Where lines go, one writer for all connections.
pub struct AccessLog {
    /// None where nobody reads.
    format: Option<Format>,
    colour: bool,
    out: Mutex<Box<dyn Write + Send>>,
}

/// What a line looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Aligned columns.
    Text,
    /// One JSON object.
    Json,
}

/// One request as it is logged.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// When the response ended.
    pub at: SystemTime,
    /// Who asked.
    pub client: SocketAddr,
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
    /// Bytes of its body.
    pub bytes: u64,
    /// From the request to the end of the response.
    pub took: Duration,
    /// Whether the response went out whole.
    pub whole: bool,
    /// Whether this answers a request for something that this connection was hinted at.
    pub hinted: bool,
    /// How many hints went out in frames for this request.
    pub hints: usize,
}

impl AccessLog {
    /// To standard output, with colour where that is a terminal and `NO_COLOR` is not set.
    pub fn stdout(format: Format) -> Self {
        let wants_none = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let colour = std::io::stdout().is_terminal() && !wants_none;
        Self { format: Some(format), colour, out: Mutex::new(Box::new(std::io::stdout())) }
    }

    /// To anything else, without colour.
    pub fn new(format: Format, out: Box<dyn Write + Send>) -> Self {
        Self { format: Some(format), colour: false, out: Mutex::new(out) }
    }

    /// To nobody.
    pub fn off() -> Self {
        Self { format: None, colour: false, out: Mutex::new(Box::new(std::io::sink())) }
    }

    /// Writes one line in one write, so that lines of several processes do not mix. A log that cannot be written does
    /// not stop the service.
    pub fn write(&self, entry: &Entry<'_>) {
        let line = match self.format {
            None => return,
            Some(Format::Text) => text(entry, self.colour),
            Some(Format::Json) => json(entry),
        };
        self.put(&line);
    }

    /// Writes one line about a connection that ended because of a fault.
    pub fn failure(&self, client: SocketAddr, what: &str) {
        let Some(format) = self.format else { return };
        let (at, client) = (rfc3339(SystemTime::now()), client.to_string());
        self.put(&match format {
            Format::Text => format!("{at} {client:<21} {}\n", plain(what.as_bytes())),
            Format::Json => {
                format!(
                    "{{\"time\":\"{at}\",\"client\":\"{client}\",\"fault\":\"{}\"}}\n",
                    json_text(what.as_bytes())
                )
            }
        });
    }

    fn put(&self, line: &str) {
        // A thread that panicked in here left at worst half a line.
        let mut out = self.out.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush()); // See above: nobody could be told.
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
    if entry.hints > 0 {
        write!(line, "  +{} hints", entry.hints).expect("a String takes everything");
    }
    line.push('\n');
    line
}

/// One object, one line. Bytes that are no UTF-8 become U+FFFD; all but printable ASCII is escaped.
pub fn json(entry: &Entry<'_>) -> String {
    format!(
        "{{\"time\":\"{}\",\"client\":\"{}\",\"protocol\":\"{}\",\"host\":\"{}\",\"method\":\"{}\",\"path\":\"{}\",\"status\":{},\
         \"bytes\":{},\"ms\":{:.3},\"whole\":{},\"hinted\":{},\"hints\":{}}}\n",
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
    )
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
