//! The gateway over HTTP/3, to browsers and to the origin.

use http::{Request, Response};
use http_body_util::Full;
use sakigake::{
    client::{self, Ask, Client, Heard, Http3, Options, Protocol, Receiver, Resolve, Trust},
    gateway::{self, Counts, Limits},
    hosts::{Hosts, Target},
    service::{Body, Factory},
};
use sakigake_e2e::{PATIENCE, Server, Setup, example};
use sakigake_page::{Origin, Url};
use sakigake_preload::{
    Destination, Hint,
    table::{ANY_HOST, Site},
};
use sakigake_semantics::{Request as Asked, Response as Head};
use std::{
    convert::Infallible,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// An origin that says by which protocol it was asked, and of the document only once it may.
fn origin(may_answer: &Arc<AtomicBool>) -> Server {
    let may_answer = may_answer.clone();
    let factory = Factory::of_fn(move |request: Request<Body>| {
        let may_answer = may_answer.clone();
        async move {
            while request.uri().path() == "/" && !may_answer.load(Ordering::SeqCst) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let via = request.headers()["via"].to_str().unwrap_or("?").to_owned();
            let text = format!("{:?} {via}", request.version());
            let response = Response::builder().header("cache-control", "max-age=60");
            Ok::<_, Infallible>(response.body(Full::<bytes::Bytes>::from(text)).expect("a response"))
        }
    });
    let hosts = Some(Hosts::one(Target::Service(factory)));
    let limits = sakigake::server::Limits { idle_ms: 1_000, ..Default::default() };
    let origin = Server::start(Setup { hosts, http3: true, limits, ..Setup::of(example()) });
    let hints = vec![Hint::new("/page.css", Destination::Style)];
    origin.table.set(ANY_HOST, &Site { hints, pages: Vec::new() });
    origin
}

fn gateway(origin: &Server, http3: Http3) -> Server {
    before(origin, (&[Protocol::Http2, Protocol::Http1], http3), Limits::default())
}

/// A gateway that speaks these protocols with its origin.
pub(crate) fn before(
    origin: &Server,
    (protocols, http3): (&'static [Protocol], Http3),
    limits: Limits,
) -> Server {
    let (ca, address) = (origin.ca.clone(), origin.address);
    let connect = move || {
        let row = Resolve { host: "www.saki.test".into(), port: address.port(), address: address.ip() };
        let (trust, resolve, protocols) = (Trust::File(ca.clone()), vec![row], protocols.to_vec());
        Client::new(Options { trust, resolve, protocols, http3, ..Options::default() })
    };
    let place = Origin { secure: true, host: "www.saki.test".into(), port: address.port() };
    let counts = Arc::new(Counts::default());
    let options = gateway::Options { origin: place, hints: true, limits, counts };
    let factory = gateway::factory(options, connect).expect("the CA can be read");
    Server::start(Setup { http3: true, ..Setup::of_service(factory) })
}

pub(crate) fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let work = async { tokio::time::timeout(PATIENCE, work).await.expect("in time") };
    tokio::task::LocalSet::new().block_on(&runtime, work)
}

/// What a browser over that protocol is told of a navigation before the document may come; then a sheet, and the document.
fn visit(gateway: &Server, http3: Http3, may_answer: &AtomicBool) -> (String, String, String) {
    let browser = gateway.client_with(Options { http3, preload: false, ..Options::default() });
    let place = Origin { secure: true, host: "www.saki.test".into(), port: gateway.address.port() };
    run(async {
        let upstream = browser.upstream(place.clone(), |_| {});
        let ask = |path: &str| {
            let mut request = Asked::new("GET", place.authority(), path);
            request.fields.push(b"sec-fetch-mode", b"navigate");
            upstream.request(request, None)
        };
        let mut document = ask("/");
        let Ok(Some(Heard::Interim(early))) = document.next().await else { panic!("no 103") };
        let links: Vec<_> =
            early.fields.find_all(b"link").map(|link| link.escape_ascii().to_string()).collect();
        let sheet = text(ask("/page.css")).await;
        may_answer.store(true, Ordering::SeqCst);
        (links.join(" "), sheet, text(document).await)
    })
}

async fn text(mut exchange: client::Exchange) -> String {
    let mut body = Vec::new();
    while let Some(heard) = exchange.next().await.expect("it comes") {
        if let Heard::Data(bytes) = heard {
            body.extend_from_slice(&bytes);
        }
    }
    String::from_utf8(body).expect("text")
}

#[test]
fn hints_and_what_they_name_pass_by_each_protocol_on_either_side() {
    for (to_origin, seen) in [(Http3::Never, "HTTP/2.0"), (Http3::Only, "HTTP/3.0")] {
        for (to_gateway, via) in [(Http3::Never, "2"), (Http3::Only, "3")] {
            let may_answer = Arc::new(AtomicBool::new(false));
            let origin = origin(&may_answer);
            let gateway = gateway(&origin, to_origin);
            let (links, sheet, document) = visit(&gateway, to_gateway, &may_answer);
            let port = gateway.address.port();
            let named = format!("<https://www.saki.test:{port}/page.css>; rel=preload; as=style");
            assert_eq!(links, named, "{seen} {via}");
            assert_eq!(sheet, format!("{seen} 2 sakigake"), "the gateway's own request");
            assert_eq!(document, format!("{seen} {via} sakigake"));
        }
    }
}

struct By(Option<Protocol>);

impl Receiver for By {
    fn head(&mut self, protocol: Protocol, _: &Head, _: bool) -> io::Result<()> {
        self.0 = Some(protocol);
        Ok(())
    }

    fn body(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
}

struct Unwatched;

impl client::Watcher for Unwatched {}

#[test]
fn browsers_learn_by_alt_svc_where_the_gateways_http3_is_and_not_where_the_origins_is() {
    let origin = origin(&Arc::new(AtomicBool::new(true)));
    let gateway = gateway(&origin, Http3::Never);
    let browser = gateway.client_with(Options::default());
    let url = Url::parse(&format!("https://www.saki.test:{}/x", gateway.address.port())).expect("a URL");
    for protocol in [Protocol::Http2, Protocol::Http3] {
        let mut by = By(None);
        let status =
            run(browser.resource(&Ask::get(url.clone()), &mut Unwatched, &mut by)).expect("an answer");
        assert_eq!((status, by.0), (200, Some(protocol)));
    }
}

#[test]
fn what_the_origin_says_of_its_http3_is_followed_from_the_gateways_next_connection_on() {
    let origin = origin(&Arc::new(AtomicBool::new(true)));
    let gateway = gateway(&origin, Http3::WhereOffered);
    let ask = || {
        let browser = gateway.client_with(Options { http3: Http3::Never, ..Options::default() });
        let place = Origin { secure: true, host: "www.saki.test".into(), port: gateway.address.port() };
        run(async {
            let upstream = browser.upstream(place.clone(), |_| {});
            text(upstream.request(Asked::new("GET", place.authority(), "/x"), None)).await
        })
    };
    assert_eq!(ask(), "HTTP/2.0 2 sakigake");
    // The origin ends a connection that has nothing to do.
    std::thread::sleep(Duration::from_millis(1_500));
    assert_eq!(ask(), "HTTP/3.0 2 sakigake");
}
