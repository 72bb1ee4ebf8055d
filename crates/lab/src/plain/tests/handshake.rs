//! The handshake that the product runs, over the plain provider.

use crate::plain;
use crate::seed::Seed;
use sakigake_crypto::Provider;
use sakigake_tls::{Fault, Flight, Handshake, RejectedCertificate, Step, client, server};
use sakigake_wire::Instant;
use std::sync::Arc;

const NOW: Instant = Instant::from_nanos(0);

/// Every message in the order in which it went, up to the end of the handshake or its fault.
type Messages = Vec<Vec<u8>>;

fn run(name: &str, group: u16, clients: &'static Provider, seed: u64) -> (Messages, Result<(), Fault>) {
    let mut options = client::Options::new(clients);
    options.verifier = Some(Arc::new(plain::Verifier));
    options.groups = vec![group];
    let client = options.build().expect("a good configuration");
    let mut options = server::Options::new(&plain::PROVIDER);
    options.credentials = vec![Arc::new(plain::credential("a.example", 7))];
    let server = options.build().expect("a good configuration");

    let mut seed = Seed::new(seed);
    let (mut to_server, mut to_client) = (Flight::default(), Flight::default());
    let mut server = Handshake::server(server, NOW, Box::new(seed.fork()));
    let mut client =
        Handshake::client(client, name, NOW, Box::new(seed.fork()), &mut to_server).expect("a good name");
    let mut messages = Messages::new();
    let mut carry = |peer: &mut Handshake, from: &mut Flight, to: &mut Flight| {
        from.steps.drain(..).try_for_each(|step| {
            let Step::Send { level, message } = step else { return Ok(()) };
            messages.push(message);
            peer.handle(NOW, level, &messages[messages.len() - 1], to)
        })
    };
    while !(to_server.steps.is_empty() && to_client.steps.is_empty()) {
        let result = carry(&mut server, &mut to_server, &mut to_client)
            .and_then(|()| carry(&mut client, &mut to_client, &mut to_server));
        if result.is_err() {
            return (messages, result);
        }
    }
    assert!(client.is_established() && server.is_established());
    (messages, Ok(()))
}

#[test]
fn a_handshake_is_the_same_byte_for_byte_when_the_seed_is() {
    for group in plain::PROVIDER.groups {
        let (messages, result) = run("a.example", group.id, &plain::PROVIDER, 1);
        assert_eq!(result, Ok(()), "{:#06x}", group.id);
        assert_eq!(run("a.example", group.id, &plain::PROVIDER, 1).0, messages);
        assert_ne!(run("a.example", group.id, &plain::PROVIDER, 2).0, messages);
    }
}

#[test]
fn a_client_refuses_a_server_of_another_name() {
    let (_, result) = run("b.example", 0x001d, &plain::PROVIDER, 1);
    let wrong = RejectedCertificate::WrongName { presented: vec!["a.example".to_owned()] };
    assert_eq!(result, Err(Fault::CertificateRejected(wrong)));
}

/// The two digests of one transcript differ, so the first signature over it fails.
#[test]
fn a_client_with_real_cryptography_is_not_taken_in() {
    let (_, result) = run("a.example", 0x001d, &sakigake_crypto::aws_lc::PROVIDER, 1);
    assert!(result.is_err());
}
