//! How connections end: in order, half, cut off.

use super::{
    pair::{Setup, data_of, later},
    *,
};

#[test]
fn close_notify_ends_one_direction_and_leaves_the_other() {
    // spec: 9846-6.1-a spec: 9846-6.1-c
    let mut pair = Pair::established();
    pair.client.close();
    assert!(!pair.client.may_send());
    let closing = transmit_all(&mut pair.client);
    assert_eq!(kinds(&closing), [23]);
    pair.server_hears(&closing);
    assert_eq!(pair.server_heard, [Heard::Closed]);
    let answer = pair.server_seals(&[4; 20_000]);
    pair.client_hears(&answer);
    assert_eq!(data_of(&pair.client_heard), [4; 20_000]);
    assert!(!pair.client.is_closed() && !pair.server.is_closed());
    pair.server.close();
    let closing = transmit_all(&mut pair.server);
    pair.client_hears(&closing);
    assert_eq!(pair.client_heard.last(), Some(&Heard::Closed));
    assert!(pair.client.is_closed() && pair.server.is_closed());
    assert_eq!((&pair.client_fault, &pair.server_fault), (&None, &None));
}

#[test]
fn data_after_close_notify_is_ignored() {
    // spec: 9846-6.1-b
    let mut pair = Pair::established();
    pair.client.close();
    let mut bytes = transmit_all(&mut pair.client);
    bytes.extend_from_slice(&[0xff; 100]);
    pair.server_hears(&bytes);
    pair.server_hears(&[0xff; 100]);
    assert_eq!((pair.server_heard, pair.server_fault), (vec![Heard::Closed], None));
    assert_eq!(pair.server.pending.capacity(), 0);
}

#[test]
fn an_end_without_close_notify_is_truncation() {
    // spec: 9846-6.1-e
    let mut pair = Pair::established();
    assert_eq!(pair.server.eof(), Err(Fault::Truncated));
    assert_eq!(pair.server.eof(), Ok(()), "told once");
    let answer = pair.server_seals(b"the other direction is not cut");
    pair.client_hears(&answer);
    assert_eq!(data_of(&pair.client_heard), b"the other direction is not cut");

    let mut pair = Pair::established();
    pair.client.close();
    let closing = transmit_all(&mut pair.client);
    pair.server_hears(&closing);
    assert_eq!(pair.server.eof(), Ok(()));
}

#[test]
fn an_end_inside_the_handshake_is_final() {
    for bytes in [0, 3, 100] {
        let mut pair = Pair::new();
        let hello = transmit_all(&mut pair.client);
        pair.server_hears(&hello[..bytes]);
        assert_eq!(pair.server.eof(), Err(Fault::Truncated));
        assert!(pair.server.is_closed());
        assert_eq!(transmit_all(&mut pair.server), []);
    }
}

#[test]
fn who_gives_up_during_the_handshake_says_so() {
    // spec: 9846-6.1-d
    let mut pair = Pair::new();
    transmit_all(&mut pair.client);
    pair.client.close();
    let closing = transmit_all(&mut pair.client);
    assert_eq!(closing, [[21, 3, 3, 0, 2, 1, 90], [21, 3, 3, 0, 2, 1, 0]].concat());
    pair.server_hears(&closing);
    assert_eq!(pair.server_heard, []);
    assert_eq!(pair.server_fault, Some(Fault::PeerAlert(AlertDescription::CLOSE_NOTIFY)));
    assert_eq!(transmit_all(&mut pair.server), [], "an alert is not answered");
    assert!(pair.server.is_closed(), "nobody waits for the rest of the handshake");
    assert_eq!(pair.server.deadline(), None);
}

#[test]
fn an_alert_is_disguised_where_it_is_the_first_thing_that_a_client_protects() {
    // spec: 9846-E.4-a
    let mut pair = Pair::new();
    let hello = transmit_all(&mut pair.client);
    let mut flight = pair.server_answers(&hello);
    *flight.last_mut().expect("it is not empty") ^= 1;
    let alert = pair.client_answers(&flight);
    assert_eq!(pair.client_fault, Some(Fault::BadRecordMac));
    assert_eq!(kinds(&alert), [20, 23], "change_cipher_spec, the alert");
    pair.server_hears(&alert);
    assert_eq!(pair.server_fault, Some(Fault::PeerAlert(AlertDescription::BAD_RECORD_MAC)));
}

#[test]
fn what_is_abandoned_with_its_disguise_leaves_it_to_the_alert() {
    let hello = transmit_all(&mut Pair::new().client);
    let mut outbox = Outbox::new(Side::Client, u64::MAX);
    outbox.send(hello[5..].to_vec());
    let mut out = [0; 2_048];
    assert!(outbox.transmit(&mut out, None).is_some());
    outbox.send(vec![20, 0, 0, 0]);
    outbox.abandon();
    outbox.send(vec![20, 0, 0, 0]);
    let len = outbox.transmit(&mut out, None).expect("two records wait");
    assert_eq!(kinds(&out[..len]), [20, 22]);
}

#[test]
fn closing_has_its_time_and_no_more() {
    let mut setup = Setup::new();
    setup.client.limits.closing_ms = 500;
    let mut pair = setup.pair().run_to_the_end();
    pair.client.close();
    assert_eq!(pair.client.deadline(), None, "the time runs from when it has left");
    transmit_all(&mut pair.client);
    assert_eq!(pair.client.transmit(pair.now, &mut []), None);
    assert_eq!(pair.client.deadline(), Some(later(pair.now, 500)));
    pair.client.expire(later(pair.now, 499));
    assert!(!pair.client.is_closed());
    pair.client.expire(later(pair.now, 500));
    assert!(pair.client.is_closed());
    assert_eq!((pair.client.deadline(), pair.client.fault()), (None, None));
}

#[test]
fn closing_twice_says_it_once() {
    let mut pair = Pair::established();
    pair.client.close();
    pair.client.close();
    assert_eq!(kinds(&transmit_all(&mut pair.client)), [23]);
    pair.client.close();
    assert_eq!(transmit_all(&mut pair.client), []);
}

#[test]
fn a_fault_after_our_close_sends_no_second_word() {
    // spec: 9846-6.1-a
    let mut pair = Pair::established();
    pair.server.close();
    transmit_all(&mut pair.server);
    assert_eq!(pair.server_answers(&[99; 5]), []);
    assert_eq!(pair.server_fault, Some(Fault::UnexpectedRecord(ContentType(99))));
    assert!(pair.server.is_closed());
}

#[test]
fn close_notify_follows_what_was_queued() {
    let mut pair = Pair::established();
    pair.client.update_keys();
    pair.client.close();
    let bytes = transmit_all(&mut pair.client);
    assert_eq!(kinds(&bytes), [23, 23]);
    pair.server_hears(&bytes);
    assert_eq!((pair.server_heard, pair.server_fault), (vec![Heard::Closed], None));
}

#[test]
fn the_largest_record_fits_exactly() {
    let mut pair = Pair::established();
    let bytes = pair.client_seals(&vec![1; MAX_CONTENT_BYTES]);
    assert_eq!(bytes.len(), MAX_CONTENT_BYTES + 22);
    pair.server_hears(&bytes);
    assert_eq!(data_of(&pair.server_heard).len(), MAX_CONTENT_BYTES);
}
