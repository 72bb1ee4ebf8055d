//! The cases: what each side is told, what is fetched, what the link does to it, and what has to show.

use super::{capture::Seen, shows};

pub(super) struct Case {
    pub(super) name: &'static str,
    /// What the table says of it.
    pub(super) about: &'static str,
    /// What the client and the server are told in `TESTCASE`.
    pub(super) told: (&'static str, &'static str),
    pub(super) files: Files,
    /// The link's options, beside its delay, rate and queue.
    pub(super) link: &'static [&'static str],
    pub(super) delay: &'static str,
    /// How many certificates the server's chain has.
    pub(super) certificates: usize,
    pub(super) limit_s: u64,
    pub(super) shows: fn(&Seen) -> Result<String, String>,
}

impl Case {
    /// Whether what the link does to it hangs on a seed or on the time.
    #[cfg(test)]
    pub(super) fn is_by_chance(&self) -> bool {
        self.link.iter().any(|word| word.starts_with("--") && *word != "--drop-to-server")
    }
}

/// What the client fetches.
pub(super) enum Files {
    /// One of each size, in bytes.
    Sizes(&'static [usize]),
    /// So many of one size, their names as long as this.
    Many { count: usize, bytes: usize, name_bytes: usize },
}

/// As the interop runner's; those that change nothing of a column have its usual value.
const USUAL: Case = Case {
    name: "",
    about: "",
    told: ("transfer", "transfer"),
    files: Files::Sizes(&[MIB]),
    link: &[],
    delay: "15ms",
    certificates: 2,
    limit_s: 60,
    shows: shows::one_handshake,
};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// The order is the table's.
pub(super) const CASES: &[Case] = &[
    Case {
        name: "handshake",
        about: "one connection, one file of 1 KiB",
        told: ("handshake", "handshake"),
        files: Files::Sizes(&[KIB]),
        ..USUAL
    },
    Case {
        name: "transfer",
        about: "2, 3 and 5 MiB at once on one connection",
        files: Files::Sizes(&[2 * MIB, 3 * MIB, 5 * MIB]),
        ..USUAL
    },
    Case {
        name: "retry",
        about: "a Retry packet, and its token in the Initial packets that follow",
        told: ("retry", "retry"),
        files: Files::Sizes(&[KIB]),
        shows: shows::retry,
        ..USUAL
    },
    Case {
        name: "resumption",
        about: "two handshakes, the second without a Certificate",
        told: ("resumption", "resumption"),
        files: Files::Sizes(&[5 * KIB, 10 * KIB]),
        shows: shows::resumption,
        ..USUAL
    },
    Case {
        name: "zerortt",
        about: "the second connection's 39 requests in 0-RTT packets; a round trip of 120 ms, so that a machine's pauses make none late",
        told: ("zerortt", "zerortt"),
        delay: "60ms",
        files: Files::Many { count: 40, bytes: 32, name_bytes: 250 },
        shows: shows::zerortt,
        ..USUAL
    },
    Case {
        name: "chacha20",
        about: "a client that offers TLS_CHACHA20_POLY1305_SHA256 alone",
        told: ("chacha20", "chacha20"),
        files: Files::Sizes(&[3 * MIB]),
        shows: shows::chacha20,
        ..USUAL
    },
    Case {
        name: "multiplexing",
        about: "1,999 files on one connection, of whose streams the server allows 1,000 at once or fewer",
        files: Files::Many { count: 1999, bytes: 32, name_bytes: 10 },
        shows: shows::multiplexing,
        ..USUAL
    },
    Case {
        name: "keyupdate",
        about: "both sides' packets change their key phase",
        told: ("keyupdate", "transfer"),
        files: Files::Sizes(&[3 * MIB]),
        shows: shows::keyupdate,
        ..USUAL
    },
    Case {
        name: "transferloss",
        about: "2 MiB while 2 % of the packets are lost",
        files: Files::Sizes(&[2 * MIB]),
        link: &["--loss", "2%"],
        limit_s: 120,
        shows: shows::transferloss,
        ..USUAL
    },
    Case {
        name: "handshakeloss",
        about: "50 connections while 30 % of the packets are lost, three in a row at most",
        told: ("multiconnect", "multiconnect"),
        files: Files::Many { count: 50, bytes: KIB, name_bytes: 10 },
        link: &["--loss", "30%", "--burst", "3"],
        limit_s: 300,
        shows: shows::handshakeloss,
        ..USUAL
    },
    Case {
        name: "blackhole",
        about: "10 MiB over a link that carries nothing for 2 s after each 5 s",
        files: Files::Sizes(&[10 * MIB]),
        link: &["--outages", "5s,2s"],
        limit_s: 120,
        shows: shows::blackhole,
        ..USUAL
    },
    Case {
        name: "amplificationlimit",
        about: "nine certificates, while the client's second to seventh packets are lost, of whose ClientHello the first one holds all (where it takes two, quinn's server goes 60 bytes beyond): the server stays within three times what it got",
        told: ("amplificationlimit", "transfer"),
        files: Files::Sizes(&[5 * KIB]),
        link: &["--drop-to-server", "2,3,4,5,6,7"],
        certificates: 9,
        shows: shows::amplificationlimit,
        ..USUAL
    },
    Case {
        name: "rebind-port",
        about: "10 MiB while the client's port changes after 1 s and then every 5 s",
        files: Files::Sizes(&[10 * MIB]),
        link: &["--rebind-port", "1s,5s"],
        limit_s: 120,
        shows: shows::rebinding,
        ..USUAL
    },
    Case {
        name: "rebind-addr",
        about: "the same with the client's address too",
        files: Files::Sizes(&[10 * MIB]),
        link: &["--rebind-address", "1s,5s"],
        limit_s: 120,
        shows: shows::rebinding,
        ..USUAL
    },
    Case {
        name: "longrtt",
        about: "a round trip of 1.5 s: the client's first flight is sent again",
        told: ("handshake", "handshake"),
        files: Files::Sizes(&[KIB]),
        delay: "750ms",
        shows: shows::longrtt,
        ..USUAL
    },
    Case {
        name: "postquantum",
        about: "not the runner's: a client with a key share of X25519MLKEM768, whose ClientHello no single datagram holds",
        told: ("postquantum", "handshake"),
        files: Files::Sizes(&[KIB]),
        shows: shows::postquantum,
        ..USUAL
    },
    Case {
        name: "v2",
        about: "compatible version negotiation: the client begins with version 1, and version 2 follows",
        told: ("v2", "v2"),
        files: Files::Sizes(&[KIB]),
        shows: shows::v2,
        ..USUAL
    },
    Case {
        name: "connectionmigration",
        about: "the client moves to another path of its own accord, under other connection IDs",
        told: ("connectionmigration", "transfer"),
        files: Files::Sizes(&[2 * MIB]),
        shows: shows::migration,
        ..USUAL
    },
];
