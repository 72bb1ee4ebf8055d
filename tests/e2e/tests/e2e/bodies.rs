//! Bodies of requests that do not come, and what a service's panics cost others.

use crate::service::{Client, Said};
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Frame, SizeHint};
use http_body_util::{BodyExt, Empty, combinators::UnsyncBoxBody};
use sakigake::service::{Body, BoxError, Factory};
use sakigake_e2e::{Scratch, Server, Setup, eventually};
use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

type Reply = Response<UnsyncBoxBody<Bytes, BoxError>>;
type Answer = Pin<Box<dyn Future<Output = Result<Reply, BoxError>>>>;

/// Panics as it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("as asked");
    }
}

/// A body of nothing that never ends, and panics where it is told to.
struct Odd {
    hint: bool,
    end: bool,
    _bomb: Option<Bomb>,
}

impl http_body::Body for Odd {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        assert!(!self.end, "as asked");
        false
    }

    fn size_hint(&self) -> SizeHint {
        assert!(!self.hint, "as asked");
        SizeHint::default()
    }
}

fn none() -> UnsyncBoxBody<Bytes, BoxError> {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

fn odd(hint: bool, end: bool, bomb: bool) -> UnsyncBoxBody<Bytes, BoxError> {
    Odd { hint, end, _bomb: bomb.then_some(Bomb) }.boxed_unsync()
}

/// Counts what runs.
struct One(Arc<AtomicUsize>);

impl Drop for One {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn handle(request: Request<Body>, alive: Arc<AtomicUsize>) -> Result<Reply, BoxError> {
    alive.fetch_add(1, Ordering::Relaxed);
    let _one = One(alive);
    Ok(match request.uri().path() {
        "/echo" => Response::new(request.into_body().map_err(Into::into).boxed_unsync()),
        "/never" => std::future::pending().await,
        "/whole" => Response::new(
            http_body_util::Full::new(request.into_body().collect().await?.to_bytes())
                .map_err(|never| match never {})
                .boxed_unsync(),
        ),
        "/bomb" => {
            let _bomb = Bomb;
            std::future::pending().await
        }
        "/hint" => Response::new(odd(true, false, false)),
        "/end" => Response::new(odd(false, true, false)),
        "/body-bomb" => Response::new(odd(false, false, true)),
        _ => Response::builder().status(403).body(none())?,
    })
}

fn setup() -> (Setup, Arc<AtomicUsize>) {
    let alive = Arc::new(AtomicUsize::new(0));
    let counted = alive.clone();
    (Setup::of_service(Factory::of_fn(move |request| handle(request, counted.clone()))), alive)
}

#[test]
fn a_body_that_stops_coming_ends_its_request_alone() {
    let (mut setup, alive) = setup();
    setup.limits.body_stall_ms = 300;
    let server = Server::start(setup);
    let mut client = Client::of(&server);
    client.ask(1, false, "POST", "/never", &[]);
    client.data(1, b"nobody waits for this one", false);
    client.ask(3, false, "POST", "/whole", &[]);
    client.data(3, b"abc", false);
    let (head, body) = client.whole(3);
    assert!(head.contains(":status: 408\n") && body.is_empty(), "{head}");
    assert_eq!(client.next(3), Said::Reset(0));
    client.ask(5, false, "POST", "/echo", &[]);
    assert!(matches!(client.next(5), Said::Head(head, false) if head.contains(":status: 200\n")));
    assert_eq!(client.next(5), Said::Reset(8), "a response that has begun is given up");
    eventually("the log", || server.log().contains("408") && server.log().contains("/echo  cut short"));
    assert_eq!(alive.load(Ordering::Relaxed), 1, "the one that reads nothing goes on");
    assert!(!server.log().contains("/never"), "{}", server.log());
}

#[test]
fn what_nobody_reads_of_a_body_has_an_end() {
    let (mut setup, _) = setup();
    setup.limits.body_stall_ms = 300;
    let site = Scratch::new();
    site.write("index.html", "here");
    let mut files = Setup::of(site.path());
    files.limits.body_stall_ms = 300;
    for (setup, status) in [(setup, "403"), (files, "405")] {
        let server = Server::start(setup);
        let mut client = Client::of(&server);
        client.ask(1, false, "POST", "/index.html", &[]);
        assert!(client.whole(1).0.contains(status));
        assert_eq!(client.next(1), Said::Reset(0), "{status}");
        client.ask(3, false, "POST", "/index.html", &[]);
        client.data(3, b"", true);
        assert!(client.whole(3).0.contains(status));
    }
}

#[test]
fn a_response_that_is_over_is_logged_before_its_request_is() {
    let (setup, _) = setup();
    let server = Server::start(setup);
    let mut client = Client::of(&server);
    client.ask(1, false, "POST", "/refused", &[]);
    assert!(client.whole(1).0.contains("403"));
    eventually("the log", || server.log().contains("/refused"));
    client.data(1, b"", true);
    client.ask(3, true, "GET", "/next", &[]);
    client.whole(3);
    eventually("the log", || server.log().contains("/next"));
    assert_eq!(server.log().matches("/refused").count(), 1, "{}", server.log());
}

#[test]
fn a_panic_wherever_it_is_harms_its_own_stream_alone_and_is_logged() {
    let (setup, alive) = setup();
    let server = Server::start(setup);
    let mut client = Client::of(&server);
    client.ask(1, false, "POST", "/whole", &[]);
    client.ask(3, true, "GET", "/bomb", &[]);
    eventually("it runs", || alive.load(Ordering::Relaxed) == 2);
    client.reset(3);
    client.ask(5, true, "GET", "/end", &[]);
    assert_eq!(client.next(5), Said::Reset(2));
    client.ask(7, true, "GET", "/hint", &[]);
    let mut said = client.next(7);
    if matches!(said, Said::Head(..)) {
        said = client.next(7); // The head may have left before it is known that there is no more.
    }
    assert_eq!(said, Said::Reset(2));
    client.ask(9, true, "GET", "/body-bomb", &[]);
    assert!(matches!(client.next(9), Said::Head(_, false)));
    client.reset(9);
    client.data(1, b"still here", true);
    assert_eq!(client.whole(1).1, b"still here");
    for why in [
        "/bomb: the handler panicked as it was let go",
        "/end: the handler panicked",
        "/hint: the handler panicked",
        "/body-bomb: the handler panicked as it was let go",
    ] {
        eventually(why, || server.log().contains(why));
    }
}

/// Answers with nothing.
struct Plain;

impl tower_service::Service<Request<Body>> for Plain {
    type Response = Reply;
    type Error = BoxError;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Answer {
        Box::pin(async { Ok(Response::new(none())) })
    }
}

#[test]
fn a_service_that_panics_as_it_is_made_is_made_again_for_the_next_who_asks() {
    let made = AtomicUsize::new(0);
    let factory = Factory::new(move || {
        assert!(made.fetch_add(1, Ordering::Relaxed) > 0, "as asked");
        Plain
    });
    let server = Server::start(Setup::of_service(factory));
    let mut client = Client::of(&server);
    client.ask(1, true, "GET", "/first", &[]);
    assert!(client.whole(1).0.contains(":status: 500\n"));
    client.ask(3, true, "GET", "/second", &[]);
    assert!(client.whole(3).0.contains(":status: 200\n"));
    eventually("the log", || server.log().contains("/first: the service panicked as it was made"));
}
