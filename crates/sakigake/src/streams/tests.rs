use super::*;
use crate::{
    files::error_reply,
    handler::H3,
    service::{Factory, Local},
};
use http_body_util::{BodyExt, Empty};
use sakigake_h2::{Config, Connection};
use sakigake_h3 as h3;
use sakigake_semantics::{Chunk, Request, Response};
use std::{cell::RefCell, net::SocketAddr, sync::Arc};

/// A server of which so many streams were asked for, whose responses have begun and have no body yet.
fn begun(count: usize) -> (Connection, Vec<StreamId>, usize) {
    let (now, config) = (Instant::from_nanos(0), Config::default());
    let queue_bytes = config.limits.send_queue_bytes;
    let (mut client, mut server) = (Connection::client(config.clone(), now), Connection::server(config, now));
    let ask = |client: &mut Connection| client.request(&Request::get("a.test", "/"), true).expect("few");
    let streams: Vec<StreamId> = (0..count).map(|_| ask(&mut client)).collect();
    let mut buffer = vec![0; 16_384];
    while let Some(len) = client.transmit(now, &mut buffer) {
        server.handle(now, &buffer[..len], &mut |_| {}).expect("as it should be");
    }
    for stream in &streams {
        server.respond(*stream, &Response::new(200), false).expect("it was asked for");
    }
    (server, streams, queue_bytes)
}

fn queue(http: &mut Connection, stream: StreamId, bytes: usize) {
    http.send(stream, Chunk::Owned(vec![0; bytes]), false).expect("nothing is queued there");
}

#[test]
fn what_goes_first_has_a_turns_worth_queued_until_a_connection_holds_so_much() {
    // Of the same urgency, who was asked for first goes first; and all of it could leave.
    for (beyond, expected) in [(0, TURN_BYTES), (1, REFILL_BYTES)] {
        let (mut http, streams, queue_bytes) = begun(3);
        let most = URGENT_BYTES + streams.len() * REFILL_BYTES;
        queue(&mut http, streams[2], most - 1 + beyond);
        assert_eq!(room(streams[0], &http, queue_bytes), expected, "{beyond} beyond");
        // Who comes behind all that gets what everybody gets.
        queue(&mut http, streams[0], 1);
        assert_eq!(room(streams[1], &http, queue_bytes), REFILL_BYTES);
    }
}

#[test]
fn one_stream_after_another_that_goes_first_is_no_way_to_memory() {
    let (mut http, streams, queue_bytes) = begun(100);
    for stream in streams.iter().rev() {
        let room = room(*stream, &http, queue_bytes);
        assert!(room >= REFILL_BYTES);
        queue(&mut http, *stream, room);
    }
    // One refill each is everybody's.
    let most = URGENT_BYTES + streams.len() * REFILL_BYTES + TURN_BYTES;
    assert!(http.held_bytes() < most + streams.len() * REFILL_BYTES, "{}", http.held_bytes());
}

/// Answers all with a page that says that there is none, and keeps what became of each.
#[derive(Default)]
struct Clerk {
    /// Answers in its place.
    local: Option<Local>,
    served: RefCell<Vec<(u16, u64, bool)>>,
    blamed: RefCell<Vec<String>>,
}

impl Handler for Clerk {
    fn answer(&self, _: &[u8], _: &Ask<'_>, _: time::SystemTime) -> Dispatched {
        let reply = || Answer::Reply(error_reply(404, false));
        Dispatched { seat: None, answer: self.local.clone().map_or_else(reply, Answer::Service), visit: None }
    }

    fn blame(&self, why: &str) {
        self.blamed.borrow_mut().push(why.to_owned());
    }

    fn served(&self, served: &Served) {
        self.served.borrow_mut().push((served.status, served.bytes, served.whole));
    }

    fn client(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 1))
    }
}

/// An engine without a connection below.
struct Bare(h3::Connection);

impl Carrier for Bare {
    fn http(&mut self) -> Option<&mut dyn Http> {
        Some(&mut self.0)
    }

    fn mark(&mut self, _: StreamId) -> session::Mark {
        session::Mark::default()
    }

    fn server_name(&self) -> Option<&str> {
        None
    }

    fn agreed(&self) -> Option<&session::Agreed> {
        None
    }

    fn is_ready(&self) -> bool {
        true
    }

    fn identity(&self) -> Option<&sakigake_tls::Identity> {
        None
    }

    fn exporter(&self) -> Option<&sakigake_tls::Exporter> {
        None
    }

    fn close(&mut self, _: Instant) {}
}

/// `:method: GET`, `:scheme: https`, `:path: /`, `:authority: a`, over HTTP/3.
const GET: &[u8] = &[0x01, 0x08, 0, 0, 0xd1, 0xd7, 0xc1, 0x50, 0x01, 0x61];

fn bounds() -> Bounds {
    let term = time::Duration::from_secs(60);
    Bounds { idle: term, drain: term, stall_ms: 60_000, body_stall: term, queue_bytes: 1 << 18 }
}

