//! A site over HTTPS: share-nothing workers, one a core, each with its own listening sockets and connections.

use crate::{
    Swap,
    access_log::{AccessLog, Entry},
    files::{Ask, Files, Reply},
    http1::{self, Handler, Served},
    http2::Http2,
    key_log::KeyLogFile,
};
use sakigake_net::{Clock, Ended, SystemEntropy, drive};
use sakigake_session::{ServerConfig, Session};
use sakigake_tls::KeyLogLine;
use std::{
    cell::Cell,
    error::Error as _,
    io,
    net::SocketAddr,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, SystemTime},
};
use tokio::{
    net::{TcpListener, TcpStream},
    runtime,
    sync::watch,
    task::LocalSet,
    time,
};

/// How long a server that was told to stop waits for what it serves.
pub(crate) const DRAIN: Duration = Duration::from_secs(10);
/// How long to wait before accepting again after the system had no descriptor left.
const OUT_OF_DESCRIPTORS: Duration = Duration::from_millis(100);

/// Everything that workers share; nothing here changes while they run, but what guards itself.
pub struct Site {
    /// The folder.
    pub files: Files,
    /// How sessions behave that begin now: certificates, protocols, hints.
    pub session: Arc<Swap<ServerConfig>>,
    /// What connections may take.
    pub limits: Limits,
    /// What those that speak HTTP/1.1 may take.
    pub http1: http1::Limits,
    /// Who is told of every request.
    pub log: AccessLog,
    /// Where secrets go, if anywhere.
    pub key_log: Option<KeyLogFile>,
}

/// What connections may take, whatever they speak.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections that one worker holds; who comes beyond waits in the backlog.
    pub connections_a_worker: usize,
    /// How long an HTTP/2 connection may go without a request.
    pub idle_ms: u64,
    /// How long the peer may take nothing of what waits for its socket.
    pub stall_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections_a_worker: 16_384, idle_ms: 180_000, stall_ms: 60_000 }
    }
}

impl Site {
    /// A key log that cannot be written must not end what it logs: it says so, and the connection goes on.
    pub(crate) fn log_key(&self, line: &KeyLogLine) {
        if let Some(Err(error)) = self.key_log.as_ref().map(|file| file.write(line)) {
            eprintln!("warning: the key log cannot be written: {error}");
        }
    }
}

/// Listening sockets, one an address and worker: what fails has failed before anything is promised.
pub struct Listeners {
    workers: Vec<Vec<std::net::TcpListener>>,
    addresses: Vec<SocketAddr>,
}

impl Listeners {
    /// None yet, for so many workers.
    pub fn new(workers: usize) -> Self {
        Self { workers: (0..workers.max(1)).map(|_| Vec::new()).collect(), addresses: Vec::new() }
    }

    /// Opens `address` for every worker; with port 0 the system chooses one.
    ///
    /// # Errors
    /// What the system says: the address is taken by another program, or not ours to use.
    pub fn open(&mut self, mut address: SocketAddr) -> io::Result<()> {
        for (worker, sockets) in self.workers.iter_mut().enumerate() {
            let socket = match worker {
                0 => sakigake_net::claim(address)?,
                _ => sakigake_net::listen(address)?,
            };
            address = socket.local_addr()?;
            sockets.push(socket);
        }
        self.addresses.push(address);
        Ok(())
    }

    /// Where they listen.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Serves `site` until told to stop, on threads of its own; returns when all have ended.
    ///
    /// # Errors
    /// A worker could not be started.
    pub fn serve(self, site: Site, clock: Clock, stop: &Stop) -> io::Result<()> {
        let site = Arc::new(site);
        let mut threads = Vec::new();
        for (number, sockets) in self.workers.into_iter().enumerate() {
            let (site, stop) = (site.clone(), stop.clone());
            let work = move || worker(site, sockets, clock, stop);
            threads.push(thread::Builder::new().name(format!("worker {number}")).spawn(work)?);
        }
        for thread in threads {
            thread.join().map_err(|_| io::Error::other("a worker panicked"))??;
        }
        Ok(())
    }
}

/// Tells a running server to stop: it finishes what it serves, for at most ten seconds.
#[derive(Clone)]
pub struct Stop(watch::Sender<bool>);

impl Stop {
    /// Nobody has told yet.
    pub fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Tells it.
    pub fn tell(&self) {
        self.0.send_replace(true);
    }

    /// Completes when told.
    pub fn told(&self) -> impl Future<Output = ()> + 'static {
        let mut receiver = self.0.subscribe();
        async move {
            // An error means that nobody is left who could tell: then it never comes.
            if receiver.wait_for(|told| *told).await.is_err() {
                core::future::pending::<()>().await;
            }
        }
    }
}

