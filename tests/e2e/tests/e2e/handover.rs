//! Reload, succession and stop while requests come without a pause: none is lost.

use crate::{
    load,
    service::{Client, Said},
};
use http::Response;
use sakigake::{
    bench::Length,
    files::Files,
    hosts::{Hosts, Target},
    server::Kind,
    service::Factory,
};
use sakigake_e2e::{Scratch, Server, Setup, example};
use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpStream},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    thread,
    time::Duration,
};

/// A body of what a function gives.
struct Given<F>(F);

impl<F: FnMut(&mut Context<'_>) -> Poll<Option<&'static str>> + Unpin> http_body::Body for Given<F> {
    type Data = bytes::Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<bytes::Bytes>, Self::Error>>> {
        let frame = |text: &'static str| Ok(http_body::Frame::data(text.into()));
        (self.0)(cx).map(|text| text.map(frame))
    }
}

fn hosts() -> Hosts {
    Hosts::one(Target::Files(Files::new(example()).expect("it is there")))
}

#[test]
fn no_request_fails_while_the_site_is_replaced_again_and_again() {
    let server = Server::start(Setup { workers: 2, ..Setup::of(example()) });
    for (alpn, streams) in [("h2", 10), ("http/1.1", 1)] {
        let mut asked = load::options(&server, "/css/page.css");
        asked.alpn = vec![alpn.as_bytes().to_vec()];
        asked.length = Length::Time { run: Duration::from_secs(1), warm_up: Duration::ZERO };
        (asked.connections, asked.streams) = (4, streams);
        let report = thread::scope(|scope| {
            let load = scope.spawn(|| load::load(asked));
            for _ in 0..20 {
                server.running.reload(server.another(hosts()));
                thread::sleep(Duration::from_millis(50));
            }
            load.join().expect("it ends")
        });
        assert!(report.succeeded > 0 && report.failed + report.errored == 0, "{alpn}: {:?}", report.errors);
    }
}

#[test]
fn an_address_may_be_opened_and_closed_while_it_runs() {
    let mut server = Server::start(Setup::of(example()));
    let address = server
        .running
        .open((Ipv4Addr::LOCALHOST, 0).into(), Kind::Redirect(8443))
        .expect("loopback is there");
    let ask = || {
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(b"POST /a HTTP/1.1\r\nhost: www.saki.test\r\nconnection: close\r\n\r\n")?;
        let mut heard = String::new();
        stream.read_to_string(&mut heard).map(|_| heard)
    };
    let heard = ask().expect("it is open");
    assert!(heard.starts_with("HTTP/1.1 308 "), "{heard}");
    assert!(heard.contains("location: https://www.saki.test:8443/a\r\n"), "{heard}");
    server.running.close(address);
    sakigake_e2e::eventually("it closes", || ask().is_err());
}

#[test]
fn an_address_may_be_opened_again_at_once() {
    let mut server = Server::start(Setup { workers: 2, ..Setup::of(example()) });
    let any = (Ipv4Addr::LOCALHOST, 0).into();
    let address = server.running.open(any, Kind::Redirect(1)).expect("loopback is there");
    let ask = || {
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(b"GET /a HTTP/1.1\r\nhost: www.saki.test\r\nconnection: close\r\n\r\n")?;
        let mut heard = String::new();
        stream.read_to_string(&mut heard).map(|_| heard)
    };
    for port in 2..30 {
        server.running.close(address);
        assert_eq!(server.running.open(address, Kind::Redirect(port)).expect("it was ours"), address);
        let there = format!("location: https://www.saki.test:{port}/a\r\n");
        sakigake_e2e::eventually("it is open", || ask().is_ok_and(|heard| heard.contains(&there)));
    }
    assert_eq!(server.running.addresses().iter().filter(|open| **open == address).count(), 1);
}

/// A host whose answers begin with its name, and end when they may.
fn streaming(name: &'static str, may_end: &Arc<AtomicBool>) -> Hosts {
    let may_end = may_end.clone();
    Hosts::one(Target::Service(Factory::of_fn(move |_| {
        let may_end = may_end.clone();
        async move {
            let mut is_begun = false;
            let frames = Given(move |cx: &mut Context<'_>| match core::mem::replace(&mut is_begun, true) {
                false => Poll::Ready(Some(name)),
                true if may_end.load(Ordering::Relaxed) => Poll::Ready(None),
                true => {
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
            });
            Ok::<_, std::convert::Infallible>(Response::new(frames))
        }
    })))
}

#[test]
fn a_response_under_way_outlives_a_reload_and_the_next_one_is_the_new_hosts() {
    let may_end = Arc::new(AtomicBool::new(false));
    let setup = Setup { hosts: Some(streaming("old", &may_end)), hints: false, ..Setup::of(example()) };
    let server = Server::start(setup);
    let mut client = Client::of(&server);
    client.ask(1, true, "GET", "/", &[]);
    assert!(matches!(client.next(1), Said::Head(_, false)));
    assert_eq!(client.next(1), Said::Data(b"old".into(), false));
    server.running.reload(server.another(streaming("new", &may_end)));
    let mut next = 1;
    sakigake_e2e::eventually("the new host", || {
        next += 2;
        client.ask(next, true, "GET", "/", &[]);
        assert!(matches!(client.next(next), Said::Head(_, false)));
        let said = client.next(next);
        client.reset(next);
        said == Said::Data(b"new".into(), false)
    });
    may_end.store(true, Ordering::Relaxed);
    assert_eq!(client.next(1), Said::Data(Vec::new(), true));
}

#[test]
fn who_waits_in_the_backlog_of_a_server_that_stops_is_served() {
    let site = Scratch::new();
    site.write("index.html", "<p>here");
    let mut setup = Setup::of(site.path());
    setup.limits.connections_a_worker = 1;
    // However slow this machine is: nothing here ends by time.
    setup.limits.drain_ms = 600_000;
    setup.http1.last_request_ms = 600_000;
    let server = Server::start(setup);
    // The first one takes the only place; the second waits in the backlog, and the server is told to stop.
    let mut first = sakigake_e2e::Raw::connect(&server, "www.saki.test", &["http/1.1"]);
    let mut second = sakigake_e2e::Raw::open(&server, "www.saki.test", &["http/1.1"]);
    server.tell_stop();
    for client in [&mut first, &mut second] {
        client.read_until("the server's flight", |client| client.is_established);
        client.flush();
        client.send(b"GET / HTTP/1.1\r\nhost: www.saki.test\r\n\r\n");
        client.read_to_end();
        let heard = String::from_utf8_lossy(&client.plain).into_owned();
        assert!(heard.contains("connection: close\r\n") && heard.ends_with("<p>here"), "{heard}");
        client.close();
    }
    sakigake_e2e::eventually("it ends", || server.has_ended());
}
