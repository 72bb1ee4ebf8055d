//! What an HTTP/3 connection holds at a server while it waits for the next request.

use rcgen::{CertificateParams, KeyPair};
use sakigake_alloc::{during, is_counting};
use sakigake_crypto::aws_lc::{self, PROVIDER};
use sakigake_h3 as h3;
use sakigake_quic::{
    connection::{Accepted, Attempt, Chance, Connection, Options, Received},
    ids::ConnectionId,
    packet::{self, Door, FixedBit, Header},
    paths::Addresses,
    recovery::acks::Mark,
    rules::Side,
};
use sakigake_semantics::{self as semantics, Chunk, Request, Response, StreamId};
use sakigake_session::{Carrier, ClientConfig, Event, Http3, OverQuic, ServerConfig};
use sakigake_tls::{self as tls, Credential, RejectedCertificate, Verified, Verifier};
use sakigake_wire::{Entropy, Instant, Span};
use std::sync::Arc;

/// Heap bytes of a connection that waits, after an answered request: QUIC, TLS, HTTP/3 and their values themselves.
/// The goal is 10,240 with the server's own part, a kilobyte that is not here.
const IDLE_BYTES: i64 = 9_216;

struct System;

impl Entropy for System {
    fn fill(&mut self, out: &mut [u8]) {
        aws_lc::random(out);
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

struct Configs {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
}

fn configs() -> Configs {
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["a.test".into()]).unwrap().self_signed(&key).unwrap().pem();
    let credential =
        Credential::from_pem(&PROVIDER, leaf.as_bytes(), key.serialize_pem().as_bytes()).unwrap();
    let server = tls::server::Options {
        credentials: vec![Arc::new(credential)],
        quic_alpn: vec![b"h3".to_vec()],
        ..tls::server::Options::new(&PROVIDER)
    };
    let client = tls::client::Options {
        verifier: Some(Arc::new(Anybody)),
        alpn: vec![b"h3".to_vec()],
        ..tls::client::Options::new(&PROVIDER)
    };
    let h3 = Some(Arc::new(h3::Config::default()));
    Configs {
        client: Arc::new(ClientConfig {
            tls: client.build().unwrap(),
            h2: None,
            h3: h3.clone(),
            trace: false,
        }),
        server: Arc::new(ServerConfig {
            tls: server.build().unwrap(),
            h2: None,
            h3,
            hints: None,
            trace: false,
        }),
    }
}

/// One side, and what has come to it.
struct End {
    connection: Box<Connection>,
    http3: Box<Http3>,
    requests: Vec<StreamId>,
    body_bytes: usize,
    next_id: u64,
}

fn chance() -> Chance {
    Chance { tls: Box::new(System), quic: Box::new(System) }
}

fn addresses() -> Addresses {
    Addresses { local: "192.0.2.1:4000".parse().unwrap(), peer: "192.0.2.2:443".parse().unwrap() }
}

impl End {
    fn new(mut connection: Connection, http3: Http3, ids_from: u64) -> Self {
        let mut http3 = Box::new(http3.greased(&mut System));
        http3.begin(&mut connection, None);
        Self {
            connection: Box::new(connection),
            http3,
            requests: Vec::new(),
            body_bytes: 0,
            next_id: ids_from,
        }
    }

    fn http(&mut self, act: impl FnOnce(&mut dyn semantics::Http)) {
        let Self { connection, http3, .. } = self;
        act(OverQuic { connection, http3 }.http().unwrap());
    }

    fn take(&mut self, now: Instant, bytes: &mut [u8], addresses: Addresses) {
        let Self { connection, http3, requests, body_bytes, .. } = self;
        connection.handle(now, Received { bytes, addresses, mark: Mark::NotEct }, &mut |event| {
            http3.heard(now, event, &mut |event| match event {
                Event::Http(semantics::Event::Request { stream, .. }) => requests.push(stream),
                Event::Http(semantics::Event::Data { bytes, .. }) => *body_bytes += bytes.len(),
                _ => {}
            });
        });
    }

