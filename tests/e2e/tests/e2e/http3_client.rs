//! Our client over HTTP/3: who told it so, and what it does where that is not so.

use sakigake::{
    client::{Client, Http3 as Wanted, Options, Protocol, Receiver, Resolve, Trust, Watcher},
    dev_ca::DevCa,
    service::Factory,
    tickets::Keys,
};
use sakigake_crypto::aws_lc::PROVIDER;
use sakigake_e2e::{PATIENCE, Server, Setup, example};
use sakigake_net::{
    Application as _, Clock, UdpOptions, UdpPort,
    quic::{self, Connection, Secrets, Service, Terms, Worker},
};
use sakigake_page::{Origin, Url};
use sakigake_quic::paths::Addresses;
use sakigake_semantics::{Chunk, Event, Response, StreamId};
use sakigake_session::{self as session, Carrier, Http3, OverQuic, ServerConfig};
use sakigake_tls::{self as tls, Credential};
use sakigake_wire::Instant;
use std::{
    io,
    net::SocketAddr,
    path::Path,
    sync::{Arc, mpsc},
    thread,
};

/// A server of HTTP/3 alone, on a thread of its own: it answers what `Alt-Used` and the path were, and whether that came early.
struct Alternative {
    address: SocketAddr,
}

impl Alternative {
    /// One that shows a certificate for `name`, by the authority in that folder.
    fn start(authority: &Path, name: &str) -> Self {
        let leaf = DevCa::open(authority).expect("the CA is there").leaf(&[name]).expect("a leaf").ecdsa;
        let key = (PROVIDER.signing_key)(&leaf.key).unwrap_or_else(|_| panic!("our own key is good"));
        let chain = leaf.chain.iter().map(|der| der.to_vec()).collect();
        let clock = Clock::start();
        let mut options = tls::server::Options::new(&PROVIDER);
        options.credentials =
            vec![Arc::new(Credential::load(chain, key).expect("our own certificate is good"))];
        options.alpn = vec![b"h3".to_vec()];
        options.unix_secs_at_start = clock.unix_secs_at_start();
        let tls = options.build().expect("the options are good");
        let h3 = Some(Default::default());
        let config = Arc::new(ServerConfig { tls: tls.clone(), h2: None, h3, hints: None, trace: false });
        let (told, bound) = mpsc::channel();
        thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let port = UdpPort::bind(([127, 0, 0, 1], 0).into(), &UdpOptions::default()).expect("a port");
                told.send(port.local()).expect("the test waits");
                let quic = sakigake_quic::connection::Options::default().build(&PROVIDER).expect("they fit");
                let terms = Terms { tls, quic, validation: None };
                let mut worker = Worker::server(clock, &Secrets::draw(), terms, Desk(config));
                worker.add(port);
                loop {
                    worker.turn().await.expect("a port that works");
                }
            });
        });
        Self { address: bound.recv().expect("it is bound") }
    }
}

struct Desk(Arc<ServerConfig>);

impl Service for Desk {
    type Application = Guest;

    fn accept(&mut self, _: Instant, _: &Addresses) -> Option<Guest> {
        Some(Guest { http3: Http3::server(self.0.clone()), echo: Echo::default() })
    }

    fn ended(&mut self, _: Guest) {}
}

struct Guest {
    http3: Http3,
    echo: Echo,
}

impl quic::Application for Guest {
    fn begun(&mut self, _: Instant, connection: &mut Connection) {
        self.http3.begin(connection, None);
    }

    fn heard(&mut self, now: Instant, event: quic::Event<'_>) {
        let Self { http3, echo } = self;
        http3.heard(now, event, &mut |event| echo.heard(now, event));
    }

    fn act(&mut self, now: Instant, connection: &mut Connection) {
        let Self { http3, echo } = self;
        http3.tell(&mut |event| echo.heard(now, event));
        echo.act(now, &mut OverQuic { connection, http3 });
        http3.depart(now, connection);
    }
}

#[derive(Default)]
struct Echo(Vec<(StreamId, String)>);

