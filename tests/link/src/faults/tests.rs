//! Faults, on a clock that the test turns.

use super::*;

const S: Duration = Duration::from_secs(1);

/// A UDP packet with sums as a kernel makes them.
fn packet(source: ([u8; 4], u16), target: ([u8; 4], u16)) -> Vec<u8> {
    let body = b"odd";
    let mut packet = vec![0x45, 0, 0, 31, 0, 0, 0, 0, 64, UDP, 0, 0];
    packet.extend(source.0.iter().chain(&target.0));
    packet.extend([source.1, target.1, 11, 0].iter().flat_map(|word| word.to_be_bytes()));
    packet.extend(body);
    let (header, udp) = sums(&packet);
    packet[10..12].copy_from_slice(&header.to_be_bytes());
    packet[26..28].copy_from_slice(&udp.to_be_bytes());
    packet
}

/// What is missing in the header's and in UDP's sum: nothing, once they are filled in.
fn sums(packet: &[u8]) -> (u16, u16) {
    let pseudo = [&packet[12..20], &[0, UDP, 0, 11]].concat();
    (sum(&packet[..20]), sum(&[&pseudo, &packet[20..]].concat()))
}

fn sum(bytes: &[u8]) -> u16 {
    let words =
        bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |b| u32::from(*b)));
    let total = words.sum::<u32>();
    !((total & 0xffff) + (total >> 16)) as u16
}

const CLIENT: ([u8; 4], u16) = ([10, 77, 0, 2], 50_000);
const SERVER: ([u8; 4], u16) = ([10, 77, 0, 1], 443);

fn ends(packet: &[u8]) -> [([u8; 4], u16); 2] {
    let end = |address: usize, port: usize| {
        let four = [packet[address], packet[address + 1], packet[address + 2], packet[address + 3]];
        (four, u16::from_be_bytes([packet[port], packet[port + 1]]))
    };
    [end(12, 20), end(16, 22)]
}

#[test]
fn packets_are_dropped_by_their_number_and_only_the_clients() {
    let mut faults = Faults::new(Plan { drops_to_server: vec![2, 4], ..Plan::default() });
    let mut pass = |from| faults.pass(S, from, &mut packet(CLIENT, SERVER));
    assert!((0..3).all(|_| pass(From::Server)));
    let passed: Vec<bool> = (0..5).map(|_| pass(From::Client)).collect();
    assert_eq!(passed, [true, false, true, false, true]);
}

#[test]
fn outages_count_from_the_clients_first_packet() {
    let mut faults =
        Faults::new(Plan { outages: Some(Outages { on: 5 * S, off: 2 * S }), ..Plan::default() });
    let mut pass = |now, from| faults.pass(now, from, &mut packet(CLIENT, SERVER));
    assert!(pass(6 * S, From::Server));
    let table = [(10, true), (14, true), (15, false), (16, false), (17, true), (22, false)];
    for (s, passes) in table {
        assert_eq!(pass(s * S, From::Client), passes, "{s} s");
    }
    assert!(!pass(23 * S, From::Server));
}

#[test]
fn a_translator_that_forgets_gives_another_port_and_loses_what_comes_to_the_old_one() {
    let rebind = Rebind { first: S, every: 5 * S, what: Rebound::Port };
    let mut faults = Faults::new(Plan { rebind: Some(rebind), ..Plan::default() });
    let mut seen = Vec::new();
    for s in [0, 0, 1, 5, 6, 20] {
        let mut out = packet(CLIENT, SERVER);
        assert!(faults.pass(s * S, From::Client, &mut out));
        assert_eq!((sums(&out), ends(&out)[1]), ((0, 0), SERVER));
        let (address, port) = ends(&out)[0];
        assert_eq!(address, CLIENT.0);
        seen.push(port);
        let mut back = packet(SERVER, (address, port));
        assert!(faults.pass(s * S, From::Server, &mut back));
        assert_eq!((sums(&back), ends(&back)), ((0, 0), [SERVER, CLIENT]));
    }
    assert_eq!(seen, [20_000, 20_000, 20_001, 20_001, 20_002, 20_003]);
    assert!(!faults.pass(20 * S, From::Server, &mut packet(SERVER, (CLIENT.0, 20_000))));
}

#[test]
fn another_address_is_one_of_the_same_network() {
    let rebind = Rebind { first: S, every: S, what: Rebound::Address };
    let mut faults = Faults::new(Plan { rebind: Some(rebind), ..Plan::default() });
    for (s, last) in [(0, 2), (1, 3), (2, 4), (250, 2)] {
        let mut out = packet(CLIENT, SERVER);
        assert!(faults.pass(s * S, From::Client, &mut out));
        assert_eq!((sums(&out), ends(&out)[0].0), ((0, 0), [10, 77, 0, last]));
    }
}

#[test]
fn what_is_not_udp_is_left_alone() {
    let plan = Plan {
        drops_to_server: vec![1],
        outages: Some(Outages { on: Duration::ZERO, off: S }),
        rebind: None,
    };
    let mut faults = Faults::new(plan);
    for mut other in [vec![], vec![0x45; 27], vec![0x60; 60], [&[0x45; 9][..], &[6; 40]].concat()] {
        assert!(faults.pass(S, From::Client, &mut other));
    }
}
