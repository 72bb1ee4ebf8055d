use super::*;
use crate::UdpOptions;
use rcgen::{CertificateParams, KeyPair};
use rustix::io::Errno;
use sakigake_crypto::aws_lc::PROVIDER;
use sakigake_quic::{
    connection::{Closed, Options},
    endpoint::{
        Retry,
        token::{AddressTokens, Lives},
    },
    ids::ConnectionId,
    streams::{Chunk, Direction, Heard, StreamId},
};
use sakigake_tls::{Credential, KeyRing, TicketKey, Verified, Verifier};
use sakigake_wire::Entropy;
use std::{
    cell::Cell,
    collections::BTreeMap,
    rc::Rc,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use tokio::{sync::oneshot, time::timeout};

/// Loopback is never as slow: a test that waits longer has found a bug.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

struct Anybody;

impl Verifier for Anybody {
    fn verify_chain(&self, _: &str, _: &[&[u8]], _: u64) -> Result<Verified, tls::RejectedCertificate> {
        Ok(Verified)
    }

    fn verify_signature(&self, _: &[u8], _: u16, _: &[u8], _: &[u8]) -> bool {
        true
    }
}

/// So that two processes have the same keys.
struct Known;

impl Entropy for Known {
    fn fill(&mut self, out: &mut [u8]) {
        out.fill(7);
    }
}

/// Says everything that it hears again, on the same stream.
#[derive(Default)]
pub(super) struct Echo {
    heard: BTreeMap<StreamId, (Vec<u8>, bool)>,
    closed: Option<Closed>,
}

impl Application for Echo {
    fn heard(&mut self, _: Instant, event: Event<'_>) {
        match event {
            Event::Stream(Heard::Data { id, bytes }) => {
                self.heard.entry(id).or_default().0.extend_from_slice(bytes);
            }
            Event::Stream(Heard::Finished { id }) => self.heard.entry(id).or_default().1 = true,
            Event::Closed(why) => self.closed = Some(why),
            _ => {}
        }
    }

    fn act(&mut self, _: Instant, connection: &mut Connection) {
        self.heard.retain(|id, (bytes, is_finished)| {
            let room = connection.room(*id).map_or(0, |room| usize::try_from(room).unwrap());
            let len = room.min(bytes.len());
            if len > 0 {
                connection.write(*id, Chunk::Owned(bytes.drain(..len).collect())).unwrap();
                connection.consume(*id, len as u64);
            }
            let is_over = *is_finished && bytes.is_empty();
            if is_over {
                connection.finish(*id).unwrap();
            }
            !is_over
        });
    }
}

/// Says something on a stream and listens to what comes back.
pub(super) struct Caller {
    says: Vec<u8>,
    /// Says it when this comes.
    pub(super) waits: Option<oneshot::Receiver<()>>,
    /// It asks to be asked again whenever it is asked, until this is so.
    insists: Option<Rc<Cell<bool>>>,
    pub(super) hears: Vec<u8>,
    /// How much that is, for who looks on; 1 before anything, once the handshake is confirmed.
    progress: Rc<Cell<usize>>,
    pub(super) token: Vec<u8>,
    stream: Option<StreamId>,
    heard_bytes: u64,
    is_finished: bool,
    pub(super) closed: Option<Closed>,
}

impl Caller {
    pub(super) fn new(says: Vec<u8>) -> Self {
        Self {
            says,
            waits: None,
            insists: None,
            hears: Vec::new(),
            progress: Rc::default(),
            token: Vec::new(),
            stream: None,
            heard_bytes: 0,
            is_finished: false,
            closed: None,
        }
    }

    pub(super) fn watched(says: Vec<u8>) -> (Self, Rc<Cell<usize>>) {
        let caller = Self::new(says);
        let progress = caller.progress.clone();
        (caller, progress)
    }
}

impl Application for Caller {
    fn heard(&mut self, _: Instant, event: Event<'_>) {
        match event {
            Event::Stream(Heard::Data { bytes, .. }) => {
                self.hears.extend_from_slice(bytes);
                self.progress.set(self.hears.len());
                self.heard_bytes += bytes.len() as u64;
            }
            Event::Confirmed => self.progress.set(self.progress.get().max(1)),
            Event::NewToken(token) => self.token = token.to_vec(),
            Event::Stream(Heard::Finished { .. }) => self.is_finished = true,
            Event::Closed(why) => self.closed = Some(why),
            _ => {}
        }
    }

    fn act(&mut self, now: Instant, connection: &mut Connection) {
        if self.stream.is_none() && self.waits.is_none() {
            self.stream = connection.open(Direction::Bidirectional);
        }
        let Some(id) = self.stream else { return };
        connection.consume(id, core::mem::take(&mut self.heard_bytes));
        if !self.says.is_empty() {
            connection.write(id, Chunk::Owned(core::mem::take(&mut self.says))).unwrap();
            connection.finish(id).unwrap();
        }
        if self.is_finished {
            connection.close(now, 7, b"enough");
        }
    }

    fn poll_wake(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(waits) = &mut self.waits
            && Pin::new(waits).poll(cx).is_ready()
        {
            self.waits = None;
            return Poll::Ready(());
        }
        if self.insists.as_ref().is_some_and(|is_enough| !is_enough.get()) {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

/// Accepts so many, and keeps what remains of each.
pub(super) struct Desk<A> {
    places: usize,
    pub(super) ended: Vec<A>,
}

impl Service for Desk<Echo> {
    type Application = Echo;

    fn accept(&mut self, _: Instant, _: &Addresses) -> Option<Echo> {
        self.places = self.places.checked_sub(1)?;
        Some(Echo::default())
    }

    fn ended(&mut self, application: Echo) {
        self.ended.push(application);
    }
}

impl Service for Desk<Caller> {
    type Application = Caller;

    fn accept(&mut self, _: Instant, _: &Addresses) -> Option<Caller> {
        None
    }

    fn ended(&mut self, application: Caller) {
        self.ended.push(application);
    }
}

impl Desk<Echo> {
    pub(super) fn server() -> Self {
        Self { places: 100, ended: Vec::new() }
    }
}

/// What the two sides go by.
pub(super) struct Ground {
    pub(super) clock: Clock,
    pub(super) secrets: Secrets,
    pub(super) terms: Terms,
    tls: Arc<tls::client::Config>,
    quic: Arc<connection::Config>,
}

impl Ground {
    pub(super) fn new(retry: Retry, options: Options) -> Self {
        Self::of(Secrets::draw(), retry, options)
    }

    /// Of a process that goes by these.
    pub(super) fn of(secrets: Secrets, retry: Retry, options: Options) -> Self {
        let clock = Clock::start();
        let unix_secs_at_start = clock.unix_secs_at_start();
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec!["a.test".into()]).unwrap().self_signed(&key).unwrap();
        let credential =
            Credential::from_pem(&PROVIDER, leaf.pem().as_bytes(), key.serialize_pem().as_bytes()).unwrap();
        let mut server = tls::server::Options::new(&PROVIDER);
        (server.credentials, server.alpn) = (vec![Arc::new(credential)], vec![b"echo".to_vec()]);
        let mut client = tls::client::Options::new(&PROVIDER);
        client.verifier = Some(Arc::new(Anybody));
        client.alpn = vec![b"echo".to_vec()];
        let keys = vec![TicketKey::draw(unix_secs_at_start, Default::default(), &mut Known)];
        let keys = Arc::new(KeyRing::new(&PROVIDER.suites[0], keys));
        let tokens = Arc::new(AddressTokens::new(keys, Lives::default()));
        let reset_key = Some(secrets.reset_key());
        let options = Options { reset_key, unix_secs_at_start, tokens: Some(tokens.clone()), ..options };
        let quic = options.build(&PROVIDER).unwrap();
        let validation = Some(Validation { tokens, retry });
        let terms = Terms { tls: server.build().unwrap(), quic: quic.clone(), validation };
        Self { clock, secrets, terms, tls: client.build().unwrap(), quic }
    }

    /// A worker of clients, without ports.
    pub(super) fn client(&self) -> Worker<Desk<Caller>> {
        Worker::client(self.clock, &Secrets::draw(), Desk { places: 0, ended: Vec::new() })
    }

    pub(super) fn call(
        &self,
        client: &mut Worker<Desk<Caller>>,
        addresses: Addresses,
        token: Vec<u8>,
        caller: Caller,
    ) {
        let attempt = Attempt {
            server_name: "a.test",
            session: None,
            token,
            addresses,
            local: ConnectionId::EMPTY,
            version: None,
            has_reacted: false,
        };
        client.connect(self.tls.clone(), self.quic.clone(), attempt, caller).unwrap();
    }
}

/// Until one of them had a turn.
pub(super) async fn any_turn(workers: &mut [Worker<Desk<Echo>>]) {
    let mut turns: Vec<_> = workers.iter_mut().map(|worker| Box::pin(worker.turn())).collect();
    poll_fn(|cx| {
        let polled = turns.iter_mut().map(|turn| turn.as_mut().poll(cx));
        polled.filter(Poll::is_ready).last().unwrap_or(Poll::Pending)
    })
    .await
    .unwrap();
}

/// A worker of servers and one of clients, on one thread.
struct Two {
    server: Worker<Desk<Echo>>,
    client: Worker<Desk<Caller>>,
    ground: Ground,
}

impl Two {
    fn new(address: &str, retry: Retry, options: Options) -> Self {
        let ground = Ground::new(retry, options);
        let (clock, terms) = (ground.clock, ground.terms.clone());
        let mut server = Worker::server(clock, &ground.secrets, terms, Desk::server());
        let mut client = ground.client();
        server.add(UdpPort::bind(address.parse().unwrap(), &UdpOptions::default()).unwrap());
        client.add(UdpPort::bind(address.parse().unwrap(), &UdpOptions::default()).unwrap());
        Self { server, client, ground }
    }

    fn call(&mut self, caller: Caller) {
        self.call_at(0, caller);
    }

    /// At the server's port of that number.
    fn call_at(&mut self, port: usize, caller: Caller) {
        let addresses = Addresses {
            local: self.client.ports().next().unwrap(),
            peer: self.server.ports().nth(port).unwrap(),
        };
        self.ground.call(&mut self.client, addresses, Vec::new(), caller);
    }

    async fn run(&mut self, mut is_done: impl FnMut(&mut Self) -> bool) {
        timeout(PATIENCE, async {
            while !is_done(self) {
                tokio::select! {
                    turn = self.server.turn() => turn.unwrap(),
                    turn = self.client.turn() => turn.unwrap(),
                }
            }
        })
        .await
        .expect("it is done in time");
    }

    /// Until nobody has a connection any more.
    async fn run_out(&mut self) {
        self.run(|two| two.server.connections() + two.client.connections() == 0).await;
    }
}

pub(super) fn text(len: usize, from: usize) -> Vec<u8> {
    (from..from + len).map(|at| (at * 37 % 251) as u8).collect()
}

#[tokio::test]
async fn what_is_said_comes_back() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let mut two = Two::new(address, Retry::Never, Options::default());
        two.call(Caller::new(text(3_000_000, 0)));
        two.run_out().await;
        let caller = two.client.service().ended.pop().unwrap();
        assert!(caller.hears == text(3_000_000, 0));
        assert_eq!(caller.closed, None); // Its owner knows who closed.
        let closed = two.server.service().ended.pop().unwrap().closed;
        let why = Closed::Peer { code: 7, frame_type: None, reason: b"enough".to_vec() };
        assert_eq!(closed, Some(why));
        assert_eq!(two.server.counters().accepted, 1);
    }
}

/// What a server's service is asked, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Accept,
    Act,
}

