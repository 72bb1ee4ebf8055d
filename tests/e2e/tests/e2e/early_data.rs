//! Requests in a returning client's first flight (0-RTT): answered in the server's, told to services, taken once, and only
//! where nothing is changed by them.

use super::embedded::pems;
use bytes::Bytes;
use http_body_util::Full;
use sakigake::{
    Server,
    access_log::AccessLog,
    dev_ca::DevCa,
    replay::Register,
    server::Running,
    service::{EarlyData, Factory, Peer},
};
use sakigake_crypto::aws_lc::PROVIDER;
use sakigake_e2e::{PATIENCE, Scratch};
use sakigake_net::{Clock, SystemEntropy, unix_secs};
use sakigake_semantics::{Event, Request, StreamId};
use sakigake_session::{self as session, ClientConfig, Session};
use sakigake_tls::{
    self as tls,
    extension::TicketRequest,
    server::{AntiReplay, EarlyDataPolicy, Seen},
};
use std::{
    collections::BTreeMap,
    convert::Infallible,
    fs,
    io::{Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

/// A register that has been there for long enough to know, and that servers which share keys share too, or not.
struct Old(Mutex<Seen>, bool);

impl AntiReplay for Old {
    fn is_first(&self, unix_ms: u64, until_unix_ms: u64, binder: &[u8]) -> bool {
        self.0.lock().is_ok_and(|mut seen| seen.is_first(unix_ms, until_unix_ms, binder))
    }

    fn is_shared(&self) -> bool {
        self.1
    }
}

pub(crate) fn old(is_shared: bool) -> EarlyDataPolicy {
    let seen = Seen::new((unix_secs() - 600) * 1_000, 22_000, 1_000);
    EarlyDataPolicy::new(Arc::new(Old(Mutex::new(seen), is_shared)))
}

fn policy() -> EarlyDataPolicy {
    old(false)
}

/// Says what it was told of a request, and counts them.
fn service(asked: &Arc<AtomicUsize>) -> Factory {
    let asked = asked.clone();
    Factory::of_fn(move |request| {
        asked.fetch_add(1, Ordering::SeqCst);
        let is_early = request.extensions().get::<EarlyData>().is_some();
        let field =
            request.headers().get("early-data").map(|value| value.as_bytes().escape_ascii().to_string());
        let text = format!("{} {is_early} {}", request.method(), field.unwrap_or_default());
        // Keying material is there as soon as the handshake is over.
        let is_bound = request.extensions().get::<Peer>().is_some_and(|peer| peer.exporter().is_some());
        let mut response = http::Response::new(Full::new(Bytes::from(text)));
        response.headers_mut().insert("x-bound", is_bound.to_string().parse().expect("a value"));
        async move { Ok::<_, Infallible>(response) }
    })
}

/// Whoever comes to 127.0.0.1, and believes every certificate: what is shown is not what is tested here.
struct Credulous;

impl tls::Verifier for Credulous {
    fn verify_chain(&self, _: &str, _: &[&[u8]], _: u64) -> Result<tls::Verified, tls::RejectedCertificate> {
        Ok(tls::Verified)
    }

    fn verify_signature(&self, _: &[u8], _: u16, _: &[u8], _: &[u8]) -> bool {
        true
    }
}

fn client(alpn: &[u8]) -> Arc<ClientConfig> {
    let mut options = tls::client::Options::new(&PROVIDER);
    options.verifier = Some(Arc::new(Credulous));
    options.alpn = vec![alpn.to_vec()];
    options.unix_secs_at_start = unix_secs();
    options.tickets = Some(TicketRequest { new_session_count: 1, resumption_count: 1 });
    options.early_data = true;
    let tls = options.build().expect("good options");
    Arc::new(ClientConfig { tls, h2: Some(sakigake_h2::Config::default()), h3: None, trace: false })
}

/// One connection: what came of it.
#[derive(Default)]
struct Talk {
    /// Bodies, in the order of the requests.
    answers: BTreeMap<StreamId, Vec<u8>>,
    ended: usize,
    early_data: tls::EarlyData,
    ticket: Option<tls::Session>,
    /// The client's first write.
    first_flight: Vec<u8>,
}

/// Asks by these methods, of another host behind an `@`, early where that is possible, until all are answered and a ticket has come.
fn talk(address: SocketAddr, ticket: Option<tls::Session>, methods: &[&str]) -> Talk {
    let (clock, mut talk, mut has_asked) = (Clock::start(), Talk::default(), false);
    let mut stream = TcpStream::connect(address).expect("the server listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let entropy = Box::new(SystemEntropy);
    let session = Session::resume(client(b"h2"), "localhost", ticket, clock.now(), entropy);
    let mut session = session.expect("a good name");
    let mut buffer = vec![0; 65_536];
    loop {
        if let Some(http) = session.http().filter(|_| !has_asked) {
            has_asked = true;
            for method in methods {
                let (method, authority) = method.split_once('@').unwrap_or((method, "localhost"));
                let request = Request::new(method, authority, "/");
                talk.answers.insert(http.request(&request, true).expect("a stream"), Vec::new());
            }
        }
        while let Some(len) = session.transmit(clock.now(), &mut buffer) {
            stream.write_all(&buffer[..len]).expect("the server takes it");
            if talk.first_flight.is_empty() {
                talk.first_flight = buffer[..len].to_vec();
            }
        }
        if has_asked && talk.ended == methods.len() && talk.ticket.is_some() {
            return talk;
        }
        let len = stream.read(&mut buffer).expect("the server answers");
        assert!(len > 0, "the connection ends before all is answered");
        let mut hear = |event: session::Event<'_>| match event {
            session::Event::Ready { early_data, .. } => talk.early_data = early_data,
            session::Event::Ticket(ticket) => talk.ticket = Some(*ticket),
            session::Event::Http(Event::Response { end, .. }) => talk.ended += usize::from(end),
            session::Event::Http(Event::Data { stream, bytes, end }) => {
                talk.answers.entry(stream).or_default().extend_from_slice(bytes);
                talk.ended += usize::from(end);
            }
            _ => {}
        };
        session.handle(clock.now(), &mut buffer[..len], &mut hear).expect("the server keeps to the rules");
    }
}

fn answers(talk: &Talk) -> Vec<String> {
    talk.answers.values().map(|body| String::from_utf8_lossy(body).into_owned()).collect()
}

fn server(asked: &Arc<AtomicUsize>, change: impl FnOnce(Server) -> Server) -> Running {
    let server = Server::new().service(service(asked)).listen((Ipv4Addr::LOCALHOST, 0).into()).workers(2);
    change(server.log(AccessLog::off())).start().expect("it serves")
}

#[test]
fn a_service_is_told_what_came_early_and_what_changes_anything_waits() {
    // spec: 8470-5.1-a spec: 8470-3-a
    let asked = Arc::<AtomicUsize>::default();
    let running = server(&asked, |server| server.early_data(policy()));
    let address = running.addresses()[0];
    let first = talk(address, None, &["GET"]);
    assert_eq!(answers(&first), ["GET false "]);
    let second = talk(address, first.ticket, &["GET", "POST", "HEAD", "DELETE", "OPTIONS"]);
    assert!(matches!(second.early_data, tls::EarlyData::Accepted { .. }));
    assert_eq!(answers(&second), ["GET true 1", "POST false ", "", "DELETE false ", "OPTIONS true 1"]);
    // Whatever that host says to it: it waits, since it may take no early data.
    let third = talk(address, second.ticket, &["GET@other.localhost", "GET"]);
    assert!(matches!(third.early_data, tls::EarlyData::Accepted { .. }));
    let [other, own] = <[String; 2]>::try_from(answers(&third)).expect("two answers");
    assert!(!other.contains("true") && own == "GET true 1", "{other} {own}");
    running.stop();
}

#[test]
fn a_server_that_was_not_told_to_takes_none() {
    let asked = Arc::<AtomicUsize>::default();
    let running = server(&asked, |server| server);
    let address = running.addresses()[0];
    let first = talk(address, None, &["GET"]);
    assert_eq!(first.ticket.as_ref().map(|ticket| ticket.max_early_data), Some(0));
    let second = talk(address, first.ticket, &["GET"]);
    assert_eq!((answers(&second), second.early_data), (vec!["GET false ".into()], tls::EarlyData::None));
    running.stop();
}

#[test]
fn a_first_flight_that_comes_again_is_not_answered_early() {
    let asked = Arc::<AtomicUsize>::default();
    let running = server(&asked, |server| server.early_data(policy()));
    let address = running.addresses()[0];
    let first = talk(address, None, &["GET"]);
    let second = talk(address, first.ticket, &["GET"]);
    assert!(matches!(second.early_data, tls::EarlyData::Accepted { .. }));
    for _ in 0..4 {
        let mut stream = TcpStream::connect(address).expect("the server listens"); // Either worker may get it.
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        stream.write_all(&second.first_flight).expect("the server takes it");
        stream.shutdown(Shutdown::Write).expect("a socket");
        let mut flight = Vec::new();
        // It ends by a reset or an end, whichever comes: nobody finishes that handshake.
        let _ = stream.read_to_end(&mut flight);
        assert!(flight.len() > 100, "the handshake goes on: {} bytes", flight.len());
    }
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    running.stop();
}

#[test]
fn servers_that_share_keys_take_early_data_only_where_they_share_a_register() {
    let (asked, folder) = (Arc::<AtomicUsize>::default(), Scratch::new());
    let [chain, key, keys] = ["chain.pem", "key.pem", "tickets.keys"].map(|name| folder.path().join(name));
    let leaf = DevCa::open(folder.path()).and_then(|ca| ca.leaf(&["localhost"])).expect("a CA can be made");
    for (path, text) in [&chain, &key].into_iter().zip(pems(&leaf.ecdsa)) {
        fs::write(path, text).expect("the folder is ours");
    }
    let start = |policy: EarlyDataPolicy| {
        let server =
            Server::new().service(service(&asked)).listen((Ipv4Addr::LOCALHOST, 0).into()).workers(1);
        server.certificate(&chain, &key).ticket_keys(&keys).early_data(policy).log(AccessLog::off()).start()
    };
    assert!(matches!(start(Register::policy()), Err(sakigake::Error::EarlyDataWithSharedKeys)));
    let policy = old(true);
    let servers = [(); 2].map(|()| start(policy.clone()).expect("their register is one"));
    let [one, other] = [0, 1].map(|at| servers[at].addresses()[0]);
    let second = talk(other, talk(one, None, &["GET"]).ticket, &["GET"]);
    assert!(matches!(second.early_data, tls::EarlyData::Accepted { .. }));
    for address in [one, other] {
        let mut stream = TcpStream::connect(address).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        stream.write_all(&second.first_flight).expect("the server takes it");
        stream.shutdown(Shutdown::Write).expect("a socket");
        let _ = stream.read_to_end(&mut Vec::new()); // Nobody finishes that handshake.
    }
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    servers.into_iter().for_each(|server| server.stop());
}

/// One connection over HTTP/1.1.
struct Plainly {
    clock: Clock,
    stream: TcpStream,
    session: Session,
    text: String,
    ticket: Option<tls::Session>,
    early_data: tls::EarlyData,
}

impl Plainly {
    fn begin(address: SocketAddr, ticket: Option<tls::Session>) -> Self {
        let (clock, entropy) = (Clock::start(), Box::new(SystemEntropy));
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        let session = Session::resume(client(b"http/1.1"), "localhost", ticket, clock.now(), entropy);
        let (session, text, ticket) = (session.expect("a good name"), String::new(), None);
        Self { clock, stream, session, text, ticket, early_data: tls::EarlyData::None }
    }

    /// Sends what waits, and this.
    fn send(&mut self, request: &str) {
        assert_eq!(self.session.write(request.as_bytes()), request.len(), "now is no time");
        self.flush();
    }

    fn flush(&mut self) {
        let mut buffer = vec![0; 65_536];
        while let Some(len) = self.session.transmit(self.clock.now(), &mut buffer) {
            self.stream.write_all(&buffer[..len]).expect("the server takes it");
        }
    }

    /// Listens, and says nothing, not even what the handshake wants.
    fn listen(&mut self, is_over: impl Fn(&Self) -> bool) {
        let mut buffer = vec![0; 65_536];
        while !is_over(self) {
            let len = self.stream.read(&mut buffer).expect("the server answers");
            assert!(len > 0, "the connection ends: {}", self.text);
            let Self { session, text, ticket, early_data: told, .. } = self;
            let mut hear = |event: session::Event<'_>| match event {
                session::Event::Ready { early_data, .. } => *told = early_data,
                session::Event::Ticket(session) => *ticket = Some(*session),
                session::Event::Bytes(bytes) => text.push_str(&String::from_utf8_lossy(bytes)),
                _ => {}
            };
            session
                .handle(self.clock.now(), &mut buffer[..len], &mut hear)
                .expect("the server keeps to the rules");
        }
    }
}

#[test]
fn over_http_1_1_what_may_be_is_answered_in_the_servers_first_flight_and_the_rest_is_too_early() {
    // spec: 8470-3-a spec: 8470-5.1-a
    let asked = Arc::<AtomicUsize>::default();
    let running = server(&asked, |server| server.early_data(policy()));
    let address = running.addresses()[0];
    let mut first = Plainly::begin(address, None);
    first.flush();
    first.listen(|first| first.session.is_ready());
    first.send("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n");
    first.listen(|first| first.text.ends_with("GET false ") && first.ticket.is_some());
    let mut ticket = first.ticket;
    for (request, answer) in [
        ("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n", "GET true 1"),
        ("OPTIONS / HTTP/1.1\r\nhost: localhost\r\nearly-data: 0\r\n\r\n", "OPTIONS true 1"),
        ("POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n", "</html>\n"),
        ("GET / HTTP/1.1\r\nhost: other.localhost\r\n\r\n", "</html>\n"),
        (
            "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
            "</html>\n",
        ),
    ] {
        let mut again = Plainly::begin(address, ticket.take());
        again.send(request);
        // Our Finished waits: whatever comes is an answer to early data.
        again.listen(|again| again.text.ends_with(answer));
        let is_refused = again.text.starts_with("HTTP/1.1 425 ");
        assert_eq!(is_refused, answer == "</html>\n", "{}", again.text);
        assert!(is_refused || again.text.starts_with("HTTP/1.1 200 "), "{}", again.text);
        assert_ne!(is_refused, again.text.contains("x-bound: false\r\n"), "{}", again.text);
        assert!(matches!(again.early_data, tls::EarlyData::Accepted { .. }), "{request}");
        again.send("DELETE / HTTP/1.1\r\nhost: localhost\r\n\r\n");
        again.listen(|again| again.text.ends_with("DELETE false ") && again.ticket.is_some());
        assert!(again.text.contains("x-bound: true\r\n"), "{}", again.text);
        ticket = again.ticket;
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1 + 5 + 2, "what is too early is nobody's");
    running.stop();
}
