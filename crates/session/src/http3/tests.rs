//! A client and a server, datagram by datagram, without any delay.

use super::*;
use core::net::SocketAddr;
use rcgen::{CertificateParams, KeyPair};
use sakigake_crypto::aws_lc::PROVIDER;
use sakigake_quic::{
    connection::{Accepted, Attempt, Chance, Connection, Options, Received},
    ids::ConnectionId,
    packet::{Door, FixedBit, Header, parse},
    paths::Addresses,
    recovery::acks::Mark,
    rules::Side,
    streams::Chunk,
};
use sakigake_semantics::{Misuse, Reason, Request, Response};
use sakigake_tls::{Credential, RejectedCertificate, Verified, Verifier};
use sakigake_wire::Entropy;

struct Counter(u64);

impl Entropy for Counter {
    fn fill(&mut self, out: &mut [u8]) {
        for byte in out {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            *byte = (self.0 >> 56) as u8;
        }
    }
}

struct Anybody;

impl Verifier for Anybody {
    fn verify_chain(&self, _: &str, _: &[&[u8]], _: u64) -> Result<Verified, RejectedCertificate> {
        Ok(Verified)
    }

    fn verify_signature(&self, _: &[u8], _: u16, _: &[u8], _: &[u8]) -> bool {
        true
    }
}

/// One end, and what it heard, in words.
struct End {
    connection: Connection,
    http3: Http3,
    heard: Vec<String>,
    requests: Vec<StreamId>,
}

struct Pair {
    now: Instant,
    client: End,
    server: End,
}

fn chance(seed: u64) -> Chance {
    Chance { tls: Box::new(Counter(seed)), quic: Box::new(Counter(seed + 1)) }
}

fn id(byte: u8) -> ConnectionId {
    ConnectionId::new(&[byte; 8]).expect("eight bytes")
}

fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

impl End {
    fn new(connection: Connection, mut http3: Http3) -> Self {
        let mut connection = connection;
        http3.begin(&mut connection, None);
        Self { connection, http3, heard: Vec::new(), requests: Vec::new() }
    }

    fn take(&mut self, now: Instant, bytes: &mut [u8], addresses: Addresses) {
        let Self { connection, http3, heard, requests } = self;
        connection.handle(now, Received { bytes, addresses, mark: Mark::NotEct }, &mut |event| {
            http3.heard(now, event, &mut |event| note(&event, heard, requests));
        });
    }

    /// What it has to say.
    fn give(&mut self, now: Instant) -> Vec<Vec<u8>> {
        let mut datagrams = Vec::new();
        let mut out = vec![0; 1 << 16];
        loop {
            let Self { connection, http3, heard, requests } = self;
            http3.tell(&mut |event| note(&event, heard, requests));
            http3.depart(now, connection);
            let Some(transmit) = connection.transmit(now, &mut out) else { return datagrams };
            datagrams.extend(out[..transmit.len].chunks(transmit.segment_bytes).map(<[u8]>::to_vec));
        }
    }

    fn carrier(&mut self) -> OverQuic<'_> {
        OverQuic { connection: &mut self.connection, http3: &mut self.http3 }
    }

    fn get(&mut self, path: &str) -> Result<StreamId, Misuse> {
        self.carrier().http().expect("HTTP/3").request(&Request::get("a.test", path), true)
    }
}

fn note(event: &Event<'_>, heard: &mut Vec<String>, requests: &mut Vec<StreamId>) {
    match event {
        Event::Ready { protocol, .. } => heard.push(format!("ready {protocol:?}")),
        Event::Http(semantics::Event::Request { stream, .. }) => requests.push(*stream),
        Event::Http(semantics::Event::Response { stream, response, .. }) => {
            heard.push(format!("{} on {}", response.status, stream.0));
        }
        Event::Http(semantics::Event::Reset { stream, .. }) => heard.push(format!("reset {}", stream.0)),
        Event::Http(semantics::Event::GoAway { .. }) => heard.push("goaway".into()),
        Event::Closed => heard.push("closed".into()),
        _ => {}
    }
}

impl Pair {
    fn new(server_quic: Options) -> Self {
        Self::between(Options::default(), server_quic)
    }

