//! KeyUpdate both ways, on request and by itself.

use super::{pair::Setup, *};
use crate::{
    Credential,
    extension::TicketRequest,
    handshake::tests::{
        client_certificates::{alice, asking, copy, policy},
        pair::UNIX_SECS,
        resumption::tickets,
    },
    server::Demand,
};
use std::sync::Arc;

#[test]
fn keys_change_on_request_in_both_directions() {
    // spec: 9846-4.7.3-k spec: 9846-4.7.3-l
    let mut pair = Pair::established();
    pair.exchange(b"before", b"before");
    pair.client.update_keys();
    assert!(!pair.client.may_send(), "KeyUpdate goes first");
    let update = transmit_all(&mut pair.client);
    assert_eq!(kinds(&update), [23]);
    let answer = pair.server_answers(&update);
    assert_eq!(kinds(&answer), [23], "the answer asks for nothing");
    assert_eq!(pair.client_answers(&answer), []);
    pair.exchange(b"after", b"after");
}

#[test]
fn updates_that_cross_leave_both_sides_in_step() {
    let mut pair = Pair::established();
    pair.client.update_keys();
    pair.server.update_keys();
    let (to_server, to_client) = (transmit_all(&mut pair.client), transmit_all(&mut pair.server));
    let answer_of_server = pair.server_answers(&to_server);
    let answer_of_client = pair.client_answers(&to_client);
    pair.client_hears(&answer_of_server);
    pair.server_hears(&answer_of_client);
    pair.exchange(b"question", b"answer");
}

#[test]
fn a_request_is_answered_before_the_next_data() {
    // spec: 9846-4.7.3-l
    let mut pair = Pair::established();
    pair.client.update_keys();
    let update = transmit_all(&mut pair.client);
    pair.server_hears(&update);
    assert!(!pair.server.may_send());
    let mut out = [0; 100];
    assert_eq!(pair.server.seal(&mut out, &mut |_| panic!("not yet")), 0);
    assert!(pair.server.transmit(pair.now, &mut out).is_some());
    assert!(pair.server.may_send());
}

#[test]
fn keys_change_by_themselves_before_they_are_worn_out() {
    // spec: 9846-5.5-a
    let mut setup = Setup::new();
    setup.client.limits.records_per_key = 64;
    let mut pair = setup.pair().run_to_the_end();
    let mut updates = 0;
    for round in 0..1_000 {
        if !pair.client.may_send() {
            updates += 1;
            let update = transmit_all(&mut pair.client);
            let answer = pair.server_answers(&update);
            pair.client_hears(&answer);
            pair.now = pair::later(pair.now, 10_000);
        }
        let record = pair.client_seals(&[round as u8]);
        pair.server_hears(&record);
        assert_eq!((&pair.client_fault, &pair.server_fault), (&None, &None), "record {round}");
    }
    assert_eq!(updates, 1_000 / 60, "an update for each 60 of 64 records");
    assert_eq!(pair::data_of(&pair.server_heard).len(), 1_000);
}

#[test]
fn a_storm_of_key_updates_is_ended() {
    let mut setup = Setup::new();
    setup.server.limits.key_updates_per_10_s = 8;
    let mut pair = setup.pair().run_to_the_end();
    for number in 1..=9 {
        assert_eq!(pair.server_fault, None, "update {number}");
        pair.client.update_keys();
        let update = transmit_all(&mut pair.client);
        let answer = pair.server_answers(&update);
        if number <= 8 {
            pair.client_hears(&answer);
        }
    }
    assert_eq!(pair.server_fault, Some(Fault::TooManyKeyUpdates));
}

#[test]
fn however_many_updates_are_asked_for_one_is_the_answer() {
    let mut pair = Pair::established();
    // The same KeyUpdate with a request, again and again: `update_keys` asks only once until it is answered.
    for _ in 0..5 {
        let request = request_by_hand(&mut pair);
        pair.server_hears(&request);
    }
    assert_eq!(pair.server_fault, None);
    assert!(!pair.server.may_send(), "the answer goes first");
    let answer = transmit_all(&mut pair.server);
    assert_eq!(kinds(&answer), [23]);
    pair.client_hears(&answer);
    pair.exchange(b"question", b"answer");
}

#[test]
fn answers_that_nobody_fetches_are_bounded() {
    // An empty Certificate with the request's context of 32 bytes, and Finished.
    const ANSWER_BYTES: usize = 4 + 1 + 32 + 3 + 4 + 32;
    for (unsent_bytes, fault) in
        [(ANSWER_BYTES, None), (ANSWER_BYTES - 1, Some(Fault::TooManyPostHandshakeMessages))]
    {
        let mut setup = Setup::new();
        setup.client.alpn = vec![b"http/1.1".to_vec()];
        setup.client.post_handshake_auth = true;
        setup.client.limits.unsent_bytes = unsent_bytes;
        setup.server.alpn = setup.client.alpn.clone();
        setup.server.client_authentication = vec![Arc::new(crate::server::ClientAuthentication {
            is_default: true,
            hosts: Vec::new(),
            demand: crate::server::Demand::Later,
            verifier: None,
            authorities: Vec::new(),
        })];
        let mut pair = setup.pair().run_to_the_end();
        pair.server.request_certificate().expect("the client offers it");
        let request = transmit_all(&mut pair.server);
        pair.client_hears(&request);
        assert_eq!(pair.client_fault, None, "what was asked for is answered, however long");
        pair.server.update_keys();
        let more = transmit_all(&mut pair.server);
        pair.client_hears(&more);
        assert_eq!(pair.client_fault, fault, "{unsent_bytes} bytes");
    }
}

