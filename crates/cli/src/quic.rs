//! `sakigake quic`: a look at connections, one stream each.

use crate::{
    Failure,
    arguments::{QuicAcceptArguments, QuicConnectArguments, QuicVersion},
    fetch, serve, tls as look,
    watch::{Watch, qlog_folder},
};
use core::{
    convert::Infallible,
    task::{Context, Poll, ready},
};
use sakigake::{key_log::KeyLogFile, tickets::Keys};
use sakigake_crypto::aws_lc::PROVIDER;
use sakigake_net::{
    Clock, UdpOptions, UdpPort,
    quic::{Application, Connection, Event, Limits, Member, Secrets, Service, Terms, Worker},
    source_towards,
};
use sakigake_quic::{
    connection::{Attempt, Closed, Options},
    endpoint::{
        Retry, Validation,
        token::{AddressTokens, Lives},
    },
    ids::ConnectionId,
    paths::Addresses,
    rules::versions::{VERSION_1, VERSION_2, Version},
    streams::{Chunk, Direction, Heard, StreamId},
};
use sakigake_tls as tls;
use sakigake_wire::Instant;
use std::{
    env,
    io::{self, Write},
    net::{SocketAddr, ToSocketAddrs, UdpSocket},
    path::{Path, PathBuf},
    pin::Pin,
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
};
use tokio::{
    io::{AsyncRead, ReadBuf, Stdin},
    sync::oneshot,
};

/// What is read of standard input at a time.
const PIECE_BYTES: usize = 16 << 10;

pub(crate) fn connect(arguments: &QuicConnectArguments) -> Result<ExitCode, Failure> {
    let (host, to) = crate::place(&arguments.target)?;
    let clock = Clock::start();
    let key_log = key_log(arguments.look.keylog.as_deref())?;
    let qlog = qlog_folder(arguments.qlog.as_deref());
    let mut options = tls::client::Options::new(&PROVIDER);
    options.verifier = Some(fetch::trust(&arguments.trust).verifier().map_err(Failure::new)?);
    options.alpn = look::alpn(&arguments.look);
    options.unix_secs_at_start = clock.unix_secs_at_start();
    options.key_log = key_log.is_some();
    let tls = options.build().map_err(Failure::new)?;
    let secrets = Secrets::draw();
    let quic = Options {
        versions: versions(arguments.version),
        reset_key: Some(secrets.reset_key()),
        unix_secs_at_start: clock.unix_secs_at_start(),
        ..Options::default()
    };
    let quic = quic.build(&PROVIDER).map_err(Failure::new)?;
    let unknown = |why: &dyn core::fmt::Display| Failure::because(format_args!("cannot find {host}"), why);
    let mut addresses = (host, to).to_socket_addrs().map_err(|error| unknown(&error))?;
    let peer = addresses.next().ok_or_else(|| unknown(&"it has no address"))?;
    let opened = |error| Failure::because(format_args!("cannot connect to port {to} of {host}"), error);
    crate::on_this_thread(async {
        let local = SocketAddr::new(source_towards(peer).map_err(opened)?, 0);
        let port = UdpPort::bind(local, &UdpOptions::default()).map_err(opened)?;
        let refusals = port.refusals().map_err(opened)?;
        let attempt = Attempt {
            server_name: arguments.servername.as_deref().unwrap_or(host),
            session: None,
            token: Vec::new(),
            addresses: Addresses { local: port.local(), peer },
            local: ConnectionId::EMPTY,
            version: None,
            has_reacted: false,
        };
        let mut worker = Worker::client(clock, &secrets, One::default());
        worker.add(port);
        let (handshake, answered) = oneshot::channel();
        let talk = Talk::new(Watch::new(key_log, arguments.look.trace, qlog), Some(handshake));
        worker.connect(tls, quic, attempt, talk).map_err(Failure::new)?;
        tokio::select! {
            outcome = drive(worker) => outcome,
            () = refusals.refuse(peer, answered) => {
                let why = format!("connection refused: nothing listens on UDP at {peer}");
                Err(opened(io::Error::new(io::ErrorKind::ConnectionRefused, why)))
            }
        }
    })
}