    fn between(client_quic: Options, server_quic: Options) -> Self {
        let now = Instant::from_nanos(1);
        let key = KeyPair::generate().expect("a key");
        let leaf = CertificateParams::new(vec!["a.test".into()]).and_then(|leaf| leaf.self_signed(&key));
        let leaf = leaf.expect("a certificate");
        let credential =
            Credential::from_pem(&PROVIDER, leaf.pem().as_bytes(), key.serialize_pem().as_bytes());
        let mut options = tls::server::Options::new(&PROVIDER);
        options.credentials = vec![Arc::new(credential.expect("a good pair"))];
        options.quic_alpn = vec![H3.to_vec()];
        let tls = options.build().expect("good options");
        let h3 = Some(Arc::new(h3::Config::default()));
        let config = ServerConfig { tls: tls.clone(), h2: None, h3: h3.clone(), hints: None, trace: false };
        let server = Http3::server(Arc::new(config));
        let mut options = tls::client::Options::new(&PROVIDER);
        options.verifier = Some(Arc::new(Anybody));
        options.alpn = vec![H3.to_vec()];
        let client_tls = options.build().expect("good options");
        let config = ClientConfig { tls: client_tls.clone(), h2: None, h3, trace: false };
        let client = Http3::client(Arc::new(config));

        let quic = client_quic.build(&PROVIDER).expect("good options");
        let addresses = Addresses { local: address(1), peer: address(2) };
        let attempt = Attempt {
            server_name: "a.test",
            session: None,
            token: Vec::new(),
            addresses,
            local: id(1),
            version: None,
            has_reacted: false,
        };
        let connection = Connection::client(client_tls, quic, attempt, now, chance(1)).expect("it begins");
        let mut client = End::new(connection, client);
        let first = client.give(now);
        let door = Door { side: Side::Server, id_bytes: 8, fixed_bit: FixedBit::Required };
        let packet = parse(&first[0], &door).expect("an Initial packet");
        let Header::Initial { version, dcid, scid, .. } = packet.header else { panic!("another packet") };
        let original_dcid = ConnectionId::new(dcid).expect("an id");
        let accepted = Accepted {
            version,
            original_dcid,
            retry_source: None,
            dcid: original_dcid,
            local: id(2),
            peer: ConnectionId::new(scid).expect("an id"),
            addresses: Addresses { local: address(2), peer: address(1) },
            is_validated: false,
        };
        let quic = server_quic.build(&PROVIDER).expect("good options");
        let connection = Connection::server(tls, quic, &accepted, now, chance(3));
        let mut server = End::new(connection, server);
        for mut datagram in first {
            server.take(now, &mut datagram, accepted.addresses);
        }
        let mut pair = Self { now, client, server };
        pair.talk();
        assert_eq!(
            (&pair.client.heard[..], &pair.server.heard[..]),
            (&["ready H3".to_owned()][..], &["ready H3".to_owned()][..])
        );
        pair
    }

    /// Until nobody has more to say for now.
    fn talk(&mut self) {
        for _ in 0..20 {
            self.now += Span::from_millis(30); // So that acknowledgements which were delayed are due.
            let now = self.now;
            for end in [&mut self.client, &mut self.server] {
                if end.connection.deadline().is_some_and(|due| due <= now) {
                    let End { connection, http3, heard, requests } = end;
                    connection.expire(now, &mut |event| {
                        http3.heard(now, event, &mut |event| note(&event, heard, requests));
                    });
                }
                if end.http3.deadline().is_some_and(|due| due <= now) {
                    end.http3.expire(now);
                }
            }
            for mut datagram in self.server.give(now) {
                self.client.take(now, &mut datagram, Addresses { local: address(1), peer: address(2) });
            }
            for mut datagram in self.client.give(now) {
                self.server.take(now, &mut datagram, Addresses { local: address(2), peer: address(1) });
            }
        }
    }

    fn answer(&mut self) {
        for stream in core::mem::take(&mut self.server.requests) {
            let response = Response { status: 200, fields: Default::default() };
            self.server
                .carrier()
                .http()
                .expect("HTTP/3")
                .respond(stream, &response, true)
                .expect("it is open");
        }
        self.talk();
    }
}

#[test]
fn who_drains_serves_what_is_under_way_and_ends_without_an_error() {
    let mut pair = Pair::new(Options::default());
    pair.client.get("/").expect("it may");
    pair.talk();
    let now = pair.now;
    pair.server.carrier().close(now);
    pair.talk();
    assert!(pair.client.heard.contains(&"goaway".to_owned()), "{:?}", pair.client.heard);
    assert!(pair.server.http3.outcome().is_none(), "a request is under way");
    assert_eq!(pair.client.get("/late"), Err(Misuse::Closing));
    pair.answer();
    for _ in 0..10 {
        pair.talk(); // The second GOAWAY waits for a while.
    }
    // Either may close: nothing is under way, and nothing will be.
    assert_eq!(pair.client.heard, ["ready H3", "goaway", "goaway", "200 on 0"]);
    assert!(matches!(pair.server.http3.outcome(), Some(Ok(()))));
    assert!(matches!(pair.client.http3.outcome(), Some(Ok(()))));
}

