use super::*;
use crate::quic::nudges::{Nudge, Nudges};
use std::{net::SocketAddr, sync::Arc};

const LIMITS: Limits = Limits { handed_datagrams: 3, handed_bytes: 10 };

/// How often the worker was woken, and what wakes it.
fn worker() -> (Arc<Nudges>, Arc<Nudge>) {
    let all = Arc::new(Nudges::default());
    let nudge = all.nudge(0);
    (all, nudge)
}

fn is_woken((all, nudge): &(Arc<Nudges>, Arc<Nudge>)) -> bool {
    nudge.rearm();
    all.poll_woken(&mut Context::from_waker(Waker::noop())).is_ready()
}

fn addresses(peer: u16) -> Addresses {
    let ends = |port| SocketAddr::from(([127, 0, 0, 1], port));
    Addresses { local: ends(443), peer: ends(peer) }
}

fn put(mailbox: &Mailbox, peer: u16, bytes: &[u8]) -> Put {
    let mut bytes = bytes.to_vec();
    mailbox.put(&LIMITS, &Datagram { bytes: &mut bytes, addresses: addresses(peer), mark: Mark::Ce })
}

/// What has come; none: the worker sleeps.
fn take(mailbox: &Mailbox, waker: &Waker) -> Option<Vec<(u16, Vec<u8>)>> {
    let (mut post, mut came) = (Post::default(), Vec::new());
    let polled = mailbox.poll_post(&mut Context::from_waker(waker), &mut post);
    post.read(|datagram| {
        assert_eq!(datagram.mark, Mark::Ce);
        came.push((datagram.addresses.peer.port(), datagram.bytes.to_vec()));
        datagram.bytes.fill(0);
    });
    assert!(post.is_empty() && post.bytes.is_empty());
    polled.is_ready().then_some(came)
}

#[test]
fn what_is_put_comes_out_in_order_and_wakes_who_sleeps() {
    let (mailbox, worker) = (Mailbox::default(), worker());
    let waker = Waker::from(worker.1.clone());
    assert_eq!(take(&mailbox, &waker), None);
    assert_eq!((put(&mailbox, 1, b"one"), is_woken(&worker)), (Put::Kept, true));
    assert_eq!((put(&mailbox, 2, b"three"), is_woken(&worker)), (Put::Kept, false), "it is awake");
    assert_eq!(take(&mailbox, &waker), Some(vec![(1, b"one".to_vec()), (2, b"three".to_vec())]));
    assert_eq!(take(&mailbox, &waker), None);
    assert_eq!((put(&mailbox, 1, b"more"), is_woken(&worker)), (Put::Kept, true));
    assert_eq!(take(&mailbox, &waker), Some(vec![(1, b"more".to_vec())]));
}

#[test]
fn what_goes_beyond_its_limits_is_lost_and_room_comes_back() {
    let (mailbox, waker) = (Mailbox::default(), Waker::noop());
    // handed_datagrams
    for at in 0..3 {
        assert_eq!(put(&mailbox, at, b"a"), Put::Kept);
    }
    assert_eq!(put(&mailbox, 3, b"a"), Put::Full);
    assert_eq!(take(&mailbox, waker).map(|came| came.len()), Some(3));
    // handed_bytes
    assert_eq!(put(&mailbox, 0, &[1; 9]), Put::Kept);
    assert_eq!(put(&mailbox, 1, &[1; 2]), Put::Full);
    assert_eq!(put(&mailbox, 2, &[1; 1]), Put::Kept);
    assert_eq!(take(&mailbox, waker).map(|came| came.len()), Some(2));
}

#[test]
fn a_worker_that_is_gone_takes_nothing() {
    let (mailbox, waker) = (Mailbox::default(), Waker::noop());
    put(&mailbox, 1, b"one");
    mailbox.close();
    assert_eq!(put(&mailbox, 2, b"two"), Put::Closed);
    assert_eq!(take(&mailbox, waker), None);
}
