//! Owners that answer later.

use super::pair::{AUTHORITY, Counter, NOW, Pair, Side, client_options, provider, server_options, web_pki};
use crate::{Answer, Credential, Fault, Limits, RejectedCertificate, Verifier, Wanted, client, server};
use crate::{extension::List, message::Message};
use sakigake_wire::{Instant, Span};
use std::sync::Arc;

#[test]
fn an_owner_may_judge_the_chain_later() {
    let mut pair = Pair::new(client::Options { verifier: None, ..client_options() }, server_options());
    pair.run().unwrap();
    let Some(Wanted::Verify { server_name, chain, .. }) = pair.client.wanted().cloned() else {
        panic!("nothing wanted")
    };
    let chain: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
    let verdict = web_pki().verify_chain(&server_name, &chain, super::pair::UNIX_SECS);
    assert!(!pair.client.is_established());
    pair.client.answer(NOW, Answer::Verify(verdict), &mut pair.from_client).unwrap();
    pair.run().unwrap();
    assert!(pair.is_established());
}

#[test]
fn an_owner_may_refuse_the_chain() {
    let mut pair = Pair::new(client::Options { verifier: None, ..client_options() }, server_options());
    pair.run().unwrap();
    let refused = Answer::Verify(Err(RejectedCertificate::Revoked));
    let fault = pair.client.answer(NOW, refused, &mut pair.from_client).unwrap_err();
    assert_eq!(fault, Fault::CertificateRejected(RejectedCertificate::Revoked));
}

#[test]
fn an_owner_may_choose_the_certificate_and_sign_later() {
    let credential = AUTHORITY.credential(&["example.com"]);
    let signer = credential.signer.clone().unwrap();
    let remote = Arc::new(Credential {
        chain: credential.chain.clone(),
        signer: None,
        schemes: credential.schemes.clone(),
        signed_with: Vec::new(),
        names: Vec::new(),
        ..Credential::default()
    });
    let options = server::Options { credentials: Vec::new(), ask_certificate: true, ..server_options() };
    let mut pair = Pair::new(client_options(), options);
    pair.run().unwrap();
    assert!(
        matches!(pair.server.wanted(), Some(Wanted::Certificate { server_name: Some(name), .. }) if name == "example.com")
    );
    pair.server.answer(NOW, Answer::Certificate(Some(remote)), &mut pair.from_server).unwrap();
    pair.run().unwrap();
    let Some(Wanted::Signature { leaf, scheme, message }) = pair.server.wanted().cloned() else {
        panic!("nothing wanted")
    };
    assert_eq!(leaf, credential.chain[0]);
    let signature = signer.sign(scheme, &message, &mut Counter(3));
    pair.server.answer(NOW, Answer::Signature(signature), &mut pair.from_server).unwrap();
    pair.run().unwrap();
    assert!(pair.is_established());
}

#[test]
fn an_owner_without_an_answer_ends_the_handshake() {
    let asking = || server::Options { credentials: Vec::new(), ask_certificate: true, ..server_options() };
    let cases = [
        (Answer::Certificate(None), Fault::UnrecognizedName),
        (Answer::Signature(None), Fault::Internal("the answer is to another question")),
    ];
    for (answer, expected) in cases {
        let mut pair = Pair::new(client_options(), asking());
        pair.run().unwrap();
        assert_eq!(pair.server.answer(NOW, answer, &mut pair.from_server), Err(expected));
    }
}

#[test]
fn an_answer_to_no_question_is_ignored() {
    let mut pair = Pair::new(client_options(), server_options());
    assert_eq!(pair.client.answer(NOW, Answer::Signature(None), &mut pair.from_client), Ok(()));
    pair.run().unwrap();
    assert!(pair.is_established());
}

#[test]
fn input_while_waiting_is_held_up_to_its_limit() {
    let limits = Limits { held_bytes: 2_048, ..Limits::default() };
    let mut pair =
        Pair::new(client::Options { verifier: None, limits, ..client_options() }, server_options());
    pair.run().unwrap(); // CertificateVerify and Finished are held already.
    let held: usize = pair
        .from_server
        .steps
        .iter()
        .map(|step| match step {
            crate::Step::Send { message, .. } if matches!(message[0], 15 | 20) => message.len(),
            _ => 0,
        })
        .sum();
    let level = crate::Level::Handshake;
    let filler = vec![0; 2_048 - held];
    assert_eq!(pair.client.handle(NOW, level, &filler, &mut pair.from_client), Ok(()));
    assert_eq!(pair.client.handle(NOW, level, &[0], &mut pair.from_client), Err(Fault::TooManyParts));
}

#[test]
fn a_handshake_ends_when_its_time_is_over() {
    let mut pair = Pair::new(client::Options { verifier: None, ..client_options() }, server_options());
    pair.run().unwrap();
    let deadline = NOW + Span::from_millis(Limits::default().handshake_ms);
    assert_eq!(pair.client.deadline(), Some(deadline));
    assert_eq!(pair.client.expire(Instant::from_nanos(deadline.as_nanos() - 1)), Ok(()));
    assert_eq!(pair.client.expire(deadline), Err(Fault::HandshakeTimeout));
    assert_eq!(pair.client.expire(deadline), Ok(()), "one fault");
    assert_eq!(pair.client.deadline(), None);
}

#[test]
fn an_established_handshake_has_no_deadline() {
    let mut pair = Pair::new(client_options(), server_options());
    pair.run().unwrap();
    assert_eq!((pair.client.deadline(), pair.server.deadline()), (None, None));
}

#[test]
fn a_refused_certificate_has_its_alert() {
    let cases = [("example.org", 0, "bad_certificate"), ("example.com", u64::MAX / 2, "certificate_expired")];
    for (name, later, alert) in cases {
        let options =
            client::Options { unix_secs_at_start: super::pair::UNIX_SECS + later, ..client_options() };
        let (side, fault) = Pair::with_name(options, server_options(), name).run().unwrap_err();
        assert_eq!((side, fault.alert().to_string().as_str()), (Side::Client, alert), "{fault:?}");
    }
    let nobody =
        client::Options { verifier: Some(Arc::new(crate::WebPki::new(provider()))), ..client_options() };
    let (_, fault) = Pair::new(nobody, server_options()).run().unwrap_err();
    assert_eq!(fault, Fault::CertificateRejected(RejectedCertificate::UnknownIssuer));
}

#[test]
fn schemes_for_signatures_hold_for_certificates_where_nothing_else_is_said() {
    // spec: 9846-4.3.3-k
    for says_else in [true, false] {
        let options = server::Options { credentials: Vec::new(), ask_certificate: true, ..server_options() };
        let mut pair = Pair::new(client_options(), options);
        pair.run_with(|_, _, message| {
            if let Ok(Message::ClientHello(mut hello)) = Message::read(&message.clone()) {
                hello.extensions.signature_algorithms = Some(List::Items(&[0x0403, 0x0804]));
                hello.extensions.signature_algorithms_cert = says_else.then_some(List::Items(&[0x0401]));
                message.clear();
                hello.write(message);
            }
        })
        .unwrap();
        let Some(Wanted::Certificate { signature_algorithms_cert, .. }) = pair.server.wanted() else {
            panic!("nothing wanted")
        };
        let expected = if says_else { vec![0x0401] } else { vec![0x0403, 0x0804] };
        assert_eq!(*signature_algorithms_cert, expected);
    }
}