#[test]
fn a_rule_that_the_peer_breaks_ends_the_connection_with_its_code_and_in_words() {
    let mut pair = Pair::new(Options::default());
    // A second control stream (RFC 9114 section 6.2.1).
    let second = pair.client.connection.open(Direction::Unidirectional).expect("it may");
    pair.client.connection.write(second, Chunk::Owned(vec![0])).expect("there is room");
    pair.talk();
    let Some(Err(Fault::H3(fault))) = pair.server.http3.outcome() else { panic!("no fault was found") };
    assert_eq!(fault.code(), h3::ErrorCode::StreamCreationError);
    let Some(Err(fault)) = pair.client.http3.outcome() else { panic!("it was told nothing") };
    let Fault::Quic(Closed::Peer { code: 0x103, frame_type: None, .. }) = fault else { panic!("{fault:?}") };
    assert!(
        fault.to_string().starts_with("QUIC: the peer closed the connection with application error 0x103: ")
    );
    assert_eq!(pair.client.heard.last().map(String::as_str), Some("closed"));
}

#[test]
fn a_request_that_is_given_up_before_it_left_keeps_its_number() {
    let mut pair = Pair::new(Options::default());
    let streams = ["/a", "/b", "/c"].map(|path| pair.client.get(path).expect("it may"));
    pair.client.carrier().http().expect("HTTP/3").reset(streams[1], Reason::Cancel);
    pair.talk();
    pair.answer();
    pair.client.get("/d").expect("it may");
    pair.talk();
    pair.answer();
    let answered: Vec<_> =
        pair.client.heard.iter().filter(|heard| heard.starts_with("200")).cloned().collect();
    assert_eq!(answered, ["200 on 0", "200 on 8", "200 on 12"]);
}

#[test]
fn a_request_that_is_given_up_before_it_comes_gives_its_stream_back() {
    let mut options = Options::default();
    options.limits.streams.bidirectional_streams = 2;
    let mut pair = Pair::new(options);
    for _ in 0..5 {
        let lost = pair.client.connection.open(Direction::Bidirectional).expect("each one before is over");
        pair.client.connection.reset(lost, 0x10c).expect("it is open");
        pair.talk();
        assert_eq!(pair.server.connection.live_streams(Direction::Bidirectional), 0);
    }
}

#[test]
fn qpack_begins_no_instruction_for_whose_end_there_is_no_credit() {
    // spec: 9204-2.1.3-a
    let mut options = Options::default();
    options.limits.streams.initial_stream_window_bytes = 120;
    let mut pair = Pair::new(options);
    // A client's third unidirectional stream; the second one is for what means nothing, of which there is none here.
    let instructions = sakigake_quic::streams::StreamId::new(6).expect("an id");
    for number in 0..20 {
        let mut request = Request::get("a.test", "/");
        for line in 0..4 {
            request = request.with(&format!("x-{line}"), &format!("{number} and so on, and so on"));
        }
        pair.client.carrier().http().expect("HTTP/3").request(&request, true).expect("it may");
        let (now, connection) = (pair.now, &mut pair.client.connection);
        pair.client.http3.depart(now, connection);
        let sent = pair.client.give(now);
        assert_eq!(pair.client.connection.queued(instructions), Ok(0), "{number}");
        for mut datagram in sent {
            pair.server.take(now, &mut datagram, Addresses { local: address(2), peer: address(1) });
        }
        if number % 4 == 3 {
            pair.talk();
            pair.answer();
        }
    }
    assert_eq!(pair.client.heard.iter().filter(|heard| heard.starts_with("200")).count(), 20);
}

