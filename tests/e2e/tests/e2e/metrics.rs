//! The metrics of a server, as a scraper reads them.

use crate::service::Client;
use sakigake::{
    files::Files,
    hosts::{Host, Hosts, Name, Target},
    server::Kind,
};
use sakigake_e2e::{Raw, Server, Setup, ask_plainly, eventually, example, frames};
use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    process::Command,
};

fn hosts() -> Hosts {
    let files = Target::Files(Files::new(example()).expect("it is there"));
    Hosts::new(vec![Host::new(Name::parse("www.saki.test").expect("a name"), files)]).expect("one host")
}

fn start() -> (Server, SocketAddr) {
    let setup = Setup { workers: 2, hosts: Some(hosts()), ..Setup::of(example()) };
    let mut server = Server::start(setup);
    let address = server.running.open((Ipv4Addr::LOCALHOST, 0).into(), Kind::Metrics).expect("it opens");
    (server, address)
}

fn scrape(address: SocketAddr) -> BTreeMap<String, f64> {
    let heard = ask_plainly(address, "GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n");
    let (head, body) = heard.split_once("\r\n\r\n").expect("a head");
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    assert!(head.contains("content-type: text/plain; version=0.0.4; charset=utf-8"), "{head}");
    parse(body)
}

/// Reads the text format 0.0.4 strictly: each family once, HELP and TYPE first, samples of that family alone, none twice.
fn parse(text: &str) -> BTreeMap<String, f64> {
    assert!(text.ends_with('\n'), "the last line has an end");
    let (mut samples, mut families) = (BTreeMap::new(), Vec::<String>::new());
    let (mut family, mut kind) = (String::new(), String::new());
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, words) = help.split_once(' ').expect("a name and words");
            assert!(is_name(name) && !words.is_empty(), "{line}");
            assert!(!families.iter().any(|known| known == name), "{line}");
            families.push(name.to_owned());
            (family, kind) = (name.to_owned(), String::new());
        } else if let Some(about) = line.strip_prefix("# TYPE ") {
            let (name, what) = about.split_once(' ').expect("a name and a type");
            assert_eq!((name, kind.as_str()), (family.as_str(), ""), "{line}");
            assert!(["counter", "gauge", "histogram"].contains(&what), "{line}");
            assert_eq!(what == "counter", name.ends_with("_total"), "{line}");
            what.clone_into(&mut kind);
        } else {
            let (sample, value) = sample(line, &family, &kind);
            assert!(samples.insert(sample, value).is_none(), "twice: {line}");
        }
    }
    samples
}

fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || b"_:".contains(&first))
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"_:".contains(&byte))
}

fn sample(line: &str, family: &str, kind: &str) -> (String, f64) {
    let (sample, value) = line.rsplit_once(' ').expect("a sample and a value");
    let (name, mut labels) = match sample.split_once('{') {
        Some((name, labels)) => (name, labels.strip_suffix('}').expect("a brace")),
        None => (sample, ""),
    };
    let suffix = name.strip_prefix(family).unwrap_or_else(|| panic!("{line} in {family}"));
    assert!(is_name(name), "{line}");
    match kind {
        "histogram" => assert!(["_bucket", "_sum", "_count"].contains(&suffix), "{line}"),
        _ => assert!(suffix.is_empty() && !kind.is_empty(), "{line}"),
    }
    while !labels.is_empty() {
        let (label, rest) = labels.split_once("=\"").expect("a label");
        assert!(is_name(label) && !label.contains(':'), "{line}");
        let mut escaped = false;
        let end = rest.find(|c| {
            let is_end = c == '"' && !escaped;
            assert!(!escaped || "\\\"n".contains(c), "{line}");
            escaped = c == '\\' && !escaped;
            is_end
        });
        let rest = &rest[end.expect("a quote") + 1..];
        labels = match rest.strip_prefix(',') {
            Some(more) => more,
            None => {
                assert!(rest.is_empty(), "{line}");
                rest
            }
        };
    }
    (sample.to_owned(), value.parse().unwrap_or_else(|_| panic!("{line}")))
}

fn get(client: &mut Raw, stream: u32, authority: &str, path: &str) {
    client.send(&frames::get_from(stream, authority, path, frames::END));
    client.read_until("an answer", |client| client.has_end(stream));
}

const FOUND: &str =
    "sakigake_requests_total{host=\"www.saki.test\",protocol=\"h2\",method=\"GET\",code=\"2xx\"}";
const MISSING: &str =
    "sakigake_requests_total{host=\"www.saki.test\",protocol=\"h2\",method=\"GET\",code=\"4xx\"}";

