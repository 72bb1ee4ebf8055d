//! What no connection has in common with another one.

use super::pair::{Counter, NOW, client_options, server_options};
use crate::{
    Flight, Handshake, Level, Step,
    message::{ClientHello, Message, ServerHello},
};

fn first(flight: &Flight) -> &[u8] {
    match &flight.steps[0] {
        Step::Send { level: Level::Plain, message } => message,
        other => panic!("{other:?}"),
    }
}

fn client_hello(flight: &Flight) -> ClientHello<'_> {
    let Ok(Message::ClientHello(hello)) = Message::read(first(flight)) else { panic!("no ClientHello") };
    hello
}

fn server_hello(flight: &Flight) -> ServerHello<'_> {
    let Ok(Message::ServerHello(hello)) = Message::read(first(flight)) else { panic!("no ServerHello") };
    hello
}

/// Both hellos of a connection whose sides draw from these.
fn hellos(seed: u64) -> [Flight; 2] {
    let [mut from_client, mut from_server] = [Flight::default(), Flight::default()];
    let config = client_options().build().unwrap();
    Handshake::client(config, "example.com", NOW, Box::new(Counter(seed)), &mut from_client).unwrap();
    let config = server_options().build().unwrap();
    let mut server = Handshake::server(config, NOW, Box::new(Counter(seed + 100)));
    server.handle(NOW, Level::Plain, first(&from_client), &mut from_server).unwrap();
    [from_client, from_server]
}

#[test]
fn randoms_and_key_shares_are_new_for_each_connection() {
    // spec: 9846-4.2.3-c spec: 9846-4.3.8-p
    let flights = [hellos(1), hellos(2)];
    let [clients, servers] = [0, 1].map(|side| [&flights[0][side], &flights[1][side]]);
    let (clients, servers) = (clients.map(client_hello), servers.map(server_hello));
    let randoms = [clients[0].random, clients[1].random, servers[0].random, servers[1].random];
    for (at, random) in randoms.iter().enumerate() {
        assert!(!randoms[..at].contains(random) && *random != [0; 32], "random {at}");
    }
    let shares = clients.map(|hello| {
        let entries = hello.extensions.key_share.unwrap();
        entries
            .iter()
            .map(|share| share.key_exchange.to_vec())
            .filter(|share| share.len() > 1)
            .collect::<Vec<_>>()
    });
    assert_eq!(shares[0].len(), 2, "a hybrid's and its component's");
    assert!(shares[0].iter().all(|share| !shares[1].contains(share)));
    let [one, other] = servers.map(|hello| hello.extensions.key_share.unwrap().key_exchange.to_vec());
    assert_ne!(one, other);
}