pub(crate) fn accept(arguments: &QuicAcceptArguments) -> Result<ExitCode, Failure> {
    let clock = Clock::start();
    let key_log = key_log(arguments.look.keylog.as_deref())?;
    let qlog = qlog_folder(arguments.qlog.as_deref());
    let mut options = tls::server::Options::new(&PROVIDER);
    options.credentials = match (&arguments.cert, &arguments.key) {
        (Some(cert), Some(key)) => vec![serve::load(cert, key)?],
        _ => look::development()?,
    };
    options.alpn = look::alpn(&arguments.look);
    options.key_log = key_log.is_some();
    options.unix_secs_at_start = clock.unix_secs_at_start();
    let tls = options.build().map_err(Failure::new)?;
    let secrets = Secrets::draw();
    let retry = if arguments.retry { Retry::Always } else { Retry::Never };
    let (quic, validation) = serving(clock, &secrets, retry)?;
    let mut quic = Options { versions: versions(arguments.version), ..quic };
    let (local, mut sockets) = open(arguments.listen, arguments.workers)?;
    for preferred in &arguments.preferred {
        let (preferred, more) = open(*preferred, arguments.workers)?;
        prefer(&mut quic, preferred)?;
        sockets.iter_mut().zip(more).for_each(|(sockets, more)| sockets.extend(more));
    }
    let quic = quic.build(&PROVIDER).map_err(Failure::new)?;
    let terms = Terms { tls, quic, validation: Some(validation) };
    eprintln!("waiting for one connection on {local}");
    let talk = Talk::new(Watch::new(key_log, arguments.look.trace, qlog), None);
    let next = Arc::new(Mutex::new(Some(talk)));
    let (outcome, outcomes) = mpsc::channel();
    let members = Member::crew(&secrets, arguments.workers, Limits::default());
    for (member, sockets) in members.into_iter().zip(sockets) {
        let (terms, outcome) = (terms.clone(), outcome.clone());
        let service = One { next: next.clone(), ended: None };
        thread::spawn(move || {
            let work = async {
                let mut worker = Worker::member(clock, member, terms, service);
                for socket in sockets {
                    worker.add(UdpPort::adopt(socket).map_err(Failure::new)?);
                }
                drive(worker).await
            };
            // Nobody listens where another worker has ended the program.
            let _ = outcome.send(crate::on_this_thread(work));
        });
    }
    drop(outcome);
    outcomes.recv().map_err(|_| Failure::new("no worker is left"))?
}

/// Where it listens, and the first sockets of each worker.
fn open(address: SocketAddr, workers: u16) -> Result<(SocketAddr, Vec<Vec<UdpSocket>>), Failure> {
    let failed = |error| Failure::because(format_args!("cannot listen on {address}"), error);
    let sockets = UdpPort::share(address, &UdpOptions::default(), workers).map_err(failed)?;
    let local = sockets[0].local_addr().map_err(failed)?;
    Ok((local, sockets.into_iter().map(|socket| vec![socket]).collect()))
}

/// Clients of that address's family are to go there.
fn prefer(options: &mut Options, address: SocketAddr) -> Result<(), Failure> {
    let is_second = match address {
        SocketAddr::V4(address) => options.preferred_v4.replace(address).is_some(),
        SocketAddr::V6(address) => options.preferred_v6.replace(address).is_some(),
    };
    match is_second {
        false => Ok(()),
        true => Err(Failure::new("only one address of each family can be preferred")),
    }
}

fn versions(version: Option<QuicVersion>) -> Vec<&'static Version> {
    match version {
        None => vec![&VERSION_1, &VERSION_2],
        Some(QuicVersion::V1) => vec![&VERSION_1],
        Some(QuicVersion::V2) => vec![&VERSION_2],
    }
}

/// How a server's connections behave, and how its clients show where they are.
pub(crate) fn serving(
    clock: Clock,
    secrets: &Secrets,
    retry: Retry,
) -> Result<(Options, Validation), Failure> {
    let keys = Keys::in_memory().map_err(|error| Failure::because("no keys for tokens", error))?;
    let tokens = Arc::new(AddressTokens::new(keys, Lives::default()));
    let options = Options {
        reset_key: Some(secrets.reset_key()),
        tokens: Some(tokens.clone()),
        unix_secs_at_start: clock.unix_secs_at_start(),
        ..Options::default()
    };
    Ok((options, Validation { tokens, retry }))
}

/// Where secrets go: an option says it, or the variable that every program knows.
fn key_log(option: Option<&Path>) -> Result<Option<KeyLogFile>, Failure> {
    let told = || env::var_os("SSLKEYLOGFILE").filter(|path| !path.is_empty()).map(PathBuf::from);
    let path = option.map(Path::to_owned).or_else(told);
    path.map(|path| serve::open_key_log(&path)).transpose()
}

async fn drive(mut worker: Worker<One>) -> Result<ExitCode, Failure> {
    loop {
        worker.turn().await.map_err(Failure::new)?;
        if let Some(ended) = worker.service().ended.take() {
            let taken = worker.handed().taken;
            if taken > 0 {
                eprintln!("{taken} datagrams came by another worker");
            }
            return ended
                .failure
                .map_or(Ok(ExitCode::SUCCESS), |why| Err(Failure::because("the connection", why)));
        }
    }
}

/// One connection, then no other.
#[derive(Default)]
struct One {
    /// Whoever accepts it.
    next: Arc<Mutex<Option<Talk>>>,
    ended: Option<Talk>,
}

