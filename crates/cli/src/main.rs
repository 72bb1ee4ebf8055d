//! The one binary, `sakigake`.

mod arguments;
mod bench;
mod ca;
mod check;
mod dns;
mod fetch;
mod gateway;
mod interop;
mod lab;
mod quic;
mod run;
mod serve;
mod tls;
mod watch;

use arguments::{Cli, Command, LabCommand, QuicCommand, TlsCommand};
use clap::Parser;
use sakigake_page::waterfall;
use std::{
    env, fmt,
    io::{self, IsTerminal, Write},
    process::{self, ExitCode},
};

/// What went wrong, in words for the person at the keyboard.
pub(crate) struct Failure(String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Failure {
    pub(crate) fn new(what: impl fmt::Display) -> Self {
        Self(what.to_string())
    }

    /// `what: why`.
    pub(crate) fn because(what: impl fmt::Display, why: impl fmt::Display) -> Self {
        Self(format!("{what}: {why}"))
    }
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Serve(arguments) => serve::run(arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Gateway(arguments) => gateway::run(&arguments),
        Command::Fetch(arguments) => fetch::run(&arguments),
        Command::Bench(arguments) => bench::run(arguments),
        Command::Tls(TlsCommand::Connect(arguments)) => tls::connect(arguments),
        Command::Tls(TlsCommand::Accept(arguments)) => tls::accept(arguments),
        Command::Quic(QuicCommand::Connect(arguments)) => quic::connect(&arguments),
        Command::Quic(QuicCommand::Accept(arguments)) => quic::accept(&arguments),
        Command::Interop(command) => interop::run(command),
        Command::Dns(arguments) => dns::run(&arguments),
        Command::Ca(arguments) => ca::run(&arguments),
        Command::Lab(LabCommand::Page(arguments)) => lab::page(&arguments),
        Command::Lab(LabCommand::Soak(arguments)) => lab::soak(&arguments),
    };
    match outcome {
        Ok(code) => code,
        Err(Failure(why)) => {
            eprintln!("sakigake: {why}");
            ExitCode::FAILURE
        }
    }
}

/// `host:port`, `[::1]:443`, or a host alone for port 443.
pub(crate) fn place(target: &str) -> Result<(&str, u16), Failure> {
    let wrong = || Failure::new(format_args!("{target:?} is not HOST:PORT"));
    let (host, port) = match target.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
            (host, port.parse().map_err(|_| wrong())?)
        }
        _ => (target, 443),
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if bare.is_empty() { Err(wrong()) } else { Ok((bare, port)) }
}

/// Writes to standard output. Whoever reads there may leave early (`| head`): then there is nothing more to do.
pub(crate) fn print(text: impl fmt::Display) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match write!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => process::exit(0),
        outcome => outcome.map_err(|error| Failure::because("cannot write to standard output", error)),
    }
}

/// Runs `work` on this thread, with everything it spawns.
///
/// Profilers know a client by this function's name: it is a function of its own wherever the compiler would fold it in.
#[inline(never)]
pub(crate) fn on_this_thread<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::because("cannot start", error))?;
    let outcome = tokio::task::LocalSet::new().block_on(&runtime, work);
    // A question to DNS, or a read of the terminal, that nobody needs any more keeps nobody waiting.
    runtime.shutdown_background();
    outcome
}

/// How standard output is to be written to.
pub(crate) fn terminal() -> waterfall::Style {
    let is_terminal = io::stdout().is_terminal();
    let is_plain = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let width = terminal_size::terminal_size().map_or(100, |(width, _)| usize::from(width.0));
    waterfall::Style { width, is_ascii: false, is_coloured: is_terminal && !is_plain }
}
