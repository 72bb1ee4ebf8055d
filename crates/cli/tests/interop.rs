//! The interop endpoints as their runner starts them: two processes, a test case, folders by environment.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::{
    env, fs,
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

const BINARY: &str = env!("CARGO_BIN_EXE_sakigake");
const FILES: [(&str, usize); 3] = [("large", 1_000_000), ("small", 10), ("middle", 70_000)];

/// A folder of certificates, files to serve and a place for those that were fetched, and the server.
struct World {
    folder: PathBuf,
    server: Option<Child>,
    address: String,
    said: Option<BufReader<ChildStdout>>,
}

impl World {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("sakigake-interop-{}-{number}", std::process::id()));
        for part in ["certs", "www", "downloads"] {
            fs::create_dir_all(folder.join(part)).expect("a temporary folder can be made");
        }
        certify(&folder.join("certs"), 1);
        for (file, len) in FILES {
            let bytes: Vec<u8> = (0..len).map(|at| (at * 31 % 251) as u8).collect();
            fs::write(folder.join("www").join(file), bytes).expect("a file can be written");
        }
        Self { folder, server: None, address: String::new(), said: None }
    }

    fn command(&self, role: &str, case: &str) -> Command {
        let mut command = Command::new(BINARY);
        command.args(["interop", role]).env("TESTCASE", case).env("CERTS", self.folder.join("certs"));
        command.env("WWW", self.folder.join("www")).env("DOWNLOADS", self.folder.join("downloads"));
        if self.folder.join("qlog").exists() {
            command.env("QLOGDIR", self.folder.join("qlog/made"));
        }
        command.env("SSLKEYLOGFILE", self.folder.join(format!("{role}.keys")));
        command
    }

    fn serve(&mut self, case: &str, address: &str) {
        let mut command = self.command("server", case);
        command.args(["--address", address, "--port", "0"]).stdout(Stdio::piped());
        let mut server = command.spawn().expect("the server starts");
        let mut said = BufReader::new(server.stdout.take().expect("it is piped"));
        let mut line = String::new();
        said.read_line(&mut line).expect("the server speaks");
        self.server = Some(server);
        self.said = Some(said);
        self.address = line.trim().strip_prefix("listening on ").expect("it says where").to_owned();
    }

    fn fetch(&self, case: &str, arguments: &[&str], files: &[&str]) -> Output {
        let urls: Vec<String> = files.iter().map(|file| format!("https://{}/{file}", self.address)).collect();
        let mut command = self.command("client", case);
        command.env("REQUESTS", urls.join(" ")).args(arguments).output().expect("the client runs")
    }

    fn fetched(&self, file: &str) -> Option<Vec<u8>> {
        fs::read(self.folder.join("downloads").join(file)).ok()
    }

    fn served(&self, file: &str) -> Vec<u8> {
        fs::read(self.folder.join("www").join(file)).expect("it was written")
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            // It may have ended already.
            let _ = server.kill();
            let _ = server.wait();
        }
        // A folder that stays behind harms nobody.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A server's chain of so many certificates for loopback addresses, and the root that vouches for it.
fn certify(folder: &Path, certificates: usize) {
    let new_key = || KeyPair::generate().expect("a key");
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = new_key();
    let root = authority.self_signed(&key).expect("it signs").pem();
    let mut issuer = Issuer::new(authority.clone(), key);
    let mut chain = Vec::new();
    for number in 1..certificates {
        let (mut params, key) = (authority.clone(), new_key());
        params.distinguished_name.push(DnType::CommonName, format!("below the root: {number}"));
        chain.push(params.signed_by(&key, &issuer).expect("it signs").pem());
        issuer = Issuer::new(params, key);
    }
    let names = ["127.0.0.1", "::1", "localhost"].map(str::to_owned);
    let (leaf, key) = (CertificateParams::new(names).expect("they are names"), new_key());
    chain.push(leaf.signed_by(&key, &issuer).expect("it signs").pem());
    chain.reverse();
    for (file, pem) in [("cert.pem", chain.concat()), ("priv.key", key.serialize_pem()), ("ca.pem", root)] {
        fs::write(folder.join(file), pem).expect("a file can be written");
    }
}

/// One test case at both ends; what the client traced.
fn passes(case: &str, address: &str) -> String {
    let mut world = World::new();
    world.serve(case, address);
    let files = FILES.map(|(file, _)| file);
    let output = world.fetch(case, &["--trace"], &files);
    let traced = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{case}: {traced}");
    for file in files {
        assert!(world.fetched(file).is_some_and(|bytes| bytes == world.served(file)), "{case}: {file}");
    }
    traced
}

