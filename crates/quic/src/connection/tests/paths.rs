//! What one path carries is no news of another.

use super::pair::{Pair, Setting};
use crate::{
    connection::{
        Connection, Options,
        carried::{Carried, Sizes},
    },
    paths::{Mtu, PathId, Refused},
    recovery::{Fate, Space},
};
use core::net::SocketAddr;
use sakigake_crypto::aws_lc::PROVIDER;

fn elsewhere() -> SocketAddr {
    "192.0.2.77:4000".parse().unwrap()
}

/// Nothing is under way any more.
fn quiet(pair: &mut Pair) {
    let is_quiet = |side: &Connection| side.recovery.bytes_in_flight() == 0;
    assert!(pair.run(|pair| is_quiet(&pair.client) && is_quiet(pair.server())));
}

#[test]
fn a_challenge_on_another_path_is_not_in_flight_on_the_active_one() {
    // spec: 9000-9.4-b
    let mut pair = Pair::new();
    pair.confirm();
    pair.run(|pair| pair.client.theirs.spare() > 0);
    quiet(&mut pair);
    let (now, mut out) = (pair.now, [0; 1_500]);
    pair.client.probes = [0, 0, 1];
    pair.client.probe_from(now, elsewhere(), false).unwrap();
    let sent = pair.client.transmit(now, &mut out).unwrap();
    assert_eq!(sent.addresses.local, elsewhere());
    assert_eq!(pair.client.recovery.bytes_in_flight(), 0);
    assert_eq!(pair.client.recovery.deadline(), None, "nobody probes for it");
    assert_eq!(pair.client.probes, [0, 0, 1], "and it is no probe itself");
}

#[test]
fn the_search_for_larger_datagrams_hears_of_its_own_path_alone() {
    let mut pair = Pair::new();
    pair.confirm();
    pair.run(|pair| pair.client.theirs.spare() > 0);
    let (now, old) = (pair.now, pair.client.active_path());
    let new = pair.client.probe_from(now, elsewhere(), true).unwrap();
    assert!(pair.run(|pair| pair.client.active_path() == new));
    let paths = &mut pair.client.paths;
    for path in [old, new] {
        let mtu = &mut paths.get_mut(path).unwrap().mtu;
        *mtu = Mtu::new(1_472);
        mtu.start();
    }
    let carried = |path: PathId| {
        let mut carried = Carried::new(Space::Application, path);
        carried.datagram_bytes = 1_452;
        carried
    };
    let mut sizes = Sizes::default();
    // A probe that was out when the path was left has found its size there.
    paths.get_mut(old).unwrap().mtu.probe_sent(1_000);
    sizes.learn(now, paths, 1_000, &Fate::Acked(carried(old)), 1_000);
    assert_eq!((sizes.changed, paths.get(old).unwrap().mtu.datagram_bytes()), (None, 1_452));
    paths.get_mut(new).unwrap().mtu.probe_sent(1_001);
    sizes.learn(now, paths, 1_001, &Fate::Acked(carried(new)), 1_001);
    assert_eq!(sizes.changed.take(), Some(1_452));
    // The old path swallows what is large, the new one does not.
    for number in [1_010, 1_020, 1_030, 1_040] {
        sizes.learn(now, paths, number, &Fate::Lost(&carried(old)), number + 1);
    }
    assert_eq!((sizes.changed, paths.active().mtu.datagram_bytes()), (None, 1_452));
    assert_eq!(paths.get(old).unwrap().mtu.datagram_bytes(), Mtu::BASE_BYTES);
}

fn preferring(change: impl FnOnce(&mut Options)) -> Pair {
    let mut server =
        Options { preferred_v4: Some("198.51.100.9:443".parse().unwrap()), ..Options::default() };
    change(&mut server);
    let mut pair = Pair::of(Setting { server, ..Setting::default() });
    pair.confirm();
    pair
}

#[test]
fn a_client_goes_to_the_address_that_its_server_prefers() {
    // spec: 9000-18.2-x
    let mut pair = preferring(|server| server.disable_active_migration = true);
    let now = pair.now;
    assert_eq!(pair.client.probe_from(now, elsewhere(), false), Err(Refused::Disabled));
    let told = pair.client.peer_parameters().unwrap().preferred_address.unwrap();
    assert!(
        pair.run(|pair| pair.client_ear.heard("moved: Chosen") && pair.server_ear.heard("moved: Chosen"))
    );
    let (client, server) = (pair.client.paths.active().addresses, pair.server().paths.active().addresses);
    assert_eq!((client.peer, server.local), (told.ipv4.unwrap().into(), client.peer));
    let path = pair.client.active_path();
    assert_eq!(pair.client.theirs.of(path), Some(told.connection_id));
    let id = pair.say(&[7; 50_000]);
    assert!(pair.run(|pair| pair.server_ear.finished.contains(&id)));
    // Whoever has gone where it was sent may go on from there.
    let now = pair.now;
    assert!(pair.client.probe_from(now, elsewhere(), true).is_ok());
    assert!(pair.run(|pair| pair.client.paths.active().addresses.local == elsewhere()));
    assert!(pair.client_ear.closed.is_empty() && pair.server_ear.closed.is_empty());
}

#[test]
fn a_server_that_is_given_no_id_for_it_tells_of_no_other_address() {
    let mut server =
        Options { preferred_v4: Some("198.51.100.9:443".parse().unwrap()), ..Options::default() };
    assert!(
        Options { preferred_v4: Some("0.0.0.0:443".parse().unwrap()), ..server.clone() }
            .build(&PROVIDER)
            .is_err()
    );
    assert!(
        Options { preferred_v4: Some("192.0.2.2:0".parse().unwrap()), ..server.clone() }
            .build(&PROVIDER)
            .is_err()
    );
    server.preferred_v4 = None;
    let mut pair = Pair::of(Setting { server, ..Setting::default() });
    pair.confirm();
    assert_eq!(pair.client.peer_parameters().unwrap().preferred_address, None);
    assert!(!pair.server().may_offer());
}
