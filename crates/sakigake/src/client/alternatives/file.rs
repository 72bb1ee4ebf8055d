//! The file of alternatives: a line each, its parts apart by tabs.
//!
//! ```text
//!   h3      PLACE  UNTIL  HOST  PORT
//!   broken  PLACE  UNTIL  HOST  PORT  TIMES
//! ```

use super::{A_PLACE, Alternative, Alternatives, Broken, Known, Spot};
use crate::private;
use sakigake_semantics::is_host;
use std::{collections::BTreeMap, fmt::Write as _, io, path::Path};

/// What is written has less: each line's place and host are bounded by a host's 255 bytes.
const MOST_BYTES: u64 = 8 << 20;

pub(super) fn read(path: &Path) -> io::Result<BTreeMap<String, Known>> {
    let bytes = private::read(path, MOST_BYTES)?;
    let text = bytes.as_deref().map(|bytes| String::from_utf8_lossy(bytes)).unwrap_or_default();
    let mut places = BTreeMap::new();
    for line in text.lines() {
        let _ = take(line, &mut places); // None of ours.
    }
    Ok(places)
}

fn take(line: &str, places: &mut BTreeMap<String, Known>) -> Option<()> {
    let mut parts = line.split('\t');
    let (kind, place, until) = (parts.next()?, parts.next()?, parts.next()?);
    let until_unix_secs = until.parse().ok()?;
    let (host, port) = (parts.next().filter(|host| is_host(host))?, parts.next()?.parse().ok()?);
    let spot = Spot { host: host.to_owned(), port };
    if places.len() >= Alternatives::PLACES && !places.contains_key(place) {
        return None;
    }
    let known = places.entry(place.to_owned()).or_default();
    match kind {
        "h3" if known.alternatives.len() < A_PLACE => {
            known.alternatives.push(Alternative { spot, until_unix_secs });
        }
        "broken" if known.broken.len() < A_PLACE => {
            let times = parts.next()?.parse().ok()?;
            known.broken.push(Broken { spot, until_unix_secs, times });
        }
        _ => {}
    }
    Some(())
}

pub(super) fn write(path: &Path, places: &BTreeMap<String, Known>) -> io::Result<()> {
    let mut text = String::new();
    for (place, known) in places {
        for Alternative { spot: Spot { host, port }, until_unix_secs } in &known.alternatives {
            let _ = writeln!(text, "h3\t{place}\t{until_unix_secs}\t{host}\t{port}"); // A String takes everything.
        }
        for Broken { spot: Spot { host, port }, until_unix_secs, times } in &known.broken {
            let _ = writeln!(text, "broken\t{place}\t{until_unix_secs}\t{host}\t{port}\t{times}"); // As above.
        }
    }
    private::Temporary::write(path, text.as_bytes(), 0o600)?.rename(path)
}
