//! What a handler of HTTP/1.1 upgrades says over both protocols.

use crate::service::{Client, Said};
use http::{Request, Response, StatusCode};
use http_body_util::Empty;
use hyper_util::rt::TokioIo;
use sakigake::service::{Body, BoxError, Factory};
use sakigake_e2e::{Raw, Server, Setup, eventually, frames};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Upgrades what asks for it to a protocol that says everything back, and counts those that run.
async fn upgrade(
    mut request: Request<Body>,
    open: Arc<AtomicUsize>,
) -> Result<Response<Empty<bytes::Bytes>>, BoxError> {
    if request.uri().path() == "/page" {
        return Ok(Response::new(Empty::new())); // As a handler does that knows no upgrades.
    }
    let wants = request.headers().get("upgrade").is_some_and(|value| value == "websocket");
    let is_good =
        request.method() == http::Method::GET && request.headers().contains_key("sec-websocket-key");
    if !wants || !is_good || request.uri().path() != "/chat" {
        return Ok(Response::builder().status(404).body(Empty::new())?);
    }
    let protocol = request.headers().get("sec-websocket-protocol").cloned();
    let host = request.headers().get_all("host").iter().cloned().collect::<Vec<_>>();
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        open.fetch_add(1, Ordering::Relaxed);
        if let Ok(upgraded) = upgrade.await {
            let mut io = TokioIo::new(upgraded);
            let mut buffer = [0; 4_096];
            while let Ok(len @ 1..) = io.read(&mut buffer).await {
                let is_last = &buffer[..len] == b"last";
                // The last word is not flushed: a socket would have it all the same.
                if io.write_all(&buffer[..len]).await.is_err() || is_last {
                    break;
                }
            }
        }
        open.fetch_sub(1, Ordering::Relaxed);
    });
    let mut response = Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-accept", "whatever");
    if let Some(protocol) = protocol {
        response = response.header("sec-websocket-protocol", protocol);
    }
    for host in host {
        response = response.header("x-host", host);
    }
    Ok(response.body(Empty::new())?)
}

fn server() -> (Server, Arc<AtomicUsize>) {
    let open = Arc::new(AtomicUsize::new(0));
    let counted = open.clone();
    let factory = Factory::of_fn(move |request| upgrade(request, counted.clone()));
    (Server::start(Setup::of_service(factory)), open)
}

const WEBSOCKET: [(&str, &str); 3] =
    [(":protocol", "websocket"), ("sec-websocket-version", "13"), ("sec-websocket-protocol", "chat")];

#[test]
fn an_extended_connect_reaches_a_handler_of_upgrades() {
    let (server, open) = server();
    let mut client = Client::of(&server);
    client.raw.read_until("settings", |raw| raw.has(frames::SETTINGS, 0));
    let settings = client.raw.frames().remove(0).payload;
    assert!(settings.chunks(6).any(|entry| entry == [0, 8, 0, 0, 0, 1]), "{settings:02x?}");
    client.ask(1, false, "CONNECT", "/chat", &WEBSOCKET);
    let Said::Head(head, false) = client.next(1) else { panic!("no head") };
    assert!(head.contains(":status: 200\n") && head.contains("sec-websocket-protocol: chat\n"), "{head}");
    let hidden = ["sec-websocket-accept", "upgrade", "connection", "content-length"];
    assert!(!hidden.iter().any(|name| head.contains(name)), "{head}");
    for word in [&b"there"[..], b"and back"] {
        client.data(1, word, false);
        assert_eq!(client.next(1), Said::Data(word.to_vec(), false));
    }
    client.data(1, b"bye", true);
    assert_eq!(client.whole_rest(1), b"bye");
    eventually("it ended", || open.load(Ordering::Relaxed) == 0);
}

#[test]
fn the_host_that_a_handler_of_upgrades_sees_is_the_authority() {
    let (server, _) = server();
    let mut client = Client::of(&server);
    let same = [&[("host", "WWW.saki.test:443")][..], &[("host", "www.saki.test")], &[]];
    for (stream, host) in (1..).step_by(2).zip(same) {
        client.ask(stream, false, "CONNECT", "/chat", &[&WEBSOCKET[..], host].concat());
        let Said::Head(head, false) = client.next(stream) else { panic!("no head for {host:?}") };
        let seen: Vec<_> = head.lines().filter(|line| line.starts_with("x-host")).collect();
        assert_eq!(seen, ["x-host: www.saki.test"], "{host:?}"); // spec: 9113-8.3.1-j
    }
}

#[test]
fn a_tunnel_that_is_reset_or_lost_ends_its_handler() {
    let (server, open) = server();
    let mut client = Client::of(&server);
    for stream in [1, 3] {
        client.ask(stream, false, "CONNECT", "/chat", &WEBSOCKET);
        assert!(matches!(client.next(stream), Said::Head(_, false)));
    }
    eventually("both run", || open.load(Ordering::Relaxed) == 2);
    client.reset(1);
    eventually("one ended", || open.load(Ordering::Relaxed) == 1);
    drop(client);
    eventually("both ended", || open.load(Ordering::Relaxed) == 0);
}

