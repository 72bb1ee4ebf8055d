//! What a capture has to show for each case, beyond files that came whole. What was seen is told in a few words.

use super::capture::{CERTIFICATE, HANDSHAKE, INITIAL, RETRY, SERVER_HELLO, Seen, ZERO_RTT};
use std::collections::BTreeSet;

type Shown = Result<String, String>;

const CHACHA20: u64 = 0x1303;
const VERSION_1: u64 = 1;
const VERSION_2: u64 = 0x6b33_43cf;
/// Frame types.
const CRYPTO: u64 = 0x06;
const PATH_CHALLENGE: u64 = 0x1a;
const PATH_RESPONSE: u64 = 0x1b;
/// The clients that fetch many files.
const CONNECTIONS: usize = 50;
const REQUESTS: u64 = 1999;
/// The interop runner's bound on what a server allows at once.
const STREAMS_AT_ONCE: u64 = 1000;
/// Shorter than the link's outage by what is under way when it begins.
const SILENCE_S: f64 = 1.5;

pub(super) fn one_handshake(seen: &Seen) -> Shown {
    if seen.servers().any(|datagram| datagram.types.contains(&RETRY)) {
        return Err("there is a Retry packet".into());
    }
    handshakes(seen, 1)
}

fn handshakes(seen: &Seen, wanted: usize) -> Shown {
    match seen.connections_with(SERVER_HELLO).len() {
        count if count == wanted => Ok(format!("{count} handshakes").replace("1 handshakes", "1 handshake")),
        count => Err(format!("{count} handshakes are seen, not {wanted}")),
    }
}

/// What the client sends before ServerHello carries its ClientHello in pieces. Their acknowledgements may come in between.
pub(super) fn postquantum(seen: &Seen) -> Shown {
    handshakes(seen, 1)?;
    let answer = seen.datagrams.iter().position(|datagram| datagram.messages.contains(&SERVER_HELLO));
    let before = &seen.datagrams[..answer.unwrap_or(0)];
    let before = || before.iter().filter(|datagram| !datagram.is_servers);
    let (mut pieces, mut bytes) = (BTreeSet::new(), 0);
    for (from, len) in before().flat_map(|datagram| &datagram.crypto) {
        pieces.insert(from);
        bytes = bytes.max(from + len);
    }
    let largest = before().map(|datagram| datagram.bytes).max().unwrap_or(0);
    if pieces.len() < 2 || bytes <= largest {
        return Err(format!("a ClientHello of {bytes} bytes is seen in {} pieces", pieces.len()));
    }
    let group = seen.servers().flat_map(|datagram| &datagram.groups).next().ok_or("no group is seen")?;
    Ok(format!("a ClientHello of {bytes} bytes, which no datagram of {largest} holds; group {group:#06x}"))
}

pub(super) fn retry(seen: &Seen) -> Shown {
    let retry =
        seen.servers().find(|datagram| datagram.types.contains(&RETRY)).ok_or("no Retry packet is seen")?;
    let is_answer = |token: &str| !token.is_empty() && token == retry.token;
    if !seen.clients().any(|datagram| datagram.types.contains(&INITIAL) && is_answer(&datagram.token)) {
        return Err("no Initial packet has the Retry packet's token".into());
    }
    handshakes(seen, 1)?;
    Ok(format!("a token of {} bytes came back", retry.token.len() / 2))
}

pub(super) fn resumption(seen: &Seen) -> Shown {
    handshakes(seen, 2)?;
    let with_certificate = seen.connections_with(CERTIFICATE);
    let first = seen.servers().find(|datagram| datagram.messages.contains(&SERVER_HELLO));
    let first = first.map_or("", |datagram| datagram.scid.as_str());
    if with_certificate != BTreeSet::from([first]) {
        return Err(format!("{} of 2 connections have a Certificate", with_certificate.len()));
    }
    Ok("a Certificate in the first of 2 handshakes alone".into())
}

