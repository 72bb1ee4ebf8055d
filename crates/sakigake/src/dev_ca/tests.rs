use super::{CA_LIFE, DAY, DevCa, Error, Leaf, is_local, store};
use crate::scratch::Scratch;
use rcgen::{PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256};
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

fn open(folder: &Path) -> Result<DevCa, Error> {
    DevCa::open(folder)
}

#[test]
fn the_key_is_for_its_owner_alone() {
    let scratch = Scratch::new("ca");
    let folder = scratch.path().join("deep/sakigake");
    let ca = open(&folder).expect("a new CA");
    let mode = |path: PathBuf| fs::metadata(path).expect("there").mode() & 0o7777;
    assert_eq!(mode(folder.clone()), 0o700);
    assert_eq!(mode(folder.join("ca-key.pem")), 0o600);
    assert_eq!(fs::read_to_string(ca.certificate_path()).expect("there"), ca.certificate_pem());
    assert!(!ca.certificate_pem().contains("PRIVATE"));
    assert_eq!(fs::read_dir(&folder).expect("there").count(), 2, "nothing temporary stays");
}

#[test]
fn the_same_ca_is_opened_again() {
    let scratch = Scratch::new("ca");
    let first = open(scratch.path()).expect("a new CA").fingerprint();
    fs::remove_file(scratch.path().join("ca.pem")).expect("gone");
    let again = open(scratch.path()).expect("the same CA");
    assert_eq!(again.fingerprint(), first);
    assert_eq!((first.len(), first.matches(':').count()), (95, 31));
    assert!(again.certificate_path().exists());
}

#[test]
fn many_who_come_at_once_get_the_same_ca() {
    let scratch = Scratch::new("ca");
    let fingerprints: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..8).map(|_| scope.spawn(|| open(scratch.path()).expect("a CA").fingerprint())).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    assert!(fingerprints.iter().all(|one| *one == fingerprints[0]), "{fingerprints:?}");
}

#[test]
fn each_fault_says_what_to_do() {
    let scratch = Scratch::new("ca");
    let key = scratch.path().join("ca-key.pem");
    let said = |folder: &Path| open(folder).err().map_or(String::new(), |error| error.to_string());
    fs::set_permissions(scratch.path(), Permissions::from_mode(0o777)).expect("a mode");
    assert!(said(scratch.path()).contains("has mode 0777"), "{}", said(scratch.path()));
    fs::set_permissions(scratch.path(), Permissions::from_mode(0o755)).expect("a mode");
    open(scratch.path()).expect("a folder that others may read");
    fs::set_permissions(&key, Permissions::from_mode(0o640)).expect("a mode");
    assert!(said(scratch.path()).contains("`chmod 0600`"), "{}", said(scratch.path()));
    fs::set_permissions(&key, Permissions::from_mode(0o600)).expect("a mode");
    let whole = fs::read_to_string(&key).expect("readable");
    for broken in
        ["", "nonsense", &whole[..whole.len() / 2], &whole[whole.len() / 2..], &whole.replace('M', "N")]
    {
        fs::write(&key, broken).expect("writable");
        assert!(said(scratch.path()).contains("delete it to get a new CA"), "{}", said(scratch.path()));
    }
    fs::write(&key, &whole).expect("writable");
    let after = DevCa::open_at(scratch.path().into(), SystemTime::now() + CA_LIFE + DAY);
    assert!(matches!(after, Err(Error::Expired { .. })));
    let file = scratch.write("file", "");
    assert!(said(&file).starts_with("cannot make the folder"), "{}", said(&file));
    if chown(&key, Some(12_345), None).is_err() {
        assert!(std::env::var_os("SAKIGAKE_REQUIRE").is_none_or(|what| what != "all"), "root is required");
        eprintln!("skipped: not root, so that no file can be given away");
        return;
    }
    assert!(said(scratch.path()).contains("belongs to user 12345"), "{}", said(scratch.path()));
}

#[test]
fn a_key_of_another_certificate_is_noticed() {
    let (one, other) = (Scratch::new("ca"), Scratch::new("ca"));
    let text = [&one, &other].map(|scratch| {
        open(scratch.path()).expect("a new CA");
        fs::read_to_string(scratch.path().join("ca-key.pem")).expect("readable")
    });
    let (certificate, _) = text[0].split_once("-----BEGIN PRIVATE").expect("both");
    let (_, key) = text[1].split_once("-----BEGIN PRIVATE").expect("both");
    fs::write(one.path().join("ca-key.pem"), format!("{certificate}-----BEGIN PRIVATE{key}"))
        .expect("writable");
    assert!(matches!(
        open(one.path()),
        Err(Error::Damaged { why: "its key belongs to another certificate", .. })
    ));
}

