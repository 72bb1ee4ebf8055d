//! Ours, through `sakigake-net`: one worker with its port in one task, as the product has them.

use ends::{
    ALPN, CONNECTION_WINDOW, Client, DATAGRAM_BYTES, Exchange, HEAD, HOST, IDLE_MS, Meter, Outcome, PIECE,
    STREAM_WINDOW, STREAMS, Spent, Task, Told, look_at, ready, udp,
};
use sakigake_crypto::aws_lc::PROVIDER;
use sakigake_net::{
    Clock, UdpPort,
    quic::{Application, Connection, Event, Secrets, Service, Terms, Worker},
};
use sakigake_quic::{
    connection::{self, Attempt, Closed, Options},
    ids::ConnectionId,
    paths::Addresses,
    streams::{Chunk, Direction, Heard, StreamId},
};
use sakigake_tls::{self as tls, Credential, WebPki};
use sakigake_wire::Instant;
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    process::ExitCode,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};
use tokio::runtime::{Builder, Runtime};

/// X25519, as the others have it.
const GROUP: u16 = 0x001d;

fn main() -> ExitCode {
    ends::main(serve, Caller::new)
}

fn runtime() -> Outcome<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

fn quic(secrets: &Secrets) -> Outcome<Arc<connection::Config>> {
    let mut options = Options { reset_key: Some(secrets.reset_key()), ..Options::default() };
    options.max_idle_timeout_ms = IDLE_MS.into();
    options.limits.streams.initial_stream_window_bytes = STREAM_WINDOW.into();
    options.limits.streams.initial_connection_window_bytes = CONNECTION_WINDOW.into();
    options.limits.streams.stream_window_bytes = STREAM_WINDOW.into();
    options.limits.streams.connection_window_bytes = CONNECTION_WINDOW.into();
    options.limits.streams.bidirectional_streams = STREAMS.into();
    options.limits.paths.datagram_bytes = DATAGRAM_BYTES;
    Ok(options.build(&PROVIDER).map_err(|unfit| unfit.0)?)
}

fn serve(told: &Told) -> Outcome {
    let clock = Clock::start();
    let credential = Credential::from_pem(&PROVIDER, &told.read("leaf.pem")?, &told.read("key.pem")?);
    let options = tls::server::Options {
        credentials: vec![Arc::new(credential.map_err(|why| format!("{why:?}"))?)],
        alpn: vec![ALPN.to_vec()],
        unix_secs_at_start: clock.unix_secs_at_start(),
        groups: vec![GROUP],
        ..tls::server::Options::new(&PROVIDER)
    };
    let tls = options.build().map_err(|why| format!("{why:?}"))?;
    let secrets = Secrets::draw();
    let terms = Terms { tls, quic: quic(&secrets)?, validation: None };
    runtime()?.block_on(async {
        let port = UdpPort::adopt(udp()?)?;
        let at = port.local().port();
        let house = House { piece: piece() };
        let mut worker = Worker::server(clock, &secrets, terms, house);
        worker.add(port);
        ready(at)?;
        loop {
            worker.turn().await?;
        }
    })
}

fn piece() -> Arc<[u8]> {
    vec![0x55; PIECE].into()
}

/// Queues as much of a stream as it takes; whether that was all.
fn write(connection: &mut Connection, id: StreamId, left: &mut usize, piece: &Arc<[u8]>) -> bool {
    while *left > 0 && connection.room(id).is_ok_and(|room| room >= PIECE.min(*left) as u64) {
        let len = PIECE.min(*left);
        let chunk =
            if len == PIECE { Chunk::Shared(piece.clone()) } else { Chunk::Owned(piece[..len].to_vec()) };
        connection.write(id, chunk).expect("there is room");
        *left -= len;
    }
    if *left == 0 {
        connection.finish(id).expect("it was not over");
    }
    *left == 0
}

/// Takes what was read of streams into account.
fn consume(connection: &mut Connection, read: &mut Vec<(StreamId, u64)>) {
    for (id, bytes) in read.drain(..) {
        connection.consume(id, bytes);
    }
}

fn note(read: &mut Vec<(StreamId, u64)>, id: StreamId, len: usize) {
    match read.last_mut() {
        Some((last, bytes)) if *last == id => *bytes += len as u64,
        _ => read.push((id, len as u64)),
    }
}

/// Answers all clients.
struct House {
    piece: Arc<[u8]>,
}

impl Service for House {
    type Application = Answerer;

    fn accept(&mut self, _: Instant, _: &Addresses) -> Option<Answerer> {
        let piece = self.piece.clone();
        Some(Answerer { piece, heads: BTreeMap::new(), due: Vec::new(), read: Vec::new() })
    }

    fn ended(&mut self, _: Answerer) {}
}

