//! Full handshakes over X25519 with a P-256 certificate, and records of 16 KiB, all with TLS_AES_128_GCM_SHA256.

use crate::counted;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls_pki_types::PrivatePkcs8KeyDer;
use sakigake_crypto::aws_lc::{self, PROVIDER};
use sakigake_tls::{Connection, Credential, Event, WebPki, client, server};
use sakigake_wire::{Entropy, Instant};
use std::{sync::Arc, time::SystemTime};

const NOW: Instant = Instant::from_nanos(0);
const X25519: u16 = 0x001d;
const HOST: &str = "localhost";
const CONTENT_BYTES: usize = 1 << 14;

/// So many are not counted, while the provider makes up its mind about the processor and seeds its generator.
const WARM: usize = 2;

pub(crate) fn handshake_client(times: usize) {
    let world = World::new();
    for at in 0..times + WARM {
        let is_counted = at >= WARM;
        let (mut client, mut hello) = when(is_counted, || {
            let mut client = world.client();
            let hello = said(&mut client);
            (client, hello)
        });
        let mut server = world.server();
        hear(&mut server, &mut hello);
        let mut flight = said(&mut server);
        let mut finished = when(is_counted, || {
            hear(&mut client, &mut flight);
            said(&mut client)
        });
        hear(&mut server, &mut finished);
        assert!(client.is_established() && server.is_established(), "a handshake ends");
        when(is_counted, || drop(client));
    }
}

pub(crate) fn handshake_server(times: usize) {
    let world = World::new();
    for at in 0..times + WARM {
        let is_counted = at >= WARM;
        let mut client = world.client();
        let mut hello = said(&mut client);
        let (mut server, mut flight) = when(is_counted, || {
            let mut server = world.server();
            hear(&mut server, &mut hello);
            let flight = said(&mut server);
            (server, flight)
        });
        hear(&mut client, &mut flight);
        let mut finished = said(&mut client);
        when(is_counted, || hear(&mut server, &mut finished));
        assert!(client.is_established() && server.is_established(), "a handshake ends");
        when(is_counted, || drop(server));
    }
}

pub(crate) fn seal(times: usize) {
    let (_, mut server) = World::new().connected();
    let (content, mut out) = (vec![5; CONTENT_BYTES], vec![0; CONTENT_BYTES + 64]);
    for at in 0..times + WARM {
        when(at >= WARM, || write(&mut server, &content, &mut out));
    }
}

pub(crate) fn open(times: usize) {
    let (mut client, mut server) = World::new().connected();
    let (content, mut out) = (vec![5; CONTENT_BYTES], vec![0; CONTENT_BYTES + 64]);
    for at in 0..times + WARM {
        let len = write(&mut server, &content, &mut out);
        when(at >= WARM, || {
            let mut heard =
                |event: Event<'_>| assert!(matches!(event, Event::Data(data) if data.len() == CONTENT_BYTES));
            client.handle(NOW, &mut out[..len], &mut heard).expect("the peer is right");
        });
    }
}

fn when<T>(is_counted: bool, work: impl FnOnce() -> T) -> T {
    if is_counted { counted(work) } else { work() }
}

fn write(connection: &mut Connection, content: &[u8], out: &mut [u8]) -> usize {
    connection.seal(out, &mut |place| {
        place[..content.len()].copy_from_slice(content);
        content.len()
    })
}

fn said(connection: &mut Connection) -> Vec<u8> {
    let (mut out, mut len) = (vec![0; 8_192], 0);
    while let Some(more) = connection.transmit(NOW, &mut out[len..]) {
        len += more;
    }
    out.truncate(len);
    out
}

fn hear(connection: &mut Connection, bytes: &mut [u8]) {
    connection.handle(NOW, bytes, &mut |_| {}).expect("the peer is right");
}

/// Both configurations.
struct World {
    client: Arc<client::Config>,
    server: Arc<server::Config>,
}

impl World {
    fn new() -> Self {
        let new_key = || KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key is made");
        let authority_key = new_key();
        let mut params = CertificateParams::new(Vec::new()).expect("no names are good names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "an authority for counts");
        let authority = params.self_signed(&authority_key).expect("a key signs");
        let issuer = Issuer::new(params, authority_key);
        let key = new_key();
        let leaf = CertificateParams::new(vec![HOST.into()]).expect("a good name");
        let leaf = leaf.signed_by(&key, &issuer).expect("a key signs").der().to_vec();
        let key = (PROVIDER.signing_key)(&PrivatePkcs8KeyDer::from(key.serialize_der()).into());
        let credential =
            Credential::load(vec![leaf], key.expect("the key is one")).expect("the key is the leaf's");
        let mut verifier = WebPki::new(&PROVIDER);
        verifier.trust(authority.der()).expect("the authority is one");
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("it is later than 1970");
        let client = client::Options {
            verifier: Some(Arc::new(verifier)),
            unix_secs_at_start: now.as_secs(),
            alpn: vec![b"h2".to_vec()],
            groups: vec![X25519],
            ..client::Options::new(&PROVIDER)
        };
        let server = server::Options {
            credentials: vec![Arc::new(credential)],
            alpn: vec![b"h2".to_vec()],
            ..server::Options::new(&PROVIDER)
        };
        Self {
            client: client.build().expect("the options are good"),
            server: server.build().expect("the options are good"),
        }
    }

    fn client(&self) -> Connection {
        Connection::client(Arc::clone(&self.client), HOST, NOW, Box::new(System)).expect("the name is good")
    }

    fn server(&self) -> Connection {
        Connection::server(Arc::clone(&self.server), NOW, Box::new(System))
    }

    fn connected(&self) -> (Connection, Connection) {
        let (mut client, mut server) = (self.client(), self.server());
        hear(&mut server, &mut said(&mut client));
        hear(&mut client, &mut said(&mut server));
        hear(&mut server, &mut said(&mut client));
        (client, server)
    }
}

struct System;

impl Entropy for System {
    fn fill(&mut self, out: &mut [u8]) {
        aws_lc::random(out);
    }
}