/// Accepts everybody and says nothing.
#[derive(Clone, Default)]
struct Diary(Rc<std::cell::RefCell<Vec<Asked>>>);

impl Application for Diary {
    fn heard(&mut self, _: Instant, _: Event<'_>) {}

    fn act(&mut self, _: Instant, _: &mut Connection) {
        self.0.borrow_mut().push(Asked::Act);
    }
}

impl Service for Diary {
    type Application = Self;

    fn accept(&mut self, _: Instant, _: &Addresses) -> Option<Self> {
        self.0.borrow_mut().push(Asked::Accept);
        Some(self.clone())
    }

    fn ended(&mut self, _: Self) {}
}

#[tokio::test]
async fn of_a_crowd_the_first_are_answered_before_the_last_are_heard() {
    let ground = Ground::new(Retry::Never, Options::default());
    let diary = Diary::default();
    let mut server = Worker::server(ground.clock, &ground.secrets, ground.terms.clone(), diary.clone());
    let mut client = ground.client();
    server.add(UdpPort::bind("127.0.0.1:0".parse().unwrap(), &UdpOptions::default()).unwrap());
    client.add(UdpPort::bind("127.0.0.1:0".parse().unwrap(), &UdpOptions::default()).unwrap());
    let addresses = Addresses { local: client.ports().next().unwrap(), peer: server.ports().next().unwrap() };
    for _ in 0..40 {
        ground.call(&mut client, addresses, Vec::new(), Caller::new(text(1, 0)));
    }
    timeout(PATIENCE, client.turn()).await.unwrap().unwrap();
    timeout(PATIENCE, server.turn()).await.unwrap().unwrap();
    let diary = diary.0.borrow();
    let first_act = diary.iter().position(|asked| *asked == Asked::Act).unwrap();
    let last_accept = diary.iter().rposition(|asked| *asked == Asked::Accept).unwrap();
    assert!(first_act < last_accept, "{diary:?}");
    assert!(first_act >= 16, "few enough wait for each other: {diary:?}");
}

#[tokio::test]
async fn many_connections_share_a_port_and_leave_their_places_to_others() {
    let mut two = Two::new("127.0.0.1:0", Retry::Never, Options::default());
    for round in 0..2 {
        for at in 0..20 {
            two.call(Caller::new(text(10_000, round + at)));
        }
        two.run_out().await;
        let mut ended = core::mem::take(&mut two.client.service().ended);
        ended.sort_by_key(|caller| caller.hears[0]);
        let mut expected: Vec<_> = (0..20).map(|at| text(10_000, round + at)).collect();
        expected.sort_by_key(|text| text[0]);
        assert!(ended.iter().map(|caller| &caller.hears).eq(&expected));
    }
    assert_eq!(two.client.floor.seats.len(), 20);
    assert_eq!(two.client.floor.timers.first(), None);
}

#[tokio::test]
async fn clients_come_again_where_they_are_asked_to() {
    let mut two = Two::new("127.0.0.1:0", Retry::Always, Options::default());
    two.call(Caller::new(text(10, 0)));
    two.run_out().await;
    assert_eq!(two.client.service().ended[0].hears, text(10, 0));
    // A first flight of several datagrams is asked as often.
    assert!(two.server.counters().retries > 0);
    assert_eq!(two.server.counters().accepted, 1);
}

#[tokio::test]
async fn an_owner_is_woken_by_what_it_waits_for() {
    let mut two = Two::new("127.0.0.1:0", Retry::Never, Options::default());
    let (say, waits) = oneshot::channel();
    two.call(Caller { waits: Some(waits), ..Caller::new(text(10, 0)) });
    two.run(|two| two.server.connections() == 1).await;
    std::thread::spawn(move || say.send(())).join().unwrap().unwrap();
    two.run_out().await;
    assert_eq!(two.client.service().ended[0].hears, text(10, 0));
}

/// Runs a story on a thread of its own, which may never come back.
fn on_a_thread<S: Future<Output = ()>>(story: impl FnOnce() -> S + Send + 'static) {
    let (over, is_over) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(story());
        over.send(()).unwrap();
    });
    is_over.recv_timeout(PATIENCE + PATIENCE).expect("the thread is nobody's alone");
}

