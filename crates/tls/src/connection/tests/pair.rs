//! A client and a server whose bytes a test carries, splits and spoils.

use crate::{
    Answer, Connection, Credential, Event, Fault, Identity, RejectedCertificate, Session, Signer, Verified,
    Verifier, Wanted, client, server,
};
use sakigake_crypto::{Provider, aws_lc};
use sakigake_wire::{Entropy, Instant, Span};
use std::sync::Arc;

/// What was told, kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Wanted(Wanted),
    Negotiated(Option<Vec<u8>>),
    Established,
    Authenticated(Option<Identity>),
    BarredRequest,
    Data(Vec<u8>),
    Ticket(Box<Session>),
    KeyLog(String),
    Closed,
    Traced(String),
}

impl Heard {
    fn keep(event: Event<'_>) -> Option<Self> {
        Some(match event {
            Event::Wanted(wanted) => Self::Wanted(wanted),
            Event::Negotiated(negotiated) => Self::Negotiated(negotiated.alpn),
            Event::Ticket(session) => Self::Ticket(session),
            Event::Established => Self::Established,
            Event::Authenticated(identity) => Self::Authenticated(identity),
            Event::BarredRequest => Self::BarredRequest,
            Event::Data(bytes) => Self::Data(bytes.to_vec()),
            Event::KeyLog(line) => Self::KeyLog(line.to_string()),
            Event::Closed => Self::Closed,
            Event::Traced(traced) => Self::Traced(traced.to_string()),
        })
    }
}

pub(super) struct Pair {
    pub(super) client: Connection,
    pub(super) server: Connection,
    pub(super) client_heard: Vec<Heard>,
    pub(super) server_heard: Vec<Heard>,
    pub(super) client_fault: Option<Fault>,
    pub(super) server_fault: Option<Fault>,
    pub(super) now: Instant,
    /// Bytes a call of `handle`.
    pub(super) split: usize,
    /// Bytes of the buffer that `transmit` gets.
    pub(super) out_len: usize,
}

/// What a test changes before the connections are made.
pub(super) struct Setup {
    pub(super) client: client::Options,
    pub(super) server: server::Options,
}

impl Setup {
    pub(super) fn new() -> Self {
        let mut client = client::Options::new(&aws_lc::PROVIDER);
        client.verifier = Some(Arc::new(Credulous));
        client.alpn = vec![b"h2".to_vec()];
        let mut server = server::Options::new(&aws_lc::PROVIDER);
        server.credentials = vec![Arc::new(credential(Some(Arc::new(Scribbler))))];
        server.alpn = vec![b"h2".to_vec()];
        Self { client, server }
    }

    pub(super) fn pair(self) -> Pair {
        self.resuming(None)
    }

    pub(super) fn resuming(self, session: Option<Session>) -> Pair {
        let now = Instant::from_nanos(1_000_000_000);
        let client = self.client.build().expect("client options");
        let server = self.server.build().expect("server options");
        Pair {
            client: Connection::resume(client, "example.test", session, now, Box::new(entropy(1)))
                .expect("a good name"),
            server: Connection::server(server, now, Box::new(entropy(2))),
            client_heard: Vec::new(),
            server_heard: Vec::new(),
            client_fault: None,
            server_fault: None,
            now,
            split: usize::MAX,
            out_len: 16_384,
        }
    }
}

impl Pair {
    pub(super) fn new() -> Self {
        Setup::new().pair()
    }

    pub(super) fn established() -> Self {
        Self::new().run_to_the_end()
    }

    pub(super) fn run_to_the_end(mut self) -> Self {
        self.run();
        assert!(
            self.client.is_established() && self.server.is_established(),
            "{:?} {:?}",
            self.client,
            self.server
        );
        self.client_heard.clear();
        self.server_heard.clear();
        self
    }

