//! Several hosts on one server, and another site in the place of the first.

use sakigake::{
    files::Files,
    hosts::{Host, Hosts, Name, Target},
    redirect::Redirect,
};
use sakigake_e2e::{Raw, Scratch, Server, Setup, eventually, frames};

fn folder(page: &str) -> (Scratch, Target) {
    let site = Scratch::new();
    site.write("index.html", page);
    let files = Files::new(site.path()).expect("the folder is there");
    (site, Target::Files(files))
}

fn host(name: &str, target: Target) -> Host {
    Host::new(Name::parse(name).expect("a good name"), target)
}

fn ask(client: &mut Raw, stream: u32, authority: &str) -> String {
    client.send(&frames::get_from(stream, authority, "/", frames::END));
    client.read_until("an answer", |client| client.has_end(stream));
    let data = client.take_frames().into_iter().filter(|frame| frame.kind == frames::DATA);
    String::from_utf8_lossy(&data.flat_map(|frame| frame.payload).collect::<Vec<u8>>()).into_owned()
}

fn ask_http1(client: &mut Raw, target: &str, host: &str) -> String {
    client.plain.clear();
    client.send(format!("GET {target} HTTP/1.1\r\nhost: {host}\r\n\r\n").as_bytes());
    client.read_until("an answer", |client| client.plain.windows(4).any(|end| end == b"\r\n\r\n"));
    String::from_utf8_lossy(&client.plain).into_owned()
}

#[test]
fn each_host_answers_for_itself_and_421_for_nobody() {
    let (_first, one) = folder("<p>one");
    let (_second, two) = folder("<p>two");
    let away = Redirect::to("https://else.test/base").expect("an address");
    let hosts =
        vec![host("www.saki.test", one), host("*.saki.test", two), host("old.test", Target::Redirect(away))];
    let mut setup = Setup::of(_first.path());
    setup.hosts = Some(Hosts::new(hosts).expect("they may stand together"));
    let server = Server::start(setup);
    let mut client = Raw::h2(&server, &[]);
    assert_eq!(ask(&mut client, 1, "www.saki.test:8443"), "<p>one");
    assert_eq!(ask(&mut client, 3, "OTHER.saki.test"), "<p>two");
    assert!(ask(&mut client, 5, "nobody.test").contains("<title>"), "421 is a page");
    let mut client = Raw::connect(&server, "www.saki.test", &["http/1.1"]);
    for (target, host, expected) in [
        ("/", "www.saki.test", "HTTP/1.1 200 "),
        ("https://nobody.test/", "www.saki.test", "HTTP/1.1 421 "),
        ("/x?y", "old.test", "HTTP/1.1 301 "),
    ] {
        let heard = ask_http1(&mut client, target, host);
        assert!(heard.starts_with(expected), "{target} {host}: {heard}");
        assert!(!heard.contains("location") || heard.contains("https://else.test/base/x?y\r\n"), "{heard}");
    }
    eventually("the log", || server.log().lines().count() == 6);
    assert_eq!(server.log().matches(" 421 ").count(), 2, "{}", server.log()); // spec: 9110-15.5.20-a
}

#[test]
fn a_reload_is_seen_by_old_connections_and_by_new_ones() {
    let (old, _) = folder("<p>old");
    let (_new, target) = folder("<p>new");
    let server = Server::start(Setup::of(old.path()));
    let mut client = Raw::h2(&server, &[]);
    assert_eq!(ask(&mut client, 1, "www.saki.test"), "<p>old");
    server.running.reload(server.another(Hosts::one(target)));
    let mut stream = 1;
    eventually("the new page", || {
        stream += 2;
        ask(&mut client, stream, "www.saki.test") == "<p>new"
    });
    assert_eq!(ask(&mut Raw::h2(&server, &[]), 1, "www.saki.test"), "<p>new");
}
