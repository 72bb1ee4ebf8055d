//! Keys that are elsewhere, and certificates that change while connections are open.

use sakigake::{
    RemoteSigner, Signature, Signing,
    client::{Options, Watcher},
    dev_ca::DevCa,
    server::Limits,
};
use sakigake_crypto::aws_lc::PROVIDER;
use sakigake_e2e::{Raw, Scratch, Server, Setup, eventually, example, frames};
use sakigake_net::SystemEntropy;
use sakigake_session::ServerConfig;
use sakigake_tls::{
    self as tls, Credential, Fault, RejectedCertificate, Staples, Verified, Verifier,
    rules::AlertDescription, verify_signature,
};
use std::{
    io::Write,
    net::Shutdown,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::sync::oneshot;

/// Signs at once, but for the first signature, which waits until somebody says so.
struct Remote {
    credentials: Vec<Arc<Credential>>,
    first: Mutex<Option<oneshot::Receiver<()>>>,
    asked: Arc<AtomicUsize>,
}

impl RemoteSigner for Remote {
    fn sign(&self, wanted: Signing) -> Signature {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let is_its = |credential: &&Arc<Credential>| credential.chain[0] == wanted.leaf;
        let credential = self.credentials.iter().find(is_its).expect("a certificate of ours");
        let signer = credential.signer.as_ref().expect("it has its key");
        let signature = signer.sign(wanted.scheme, &wanted.message, &mut SystemEntropy);
        let first = self.first.lock().expect("nobody panics with it").take();
        Box::pin(async move {
            match first {
                Some(told) => told.await.ok().and(signature), // Whoever drops it unsaid wants no signature.
                None => signature,
            }
        })
    }
}

/// A server with one worker, how often its signer was asked, and who lets the first signature go.
fn start() -> (Server, Arc<AtomicUsize>, oneshot::Sender<()>) {
    start_with(Limits::default())
}

fn start_with(limits: Limits) -> (Server, Arc<AtomicUsize>, oneshot::Sender<()>) {
    let (release, told) = oneshot::channel();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let remote = move |credentials: &[Arc<Credential>]| -> Arc<dyn RemoteSigner> {
        Arc::new(Remote { credentials: credentials.to_vec(), first: Mutex::new(Some(told)), asked: count })
    };
    // No test here waits for the end of a handshake's time.
    let tls = tls::Limits { handshake_ms: 600_000, ..tls::Limits::default() };
    let server = Server::start(Setup { remote: Some(Box::new(remote)), limits, tls, ..Setup::of(example()) });
    (server, asked, release)
}

/// Asks for the example's page and has it.
fn asks(raw: &mut Raw, stream: u32) {
    raw.send(&frames::get(stream, "/", frames::END));
    raw.read_until("the page", |raw| raw.has_end(stream));
}

#[test]
fn a_signature_that_takes_its_time_keeps_nobody_else_waiting() {
    let (server, asked, release) = start();
    let mut slow = Raw::open(&server, "www.saki.test", &["h2"]);
    eventually("the signer is asked", || asked.load(Ordering::SeqCst) == 1);
    for _ in 0..3 {
        asks(&mut Raw::h2(&server, &[]), 1);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 4);
    assert!(!slow.is_established, "its signature is not there yet");
    release.send(()).expect("the server waits for it");
    slow.read_until("the server's flight", |raw| raw.is_established);
    slow.flush(); // Finished goes first.
    slow.send(&frames::hello(&[]));
    asks(&mut slow, 1);
}

#[test]
fn a_signature_that_does_not_come_ends_the_handshake() {
    let (server, asked, release) = start();
    let mut slow = Raw::open(&server, "www.saki.test", &["h2"]);
    eventually("the signer is asked", || asked.load(Ordering::SeqCst) == 1);
    drop(release);
    slow.read_to_end();
    assert_eq!(slow.fault, Some(Fault::PeerAlert(AlertDescription::INTERNAL_ERROR)));
    asks(&mut Raw::h2(&server, &[]), 1);
}

#[test]
fn who_has_gone_has_nothing_signed() {
    /// The record that old middleboxes are shown (RFC 9846 section 5).
    const CHANGE_CIPHER_SPEC: &[u8] = &[20, 3, 3, 0, 1, 1];
    // What it has not read makes the system tear the connection down.
    type Leave = fn(Raw);
    let ways: [(&str, Leave); 3] = [
        ("without another word", |raw| raw.stream.shutdown(Shutdown::Write).expect("it is open")),
        ("torn down", |raw| drop(raw)),
        ("torn down behind a word", |mut raw| {
            raw.stream.write_all(CHANGE_CIPHER_SPEC).expect("it is open");
        }),
    ];
    for (how, leave) in ways {
        let (server, asked, release) = start();
        let gone = Raw::open(&server, "www.saki.test", &["h2"]);
        eventually("the signer is asked", || asked.load(Ordering::SeqCst) == 1);
        leave(gone);
        eventually(how, || release.is_closed());
        asks(&mut Raw::h2(&server, &[]), 1);
    }
}

#[test]
fn no_more_signatures_are_awaited_than_may_be() {
    let (server, asked, release) = start_with(Limits { signatures_a_worker: 1, ..Limits::default() });
    let mut first = Raw::open(&server, "www.saki.test", &["h2"]);
    eventually("the signer is asked", || asked.load(Ordering::SeqCst) == 1);
    let mut second = Raw::open(&server, "www.saki.test", &["h2"]);
    second.read_to_end();
    assert_eq!(second.fault, Some(Fault::PeerAlert(AlertDescription::INTERNAL_ERROR)));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    release.send(()).expect("the server waits for it");
    first.read_until("the server's flight", |raw| raw.is_established);
    asks(&mut Raw::h2(&server, &[]), 1);
    eventually("the log", || server.log().contains("signatures_a_worker"));
}

#[test]
fn open_connections_keep_their_certificate_and_new_ones_get_the_new_one() {
    let server = Server::start(Setup::of(example()));
    let mut old = Raw::h2(&server, &[]);
    asks(&mut old, 1);
    let folder = Scratch::new();
    let other = DevCa::open(folder.path()).expect("a CA can be made");
    let leaf = other.leaf(&["www.saki.test"]).expect("leaves can be made").ecdsa;
    let key = (PROVIDER.signing_key)(&leaf.key).expect("the CA made the key with the same provider");
    let chain = leaf.chain.iter().map(|der| der.to_vec()).collect();
    let credential = Arc::new(Credential::load(chain, key).expect("they belong together"));
    let now = server.session.now();
    let shown = now.tls.with_credentials(vec![credential]).expect("it can be shown");
    server.session.set(ServerConfig {
        tls: shown,
        h2: now.h2.clone(),
        h3: None,
        hints: now.hints.clone(),
        trace: false,
    });
    let mut new = Raw::open(&server, "www.saki.test", &["h2"]);
    new.read_until("its refusal", |raw| raw.fault.is_some());
    let stranger = Fault::CertificateRejected(RejectedCertificate::UnknownIssuer);
    assert_eq!(new.fault, Some(stranger), "it is another authority's, which that client does not trust");
    asks(&mut old, 3);
}

/// Takes every chain with which an OCSP response comes.
struct Insists;

impl Verifier for Insists {
    fn verify_chain(&self, _: &str, _: &[&[u8]], _: u64) -> Result<Verified, RejectedCertificate> {
        Ok(Verified)
    }

    fn verify_staples(&self, _: &[&[u8]], staples: &Staples, _: u64) -> Result<(), RejectedCertificate> {
        staples.ocsp.as_ref().map(|_| ()).ok_or_else(|| RejectedCertificate::Status("there is none".into()))
    }

    fn verify_signature(&self, leaf: &[u8], scheme: u16, message: &[u8], signature: &[u8]) -> bool {
        verify_signature(&PROVIDER, leaf, scheme, message, signature)
    }
}

struct Nobody;

impl Watcher for Nobody {}

#[test]
fn a_clients_own_verifier_sees_what_is_stapled() {
    let server = Server::start(Setup::of(example()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let fetch = || {
        let client = server.client_with(Options { verifier: Some(Arc::new(Insists)), ..Options::default() });
        let url = server.url("/");
        let work = async { client.get(&url, &mut Nobody, &mut |_| Ok(())).await };
        tokio::task::LocalSet::new().block_on(&runtime, work)
    };
    let why = fetch().expect_err("nothing is stapled").to_string();
    assert!(why.contains("its OCSP response is not acceptable (there is none)"), "{why}");
    let now = server.session.now();
    let stapled = now.tls.credentials().iter().map(|known| {
        let staples = Staples { ocsp: Some(vec![7]), scts: Vec::new() };
        let (chain, signer, schemes) = (known.chain.clone(), known.signer.clone(), known.schemes.clone());
        let names = known.names.clone();
        Arc::new(Credential { chain, signer, schemes, names, staples, ..Credential::default() })
    });
    let shown = now.tls.with_credentials(stapled.collect()).expect("it can be shown");
    server.session.set(ServerConfig {
        tls: shown,
        h2: now.h2.clone(),
        h3: None,
        hints: now.hints.clone(),
        trace: false,
    });
    assert!(matches!(fetch(), Ok(200)));
}