struct Answerer {
    piece: Arc<[u8]>,
    /// What came of a request's head.
    heads: BTreeMap<StreamId, Vec<u8>>,
    /// What is to be said yet.
    due: Vec<(StreamId, usize)>,
    read: Vec<(StreamId, u64)>,
}

impl Application for Answerer {
    fn heard(&mut self, _: Instant, event: Event<'_>) {
        let Event::Stream(heard) = event else { return };
        match heard {
            Heard::Data { id, bytes } => {
                let head = self.heads.entry(id).or_default();
                head.extend_from_slice(&bytes[..bytes.len().min(HEAD - head.len())]);
                note(&mut self.read, id, look_at(bytes));
            }
            Heard::Finished { id } => {
                let head = self.heads.remove(&id).unwrap_or_default();
                let head: [u8; HEAD] = head.try_into().expect("a request says how long its response is");
                self.due.push((id, u64::from_be_bytes(head) as usize));
            }
            _ => {}
        }
    }

    fn act(&mut self, _: Instant, connection: &mut Connection) {
        consume(connection, &mut self.read);
        self.due.retain_mut(|(id, left)| !write(connection, *id, left, &self.piece));
    }
}

/// What the connections of a client are to do, and what they have done.
#[derive(Default)]
struct Plan {
    /// How often which exchange is to have begun; a connection that is to do one alone closes itself.
    rounds: Cell<u64>,
    exchange: Cell<Option<Exchange>>,
    is_one_alone: Cell<bool>,
    is_over: Cell<bool>,
    waker: RefCell<Option<Waker>>,
    /// Exchanges that are over.
    done: Cell<usize>,
    failure: RefCell<Option<Closed>>,
}

impl Plan {
    fn begin(&self, exchange: Exchange) {
        self.exchange.set(Some(exchange));
        self.rounds.set(self.rounds.get() + 1);
        self.wake();
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// A client's connection.
struct Asker {
    plan: Rc<Plan>,
    piece: Arc<[u8]>,
    rounds: u64,
    /// Streams whose response is not whole.
    open: usize,
    due: Vec<(StreamId, usize)>,
    read: Vec<(StreamId, u64)>,
    is_established: bool,
    is_closed: bool,
}

impl Asker {
    fn ask(&mut self, connection: &mut Connection, exchange: Exchange) {
        for _ in 0..exchange.streams {
            let id = connection.open(Direction::Bidirectional).expect("as many are allowed");
            let mut head = (exchange.response_bytes as u64).to_be_bytes().to_vec();
            let len = exchange.request_bytes.min(1_024);
            head.resize(len, 0x55);
            connection.write(id, Chunk::Owned(head)).expect("the stream is new");
            self.due.push((id, exchange.request_bytes - len));
            self.open += 1;
        }
    }

    fn is_to_close(&self) -> bool {
        let is_answered = self.plan.is_one_alone.get() && self.rounds > 0 && self.open == 0;
        !self.is_closed && (self.plan.is_over.get() || is_answered)
    }
}

impl Application for Asker {
    fn heard(&mut self, _: Instant, event: Event<'_>) {
        match event {
            Event::Stream(Heard::Data { id, bytes }) => note(&mut self.read, id, look_at(bytes)),
            Event::Stream(Heard::Finished { .. }) => {
                self.open -= 1;
                if self.open == 0 {
                    self.plan.done.set(self.plan.done.get() + 1);
                }
            }
            Event::Established => self.is_established = true,
            Event::Closed(Closed::Local) => {}
            Event::Closed(why) => *self.plan.failure.borrow_mut() = Some(why),
            _ => {}
        }
    }

    fn act(&mut self, now: Instant, connection: &mut Connection) {
        consume(connection, &mut self.read);
        let rounds = self.plan.rounds.get();
        if self.is_established
            && self.rounds < rounds
            && let Some(exchange) = self.plan.exchange.get()
        {
            self.rounds = rounds;
            self.ask(connection, exchange);
        }
        let piece = &self.piece;
        self.due.retain_mut(|(id, left)| !write(connection, *id, left, piece));
        if self.is_to_close() {
            self.is_closed = true;
            connection.close(now, 0, b"");
        }
    }

    fn poll_wake(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_established && self.rounds < self.plan.rounds.get() || self.is_to_close() {
            return Poll::Ready(());
        }
        *self.plan.waker.borrow_mut() = Some(cx.waker().clone());
        Poll::Pending
    }
}

struct Nobody;

impl Service for Nobody {
    type Application = Asker;

    fn accept(&mut self, _: Instant, _: &Addresses) -> Option<Asker> {
        None
    }

    fn ended(&mut self, _: Asker) {}
}

struct Caller {
    runtime: Runtime,
    worker: Worker<Nobody>,
    addresses: Addresses,
    tls: Arc<tls::client::Config>,
    quic: Arc<connection::Config>,
    piece: Arc<[u8]>,
}

impl Caller {
    fn new(told: &Told) -> Outcome<Self> {
        let clock = Clock::start();
        let mut verifier = WebPki::new(&PROVIDER);
        verifier.trust(&told.read("authority.der")?).map_err(|why| format!("{why:?}"))?;
        let options = tls::client::Options {
            verifier: Some(Arc::new(verifier)),
            alpn: vec![ALPN.to_vec()],
            unix_secs_at_start: clock.unix_secs_at_start(),
            groups: vec![GROUP],
            ..tls::client::Options::new(&PROVIDER)
        };
        let runtime = runtime()?;
        let port = {
            let _entered = runtime.enter();
            UdpPort::adopt(udp()?)?
        };
        let addresses = Addresses { local: port.local(), peer: told.server };
        let secrets = Secrets::draw();
        let mut worker = Worker::client(clock, &secrets, Nobody);
        worker.add(port);
        let tls = options.build().map_err(|why| format!("{why:?}"))?;
        Ok(Self { runtime, worker, addresses, tls, quic: quic(&secrets)?, piece: piece() })
    }
}

impl Client for Caller {
    fn perform(&mut self, task: Task, meter: &Meter) -> Outcome<Spent> {
        let Self { runtime, worker, addresses, tls, quic, piece } = self;
        let mut line = Line { worker, addresses: *addresses, tls, quic, piece, plan: Rc::default() };
        runtime.block_on(line.perform(task, meter))
    }
}

/// The client while it does one task.
struct Line<'a> {
    worker: &'a mut Worker<Nobody>,
    addresses: Addresses,
    tls: &'a Arc<tls::client::Config>,
    quic: &'a Arc<connection::Config>,
    piece: &'a Arc<[u8]>,
    plan: Rc<Plan>,
}

impl Line<'_> {
    async fn perform(&mut self, task: Task, meter: &Meter) -> Outcome<Spent> {
        let spent = match task {
            Task::Exchange { exchange, times } => {
                self.connect()?;
                self.plan.begin(Task::WARM_UP);
                self.until(1).await?;
                let begun = meter.begin();
                for turn in 0..times {
                    self.plan.begin(exchange);
                    self.until(turn + 2).await?;
                }
                let spent = begun.end();
                self.plan.is_over.set(true);
                self.plan.wake();
                spent
            }
            Task::Connect { count, at_once } => {
                self.plan.is_one_alone.set(true);
                self.plan.begin(Task::LEAST);
                let begun = meter.begin();
                self.connect_all(count, at_once).await?;
                begun.end()
            }
            Task::Hold { count } => {
                self.plan.begin(Task::LEAST);
                self.connect_all(count, 1).await?;
                Spent::default()
            }
        };
        self.settle().await?;
        Ok(spent)
    }