#[test]
fn files_are_carried_whole_over_ipv4_and_ipv6() {
    for address in ["127.0.0.1", "::1"] {
        let traced = passes("transfer", address);
        assert!(traced.contains("Confirmed"), "{traced}");
    }
}

#[test]
fn the_plain_cases_are_all_known() {
    for case in ["handshake", "longrtt", "multiplexing", "chacha20", "keyupdate", "ecn", "amplificationlimit"]
    {
        passes(case, "127.0.0.1");
    }
}

#[test]
fn a_connection_for_each_file_is_made() {
    let traced = passes("multiconnect", "127.0.0.1");
    assert_eq!(traced.matches("Confirmed").count(), FILES.len());
}

#[test]
fn a_client_that_is_asked_to_come_again_does() {
    assert!(passes("retry", "127.0.0.1").contains("received Retry"));
}

#[test]
fn a_second_connection_goes_on_from_the_first() {
    let traced = passes("resumption", "127.0.0.1");
    assert_eq!(traced.matches("is_resumed: true").count(), 1, "{traced}");
    assert!(!traced.contains("early_data: Accepted"), "{traced}");
}

#[test]
fn requests_go_out_as_early_data() {
    let traced = passes("zerortt", "127.0.0.1");
    assert!(traced.contains("early_data: Accepted"), "{traced}");
}

#[test]
fn both_ends_would_rather_speak_version_2() {
    assert!(passes("v2", "127.0.0.1").contains("QUIC v2 with"));
    assert!(passes("transfer", "127.0.0.1").contains("QUIC v1 with"));
}

#[test]
fn a_case_that_is_unknown_ends_with_127() {
    let world = World::new();
    for role in ["server", "client"] {
        let output = world.command(role, "http3").output().expect("it runs");
        assert_eq!(output.status.code(), Some(127));
    }
}