impl sakigake_net::Application for Echo {
    fn heard(&mut self, _: Instant, event: session::Event<'_>) {
        if let session::Event::Http(Event::Request { stream, request, .. }) = event {
            let used = request.fields.find_all(b"alt-used").next().unwrap_or(b"-");
            let text =
                format!("{} {}", String::from_utf8_lossy(request.path()), String::from_utf8_lossy(used));
            self.0.push((stream, text));
        }
    }

    fn act(&mut self, _: Instant, session: &mut dyn Carrier) {
        let Some(http) = session.http() else { return };
        for (stream, text) in self.0.drain(..) {
            http.respond(stream, &Response::new(200), false).expect("it was asked");
            http.send(stream, Chunk::Owned(text.into_bytes()), true).expect("it is short");
        }
    }
}

/// A server over TCP that says in Alt-Svc what it is asked for: `/h3=":1"` has `h3=":1"`.
fn announcer() -> Server {
    Server::start(Setup::of_service(Factory::of_fn(|request: http::Request<_>| async move {
        let value = request.uri().path()[1..].replace("%22", "\"");
        let mut response = http::Response::new(http_body_util::Full::<bytes::Bytes>::from("by TCP"));
        if !value.is_empty() {
            response.headers_mut().insert("alt-svc", value.parse().expect("a field"));
        }
        Ok::<_, std::convert::Infallible>(response)
    })))
}

#[derive(Default)]
struct Seen {
    protocol: Option<Protocol>,
    body: Vec<u8>,
    lines: Vec<String>,
}

impl Receiver for Seen {
    fn head(&mut self, protocol: Protocol, _: &Response, _: bool) -> io::Result<()> {
        self.protocol = Some(protocol);
        Ok(())
    }

    fn body(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.body.extend_from_slice(bytes);
        Ok(())
    }
}

struct Lines<'a>(&'a mut Vec<String>);

impl Watcher for Lines<'_> {
    fn wants_frames(&self) -> bool {
        true
    }

    fn frame(&mut self, _: &Origin, line: &str) {
        self.0.push(line.to_owned());
    }
}

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let work = async { tokio::time::timeout(PATIENCE, work).await.expect("in time") };
    tokio::task::LocalSet::new().block_on(&runtime, work)
}

/// By which protocol it came and what it was, or why nothing came; and what was seen on the wire.
fn get(client: &Client, url: &Url) -> (Result<(Protocol, String), String>, Vec<String>) {
    let mut seen = Seen::default();
    let mut lines = Vec::new();
    let got =
        run(client.resource(&sakigake::client::Ask::get(url.clone()), &mut Lines(&mut lines), &mut seen));
    let came = got.map_err(|error| error.to_string()).map(|_| {
        let text = String::from_utf8_lossy(&seen.body).into_owned();
        (seen.protocol.expect("a response came"), text)
    });
    seen.lines = lines;
    (came, seen.lines)
}

fn authority(server: &Server) -> &Path {
    server.ca.parent().expect("it lies in a folder")
}

fn client(server: &Server, options: Options) -> Client {
    server.client_with(options)
}

#[test]
fn an_alternative_is_followed_from_the_next_connection_on_and_told_that_it_is_one() {
    // spec: 7838-5-a
    let server = announcer();
    let alternative = Alternative::start(authority(&server), "www.saki.test");
    let client = client(&server, Options::default());
    let port = alternative.address.port();
    let (came, _) = get(&client, &server.url(&format!("/h3=%22:{port}%22")));
    assert_eq!(came, Ok((Protocol::Http2, "by TCP".into())));
    let (came, lines) = get(&client, &server.url("/x"));
    assert_eq!(came, Ok((Protocol::Http3, format!("/x www.saki.test:{port}"))), "{lines:#?}");
}

#[test]
fn an_alternative_that_cannot_show_the_origins_certificate_is_not_used_and_left_alone() {
    // spec: 7838-2.1-a 7838-2.4-a
    let server = announcer();
    let alternative = Alternative::start(authority(&server), "elsewhere.saki.test");
    let client = client(&server, Options::default());
    let port = alternative.address.port();
    let line = format!("/h3=%22:{port}%22");
    let (came, _) = get(&client, &server.url(&line));
    assert_eq!(came, Ok((Protocol::Http2, "by TCP".into())));
    let (came, lines) = get(&client, &server.url(&line));
    assert_eq!(came, Ok((Protocol::Http2, "by TCP".into())));
    let refused =
        |line: &&String| line.starts_with("QUIC: www.saki.test") && line.contains("it is for other names");
    assert_eq!(lines.iter().filter(refused).count(), 1, "{lines:#?}");
    let (came, lines) = get(&client, &server.url(&line));
    assert_eq!(came, Ok((Protocol::Http2, "by TCP".into())));
    assert!(!lines.iter().any(|line| line.contains("QUIC")), "it is not tried again: {lines:#?}");
}

