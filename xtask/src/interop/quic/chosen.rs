//! What continuous integration runs: cases in which the link loses nothing by chance and no clock of its own decides what shows.

use super::endpoints::OURS;

const QUINN: &str = "quinn";
const AIOQUIC: &str = "aioquic";
/// Those that take part.
pub(super) const ENDPOINTS: [&str; 3] = [OURS, QUINN, AIOQUIC];

/// A client and its server.
type Pair = (&'static str, &'static str);

const ALL: &[Pair] = &[(OURS, OURS), (OURS, QUINN), (QUINN, OURS), (OURS, AIOQUIC), (AIOQUIC, OURS)];

/// A row a case: between whom. A run that one of the two lacks has no place here.
const CHOSEN: &[(&str, &[Pair])] = &[
    ("handshake", ALL),
    ("transfer", ALL),
    ("retry", ALL),
    ("resumption", ALL),
    ("zerortt", ALL),
    ("chacha20", ALL),
    ("multiplexing", ALL),
    ("keyupdate", ALL),
    // What it shows is the server's: quinn's exceeds the limit by an acknowledgement now and then.
    ("amplificationlimit", &[(OURS, OURS), (QUINN, OURS), (AIOQUIC, OURS)]),
    ("longrtt", ALL),
    ("postquantum", &[(OURS, OURS), (OURS, QUINN), (QUINN, OURS), (OURS, AIOQUIC)]),
    ("v2", &[(OURS, OURS), (OURS, AIOQUIC), (AIOQUIC, OURS)]),
    ("connectionmigration", &[(OURS, OURS), (OURS, QUINN), (OURS, AIOQUIC)]),
];

pub(super) fn is_chosen(case: &str, client: &str, server: &str) -> bool {
    CHOSEN.iter().any(|(name, pairs)| *name == case && pairs.contains(&(client, server)))
}

#[cfg(test)]
mod tests;