/// A client that grants so many bytes a stream, reads nothing, and lets the server know that it is there while so many seconds pass.
fn asked_and_not_read(window_bytes: u64, seconds: u64, mut meanwhile: impl FnMut(&mut Pair)) -> Pair {
    let mut options = Options::default();
    options.limits.streams.initial_stream_window_bytes = window_bytes;
    let mut pair = Pair::between(options, Options::default());
    for path in ["/a", "/b"] {
        pair.client.get(path).expect("it may");
    }
    pair.talk();
    let response = Response { status: 200, fields: Default::default() };
    for stream in core::mem::take(&mut pair.server.requests) {
        let mut server = pair.server.carrier();
        let http = server.http().expect("HTTP/3");
        http.respond(stream, &response, false).expect("it is open");
        http.send(stream, semantics::Chunk::Owned(vec![7; 20_000]), true).expect("there is room");
    }
    for _ in 0..seconds {
        meanwhile(&mut pair);
        pair.client.connection.ping();
        pair.talk();
        pair.now += Span::from_millis(400); // A second, with what was said.
    }
    pair
}

#[test]
fn who_gives_no_credit_for_an_answer_that_has_left_the_engine_does_not_keep_it() {
    let pair = asked_and_not_read(1_000, 130, |_| {});
    let mut heard = pair.client.heard.iter().filter(|heard| heard.starts_with("reset"));
    assert_eq!((heard.next(), heard.next()), (Some(&"reset 0".to_owned()), Some(&"reset 4".to_owned())));
    assert_eq!(pair.server.connection.live_streams(Direction::Bidirectional), 0);
    assert!(pair.server.http3.outcome().is_none(), "the connection goes on");
}

#[test]
fn who_acknowledges_nothing_of_an_answer_does_not_keep_it() {
    let forever = || Options { max_idle_timeout_ms: 0, ..Options::default() };
    let mut pair = Pair::between(forever(), forever());
    let id = pair.client.get("/a").expect("it may");
    pair.talk();
    let mut server = pair.server.carrier();
    let http = server.http().expect("HTTP/3");
    http.respond(id, &Response { status: 200, fields: Default::default() }, false).expect("it is open");
    http.send(id, semantics::Chunk::Owned(vec![7; 60_000]), true).expect("there is room");
    // Each probe brings something new; they come ever more seldom.
    for second in 0..400 {
        pair.now += Span::from_secs(1);
        let now = pair.now;
        let End { connection, http3, .. } = &mut pair.server;
        if connection.deadline().is_some_and(|due| due <= now) {
            connection.expire(now, &mut |event| http3.heard(now, event, &mut |_| ()));
        }
        drop(pair.server.give(now)); // The client does not hear it, but is there.
        pair.client.connection.ping();
        for mut datagram in pair.client.give(now) {
            pair.server.take(now, &mut datagram, Addresses { local: address(2), peer: address(1) });
        }
        assert!(second > 50 || pair.server.connection.waiting_streams(true).count() == 1, "not at once");
    }
    assert_eq!(pair.server.connection.waiting_streams(true).count(), 0);
    assert!(pair.server.http3.outcome().is_none(), "the connection goes on");
}

#[test]
fn who_takes_an_answer_slowly_gets_it() {
    let pair = asked_and_not_read(1_000, 200, |pair| {
        for id in [0, 4] {
            let id = sakigake_quic::streams::StreamId::new(id).expect("an id");
            pair.client.connection.consume(id, 40); // As many bytes a second.
        }
    });
    assert!(!pair.client.heard.iter().any(|heard| heard.starts_with("reset")), "{:?}", pair.client.heard);
    assert_eq!(pair.server.connection.live_streams(Direction::Bidirectional), 2);
}

#[test]
fn as_many_requests_are_made_as_the_server_lets_streams_be_opened() {
    let mut options = Options::default();
    options.limits.streams.bidirectional_streams = 2;
    let mut pair = Pair::new(options);
    assert!(pair.client.get("/a").is_ok() && pair.client.get("/b").is_ok());
    assert_eq!(pair.client.get("/c"), Err(Misuse::TooManyStreams));
    pair.talk();
    pair.answer();
    assert!(pair.client.get("/c").is_ok(), "those that are over make room");
}

#[test]
fn a_servers_settings_are_remembered_beside_its_ticket() {
    let settings = h3::Settings { qpack_blocked_streams: 7, preload: false, ..h3::Settings::default() };
    let mut bytes = vec![0, 0, 0, 1];
    assert_eq!(remembered::find(&bytes), None);
    assert!(remembered::append(&mut bytes, &settings));
    assert_eq!(remembered::find(&bytes), Some(settings));
    for len in 0..bytes.len() {
        assert_eq!(remembered::find(&bytes[..len]), None, "{len}");
    }
}