#[test]
fn a_tunnel_may_be_silent_for_longer_than_a_body() {
    let open = Arc::new(AtomicUsize::new(0));
    let counted = open.clone();
    let mut setup = Setup::of_service(Factory::of_fn(move |request| upgrade(request, counted.clone())));
    setup.limits.body_stall_ms = 50;
    let server = Server::start(setup);
    let mut client = Client::of(&server);
    client.ask(1, false, "CONNECT", "/chat", &WEBSOCKET);
    assert!(matches!(client.next(1), Said::Head(_, false)));
    std::thread::sleep(std::time::Duration::from_millis(300));
    client.data(1, b"still there", false);
    assert_eq!(client.next(1), Said::Data(b"still there".into(), false));
}

#[test]
fn what_is_no_websocket_is_refused() {
    let (server, _) = server();
    let mut client = Client::of(&server);
    client.ask(1, false, "CONNECT", "/elsewhere", &WEBSOCKET);
    assert!(client.whole(1).0.contains(":status: 404"));
    client.ask(3, false, "CONNECT", "/page", &WEBSOCKET);
    let (head, _) = client.whole(3);
    assert!(head.contains(":status: 501"), "2xx would open a tunnel: {head}");
    client.ask(5, false, "CONNECT", "/chat", &[(":protocol", "connect-udp")]);
    assert!(client.whole(5).0.contains(":status: 501"));
    let lines = [(":method", "CONNECT"), (":authority", "www.saki.test:25")];
    client.head(7, false, lines.iter());
    assert!(client.whole(7).0.contains(":status: 501"));
    // RFC 8441 section 4: :scheme and :path have to be there.
    let lines = [(":method", "CONNECT"), (":authority", "www.saki.test"), (":protocol", "websocket")];
    client.head(9, false, lines.iter());
    assert_eq!(client.next(9), Said::Reset(1));
}

/// A connection over HTTP/1.1 that the handler has taken.
fn upgraded(server: &Server) -> Raw {
    let mut client = Raw::connect(server, "www.saki.test", &["http/1.1"]);
    let ask = "GET /chat HTTP/1.1\r\nhost: www.saki.test\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
               sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    client.send(ask.as_bytes());
    client.read_until("101", |raw| raw.plain.ends_with(b"\r\n\r\n"));
    assert!(client.plain.starts_with(b"HTTP/1.1 101 "), "{}", client.plain.escape_ascii());
    client.plain.clear();
    client
}

#[test]
fn an_upgrade_over_http_1_1_outlives_the_request_and_counts_as_a_connection() {
    let (server, open) = server();
    let mut client = upgraded(&server);
    client.send(b"there and back");
    client.read_until("an echo", |raw| raw.plain == b"there and back");
    server.tell_stop();
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(!server.has_ended(), "somebody still talks");
    client.close();
    eventually("it ended", || open.load(Ordering::Relaxed) == 0);
    eventually("the server ended", || server.has_ended());
}

#[test]
fn a_last_word_that_is_not_flushed_arrives() {
    let (server, _) = server();
    let mut client = upgraded(&server);
    client.send(b"last");
    client.read_until("it", |raw| raw.plain == b"last");
    client.read_to_end();
    let mut client = Client::of(&server);
    client.ask(1, false, "CONNECT", "/chat", &WEBSOCKET);
    assert!(matches!(client.next(1), Said::Head(_, false)));
    client.data(1, b"last", false);
    assert_eq!(client.whole_rest(1), b"last");
}

#[test]
fn a_thousand_idle_tunnels_cost_little() {
    let resident = || {
        let status = std::fs::read_to_string("/proc/self/statm").expect("Linux");
        status.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).expect("pages") * 4
    };
    let (server, open) = server();
    let measure = || {
        let mut clients: Vec<Client> = (0..10).map(|_| Client::of(&server)).collect();
        let before = resident();
        for client in &mut clients {
            for number in 0..100 {
                client.ask(1 + 2 * number, false, "CONNECT", "/chat", &WEBSOCKET);
            }
            client.raw.read_until("the last", |raw| raw.has(frames::HEADERS, 199));
        }
        eventually("all run", || open.load(Ordering::Relaxed) == 1_000);
        let each = resident().saturating_sub(before) / 1_000;
        clients[0].data(1, b"still there", false);
        clients[0].raw.read_until("an echo", |raw| raw.has(frames::DATA, 1));
        drop(clients);
        eventually("all ended", || open.load(Ordering::Relaxed) == 0);
        each
    };
    // Other tests of this process take memory and give it back: what they do may spoil one measurement, not all.
    let each: Vec<usize> = core::iter::repeat_with(measure).take(5).take_while(|each| *each >= 64).collect();
    assert!(each.len() < 5, "{each:?} KiB a tunnel");
}
