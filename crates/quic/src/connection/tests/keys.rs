//! Keys that grow old.

use super::{
    hostile::forged,
    pair::{Pair, Setting, addresses},
};
use crate::{
    Fault,
    connection::{Closed, Event, Refused},
    rules::Epoch,
};
use sakigake_wire::{Instant, Span};

/// What AEAD_AES_128_GCM and AEAD_AES_256_GCM may protect (RFC 9001 section 6.6).
const LIMIT: u64 = 1 << 23;

#[test]
fn keys_that_are_used_up_end_the_connection_and_both_sides_know() {
    // spec: 9001-6.6-c
    let mut pair = Pair::new();
    pair.confirm();
    let now = pair.now;
    pair.client.update_keys(now).unwrap();
    pair.client.keys.phases().unwrap().set_sealed(LIMIT - 20);
    // Nothing confirms the update, so that there cannot be another.
    pair.fate = Box::new(|is_client, _, _| is_client);
    pair.say(&[7; 100_000]);
    assert!(pair.run(|pair| !pair.client_ear.closed.is_empty()));
    assert_eq!(pair.client_ear.closed, [Closed::Fault(Fault::AeadLimitReached)]);
    pair.run(|_| false);
    assert!(
        matches!(pair.server_ear.closed[..], [Closed::Peer { code: 0x0f, .. }]),
        "{:?}",
        pair.server_ear.closed
    );
}

#[test]
fn an_update_comes_early_rather_than_never() {
    let mut pair = Pair::new();
    pair.confirm();
    pair.client.key_times.rest_until = Some(pair.now + Span::from_secs(100));
    pair.client.keys.phases().unwrap().set_sealed(LIMIT - 10);
    let id = pair.say(&[7; 100_000]);
    assert!(pair.run(|pair| pair.server_ear.finished.contains(&id)));
    assert_eq!(pair.client.keys.phases().unwrap().updates(), 1);
}

#[test]
fn the_keys_before_go_three_probe_timeouts_after_the_peer_followed() {
    // spec: 9001-6.5-a 9001-6.5-b
    let mut pair = Pair::new();
    pair.confirm();
    pair.run(|pair| pair.client.recovery.bytes_in_flight() == 0);
    let now = pair.now;
    pair.client.update_keys(now).unwrap();
    // Long after: nobody has said anything under them yet.
    pair.now = now + Span::from_secs(10);
    pair.client.ping();
    assert!(pair.run(|pair| pair.client.key_times.settle_at.is_some()));
    let now = pair.now;
    assert!(pair.client.keys.phases().unwrap().has_previous());
    assert!(
        pair.client.key_times.settle_at.is_some_and(|at| at > now + Span::from_millis(60)),
        "three round trips"
    );
    assert!(pair.run(|pair| pair.client.key_times.rest_until.is_some()));
    let until = pair.client.key_times.rest_until.unwrap();
    assert!(until >= now + pair.client.pto().times(3));
    pair.run(|pair| pair.client.key_times.settle_at.is_none());
    assert!(!pair.client.keys.phases().unwrap().has_previous());
    let early = Instant::from_nanos(until.as_nanos() - 1);
    pair.client.key_times.settle_at = None;
    assert_eq!(pair.client.update_keys(early), Err(Refused::KeyUpdate));
    assert_eq!(pair.client.update_keys(until), Ok(()));
}

/// Both ends have nothing to say, and have given back what they keep for when they have.
fn at_rest() -> Pair {
    let mut pair = Pair::new();
    pair.confirm();
    assert!(pair.run(|pair| !pair.client.keys.is_awake() && !pair.server().keys.is_awake()));
    pair
}

#[test]
fn whoever_was_woken_for_nothing_rests_again() {
    let mut pair = at_rest();
    let now = pair.now;
    let genuine = forged(&mut pair.client, now, Epoch::OneRtt, &[0; 4]); // PADDING, which nobody answers.
    pair.fate = Box::new(|_, _, _| false); // So that the client's own probes do not count.
    let mut spoiled = genuine.clone();
    *spoiled.last_mut().unwrap() ^= 1;
    for (what, bytes) in [("forged", &spoiled), ("genuine", &genuine), ("copied", &genuine)] {
        assert!(!pair.server().keys.is_awake());
        pair.hand_to_server(&mut bytes.clone(), addresses().local);
        assert!(pair.server().keys.is_awake(), "{what}");
        let came = pair.now;
        assert!(pair.run(|pair| !pair.server().keys.is_awake()), "{what}");
        assert_eq!(pair.now.since(came), Span::from_secs(1), "{what}");
    }
    assert!(pair.server_ear.closed.is_empty(), "{:?}", pair.server_ear.closed);
}

#[test]
fn a_flood_of_forgeries_has_keys_made_once_and_keeps_no_connection_open() {
    let mut pair = at_rest();
    let (began, timeout) = (pair.server().idle.heard(), pair.server().idle.timeout().unwrap());
    let mut now = pair.now;
    let mut spoiled = forged(&mut pair.client, now, Epoch::OneRtt, &[1]);
    *spoiled.last_mut().unwrap() ^= 1;
    let mut ends = Vec::new();
    while ends.is_empty() {
        pair.hand_to_server(&mut spoiled.clone(), addresses().local);
        assert!(pair.server().keys.is_awake());
        now += Span::from_millis(100);
        if pair.server().deadline().is_some_and(|deadline| deadline <= now) {
            pair.server().expire(now, &mut |event| {
                if let Event::Closed(why) = event {
                    ends.push(why);
                }
            });
        }
        pair.now = now;
        assert!(pair.server().keys.is_awake() || !ends.is_empty(), "the next one has them made again");
    }
    assert_eq!(ends, [Closed::Idle]);
    assert!(now.since(began) <= timeout + Span::from_millis(100));
}

#[test]
fn the_longest_token_leaves_room_for_a_handshake() {
    let mut setting = Setting::default();
    setting.client.limits.token_bytes = 1_025;
    let unfit = setting.client.clone().build(&sakigake_crypto::aws_lc::PROVIDER);
    assert!(unfit.is_err());
    let mut pair = Pair::new();
    pair.retry = Some(vec![7; 1_024]);
    pair.confirm();
}
