//! Pages through our own client.

use sakigake::client::{Options, Watcher};
use sakigake_e2e::{PATIENCE, Raw, Scratch, Server, Setup, eventually, example, frames};
use sakigake_page::load::State;
use std::{fs, io};

struct Nobody;

impl Watcher for Nobody {}

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let work = async { tokio::time::timeout(PATIENCE, work).await.expect("in time") };
    tokio::task::LocalSet::new().block_on(&runtime, work)
}

/// One resource, its status and its body.
fn get(server: &Server, path: &str) -> (Result<u16, String>, Vec<u8>) {
    let mut body = Vec::new();
    let got = run(async {
        let client = server.client(true);
        let mut keep = |bytes: &[u8]| -> io::Result<()> {
            body.extend_from_slice(bytes);
            Ok(())
        };
        client.get(&server.url(path), &mut Nobody, &mut keep).await
    });
    (got.map_err(|error| error.to_string()), body)
}

#[test]
fn the_example_loads_whole_with_frames_with_a_103_and_without_hints() {
    let server = Server::start(Setup::of(example()));
    // Sixteen before the request, and what else the page needs when it is asked for; a 103 has sixteen.
    for (preload, early_hints, expected) in
        [(true, true, 18), (true, false, 18), (false, true, 16), (false, false, 0)]
    {
        let client = server.client_with(Options { preload, early_hints, ..Options::default() });
        let loaded = run(async { client.load(&server.url("/"), &mut Nobody).await });
        let load = loaded.expect("it loads").load;
        let summary = load.summary();
        assert_eq!((summary.requests, summary.failures), (19, 0));
        for entry in load.entries() {
            assert_eq!((&entry.state, entry.status), (&State::Done, Some(200)), "{}", entry.resource.url);
            let target = entry.resource.url.target();
            let name = if target == "/" { "/index.html" } else { target };
            let len = fs::metadata(example().join(&name[1..])).expect("it is there").len();
            assert_eq!(entry.bytes, len, "{name}");
        }
        let hints = summary.hints;
        assert_eq!((hints.heard, hints.used, hints.wasted), (expected, expected, 0), "{hints:?}");
    }
    eventually("every request is logged", || server.log().lines().count() == 4 * 19);
    let log = server.log();
    for (mark, count) in [("  hinted", 2 * (18 + 16)), (" /  +2 hints", 2), (" /  +16 early hints", 2)] {
        assert_eq!(log.lines().filter(|line| line.ends_with(mark)).count(), count, "{mark}: {log}");
    }
    assert!(!log.contains("close_notify"), "{log}");
}

#[test]
fn each_body_is_what_lies_on_disk() {
    let server = Server::start(Setup::of(example()));
    for name in ["index.html", "css/ink.css", "js/race.js", "img/wave.svg"] {
        let (status, body) = get(&server, &format!("/{name}"));
        assert_eq!(status, Ok(200));
        assert!(body == fs::read(example().join(name)).expect("it is there"), "{name}");
    }
    assert_eq!(get(&server, "/nowhere").0, Ok(404));
}

#[test]
fn a_folder_without_its_slash_is_followed_to_its_page() {
    let site = Scratch::new();
    site.write("folder/index.html", "here");
    let server = Server::start(Setup::of(site.path()));
    assert_eq!(get(&server, "/folder"), (Ok(200), b"here".to_vec()));
}

#[test]
fn twenty_megabytes_come_whole_and_by_range() {
    let site = Scratch::new();
    let bytes: Vec<u8> = (0..20 << 20).map(|at: u32| (at % 251) as u8).collect();
    site.write("large", &bytes);
    let server = Server::start(Setup::of(site.path()));
    let (status, body) = get(&server, "/large");
    assert_eq!(status, Ok(200));
    assert!(body == bytes, "{} bytes", body.len());
    let mut client = Raw::connect(&server, "www.saki.test", &["http/1.1"]);
    client.send(b"GET /large HTTP/1.1\r\nhost: www.saki.test\r\nrange: bytes=10000000-10000099\r\n\r\n");
    client.read_until("the range", |client| client.plain.ends_with(&bytes[10_000_000..10_000_100]));
    assert!(client.plain.starts_with(b"HTTP/1.1 206 "));
}

#[test]
fn a_page_may_need_more_streams_and_more_bytes_than_a_connection_starts_with() {
    let site = Scratch::new();
    let names: Vec<String> = (0..300).map(|number| format!("{number}.svg")).collect();
    let images: String = names.iter().map(|name| format!("<img src={name}>")).collect();
    site.write("index.html", format!("<!doctype html>{images}"));
    for name in &names {
        site.write(name, vec![b' '; 30_000]);
    }
    for alpn in ["h2", "http/1.1"] {
        let mut setup = Setup::of(site.path());
        setup.alpn = vec![alpn.into()];
        let server = Server::start(setup);
        for preload in [true, false] {
            let loaded = run(async { server.client(preload).load(&server.url("/"), &mut Nobody).await });
            let summary = loaded.expect("it loads").load.summary();
            assert_eq!((summary.requests, summary.failures), (301, 0), "{alpn}, {preload}");
        }
    }
}

#[test]
fn a_small_response_over_http2_leaves_in_one_record() {
    let server = Server::start(Setup::of(example()));
    let mut client = Raw::h2(&server, &[]);
    client.read_until("SETTINGS are acknowledged", |client| {
        client.frames().iter().any(|frame| frame.kind == frames::SETTINGS && frame.flags == 1)
    });
    client.records.clear();
    client.send(&frames::get(1, "/css/page.css", frames::END));
    client.read_until("a style sheet", |client| client.has_end(1));
    assert_eq!(client.records.len(), 1);
}
