use super::*;
use crate::client::{
    Bypass, Client, Options, Proxies, Proxy, Trust,
    connection::{Line, Ready},
    witness::Witness,
};
use sakigake_tls::{RejectedCertificate, Verified, Verifier};
use std::sync::Arc;
use tokio::sync::mpsc;

/// Finds every certificate good for everybody.
struct Credulous;

impl Verifier for Credulous {
    fn verify_chain(&self, _: &str, _: &[&[u8]], _: u64) -> Result<Verified, RejectedCertificate> {
        Ok(Verified)
    }

    fn verify_signature(&self, _: &[u8], _: u16, _: &[u8], _: &[u8]) -> bool {
        true
    }
}

fn origin(host: &str) -> Origin {
    Origin::parse(true, host).expect("a host")
}

/// A pool with one connection, number 0, to `a.test`, whose certificate is good for everybody.
fn pool(proxies: Proxies) -> Pool {
    let options = Options { trust: Trust::Anybody, proxies, ..Options::default() };
    let shared = Client::new(options).expect("a client").shared;
    let witness = Witness::new(Arc::new(Credulous));
    witness.verify_chain("a.test", &[b"leaf"], 0).expect("it believes everything");
    let now = shared.clock.now();
    let address = ([127, 0, 0, 1], 443).into();
    let line = Line { resolved: now, connected: now, ready: now, address, is_proxied: false };
    let ready = Ready { protocol: Protocol::Http2, line, witness: Some(Arc::new(witness)) };
    let mut pool = Pool::new(shared, false, mpsc::unbounded_channel().0);
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
