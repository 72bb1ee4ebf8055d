//! Connections over QUIC that go on with earlier ones.

use super::pair::{OF_CLIENT, Pair, client, over_tcp, server};
use crate::{
    EarlyData, MAX_REMEMBERED_TRANSPORT_BYTES, Misuse, Session, Wanted,
    handshake::tests::{pair as tcp, resumption::sessions},
    ticket::Ticket,
};

fn first() -> Session {
    Pair::new().established().client.sessions().remove(0)
}

#[test]
fn a_server_hears_again_what_it_had_sealed() {
    for remembered in [Vec::new(), b"limits".to_vec(), vec![7; MAX_REMEMBERED_TRANSPORT_BYTES]] {
        let mut pair = Pair::new();
        pair.owner.remembered = remembered.clone();
        let mut session = pair.established().client.sessions().remove(0);
        for _ in 0..2 {
            let mut pair = Pair::resuming(client(), server(), Some(session));
            pair.owner.remembered = remembered.clone();
            let pair = pair.established();
            assert!(pair.client.negotiated().is_resumed && pair.server.negotiated().is_resumed);
            let wanted = Wanted::TransportParameters {
                peer: OF_CLIENT.to_vec(),
                remembered: Some(remembered.clone()),
            };
            assert_eq!(pair.server.wanted, [wanted]);
            session = pair.client.sessions().remove(0);
        }
    }
}

#[test]
fn a_client_keeps_what_quic_remembers_beside_its_session() {
    let mut session = first();
    assert_eq!(session.transport(), Some(&[][..]));
    session.set_transport(b"limits".to_vec()).unwrap();
    let stored = Session::from_bytes(&session.to_bytes().unwrap()).unwrap();
    assert_eq!(stored.transport(), Some(&b"limits"[..]));
    session.verdict = crate::Verdict::default(); // Known in this process alone.
    assert_eq!(stored, session);
    let most = vec![1; MAX_REMEMBERED_TRANSPORT_BYTES];
    session.set_transport(most.clone()).unwrap();
    assert!(matches!(session.set_transport(vec![1; most.len() + 1]), Err(Misuse::Quic(_))));
    assert_eq!(session.transport(), Some(&most[..]));
    let bytes = session.to_bytes().unwrap();
    for len in 0..bytes.len() {
        assert_eq!(Session::from_bytes(&bytes[..len]), None, "{len} bytes");
    }
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        crate::fuzz::fuzz_session(&changed);
    }
}

#[test]
fn a_session_goes_on_over_what_it_began_with() {
    let (tcp_client, tcp_server) = over_tcp();
    let mut over_tcp = tcp::Pair::new(tcp_client.clone(), tcp_server.clone());
    over_tcp.run().unwrap();
    let of_tcp = sessions(&over_tcp).remove(0);
    assert_eq!(of_tcp.transport(), None);
    assert!(matches!(of_tcp.clone().set_transport(Vec::new()), Err(Misuse::Quic(_))));
    let pair = Pair::resuming(client(), server(), Some(of_tcp.clone())).established();
    assert!(!pair.client.negotiated().is_resumed);
    let of_quic = first();
    let mut pair =
        tcp::Pair::resuming(tcp_client.clone(), tcp_server.clone(), "example.com", Some(of_quic.clone()));
    pair.run().unwrap();
    assert!(matches!(pair.negotiated().0, crate::Fact::Negotiated(negotiated) if !negotiated.is_resumed));
    // Servers do not take it either, where a client lies about it.
    let mut lie = of_tcp;
    lie.transport = of_quic.transport.clone();
    let pair = Pair::resuming(client(), server(), Some(lie)).established();
    assert!(!pair.client.negotiated().is_resumed && pair.server.wanted.len() == 1);
    let mut lie = of_quic;
    lie.transport = crate::Transport::default();
    let mut pair = tcp::Pair::resuming(tcp_client, tcp_server, "example.com", Some(lie));
    pair.run().unwrap();
    assert!(matches!(pair.negotiated().1, crate::Fact::Negotiated(negotiated) if !negotiated.is_resumed));
}

#[test]
fn no_part_of_a_ticket_over_quic_is_read_as_one() {
    let session = first();
    let keys = server().tickets.unwrap().keys;
    let unix_secs = session.received_unix_ms / 1_000;
    let ticket = Ticket::open(&*keys, unix_secs, &session.ticket).unwrap();
    assert_eq!(ticket.transport.as_deref(), Some(&b"limits"[..]));
    let text = ticket.to_bytes();
    for len in 0..text.len() {
        assert_eq!(Ticket::from_bytes(&text[..len]), None, "{len} bytes");
    }
    for bit in 0..text.len() * 8 {
        let mut changed = text.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_ne!(Ticket::from_bytes(&changed).as_ref(), Some(&ticket), "bit {bit}");
        crate::fuzz::fuzz_session(&changed);
    }
}

#[test]
fn an_owner_may_want_a_full_handshake_after_all() {
    for early_data in [false, true] {
        let mut pair = match early_data {
            true => super::early_data::pair(),
            false => Pair::resuming(client(), server(), Some(first())),
        };
        pair.owner.takes_ticket = false;
        let pair = pair.established();
        for negotiated in [pair.client.negotiated(), pair.server.negotiated()] {
            assert!(!negotiated.is_resumed);
            assert_eq!(negotiated.early_data == EarlyData::Rejected, early_data);
        }
        assert!(pair.server.story.contains(&"send Handshake certificate".to_owned()));
        assert!(!pair.server.story.contains(&"read EarlyData".to_owned()));
        let sessions = pair.client.sessions();
        assert_eq!(sessions.len(), 2, "as many tickets as after any full handshake");
        let again = Pair::resuming(client(), server(), Some(sessions[0].clone())).established();
        assert!(again.client.negotiated().is_resumed);
    }
    let mut pair = Pair::new();
    pair.owner.takes_ticket = false;
    pair.established();
}
