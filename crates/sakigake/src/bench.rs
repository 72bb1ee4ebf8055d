//! A load on one address: many connections, many requests at a time, and what came of them.

mod connection;
mod http1;
mod over_quic;
mod quota;
mod report;
mod requests;

pub use report::{Outcome, Report, Times};

use crate::client::{Resolve, Trust, TrustError};
use core::fmt;
use quota::Quota;
use sakigake_crypto::aws_lc::PROVIDER;
use sakigake_net::{Clock, SystemEntropy, unix_secs};
use sakigake_page::Url;
use sakigake_semantics::{Chunk, Fields, Part, Request};
use sakigake_session::ClientConfig;
use sakigake_tls as tls;
use sakigake_wire::Entropy as _;
use std::{
    io,
    net::SocketAddr,
    rc::Rc,
    sync::{
        Arc, Barrier,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use tokio::task::LocalSet;

/// What is asked, how often, and by how many.
#[derive(Clone)]
pub struct Options {
    /// The address.
    pub url: Url,
    /// How long, or how often.
    pub length: Length,
    /// Connections, over all threads.
    pub connections: usize,
    /// Requests under way at a time on each connection; HTTP/1.1 takes one.
    pub streams: usize,
    /// Threads; each has its share of connections and requests.
    pub threads: usize,
    /// `GET`, unless another was asked for.
    pub method: String,
    /// Field lines beside the usual ones; names in lower case.
    pub fields: Fields,
    /// The body of every request.
    pub body: Option<Arc<[u8]>>,
    /// Protocols to offer over TCP, best first.
    pub alpn: Vec<Vec<u8>>,
    /// Whether it goes over QUIC and HTTP/3 instead.
    pub http3: bool,
    /// How long nothing may happen on a connection that waits for responses.
    pub patience: Duration,
    /// Whose certificates count.
    pub trust: Trust,
    /// Addresses that stand in for DNS.
    pub resolve: Vec<Resolve>,
    /// The key exchange groups to offer, best first; empty for all that there are.
    pub groups: Vec<u16>,
}

/// How much is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// So many requests.
    Requests(u64),
    /// As many as are answered in a time, counted after a first time that does not count.
    Time {
        /// What counts.
        run: Duration,
        /// What does not.
        warm_up: Duration,
    },
}

/// Why there was no load.
#[derive(Debug)]
pub enum Error {
    /// The trust store could not be read.
    Trust(TrustError),
    /// The configuration was refused.
    Misuse(tls::Misuse),
    /// QUIC's configuration was refused.
    Quic(&'static str),
    /// The host has no address.
    Host(io::Error),
    /// A thread could not be started, or did not end well.
    Thread(io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trust(error) => error.fmt(f),
            Self::Misuse(misuse) => misuse.fmt(f),
            Self::Quic(why) => write!(f, "QUIC: {why}"),
            Self::Host(error) => error.fmt(f),
            Self::Thread(error) => write!(f, "a thread: {error}"),
        }
    }
}

impl std::error::Error for Error {}

/// What a [`Report`] says of requests that no connection was left for.
pub const UNASKED: &str = "no connection was left to ask on";

/// How many requests have ended so far, whatever thread they were on.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<AtomicU64>);

impl Progress {
    /// Requests that have ended.
    pub fn ended(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// What all connections of a thread use.
struct Plan {
    options: Options,
    config: Arc<ClientConfig>,
    quic: over_quic::Common,
    clock: Clock,
    addresses: Vec<SocketAddr>,
    request: Request,
    body: Option<Chunk>,
    quota: Quota,
    progress: Progress,
}

/// Puts the load on and waits until it is over.
///
/// # Errors
/// [`Error`]: nothing was asked. What goes wrong later is told in the [`Report`].
pub fn run(options: Options, progress: &Progress) -> Result<Report, Error> {
    let config = session_config(&options)?;
    let addresses = addresses(&options).map_err(Error::Host)?;
    let threads = options.threads.clamp(1, options.connections.max(1));
    let clock = Clock::start();
    let quic = over_quic::Common::new(clock).map_err(Error::Quic)?;
    // Nobody starts before all are ready: the provider gathers entropy on each thread for some 30 ms, which is no part of the load.
    let ready = Arc::new(Barrier::new(threads + 1));
    let mut running = Vec::new();
    for number in 0..threads {
        let connections = share(options.connections as u64, threads, number) as usize;
        let requests = match options.length {
            Length::Requests(requests) => share(requests, threads, number),
            Length::Time { .. } => 0,
        };
        let (options, config, quic) = (options.clone(), config.clone(), quic.clone());
        let (addresses, progress, ready) = (addresses.clone(), progress.clone(), ready.clone());
        let work = move || {
            SystemEntropy.fill(&mut [0; 32]);
            ready.wait();
            let quota = match options.length {
                Length::Requests(_) => Quota::requests(requests),
                Length::Time { run, warm_up } => Quota::time(Instant::now() + warm_up, run),
            };
            let plan = Plan::new(options, config, quic, clock, addresses, quota, progress);
            thread_load(Rc::new(plan), connections)
        };
        let named = thread::Builder::new().name(format!("load {number}")).spawn(work);
        running.push(named.map_err(Error::Thread)?);
    }
    ready.wait();
    let start = Instant::now();
    let mut report = Report::default();
    for thread in running {
        let part = thread.join().map_err(|_| Error::Thread(io::Error::other("it panicked")))?;
        report.add(part.map_err(Error::Thread)?);
    }
    report.took = match options.length {
        Length::Requests(_) => start.elapsed(),
        Length::Time { run, .. } => run,
    };
    Ok(report)
}

/// What falls to one of several, so that the shares add up.
fn share(all: u64, among: usize, number: usize) -> u64 {
    let among = among as u64;
    all / among + u64::from((number as u64) < all % among)
}

fn thread_load(plan: Rc<Plan>, connections: usize) -> io::Result<Report> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        let spawned: Vec<_> = (0..connections)
            .map(|number| tokio::task::spawn_local(connection::run(plan.clone(), number)))
            .collect();
        let mut report = Report::default();
        for connection in spawned {
            report.add(connection.await.map_err(io::Error::other)?);
        }
        report.errored(plan.quota.left(), UNASKED);
        Ok(report)
    })
}