#[test]
fn an_owner_that_wakes_itself_whenever_it_is_asked_leaves_the_thread_to_others() {
    on_a_thread(|| async {
        let mut two = Two::new("127.0.0.1:0", Retry::Never, Options::default());
        let is_enough = Rc::new(Cell::new(false));
        let (say, waits) = oneshot::channel();
        let insists = Some(is_enough.clone());
        two.call(Caller { waits: Some(waits), insists, ..Caller::new(text(10, 0)) });
        let others = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            is_enough.set(true);
            say.send(()).unwrap();
        };
        tokio::join!(two.run_out(), others);
        assert_eq!(two.client.service().ended[0].hears, text(10, 0));
    });
}

#[test]
fn a_port_that_is_said_to_take_more_and_does_not_is_tried_now_and_then() {
    on_a_thread(|| async {
        let options = Options { max_idle_timeout_ms: 500, ..Options::default() };
        let mut two = Two::new("127.0.0.1:0", Retry::Never, options);
        let peer = UdpPort::bind("127.0.0.1:0".parse().unwrap(), &UdpOptions::default()).unwrap().local();
        let port = two.server.ports.get(0);
        let mut refusals = port.refusals().unwrap();
        let addresses = Addresses { local: port.local(), peer };
        let mark = sakigake_quic::recovery::acks::Mark::NotEct;
        port.send(&crate::Batch { bytes: b"nobody", segment_bytes: 6, addresses, mark });
        assert_eq!(timeout(PATIENCE, refusals.next()).await.unwrap().unwrap(), peer);
        drop(refusals); // From here on the runtime says that the port takes whatever it is given.
        let calls = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let counted = calls.clone();
        port.fail(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            Some(Errno::AGAIN)
        });
        two.call(Caller::new(text(10, 0)));
        two.run_out().await;
        assert_eq!(two.server.service().ended[0].closed, Some(Closed::Idle));
        let calls = calls.load(Ordering::Relaxed);
        assert!((1..10_000).contains(&calls), "{calls}");
    });
}