#[test]
fn where_nobody_answers_over_quic_tcp_joins_after_a_short_while() {
    // spec: 7838-2.4-a
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
    let server = announcer();
    let client = client(&server, Options::default());
    let port = silent.local_addr().expect("bound").port();
    let (came, _) = get(&client, &server.url(&format!("/h3=%22:{port}%22")));
    assert_eq!(came, Ok((Protocol::Http2, "by TCP".into())));
    let began = std::time::Instant::now();
    let (came, lines) = get(&client, &server.url("/"));
    assert_eq!(came, Ok((Protocol::Http2, "by TCP".into())));
    assert!(lines.iter().any(|line| line == "QUIC: TCP was faster"), "{lines:#?}");
    assert!(began.elapsed() >= std::time::Duration::from_millis(250), "QUIC has a head start");
    let (_, lines) = get(&client, &server.url("/"));
    assert!(!lines.iter().any(|line| line.contains("QUIC")), "{lines:#?}");
}

#[test]
fn http3_alone_goes_straight_there_and_fails_where_it_cannot() {
    let server = Server::start(Setup::of(example()));
    let alternative = Alternative::start(authority(&server), "www.saki.test");
    let only = |connect_patience| {
        let resolve = |port| Resolve { host: "www.saki.test".into(), port, address: [127, 0, 0, 1].into() };
        Client::new(Options {
            http3: Wanted::Only,
            trust: Trust::File(server.ca.clone()),
            resolve: vec![resolve(alternative.address.port()), resolve(server.address.port())],
            connect_patience,
            ..Options::default()
        })
        .expect("the CA can be read")
    };
    let there = format!("https://www.saki.test:{}/x", alternative.address.port());
    let (came, _) = get(&only(PATIENCE), &Url::parse(&there).expect("it is a URL"));
    assert_eq!(came, Ok((Protocol::Http3, "/x -".into())));
    let began = std::time::Instant::now();
    let (came, _) = get(&only(PATIENCE), &server.url("/"));
    let why = came.expect_err("there is nobody");
    let port = server.address.port();
    assert!(why.contains(&format!("over QUIC: UDP port 127.0.0.1:{port} is unreachable")), "{why}");
    assert!(began.elapsed() < PATIENCE / 4, "the network said so at once");
    let _silent = std::net::UdpSocket::bind(server.address).expect("nobody has it");
    let (came, _) = get(&only(std::time::Duration::from_millis(300)), &server.url("/"));
    let why = came.expect_err("nobody speaks there");
    assert!(why.contains("over QUIC: no answer within 300ms"), "{why}");
}

#[test]
fn where_the_network_says_that_nobody_listens_tcp_joins_at_once() {
    let server = announcer();
    let client = client(&server, Options { http3: Wanted::Tried, ..Options::default() });
    let (came, lines) = get(&client, &server.url("/"));
    assert_eq!(came, Ok((Protocol::Http2, "by TCP".into())), "{lines:#?}");
    assert!(lines.iter().any(|line| line.ends_with("is unreachable")), "{lines:#?}");
    assert!(!lines.iter().any(|line| line == "QUIC: TCP was faster"), "none was running: {lines:#?}");
}

#[test]
fn what_is_tried_with_everybody_comes_by_tcp_where_nobody_speaks_it() {
    let server = announcer();
    let client = client(&server, Options { http3: Wanted::Tried, ..Options::default() });
    let (came, lines) = get(&client, &server.url("/"));
    assert_eq!(came, Ok((Protocol::Http2, "by TCP".into())), "{lines:#?}");
    assert!(lines.iter().any(|line| line.starts_with("QUIC: trying")), "{lines:#?}");
    let never = server.client_with(Options { http3: Wanted::Never, ..Options::default() });
    let (_, lines) = get(&never, &server.url("/"));
    assert!(!lines.iter().any(|line| line.contains("QUIC")), "{lines:#?}");
}