#[test]
fn a_long_chain_of_a_client_and_tickets_that_carry_it_are_no_flood() {
    let mut setup = Setup::new();
    let alice = alice();
    let chain = vec![alice.chain[0].clone(); 4];
    setup.client.credentials = vec![Arc::new(Credential { chain, ..copy(&alice) })];
    setup.server.client_authentication = asking(policy(Demand::Required)).client_authentication;
    (setup.server.tickets, setup.server.unix_secs_at_start) = (Some(tickets()), UNIX_SECS);
    let chain_bytes = 4 * alice.chain[0].len();
    assert!(chain_bytes > setup.server.limits.unsent_bytes && chain_bytes > setup.client.limits.unsent_bytes);
    let pair = setup.pair().run_to_the_end();
    assert_eq!((&pair.client_fault, &pair.server_fault), (&None, &None));
}

/// A KeyUpdate that asks, whatever was asked before.
fn request_by_hand(pair: &mut Pair) -> Vec<u8> {
    pair.client.update_keys();
    let mut out = [0; 100];
    let sealer = pair.client.outbox.sealer();
    out[HEADER_BYTES..HEADER_BYTES + 5].copy_from_slice(&[24, 0, 0, 1, 1]);
    let len = sealer.seal(ContentType::HANDSHAKE, &mut out, 5).expect("a fresh key");
    // Sends its own KeyUpdate into the void and takes the key behind it.
    let mut dropped = [0; 100];
    pair.client.transmit(pair.now, &mut dropped);
    out[..len].to_vec()
}

#[test]
fn keys_do_not_change_before_the_handshake_is_over_nor_after_the_end() {
    let mut pair = Pair::new();
    pair.server.update_keys();
    assert_eq!(transmit_all(&mut pair.server), []);
    pair.run();
    pair.client.close();
    let closing = transmit_all(&mut pair.client);
    pair.client.update_keys();
    assert_eq!(transmit_all(&mut pair.client), []);
    pair.server_hears(&closing);
    assert_eq!(pair.server_heard.last(), Some(&Heard::Closed));
}

#[test]
fn a_key_update_that_comes_after_our_close_is_not_answered() {
    // spec: 9846-6.1-a
    let mut pair = Pair::established();
    pair.server.close();
    transmit_all(&mut pair.server);
    pair.client.update_keys();
    let update = transmit_all(&mut pair.client);
    assert_eq!(pair.server_answers(&update), []);
    let data = pair.client_seals(b"still heard");
    pair.server_hears(&data);
    assert_eq!(pair::data_of(&pair.server_heard), b"still heard");
}

#[test]
fn keys_that_half_round_trip_data_used_up_change_after_finished() {
    let mut setup = Setup::new();
    setup.server.limits.records_per_key = 1;
    let mut pair = setup.pair();
    let hello = transmit_all(&mut pair.client);
    let mut bytes = pair.server_answers(&hello);
    let mut records = 0;
    while pair.server.may_send() {
        bytes.extend(pair.server_seals(b"x"));
        records += 1;
    }
    assert_eq!(records, 15, "one of 16 is left for the KeyUpdate");
    let finished = pair.client_answers(&bytes);
    let update = pair.server_answers(&finished);
    assert_eq!(kinds(&update), [23]);
    let answer = pair.client_answers(&update);
    pair.server_hears(&answer);
    pair.exchange(b"question", b"answer");
}

#[test]
fn tickets_behind_half_round_trip_data_do_not_end_what_keys_can_do() {
    // spec: 9846-5.5-a
    let mut setup = Setup::new();
    setup.server.limits.records_per_key = 1;
    (setup.server.tickets, setup.server.unix_secs_at_start) = (Some(tickets()), UNIX_SECS);
    setup.client.tickets = Some(TicketRequest { new_session_count: 2, resumption_count: 1 });
    let mut pair = setup.pair();
    let hello = transmit_all(&mut pair.client);
    let mut bytes = pair.server_answers(&hello);
    while pair.server.may_send() {
        bytes.extend(pair.server_seals(b"x"));
    }
    let finished = pair.client_answers(&bytes);
    let tickets_and_update = pair.server_answers(&finished);
    assert_eq!(kinds(&tickets_and_update), [23, 23]);
    let answer = pair.client_answers(&tickets_and_update);
    pair.server_hears(&answer);
    pair.exchange(b"question", b"answer");
}
