//! After the handshake.

use super::pair::{Pair, client, server};
use crate::{
    Fact, Fault, Handshake, Level, Misuse, client,
    extension::{CertificateRequestExtensions, List, NewSessionTicketExtensions},
    handshake::tests::client_certificates::{alice, policy},
    message::{CertificateRequest, KeyUpdate, NewSessionTicket},
    rules::{AlertDescription as Alert, HandshakeType},
    server::{self, Demand},
};
use std::sync::Arc;

#[test]
fn quic_has_no_key_update_messages() {
    // spec: 9001-6-a spec: 9001-6-b
    let mut pair = Pair::new().established();
    let before = [pair.client.story.len(), pair.server.story.len()];
    pair.client.act(Handshake::update_keys);
    pair.server.act(Handshake::update_keys);
    assert_eq!([pair.client.story.len(), pair.server.story.len()], before, "none is sent");
    let fault = Fault::UnexpectedMessage(HandshakeType::KEY_UPDATE);
    assert_eq!(fault.alert(), Alert::UNEXPECTED_MESSAGE);
    for update_requested in [false, true] {
        let mut message = Vec::new();
        KeyUpdate { update_requested }.write(&mut message);
        let mut pair = Pair::new().established();
        assert_eq!(pair.client.handle(Level::Application, &message), Err(fault.clone()));
        assert_eq!(pair.server.handle(Level::Application, &message[..1]), Err(fault.clone()));
    }
}

#[test]
fn a_request_for_a_certificate_after_the_handshake_is_told_and_not_answered() {
    // spec: 9001-4.4-a
    let options = client::Options { credentials: vec![alice()], post_handshake_auth: true, ..client() };
    for alpn in [b"h3".to_vec(), b"hq-interop".to_vec()] {
        let options = client::Options { alpn: vec![alpn.clone()], ..options.clone() };
        let mut pair = Pair::with(options, server::Options { alpn: vec![alpn], ..server() }).established();
        let signature_algorithms = Some(List::Items(&[0x0403][..]));
        let extensions = CertificateRequestExtensions { signature_algorithms, ..Default::default() };
        let mut message = Vec::new();
        CertificateRequest { extensions, certificate_request_context: &[1] }.write(&mut message);
        let before = pair.client.story.len();
        pair.client.handle(Level::Application, &message).unwrap();
        assert_eq!(pair.client.facts.last(), Some(&Fact::BarredRequest));
        assert_eq!(pair.client.story.len(), before);
    }
}

#[test]
fn a_server_asks_nobody_after_the_handshake() {
    // spec: 9001-4.4-b
    let alpn = vec![b"hq-interop".to_vec()];
    let options = client::Options { alpn: alpn.clone(), credentials: vec![alice()], ..client() };
    let policy = Arc::new(policy(Demand::Later));
    let asking = server::Options { alpn, client_authentication: vec![policy], ..server() };
    let mut pair = Pair::with(options, asking).established();
    let request =
        |handshake: &mut crate::Handshake, flight: &mut crate::Flight| handshake.request_certificate(flight);
    assert_eq!(pair.server.act(request), Err(Misuse::Request));
}

#[test]
fn a_ticket_says_nothing_of_early_data_or_all() {
    // spec: 9001-4.6.1-b
    let with = |early_data: Option<u32>| {
        let mut message = Vec::new();
        NewSessionTicket {
            ticket_lifetime: 60,
            ticket_age_add: 1,
            ticket_nonce: &[9],
            ticket: &[7; 40],
            extensions: NewSessionTicketExtensions { early_data, ..Default::default() },
        }
        .write(&mut message);
        // A client that takes no tickets faults it too.
        [client(), client::Options { tickets: None, ..client() }].map(|options| {
            let mut pair = Pair::with(options, server()).established();
            pair.client.handle(Level::Application, &message)
        })
    };
    for good in [None, Some(u32::MAX)] {
        assert_eq!(with(good), [Ok(()), Ok(())]);
    }
    for bad in [0, 1, 16_384, u32::MAX - 1] {
        assert_eq!(with(Some(bad)), [Err(Fault::BadMaxEarlyDataSize), Err(Fault::BadMaxEarlyDataSize)]);
    }
}
