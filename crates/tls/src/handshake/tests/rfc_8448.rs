//! The client's side of RFC 8448, from its own ClientHello on: another stack's messages are taken, and our Finished is
//! theirs to the byte. The key pairs are test rows that know the traces' secrets, since a real one cannot be told its
//! private key.

use super::pair::{Counter, NOW};
use crate::{
    Flight, Handshake, Level, Limits, RejectedCertificate, Step, Verified, Verifier,
    client::{self, replay},
    handshake::{Reassembly, State},
    vectors::Vectors,
};
use sakigake_crypto::aws_lc::PROVIDER;
use std::sync::Arc;

/// The traces' certificate is RSA with 1,024 bits, which no real verifier takes.
struct TakesAll;

impl Verifier for TakesAll {
    fn verify_chain(&self, _: &str, chain: &[&[u8]], _: u64) -> Result<Verified, RejectedCertificate> {
        assert_eq!(chain.len(), 1);
        Ok(Verified)
    }

    fn verify_signature(&self, _: &[u8], scheme: u16, message: &[u8], _: &[u8]) -> bool {
        scheme == 0x0804 && message.starts_with(&[0x20; 64])
    }
}

fn config() -> Arc<client::Config> {
    let options = client::Options {
        verifier: Some(Arc::new(TakesAll)),
        grease: false,
        middlebox: false,
        key_log: true,
        record_size_limit: Some(16_385),
        ..client::Options::new(&PROVIDER)
    };
    options.build().unwrap()
}

fn replay(state: client::State, v: &Vectors, hello: &[u8]) {
    let mut handshake = Handshake {
        state: State::Client(state),
        incoming: Reassembly::default(),
        entropy: Box::new(Counter(0)),
        limits: Limits::default(),
        deadline: None,
        holds_tickets: false,
        is_quic: false,
    };
    let mut flight = Flight::default();
    handshake.handle(NOW, Level::Plain, hello, &mut flight).unwrap();
    for message in
        ["server_encrypted_extensions", "server_certificate", "server_certificate_verify", "server_finished"]
    {
        for byte in v.of(message) {
            handshake.handle(NOW, Level::Handshake, &[*byte], &mut flight).unwrap();
        }
    }
    assert!(handshake.is_established());
    let sent = flight.steps.iter().find_map(|step| match step {
        Step::Send { level: Level::Handshake, message } => Some(message.as_slice()),
        _ => None,
    });
    assert_eq!(sent, Some(v.of("client_finished")));
    let logged: Vec<&[u8]> = flight.key_log.iter().map(|line| line.secret.as_ref()).collect();
    let secrets = [
        "client_handshake_traffic_secret",
        "server_handshake_traffic_secret",
        "client_application_traffic_secret_0",
        "server_application_traffic_secret_0",
        "exporter_secret",
    ];
    assert_eq!(logged, secrets.map(|name| v.of(name)));
    if v.has("new_session_ticket") {
        handshake.handle(NOW, Level::Application, v.of("new_session_ticket"), &mut flight).unwrap();
    }
}

#[test]
fn the_client_of_section_3_finishes_as_the_rfc_prints_it() {
    // spec: 9846-4.5.2-k
    let v = Vectors::one_round_trip();
    let state = replay::after_client_hello(config(), v.of("client_hello"), v.of("shared_secret"));
    replay(state, &v, v.of("server_hello"));
}

#[test]
fn the_client_of_section_5_finishes_after_its_retry() {
    let v = Vectors::hello_retry_request();
    let hellos = [v.of("client_hello"), v.of("hello_retry_request"), v.of("client_hello_2")];
    let state = replay::after_retry(config(), hellos, v.of("shared_secret"));
    replay(state, &v, v.of("server_hello"));
}
