use crate::{Credential, Fact, Fault, Flight, Handshake, Level, Session, Step, WebPki, client, server};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, IsCa, Issuer, KeyPair,
    PKCS_ECDSA_P256_SHA256, RevokedCertParams, SignatureAlgorithm,
};
use sakigake_crypto::{Provider, aws_lc::PROVIDER};
use sakigake_wire::{Entropy, Instant};
use std::sync::{Arc, LazyLock};

pub(crate) const NOW: Instant = Instant::from_nanos(0);
/// 2026-06-01.
pub(crate) const UNIX_SECS: u64 = 1_780_272_000;

/// Bytes that count up: enough where unpredictability is not the point.
pub(crate) struct Counter(pub(crate) u64);

impl Entropy for Counter {
    fn fill(&mut self, out: &mut [u8]) {
        for byte in out {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = (self.0 >> 56) as u8;
        }
    }
}

pub(crate) struct Authority {
    pub(crate) der: Vec<u8>,
    issuer: Issuer<'static, KeyPair>,
}

pub(crate) static AUTHORITY: LazyLock<Authority> = LazyLock::new(|| {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "an authority for tests");
    let certificate = params.self_signed(&key).unwrap();
    Authority { der: certificate.der().to_vec(), issuer: Issuer::new(params, key) }
});

impl Authority {
    pub(crate) fn credential(&self, names: &[&str]) -> Arc<Credential> {
        self.credential_with(names, &PKCS_ECDSA_P256_SHA256, |_| {})
    }

    pub(crate) fn credential_with(
        &self,
        names: &[&str],
        algorithm: &'static SignatureAlgorithm,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Arc<Credential> {
        let [chain, key] = self.pem_with(names, algorithm, change);
        Arc::new(Credential::from_pem(&PROVIDER, chain.as_bytes(), key.as_bytes()).unwrap())
    }

    /// A list that revokes `certificate`, for the whole of 2026.
    pub(crate) fn revokes(&self, certificate: &[u8]) -> Vec<u8> {
        self.crl(&[crate::certificate::der::serial(certificate).unwrap()], (2027, 1, 1))
    }

    /// A list that revokes these serial numbers, good from the beginning of 2026 until a day.
    pub(crate) fn crl(&self, serials: &[&[u8]], (year, month, day): (i32, u8, u8)) -> Vec<u8> {
        let revoked = |serial: &&[u8]| RevokedCertParams {
            serial_number: serial.to_vec().into(),
            revocation_time: rcgen::date_time_ymd(2026, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: rcgen::date_time_ymd(2026, 1, 1),
            next_update: rcgen::date_time_ymd(year, month, day),
            crl_number: vec![1].into(),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(revoked).collect(),
            key_identifier_method: rcgen::KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer).unwrap().der().to_vec()
    }

    /// A leaf and its key.
    pub(crate) fn pem_with(
        &self,
        names: &[&str],
        algorithm: &'static SignatureAlgorithm,
        change: impl FnOnce(&mut CertificateParams),
    ) -> [String; 2] {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        change(&mut params);
        let leaf = params.signed_by(&key, &self.issuer).unwrap();
        [leaf.pem(), key.serialize_pem()]
    }
}

pub(crate) fn web_pki() -> Arc<WebPki> {
    let mut verifier = WebPki::new(&PROVIDER);
    verifier.trust(&AUTHORITY.der).unwrap();
    Arc::new(verifier)
}

pub(crate) fn client_options() -> client::Options {
    client::Options {
        verifier: Some(web_pki()),
        alpn: vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        unix_secs_at_start: UNIX_SECS,
        key_log: true,
        ..client::Options::new(provider())
    }
}

pub(crate) fn server_options() -> server::Options {
    server::Options {
        credentials: vec![AUTHORITY.credential(&["example.com", "*.example.com", "192.0.2.7"])],
        alpn: vec![b"h2".to_vec()],
        key_log: true,
        ..server::Options::new(provider())
    }
}

pub(crate) fn provider() -> &'static Provider {
    &PROVIDER
}