#[test]
fn known_requests_are_counted_and_a_client_makes_no_label() {
    let (server, address) = start();
    let before = scrape(address);
    assert!(before.keys().all(|sample| !sample.starts_with("sakigake_requests_total")));
    for number in 0..3 {
        let mut client = Raw::h2(&server, &[]);
        get(&mut client, 1, "www.saki.test", "/");
        get(&mut client, 3, "www.saki.test", &format!("/none/{number}"));
        get(&mut client, 5, &format!("invented-{number}.test"), "/");
        get(&mut client, 7, &format!("{number}.www.saki.test:1"), "/");
    }
    let mut client = Raw::connect(&server, "www.saki.test", &["http/1.1"]);
    client.send(b"BREW / HTTP/1.1\r\nhost: www.saki.test\r\n\r\n");
    client.read_until("an answer", |client| client.plain.windows(4).any(|end| end == b"\r\n\r\n"));
    let mut stranger = TcpStream::connect(server.address).expect("it listens");
    stranger.write_all(b"GET / HTTP/1.1\r\n\r\n").expect("it takes it");
    let mut said = Vec::new();
    // A reset is an end too.
    let _ = stranger.read_to_end(&mut said);
    let refused = |all: &BTreeMap<String, f64>| {
        let refused =
            |sample: &str| sample.starts_with("sakigake_handshakes_total{outcome=\"refused\",alert=");
        all.iter().filter(|(sample, _)| refused(sample)).map(|(_, count)| *count).sum::<f64>()
    };
    eventually("the counts", || {
        let all = scrape(address);
        all.get(FOUND) == Some(&3.0) && all.get(MISSING) == Some(&3.0) && refused(&all) == 1.0
    });
    let all = scrape(address);
    let count = |sample: &str| *all.get(sample).unwrap_or_else(|| panic!("{sample} in {all:#?}"));
    assert_eq!(count("sakigake_handshakes_total{outcome=\"completed\",alert=\"\"}"), 4.0);
    assert_eq!(count("sakigake_connections_total{protocol=\"h2\"}"), 3.0);
    assert_eq!(count("sakigake_connections_total{protocol=\"HTTP/1.1\"}"), 1.0);
    assert_eq!(count("sakigake_streams_open"), 0.0);
    assert_eq!(count("sakigake_request_duration_seconds_count{host=\"www.saki.test\"}"), 7.0);
    assert_eq!(count("sakigake_request_duration_seconds_bucket{host=\"www.saki.test\",le=\"+Inf\"}"), 7.0);
    assert_eq!(count("sakigake_requests_total{host=\"\",protocol=\"h2\",method=\"GET\",code=\"4xx\"}"), 6.0);
    assert!(count("sakigake_response_body_bytes_total{host=\"www.saki.test\",protocol=\"h2\"}") > 0.0);
    assert!(all.keys().any(|sample| sample.contains("method=\"other\"")), "{all:#?}");
    let names = "sakigake_certificate_expiry_timestamp_seconds{name=";
    assert!(all.keys().any(|sample| sample.starts_with(names)), "{all:#?}");
    for invented in ["invented", "BREW", ".www."] {
        assert!(!all.keys().any(|sample| sample.contains(invented)), "{invented} in {all:#?}");
    }
}

#[test]
fn each_103_is_counted_for_its_host() {
    const EARLY: &str = "sakigake_early_hints_total{host=\"www.saki.test\"}";
    let (server, address) = start();
    let mut client = Client::of(&server);
    let navigate = ("sec-fetch-mode", "navigate");
    let rows = [
        (1, "/", &[navigate][..]),
        (3, "/", &[]),
        (5, "/none", &[navigate]),
        (7, "/css/page.css", &[navigate]),
    ];
    for (stream, path, more) in rows {
        client.ask(stream, true, "GET", path, more);
        client.raw.read_until("an answer", |raw| raw.has_end(stream));
    }
    eventually("the count", || scrape(address).get(FOUND) == Some(&3.0));
    assert_eq!(scrape(address).get(EARLY), Some(&1.0));
}

#[test]
fn counts_outlive_a_reload_and_their_address_may_close() {
    let (mut server, address) = start();
    let mut client = Raw::h2(&server, &[]);
    get(&mut client, 1, "www.saki.test", "/");
    server.running.reload(server.another(hosts()));
    get(&mut client, 3, "www.saki.test", "/");
    eventually("both", || scrape(address).get(FOUND) == Some(&2.0));
    assert_eq!(scrape(address).get("sakigake_reloads_total"), Some(&1.0));
    assert_eq!(scrape(address).get("sakigake_connections_open"), Some(&1.0));
    client.close();
    drop(client);
    eventually("its end", || scrape(address).get("sakigake_connections_open") == Some(&0.0));
    server.running.close(address);
    eventually("nobody listens", || TcpStream::connect(address).is_err());
}

#[test]
fn nothing_else_is_answered_there() {
    let (_server, address) = start();
    let first = |request: &str| ask_plainly(address, request).lines().next().unwrap_or_default().to_owned();
    assert_eq!(first("GET / HTTP/1.1\r\nhost: x\r\n\r\n"), "HTTP/1.1 404 Not Found");
    assert_eq!(first("POST /metrics HTTP/1.1\r\nhost: x\r\n\r\n"), "HTTP/1.1 405 Method Not Allowed");
    let long = format!("GET /metrics HTTP/1.1\r\nhost: x\r\na: {}\r\n\r\n", "x".repeat(15 << 10));
    assert_eq!(first(&long), "HTTP/1.1 200 OK");
    let head = ask_plainly(address, "HEAD /metrics HTTP/1.1\r\nhost: x\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 200 OK") && head.ends_with("\r\n\r\n"), "{head}");
}

#[test]
fn curl_reads_it() {
    let (_server, address) = start();
    let url = format!("http://{address}/metrics");
    let Ok(curl) = Command::new("curl").args(["-sSf", "--max-time", "10", &url]).output() else {
        assert!(std::env::var_os("SAKIGAKE_REQUIRE").is_none_or(|what| what != "all"), "curl is required");
        eprintln!("skipped: no curl");
        return;
    };
    assert!(curl.status.success(), "{}", String::from_utf8_lossy(&curl.stderr));
    assert!(!parse(&String::from_utf8(curl.stdout).expect("it is UTF-8")).is_empty());
}