impl Plan {
    fn new(
        options: Options,
        config: Arc<ClientConfig>,
        quic: over_quic::Common,
        clock: Clock,
        addresses: Vec<SocketAddr>,
        quota: Quota,
        progress: Progress,
    ) -> Self {
        let mut request =
            Request::new(&options.method, options.url.origin().authority(), options.url.target());
        request.fields.push(b"user-agent", concat!("sakigake/", env!("CARGO_PKG_VERSION")).as_bytes());
        request.fields.push(b"accept", b"*/*");
        if let Some(body) = &options.body {
            request.fields.push(b"content-length", body.len().to_string().as_bytes());
        }
        add(&mut request, &options.fields);
        let body = options.body.clone().map(Chunk::Shared);
        Self { options, config, quic, clock, addresses, request, body, quota, progress }
    }
}

/// The lines that the user asked for. A host is none beside `:authority`, but takes its place.
fn add(request: &mut Request, fields: &Fields) {
    for line in fields.iter() {
        match line.name {
            b"host" => request.control.set(Part::Authority, line.value), // spec: 9113-8.3.1-i
            name => request.fields.push(name, line.value),
        }
    }
}

fn session_config(options: &Options) -> Result<Arc<ClientConfig>, Error> {
    let mut tls = tls::client::Options::new(&PROVIDER);
    tls.verifier = Some(options.trust.verifier().map_err(Error::Trust)?);
    tls.alpn = if options.http3 { vec![b"h3".to_vec()] } else { options.alpn.clone() };
    tls.unix_secs_at_start = unix_secs();
    tls.groups.clone_from(&options.groups);
    let tls = tls.build().map_err(Error::Misuse)?;
    let (h2, h3) = (Some(Default::default()), Some(Default::default()));
    Ok(Arc::new(ClientConfig { tls, h2, h3, trace: false }))
}

/// Where the load goes: looked up once, so that DNS is no part of it.
fn addresses(options: &Options) -> io::Result<Vec<SocketAddr>> {
    let origin = options.url.origin();
    let host = origin.host.trim_start_matches('[').trim_end_matches(']');
    let stands_in = |row: &&Resolve| row.host == origin.host && row.port == origin.port;
    let own: Vec<SocketAddr> = options
        .resolve
        .iter()
        .filter(stands_in)
        .map(|row| SocketAddr::new(row.address, origin.port))
        .collect();
    if !own.is_empty() {
        return Ok(own);
    }
    let cannot = |error: io::Error| io::Error::new(error.kind(), format!("cannot find {host}: {error}"));
    let found: Vec<SocketAddr> =
        std::net::ToSocketAddrs::to_socket_addrs(&(host, origin.port)).map_err(cannot)?.collect();
    match found.is_empty() {
        true => Err(io::Error::new(io::ErrorKind::NotFound, format!("{host} has no address"))),
        false => Ok(found),
    }
}

#[cfg(test)]
mod tests;
