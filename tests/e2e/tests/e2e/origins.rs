//! Several origins on one connection: what the server says of them, and what our client makes of it.

use sakigake::{
    client::{Client, Options, Resolve, Trust, Watcher},
    files::Files,
    hosts::{self, Host, Hosts, Name, Target},
};
use sakigake_e2e::{PATIENCE, Raw, Scratch, Server, Setup, eventually, frames};
use sakigake_page::load::{Load, State};
use sakigake_session::ServerConfig;
use std::net::Ipv4Addr;

struct Nobody;

impl Watcher for Nobody {}

fn host(name: &str, folder: &Scratch) -> Host {
    let files = Files::new(folder.path()).expect("the folder is there");
    Host::new(Name::parse(name).expect("a good name"), Target::Files(files))
}

/// Two hosts of one certificate, and one that no certificate is for. The page of the first shows an image of the second.
fn server(has_second: bool) -> (Server, Scratch) {
    let site = Scratch::new();
    let mut hosts = vec![host("www.saki.test", &site), host("third.test", &site)];
    hosts.extend(has_second.then(|| host("other.saki.test", &site)));
    let mut setup = Setup::of(site.path());
    setup.hosts = Some(Hosts::new(hosts).expect("they may stand together"));
    let server = Server::start(setup);
    let image = format!("https://other.saki.test:{}/dot.svg", server.address.port());
    site.write("index.html", format!("<!doctype html><img src={image}>"));
    site.write("dot.svg", "<svg xmlns='http://www.w3.org/2000/svg'/>");
    (server, site)
}

/// The server tells of these names from now on, as `run` does of its hosts.
fn tell(server: &Server, names: &[&str]) {
    let before = server.session.now();
    let mut h2 = before.h2.clone().expect("it speaks HTTP/2");
    h2.origins = hosts::origins(names.iter().copied(), &before.tls, server.address.port());
    server.session.set(ServerConfig {
        tls: before.tls.clone(),
        h2: Some(h2),
        h3: None,
        hints: None,
        trace: false,
    });
}

/// The page, by a client for whom `other.saki.test` is at `second`.
fn load(server: &Server, second: Ipv4Addr) -> Load {
    let port = server.address.port();
    let resolve =
        |host: &str, address: Ipv4Addr| Resolve { host: host.into(), port, address: address.into() };
    let client = Client::new(Options {
        trust: Trust::File(server.ca.clone()),
        resolve: vec![resolve("www.saki.test", Ipv4Addr::LOCALHOST), resolve("other.saki.test", second)],
        ..Options::default()
    });
    let client = client.expect("the CA can be read");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let url = server.url("/");
    let load = async {
        tokio::time::timeout(PATIENCE, client.load(&url, &mut Nobody))
            .await
            .expect("in time")
            .expect("it loads")
            .load
    };
    tokio::task::LocalSet::new().block_on(&runtime, load)
}

/// What became of the image.
fn image(load: &Load) -> (State, Option<u16>) {
    let entry = load
        .entries()
        .iter()
        .find(|entry| entry.resource.url.target() == "/dot.svg")
        .expect("it was asked for");
    (entry.state.clone(), entry.status)
}

const NAMES: [&str; 3] = ["www.saki.test", "other.saki.test", "third.test"];

/// Nobody listens there.
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

#[test]
fn the_frame_names_the_hosts_of_the_certificate_and_each_of_them_is_answered() {
    let (server, _site) = server(true);
    let port = server.address.port();
    tell(&server, &NAMES);
    let mut client = Raw::h2(&server, &[]);
    client.read_until("ORIGIN", |client| client.has(frames::ORIGIN, 0));
    let frame =
        client.take_frames().into_iter().find(|frame| frame.kind == frames::ORIGIN).expect("it is there");
    let mut expected = Vec::new();
    for name in ["www.saki.test", "other.saki.test"] {
        let origin = format!("https://{name}:{port}");
        expected.extend(u16::try_from(origin.len()).expect("it is short").to_be_bytes());
        expected.extend(origin.as_bytes());
    }
    assert_eq!((frame.flags, frame.payload), (0, expected)); // spec: 8336-2.1-a
    for (stream, name) in [(1, "www.saki.test"), (3, "other.saki.test")] {
        client.send(&frames::get_from(stream, &format!("{name}:{port}"), "/dot.svg", frames::END));
        client.read_until("an answer", |client| client.has_end(stream));
    }
    eventually("the log", || server.log().lines().count() == 2);
    assert_eq!(server.log().matches(" GET  200 ").count(), 2, "{}", server.log());
}

#[test]
fn nothing_is_said_where_it_would_be_no_news_or_bar_what_is_good() {
    let (server, _site) = server(true);
    let tls = server.session.now().tls.clone();
    let count = |names: &[&str]| hosts::origins(names.iter().copied(), &tls, 443).len();
    assert_eq!(count(&NAMES[..2]), 2);
    assert_eq!(count(&NAMES[..1]), 0);
    // A wildcard that no certificate is for bars nothing, since no client would ask.
    assert_eq!(count(&["www.saki.test", "other.saki.test", "*.saki.test"]), 2);
    let many: Vec<String> = (0..=hosts::ORIGINS).map(|number| format!("{number}.test")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!((count(&many), count(&many[1..])), (0, hosts::ORIGINS));
    tell(&server, &["www.saki.test", "third.test"]); // One of these has the certificate.
    let mut client = Raw::h2(&server, &[]);
    client.send(&frames::get(1, "/dot.svg", frames::END));
    client.read_until("an answer", |client| client.has_end(1));
    assert!(!client.has(frames::ORIGIN, 0));
}

#[test]
fn our_client_asks_for_what_the_frame_names_on_the_connection_that_it_has() {
    let (server, _site) = server(true);
    let (state, _) = image(&load(&server, ELSEWHERE));
    assert!(matches!(state, State::Failed(_)), "nobody is there: {state:?}");
    tell(&server, &NAMES);
    assert_eq!(image(&load(&server, ELSEWHERE)), (State::Done, Some(200)));
}

#[test]
fn a_421_is_asked_again_on_a_connection_of_the_origins_own() {
    let (server, _site) = server(false);
    assert_eq!(image(&load(&server, Ipv4Addr::LOCALHOST)).1, Some(421)); // spec: 9113-9.1.1-b
    eventually("the log", || server.log().lines().count() == 3);
    let log = server.log();
    let refused = log.lines().filter(|line| line.ends_with(" /dot.svg"));
    let clients: Vec<&str> = refused.filter_map(|line| line.split_whitespace().nth(1)).collect();
    assert!(clients.len() == 2 && clients[0] != clients[1], "{log}");
}
