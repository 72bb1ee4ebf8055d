//! What is measured.

use ends::{Exchange, Task};

/// What is no QUIC, and shows what the system can do.
pub(crate) const LIMITS: [&str; 2] = ["TCP+rustls", "UDP"];

const MIB: usize = 1 << 20;

pub(crate) struct Cell {
    pub(crate) name: &'static str,
    pub(crate) task: Task,
    /// Units of work in a turn.
    pub(crate) units: f64,
    pub(crate) unit: &'static str,
    /// The [`LIMITS`] beside it.
    limits: &'static [&'static str],
}

impl Cell {
    /// Whether a stack can do it: QUIC's can.
    pub(crate) fn is_for(&self, stack: &str) -> bool {
        !LIMITS.contains(&stack) || self.limits.contains(&stack)
    }
}

const fn carry(streams: usize, request_bytes: usize, response_bytes: usize, times: usize) -> Task {
    Task::Exchange { exchange: Exchange { streams, request_bytes, response_bytes }, times }
}

/// One turn of each is some tenths of a second.
pub(crate) const CELLS: &[Cell] = &[
    Cell {
        name: "download, 1 stream",
        task: carry(1, 8, 128 * MIB, 1),
        units: 128.0,
        unit: "MiB",
        limits: &LIMITS,
    },
    Cell {
        name: "upload, 1 stream",
        task: carry(1, 128 * MIB, 8, 1),
        units: 128.0,
        unit: "MiB",
        limits: &LIMITS,
    },
    Cell {
        name: "download, 100 streams",
        task: carry(100, 8, MIB, 1),
        units: 100.0,
        unit: "MiB",
        limits: &[],
    },
    Cell {
        name: "100 B to 1 KiB, 100 streams",
        task: carry(100, 100, 1 << 10, 200),
        units: 20_000.0,
        unit: "request",
        limits: &[],
    },
    Cell {
        name: "handshakes, one after the other",
        task: Task::Connect { count: 300, at_once: 1 },
        units: 300.0,
        unit: "handshake",
        limits: &["TCP+rustls"],
    },
    Cell {
        name: "handshakes, 50 at once",
        task: Task::Connect { count: 500, at_once: 50 },
        units: 500.0,
        unit: "handshake",
        limits: &["TCP+rustls"],
    },
];