/// Over QUIC a request may overtake an earlier one.
#[tokio::test]
async fn a_response_that_is_given_up_is_not_whole_whatever_came_first() {
    let now = Instant::from_nanos(1);
    for given_up in [0, 4, 8] {
        let clerk = Rc::new(Clerk::default());
        let mut streams = Streams::new(clerk.clone(), core::future::pending(), bounds(), H3);
        let mut carrier = Bare(h3::Connection::server(Arc::default()));
        for stream in [8, 0, 4].map(StreamId) {
            let mut heard = |event: Event<'_>| streams.heard(now, session::Event::Http(event));
            carrier.0.handle(now, stream, GET, true, &mut heard).expect("a good request");
            streams.act(now, &mut carrier);
        }
        let mut heard = |event: Event<'_>| streams.heard(now, session::Event::Http(event));
        carrier.0.stop_heard(now, StreamId(given_up), 0x10c, &mut heard).expect("it may");
        while carrier.0.depart(now, &mut |_| u64::MAX).is_some() {}
        streams.act(now, &mut carrier);
        let served = clerk.served.borrow();
        let whole = served.iter().filter(|(status, _, whole)| *status == 404 && *whole).count();
        assert_eq!((served.len(), whole), (3, 2), "{given_up}: {served:?}");
    }
}

/// What leaves in answer to one request by a client that takes sections of so many bytes: `:status` of the response, the code
/// of a reset, and what the log says.
async fn answered(section_bytes: u16, local: Option<Local>) -> (Option<u16>, Option<u64>, Vec<String>) {
    let now = Instant::from_nanos(1);
    let clerk = Rc::new(Clerk { local, ..Clerk::default() });
    let mut streams = Streams::new(clerk.clone(), core::future::pending(), bounds(), H3);
    let mut carrier = Bare(h3::Connection::server(Arc::default()));
    let mut heard = |event: Event<'_>| streams.heard(now, session::Event::Http(event));
    let [high, low] = (section_bytes | 0x4000).to_be_bytes();
    let settings = [0, 4, 3, 6, high, low];
    carrier.0.handle(now, StreamId(2), &settings, false, &mut heard).expect("good settings");
    carrier.0.handle(now, StreamId(0), GET, true, &mut heard).expect("a good request");
    let (mut came, mut reset) = (Vec::new(), None);
    for _ in 0..4 {
        streams.act(now, &mut carrier);
        while let Some(departure) = carrier.0.depart(now, &mut |_| u64::MAX) {
            match departure {
                h3::Departure::Bytes { stream: StreamId(0), chunk, .. } => {
                    came.extend_from_slice(chunk.as_ref())
                }
                h3::Departure::Reset { stream: StreamId(0), code } => reset = Some(code),
                _ => {}
            }
        }
    }
    let (mut client, mut status) = (h3::Connection::client(Arc::default()), None);
    client.request(&Request::get("a", "/"), true).expect("it may");
    let mut heard = |event: Event<'_>| {
        if let Event::Response { response, .. } = event {
            status = Some(response.status);
        }
    };
    client.handle(now, StreamId(0), &came, false, &mut heard).expect("good bytes");
    assert!(reset.is_some() || !carrier.0.has_streams(), "the client is not left waiting");
    let blamed = clerk.blamed.borrow().clone();
    (status, reset, blamed)
}

#[tokio::test]
async fn a_client_that_takes_no_such_section_is_not_left_waiting() {
    // spec: 9114-4.2.2-b
    const INTERNAL_ERROR: Option<u64> = Some(0x102);
    assert_eq!(answered(1_000, None).await, (Some(404), None, vec![]));
    assert_eq!(answered(40, None).await, (None, INTERNAL_ERROR, vec![]));

    let service = |head: usize, trailers: usize| {
        let answer = move |_: http::Request<crate::service::Body>| async move {
            let mut fields = http::HeaderMap::new();
            fields.insert("x-long", "v".repeat(trailers).parse().expect("a good value"));
            let body = Empty::<bytes::Bytes>::new().with_trailers(core::future::ready(Some(Ok(fields))));
            http::Response::builder().header("x-long", "v".repeat(head)).body(body)
        };
        Factory::of_fn(answer).make().ok()
    };
    assert_eq!(answered(1_000, service(100, 100)).await, (Some(200), None, vec![]));
    let (status, reset, blamed) = answered(1_000, service(1_000, 100)).await;
    assert_eq!((status, reset, blamed.len()), (Some(500), None, 1), "{blamed:?}");
    let (status, reset, blamed) = answered(40, service(100, 100)).await;
    assert_eq!((status, reset, blamed.len()), (None, INTERNAL_ERROR, 1), "{blamed:?}");
    let (status, reset, blamed) = answered(1_000, service(100, 1_000)).await;
    assert_eq!((status, reset, blamed.len()), (None, INTERNAL_ERROR, 1), "{blamed:?}");
}