#[tokio::test]
async fn silence_ends_a_connection() {
    let options = Options { max_idle_timeout_ms: 500, ..Options::default() };
    let mut two = Two::new("127.0.0.1:0", Retry::Never, options);
    let (never, waits) = oneshot::channel();
    two.call(Caller { waits: Some(waits), ..Caller::new(text(10, 0)) });
    two.run_out().await;
    let ended = &two.client.service().ended[0];
    assert_eq!((&ended.hears[..], &ended.closed), (&[][..], &Some(Closed::Idle)));
    drop(never);
}

#[tokio::test]
async fn each_of_many_connections_with_one_server_is_reset_by_its_own_token() {
    const CLIENTS: usize = 12;
    let mut two = Two::new("127.0.0.1:0", Retry::Never, Options::default());
    let mut starts = Vec::new();
    for _ in 0..CLIENTS {
        let (start, waits) = oneshot::channel();
        let (mut caller, heard) = Caller::watched(text(1_000, 0));
        caller.waits = Some(waits);
        two.call(caller);
        two.run(|_| heard.get() > 0).await;
        starts.push(start);
    }
    // It comes back with the same keys, and knows nobody.
    let address = two.server.ports().next().unwrap();
    let (clock, terms) = (two.ground.clock, two.ground.terms.clone());
    two.server = Worker::server(clock, &two.ground.secrets, terms, Desk::server());
    two.server.add(UdpPort::bind(address, &UdpOptions::default()).unwrap());
    // The last one speaks, and those that are silent stand before it.
    starts.pop().unwrap().send(()).unwrap();
    two.run(|two| !two.client.service().ended.is_empty()).await;
    assert_eq!(two.client.connections(), CLIENTS - 1);
    assert_eq!(two.client.service().ended.pop().unwrap().closed, Some(Closed::Reset));
    starts.into_iter().for_each(|start| start.send(()).unwrap());
    two.run_out().await;
    let ended = &two.client.service().ended;
    assert_eq!(ended.len(), CLIENTS - 1);
    assert!(ended.iter().all(|caller| caller.closed == Some(Closed::Reset)));
}