pub(super) fn zerortt(seen: &Seen) -> Shown {
    resumption(seen)?;
    let early = seen
        .clients()
        .find(|datagram| datagram.types.contains(&ZERO_RTT))
        .ok_or("no 0-RTT packet is seen")?;
    let since = seen.clients().filter(|datagram| datagram.at_s >= early.at_s);
    let (mut in_0rtt, mut in_1rtt) = (0, 0);
    for datagram in since {
        let is_early = datagram.types.contains(&ZERO_RTT);
        *(if is_early { &mut in_0rtt } else { &mut in_1rtt }) += datagram.stream_bytes;
    }
    if in_0rtt <= 2 * in_1rtt {
        return Err(format!(
            "of the requests {in_0rtt} bytes came in 0-RTT packets and {in_1rtt} in 1-RTT packets"
        ));
    }
    Ok(format!("{in_0rtt} bytes of requests in 0-RTT packets, {in_1rtt} later"))
}

pub(super) fn chacha20(seen: &Seen) -> Shown {
    handshakes(seen, 1)?;
    let mut suites = seen.servers().flat_map(|datagram| &datagram.suites);
    let suite = suites.next().ok_or("no suite is seen")?;
    if *suite == CHACHA20 {
        Ok("suite 0x1303".into())
    } else {
        Err(format!("the server chose suite {suite:#06x}"))
    }
}

pub(super) fn multiplexing(seen: &Seen) -> Shown {
    handshakes(seen, 1)?;
    let allowed = seen.servers().find_map(|datagram| datagram.streams_allowed);
    let allowed = allowed.ok_or("the server's transport parameters are not seen")?;
    if allowed > STREAMS_AT_ONCE {
        return Err(format!("the server allows {allowed} streams at once"));
    }
    let streams: BTreeSet<u64> = seen.clients().flat_map(|datagram| &datagram.streams).copied().collect();
    if (streams.len() as u64) < REQUESTS {
        return Err(format!("{} streams are seen", streams.len()));
    }
    Ok(format!("{} streams on one connection, {allowed} at first", streams.len()))
}

pub(super) fn keyupdate(seen: &Seen) -> Shown {
    handshakes(seen, 1)?;
    let phases = |is_servers: bool| -> BTreeSet<u64> {
        let side = seen.datagrams.iter().filter(|datagram| datagram.is_servers == is_servers);
        side.flat_map(|datagram| &datagram.phases).copied().collect()
    };
    match (phases(false).len(), phases(true).len()) {
        (2, 2) => Ok("both phases both ways".into()),
        (client, server) => Err(format!("the client used {client} key phases and the server {server}")),
    }
}

pub(super) fn transferloss(seen: &Seen) -> Shown {
    handshakes(seen, 1)?;
    lost(seen, [10, 1])
}

pub(super) fn handshakeloss(seen: &Seen) -> Shown {
    handshakes(seen, CONNECTIONS)?;
    Ok(format!("{CONNECTIONS} handshakes, {}", lost(seen, [50, 50])?))
}

/// At least as many of the server's packets and of the client's were lost.
fn lost(seen: &Seen, least: [u64; 2]) -> Shown {
    let [server, client] = seen.lost;
    let said = format!("{server} packets of the server's and {client} of the client's lost");
    if server >= least[0] && client >= least[1] { Ok(said) } else { Err(format!("only {said}")) }
}

pub(super) fn blackhole(seen: &Seen) -> Shown {
    handshakes(seen, 1)?;
    let heard: Vec<f64> = seen.clients().map(|datagram| datagram.at_s).collect();
    let silence = heard.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max);
    if silence < SILENCE_S {
        return Err(format!("the longest silence of the client's is {silence:.1} s"));
    }
    Ok(format!("over after {:.1} s, a silence of {silence:.1} s in it", heard.last().unwrap_or(&0.0)))
}

