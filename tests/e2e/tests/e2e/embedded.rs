//! The server that a program holds in its hand.

use sakigake::{
    RemoteSigner, Server, Signature, Signing,
    access_log::AccessLog,
    dev_ca::{DevCa, Leaf},
    files::Files,
    hosts::{Host, Name, Target},
    server::{NotRenewed, Running},
};
use sakigake_e2e::{Scratch, ask_plainly, example};
use sakigake_wire::base64;
use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::{Command, Stdio},
    sync::Arc,
};

const ANY: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", base64(der))
}

/// Chain and key.
fn pems(leaf: &Leaf) -> [String; 2] {
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
