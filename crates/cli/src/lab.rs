//! `sakigake lab`: worlds for people to look at.

use crate::{
    Failure,
    arguments::{PageArguments, SoakArguments, SoakKind},
};
use sakigake_lab::{
    scenario::page::{self, Hints, Start},
    soak,
};
use sakigake_page::waterfall;
use serde::Serialize;
use std::{fs, process::ExitCode};

#[derive(Serialize)]
struct Report {
    runs: Vec<Run>,
}

#[derive(Serialize)]
struct Run {
    http: u8,
    hints: &'static str,
    start: &'static str,
    rtts: u64,
    ms: f64,
}

/// One world decides nothing by chance, but it has a seed all the same.
const SEED: u64 = 1;

pub(crate) fn page(arguments: &PageArguments) -> Result<ExitCode, Failure> {
    let load = |hints, start| {
        page::run(arguments.rtt, hints, start, SEED)
            .map_err(|failure| Failure::because("the page load", failure))
    };
    let runs = [
        ("none", load(Hints::None, Start::Cold)?),
        ("preload", load(Hints::Preload, Start::Cold)?),
        ("none", load(Hints::None, Start::Warm)?),
        ("preload", load(Hints::Preload, Start::Warm)?),
    ];
    if let Some(path) = &arguments.svg {
        fs::write(path, waterfall::compare(&runs[0].1.waterfall, &runs[1].1.waterfall))
            .map_err(|error| Failure::because(format_args!("cannot write {}", path.display()), error))?;
    }
    if arguments.json {
        let runs = runs.iter().map(|(hints, run)| Run {
            http: 2,
            hints,
            start: run.start.name(),
            rtts: run.rtts,
            ms: run.took.as_nanos() as f64 / 1e6,
        });
        let report = Report { runs: runs.collect() };
        let json = serde_json::to_string_pretty(&report).map_err(Failure::new)?;
        crate::print(format_args!("{json}\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    crate::print(format_args!(
        "A page of depth two over HTTP/2, cold, then warm (0-RTT), at {} of round-trip time:\n\n",
        arguments.rtt
    ))?;
    for (_, run) in &runs {
        crate::print(format_args!("{}\n", waterfall::text(&run.waterfall, &super::terminal())))?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn soak(arguments: &SoakArguments) -> Result<ExitCode, Failure> {
    let only = arguments.only.map(|kind| match kind {
        SoakKind::Tls => soak::Kind::Tls,
        SoakKind::H2 => soak::Kind::H2,
        SoakKind::Page => soak::Kind::Page,
        SoakKind::Quic => soak::Kind::Quic,
        SoakKind::Replay => soak::Kind::Replay,
    });
    let report = soak::run(arguments.seed, arguments.worlds, only);
    crate::print(format_args!("{report}"))?;
    Ok(if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
