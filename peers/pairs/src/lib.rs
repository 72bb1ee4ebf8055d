//! Measurements in pairs: both stacks take turns on one core, and what is told is how many times as long the other took.

use rustix::time::{ClockId, clock_gettime};
use std::fmt::Write;

/// CPU time of this thread in nanoseconds.
pub fn cpu_ns() -> u64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// Keeps to one core: the last, since interrupts tend to come to the first.
pub fn pin() -> usize {
    let core = std::thread::available_parallelism().map_or(1, usize::from) - 1;
    let mut set = rustix::thread::CpuSet::new();
    set.set(core);
    if let Err(error) = rustix::thread::sched_setaffinity(None, &set) {
        eprintln!("not pinned to core {core}: {error}");
    }
    core
}

/// One line of a table: nanoseconds of each stack in each pair.
pub struct Row {
    pub what: String,
    pub unit: &'static str,
    /// Work in one sample, in units.
    pub pairs: Vec<(f64, f64)>,
}

/// Runs `pairs` pairs. In each, both take `rounds` turns, ours first in every other round; a turn gives its nanoseconds a
/// unit for each row, and the median of a pair's turns counts: what interrupts a turn is nobody's cost.
pub fn measure<const ROWS: usize>(
    pairs: usize,
    rounds: usize,
    mut ours: impl FnMut() -> [f64; ROWS],
    mut theirs: impl FnMut() -> [f64; ROWS],
) -> [Vec<(f64, f64)>; ROWS] {
    ours();
    theirs(); // Caches, pools and branch predictors are warm.
    let mut found = [const { Vec::new() }; ROWS];
    for pair in 0..pairs {
        let (mut mine, mut other) = (Vec::new(), Vec::new());
        for round in 0..rounds {
            if (pair + round) % 2 == 0 {
                mine.push(ours());
                other.push(theirs());
            } else {
                other.push(theirs());
                mine.push(ours());
            }
        }
        for (row, pairs) in found.iter_mut().enumerate() {
            let middle = |turns: &[[f64; ROWS]]| median(&sorted(turns.iter().map(|turn| turn[row])));
            pairs.push((middle(&mine), middle(&other)));
        }
    }
    found
}

impl Row {
    pub fn heading(theirs: &str) -> String {
        let ratio = format!("{theirs} / ours");
        format!("{:58} {:>10} {:>10}  {ratio:>26}: median, min, max", "", "ours", "theirs")
    }

    /// How many times as long theirs took: the median of the pairs.
    pub fn ratio(&self) -> f64 {
        median(&self.ratios())
    }

    fn ratios(&self) -> Vec<f64> {
        sorted(self.pairs.iter().map(|(ours, theirs)| theirs / ours))
    }

    /// A line of the table.
    pub fn line(&self) -> String {
        let ratios = self.ratios();
        let ours = sorted(self.pairs.iter().map(|pair| pair.0));
        let theirs = sorted(self.pairs.iter().map(|pair| pair.1));
        format!(
            "{:58} {:>10} {:>10}  {:26}  {:.2}  {:.2}  {:.2}",
            self.what,
            self.told(median(&ours)),
            self.told(median(&theirs)),
            "",
            median(&ratios),
            ratios[0],
            ratios[ratios.len() - 1],
        )
    }

    /// Tab-separated raw numbers, in nanoseconds a unit.
    pub fn raw(&self, theirs: &str) -> String {
        let mut text = String::new();
        for (at, (ours, other)) in self.pairs.iter().enumerate() {
            writeln!(text, "{}\t{theirs}\t{at}\t{ours:.1}\t{other:.1}\t{}", self.what, self.unit)
                .expect("a string takes all");
        }
        text
    }

    fn told(&self, ns: f64) -> String {
        if ns < 10_000.0 { format!("{ns:.0} ns") } else { format!("{:.1} us", ns / 1_000.0) }
    }
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

fn median(sorted: &[f64]) -> f64 {
    sorted[sorted.len() / 2]
}
