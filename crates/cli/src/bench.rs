//! `sakigake bench`: a load on one address, in h2load's manner.

mod text;

use crate::{Failure, arguments::BenchArguments, fetch};
use sakigake::{
    bench::{self, Length, Options, Progress, Report, UNASKED},
    client::Resolve,
};
use sakigake_page::Url;
use sakigake_semantics::Fields;
use std::{
    fs,
    io::{self, IsTerminal, Read, Write},
    process::ExitCode,
    sync::Arc,
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

/// How often the terminal is told how far it is.
const TICK: Duration = Duration::from_millis(500);

pub(crate) fn run(arguments: BenchArguments) -> Result<ExitCode, Failure> {
    let is_json = arguments.json;
    let options = options(arguments)?;
    let progress = Progress::default();
    let url = options.url.clone();
    let report = watched(options, &progress)?;
    let whys: Vec<&str> = report.errors.keys().map(String::as_str).filter(|why| *why != UNASKED).collect();
    if report.connect.count() == 0 && !whys.is_empty() && !is_json {
        // A table of nothing would hide the one line that says something.
        return Err(Failure::because(url, whys.join("\n  ")));
    }
    crate::print(if is_json { text::json(&report) } else { text::table(&report) })?;
    let is_whole = report.errored == 0 && report.failed == 0 && report.done() > 0;
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn options(arguments: BenchArguments) -> Result<Options, Failure> {
    if arguments.url.split(['/', '?']).nth(2).is_some_and(|authority| authority.contains('@')) {
        return Err(Failure::new("the URL names a user: write -H 'authorization: Basic ...' instead"));
    }
    let url = Url::parse(&arguments.url).filter(|url| url.origin().secure);
    let url = url.ok_or_else(|| {
        Failure::new(format_args!("{:?} is not an https URL such as https://localhost:8443/", arguments.url))
    })?;
    let length = match arguments.duration {
        Some(run) => {
            Length::Time { run: time(run), warm_up: arguments.warm_up.map(time).unwrap_or_default() }
        }
        None => Length::Requests(arguments.requests.unwrap_or(arguments.connections as u64)),
    };
    let mut fields = Fields::new();
    for line in &arguments.header {
        let (name, value) = field(line)?;
        fields.push(name.as_bytes(), value.as_bytes());
    }
    let body = arguments.data.as_deref().map(body).transpose()?;
    let method = arguments.method.unwrap_or_else(|| if body.is_some() { "POST" } else { "GET" }.into());
    Ok(Options {
        url,
        length,
        connections: arguments.connections,
        streams: arguments.streams,
        threads: arguments.threads,
        method,
        fields,
        body,
        alpn: if arguments.http1 {
            vec![b"http/1.1".to_vec()]
        } else {
            vec![b"h2".to_vec(), b"http/1.1".to_vec()]
        },
        http3: arguments.http3,
        patience: time(arguments.timeout),
        trust: fetch::trust(&arguments.trust),
        groups: arguments.groups,
        resolve: arguments
            .resolve
            .into_iter()
            .flat_map(|row| {
                let place = move |address| Resolve { host: row.host.clone(), port: row.port, address };
                row.addresses.into_iter().map(place)
            })
            .collect(),
    })
}

fn time(span: sakigake_wire::Span) -> Duration {
    Duration::from_nanos(span.as_nanos())
}

/// `Name: value`, with a name that HTTP/2 can carry.
fn field(line: &str) -> Result<(String, String), Failure> {
    let wrong = || Failure::new(format_args!("{line:?} is not a field: expected 'Name: value'"));
    let (name, value) = line.split_once(':').ok_or_else(wrong)?;
    let is_name = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic());
    if !is_name(name) || !value.bytes().all(|byte| byte == b'\t' || byte >= b' ' && byte != 0x7f) {
        return Err(wrong());
    }
    Ok((name.to_ascii_lowercase(), value.trim().to_owned()))
}

/// The text itself, or with an @ before it the file of that name; `@-` is standard input.
fn body(data: &str) -> Result<Arc<[u8]>, Failure> {
    let Some(path) = data.strip_prefix('@') else { return Ok(data.as_bytes().into()) };
    let read = match path {
        "-" => {
            let mut bytes = Vec::new();
            io::stdin().read_to_end(&mut bytes).map(|_| bytes)
        }
        path => fs::read(path),
    };
    read.map(Into::into).map_err(|error| Failure::because(format_args!("cannot read {path}"), error))
}

/// Runs the load and, on a terminal, says how far it is.
fn watched(options: Options, progress: &Progress) -> Result<Report, Failure> {
    let (done, is_done) = mpsc::channel::<()>();
    let shown = progress.clone();
    let watcher = io::stderr().is_terminal().then(|| {
        thread::spawn(move || {
            while is_done.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                eprint!("\r{} requests", shown.ended());
                let _ = io::stderr().flush(); // Whoever does not see it misses nothing.
            }
            eprint!("\r\x1b[K");
        })
    });
    let report = bench::run(options, progress).map_err(Failure::new);
    drop(done);
    if let Some(watcher) = watcher {
        watcher.join().map_err(|_| Failure::new("the display panicked"))?;
    }
    report
}
