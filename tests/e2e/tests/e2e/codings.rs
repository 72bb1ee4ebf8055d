//! Coded forms on their way to curl, whose decoders are not ours, over both protocols.

use sakigake::{
    files::{Compress, Files, Listings, Options},
    hosts::{Hosts, Target},
};
use sakigake_e2e::{Scratch, Server, Setup};
use std::{
    fs::File,
    process::{Command, Output},
    time::{Duration, SystemTime},
};

fn has(program: &str) -> bool {
    if Command::new(program).arg("--version").output().is_ok() {
        return true;
    }
    assert!(std::env::var_os("SAKIGAKE_REQUIRE").is_none_or(|what| what != "all"), "{program} is required");
    eprintln!("skipped: no {program}");
    false
}

fn serve(site: &Scratch, options: Options) -> Server {
    let files = Files::with(site.path(), options).expect("the folder is there");
    let mut setup = Setup::of(site.path());
    setup.hosts = Some(Hosts::one(Target::Files(files)));
    Server::start(setup)
}

fn curl(server: &Server, path: &str, options: &[&str]) -> Output {
    let resolve = format!("www.saki.test:{}:{}", server.address.port(), server.address.ip());
    let mut command = Command::new("curl");
    command.args(["-sS", "--max-time", "20", "--noproxy", "*", "--resolve", &resolve, "--cacert"]);
    command.arg(&server.ca).args(options).arg(server.url(path).to_string()).output().expect("curl runs")
}

const VERSIONS: [&str; 2] = ["--http2", "--http1.1"];

fn text(len: usize) -> Vec<u8> {
    b"what is said often is said shortly, and ".iter().copied().cycle().take(len).collect()
}

/// What is made beforehand by the programs of others, and decoded by curl.
#[test]
fn curl_decodes_what_lies_beside_a_file() {
    if !has("curl") || !has("gzip") || !has("zstd") {
        return;
    }
    let site = Scratch::new();
    for len in [5_000, 200_000] {
        let path = site.write(&format!("{len}.js"), text(len));
        for program in [&["gzip", "-9k"][..], &["zstd", "-19kq"]] {
            let done = Command::new(program[0]).args(&program[1..]).arg(&path).status().expect("it runs");
            assert!(done.success(), "{program:?}");
        }
    }
    let server = serve(&site, Options::default());
    for (len, version) in [5_000, 200_000].into_iter().flat_map(|len| VERSIONS.map(|version| (len, version)))
    {
        let path = format!("/{len}.js");
        for coding in ["gzip", "zstd", "identity", "br, gzip;q=0.1", "zstd;q=0.2, gzip;q=0.9"] {
            let accept = format!("accept-encoding: {coding}");
            let done = curl(&server, &path, &[version, "--compressed", "-H", &accept]);
            assert!(
                done.stdout == text(len),
                "{version} {coding}: {}",
                String::from_utf8_lossy(&done.stderr)
            );
        }
        let head = curl(&server, &path, &[version, "-I", "-H", "accept-encoding: zstd"]).stdout;
        let head = String::from_utf8_lossy(&head).into_owned();
        let packed = std::fs::metadata(site.path().join(format!("{len}.js.zst"))).expect("a file").len();
        for line in ["content-encoding: zstd", "vary: accept-encoding", &format!("content-length: {packed}")]
        {
            assert!(head.contains(line), "{version}: {head}");
        }
        let part = curl(&server, &path, &[version, "-H", "accept-encoding: zstd", "-r", "4-9"]).stdout;
        let all = std::fs::read(site.path().join(format!("{len}.js.zst"))).expect("a file");
        assert_eq!(part, all[4..10], "{version}");
    }
}

/// What is compressed while it is sent: small files at once, large ones without a length.
#[test]
fn curl_decodes_what_is_compressed_on_its_way() {
    if !has("curl") {
        return;
    }
    let site = Scratch::new();
    for len in [5_000, 3_000_000] {
        let path = site.write(&format!("{len}.txt"), text(len));
        // Old enough to be kept.
        let time = SystemTime::now() - Duration::from_secs(60);
        File::options().write(true).open(path).expect("a file").set_modified(time).expect("a time");
    }
    let server = serve(&site, Options { compress: Some(Compress::default()), ..Options::default() });
    for (len, version) in
        [5_000, 3_000_000].into_iter().flat_map(|len| VERSIONS.map(|version| (len, version)))
    {
        let path = format!("/{len}.txt");
        for coding in ["gzip", "br", "zstd"] {
            let accept = format!("accept-encoding: {coding}");
            let done = curl(&server, &path, &[version, "--compressed", "-H", &accept]);
            assert!(
                done.stdout == text(len),
                "{version} {coding}: {}",
                String::from_utf8_lossy(&done.stderr)
            );
            let facts =
                curl(&server, &path, &[version, "-H", &accept, "-o", "/dev/null", "-w", "%{size_download}"]);
            let sent: usize = String::from_utf8_lossy(&facts.stdout).parse().expect("a number");
            assert!(sent < len / 10, "{version} {coding}: {sent}");
            let head = curl(&server, &path, &[version, "-I", "-H", &accept]).stdout;
            let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
            assert!(head.contains(&format!("content-encoding: {coding}\r\n")), "{head}");
            // HEAD says no length that GET would not have.
            assert_eq!(head.contains("content-length"), len == 5_000, "{version} {coding}: {head}");
        }
    }
    let done = curl(
        &server,
        "/3000000.txt",
        &["--http1.0", "--no-alpn", "--compressed", "-H", "accept-encoding: gzip"],
    );
    assert!(done.stdout == text(3_000_000), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn curl_lists_a_folder() {
    if !has("curl") {
        return;
    }
    let site = Scratch::new();
    site.write("a<b>.txt", "x");
    let server = serve(&site, Options { listings: Some(Listings::default()), ..Options::default() });
    for version in VERSIONS {
        let page = curl(&server, "/", &[version]).stdout;
        assert!(String::from_utf8_lossy(&page).contains("<bdi>a&lt;b&gt;.txt</bdi>"));
        let json = curl(&server, "/", &[version, "-H", "accept: application/json"]).stdout;
        assert!(String::from_utf8_lossy(&json).contains("\"href\":\"./a%3Cb%3E.txt\""));
    }
}