#[test]
fn a_file_that_is_not_there_fails_and_harms_no_other() {
    let mut world = World::new();
    world.serve("transfer", "127.0.0.1");
    let output = world.fetch("transfer", &[], &["none"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("refuses it"));
    assert!(world.fetch("transfer", &[], &["small"]).status.success());
}

#[test]
fn what_lies_outside_the_folder_is_refused() {
    let mut world = World::new();
    world.serve("transfer", "127.0.0.1");
    fs::write(world.folder.join("secret"), "x").expect("a file can be written");
    for path in ["../secret", "../certs/priv.key", "/etc/hostname", "."] {
        let output = world.fetch("transfer", &[], &[path]);
        assert_eq!(output.status.code(), Some(1), "{path}");
        let name = Path::new(path).file_name().unwrap_or_default();
        assert!(world.fetched(&name.to_string_lossy()).is_none_or(|bytes| bytes.is_empty()), "{path}");
    }
}

#[test]
fn both_ends_log_the_same_keys() {
    let mut world = World::new();
    world.serve("transfer", "127.0.0.1");
    assert!(world.fetch("transfer", &[], &["small"]).status.success());
    let keys = |role: &str| {
        let text = fs::read_to_string(world.folder.join(format!("{role}.keys"))).expect("keys are logged");
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert!(keys("client").iter().any(|line| line.starts_with("CLIENT_TRAFFIC_SECRET_0 ")));
    assert_eq!(keys("client"), keys("server"));
}

#[test]
fn both_ends_write_qlog_files_named_for_the_same_connection() {
    let mut world = World::new();
    fs::create_dir(world.folder.join("qlog")).expect("a folder can be made");
    world.serve("transfer", "127.0.0.1");
    let folder = world.folder.join("qlog/made").display().to_string();
    let output = world.fetch("transfer", &["--trace"], &["small"]);
    assert!(output.status.success());
    let traced = String::from_utf8_lossy(&output.stderr);
    assert!(traced.lines().any(|line| line.contains("1-RTT") && line.contains("STREAM")), "{traced}");
    let files: Vec<_> = fs::read_dir(&folder).expect("it is there").flatten().collect();
    let names: Vec<_> = files.iter().map(|file| file.file_name().to_string_lossy().into_owned()).collect();
    let [ours, theirs] = &names[..] else { panic!("{names:?}") };
    assert_eq!(ours.split_once('_').map(|name| name.0), theirs.split_once('_').map(|name| name.0));
    for file in files {
        let text = fs::read_to_string(file.path()).expect("it is text");
        let mut lines = text.lines();
        assert!(lines.next().is_some_and(|line| line.starts_with("\u{1e}{") && line.contains("file_schema")));
        assert!(lines.all(|line| line.starts_with("\u{1e}{") && line.ends_with('}')));
        assert!(text.contains("quic:packet_sent") && text.contains("quic:packet_received"));
    }
}

#[test]
fn somebody_has_to_vouch_for_a_server() {
    let mut world = World::new();
    world.serve("transfer", "127.0.0.1");
    assert!(world.fetch("transfer", &[], &["small"]).status.success());
    certify(&world.folder.join("certs"), 1); // Another authority: the server has read its own.
    let refused = world.fetch("transfer", &[], &["small"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("CertificateRejected"));
    fs::remove_file(world.folder.join("certs/ca.pem")).expect("it was there");
    for (arguments, file) in [(["--insecure"].as_slice(), "small"), (&[], "middle")] {
        let output = world.fetch("transfer", arguments, &[file]);
        assert!(output.status.success() && world.fetched(file).is_some(), "{file}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("nobody vouches"), "{file}");
    }
}

#[test]
fn a_chain_that_is_longer_than_verifiers_follow_is_as_good() {
    let mut world = World::new();
    certify(&world.folder.join("certs"), 9);
    world.serve("transfer", "127.0.0.1");
    assert!(world.fetch("transfer", &[], &["small"]).status.success());
    fs::copy(world.folder.join("certs/ca.pem"), world.folder.join("certs/cert.pem"))
        .expect("it can be written");
    assert!(!world.fetch("transfer", &[], &["small"]).status.success(), "the root alone will not do");
}

#[test]
fn a_stream_carries_standard_input_and_output() {
    for workers in ["1", "3"] {
        talk(workers, None);
    }
}

#[test]
fn where_nobody_listens_a_client_hears_so_at_once() {
    let nobody =
        std::net::UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port");
    let start = Instant::now();
    let connect = ["quic", "connect", &nobody.to_string(), "--alpn", "talk", "--insecure"];
    let client = Command::new(BINARY).args(connect).stdin(Stdio::null()).output().expect("it runs");
    let told = String::from_utf8_lossy(&client.stderr);
    assert!(!client.status.success() && told.contains("connection refused"), "{told}");
    assert!(start.elapsed() < Duration::from_secs(5), "a handshake's patience is over");
}

#[test]
fn a_client_goes_where_the_server_prefers() {
    for workers in ["1", "3"] {
        talk(workers, Some("127.0.0.2"));
    }
    let twice = ["--preferred", "127.0.0.2:0", "--preferred", "127.0.0.3:0"];
    let refused = Command::new(BINARY).args(["quic", "accept", "127.0.0.1:0"]).args(twice).output();
    let refused = refused.expect("it ends");
    assert!(!refused.status.success());
    assert!(
        String::from_utf8_lossy(&refused.stderr).contains("only one address of each family"),
        "{refused:?}"
    );
}

/// To a server of so many workers, which may prefer another address; then it says nothing before the client is there.
fn talk(workers: &str, preferred: Option<&str>) {
    let world = World::new();
    let mut server = Command::new(BINARY);
    server.args(["quic", "accept", "127.0.0.1:0", "--alpn", "talk", "--workers", workers, "--cert"]);
    server.arg(world.folder.join("certs/cert.pem")).arg("--key").arg(world.folder.join("certs/priv.key"));
    if let Some(preferred) = preferred {
        server.arg("--preferred").arg(format!("{preferred}:0"));
    }
    let mut server = server
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the server starts");
    let mut said = BufReader::new(server.stderr.take().expect("it is piped"));
    let mut line = String::new();
    said.read_line(&mut line).expect("the server speaks");
    let address = line.trim().rsplit(' ').next().expect("it says where").to_owned();
    let mut client = Command::new(BINARY)
        .args(["quic", "connect", &address, "--alpn", "talk", "--insecure", "--version", "v2", "--trace"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the client starts");
    client.stdin.take().expect("it is piped").write_all(b"from the client").expect("it reads");
    let mut traced = BufReader::new(client.stderr.take().expect("it is piped"));
    if let Some(preferred) = preferred {
        let goes = format!("goes on to {preferred}:");
        let mut lines = traced.by_ref().lines().map_while(Result::ok);
        assert!(lines.any(|line| line.contains(&goes)), "it stayed where it was");
    }
    server.stdin.take().expect("it is piped").write_all(b"from the server").expect("it reads");
    let mut rest = String::new();
    traced.read_to_string(&mut rest).expect("it is text");
    let client = client.wait_with_output().expect("it ends");
    assert!(client.status.success(), "{rest}");
    assert_eq!(client.stdout, b"from the server");
    let server = server.wait_with_output().expect("it ends");
    assert!(server.status.success());
    assert_eq!(server.stdout, b"from the client");
}
