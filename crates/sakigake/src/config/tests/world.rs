//! Files held against a disk.

use crate::{
    config::{Ready, Shown},
    scratch::Scratch,
};
use rcgen::{CertificateParams, KeyPair};
use sakigake_tls::server::Demand;
use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

const DAY: Duration = Duration::from_secs(86_400);

/// A certificate for `names` that ends so many days from now, and its key.
fn certificate(folder: &Path, file: &str, names: &[&str], days: i32) {
    let key = KeyPair::generate().expect("the provider makes keys");
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).expect("they are names");
    let end = SystemTime::now() + DAY * 1_000;
    params.not_after = (end - DAY * (1_000 - days).unsigned_abs()).into();
    params.not_before = (SystemTime::now() - DAY * 100).into();
    let certificate = params.self_signed(&key).expect("it signs");
    fs::write(folder.join(format!("{file}.pem")), certificate.pem()).expect("the folder is ours");
    fs::write(folder.join(format!("{file}.key")), key.serialize_pem()).expect("the folder is ours");
}

/// `successful`, and nothing else.
const OCSP: &str = "\x30\x03\x0a\x01\x00";

/// Version 1, then what nobody here looks into.
const SCT: &str = "\0..............................................";

/// A folder with a site, certificates and a file of hints.
fn scratch() -> Scratch {
    let scratch = Scratch::new("config-world");
    let folder = scratch.path();
    fs::create_dir(folder.join("site")).expect("the folder is ours");
    for (file, text) in [
        ("site/404.html", "gone"),
        ("good.hints", "</a.css>; rel=preload; as=style\n"),
        ("bad.hints", "# first\n<https://b.test/a.css>; rel=preload; as=style\n"),
        ("text.pem", "nothing of the kind"),
        ("some.ocsp", OCSP),
        ("some.sct", SCT),
        ("empty", ""),
    ] {
        fs::write(folder.join(file), text).expect("the folder is ours");
    }
    certificate(folder, "a", &["a.example", "*.a.example"], 90);
    certificate(folder, "b", &["b.example"], 90);
    certificate(folder, "old", &["a.example"], -2);
    scratch
}

fn load(folder: &Path, text: &str) -> Result<Ready, String> {
    let path = folder.join("sakigake.toml");
    fs::write(&path, text).expect("the folder is ours");
    let hide = |text: String| {
        text.replace(&format!("{}/", folder.display()), "/srv/")
            .replace(&folder.display().to_string(), "/srv")
    };
    Ready::load(&path, SystemTime::now()).map_err(|report| hide(report.to_string()))
}

#[test]
fn what_a_file_names_must_be_there_and_fit() {
    let scratch = scratch();
    let mut out = String::new();
    for (name, text) in [
        ("a folder that is not there", "[hosts.localhost]\nfolder = \"sites\"\n"),
        ("a folder whose name is not alike", "[hosts.localhost]\nfolder = \"nope\"\n"),
        ("a folder in one that is not there", "[hosts.localhost]\nfolder = \"www/site\"\n"),
        ("a file for a folder", "[hosts.localhost]\nfolder = \"good.hints\"\n"),
        (
            "a page that is not there",
            "[hosts.localhost]\nfolder = \"site\"\nerror_pages = { 404 = \"404.html\", 500 = \"500.html\" }\n",
        ),
        ("hints that are not there", "[hosts.localhost]\nfolder = \"site\"\nhints = \"page\"\n"),
        ("hints that are wrong", "[hosts.localhost]\nfolder = \"site\"\nhints = \"bad.hints\"\n"),
        (
            "a log in no folder",
            "[log]\nfile = \"logs/access.log\"\nkeys = \"site\"\n[hosts.localhost]\nfolder = \"site\"\n",
        ),
        (
            "a public name without certificate",
            "[hosts.localhost]\nfolder = \"site\"\naliases = [\"www.a.test\", \"a.example\"]\n",
        ),
        (
            "another's key",
            "[hosts.\"a.example\"]\nfolder = \"site\"\ncertificate = \"a.pem\"\nkey = \"b.key\"\n",
        ),
        (
            "a certificate that is not there",
            "[tls]\ncertificate = \"c.pem\"\nkey = \"c.key\"\n[hosts.\"a.example\"]\nfolder = \"site\"\n",
        ),
        (
            "no certificate in the file",
            "[tls]\ncertificate = \"text.pem\"\nkey = \"a.key\"\n[hosts.\"a.example\"]\nfolder = \"site\"\n",
        ),
        (
            "no key in the file",
            "[tls]\ncertificate = \"a.pem\"\nkey = \"text.pem\"\n[hosts.\"a.example\"]\nfolder = \"site\"\n",
        ),
        (
            "key and certificate exchanged",
            "[tls]\ncertificate = \"a.key\"\nkey = \"a.pem\"\n[hosts.\"a.example\"]\nfolder = \"site\"\n",
        ),
        (
            "responses and timestamps that are not there, or empty",
            "[tls]\ncertificate = \"a.pem\"\nkey = \"a.key\"\nocsp = \"a.ocsp\"\nscts = [\"some.sct\", \"empty\"]\n[hosts.\"a.example\"]\nfolder = \"site\"\n",
        ),
        (
            "responses and timestamps that are none",
            "[tls]\ncertificate = \"a.pem\"\nkey = \"a.key\"\nocsp = \"text.pem\"\nscts = [\"text.pem\", \"some.ocsp\"]\n[hosts.\"a.example\"]\nfolder = \"site\"\n",
        ),
        (
            "other names",
            "[hosts.\"a.example\"]\naliases = [\"www.a.example\", \"www.www.a.example\", \"c.example\", \"*.a.example\"]\nfolder = \"site\"\ncertificate = \"a.pem\"\nkey = \"a.key\"\n",
        ),
        (
            "other names than those of all hosts",
            "[tls]\ncertificate = \"a.pem\"\nkey = \"a.key\"\n[hosts.\"b.example\"]\nfolder = \"site\"\n",
        ),
        (
            "an authority of clients that is not there",
            "[hosts.localhost]\nfolder = \"site\"\nclient_certificates = { ca = [\"a.pem\", \"c.pem\"] }\n",
        ),
        (
            "a list of revoked clients that is none",
            "[hosts.localhost]\nfolder = \"site\"\nclient_certificates = { ca = \"a.pem\", crl = \"text.pem\" }\n",
        ),
        (
            "an expired certificate, and a mistyped key",
            "[hosts.\"a.example\"]\nfoldr = \"x\"\nfolder = \"sit\"\ncertificate = \"old.pem\"\nkey = \"old.key\"\n",
        ),
    ] {
        let said = load(scratch.path(), text).err().unwrap_or_else(|| panic!("{name}"));
        let said = said.replace("sakigake.toml:", "f:");
        // The day differs from run to run.
        let said = match said.find("EXPIRED ") {
            Some(at) => format!("{}EXPIRED (date){}", &said[..at], &said[at + "EXPIRED 01 Jan 2026".len()..]),
            None => said,
        };
        out.push_str(&format!("=== {name}\n{said}\n"));
    }
    insta::assert_snapshot!(out);
}

