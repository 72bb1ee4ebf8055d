//! What was found, as a table and as raw lines.

use crate::{cells::Cell, stack::OURS};
use ends::Spent;
use std::fmt::Write;

/// One stack's turn.
pub(crate) struct Turn {
    pub(crate) stack: &'static str,
    pub(crate) round: usize,
    pub(crate) spent: Spent,
}

#[derive(Default)]
pub(crate) struct Report {
    cells: Vec<(&'static Cell, Vec<Turn>)>,
    idle: String,
}

impl Report {
    pub(crate) fn begin(&mut self, cell: &'static Cell) {
        self.cells.push((cell, Vec::new()));
    }

    pub(crate) fn add(&mut self, turn: Turn) {
        if let Some((_, turns)) = self.cells.last_mut() {
            turns.push(turn);
        }
    }

    pub(crate) fn idle(&mut self, stack: &str, connections: usize, each: u64) {
        writeln!(self.idle, "# idle, {connections} connections\t{stack}\t{each}")
            .expect("a string takes all");
    }

    /// The last cell's table: the median of the rounds, and of each round how our rate stands to the other's.
    pub(crate) fn last(&self) -> String {
        let Some((cell, turns)) = self.cells.last() else { return String::new() };
        let mut names: Vec<&str> = Vec::new();
        for turn in turns {
            if !names.contains(&turn.stack) {
                names.push(turn.stack);
            }
        }
        let Cell { name, unit, units, .. } = cell;
        let mut text = format!(
            "{name:32} {:>12} {:>11} {:>11}  {:>24}  {:>9}",
            format!("{unit}/s"),
            "client us",
            "server us",
            "ours by it: med min max",
            "CPU ratio"
        );
        for name in names {
            let of = |told: fn(&Spent) -> f64| sorted(turns_of(turns, name).map(|turn| told(&turn.spent)));
            let rate = units / median(&of(|spent| spent.wall.as_secs_f64()));
            let client = median(&of(|spent| spent.client.as_secs_f64())) / units * 1e6;
            let server = median(&of(|spent| spent.server.as_secs_f64())) / units * 1e6;
            let rates = against(turns, name, |spent| spent.wall.as_secs_f64());
            let cpu = against(turns, name, |spent| (spent.client + spent.server).as_secs_f64());
            write!(text, "\n  {name:30} {rate:>12.1} {client:>11.1} {server:>11.1}")
                .expect("a string takes all");
            if name != OURS && !rates.is_empty() {
                let (least, most) = (rates[0], rates[rates.len() - 1]);
                write!(text, "  {:>10.2} {least:>6.2} {most:>6.2}  {:>9.2}", median(&rates), median(&cpu))
                    .expect("a string takes all");
            }
        }
        text
    }

    /// Tab-separated: a line a turn, in nanoseconds.
    pub(crate) fn raw(&self) -> String {
        let mut text =
            String::from("cell\tstack\tround\twall_ns\tclient_cpu_ns\tserver_cpu_ns\tunits\tunit\n");
        for (cell, turns) in &self.cells {
            for Turn { stack, round, spent } in turns {
                let Spent { wall, client, server } = spent;
                let (wall, client, server) = (wall.as_nanos(), client.as_nanos(), server.as_nanos());
                let Cell { name, units, unit, .. } = cell;
                writeln!(text, "{name}\t{stack}\t{round}\t{wall}\t{client}\t{server}\t{units}\t{unit}")
                    .expect("a string takes all");
            }
        }
        text + &self.idle
    }
}

fn turns_of<'a>(turns: &'a [Turn], name: &str) -> impl Iterator<Item = &'a Turn> {
    turns.iter().filter(move |turn| turn.stack == name)
}

/// What the other took by what we took in the same round: above 1 we are faster.
fn against(turns: &[Turn], name: &str, told: fn(&Spent) -> f64) -> Vec<f64> {
    sorted(turns_of(turns, name).filter_map(|other| {
        let ours = turns_of(turns, OURS).find(|turn| turn.round == other.round)?;
        Some(told(&other.spent) / told(&ours.spent))
    }))
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

fn median(sorted: &[f64]) -> f64 {
    sorted[sorted.len() / 2]
}