#[tokio::test]
async fn who_is_turned_away_hears_so() {
    let mut two = Two::new("127.0.0.1:0", Retry::Never, Options::default());
    two.server.service().places = 0;
    two.call(Caller::new(text(10, 0)));
    two.run_out().await;
    let closed = two.client.service().ended[0].closed.take();
    assert!(matches!(closed, Some(Closed::Peer { code: 0x02, frame_type: Some(_), .. })), "{closed:?}");
    let counters = two.server.counters();
    assert!(counters.accepted == 0 && counters.refused > 0, "{counters:?}"); // Each datagram of its first flight.
}

#[tokio::test]
async fn a_port_that_takes_nothing_holds_up_no_other_and_nobody_who_listens() {
    let mut two = Two::new("127.0.0.1:0", Retry::Never, Options::default());
    let is_jammed = Arc::new(AtomicBool::new(true));
    let jam = is_jammed.clone();
    two.server.ports.get(0).fail(move |_| jam.load(Ordering::Relaxed).then_some(Errno::AGAIN));
    two.server.add(UdpPort::bind("127.0.0.1:0".parse().unwrap(), &UdpOptions::default()).unwrap());
    two.call_at(0, Caller::new(text(100_000, 1)));
    two.run(|two| two.server.connections() == 1).await;
    // What came was heard, and what was to be said to it is kept.
    assert!(two.server.ports.get(0).is_blocked());
    two.call_at(1, Caller::new(text(100_000, 2)));
    two.run(|two| !two.client.service().ended.is_empty()).await;
    assert!(two.client.service().ended.pop().unwrap().hears == text(100_000, 2));
    assert!(two.server.ports.get(0).is_blocked());

    is_jammed.store(false, Ordering::Relaxed);
    two.run_out().await;
    assert!(two.client.service().ended.pop().unwrap().hears == text(100_000, 1));
}