#[test]
fn what_is_shown_beside_a_certificate_is_read_with_it() {
    let scratch = scratch();
    let text = "[hosts.\"a.example\"]\nfolder = \"site\"\ncertificate = \"a.pem\"\nkey = \"a.key\"\nocsp = \"some.ocsp\"\nscts = [\"some.sct\", \"some.sct\"]\n";
    let ready = load(scratch.path(), text).expect("it is good");
    let [Shown::Files(credentials)] = &ready.shown[..] else { panic!("{} shown", ready.shown.len()) };
    let staples = &credentials[0].staples;
    assert_eq!(staples.ocsp.as_deref(), Some(OCSP.as_bytes()));
    assert_eq!(staples.scts, [SCT.as_bytes().to_vec(), SCT.as_bytes().to_vec()]);
}

#[test]
fn each_host_shows_its_own_certificate_then_that_of_all_then_the_development_cas() {
    let scratch = scratch();
    let text = "[tls]\ncertificate = \"a.pem\"\nkey = \"a.key\"\n\
                [hosts.\"b.example\"]\nfolder = \"site\"\nhints = \"good.hints\"\ncertificate = \"b.pem\"\nkey = \"b.key\"\n\
                [hosts.\"a.example\"]\nfolder = \"site\"\naliases = \"x.a.example\"\n\
                [hosts.localhost]\nfolder = \"site\"\n";
    let ready = load(scratch.path(), text).unwrap_or_else(|report| panic!("{report}"));
    let names = |shown: &Shown| match shown {
        Shown::Files(credentials) => credentials[0].names.join(" "),
        Shown::Development => "development".into(),
    };
    let shown: Vec<String> = ready.shown.iter().map(names).collect();
    assert_eq!(shown, ["b.example", "a.example *.a.example", "development"]);
    assert_eq!(ready.development(), ["localhost"]);
}

#[test]
fn hosts_that_ask_clients_the_same_way_do_so_together() {
    let scratch = scratch();
    let text = "[hosts.localhost]\nfolder = \"site\"\ndefault = true\n\
                [hosts.\"a.test\"]\nfolder = \"site\"\nclient_certificates = { ca = \"a.pem\" }\n\
                [hosts.\"b.test\"]\nfolder = \"site\"\nclient_certificates = { ca = \"a.pem\", mode = \"required\" }\n\
                [hosts.\"c.test\"]\nfolder = \"site\"\nclient_certificates = { ca = \"a.pem\", mode = \"optional\", tell_authorities = true }\n";
    let ready = load(scratch.path(), text).unwrap_or_else(|report| panic!("{report}"));
    let asks: Vec<_> = ready
        .client_authentication
        .iter()
        .map(|asks| (asks.hosts.join(" "), asks.is_default, asks.demand, asks.authorities.len()))
        .collect();
    let expected = [
        ("localhost".to_owned(), true, Demand::Never, 0),
        ("c.test".into(), false, Demand::Optional, 1),
        ("a.test b.test".into(), false, Demand::Required, 0),
    ];
    assert_eq!(asks, expected);
    let nobody = load(scratch.path(), "[hosts.localhost]\nfolder = \"site\"\n")
        .unwrap_or_else(|report| panic!("{report}"));
    assert!(nobody.client_authentication.is_empty());
}

#[test]
fn what_is_no_file_or_no_text_says_so() {
    let scratch = scratch();
    let path = scratch.path().join("none.toml");
    let load = |path: &Path| {
        Ready::load(path, SystemTime::now()).err().map(|report| report.to_string()).unwrap_or_default()
    };
    assert!(load(&path).contains("none.toml: error: cannot read it: it is not there"), "{}", load(&path));
    assert!(load(scratch.path()).contains("it is a folder"), "{}", load(scratch.path()));
    fs::write(&path, b"a = 1\nb = \"\xff\"\n").expect("the folder is ours");
    assert!(load(&path).contains("none.toml:2:6: error: this is not UTF-8"), "{}", load(&path));
}
