//! `sakigake gateway`: browsers before it, one origin behind it, whose PRELOAD frames become 103 (Early Hints).

use crate::{
    Failure,
    arguments::{GatewayArguments, LogFormat, Places},
    check, fetch,
};
use sakigake::{
    Server,
    access_log::{AccessLog, Format},
    client::{self, Client, Http3, Protocol, Resolve},
    gateway::{self, Counts, Limits},
};
use std::{net::SocketAddr, process::ExitCode, sync::Arc, time::Duration};
use tokio::signal::unix::{SignalKind, signal};

/// How long a connection to the origin may take to come about.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);

/// The name that the development CA's certificates have beside `localhost`, for trying out what needs a name.
const DEVELOPMENT_NAME: &str = "www.saki.test";

pub(crate) fn run(arguments: &GatewayArguments) -> Result<ExitCode, Failure> {
    let counts = Arc::new(Counts::default());
    let patience_ms = arguments.patience.as_nanos() / 1_000_000;
    let options = gateway::Options {
        origin: arguments.to.origin().clone(),
        hints: !arguments.no_hints,
        limits: Limits {
            head_ms: patience_ms,
            stall_ms: patience_ms,
            request_bytes: arguments.max_body.unwrap_or(u64::MAX),
            ..Limits::default()
        },
        counts: counts.clone(),
    };
    let (trust, rows, preload) = (fetch::trust(&arguments.trust), rows(arguments), options.hints);
    let (protocols, http3) = protocols(arguments);
    let connect_patience = Duration::from_millis(patience_ms).min(CONNECT_PATIENCE);
    let connect = move || {
        Client::new(client::Options {
            trust: trust.clone(),
            resolve: rows.clone(),
            protocols: protocols.clone(),
            preload,
            connect_patience,
            http3,
            ..client::Options::default()
        })
    };
    let factory = gateway::factory(options, connect).map_err(Failure::new)?;
    // One worker: what one browser's hints brought into the cache is there for all.
    let mut server = Server::new().service(factory).workers(1).http3(!arguments.no_http3);
    server = server.local_name("localhost").local_name(DEVELOPMENT_NAME);
    for address in arguments.listen.iter().flat_map(|Places(places)| places) {
        server = server.listen(*address);
    }
    if let Some((cert, key)) = arguments.cert.as_ref().zip(arguments.key.as_ref()) {
        server = server.certificate(cert, key);
    }
    if let Some(address) = arguments.metrics {
        server = server.metrics(address);
    }
    server = match arguments.log {
        LogFormat::Text => server.log(AccessLog::stdout(Format::Text)),
        LogFormat::Json => server.log(AccessLog::stdout(Format::Json)),
        LogFormat::Common => server.log(AccessLog::stdout(Format::Common)),
        LogFormat::Combined => server.log(AccessLog::stdout(Format::Combined)),
        LogFormat::Off => server.log(AccessLog::new(Format::Text, Box::new(std::io::sink()))),
    };
    serve(server, arguments)?;
    eprintln!("{counts}");
    Ok(ExitCode::SUCCESS)
}

fn rows(arguments: &GatewayArguments) -> Vec<Resolve> {
    let rows = arguments.resolve.iter().flat_map(|given| {
        let row = |address: &_| Resolve { host: given.host.clone(), port: given.port, address: *address };
        given.addresses.iter().map(row)
    });
    rows.collect()
}

/// What is spoken with the origin.
fn protocols(arguments: &GatewayArguments) -> (Vec<Protocol>, Http3) {
    match arguments {
        GatewayArguments { http1: true, .. } => (vec![Protocol::Http1], Http3::Never),
        GatewayArguments { http2: true, .. } => (vec![Protocol::Http2], Http3::Never),
        GatewayArguments { http3, http3_only, .. } => {
            let tried = if *http3 { Http3::Tried } else { Http3::WhereOffered };
            (vec![Protocol::Http2, Protocol::Http1], if *http3_only { Http3::Only } else { tried })
        }
    }
}

/// Until SIGINT or SIGTERM; a second one ends at once.
fn serve(server: Server, arguments: &GatewayArguments) -> Result<(), Failure> {
    let running = server.start().map_err(Failure::new)?;
    announce(running.addresses(), arguments)?;
    crate::on_this_thread(async {
        let cannot = |error| Failure::because("cannot listen to signals", error);
        let mut interrupt = signal(SignalKind::interrupt()).map_err(cannot)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(cannot)?;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        running.stop();
        let join = tokio::task::spawn_blocking(move || running.join());
        tokio::select! {
            ended = join => ended.map_err(Failure::new)?.map_err(Failure::new),
            _ = interrupt.recv() => Ok(()),
            _ = terminate.recv() => Ok(()),
        }
    })
}

fn announce(addresses: &[SocketAddr], arguments: &GatewayArguments) -> Result<(), Failure> {
    let port = addresses.first().map_or(0, SocketAddr::port);
    let certificate = match &arguments.cert {
        Some(cert) => cert.display().to_string(),
        None => "the development CA's, see `sakigake ca`".into(),
    };
    let hints = match arguments.no_hints {
        true => "ignored",
        false => "the origin's, told to browsers as 103 (Early Hints)",
    };
    let listening = check::places(addresses);
    crate::print(format_args!(
        "Standing before {} at https://localhost:{port}/\n  listening    {listening}\n  certificate  {certificate}\n  hints        {hints}\n\n",
        arguments.to.origin()
    ))
}