pub(super) fn amplificationlimit(seen: &Seen) -> Shown {
    handshakes(seen, 1)?;
    lost(seen, [0, 6])?;
    let (mut received, mut sent, mut needed) = (0, 0, 0);
    let mut is_validated = false;
    for datagram in &seen.datagrams {
        if datagram.is_servers && datagram.types.iter().any(|kind| [INITIAL, HANDSHAKE].contains(kind)) {
            needed += datagram.bytes;
        }
        if is_validated {
            continue;
        }
        match datagram.is_servers {
            true => sent += datagram.bytes,
            false => received += datagram.bytes,
        }
        if sent > 3 * received {
            return Err(format!("the server sent {sent} bytes when it had received {received}"));
        }
        is_validated = !datagram.is_servers && datagram.types.contains(&HANDSHAKE);
    }
    let first = seen.clients().next().map_or(0, |datagram| datagram.bytes);
    if needed <= 3 * first {
        return Err(format!("the server's handshake takes {needed} bytes, which the limit allows at once"));
    }
    Ok(format!("{sent} bytes sent for {received} before the client was validated"))
}

pub(super) fn rebinding(seen: &Seen) -> Shown {
    handshakes(seen, 1)?;
    let paths = seen.paths();
    if paths.len() < 2 {
        return Err("the client's path never changed".into());
    }
    for path in &paths[1..] {
        let on_it = || seen.datagrams.iter().filter(|datagram| datagram.path == *path);
        let has = |is_servers, frame| {
            on_it().any(|datagram| datagram.is_servers == is_servers && datagram.frames.contains(&frame))
        };
        // A path that came up as the last bytes went needs no validation any more.
        let is_last =
            Some(path) == paths.last() && on_it().filter(|datagram| datagram.is_servers).count() < 3;
        if !is_last && !has(true, PATH_CHALLENGE) {
            return Err(format!("the server did not challenge {path}"));
        }
        if !is_last && !has(false, PATH_RESPONSE) {
            return Err(format!("the client did not respond on {path}"));
        }
    }
    Ok(format!("{} paths, challenged and answered", paths.len()))
}

pub(super) fn longrtt(seen: &Seen) -> Shown {
    handshakes(seen, 1)?;
    let is_first_flight =
        |types: &[u64], frames: &[u64]| types.iter().all(|kind| *kind == INITIAL) && frames.contains(&CRYPTO);
    let mut flights = seen.clients().filter(|datagram| {
        datagram.types.contains(&INITIAL) && is_first_flight(&datagram.types, &datagram.frames)
    });
    let first = flights.next().ok_or("no ClientHello is seen")?;
    // A ClientHello in two datagrams is sent at once; one that is sent again is not.
    let again = flights.find(|datagram| datagram.at_s > first.at_s + 0.2);
    let again = again.ok_or("the client's first flight was not sent again")?;
    Ok(format!("a ClientHello again after {:.1} s", again.at_s - first.at_s))
}

pub(super) fn v2(seen: &Seen) -> Shown {
    let first = seen.clients().next().and_then(|datagram| datagram.versions.first());
    if first != Some(&VERSION_1) {
        return Err(format!("the client began with version {first:x?}"));
    }
    let later = |is_servers: bool| {
        let mut side = seen.datagrams.iter().filter(|datagram| datagram.is_servers == is_servers);
        side.any(|datagram| datagram.types.contains(&HANDSHAKE) && datagram.versions.contains(&VERSION_2))
    };
    match (later(true), later(false)) {
        (true, true) => Ok("Handshake packets of version 2 both ways".into()),
        (false, _) => Err("the server sent no Handshake packet of version 2".into()),
        (_, false) => Err("the client sent no Handshake packet of version 2".into()),
    }
}

pub(super) fn migration(seen: &Seen) -> Shown {
    handshakes(seen, 1)?;
    let paths = seen.paths();
    let ids = |path: &str| -> BTreeSet<&str> {
        let on_it = seen.clients().filter(|datagram| datagram.path == path && datagram.types.is_empty());
        on_it.map(|datagram| datagram.dcid.as_str()).collect()
    };
    let (Some(first), Some(last)) = (paths.first(), paths.last().filter(|_| paths.len() > 1)) else {
        return Err("the client stayed on its path".into());
    };
    if !ids(first).is_disjoint(&ids(last)) {
        return Err("the client took a connection ID with it".into());
    }
    if !seen.clients().any(|datagram| datagram.path == *last && datagram.frames.contains(&PATH_CHALLENGE)) {
        return Err("the client did not challenge its new path".into());
    }
    Ok(format!("{} paths, other connection IDs on each", paths.len()))
}
