//! What passed at the server's end, as tshark reads it with both sides' keys.

use std::{
    collections::BTreeSet,
    path::Path,
    process::{Command, Stdio},
};

/// A run's datagrams, and what the link lost.
pub(super) struct Seen {
    pub(super) datagrams: Vec<Datagram>,
    /// Of the server's packets, and of the client's.
    pub(super) lost: [u64; 2],
}

/// A UDP datagram with what its packets hold; what tshark could not decrypt holds nothing.
#[derive(Debug, Default)]
pub(super) struct Datagram {
    /// Seconds since the first one.
    pub(super) at_s: f64,
    pub(super) is_servers: bool,
    /// The client's address and port, as the server sees them.
    pub(super) path: String,
    /// Of UDP's payload.
    pub(super) bytes: u64,
    /// Those of long headers: Initial 0, 0-RTT 1, Handshake 2, Retry 3.
    pub(super) types: Vec<u64>,
    pub(super) versions: Vec<u64>,
    pub(super) scid: String,
    pub(super) dcid: String,
    /// Of an Initial packet, or of a Retry packet, in hex.
    pub(super) token: String,
    /// Of 1-RTT packets.
    pub(super) phases: Vec<u64>,
    pub(super) frames: Vec<u64>,
    /// Types of TLS's handshake messages.
    pub(super) messages: Vec<u64>,
    pub(super) suites: Vec<u64>,
    pub(super) stream_bytes: u64,
    pub(super) streams: Vec<u64>,
    /// `initial_max_streams_bidi`.
    pub(super) streams_allowed: Option<u64>,
    /// Of CRYPTO frames, where their bytes begin and how many they are.
    pub(super) crypto: Vec<(u64, u64)>,
    /// Of key shares.
    pub(super) groups: Vec<u64>,
}

pub(super) const INITIAL: u64 = 0;
pub(super) const ZERO_RTT: u64 = 1;
pub(super) const HANDSHAKE: u64 = 2;
pub(super) const RETRY: u64 = 3;
pub(super) const SERVER_HELLO: u64 = 2;
pub(super) const CERTIFICATE: u64 = 11;

/// What tshark is asked for, in the order in which `Datagram::read` takes it.
const FIELDS: &[&str] = &[
    "frame.time_relative",
    "ip.src",
    "udp.srcport",
    "ip.dst",
    "udp.dstport",
    "udp.length",
    "quic.long.packet_type",
    "quic.long.packet_type_v2",
    "quic.version",
    "quic.scid",
    "quic.dcid",
    "quic.token",
    "quic.retry_token",
    "quic.key_phase",
    "quic.frame_type",
    "tls.handshake.type",
    "tls.handshake.ciphersuite",
    "quic.stream.length",
    "quic.stream.stream_id",
    "tls.quic.parameter.initial_max_streams_bidi",
    "quic.crypto.offset",
    "quic.crypto.length",
    "tls.handshake.extensions_key_share_group",
];
const SERVER_PORT: &str = ":443";
const UDP_HEADER: u64 = 8;

impl Seen {
    /// Reads a capture with a key log.
    pub(super) fn read(capture: &Path, keys: &Path, lost: [u64; 2]) -> Result<Self, String> {
        let mut tshark = Command::new("tshark");
        tshark.arg("-r").arg(capture).arg("-o").arg(format!("tls.keylog_file:{}", keys.display()));
        tshark.args(["-d", "udp.port==443,quic", "-Y", "udp.port==443 && !icmp", "-T", "fields"]);
        tshark.args(FIELDS.iter().flat_map(|field| ["-e", field])).stdin(Stdio::null());
        let output = tshark.output().map_err(|error| format!("tshark: {error}"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let datagrams: Vec<Datagram> = text.lines().map(Datagram::read).collect();
        if datagrams.is_empty() {
            return Err(format!("tshark shows nothing: {}", String::from_utf8_lossy(&output.stderr)));
        }
        Ok(Self { datagrams, lost })
    }

    pub(super) fn servers(&self) -> impl Iterator<Item = &Datagram> {
        self.datagrams.iter().filter(|datagram| datagram.is_servers)
    }

    pub(super) fn clients(&self) -> impl Iterator<Item = &Datagram> {
        self.datagrams.iter().filter(|datagram| !datagram.is_servers)
    }

    /// Connections, by the server's first connection ID, in which it sent a message.
    pub(super) fn connections_with(&self, message: u64) -> BTreeSet<&str> {
        let with = self.servers().filter(|datagram| datagram.messages.contains(&message));
        with.map(|datagram| datagram.scid.as_str()).collect()
    }

    /// Where the server saw the client, in this order.
    pub(super) fn paths(&self) -> Vec<&str> {
        let mut paths: Vec<&str> = Vec::new();
        for datagram in self.clients() {
            if !paths.contains(&datagram.path.as_str()) {
                paths.push(&datagram.path);
            }
        }
        paths
    }
}

impl Datagram {
    /// A line of tshark's: columns between tabs, and what there is more than one of between commas.
    fn read(line: &str) -> Self {
        let mut columns = line.split('\t');
        let mut next = || columns.next().unwrap_or("");
        let at_s = next().parse().unwrap_or(0.0); // Only differences are looked at.
        let ends = [(next(), next()), (next(), next())].map(|(address, port)| format!("{address}:{port}"));
        let is_servers = ends[0].ends_with(SERVER_PORT);
        let [from, to] = ends;
        let bytes = number(next()).unwrap_or(0).saturating_sub(UDP_HEADER);
        let mut types = numbers(next());
        // Version 2 counts them from Retry.
        types.extend(numbers(next()).into_iter().map(|kind| (kind + 3) % 4));
        Self {
            at_s,
            is_servers,
            path: if is_servers { to } else { from },
            bytes,
            types,
            versions: numbers(next()),
            scid: first(next()),
            dcid: first(next()),
            token: [first(next()), first(next())].concat(),
            phases: numbers(next()),
            frames: numbers(next()),
            messages: numbers(next()),
            suites: numbers(next()),
            stream_bytes: numbers(next()).iter().sum(),
            streams: numbers(next()),
            streams_allowed: number(next()),
            crypto: numbers(next()).into_iter().zip(numbers(next())).collect(),
            groups: numbers(next()),
        }
    }
}

fn first(column: &str) -> String {
    column.split(',').next().unwrap_or("").to_owned()
}

fn numbers(column: &str) -> Vec<u64> {
    column.split(',').filter_map(number).collect()
}

/// Decimal, hexadecimal, or a word for a bit.
fn number(text: &str) -> Option<u64> {
    match text {
        "True" => Some(1),
        "False" => Some(0),
        _ => match text.strip_prefix("0x") {
            Some(hex) => u64::from_str_radix(hex, 16).ok(),
            None => text.parse().ok(),
        },
    }
}

#[cfg(test)]
mod tests;
