//! 0-RTT, as far as TLS goes.

use super::pair::{Pair, client, server};
use crate::{
    EarlyData, EarlyOffer, Fact, Level, Session, client,
    handshake::tests::{early_data::policy, pair as tcp},
    message::Message,
    rules::{NamedGroup, Side},
    server::{self, AntiReplay, EarlyDataPolicy},
};
use std::sync::{Arc, Mutex};

fn early_client() -> client::Options {
    client::Options { early_data: true, ..client() }
}

fn early_server() -> server::Options {
    server::Options { early_data: Some(policy(true)), ..server() }
}

fn ticket() -> Session {
    let session = Pair::with(early_client(), early_server()).established().client.sessions().remove(0);
    assert_eq!(session.max_early_data, u32::MAX);
    session
}

/// A client that comes back with early data, which the server takes.
pub(super) fn pair() -> Pair {
    Pair::resuming(early_client(), early_server(), Some(ticket()))
}

/// The same for the table of states.
pub(in super::super) fn tcp_pair() -> tcp::Pair {
    tcp::Pair::over_quic(early_client(), early_server(), Some(ticket()))
}

const ALL: EarlyData = EarlyData::Accepted { max_bytes: u32::MAX };

fn became(pair: &Pair) -> [EarlyData; 2] {
    [pair.client.negotiated().early_data, pair.server.negotiated().early_data]
}

#[test]
fn early_data_is_taken_and_no_message_ends_it() {
    // spec: 9001-8.3-a spec: 9001-8.3-b
    let pair = pair().established();
    assert_eq!(became(&pair), [ALL, ALL]);
    let offer = EarlyOffer { suite: 0x1301, alpn: Some(b"h3".to_vec()), max_bytes: u32::MAX };
    assert_eq!(pair.client.facts[0], Fact::EarlyData(offer));
    let of_client = [
        "send Plain client_hello",
        "write EarlyData",
        "read Handshake",
        "write Handshake",
        "send Handshake finished",
        "write Application",
        "read Application",
    ];
    let of_server = [
        "send Plain server_hello",
        "write Handshake",
        "read EarlyData",
        "read Handshake",
        "send Handshake encrypted_extensions",
        "send Handshake finished",
        "write Application",
        "read Application",
        "send Application new_session_ticket",
    ];
    assert_eq!(pair.client.story, of_client);
    assert_eq!(pair.server.story, of_server);
    let early = |secrets: &[crate::TrafficSecret]| {
        secrets.iter().find(|secret| secret.level == Level::EarlyData).unwrap().secret.clone()
    };
    assert_eq!(early(&pair.client.write), early(&pair.server.read));
}

#[test]
fn tickets_say_all_or_nothing_of_early_data() {
    // spec: 9001-4.6.1-a
    assert_eq!(ticket().max_early_data, u32::MAX);
    let none = Pair::with(early_client(), server()).established();
    assert_eq!(none.client.sessions()[0].max_early_data, 0, "a server that takes none");
    let policy = EarlyDataPolicy { max_bytes: 0, ..policy(true) };
    let options = server::Options { early_data: Some(policy), ..server() };
    let none = Pair::with(early_client(), options).established();
    assert_eq!(none.client.sessions()[0].max_early_data, 0, "one with a bound of nothing");
    let hosts = Some(vec!["other.example".to_owned()]);
    let policy = EarlyDataPolicy { hosts, ..self::policy(true) };
    let options = server::Options { early_data: Some(policy), ..server() };
    let none = Pair::with(early_client(), options).established();
    assert_eq!(none.client.sessions()[0].max_early_data, 0, "one that takes it for another host");
}

/// Counts who is asked about.
#[derive(Default)]
struct Counting(Mutex<u32>);

impl AntiReplay for Counting {
    fn is_first(&self, _: u64, _: u64, _: &[u8]) -> bool {
        *self.0.lock().unwrap() += 1;
        true
    }
}

#[test]
fn the_owner_refuses_early_data_by_its_answer() {
    let register = Arc::new(Counting::default());
    let policy = EarlyDataPolicy::new(register.clone());
    let options = server::Options { early_data: Some(policy), ..server() };
    for takes_early_data in [false, true] {
        let mut pair = Pair::resuming(early_client(), options.clone(), Some(ticket()));
        pair.owner.takes_early_data = takes_early_data;
        let pair = pair.established();
        assert!(pair.client.negotiated().is_resumed);
        let outcome = if takes_early_data { ALL } else { EarlyData::Rejected };
        assert_eq!(became(&pair), [outcome; 2]);
        assert_eq!(*register.0.lock().unwrap(), u32::from(takes_early_data), "asked for nothing else");
        let reads = pair.server.story.contains(&"read EarlyData".to_owned());
        assert_eq!(reads, takes_early_data);
        let writes = pair.client.story.iter().filter(|line| *line == "write Handshake").count();
        assert_eq!(writes, 1, "once, whatever becomes of early data");
    }
}

#[test]
fn early_data_is_refused_where_tls_has_its_reasons() {
    let other_suite = || {
        let options = early_server();
        server::Options { early_data: Some(policy(false)), ..options }
    };
    let protocols = vec![b"h4".to_vec(), b"h3".to_vec()];
    let other_protocol = server::Options { alpn: protocols.clone(), ..early_server() };
    for (what, options) in [
        ("a replay", other_suite()),
        ("another protocol", other_protocol),
        ("a server that takes none now", server()),
    ] {
        let client = client::Options { alpn: protocols.clone(), ..early_client() };
        let pair = Pair::resuming(client, options, Some(ticket())).established();
        assert_eq!(became(&pair), [EarlyData::Rejected; 2], "{what}");
        assert!(!pair.server.story.contains(&"read EarlyData".to_owned()));
    }
}

#[test]
fn a_hello_retry_request_refuses_early_data() {
    // spec: 9001-4.6.2-b
    let groups = vec![NamedGroup::SECP384R1.0];
    let options = server::Options { groups, ..early_server() };
    let pair = Pair::resuming(early_client(), options, Some(ticket())).established();
    assert_eq!(became(&pair), [EarlyData::Rejected; 2]);
    assert_eq!(
        pair.client.story[..4],
        ["send Plain client_hello", "write EarlyData", "write Plain", "send Plain client_hello"]
    );
    assert!(!pair.server.story.contains(&"read EarlyData".to_owned()));
}

#[test]
fn a_server_that_does_not_go_on_refuses_early_data() {
    let options = server::Options { tickets: None, ..server() };
    let pair = Pair::resuming(early_client(), options, Some(ticket())).established();
    assert!(!pair.client.negotiated().is_resumed);
    assert_eq!(became(&pair), [EarlyData::Rejected; 2]);
}

#[test]
fn a_client_hello_says_that_early_data_comes() {
    let pair = pair();
    let Ok(Message::ClientHello(hello)) = Message::read(pair.client.bytes(Level::Plain)) else {
        panic!("no ClientHello")
    };
    assert!(hello.extensions.early_data.is_some());
    let mut pair = pair;
    pair.turn(Side::Client).unwrap();
    assert!(pair.server.story.contains(&"read EarlyData".to_owned()));
}
