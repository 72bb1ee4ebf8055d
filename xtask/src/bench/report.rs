//! Numbers as people and as programs read them.

use std::{
    fmt::Write as _,
    fs::{self, OpenOptions},
    io::Write as _,
    path::Path,
};

/// How a load went.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Loaded {
    /// From the first connection to the last response.
    pub(super) wall_s: f64,
    pub(super) requests_a_second: f64,
    /// Of the server's CPU, a request.
    pub(super) cpu_us: f64,
}

/// All loads of one server in one cell.
pub(super) struct Row {
    server: &'static str,
    cell: String,
    requests: usize,
    pub(super) loaded: Vec<Loaded>,
}

impl Row {
    pub(super) fn new(server: &'static str, cell: String, requests: usize) -> Self {
        Self { server, cell, requests, loaded: Vec::new() }
    }

    /// A line a load: cell, server, round, requests, CPU microseconds a request, requests a second.
    pub(super) fn lines(&self) -> impl Iterator<Item = String> {
        let (cell, server, requests) = (&self.cell, self.server, self.requests);
        self.loaded.iter().enumerate().map(move |(round, loaded)| {
            let (cpu, rate) = (loaded.cpu_us, loaded.requests_a_second);
            format!("{cell}\t{server}\t{round}\t{requests}\t{cpu:.4}\t{rate:.0}")
        })
    }

    fn cpu_us(&self) -> Spread {
        Spread::of(self.loaded.iter().map(|loaded| loaded.cpu_us))
    }
}

/// Median, least and most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) min: f64,
    pub(super) max: f64,
}

impl Spread {
    pub(super) fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
        let (low, high) = (at(values.len().saturating_sub(1) / 2), at(values.len() / 2));
        Self { median: f64::midpoint(low, high), min: at(0), max: at(values.len().saturating_sub(1)) }
    }
}

/// A cell as a table; the ratios are those of the first row's median to each, pair by pair.
pub(super) fn cell(rows: &[Row]) -> String {
    let Some(ours) = rows.first() else { return String::new() };
    let mut out = format!(
        "{:10} {:>8} {:>8} {:>8} {:>10} {:>22}\n",
        ours.cell, "us/req", "min", "max", "req/s", "first row / this one"
    );
    for row in rows {
        let cpu = row.cpu_us();
        let rate = Spread::of(row.loaded.iter().map(|loaded| loaded.requests_a_second));
        let pairs = ours.loaded.iter().zip(&row.loaded);
        let ratio = Spread::of(pairs.map(|(ours, theirs)| ours.cpu_us / theirs.cpu_us));
        writeln!(
            out,
            "{:10} {:8.2} {:8.2} {:8.2} {:10.0} {:8.3} ({:.3}..{:.3})",
            row.server, cpu.median, cpu.min, cpu.max, rate.median, ratio.median, ratio.min, ratio.max
        )
        .expect("a String takes everything");
    }
    out
}

/// Appends one line.
pub(super) fn append_line(path: &Path, line: &str) -> Result<(), String> {
    let file = OpenOptions::new().create(true).append(true).open(path);
    let written = file.and_then(|mut file| writeln!(file, "{line}"));
    written.map_err(|error| format!("{}: {error}", path.display()))
}

/// Writes a file.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    fs::write(path, bytes).map_err(|error| format!("{}: {error}", path.display()))
}
