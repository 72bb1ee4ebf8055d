//! What the owner is asked, and what comes while it thinks.

use super::{
    pair::{Setup, credential, data_of},
    *,
};
use crate::{Credential, RejectedCertificate, Verified, Wanted};
use sakigake_crypto::aws_lc;

fn asking_client() -> Pair {
    let mut setup = Setup::new();
    setup.client.verifier = None;
    setup.server.credentials = vec![real_credential()]; // The owner judges the chain; the signature, we.
    setup.pair()
}

fn real_credential() -> Arc<Credential> {
    let key = rcgen::generate_simple_self_signed(["example.test".to_owned()]).expect("a certificate");
    let (chain, key) = (key.cert.pem(), key.signing_key.serialize_pem());
    Arc::new(Credential::from_pem(&aws_lc::PROVIDER, chain.as_bytes(), key.as_bytes()).expect("a credential"))
}

#[test]
fn nothing_is_asked_of_the_owner_any_more_once_it_is_over() {
    let end: [fn(&mut Connection); 2] =
        [|client| client.abort(Fault::AccessDenied), |client| drop(client.eof())];
    for end in end {
        let mut pair = asking_client();
        pair.run();
        assert!(pair.client.is_waiting());
        end(&mut pair.client);
        assert!(!pair.client.is_waiting() && pair.client.fault().is_some());
        pair.client_is_told(Answer::Verify(Ok(Verified)));
        assert!(!pair.client.is_established());
    }
}

#[test]
fn a_client_takes_data_that_came_while_its_owner_judged() {
    for split in [1, 7, usize::MAX] {
        let mut pair = asking_client();
        let hello = transmit_all(&mut pair.client);
        pair.split = split;
        let mut bytes = pair.server_answers(&hello);
        bytes.extend(pair.server_seals(b"early"));
        pair.client_hears(&bytes);
        assert!(pair.client.is_waiting());
        assert_eq!(
            pair.client_heard.len(),
            1 + usize::from(matches!(pair.client_heard[0], Heard::Negotiated(_)))
        );
        assert!(matches!(pair.client_heard.last(), Some(Heard::Wanted(Wanted::Verify { .. }))));
        pair.client_is_told(Answer::Verify(Ok(Verified)));
        assert_eq!(pair.client_fault, None);
        assert!(pair.client.is_established(), "in pieces of {split}");
        assert_eq!(data_of(&pair.client_heard), b"early");
        pair.run();
        assert!(pair.server.is_established());
    }
}

#[test]
fn a_refusal_reaches_the_server_as_its_alert() {
    let mut pair = asking_client();
    pair.run();
    pair.client_is_told(Answer::Verify(Err(RejectedCertificate::UnknownIssuer)));
    assert_eq!(pair.client_fault, Some(Fault::CertificateRejected(RejectedCertificate::UnknownIssuer)));
    pair.run();
    assert_eq!(pair.server_fault, Some(Fault::PeerAlert(AlertDescription::UNKNOWN_CA)));
}

#[test]
fn what_is_held_while_the_owner_thinks_is_bounded() {
    for (more, fault) in [(0, None), (1, Some(Fault::TooManyParts))] {
        let mut setup = Setup::new();
        setup.client.verifier = None;
        setup.client.limits.held_bytes = 4_096;
        let mut pair = setup.pair();
        let hello = transmit_all(&mut pair.client);
        let flight = pair.server_answers(&hello);
        pair.client_hears(&flight);
        assert!(pair.client.is_waiting());
        pair.client_hears(&vec![0; 4_096 - pair.client.pending.len() + more]);
        assert_eq!(pair.client_fault, fault);
    }
}

#[test]
fn a_server_asks_for_certificate_and_signature_in_turn() {
    let mut setup = Setup::new();
    setup.server.credentials = Vec::new();
    setup.server.ask_certificate = true;
    let mut pair = setup.pair();
    pair.run();
    assert!(matches!(pair.server_heard.last(), Some(Heard::Wanted(Wanted::Certificate { .. }))));
    pair.server_is_told(Answer::Certificate(Some(Arc::new(credential(None)))));
    assert!(matches!(pair.server_heard.last(), Some(Heard::Wanted(Wanted::Signature { .. }))));
    assert!(!pair.server.is_established());
    pair.server_is_told(Answer::Signature(Some(vec![1; 70])));
    pair.run();
    assert!(pair.server.is_established() && pair.client.is_established());
    pair.exchange(b"question", b"answer");
}

#[test]
fn a_signature_that_cannot_be_had_is_our_failure() {
    let mut setup = Setup::new();
    setup.server.credentials = vec![Arc::new(credential(None))];
    let mut pair = setup.pair();
    pair.run();
    pair.server_is_told(Answer::Signature(None));
    pair.run();
    assert_eq!(pair.client_fault, Some(Fault::PeerAlert(AlertDescription::INTERNAL_ERROR)));
}
