//! What a server shows beside its certificate.

use super::{
    client_certificates::copy,
    pair::{Pair, Side, UNIX_SECS, client_options, server_options, web_pki},
    resumption,
};
use crate::{
    Credential, Fault, RejectedCertificate, Staples, Verified, Verifier, Wanted, client, compression,
    extension::CertificateStatusRequest, message::Message, server,
};
use std::sync::{Arc, Mutex};

/// Trusts as usual, keeps the staples that it saw, and wants an OCSP response.
struct Strict(Mutex<Vec<Staples>>);

impl Verifier for Strict {
    fn verify_chain(&self, name: &str, chain: &[&[u8]], at: u64) -> Result<Verified, RejectedCertificate> {
        web_pki().verify_chain(name, chain, at)
    }

    fn verify_staples(&self, chain: &[&[u8]], staples: &Staples, at: u64) -> Result<(), RejectedCertificate> {
        assert_eq!((chain.len(), at), (1, UNIX_SECS));
        self.0.lock().unwrap().push(staples.clone());
        match staples.ocsp {
            Some(_) => Ok(()),
            None => Err(RejectedCertificate::Status("there is none".into())),
        }
    }

    fn verify_signature(&self, leaf: &[u8], scheme: u16, message: &[u8], signature: &[u8]) -> bool {
        web_pki().verify_signature(leaf, scheme, message, signature)
    }
}

fn staples() -> Staples {
    Staples { ocsp: Some(vec![0x30, 3, 0x0a, 1, 6]), scts: vec![vec![0, 1], vec![0, 2, 3]] }
}

/// Our server with these staples.
fn showing(staples: Staples) -> server::Options {
    let options = server_options();
    let credential = Credential { staples, ..copy(&options.credentials[0]) };
    server::Options { credentials: vec![Arc::new(credential)], ..options }
}

fn asking(verifier: &Arc<Strict>) -> client::Options {
    client::Options { verifier: Some(verifier.clone()), staples: true, ..client_options() }
}

#[test]
fn staples_reach_the_verifier_open_and_compressed() {
    // spec: 9846-4.5.1.1-b
    for compressions in [&[][..], &compression::ALL] {
        let strict = Arc::new(Strict(Mutex::default()));
        let client = client::Options { compressions, ..asking(&strict) };
        let mut pair = Pair::new(client, showing(staples()));
        pair.run().unwrap();
        assert!(pair.is_established());
        assert_eq!(*strict.0.lock().unwrap(), [staples()]);
    }
}

#[test]
fn staples_are_judged_in_full_handshakes_alone() {
    let strict = Arc::new(Strict(Mutex::default()));
    let client = || client::Options { tickets: resumption::client().tickets, ..asking(&strict) };
    let server = resumption::server();
    let credential = Arc::new(Credential { staples: staples(), ..copy(&server.credentials[0]) });
    let server = server::Options { credentials: vec![credential], ..server };
    let mut pair = Pair::new(client(), server.clone());
    pair.run().unwrap();
    let session = resumption::sessions(&pair).remove(0);
    let pair = resumption::second(session, client(), server).unwrap();
    assert_eq!(resumption::resumed(&pair), (true, true));
    assert_eq!(*strict.0.lock().unwrap(), [staples()]);
}

#[test]
fn an_owner_that_judges_is_given_them_too() {
    let client = client::Options { verifier: None, staples: true, ..client_options() };
    let mut pair = Pair::new(client, showing(staples()));
    pair.run().unwrap();
    assert!(
        matches!(pair.client.wanted(), Some(Wanted::Verify { staples, .. }) if *staples == self::staples())
    );
}

#[test]
fn a_verifier_may_refuse_a_certificate_for_its_status() {
    let strict = Arc::new(Strict(Mutex::default()));
    let (side, fault) = Pair::new(asking(&strict), server_options()).run().unwrap_err();
    let expected = Fault::CertificateRejected(RejectedCertificate::Status("there is none".into()));
    assert_eq!((side, &fault), (Side::Client, &expected));
    assert_eq!(fault.alert().to_string(), "bad_certificate_status_response");
}

