//! Both ends' configurations: a P-256 certificate that an authority signed, X25519, and HTTP/2.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls_pki_types::PrivatePkcs8KeyDer;
use sakigake_crypto::aws_lc::{self, PROVIDER};
use sakigake_tls::{Connection, Credential, WebPki, client, server};
use sakigake_wire::{Entropy, Instant};
use std::{sync::Arc, time::SystemTime};

pub(crate) const NOW: Instant = Instant::from_nanos(0);
pub(crate) const HOST: &str = "localhost";
const X25519: u16 = 0x001d;

/// Both configurations.
pub(crate) struct World {
    pub(crate) client: Arc<client::Config>,
    pub(crate) server: Arc<server::Config>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::speaking(b"h2")
    }

    /// The same with that protocol.
    pub(crate) fn speaking(alpn: &[u8]) -> Self {
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
            alpn: vec![alpn.to_vec()],
            groups: vec![X25519],
            ..client::Options::new(&PROVIDER)
        };
        let server = server::Options {
            credentials: vec![Arc::new(credential)],
            alpn: vec![alpn.to_vec()],
            ..server::Options::new(&PROVIDER)
        };
        Self {
            client: client.build().expect("the options are good"),
            server: server.build().expect("the options are good"),
        }
    }

    pub(crate) fn client(&self) -> Connection {
        Connection::client(Arc::clone(&self.client), HOST, NOW, Box::new(System)).expect("the name is good")
    }

    pub(crate) fn server(&self) -> Connection {
        Connection::server(Arc::clone(&self.server), NOW, Box::new(System))
    }
}

/// The system's randomness.
pub(crate) struct System;

impl Entropy for System {
    fn fill(&mut self, out: &mut [u8]) {
        aws_lc::random(out);
    }
}