#[tokio::test]
async fn who_waits_for_a_port_that_takes_nothing_hears_the_clock() {
    let options = Options { max_idle_timeout_ms: 500, ..Options::default() };
    let mut two = Two::new("127.0.0.1:0", Retry::Never, options);
    two.server.ports.get(0).fail(|_| Some(Errno::AGAIN));
    two.call(Caller::new(text(10, 0)));
    two.run_out().await;
    assert_eq!(two.client.service().ended[0].closed, Some(Closed::Idle));
    assert_eq!(two.server.service().ended[0].closed, Some(Closed::Idle));
}

#[tokio::test]
async fn a_device_that_cannot_cut_what_it_was_said_to_costs_calls_and_nothing_else() {
    for errno in [Errno::IO, Errno::INVAL] {
        let mut two = Two::new("127.0.0.1:0", Retry::Never, Options::default());
        for port in [two.server.ports.get(0), two.client.ports.get(0)] {
            port.fail(move |piece| (piece.bytes.len() > piece.segment_bytes).then_some(errno));
        }
        two.call(Caller::new(text(1_000_000, 0)));
        two.run_out().await;
        assert!(two.client.service().ended[0].hears == text(1_000_000, 0));
        let segments = [two.server.ports.get(0).segments(), two.client.ports.get(0).segments()];
        assert_eq!(segments, [1, 1], "{errno}");
    }
}

#[tokio::test]
async fn a_port_that_is_closed_serves_whom_it_has_and_nobody_else() {
    let mut two = Two::new("127.0.0.1:0", Retry::Never, Options::default());
    let (say, waits) = oneshot::channel();
    two.call(Caller { waits: Some(waits), ..Caller::new(text(100_000, 1)) });
    two.run(|two| two.server.connections() == 1).await;
    let local = two.server.ports().next().unwrap();
    two.server.close(local);
    two.call(Caller::new(text(10, 2)));
    say.send(()).unwrap();
    two.run_out().await;
    let ended = &two.client.service().ended;
    assert_eq!(ended.len(), 2);
    let (refused, served): (Vec<_>, Vec<_>) =
        ended.iter().partition(|caller| matches!(caller.closed, Some(Closed::Peer { code: 0x02, .. })));
    assert!(served[0].hears == text(100_000, 1));
    assert_eq!((refused.len(), refused[0].hears.len()), (1, 0));
    assert_eq!(two.server.ports().count(), 0);
}
