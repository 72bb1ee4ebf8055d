use super::*;
use crate::{
    transcript::{Transcript, Unhashed},
    vectors::Vectors,
};
use sakigake_crypto::aws_lc;

fn suite() -> &'static Suite {
    &aws_lc::PROVIDER.suites[0]
}

/// Both sections, with the transcript up to ServerHello.
fn traces() -> [(Vectors, Transcript); 2] {
    let (simple, retry) = (Vectors::one_round_trip(), Vectors::hello_retry_request());
    let after_hello = Unhashed::new(simple.of("client_hello").to_vec()).start(suite().hash);
    let mut after_retry = Unhashed::new(retry.of("client_hello").to_vec()).retry(suite().hash);
    after_retry.add(retry.of("hello_retry_request"));
    after_retry.add(retry.of("client_hello_2"));
    let mut traces = [(simple, after_hello), (retry, after_retry)];
    for (vectors, transcript) in &mut traces {
        transcript.add(vectors.of("server_hello"));
    }
    traces
}

fn assert_secret(vectors: &Vectors, name: &str, secret: &Secret) {
    assert_eq!(secret.as_ref(), vectors.of(name), "{name}");
}

fn assert_traffic(vectors: &Vectors, name: &str, keys: &str, secret: &TrafficSecret) {
    assert_secret(vectors, name, &secret.secret);
    assert_eq!(secret.keys().key(), vectors.of(&format!("{keys}_key")), "{keys}_key");
    assert_eq!(secret.keys().iv, vectors.of(&format!("{keys}_iv")), "{keys}_iv");
}

#[test]
fn every_secret_key_and_verify_data_is_that_of_rfc_8448() {
    // spec: 9846-4.1-a spec: 9846-7.1-a spec: 9846-7.3-a spec: 9846-4.5.3-b
    for (vectors, mut transcript) in traces() {
        let v = &vectors;
        let handshake = Early::new(suite(), None).handshake(&Secret::new(v.of("shared_secret")));
        let digest = transcript.digest();
        let client = handshake.client_handshake_traffic_secret(&digest);
        let server = handshake.server_handshake_traffic_secret(&digest);
        assert_traffic(v, "client_handshake_traffic_secret", "client_handshake", &client);
        assert_traffic(v, "server_handshake_traffic_secret", "server_handshake", &server);

        for message in ["server_encrypted_extensions", "server_certificate", "server_certificate_verify"] {
            transcript.add(v.of(message));
        }
        assert!(server.is_verified(&transcript.digest(), &v.of("server_finished")[4..]));
        transcript.add(v.of("server_finished"));

        let main = handshake.main();
        let digest = transcript.digest();
        let application = main.client_application_traffic_secret_0(&digest);
        assert_traffic(v, "client_application_traffic_secret_0", "client_application", &application);
        let application = main.server_application_traffic_secret_0(&digest);
        assert_traffic(v, "server_application_traffic_secret_0", "server_application", &application);
        assert_secret(v, "exporter_secret", main.exporter(&digest).secret());

        assert!(client.is_verified(&digest, &v.of("client_finished")[4..]));
        transcript.add(v.of("client_finished"));
        assert_secret(v, "resumption_secret", &main.resumption_secret(&transcript.digest()));
    }
}

#[test]
fn one_wrong_bit_or_length_spoils_verify_data() {
    let [(vectors, transcript), _] = traces();
    let early = Early::new(suite(), None);
    let secret = early
        .handshake(&Secret::new(vectors.of("shared_secret")))
        .server_handshake_traffic_secret(&transcript.digest());
    let right = secret.verify_data(&transcript.digest());
    assert!(secret.is_verified(&transcript.digest(), right.as_ref()));
    for bit in 0..right.as_ref().len() * 8 {
        let mut wrong = right.as_ref().to_vec();
        wrong[bit / 8] ^= 1 << (bit % 8);
        assert!(!secret.is_verified(&transcript.digest(), &wrong), "bit {bit}");
    }
    for len in 0..right.as_ref().len() {
        assert!(!secret.is_verified(&transcript.digest(), &right.as_ref()[..len]), "{len} bytes");
    }
    assert!(!secret.is_verified(&transcript.digest(), &[right.as_ref(), &[0]].concat()));
}

#[test]
fn a_pre_shared_key_changes_everything_after_it() {
    let nothing = *(suite().hash.of_nothing)();
    let secret = |psk: Option<&Secret>| {
        let handshake = Early::new(suite(), psk).handshake(&Secret::new(&[1; 32]));
        handshake.client_handshake_traffic_secret(&nothing).secret
    };
    assert_ne!(secret(Some(&Secret::new(&[7; 32]))), secret(None));
    assert_eq!(secret(Some(&Secret::new(&[0; 32]))), secret(None), "none is one of zeros");
}

#[test]
fn each_generation_of_a_traffic_secret_is_another() {
    // spec: 9846-7.2-a
    for suite in aws_lc::PROVIDER.suites {
        let first = TrafficSecret {
            level: Level::Application,
            suite,
            secret: Secret::new(&[1; 48][..suite.hash.len]),
        };
        let second = first.clone().next();
        let mut by_hand = vec![0; suite.hash.len];
        hkdf::expand_label(suite.hash, first.secret.as_ref(), b"traffic upd", b"", &mut by_hand);
        assert_eq!(second.secret.as_ref(), by_hand);
        assert_eq!(second.keys().key().len(), suite.aead.key_len);
        assert_ne!(first.keys().key(), second.keys().key());
    }
}

#[test]
fn the_binder_of_section_4_comes_of_the_ticket_of_section_3() {
    // spec: 9846-4.7.1-b
    let (first, second) = (Vectors::one_round_trip(), Vectors::early_data());
    let ticket = first.of("new_session_ticket");
    let nonce = &ticket[4 + 8 + 1..][..usize::from(ticket[4 + 8])];
    let key = ticket_key(suite().hash, &Secret::new(first.of("resumption_secret")), nonce);
    let client_hello = &second.of("client_hello_record")[5..];
    let (truncated, binder) = client_hello.split_at(client_hello.len() - 35);
    let digest = crate::transcript::Unhashed::new(truncated.to_vec()).start(suite().hash).digest();
    let ours = Early::new(suite(), Some(&key)).binder(&digest).unwrap();
    assert_eq!(ours.as_ref(), &binder[3..]);
    assert_eq!(Early::new(suite(), None).binder(&digest), None);
}

#[test]
fn the_early_data_of_section_4_opens_under_the_ticket_of_section_3() {
    // spec: 9846-7.1-b
    let (first, second) = (Vectors::one_round_trip(), Vectors::early_data());
    let ticket = first.of("new_session_ticket");
    let nonce = &ticket[4 + 8 + 1..][..usize::from(ticket[4 + 8])];
    let key = ticket_key(suite().hash, &Secret::new(first.of("resumption_secret")), nonce);
    let client_hello = second.of("client_hello_record")[5..].to_vec();
    let digest = crate::transcript::Unhashed::new(client_hello).start(suite().hash).digest();
    let secret = Early::new(suite(), Some(&key)).client_early_traffic_secret(&digest).unwrap();
    assert_eq!(secret.level, Level::EarlyData);
    let mut opener = crate::record::Opener::new();
    opener.install(&secret);
    let mut record = second.of("early_data_record").to_vec();
    let opened = opener.open(&mut record).unwrap();
    assert_eq!(record[opened.content], *b"ABCDEF");
    assert!(Early::new(suite(), None).client_early_traffic_secret(&digest).is_none());
}