    /// What it has to say goes to the other one; whether that was something.
    fn give(&mut self, now: Instant, out: &mut [u8], to: &mut Self) -> bool {
        let mut has_spoken = false;
        while self.connection.ids_wanted() > 0 {
            self.next_id += 1;
            self.connection.issue(ConnectionId::new(&self.next_id.to_be_bytes()).unwrap());
        }
        loop {
            self.http3.tell(&mut |_| {});
            self.http3.depart(now, &mut self.connection);
            let Some(sent) = self.connection.transmit(now, out) else { return has_spoken };
            has_spoken = true;
            let Addresses { local, peer } = sent.addresses;
            for bytes in out[..sent.len].chunks_mut(sent.segment_bytes) {
                to.take(now, bytes, Addresses { local: peer, peer: local });
            }
        }
    }
}

/// A connection whose client was answered once, and which nobody has used for ten seconds since.
fn idle(configs: &Configs) -> (End, End) {
    let mut now = Instant::from_nanos(0);
    let quic = Options::default().build(&PROVIDER).unwrap();
    let attempt = Attempt {
        server_name: "a.test",
        session: None,
        token: Vec::new(),
        addresses: addresses(),
        local: ConnectionId::new(&[1; 8]).unwrap(),
        version: None,
        has_reacted: false,
    };
    let connection =
        Connection::client(configs.client.tls.clone(), quic.clone(), attempt, now, chance()).unwrap();
    let mut client = End::new(connection, Http3::client(configs.client.clone()), 1 << 32);
    let mut out = vec![0; 65_535];
    let sent = client.connection.transmit(now, &mut out).unwrap();
    let door = Door { side: Side::Server, id_bytes: 8, fixed_bit: FixedBit::Required };
    let Header::Initial { version, dcid, scid, .. } = packet::parse(&out, &door).unwrap().header else {
        panic!("a client begins with an Initial packet")
    };
    let (dcid, scid) = (ConnectionId::new(dcid).unwrap(), ConnectionId::new(scid).unwrap());
    let Addresses { local, peer } = addresses();
    let accepted = Accepted {
        version,
        original_dcid: dcid,
        retry_source: None,
        dcid,
        local: ConnectionId::new(&[2; 8]).unwrap(),
        peer: scid,
        addresses: Addresses { local: peer, peer: local },
        is_validated: true,
    };
    let connection = Connection::server(configs.server.tls.clone(), quic, &accepted, now, chance());
    let mut server = End::new(connection, Http3::server(configs.server.clone()), 0);
    for bytes in out[..sent.len].chunks_mut(sent.segment_bytes) {
        server.take(now, bytes, accepted.addresses);
    }
    let mut has_asked = false;
    for _ in 0..10_000 {
        while server.give(now, &mut out, &mut client) | client.give(now, &mut out, &mut server) {}
        if client.http3.is_ready() && !std::mem::replace(&mut has_asked, true) {
            client.http(|http| assert!(http.request(&Request::get("a.test", "/"), true).is_ok()));
        }
        for stream in std::mem::take(&mut server.requests) {
            server.http(|http| {
                http.respond(stream, &Response::new(200), false).unwrap();
                http.send(stream, Chunk::Owned(vec![7; 1_024]), true).unwrap();
            });
        }
        now += Span::from_millis(1);
        for end in [&mut client, &mut server] {
            if end.connection.deadline().is_some_and(|due| due <= now) {
                let End { connection, http3, .. } = end;
                connection.expire(now, &mut |event| http3.heard(now, event, &mut |_| {}));
            }
        }
    }
    (client, server)
}

#[test]
fn a_connection_over_http3_that_waits_at_a_server_holds_little() {
    if !is_counting() {
        return;
    }
    let configs = configs();
    drop(idle(&configs)); // What is made once a process.
    let (client, server) = idle(&configs);
    assert_eq!(client.body_bytes, 1_024, "the request was answered");
    let End { connection, http3, .. } = server;
    let quic = -during(|| drop(connection)).1.held_bytes;
    let http = -during(|| drop(http3)).1.held_bytes;
    println!("QUIC {quic} bytes, HTTP {http} bytes");
    assert!(quic + http <= IDLE_BYTES, "QUIC {quic}, HTTP {http}");
}
