use super::*;
use crate::client::{Client, Options, Trust, connection::Line, pool::Asker};
use sakigake_page::Origin;
use sakigake_semantics::{Request, Response};

/// A connection with one request under way, and what its loader is told.
struct Fixture {
    exchanges: Exchanges,
    heard: mpsc::UnboundedReceiver<(usize, News)>,
    commands: mpsc::UnboundedSender<Command>,
}

const STREAM: StreamId = StreamId(1);

fn fixture(is_early: bool) -> Fixture {
    let client = Client::new(Options { trust: Trust::Anybody, ..Options::default() }).expect("a client");
    let (news, heard) = mpsc::unbounded_channel();
    let (commands, receiver) = mpsc::unbounded_channel();
    let origin = Origin::parse(true, "a.test").expect("a host");
    let now = client.shared.clock.now();
    let address = ([127, 0, 0, 1], 443).into();
    let line = Line { resolved: now, connected: now, ready: now, address, is_proxied: false };
    let ready = Ready { protocol: connection::Protocol::Http2, line, witness: None };
    let ear = Ear { origin, number: 0, news, watches: false, asker: Asker::Page };
    let mut exchanges = Exchanges::new(client.shared.clone(), ear, receiver, ready);
    let call = Box::new(Call { request: Request::default(), body: Payload::None });
    let exchange =
        Exchange { id: Id(0), call, sent: 0, unread: 0, has_begun: false, is_over: false, is_early };
    exchanges.streams.insert(STREAM, exchange);
    Fixture { exchanges, heard, commands }
}

impl Fixture {
    fn told(&mut self) -> Vec<News> {
        core::iter::from_fn(|| self.heard.try_recv().ok().map(|(_, news)| news)).collect()
    }
}

/// What the loader is told when a request's stream is reset as one that the peer did not act on.
fn told(answer: Option<Response>) -> Vec<News> {
    let mut fixture = fixture(false);
    if let Some(response) = answer {
        fixture.exchanges.hear(Event::Response { stream: STREAM, response, end: false });
    }
    fixture.exchanges.hear(Event::Reset { stream: STREAM, code: 7, untouched: true });
    let http = sakigake_h2::Connection::client(Default::default(), sakigake_wire::Instant::from_nanos(0));
    fixture.exchanges.tell_broken(&http);
    fixture.told()
}

#[test]
fn a_request_is_asked_again_only_while_nobody_has_answered_it() {
    assert!(matches!(told(None)[..], [News::Refused(..)]));
    let told = told(Some(Response::new(200)));
    let [News::Head(..), News::Failed(_, why)] = &told[..] else { panic!("{told:?}") };
    assert_eq!(why.cause, Cause::Http2Stream);
    assert_eq!(why.why, "HTTP/2: the stream was reset (REFUSED_STREAM, 0x7)");
}

#[test]
fn what_was_too_early_is_asked_again_and_what_was_not_is_told() {
    // spec: 8470-5.2-a
    for (is_early, asked_again) in [(true, 1), (false, 0)] {
        let mut fixture = fixture(is_early);
        let response = Response::new(425);
        fixture.exchanges.hear(Event::Response { stream: STREAM, response, end: true });
        assert_eq!(fixture.exchanges.waiting.len(), asked_again);
        assert_eq!(matches!(fixture.told()[..], [News::Head(..), News::End(_)]), !is_early);
    }
}

#[test]
fn what_a_server_refused_to_read_early_is_asked_once_more_before_what_waits() {
    let mut fixture = fixture(true);
    fixture.exchanges.begin_anew();
    assert!(fixture.exchanges.streams.is_empty());
    assert!(matches!(fixture.exchanges.waiting[..], [Command::Request(..)]));
    assert!(fixture.told().is_empty(), "nobody else needs to know");
}

#[test]
fn what_changes_anything_waits_for_the_handshake() {
    // spec: 8470-4-a
    let request = |method, body: Option<&[u8]>| {
        let request = Request::new(method, "a.test", "/");
        Command::Request(
            Id(0),
            Box::new(Call { request, body: body.map(std::sync::Arc::<[u8]>::from).into() }),
        )
    };
    for method in ["GET", "HEAD", "OPTIONS", "TRACE"] {
        assert!(may_be_early(&request(method, None)), "{method}");
        assert!(!may_be_early(&request(method, Some(b"x"))), "{method} with a body");
    }
    for method in ["POST", "PUT", "DELETE", "PATCH", "CONNECT", "get"] {
        assert!(!may_be_early(&request(method, None)), "{method}");
    }
}

#[test]
fn requests_say_which_alternative_they_go_to_and_none_where_it_is_the_origins_own_place() {
    // spec: 7838-5-a
    let mut fixture = fixture(false);
    let way = |port| {
        let spot = Spot { host: "a.test".into(), port };
        Way { spot, address: ([127, 0, 0, 1], port).into() }
    };
    for (port, told) in [(443, None), (8_443, Some(&b"a.test:8443"[..]))] {
        fixture.exchanges.goes_to(&way(port));
        let request = Request::new("GET", "a.test", "/");
        let leaves = fixture.exchanges.addressed(&request);
        assert_eq!(leaves.fields.find_all(b"alt-used").next(), told);
    }
}

#[test]
fn what_was_asked_in_vain_is_asked_on_the_next_connection_before_what_waits() {
    let mut fixture = fixture(true);
    let call = || Box::new(Call { request: Request::default(), body: Payload::None });
    fixture.exchanges.waiting.push(Command::Request(Id(1), call()));
    fixture.commands.send(Command::Request(Id(2), call())).expect("it listens");
    let ready = fixture.exchanges.ready.clone();
    let moved = fixture.exchanges.moved(ready);
    let order = moved.waiting.iter().filter_map(|command| match command {
        Command::Request(id, _) => Some(*id),
        _ => None,
    });
    assert_eq!(order.collect::<Vec<Id>>(), [Id(0), Id(1), Id(2)]);
}

#[test]
fn what_was_never_sent_goes_to_another_connection_whatever_it_asks_for() {
    for (is_ready, refused) in [(true, 2), (false, 0)] {
        let Fixture { mut exchanges, mut heard, commands } = fixture(false);
        exchanges.is_ready = is_ready;
        let post = || Call { request: Request::new("POST", "a.test", "/"), body: Payload::None };
        exchanges.waiting.push(Command::Request(Id(1), Box::new(post())));
        commands.send(Command::Request(Id(2), Box::new(post()))).expect("it takes more");
        drop(exchanges);
        assert!(commands.send(Command::Request(Id(3), Box::new(post()))).is_err(), "who asks now hears it");
        let told: Vec<News> = core::iter::from_fn(|| heard.try_recv().ok().map(|(_, news)| news)).collect();
        let ids: Vec<Option<Id>> = told.iter().map(News::request).collect();
        assert!(told.iter().all(|news| matches!(news, News::Refused(..))), "{told:?}");
        // Not the one that was sent (0): the server may have acted on it.
        assert_eq!(ids, [Some(Id(1)), Some(Id(2))][..refused]);
    }
}
