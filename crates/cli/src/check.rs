//! `sakigake check`: what is wrong with a configuration file, or what it would serve.

#[cfg(test)]
mod tests;

use crate::{
    Failure,
    arguments::CheckArguments,
    serve::{Listening, Live, soonest, words},
};
use sakigake::{
    config::{self, Access, Config, Hints, Host, Ready, Report, Shown, Target},
    files::Files,
    hints::{Limits, SiteHints, parse_file},
};
use sakigake_page::Url;
use sakigake_preload::block::Budget;
use sakigake_tls::Staples;
use std::{
    env, fs,
    io::{self, IsTerminal},
    net::SocketAddr,
    process::ExitCode,
    time::SystemTime,
};

pub(crate) fn run(arguments: &CheckArguments) -> Result<ExitCode, Failure> {
    if arguments.example {
        crate::print(config::example())?;
        return Ok(ExitCode::SUCCESS);
    }
    let now = SystemTime::now();
    match Ready::load(&arguments.file, now) {
        Ok(ready) => {
            let file = arguments.file.display();
            crate::print(format_args!("{file} is fine\n\n{}", summary(&ready, now)))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(report) => {
            show(&report);
            Ok(ExitCode::FAILURE)
        }
    }
}

/// What is wrong, on standard error.
pub(crate) fn show(report: &Report) {
    let is_plain = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    eprint!("{}", report.render(io::stderr().is_terminal() && !is_plain));
}

/// What would be served.
fn summary(ready: &Ready, now: SystemTime) -> String {
    let config = &ready.config;
    let hints: Vec<String> = config.hosts.iter().map(|host| hints(host, config)).collect();
    overview(ready, now, &config.listen, &config.redirect_http, &hints)
}

/// The same of a server that runs.
pub(crate) fn running(ready: &Ready, listening: &Listening, live: &Live) -> String {
    let hints: Vec<String> = (0..ready.config.hosts.len()).map(|host| live.hints(host)).collect();
    overview(ready, SystemTime::now(), &listening.https(), &listening.redirects(), &hints)
}

/// The hosts in a table, then what holds for all.
fn overview(
    ready: &Ready,
    now: SystemTime,
    https: &[SocketAddr],
    redirects: &[SocketAddr],
    hints: &[String],
) -> String {
    let config = &ready.config;
    let mut rows = vec![["HOST", "SERVES", "CERTIFICATE", "HINTS"].map(String::from)];
    let more = |name: String| [name, String::new(), String::new(), String::new()];
    for ((host, shown), hints) in config.hosts.iter().zip(&ready.shown).zip(hints) {
        let hints = if matches!(host.target, Target::Redirect { .. }) { "-" } else { hints.as_str() };
        rows.push([host.name().into(), serves(host), certificate(shown, now), hints.into()]);
        rows.extend(host.names.iter().skip(1).map(|name| more(format!("  {name}"))));
        rows.extend(host.is_default.then(|| more("  any other name".into())));
    }
    let mut out = table(&rows) + "\n";
    let mut line = |what: &str, value: String| out.push_str(&format!("{what:<12}{value}\n"));
    line("listening", places(https));
    if !redirects.is_empty() {
        line("plain HTTP", format!("{}, sent on to https", places(redirects)));
    }
    if let Some(address) = config.metrics {
        line("metrics", format!("http://{address}/metrics"));
    }
    line("access log", log(config));
    if let Some(path) = &config.log.keys {
        line("key log", path.display().to_string());
    }
    out
}

pub(crate) fn places(addresses: &[SocketAddr]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn serves(host: &Host) -> String {
    match &host.target {
        Target::Folder(folder) => folder.root.display().to_string(),
        Target::Redirect { to, is_permanent: true, .. } => format!("redirect to {to}"),
        Target::Redirect { to, is_permanent: false, .. } => format!("redirect for now to {to}"),
    }
}

fn certificate(shown: &Shown, now: SystemTime) -> String {
    let Shown::Files(credentials) = shown else { return "development CA".into() };
    let is_stapled = credentials.iter().any(|credential| credential.staples != Staples::default());
    soonest(credentials, now) + if is_stapled { ", stapled" } else { "" }
}

/// How many hints the folder gives now.
fn hints(host: &Host, config: &Config) -> String {
    let Target::Folder(folder) = &host.target else { return "-".into() };
    let Some(origin) = host.origin(config.visible_port()) else { return "-".into() };
    let hints = match &folder.hints {
        Hints::None => return "off".into(),
        Hints::Pages => read_pages(&folder.root, &origin),
        // It was read a moment ago; what is there now is for the server to say.
        Hints::File(path) => fs::read_to_string(path).ok().and_then(|text| parse_file(&text, &origin).ok()),
    };
    hints.map_or("unreadable".into(), |hints| words(&hints, Budget::default().hints))
}

fn read_pages(root: &std::path::Path, origin: &Url) -> Option<SiteHints> {
    let files = Files::new(root).ok()?; // The folder was there a moment ago.
    SiteHints::read(&files, origin, &Limits::default()).ok()
}

fn log(config: &Config) -> String {
    let format = match config.log.access {
        Access::Off => return "off".into(),
        Access::Text => "text",
        Access::Json => "json",
        Access::Common => "common",
        Access::Combined => "combined",
    };
    match &config.log.file {
        Some(path) => format!("{format}, to {}", path.display()),
        None => format!("{format}, to standard output"),
    }
}

/// Columns as wide as they must be.
fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    let mut out = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        out.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        out.push('\n');
    }
    out
}
