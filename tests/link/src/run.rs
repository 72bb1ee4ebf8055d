//! The program: both namespaces, the link between them, the two commands.

use crate::{
    arguments::{Arguments, Port, USAGE},
    capture::Capture,
    carry::Link,
    faults::Faults,
    namespace::Namespace,
    queue::Queue,
};
use std::{
    env, io,
    process::{Child, Command, ExitCode, Stdio},
    thread,
    time::{Duration, Instant},
};

/// The exit status of a run that was skipped, as test runners know it.
const SKIPPED: u8 = 77;
/// The exit status when the link or the server failed, and not the client.
const BROKEN: u8 = 125;
/// How long the server may take until it listens.
const READY: Duration = Duration::from_secs(10);
/// How long the server may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(2);

pub(crate) fn main() -> ExitCode {
    let arguments = match Arguments::read(env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(why) => {
            eprintln!("sakigake-link: {why}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    if !rustix::process::geteuid().is_root() {
        println!("skipped: needs root");
        return ExitCode::from(SKIPPED);
    }
    match run(&arguments) {
        Ok(status) => ExitCode::from(status),
        Err(why) => {
            eprintln!("sakigake-link: {why}");
            ExitCode::from(BROKEN)
        }
    }
}

/// The client's exit status.
fn run(arguments: &Arguments) -> io::Result<u8> {
    let (server_side, server_end) = Namespace::open("server0", "10.77.0.1/24")?;
    let (client_side, client_end) = Namespace::open("client0", "10.77.0.2/24")?;
    let queues = [Queue::new(arguments.shape.clone()), Queue::new(arguments.shape.clone().other_way())];
    let capture = arguments.capture.as_deref().map_or_else(|| Ok(Capture::default()), Capture::into)?;
    let ends = [server_end, client_end];
    let link = Link { ends, queues, faults: Faults::new(arguments.plan.clone()), capture: capture.clone() };
    thread::spawn(move || {
        // Without the link the client waits for nothing: better to end, which ends the children too.
        let why = link.carry();
        eprintln!("sakigake-link: the link broke: {why}");
        std::process::exit(i32::from(BROKEN));
    });
    let mut server = server_side.spawn(command(&arguments.server, Stdio::from(io::stderr())))?;
    let status = match arguments.ready.map(|port| await_listener(&server_side, &mut server, port)) {
        None | Some(Ok(())) => client(&client_side, &arguments.client),
        Some(Err(why)) => Err(why),
    };
    end(&mut server)?;
    let [from_server, from_client] = capture.close();
    if arguments.capture.is_some() {
        eprintln!("lost: {from_server} of the server's packets, {from_client} of the client's");
    }
    status
}

fn command(words: &[String], stdout: Stdio) -> Command {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).stdin(Stdio::null()).stdout(stdout);
    command
}

fn client(side: &Namespace, words: &[String]) -> io::Result<u8> {
    let status = side.spawn(command(words, Stdio::inherit()))?.wait()?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(BROKEN))
}

fn await_listener(side: &Namespace, server: &mut Child, port: Port) -> io::Result<()> {
    let start = Instant::now();
    while !side.is_listening(port)? {
        if let Some(status) = server.try_wait()? {
            return Err(io::Error::other(format!("the server ended before it listened: {status}")));
        }
        if start.elapsed() > READY {
            return Err(io::Error::other(format!("the server did not listen on {port:?} within {READY:?}")));
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

fn end(server: &mut Child) -> io::Result<()> {
    if server.try_wait()?.is_none() {
        rustix::process::kill_process(
            rustix::process::Pid::from_child(server),
            rustix::process::Signal::TERM,
        )?;
    }
    let start = Instant::now();
    while server.try_wait()?.is_none() {
        if start.elapsed() > GRACE {
            server.kill()?;
        }
        thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}
