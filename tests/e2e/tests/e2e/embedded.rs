//! The server that a program holds in its hand.

use sakigake::{
    RemoteSigner, Server, Signature, Signing,
    access_log::AccessLog,
    dev_ca::{DevCa, Leaf},
    files::Files,
    hosts::{Host, Name, Target},
    server::{NotRenewed, Running},
};
use sakigake_crypto::aws_lc::PROVIDER;
use sakigake_e2e::{Raw, Scratch, ask_plainly, example};
use sakigake_tls::{RejectedCertificate, Staples, Verified, Verifier, client, verify_signature};
use sakigake_wire::base64;
use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
};

const ANY: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", base64(der))
}

/// Chain and key.
pub(crate) fn pems(leaf: &Leaf) -> [String; 2] {
    [
        leaf.chain.iter().map(|der| pem("CERTIFICATE", der)).collect(),
        pem("PRIVATE KEY", leaf.key.secret_der()),
    ]
}

fn leaf(ca: &DevCa, names: &[&str]) -> Leaf {
    ca.leaf(names).expect("leaves can be made").ecdsa
}

fn start(folder: &Scratch, ca: &DevCa, change: impl FnOnce(Server) -> Server) -> (Running, Leaf) {
    let leaf = leaf(ca, &["www.saki.test"]);
    let files: [PathBuf; 2] = ["chain.pem", "key.pem"].map(|name| folder.path().join(name));
    for (path, text) in files.iter().zip(pems(&leaf)) {
        fs::write(path, text).expect("the folder is ours");
    }
    let [chain, key] = files;
    let server = Server::new().folder(example()).certificate(chain, key).listen(ANY.into()).workers(1);
    (change(server.log(AccessLog::off())).start().expect("it serves"), leaf)
}