impl Service for One {
    type Application = Talk;

    fn accept(&mut self, _: Instant, _: &Addresses) -> Option<Talk> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn ended(&mut self, application: Talk) {
        self.ended = Some(application);
    }
}

/// Carries standard input and output over the first bidirectional stream of the client's.
struct Talk {
    watch: Watch,
    is_client: bool,
    /// Dropped when it is complete.
    handshake: Option<oneshot::Sender<Infallible>>,
    stream: Option<StreamId>,
    input: Stdin,
    /// What was read and not written yet; none at its end.
    read: Option<Vec<u8>>,
    is_input_over: bool,
    heard_bytes: u64,
    is_output_over: bool,
    is_closed: bool,
    has_moved: bool,
    failure: Option<String>,
}

impl Talk {
    /// A client's handshake is waited for.
    fn new(watch: Watch, handshake: Option<oneshot::Sender<Infallible>>) -> Self {
        Self {
            watch,
            is_client: handshake.is_some(),
            handshake,
            stream: None,
            input: tokio::io::stdin(),
            read: Some(Vec::new()),
            is_input_over: false,
            heard_bytes: 0,
            is_output_over: false,
            is_closed: false,
            has_moved: false,
            failure: None,
        }
    }

    fn hear(&mut self, heard: &Heard<'_>) {
        match *heard {
            Heard::Opened { id } if id.direction() == Direction::Bidirectional => {
                self.stream.get_or_insert(id);
            }
            Heard::Data { id, bytes } if self.stream == Some(id) => {
                self.heard_bytes += bytes.len() as u64;
                let mut out = io::stdout().lock();
                if let Err(error) = out.write_all(bytes).and_then(|()| out.flush()) {
                    self.failure = Some(format!("cannot write to standard output: {error}"));
                }
            }
            Heard::Finished { id } | Heard::Reset { id, .. } if self.stream == Some(id) => {
                self.is_output_over = true;
            }
            _ => {}
        }
    }
}

impl Talk {
    /// Sends what was read, or says that no more comes.
    fn pass_on(&mut self, id: StreamId, connection: &mut Connection) {
        let Some(read) = &mut self.read else {
            if !core::mem::replace(&mut self.is_input_over, true) {
                // Where the stream has ended already there is nothing to finish.
                let _ = connection.finish(id);
            }
            return;
        };
        let has_room = connection.room(id).is_ok_and(|room| room >= read.len() as u64);
        if !read.is_empty() && has_room {
            let chunk = Chunk::Owned(core::mem::take(read));
            if connection.write(id, chunk).is_err() {
                self.read = None; // The peer wants no more.
            }
        }
    }
}

impl Application for Talk {
    fn begun(&mut self, now: Instant, connection: &mut Connection) {
        self.watch.begun(now, connection);
    }

    fn heard(&mut self, _: Instant, event: Event<'_>) {
        self.watch.heard(&event);
        match event {
            Event::Stream(heard) => self.hear(&heard),
            Event::Negotiated(agreed) => eprintln!("{agreed:?}"),
            Event::Established => self.handshake = None,
            Event::Moved(_) => self.has_moved = true,
            Event::Closed(Closed::Local | Closed::Peer { code: 0, .. }) => self.is_closed = true,
            Event::Closed(why) => {
                self.is_closed = true;
                self.failure = Some(why.to_string());
            }
            _ => {}
        }
    }

    fn act(&mut self, now: Instant, connection: &mut Connection) {
        self.watch.look(connection);
        if core::mem::take(&mut self.has_moved) {
            let Addresses { local, peer } = connection.paths().active().addresses;
            eprintln!("goes on to {peer} from {local}");
        }
        if self.stream.is_none() && self.is_client && connection.is_established() {
            self.stream = connection.open(Direction::Bidirectional);
        }
        let Some(id) = self.stream else { return };
        connection.consume(id, core::mem::take(&mut self.heard_bytes));
        self.pass_on(id, connection);
        // What the server has to say ends the talk; that the client has no more to say does not.
        if self.is_client && self.is_output_over && !self.is_closed {
            self.is_closed = true;
            connection.close(now, 0, b"");
        }
    }

    fn poll_wake(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(read) = self.read.as_mut().filter(|read| read.is_empty() && self.stream.is_some()) else {
            return Poll::Pending;
        };
        let mut piece = vec![0; PIECE_BYTES];
        let mut place = ReadBuf::new(&mut piece);
        let outcome = ready!(Pin::new(&mut self.input).poll_read(cx, &mut place));
        match (outcome, place.filled()) {
            (Ok(()), bytes @ [_, ..]) => read.extend_from_slice(bytes),
            _ => self.read = None,
        }
        Poll::Ready(())
    }
}
