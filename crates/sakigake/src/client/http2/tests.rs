use super::*;
use crate::client::{Client, Options, Trust, connection::Line};
use sakigake_page::Origin;
use sakigake_semantics::{Request, Response};

/// What the loader is told when a request's stream is reset as one that the peer did not act on.
fn told(answer: Option<Response>) -> Vec<News> {
    let client = Client::new(Options { trust: Trust::Anybody, ..Options::default() }).expect("a client");
    let (news, mut heard) = mpsc::unbounded_channel();
    let (_commands, receiver) = mpsc::unbounded_channel();
    let origin = Origin::parse(true, "a.test").expect("a host");
    let now = client.shared.clock.now();
    let address = ([127, 0, 0, 1], 443).into();
    let line = Line { resolved: now, connected: now, ready: now, address, is_proxied: false };
    let ready = Ready { protocol: connection::Protocol::Http2, line, witness: None };
    let ear = Ear { origin, number: 0, news, watches: false };
    let mut http2 = Http2::new(client.shared.clone(), ear, receiver, ready);
    let call = Box::new(Call { request: Request::default(), body: None });
    let exchange = Exchange { id: Id(0), call, sent: 0, unread: 0, has_begun: false, is_over: false };
    let stream = StreamId(1);
    http2.streams.insert(stream, exchange);
    if let Some(response) = answer {
        http2.hear(Event::Response { stream, response, end: false });
    }
    http2.hear(Event::Reset { stream, code: 7, untouched: true });
    core::iter::from_fn(|| heard.try_recv().ok().map(|(_, news)| news)).collect()
}

#[test]
fn a_request_is_asked_again_only_while_nobody_has_answered_it() {
    assert!(matches!(told(None)[..], [News::Refused(..)]));
    assert!(matches!(told(Some(Response::new(200)))[..], [News::Head(..), News::Failed(..)]));
}