/// The leaf that somebody else is shown, as the text of its PEM; nothing where there is no openssl.
fn shown(address: SocketAddr) -> Option<String> {
    let asked = Command::new("openssl")
        .args(["s_client", "-connect", &address.to_string(), "-servername", "www.saki.test"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    let Ok(asked) = asked else {
        eprintln!("skipped: there is no openssl");
        assert_ne!(std::env::var("SAKIGAKE_REQUIRE").as_deref(), Ok("all"), "there is no openssl");
        return None;
    };
    let text = String::from_utf8_lossy(&asked.stdout).into_owned();
    let (_, rest) = text.split_once("-----BEGIN CERTIFICATE-----").expect("a certificate");
    Some(rest.split_once("-----END").expect("its end").0.split_whitespace().collect())
}

#[test]
fn a_certificate_is_renewed_while_it_is_shown() {
    let folder = Scratch::new();
    let ca = DevCa::open(folder.path()).expect("a CA can be made");
    let (running, old) = start(&folder, &ca, |server| server);
    let address = running.addresses()[0];
    if let Some(text) = shown(address) {
        assert_eq!(text, base64(&old.chain[0]));
    }
    let new = leaf(&ca, &["www.saki.test", "shop.saki.test"]);
    let [chain, key] = pems(&new);
    running.renew(chain.as_bytes(), key.as_bytes()).expect("it takes the old one's place");
    if let Some(text) = shown(address) {
        assert_eq!(text, base64(&new.chain[0]));
    }
    // One that is for fewer names is another's, and a wrong key nobody's: the last one stays.
    let [stranger, its_key] = pems(&leaf(&ca, &["else.test"]));
    let refused = [
        running.renew(stranger.as_bytes(), its_key.as_bytes()),
        running.renew(chain.as_bytes(), its_key.as_bytes()),
        running.renew(b"", key.as_bytes()),
    ];
    assert!(matches!(refused[0], Err(NotRenewed::Stranger(_))), "{refused:?}");
    assert!(matches!(refused[1..], [Err(NotRenewed::Bad(_)), Err(NotRenewed::Bad(_))]), "{refused:?}");
    if let Some(text) = shown(address) {
        assert_eq!(text, base64(&new.chain[0]));
    }
    running.stop();
    running.join().expect("it ends well");
}

#[test]
fn a_program_may_have_metrics_redirects_and_a_key_log() {
    let folder = Scratch::new();
    let ca = DevCa::open(folder.path()).expect("a CA can be made");
    let keys = folder.path().join("keys");
    let files = Files::new(example()).expect("it is there");
    let host = Host::new(Name::parse("www.saki.test").expect("a name"), Target::Files(files));
    let (running, _) = start(&folder, &ca, |server| {
        server.host(host).metrics(ANY.into()).redirect_http(ANY.into()).key_log(&keys).early_hints(false)
    });
    let [https, http, metrics] = running.addresses() else { panic!("{:?}", running.addresses()) };
    let heard = ask_plainly(*http, "GET /a HTTP/1.1\r\nhost: www.saki.test\r\nconnection: close\r\n\r\n");
    assert!(heard.contains(&format!("location: https://www.saki.test:{}/a\r\n", https.port())), "{heard}");
    let heard = ask_plainly(*metrics, "GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n");
    assert!(heard.contains("sakigake_connections_total"), "{heard}");
    if shown(*https).is_some() {
        let said = fs::read_to_string(&keys).expect("it is there");
        assert!(said.contains("SERVER_HANDSHAKE_TRAFFIC_SECRET "), "{said}");
    }
    running.stop();
    running.join().expect("it ends well");
}

/// Nobody asks it in these tests.
struct Unasked;

impl RemoteSigner for Unasked {
    fn sign(&self, _: Signing) -> Signature {
        Box::pin(core::future::ready(None))
    }
}

#[test]
fn a_certificate_whose_key_is_elsewhere_needs_who_signs_and_schemes_that_fit() {
    const ECDSA: u16 = 0x0403;
    const RSA_PSS: u16 = 0x0804;
    const RSA_PKCS1: u16 = 0x0401;
    let folder = Scratch::new();
    let ca = DevCa::open(folder.path()).expect("a CA can be made");
    let leaves = ca.leaf(&["www.saki.test"]).expect("leaves can be made");
    let [ecdsa, rsa] = [("ecdsa.pem", leaves.ecdsa), ("rsa.pem", leaves.rsa)].map(|(name, leaf)| {
        let [chain, _] = pems(&leaf);
        folder.write(name, chain)
    });
    let start = |chain: &PathBuf, schemes: &[u16], has_signer| {
        let server = Server::new().folder(example()).remote_certificate(chain, schemes).listen(ANY.into());
        let server = if has_signer { server.signer(Arc::new(Unasked)) } else { server };
        let running = server.log(AccessLog::off()).workers(1).start().map_err(|error| error.to_string())?;
        running.stop();
        running.join().map_err(|error| error.to_string())
    };
    assert_eq!(start(&ecdsa, &[ECDSA], true), Ok(()));
    assert_eq!(start(&rsa, &[RSA_PSS], true), Ok(()));
    let cases = [
        (&ecdsa, &[ECDSA][..], false, "its key is elsewhere, and there is no signer"),
        (&ecdsa, &[ECDSA, RSA_PSS], true, "does not sign a handshake with rsa_pss_rsae_sha256"),
        (&rsa, &[ECDSA], true, "does not sign a handshake with ecdsa_secp256r1_sha256"),
        (&rsa, &[RSA_PKCS1], true, "does not sign a handshake with rsa_pkcs1_sha256"),
        (&ecdsa, &[], true, "no scheme is given"),
    ];
    for (chain, schemes, has_signer, expected) in cases {
        let error = start(chain, schemes, has_signer).expect_err(expected);
        assert!(error.contains(expected) && error.contains(".pem"), "{error}");
    }
}

/// Takes every chain, and keeps what is stapled to it.
#[derive(Default)]
struct Sees(Mutex<Staples>);

impl Verifier for Sees {
    fn verify_chain(&self, _: &str, _: &[&[u8]], _: u64) -> Result<Verified, RejectedCertificate> {
        Ok(Verified)
    }

    fn verify_staples(&self, _: &[&[u8]], staples: &Staples, _: u64) -> Result<(), RejectedCertificate> {
        self.0.lock().expect("nobody panics with it").clone_from(staples);
        Ok(())
    }

    fn verify_signature(&self, leaf: &[u8], scheme: u16, message: &[u8], signature: &[u8]) -> bool {
        verify_signature(&PROVIDER, leaf, scheme, message, signature)
    }
}

/// What is stapled for somebody who connects now.
fn stapled(address: SocketAddr) -> Staples {
    let sees = Arc::new(Sees::default());
    let mut options = client::Options::new(&PROVIDER);
    options.verifier = Some(sees.clone());
    options.staples = true;
    let mut raw = Raw::dial(address, "www.saki.test", options);
    raw.read_until("the server's flight", |raw| raw.is_established);
    sees.0.lock().expect("nobody panics with it").clone()
}

#[test]
fn staples_go_with_a_certificate_and_are_renewed_with_it() {
    let folder = Scratch::new();
    let ca = DevCa::open(folder.path()).expect("a CA can be made");
    let of = |byte: u8| Staples { ocsp: Some(vec![byte; 9]), scts: vec![vec![byte]] };
    let (running, leaf) = start(&folder, &ca, |server| server.staples(of(1)));
    let address = running.addresses()[0];
    let [chain, key] = pems(&leaf);
    assert_eq!(stapled(address), of(1));
    running.renew_with(chain.as_bytes(), key.as_bytes(), of(2)).expect("it takes the old one's place");
    assert_eq!(stapled(address), of(2));
    running.renew(chain.as_bytes(), key.as_bytes()).expect("it takes the old one's place");
    assert_eq!(stapled(address), Staples::default());
    let empty = Staples { ocsp: Some(Vec::new()), scts: Vec::new() };
    let refused = running.renew_with(chain.as_bytes(), key.as_bytes(), empty);
    assert!(matches!(refused, Err(NotRenewed::Tls(_))));
    let elsewhere = running.renew_remote(chain.as_bytes(), &[0x0403], Staples::default());
    assert!(matches!(elsewhere, Err(NotRenewed::Stranger(_))), "no signer is asked for that certificate");
    running.stop();
    let stray = Server::new().folder(example()).staples(of(1)).listen(ANY.into()).start();
    let stray = stray.map(|_| ()).expect_err("there is no certificate").to_string();
    assert!(stray.contains("staples go with the certificate named before"), "{stray}");
}