/// The extensions' types in the entry of the leaf, for a client whose hello `change` changes.
fn shown(change: impl Fn(&mut crate::extension::ClientHelloExtensions<'_>)) -> Vec<u16> {
    let strict = Arc::new(Strict(Mutex::default()));
    let mut pair = Pair::new(asking(&strict), showing(staples()));
    let hello = pair.from_client.steps.iter().find_map(|step| match step {
        crate::Step::Send { message, .. } => Some(message.clone()),
        _ => None,
    });
    let hello = hello.expect("a ClientHello");
    let Ok(Message::ClientHello(mut read)) = Message::read(&hello) else { panic!("no ClientHello") };
    change(&mut read.extensions);
    let mut changed = Vec::new();
    read.write(&mut changed);
    let now = super::pair::NOW;
    pair.server.handle(now, crate::Level::Plain, &changed, &mut pair.from_server).unwrap();
    let certificate = pair.from_server.steps.iter().find_map(|step| match step {
        crate::Step::Send { message, .. } if message[0] == 11 => Some(message.clone()),
        _ => None,
    });
    let certificate = certificate.expect("a Certificate");
    let Ok(Message::Certificate(read)) = Message::read(&certificate) else { panic!("no Certificate") };
    let leaf = read.certificate_list.iter().next().expect("a leaf");
    leaf.extensions.order.iter().map(|raw| raw.kind.0).collect()
}

#[test]
fn who_does_not_ask_is_shown_none() {
    // spec: 9846-4.5.1.1-a spec: 9846-4.5.1.1-b
    assert_eq!(shown(|_| {}), [5, 18]);
    assert_eq!(shown(|extensions| extensions.status_request = None), [18]);
    assert_eq!(shown(|extensions| extensions.signed_certificate_timestamp = None), [5]);
    assert_eq!(
        shown(|extensions| {
            let unknown = CertificateStatusRequest::Unknown { status_type: 9, request: &[] };
            extensions.status_request = Some(unknown);
        }),
        [18]
    );
}

#[test]
fn a_status_that_is_none_and_an_empty_list_have_their_alerts() {
    // spec: 9846-4.5.1.1-a
    let entry = |kind: u8, data: &[u8]| {
        let data_len = data.len() as u8;
        let mut message = vec![11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x30, 0, 4 + data_len, 0, kind, 0, data_len];
        message.extend_from_slice(data);
        let len = message.len() as u8;
        (message[3], message[7]) = (len - 4, len - 8);
        Message::read(&message).err().map(|fault| (fault.alert().to_string(), fault))
    };
    let status = Some(("bad_certificate_status_response".to_owned(), Fault::BadCertificateStatus));
    let short = |fault| Some(("decode_error".to_owned(), fault));
    assert_eq!(entry(5, &[1, 0, 0, 1, 7]), None);
    assert_eq!(entry(5, &[2, 0, 0, 1, 7]), status);
    assert_eq!(entry(5, &[1, 0, 0, 0]), short(Fault::VectorTooShort));
    assert_eq!(entry(5, &[1, 0, 0, 2, 7]), short(Fault::MessageEndsEarly));
    assert_eq!(entry(18, &[0, 3, 0, 1, 7]), None);
    assert_eq!(entry(18, &[0, 0]), short(Fault::VectorTooShort));
    assert_eq!(entry(18, &[0, 2, 0, 0]), short(Fault::VectorTooShort));
}

#[test]
fn staples_that_do_not_fit_are_misuse() {
    let builds = |staples| showing(staples).build().is_ok();
    assert!(builds(Staples { ocsp: Some(vec![7; 65_523]), scts: Vec::new() }));
    assert!(!builds(Staples { ocsp: Some(vec![7; 65_524]), scts: Vec::new() }));
    assert!(!builds(Staples { ocsp: Some(Vec::new()), scts: Vec::new() }));
    assert!(!builds(Staples { ocsp: None, scts: vec![Vec::new()] }));
}