/// Both sides, and what each has given out.
pub(crate) struct Pair {
    pub(crate) client: Handshake,
    pub(crate) server: Handshake,
    pub(crate) from_client: Flight,
    pub(crate) from_server: Flight,
    /// How many steps of each flight were delivered.
    delivered: [usize; 2],
    /// Bytes a call.
    pub(crate) in_pieces: usize,
}

impl Pair {
    pub(crate) fn new(client: client::Options, server: server::Options) -> Self {
        Self::with_name(client, server, "example.com")
    }

    pub(crate) fn with_name(client: client::Options, server: server::Options, name: &str) -> Self {
        Self::resuming(client, server, name, None)
    }

    pub(crate) fn resuming(
        client: client::Options,
        server: server::Options,
        name: &str,
        session: Option<Session>,
    ) -> Self {
        let mut from_client = Flight::default();
        let client = client.build().unwrap();
        let server = server.build().unwrap();
        let client =
            Handshake::resume(client, name, session, NOW, Box::new(Counter(1)), &mut from_client).unwrap();
        let server = Handshake::server(server, NOW, Box::new(Counter(2)));
        Self {
            client,
            server,
            from_client,
            from_server: Flight::default(),
            delivered: [0; 2],
            in_pieces: usize::MAX,
        }
    }

    /// Both over QUIC.
    pub(crate) fn over_quic(
        client: client::Options,
        server: server::Options,
        session: Option<Session>,
    ) -> Self {
        let mut pair = Self::with_name(client.clone(), server.clone(), "example.com");
        pair.from_client = Flight::default();
        let (client, parameters) = (client.build().unwrap(), b"parameters".to_vec());
        let entropy = Box::new(Counter(1));
        let flight = &mut pair.from_client;
        let client = Handshake::quic_client(client, "example.com", session, parameters, NOW, entropy, flight);
        pair.client = client.unwrap();
        pair.server = Handshake::quic_server(server.build().unwrap(), NOW, Box::new(Counter(2)));
        pair
    }

    /// Delivers until nothing moves.
    pub(crate) fn run(&mut self) -> Result<(), (Side, Fault)> {
        self.run_with(|_, _, _| {})
    }

    /// As [`Pair::run`]; `change` may change each message before it arrives.
    pub(crate) fn run_with(
        &mut self,
        mut change: impl FnMut(Side, Level, &mut Vec<u8>),
    ) -> Result<(), (Side, Fault)> {
        while self.turn(Side::Client, &mut change)? | self.turn(Side::Server, &mut change)? {}
        Ok(())
    }

    fn turn(
        &mut self,
        from: Side,
        change: &mut impl FnMut(Side, Level, &mut Vec<u8>),
    ) -> Result<bool, (Side, Fault)> {
        let (sent, delivered, receiver, out) = match from {
            Side::Client => {
                (&self.from_client, &mut self.delivered[0], &mut self.server, &mut self.from_server)
            }
            Side::Server => {
                (&self.from_server, &mut self.delivered[1], &mut self.client, &mut self.from_client)
            }
        };
        let news = sent.steps.len() > *delivered;
        for step in &sent.steps[*delivered..] {
            if let Step::Send { level, message } = step {
                let mut message = message.clone();
                change(from, *level, &mut message);
                for piece in message.chunks(self.in_pieces) {
                    receiver.handle(NOW, *level, piece, out).map_err(|fault| (from.peer(), fault))?;
                }
                receiver.respond(out);
            }
        }
        *delivered = sent.steps.len();
        Ok(news)
    }

    pub(crate) fn is_established(&self) -> bool {
        self.client.is_established() && self.server.is_established()
    }

    /// The facts of both sides.
    pub(crate) fn negotiated(&self) -> (&Fact, &Fact) {
        (&self.from_client.facts[0], &self.from_server.facts[0])
    }
}

pub(crate) use crate::rules::Side;
