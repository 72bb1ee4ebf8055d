//! What a client is asked to do, and what it took.

use nix::{time::ClockId, unistd::Pid};
use std::{
    fmt,
    str::FromStr,
    time::{Duration, Instant},
};

/// On each of some streams at a time the client says so many bytes, and then the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    pub streams: usize,
    /// At least 8.
    pub request_bytes: usize,
    pub response_bytes: usize,
}

/// One line of the conductor's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// The exchange so many times, one after the other, over one new connection. The handshake and one exchange that is not
    /// measured come first: [`Task::WARM_UP`].
    Exchange { exchange: Exchange, times: usize },
    /// So many connections, so many of them at once. Each is at its end when 8 bytes were answered by 8.
    Connect { count: usize, at_once: usize },
    /// So many connections, which are held until the process ends. Nothing is measured.
    Hold { count: usize },
}

impl Task {
    /// Makes windows and datagrams grow.
    pub const WARM_UP: Exchange = Exchange { streams: 1, request_bytes: 1 << 20, response_bytes: 4 << 20 };
    /// What a connection carries that is only begun.
    pub const LEAST: Exchange = Exchange { streams: 1, request_bytes: 8, response_bytes: 8 };
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exchange { exchange: Exchange { streams, request_bytes, response_bytes }, times } => {
                write!(f, "exchange {streams} {request_bytes} {response_bytes} {times}")
            }
            Self::Connect { count, at_once } => write!(f, "connect {count} {at_once}"),
            Self::Hold { count } => write!(f, "hold {count}"),
        }
    }
}

impl FromStr for Task {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let (name, numbers) = line.split_once(' ').unwrap_or((line, ""));
        let numbers: Result<Vec<usize>, _> = numbers.split_whitespace().map(str::parse).collect();
        match (name, numbers.as_deref()) {
            ("exchange", Ok(&[streams, request_bytes, response_bytes, times])) => {
                let exchange = Exchange { streams, request_bytes, response_bytes };
                Ok(Self::Exchange { exchange, times })
            }
            ("connect", Ok(&[count, at_once])) => Ok(Self::Connect { count, at_once }),
            ("hold", Ok(&[count])) => Ok(Self::Hold { count }),
            _ => Err(format!("no task: {line:?}")),
        }
    }
}

/// Reads the clock, and what the two processes have used of their cores: user and system time, all threads.
pub struct Meter {
    server: Pid,
}

/// What a task took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    pub wall: Duration,
    pub client: Duration,
    pub server: Duration,
}

/// A measurement that was begun.
pub struct Begun<'a> {
    meter: &'a Meter,
    at: Instant,
    client: Duration,
    server: Duration,
}

impl Meter {
    pub(crate) fn new(server: i32) -> Self {
        Self { server: Pid::from_raw(server) }
    }

    pub fn begin(&self) -> Begun<'_> {
        Begun { meter: self, at: Instant::now(), client: cpu(Pid::from_raw(0)), server: cpu(self.server) }
    }
}

impl Begun<'_> {
    pub fn end(self) -> Spent {
        Spent {
            wall: self.at.elapsed(),
            client: cpu(Pid::from_raw(0)).saturating_sub(self.client),
            server: cpu(self.meter.server).saturating_sub(self.server),
        }
    }
}

impl fmt::Display for Spent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.wall.as_nanos(), self.client.as_nanos(), self.server.as_nanos())
    }
}

impl FromStr for Spent {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let numbers: Result<Vec<u64>, _> = line.split_whitespace().map(str::parse).collect();
        match numbers.as_deref() {
            Ok(&[wall, client, server]) => Ok(Self {
                wall: Duration::from_nanos(wall),
                client: Duration::from_nanos(client),
                server: Duration::from_nanos(server),
            }),
            _ => Err(format!("no measurement: {line:?}")),
        }
    }
}

/// A server that is gone took its clock along: what it used is missing, and so is its answer.
fn cpu(process: Pid) -> Duration {
    ClockId::pid_cpu_clock_id(process).and_then(ClockId::now).map(Duration::from).unwrap_or_default()
}
