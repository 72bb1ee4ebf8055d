use super::*;
use crate::client::{Client, Options, Trust, connection::Line, outflow::Payload};
use sakigake_semantics::Request;

fn origin() -> Origin {
    Origin::parse(true, "a.test").expect("a host")
}

/// Requests for `a.test`, from that number on: how many connections there are then, and how many requests wait for one.
fn ask(pool: &mut Pool, numbers: std::ops::Range<usize>) -> (usize, usize) {
    for number in numbers {
        let call = Call { request: Request::new("GET", "a.test", "/"), body: Payload::None };
        pool.request(&origin(), Id(number), Box::new(call));
    }
    (pool.connections.len(), pool.waiting.len())
}

/// The handshakes that are under way come to their end.
fn ready(pool: &mut Pool, protocol: Protocol) {
    let now = pool.shared.clock.now();
    let address = ([127, 0, 0, 1], 443).into();
    let line = Line { resolved: now, connected: now, ready: now, address, is_proxied: false };
    let numbers: Vec<usize> = pool.connections.iter().map(|connection| connection.number).collect();
    for number in numbers {
        pool.ready(number, Ready { protocol, line, witness: None });
    }
}

fn pool(asker: Asker) -> Pool {
    let options = Options { trust: Trust::Anybody, ..Options::default() };
    Pool::new(Client::new(options).expect("a client").shared, asker, false, mpsc::unbounded_channel().0)
}

#[test]
fn where_many_ask_no_connection_carries_more_than_its_window_has_shares() {
    let tasks = tokio::task::LocalSet::new();
    let _entered = tasks.enter();
    for protocol in [Protocol::Http2, Protocol::Http3] {
        let mut pool = pool(Asker::Many);
        assert_eq!(ask(&mut pool, 0..64), (1, 0));
        ready(&mut pool, protocol);
        assert_eq!(ask(&mut pool, 64..65), (2, 0));
        assert_eq!(ask(&mut pool, 65..1_024), (16, 0));
        assert_eq!(ask(&mut pool, 1_024..1_026), (16, 2));
        pool.leave(Id(70), true);
        assert_eq!((pool.connections.len(), pool.waiting.len()), (16, 1));
        // One that ends makes room for another, which takes whoever waits.
        let lost = pool.gone(3);
        assert_eq!((lost.len(), pool.connections.len(), pool.waiting.len()), (64, 16, 0));
    }
}

#[test]
fn where_many_ask_over_http_1_1_each_has_a_connection() {
    let tasks = tokio::task::LocalSet::new();
    let _entered = tasks.enter();
    let mut pool = pool(Asker::Many);
    assert_eq!(ask(&mut pool, 0..1), (1, 0));
    for number in 1..257 {
        ready(&mut pool, Protocol::Http1);
        ask(&mut pool, number..number + 1);
    }
    assert_eq!((pool.connections.len(), pool.waiting.len()), (256, 1));
    assert!(pool.connections.iter().all(|connection| connection.carries == 1));
}

#[test]
fn a_page_asks_as_browsers_do() {
    let tasks = tokio::task::LocalSet::new();
    let _entered = tasks.enter();
    let mut one = pool(Asker::Page);
    assert_eq!(ask(&mut one, 0..500), (1, 0));
    let mut six = pool(Asker::Page);
    for number in 0..7 {
        ready(&mut six, Protocol::Http1);
        ask(&mut six, number..number + 1);
    }
    assert_eq!((six.connections.len(), six.waiting.len()), (6, 1));
}