#[test]
fn a_page_comes_whole_over_http3_with_its_hints_and_warm_too() {
    let tickets = Some(tls::Tickets::new(Keys::in_memory().expect("there is chance")));
    let server = Server::start(Setup { http3: true, tickets, ..Setup::of(example()) });
    for (preload, early_hints, heard) in [(true, true, 18), (false, true, 16), (false, false, 0)] {
        let options = Options { http3: Wanted::Only, preload, early_hints, ..Options::default() };
        let client = client(&server, options);
        for visit in ["cold", "warm"] {
            let mut lines = Vec::new();
            let loaded = run(client.load(&server.url("/"), &mut Lines(&mut lines))).expect("it loads");
            let summary = loaded.load.summary();
            assert_eq!((summary.requests, summary.failures), (19, 0), "{visit}");
            assert_eq!((summary.hints.heard, summary.hints.used), (heard, heard), "{visit}: {lines:#?}");
            assert!(loaded.protocols.iter().all(|(_, name)| *name == "HTTP/3"), "{:?}", loaded.protocols);
            let resumed = lines.iter().any(|line| line.starts_with("QUIC: resumed"));
            assert_eq!(resumed, visit == "warm", "{lines:#?}");
        }
    }
}

#[test]
fn each_connection_over_http3_writes_a_qlog_file_where_a_folder_is_named() {
    let server = Server::start(Setup { http3: true, ..Setup::of(example()) });
    let qlog = server.ca.with_file_name("qlog");
    std::fs::create_dir(&qlog).expect("a folder can be made");
    let client =
        client(&server, Options { http3: Wanted::Only, qlog: Some(qlog.clone()), ..Options::default() });
    run(client.load(&server.url("/"), &mut Lines(&mut Vec::new()))).expect("it loads");
    drop(client);
    let files: Vec<_> =
        std::fs::read_dir(&qlog).expect("it is there").map(|file| file.expect("read").path()).collect();
    let [file] = &files[..] else { panic!("one connection, one file: {files:?}") };
    let text = std::fs::read_to_string(file).expect("it is text");
    let events: Vec<serde_json::Value> = text
        .split_terminator('\n')
        .map(|line| serde_json::from_str(&line[1..]).expect("JSON behind its mark"))
        .collect();
    assert_eq!(events[0]["trace"]["vantage_point"]["type"], "client");
    let asked: std::collections::BTreeSet<_> = events[1..]
        .iter()
        .filter(|event| event["name"] == "quic:packet_sent")
        .flat_map(|event| event["data"]["frames"].as_array().cloned().unwrap_or_default())
        .filter(|frame| frame["frame_type"] == "stream" && frame["fin"] == true)
        .filter_map(|frame| frame["stream_id"].as_u64())
        .filter(|stream| stream % 4 == 0) // What means nothing ends too, on a stream of its own.
        .collect();
    assert_eq!(asked.len(), 19, "a stream a request");
}

#[test]
fn what_is_sent_over_http3_arrives_whole() {
    let echo = Factory::of_fn(|request: http::Request<_>| async move {
        let body = http_body_util::BodyExt::collect(request.into_body()).await.map(|body| body.to_bytes());
        let body = body.map_err(|_| std::io::Error::other("the body broke"))?;
        Ok::<_, std::io::Error>(http::Response::new(http_body_util::Full::<bytes::Bytes>::from(body)))
    });
    let server = Server::start(Setup { http3: true, ..Setup::of_service(echo) });
    let client = client(&server, Options { http3: Wanted::Only, ..Options::default() });
    let body: Vec<u8> = (0..3_000_000_u32).map(|at| (at / 251) as u8).collect();
    let ask = sakigake::client::Ask {
        method: b"POST".to_vec(),
        body: Some(body.clone().into()),
        ..sakigake::client::Ask::get(server.url("/"))
    };
    let mut seen = Seen::default();
    let status = run(client.resource(&ask, &mut Lines(&mut Vec::new()), &mut seen)).expect("an answer");
    assert_eq!((status, seen.protocol), (200, Some(Protocol::Http3)));
    assert!(seen.body == body, "{} bytes came back", seen.body.len());
}