    /// Both sides have this suite alone.
    pub(super) fn with_suite(id: u16) -> Self {
        let at = aws_lc::PROVIDER.suites.iter().position(|suite| suite.id == id).expect("a known suite");
        let p = &aws_lc::PROVIDER;
        let provider: &'static Provider = Box::leak(Box::new(Provider {
            name: p.name,
            suites: &p.suites[at..=at],
            groups: p.groups,
            verifications: p.verifications,
            signing_key: p.signing_key,
        }));
        let mut setup = Setup::new();
        setup.client.provider = provider;
        setup.pair()
    }

    /// The client's first share is for a group that the server does not take.
    pub(super) fn with_retry() -> Self {
        let mut setup = Setup::new();
        setup.client.groups = vec![29, 23]; // x25519, secp256r1
        setup.server.groups = vec![23];
        setup.pair()
    }

    pub(super) fn without_middlebox_compatibility() -> Self {
        let mut setup = Setup::new();
        setup.client.middlebox = false;
        setup.pair()
    }

    pub(super) fn with_key_log() -> Self {
        let mut setup = Setup::new();
        setup.client.key_log = true;
        setup.server.key_log = true;
        setup.pair()
    }

    /// Carries bytes until neither side has any.
    pub(super) fn run(&mut self) {
        for _ in 0..10_000 {
            let mut out = vec![0; self.out_len];
            let to_server = self.client.transmit(self.now, &mut out).unwrap_or(0);
            self.server_hears(&out[..to_server]);
            let to_client = self.server.transmit(self.now, &mut out).unwrap_or(0);
            self.client_hears(&out[..to_client]);
            if to_server + to_client == 0 {
                return;
            }
        }
        panic!("they never come to an end");
    }

    pub(super) fn client_hears(&mut self, bytes: &[u8]) {
        let (now, heard) = (self.now, &mut self.client_heard);
        for piece in bytes.chunks(self.split) {
            let result =
                self.client.handle(now, &mut piece.to_vec(), &mut |event| heard.extend(Heard::keep(event)));
            self.client_fault = self.client_fault.take().or(result.err());
        }
    }

    pub(super) fn server_hears(&mut self, bytes: &[u8]) {
        let (now, heard) = (self.now, &mut self.server_heard);
        for piece in bytes.chunks(self.split) {
            let result =
                self.server.handle(now, &mut piece.to_vec(), &mut |event| heard.extend(Heard::keep(event)));
            self.server_fault = self.server_fault.take().or(result.err());
        }
    }

    pub(super) fn client_is_told(&mut self, answer: Answer) {
        let (now, heard) = (self.now, &mut self.client_heard);
        let result = self.client.answer(now, answer, &mut |event| heard.extend(Heard::keep(event)));
        self.client_fault = self.client_fault.take().or(result.err());
    }

    pub(super) fn server_is_told(&mut self, answer: Answer) {
        let (now, heard) = (self.now, &mut self.server_heard);
        let result = self.server.answer(now, answer, &mut |event| heard.extend(Heard::keep(event)));
        self.server_fault = self.server_fault.take().or(result.err());
    }

    /// Gives bytes to the server; what it sends to that.
    pub(super) fn server_answers(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.server_hears(bytes);
        transmit_all(&mut self.server)
    }

    /// Gives bytes to the client; what it sends to that.
    pub(super) fn client_answers(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.client_hears(bytes);
        transmit_all(&mut self.client)
    }

    pub(super) fn client_seals(&mut self, data: &[u8]) -> Vec<u8> {
        seal_all(&mut self.client, data)
    }

    pub(super) fn server_seals(&mut self, data: &[u8]) -> Vec<u8> {
        seal_all(&mut self.server, data)
    }

    /// Sends data both ways and sees that it arrives whole.
    pub(super) fn exchange(&mut self, question: &[u8], answer: &[u8]) {
        self.client_heard.clear();
        self.server_heard.clear();
        let bytes = self.client_seals(question);
        self.server_hears(&bytes);
        let bytes = self.server_seals(answer);
        self.client_hears(&bytes);
        assert_eq!((self.client_fault.clone(), self.server_fault.clone()), (None, None));
        assert_eq!(data_of(&self.server_heard), question);
        assert_eq!(data_of(&self.client_heard), answer);
    }
}

pub(super) fn data_of(heard: &[Heard]) -> Vec<u8> {
    heard
        .iter()
        .flat_map(|event| if let Heard::Data(data) = event { &data[..] } else { &[] })
        .copied()
        .collect()
}

pub(super) fn transmit_all(connection: &mut Connection) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut out = vec![0; 20_000];
    while let Some(len) = connection.transmit(Instant::from_nanos(1_000_000_000), &mut out) {
        bytes.extend_from_slice(&out[..len]);
    }
    bytes
}

/// Seals all of `data`, with what has to go before.
pub(super) fn seal_all(connection: &mut Connection, mut data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut out = vec![0; 20_000];
    while !data.is_empty() {
        bytes.extend(transmit_all(connection));
        assert!(connection.may_send(), "{connection:?}");
        let mut taken = 0;
        let len = connection.seal(&mut out, &mut |place| {
            taken = place.len().min(data.len());
            place[..taken].copy_from_slice(&data[..taken]);
            taken
        });
        bytes.extend_from_slice(&out[..len]);
        data = &data[taken..];
    }
    bytes
}

pub(super) fn credential(signer: Option<Arc<dyn Signer>>) -> Credential {
    Credential {
        chain: vec![vec![0x30, 0]],
        signer,
        schemes: vec![0x0403],
        signed_with: vec![0x0403],
        names: vec!["example.test".into()],
        ..Credential::default()
    }
}

/// Bytes that a seed decides.
pub(super) fn entropy(seed: u64) -> impl Entropy {
    struct Lcg(u64);
    impl Entropy for Lcg {
        fn fill(&mut self, out: &mut [u8]) {
            for byte in out {
                self.0 =
                    self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                *byte = (self.0 >> 56) as u8;
            }
        }
    }
    Lcg(seed)
}

pub(super) fn later(now: Instant, millis: u64) -> Instant {
    now + Span::from_millis(millis)
}

/// Believes every certificate and signature: not what is tested here.
struct Credulous;

impl Verifier for Credulous {
    fn verify_chain(&self, _: &str, _: &[&[u8]], _: u64) -> Result<Verified, RejectedCertificate> {
        Ok(Verified)
    }

    fn verify_signature(&self, _: &[u8], _: u16, _: &[u8], _: &[u8]) -> bool {
        true
    }
}

/// Signs with anything.
struct Scribbler;

impl Signer for Scribbler {
    fn sign(&self, _: u16, _: &[u8], _: &mut dyn Entropy) -> Option<Vec<u8>> {
        Some(vec![0x5c; 70])
    }
}