#[test]
fn the_folder_is_where_the_user_keeps_data() {
    let folder = |data: &'static str, home: &'static str| {
        store::default_folder(move |name| {
            let value = if name == "HOME" { home } else { data };
            (!value.is_empty()).then(|| OsString::from(value))
        })
        .ok()
    };
    for (data, home, expected) in [
        ("/data", "/home/me", Some("/data/sakigake")),
        ("", "/home/me", Some("/home/me/.local/share/sakigake")),
        ("relative", "/home/me", Some("/home/me/.local/share/sakigake")),
        ("", "", None),
    ] {
        assert_eq!(folder(data, home), expected.map(PathBuf::from));
    }
}

#[test]
fn leaves_are_for_local_names_alone() {
    for name in ["localhost", "a.localhost", "www.saki.test", "*.saki.test", "127.0.0.1", "127.9.9.9", "::1"]
    {
        assert!(is_local(name), "{name}");
    }
    for name in [
        "",
        "example.com",
        "test.example.com",
        "atest",
        "localhost.example",
        "10.0.0.1",
        "::2",
        "a..test",
        "*.*.test",
        "a/b.test",
        "a b.test",
        ".test",
        "test.",
    ] {
        assert!(!is_local(name), "{name}");
    }
}

#[test]
fn a_leaf_lives_a_fortnight_and_is_renewed_after_a_week() {
    let scratch = Scratch::new("ca");
    let ca = open(scratch.path()).expect("a new CA");
    let now = SystemTime::now();
    let leaves = ca.leaf_at(&["WWW.saki.test", "[::1]", "localhost"], now).expect("leaves");
    for leaf in [&leaves.ecdsa, &leaves.rsa] {
        assert_eq!((leaf.not_after, leaf.renew_at), (now + 14 * DAY, now + 7 * DAY));
        let (_, parsed) = x509_parser::parse_x509_certificate(&leaf.chain[0]).expect("X.509");
        let names = parsed.subject_alternative_name().expect("well-formed").expect("there").value;
        assert_eq!(names.general_names.len(), 4, "localhost, 127.0.0.1, ::1, www.saki.test");
    }
    assert!(matches!(ca.leaf(&["example.com"]), Err(Error::NotLocal(_))));
}

/// Whether `openssl verify` takes the leaf for `name`, and what it says.
fn openssl_verifies(ca: &DevCa, leaf: &Leaf, name: &[&str], scratch: &Scratch) -> (bool, String) {
    let der = scratch.write("leaf.der", &leaf.chain[0]);
    let pem = scratch.path().join("leaf.pem");
    let converted = Command::new("openssl")
        .args(["x509", "-inform", "DER", "-in"])
        .arg(der)
        .arg("-out")
        .arg(&pem)
        .status();
    assert!(converted.expect("openssl runs").success());
    let output = Command::new("openssl")
        .args(["verify", "-x509_strict", "-purpose", "sslserver"])
        .args(name)
        .arg("-CAfile")
        .arg(ca.certificate_path())
        .arg(pem)
        .output()
        .expect("openssl runs");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn openssl_takes_local_names_and_no_others() {
    if Command::new("openssl").arg("version").output().is_err() {
        assert!(std::env::var_os("SAKIGAKE_REQUIRE").is_none_or(|what| what != "all"), "openssl is required");
        eprintln!("skipped: no openssl");
        return;
    }
    let scratch = Scratch::new("ca");
    let ca = open(scratch.path()).expect("a new CA");
    let leaves = ca.leaf(&["www.saki.test", "a.localhost", "127.0.0.2"]).expect("leaves");
    for leaf in [&leaves.ecdsa, &leaves.rsa] {
        for name in [
            ["-verify_hostname", "localhost"],
            ["-verify_hostname", "www.saki.test"],
            ["-verify_hostname", "a.localhost"],
            ["-verify_ip", "127.0.0.1"],
            ["-verify_ip", "127.0.0.2"],
            ["-verify_ip", "::1"],
        ] {
            let (is_good, said) = openssl_verifies(&ca, leaf, &name, &scratch);
            assert!(is_good, "{name:?}: {said}");
        }
        assert!(!openssl_verifies(&ca, leaf, &["-verify_hostname", "other.test"], &scratch).0);
    }
    // Should the key be stolen, the constraints hold what it can do.
    for name in ["example.com", "localhost.example.com", "192.0.2.1", "::2"] {
        for algorithm in [&PKCS_ECDSA_P256_SHA256, &PKCS_RSA_SHA256] {
            let leaf = ca.sign(vec![name.into()], algorithm, SystemTime::now()).expect("a leaf");
            let (is_good, said) = openssl_verifies(&ca, &leaf, &[], &scratch);
            assert!(!is_good && said.contains("permitted subtree violation"), "{name}: {said}");
        }
    }
}
