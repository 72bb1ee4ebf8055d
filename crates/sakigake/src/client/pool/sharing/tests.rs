use super::*;
use crate::client::{
    Bypass, Client, Options, Proxies, Proxy, Trust,
    connection::{Line, Ready},
    pool::Asker,
    witness::Witness,
};
use sakigake_tls::{RejectedCertificate, Verified, Verifier};
use std::sync::Arc;
use tokio::sync::mpsc;

/// Finds every certificate good for everybody but `stranger.test`.
struct Credulous;

impl Verifier for Credulous {
    fn verify_chain(&self, host: &str, _: &[&[u8]], _: u64) -> Result<Verified, RejectedCertificate> {
        match host {
            "stranger.test" => Err(RejectedCertificate::WrongName { presented: vec!["a.test".into()] }),
            _ => Ok(Verified),
        }
    }

    fn verify_signature(&self, _: &[u8], _: u16, _: &[u8], _: &[u8]) -> bool {
        true
    }
}

fn origin(host: &str) -> Origin {
    Origin::parse(true, host).expect("a host")
}

/// A pool with one connection, number 0, to `a.test`, whose certificate is good for everybody but `stranger.test`.
fn pool(proxies: Proxies) -> Pool {
    let options = Options { trust: Trust::Anybody, proxies, ..Options::default() };
    let shared = Client::new(options).expect("a client").shared;
    let witness = Witness::new(Arc::new(Credulous));
    witness.verify_chain("a.test", &[b"leaf"], 0).expect("it believes everything");
    let now = shared.clock.now();
    let address = ([127, 0, 0, 1], 443).into();
    let line = Line { resolved: now, connected: now, ready: now, address, is_proxied: false };
    let ready = Ready { protocol: Protocol::Http2, line, witness: Some(Arc::new(witness)) };
    let mut pool = Pool::new(shared, Asker::Page, false, mpsc::unbounded_channel().0);
    pool.connections.push(Connection {
        number: 0,
        origin: origin("a.test"),
        ready: Some(ready),
        origin_set: None,
        first: None,
        commands: mpsc::unbounded_channel().0,
        is_retired: false,
        has_answered: true,
        carries: 0,
    });
    pool
}

#[test]
fn whom_a_proxy_is_for_is_not_looked_up_here() {
    let tasks = tokio::task::LocalSet::new();
    let _entered = tasks.enter();
    assert!(pool(Proxies::default()).seeks(&origin("b.test")));
    let proxy = Some(Proxy::parse("http://proxy.test:3128").expect("a proxy"));
    let mut pool = pool(Proxies { proxy, bypass: Bypass::parse("a.test") });
    assert!(!pool.seeks(&origin("b.test")));
}

#[test]
fn a_guest_goes_when_the_origin_set_lacks_it() {
    // spec: 8336-2.4-a
    let mut pool = pool(Proxies::default());
    pool.sharing.guests.insert(origin("b.test"), 0);
    assert_eq!(pool.host_of(&origin("b.test")), Some(0));
    pool.origins(0, h2::OriginSet::default());
    assert_eq!(pool.host_of(&origin("b.test")), None);
}

#[test]
fn whom_the_certificate_is_not_for_is_no_guest_whatever_the_server_says() {
    // spec: 9113-9.1.1-a
    let tasks = tokio::task::LocalSet::new();
    let _entered = tasks.enter();
    let mut pool = pool(Proxies::default());
    for (host, may) in [("b.test", true), ("stranger.test", false)] {
        assert_eq!(pool.connections[0].may_host(&origin(host), &pool.shared), may, "{host}");
        assert_eq!(pool.seeks(&origin(host)), may, "{host}");
    }
    let stranger = origin("stranger.test");
    pool.sharing.guests.insert(stranger.clone(), 0);
    pool.review_guests(0);
    assert_eq!(pool.host_of(&stranger), None);
}
