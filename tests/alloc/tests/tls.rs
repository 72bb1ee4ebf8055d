//! What a TLS connection allocates, in Rust and in C: nothing for a record, and little while it waits.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use sakigake_alloc::{during, is_counting};
use sakigake_crypto::aws_lc::{self, PROVIDER};
use sakigake_tls::{Connection, Credential, Event, WebPki, client, server};
use sakigake_wire::{Entropy, Instant};
use std::{
    sync::{Arc, LazyLock},
    time::SystemTime,
};

const NOW: Instant = Instant::from_nanos(0);

/// The goal for a connection that waits (its own value in a box included).
const IDLE_BYTES: i64 = 4_096;

/// The goal for what Rust's code asks for in a handshake, both sides together: the provider's C asks besides.
const HANDSHAKE_CALLS: u64 = 80;

/// What [`connected`] asks for itself: the boxes of both ends, and what lies between them.
const OWN_CALLS: u64 = 3;

struct System;

impl Entropy for System {
    fn fill(&mut self, out: &mut [u8]) {
        aws_lc::random(out);
    }
}

static CONFIGS: LazyLock<(Arc<client::Config>, Arc<server::Config>)> = LazyLock::new(|| {
    let authority_key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&authority_key).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["localhost".into()]).unwrap();
    let leaf = leaf.signed_by(&key, &Issuer::new(params, authority_key)).unwrap();
    let pem = (leaf.pem(), key.serialize_pem());
    let credential = Credential::from_pem(&PROVIDER, pem.0.as_bytes(), pem.1.as_bytes()).unwrap();
    let mut verifier = WebPki::new(&PROVIDER);
    verifier.trust(authority.der()).unwrap();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let client = client::Options {
        verifier: Some(Arc::new(verifier)),
        unix_secs_at_start: now.as_secs(),
        ..client::Options::new(&PROVIDER)
    };
    let server =
        server::Options { credentials: vec![Arc::new(credential)], ..server::Options::new(&PROVIDER) };
    (client.build().unwrap(), server.build().unwrap())
});

/// Two ends whose handshake is over.
fn connected() -> (Box<Connection>, Box<Connection>) {
    let (client, server) = &*CONFIGS;
    let client = Connection::client(client.clone(), "localhost", NOW, Box::new(System)).unwrap();
    let server = Connection::server(server.clone(), NOW, Box::new(System));
    let (mut client, mut server) = (Box::new(client), Box::new(server));
    let mut out = vec![0; 16_384];
    for _ in 0..2 {
        for (from, to) in [(0, 1), (1, 0)] {
            let ends = [&mut client, &mut server];
            let len = transmit(ends[from], &mut out);
            let ends = [&mut client, &mut server];
            ends[to].handle(NOW, &mut out[..len], &mut |_| {}).unwrap();
        }
    }
    assert!(client.is_established() && server.is_established());
    (client, server)
}

fn transmit(connection: &mut Connection, out: &mut [u8]) -> usize {
    let mut len = 0;
    while let Some(more) = connection.transmit(NOW, &mut out[len..]) {
        len += more;
    }
    len
}

#[test]
fn neither_a_record_that_leaves_nor_one_that_comes_allocates() {
    if !is_counting() {
        return;
    }
    let (mut client, mut server) = connected();
    let (content, mut out) = (vec![7; 16_384], vec![0; 20_000]);
    for len in [1, 100, 16_384] {
        let (sealed, sealing) = during(|| {
            server.seal(&mut out, &mut |place| {
                place[..len].copy_from_slice(&content[..len]);
                len
            })
        });
        let mut heard = 0;
        let ((), opening) = during(|| {
            let mut hear = |event: Event<'_>| {
                if let Event::Data(data) = event {
                    heard += data.len();
                }
            };
            client.handle(NOW, &mut out[..sealed], &mut hear).unwrap();
        });
        assert_eq!(heard, len);
        assert_eq!((sealing.calls, opening.calls), (0, 0), "{len} bytes");
    }
}

#[test]
fn a_connection_that_waits_holds_less_than_its_bound() {
    if !is_counting() {
        return;
    }
    let (client, server) = connected();
    for (name, side) in [("client", client), ("server", server)] {
        let ((), freed) = during(|| drop(side));
        let held = -freed.held_bytes;
        println!("an idle {name} holds {held} bytes");
        assert!((1..=IDLE_BYTES).contains(&held), "an idle {name} holds {held} bytes");
    }
}

#[test]
fn a_handshake_asks_for_memory_less_often_than_its_bound() {
    if !is_counting() {
        return;
    }
    drop(connected()); // What is kept for all connections is made.
    let (ends, asked) = during(connected);
    println!("a handshake asks {} times, Rust's code {} times of them", asked.calls, asked.rust_calls);
    assert!((1..HANDSHAKE_CALLS + OWN_CALLS).contains(&asked.rust_calls), "{asked:?}");
    drop(ends);
}
