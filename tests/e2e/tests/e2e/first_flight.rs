//! What leaves before any request has come.

use sakigake_e2e::{PATIENCE, Raw, Reading, Scratch, Server, Setup, eventually, example, frames};
use sakigake_preload::block;
use std::{thread, time::Duration};

#[test]
fn a_client_that_withholds_its_finished_receives_settings_and_then_the_hints() {
    let server = Server::start(Setup::of(example()));
    let mut client = Raw::open(&server, "www.saki.test", &["h2"]);
    client.read_until("PRELOAD", |client| client.frames().len() >= 2);
    // Our engine has its Finished ready, and nothing of it has left.
    let kinds: Vec<u8> = client.frames().iter().map(|frame| frame.kind).collect();
    assert_eq!(kinds[..2], [frames::SETTINGS, frames::PRELOAD]);
    let preload = &client.frames()[1];
    assert_eq!((preload.flags, preload.stream), (0, 0));
    let reading = block::read(&preload.payload, block::Limits::default()).expect("it decodes");
    assert_eq!(reading.hints.len(), 16, "the site has more, and the cap is 16");
    let origin = format!("https://www.saki.test:{}/", server.address.port());
    assert!(
        reading.hints.iter().all(|hint| hint.url.starts_with(&origin)),
        "complete URIs of the named host"
    );
    // And it waits no longer than a handshake may take: nothing more comes.
    assert_eq!(client.read(Duration::from_millis(100)), Reading::Nothing);
    // The same connection then works as any other.
    client.flush();
    client.send(&frames::hello(&[]));
    client.send(&frames::get(1, "/", frames::END));
    client.read_until("the page", |client| client.has_end(1));
}

#[test]
fn the_first_flight_leaves_in_one_write() {
    let server = Server::start(Setup::of(example()));
    let mut client = Raw::open(&server, "www.saki.test", &["h2"]);
    thread::sleep(Duration::from_millis(200)); // All of it is in the socket's buffer then.
    assert!(matches!(client.read(PATIENCE), Reading::Some(_)));
    let kinds: Vec<u8> = client.frames().iter().map(|frame| frame.kind).collect();
    assert_eq!(client.reads, 1);
    assert!(client.is_established, "Finished came with it"); // spec: preload-profile-2-a
    assert_eq!(kinds, [frames::SETTINGS, frames::PRELOAD, frames::WINDOW_UPDATE][..kinds.len()]);
    assert_eq!(client.records.len(), 1, "and all of HTTP/2 in one record");
}

#[test]
fn a_client_without_sni_hears_of_the_default_host() {
    let server = Server::start(Setup::of(example()));
    let mut client = Raw::open(&server, "127.0.0.1", &["h2"]);
    client.read_until("PRELOAD", |client| client.has(frames::PRELOAD, 0));
    let block = client.frames().into_iter().find(|frame| frame.kind == frames::PRELOAD).expect("it came");
    let reading = block::read(&block.payload, block::Limits::default()).expect("it decodes");
    assert!(reading.hints[0].url.starts_with("https://localhost:"), "{}", reading.hints[0].url);
}

#[test]
fn hints_follow_the_site() {
    let site = Scratch::new();
    let page = |sheet: &str| format!("<!doctype html><link rel=stylesheet href={sheet}>");
    site.write("index.html", page("old.css"));
    site.write("old.css", "a { color: red }");
    site.write("new.css", "a { color: red }");
    let server = Server::start(Setup::of(site.path()));
    let says = |name: &str| {
        let mut client = Raw::open(&server, "www.saki.test", &["h2"]);
        client.read_until("PRELOAD", |client| client.has(frames::PRELOAD, 0));
        let heard = client.frames();
        let frame = heard.iter().find(|frame| frame.kind == frames::PRELOAD).expect("it came");
        let reading = block::read(&frame.payload, block::Limits::default()).expect("it decodes");
        reading.hints.iter().any(|hint| hint.url.ends_with(name))
    };
    assert!(says("/old.css"));
    site.write("index.html", page("new.css"));
    eventually("the new hint", || says("/new.css") && !says("/old.css"));
}