impl Default for Stop {
    fn default() -> Self {
        Self::new()
    }
}

fn worker(site: Arc<Site>, sockets: Vec<std::net::TcpListener>, clock: Clock, stop: Stop) -> io::Result<()> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let local = LocalSet::new();
    let connections = Rc::new(Cell::new(0));
    local.block_on(&runtime, async {
        let mut accepting = Vec::new();
        for socket in sockets {
            let listener = TcpListener::from_std(socket)?;
            let accept = accept(site.clone(), listener, clock, stop.clone(), connections.clone());
            accepting.push(tokio::task::spawn_local(accept));
        }
        stop.told().await;
        for accept in accepting {
            accept.abort();
        }
        Ok::<(), io::Error>(())
    })?;
    // The connections were told too: they finish what they serve.
    let drained = async {
        while connections.get() > 0 {
            time::sleep(Duration::from_millis(10)).await;
        }
    };
    // Whoever is not done by then is cut off.
    let _ = local.block_on(&runtime, async { time::timeout(DRAIN, drained).await });
    Ok(())
}

async fn accept(
    site: Arc<Site>,
    listener: TcpListener,
    clock: Clock,
    stop: Stop,
    connections: Rc<Cell<usize>>,
) {
    loop {
        if connections.get() >= site.limits.connections_a_worker {
            time::sleep(Duration::from_millis(10)).await;
            continue;
        }
        let (stream, client) = match listener.accept().await {
            Ok(accepted) => accepted,
            // It was gone before we came: that is no reason to let the next one wait.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
            Err(_) => {
                time::sleep(OUT_OF_DESCRIPTORS).await;
                continue;
            }
        };
        let held = Held::new(connections.clone());
        let (site, stop) = (site.clone(), stop.clone());
        tokio::task::spawn_local(async move {
            connection(site, stream, client, clock, stop).await;
            drop(held);
        });
    }
}

/// One connection that counts, until it is dropped, even by a panic.
struct Held(Rc<Cell<usize>>);

impl Held {
    fn new(count: Rc<Cell<usize>>) -> Self {
        count.set(count.get() + 1);
        Self(count)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

async fn connection(site: Arc<Site>, stream: TcpStream, client: SocketAddr, clock: Clock, stop: Stop) {
    let session = Session::server(site.session.now(), clock.now(), Box::new(SystemEntropy));
    let front = Arc::new(Front { site: site.clone(), client, open: AtomicUsize::new(0) });
    let mut application = Http2::new(front.clone(), stop.told(), site.clone());
    match drive(stream, session, &mut application, clock).await {
        Ok(Ended::Closed) => {}
        Ok(Ended::Plain(stream)) => {
            let served = http1::serve(*stream, front.clone(), site.http1, stop.told()).await;
            // Many clients leave without a word when they have all they want.
            if let Err(error) = served
                && !(front.is_idle() && has_left(&error))
            {
                site.log.failure(client, &format!("HTTP/1.1: {error}"));
            }
        }
        Err(failure) => site.log.failure(client, &failure.to_string()),
    }
}

/// Whether the stream ended below HTTP.
fn has_left(error: &hyper::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    let mut source = error.source();
    while let Some(error) = source {
        let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
        if matches!(kind, Some(BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)) {
            return true;
        }
        source = error.source();
    }
    false
}

/// The site as one client sees it.
struct Front {
    site: Arc<Site>,
    client: SocketAddr,
    /// Responses that are not over.
    open: AtomicUsize,
}

impl Front {
    fn is_idle(&self) -> bool {
        self.open.load(Ordering::Relaxed) == 0
    }
}

impl Handler for Front {
    fn answer(&self, ask: &Ask<'_>) -> Reply {
        self.open.fetch_add(1, Ordering::Relaxed);
        let now = SystemTime::now();
        let mut reply = self.site.files.answer(ask, now);
        reply.response.fields.push(b"date", httpdate::fmt_http_date(now).as_bytes());
        reply
    }

    fn served(&self, served: &Served) {
        // What is refused before it is answered (a bad Host) was never counted.
        let _ = self.open.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |open| open.checked_sub(1));
        self.site.log.write(&Entry {
            at: SystemTime::now(),
            client: self.client,
            protocol: served.protocol,
            method: &served.method,
            path: &served.path,
            status: served.status,
            bytes: served.bytes,
            took: served.took,
            whole: served.whole,
            hinted: served.hinted,
            hints: served.hints,
        });
    }
}
