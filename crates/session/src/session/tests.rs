//! Sessions whose peer is TLS alone.

use super::*;
use rcgen::{CertificateParams, KeyPair};
use sakigake_crypto::aws_lc::PROVIDER;
use sakigake_tls::{Connection, Credential, Verified, Verifier, rules::AlertDescription};

const NOW: Instant = Instant::from_nanos(0);

struct Counter(u64);

impl Entropy for Counter {
    fn fill(&mut self, out: &mut [u8]) {
        for byte in out {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            *byte = (self.0 >> 56) as u8;
        }
    }
}

struct Anybody;

impl Verifier for Anybody {
    fn verify_chain(&self, _: &str, _: &[&[u8]], _: u64) -> Result<Verified, tls::RejectedCertificate> {
        Ok(Verified)
    }

    fn verify_signature(&self, _: &[u8], _: u16, _: &[u8], _: &[u8]) -> bool {
        true
    }
}

/// A client's session over HTTP/2, and the server's side of its TLS.
fn established() -> (Session, Connection) {
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["a.test".into()]).unwrap().self_signed(&key).unwrap();
    let credential =
        Credential::from_pem(&PROVIDER, leaf.pem().as_bytes(), key.serialize_pem().as_bytes()).unwrap();
    let mut options = tls::server::Options::new(&PROVIDER);
    (options.credentials, options.alpn) = (vec![Arc::new(credential)], vec![H2.to_vec()]);
    let mut server = Connection::server(options.build().unwrap(), NOW, Box::new(Counter(1)));
    let mut options = tls::client::Options::new(&PROVIDER);
    options.verifier = Some(Arc::new(Anybody));
    options.alpn = vec![H2.to_vec()];
    let config = ClientConfig {
        tls: options.build().unwrap(),
        h2: Some(h2::Config::default()),
        h3: None,
        trace: false,
    };
    let mut client = Session::client(Arc::new(config), "a.test", NOW, Box::new(Counter(2))).unwrap();
    let mut out = vec![0; 1 << 16];
    for _ in 0..3 {
        while let Some(len) = client.transmit(NOW, &mut out) {
            server.handle(NOW, &mut out[..len], &mut |_| {}).unwrap();
        }
        while let Some(len) = server.transmit(NOW, &mut out) {
            client.handle(NOW, &mut out[..len], &mut |_| {}).unwrap();
        }
    }
    assert!(client.is_ready() && server.is_established());
    (client, server)
}

#[test]
fn who_is_asked_for_a_certificate_over_http_2_says_protocol_error_and_then_the_alert() {
    // spec: 9113-9.2.3-a
    let (mut client, mut server) = established();
    let mut ignore = |_: Event<'_>| {};
    let (_, mut listener) = client.parts(NOW, &mut ignore);
    listener.hear(tls::Event::BarredRequest);
    let Err(Fault::H2(fault)) = listener.outcome() else { panic!("it is no fault") };
    assert_eq!((fault, fault.code().wire()), (h2::Fault::ClientAuthentication, 1));
    let (mut out, mut said) = (vec![0; 1 << 16], Vec::new());
    let mut fault = None;
    while let Some(len) = client.transmit(NOW, &mut out) {
        let result = server.handle(NOW, &mut out[..len], &mut |event| {
            if let tls::Event::Data(bytes) = event {
                said.extend_from_slice(bytes);
            }
        });
        fault = fault.or(result.err());
    }
    // A GOAWAY frame for stream 0 whose error code is PROTOCOL_ERROR.
    assert!(said.ends_with(&[0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]), "{said:02x?}");
    assert_eq!(fault, Some(tls::Fault::PeerAlert(AlertDescription::UNEXPECTED_MESSAGE)));
    assert!(client.is_closed());
}
