//! Browsers that read nothing of what they asked for, and those beside them.

use crate::{
    gateway::line,
    gateway_http3::before,
    service::{Client, Said},
};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use sakigake::{
    client::{Http3, Protocol},
    gateway::Limits,
    hosts::{Hosts, Target},
    service::{Body, Factory},
};
use sakigake_e2e::{Server, Setup, example};
use std::convert::Infallible;

/// More than any window, of a stream or of a connection, begins with.
const HUGE_BYTES: usize = 4 << 20;

/// Responses that one of them leaves unread.
const UNREAD: u32 = 30;

fn origin() -> Server {
    let huge = Bytes::from(vec![7; HUGE_BYTES]);
    let factory = Factory::of_fn(move |request: Request<Body>| {
        let body: Bytes =
            if request.uri().path() == "/huge" { huge.clone() } else { Bytes::from_static(b"small") };
        async move { Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(body))) }
    });
    let hosts = Some(Hosts::one(Target::Service(factory)));
    Server::start(Setup { hosts, http3: true, ..Setup::of(example()) })
}

#[test]
fn who_reads_nothing_keeps_nobody_waiting() {
    let ways: [(&[Protocol], Http3); 3] = [
        (&[Protocol::Http2], Http3::Never),
        (&[Protocol::Http1], Http3::Never),
        (&[Protocol::Http2], Http3::Only),
    ];
    for way in ways {
        let origin = origin();
        let gateway = before(&origin, way, Limits::default());
        let mut slow = Client::of(&gateway);
        for stream in (0..UNREAD).map(|number| 2 * number + 1) {
            slow.ask(stream, true, "GET", "/huge", &[]);
        }
        let mut other = Client::of(&gateway);
        for stream in [1, 3, 5] {
            // As long as the others' responses are on their way, and when they have stopped.
            std::thread::sleep(std::time::Duration::from_millis(300));
            other.ask(stream, true, "GET", "/small", &[]);
            let Said::Head(head, false) = other.next(stream) else { panic!("no head by {way:?}") };
            assert_eq!(line(&head, ":status"), Some("200"), "{way:?}");
            assert!(matches!(other.next(stream), Said::Data(body, _) if body == b"small"), "{way:?}");
        }
    }
}