    fn connect(&mut self) -> Outcome {
        let attempt = Attempt {
            server_name: HOST,
            session: None,
            token: Vec::new(),
            addresses: self.addresses,
            local: ConnectionId::EMPTY,
            version: None,
            has_reacted: false,
        };
        let asker = Asker {
            plan: self.plan.clone(),
            piece: self.piece.clone(),
            rounds: 0,
            open: 0,
            due: Vec::new(),
            read: Vec::new(),
            is_established: false,
            is_closed: false,
        };
        let begun = self.worker.connect(self.tls.clone(), self.quic.clone(), attempt, asker);
        Ok(begun.map_err(|why| format!("{why:?}"))?)
    }

    async fn connect_all(&mut self, count: usize, at_once: usize) -> Outcome {
        let mut begun = 0;
        while self.plan.done.get() < count {
            while begun < count && begun - self.plan.done.get() < at_once {
                self.connect()?;
                begun += 1;
            }
            self.turn().await?;
        }
        Ok(())
    }

    async fn until(&mut self, done: usize) -> Outcome {
        while self.plan.done.get() < done {
            self.turn().await?;
        }
        Ok(())
    }

    async fn turn(&mut self) -> Outcome {
        self.worker.turn().await?;
        match self.plan.failure.borrow().as_ref() {
            Some(why) => Err(format!("{why:?}").into()),
            None => Ok(()),
        }
    }

    /// What both sides have to say to the end, acknowledgements above all, is said.
    async fn settle(&mut self) -> Outcome {
        let end = tokio::time::Instant::now() + Duration::from_millis(50);
        // That the time is over is what is waited for.
        while tokio::time::timeout_at(end, self.turn()).await.is_ok_and(|outcome| outcome.is_ok()) {}
        Ok(())
    }
}
