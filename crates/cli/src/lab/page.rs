//! `sakigake lab page`: one page with and without hints, counted.

use crate::{
    Failure,
    arguments::{PageArguments, PageHttp},
};
use sakigake_lab::scenario::page::{
    self, Hints, Start,
    quic::{self, Course},
};
use sakigake_page::waterfall::{self, Waterfall};
use sakigake_wire::Span;
use serde::Serialize;
use std::{fmt::Write as _, fs, process::ExitCode};

#[derive(Serialize)]
struct Report {
    runs: Vec<Run>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lossy: Vec<Lossy>,
}

#[derive(Serialize)]
struct Run {
    http: u8,
    hints: &'static str,
    start: &'static str,
    rtts: u64,
    ms: f64,
    #[serde(skip)]
    waterfall: Waterfall,
}

/// Many loads over a link that loses.
#[derive(Serialize)]
struct Lossy {
    http: u8,
    hints: &'static str,
    start: &'static str,
    loss_percent: f64,
    worlds: u64,
    median_ms: f64,
    p90_ms: f64,
}

/// One world decides nothing by chance, but it has a seed all the same.
const SEED: u64 = 1;
/// The columns of the profile's table.
const HINTS: [(Hints, &str); 3] =
    [(Hints::None, "none"), (Hints::Early, "early-hints"), (Hints::Preload, "preload")];
const STARTS: [Start; 2] = [Start::Cold, Start::Warm];

pub(crate) fn page(arguments: &PageArguments) -> Result<ExitCode, Failure> {
    let report = Report { runs: runs(arguments)?, lossy: lossy(arguments)? };
    if let Some(path) = &arguments.svg {
        let is_drawn = |run: &&Run| run.start == Start::Cold.name() && run.hints != HINTS[1].1;
        let drawn: Vec<&Run> = report.runs.iter().filter(is_drawn).collect();
        let versions = drawn.chunk_by(|one, next| one.http == next.http);
        let groups: Vec<Vec<&Waterfall>> =
            versions.map(|runs| runs.iter().map(|run| &run.waterfall).collect()).collect();
        fs::write(path, waterfall::compare(&groups))
            .map_err(|error| Failure::because(format_args!("cannot write {}", path.display()), error))?;
    }
    if arguments.json {
        let json = serde_json::to_string_pretty(&report).map_err(Failure::new)?;
        crate::print(format_args!("{json}\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    crate::print(format_args!(
        "A page of depth two, cold, then warm (0-RTT), at {} of round-trip time:\n\n",
        arguments.rtt
    ))?;
    let drawn = report.runs.iter().filter(|run| run.hints != HINTS[1].1);
    for run in drawn {
        crate::print(format_args!("{}\n", waterfall::text(&run.waterfall, &super::super::terminal())))?;
    }
    crate::print(format_args!("{}", table(&report)))?;
    Ok(ExitCode::SUCCESS)
}

/// Every cell of the profile's table.
fn runs(arguments: &PageArguments) -> Result<Vec<Run>, Failure> {
    let mut runs = Vec::new();
    for http in arguments.http.map_or(vec![2, 3], |http| vec![number(http)]) {
        for start in STARTS {
            for (hints, name) in HINTS {
                let run = load(http, arguments.rtt, hints, start)
                    .map_err(|failure| Failure::because("the page load", failure))?;
                let (took, rtts, mut waterfall) = run;
                waterfall.title = format!("HTTP/{http}, {}", waterfall.title);
                let ms = took.as_nanos() as f64 / 1e6;
                runs.push(Run { http, hints: name, start: start.name(), rtts, ms, waterfall });
            }
        }
    }
    Ok(runs)
}

fn load(http: u8, rtt: Span, hints: Hints, start: Start) -> Result<(Span, u64, Waterfall), page::Failure> {
    if http == 3 {
        return quic::run(&Course::new(rtt, hints, start, SEED))
            .map(|run| (run.took, run.rtts, run.waterfall));
    }
    page::run(rtt, hints, start, SEED).map(|run| (run.took, run.rtts, run.waterfall))
}

/// The same over links that lose, where that is asked for.
fn lossy(arguments: &PageArguments) -> Result<Vec<Lossy>, Failure> {
    let mut lossy = Vec::new();
    let Some(percent) = arguments.loss else { return Ok(lossy) };
    for start in STARTS {
        for (hints, name) in HINTS {
            let course = Course::new(arguments.rtt, hints, start, SEED);
            let course = Course { loss_ppm: (percent * 1e4).round() as u32, ..course };
            let times = quic::times(&course, arguments.worlds)
                .map_err(|failure| Failure::because("the page load", failure))?;
            let ms = |part: usize| times[times.len() * part / 10].as_nanos() as f64 / 1e6;
            lossy.push(Lossy {
                http: 3,
                hints: name,
                start: start.name(),
                loss_percent: percent,
                worlds: arguments.worlds,
                median_ms: ms(5),
                p90_ms: ms(9),
            });
        }
    }
    Ok(lossy)
}

fn number(http: PageHttp) -> u8 {
    match http {
        PageHttp::Two => 2,
        PageHttp::Three => 3,
    }
}

/// Round trips, a line a row of the profile's table.
fn table(report: &Report) -> String {
    let mut table = format!("{:<16}{:>12}{:>12}{:>12}\n", "round trips", "no hints", "103", "PRELOAD");
    for row in report.runs.chunks(HINTS.len()) {
        let [none, early, preload] = row else { continue };
        let name = format!("HTTP/{}, {}", none.http, none.start);
        put(&mut table, &name, [none, early, preload].map(|run| run.rtts.to_string()));
    }
    for row in report.lossy.chunks(HINTS.len()) {
        let [none, early, preload] = row else { continue };
        let name = format!("{} % lost, {}", none.loss_percent, none.start);
        let cell = |run: &Lossy| format!("{:.0}, {:.0} ms", run.median_ms, run.p90_ms);
        put(&mut table, &name, [cell(none), cell(early), cell(preload)]);
    }
    if let Some(lossy) = report.lossy.first() {
        let _ = writeln!(table, "(median and 90th percentile of {} loads over HTTP/3)", lossy.worlds);
    }
    table
}

fn put(table: &mut String, name: &str, [none, early, preload]: [String; 3]) {
    // Writing to a String cannot fail.
    let _ = writeln!(table, "{name:<16}{none:>12}{early:>12}{preload:>12}");
}
