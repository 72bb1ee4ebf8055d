use super::{Addresses, Change, Limits, Move, Outgoing, PathId, Paths, Reason, Refused};
use crate::ids::tests::Count;
use core::net::SocketAddr;
use sakigake_wire::{Instant, Span};

const PTO: Span = Span::from_secs(1);
const CLIENT: &str = "192.0.2.1:1000";
const REBOUND: &str = "192.0.2.1:2000";
const ELSEWHERE: &str = "198.51.100.7:1000";
const SERVER: &str = "203.0.113.5:443";
const PREFERRED: &str = "203.0.113.6:443";
const PREFERRED_V6: &str = "[2001:db8::6]:443";
const FIRST: PathId = PathId(0);

fn at(millis: u64) -> Instant {
    Instant::from_nanos(millis * 1_000_000)
}

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

fn addresses(local: &str, peer: &str) -> Addresses {
    Addresses { local: address(local), peer: address(peer) }
}

/// One side's paths, and what it said of them.
struct Side {
    paths: Paths,
    entropy: Count,
    changes: Vec<Change>,
    number: u64,
}

impl Side {
    fn server() -> Self {
        Self::of(Paths::server(at(0), addresses(SERVER, CLIENT), Some(address(PREFERRED)), Limits::default()))
    }

    fn client() -> Self {
        Self::of(Paths::client(at(0), addresses(CLIENT, SERVER), Limits::default()))
    }

    /// The handshake is over.
    fn of(mut paths: Paths) -> Self {
        paths.datagram(&paths.active().addresses.clone(), 1_200);
        paths.validated(FIRST, &mut |_| {});
        paths.confirm();
        Self { paths, entropy: Count(0), changes: Vec::new(), number: 0 }
    }

    /// A packet with more than probing frames came.
    fn hear(&mut self, millis: u64, local: &str, peer: &str, keeps_id: bool) -> Option<PathId> {
        self.number += 1;
        self.hear_numbered(millis, local, peer, keeps_id, self.number)
    }

    fn hear_numbered(
        &mut self,
        millis: u64,
        local: &str,
        peer: &str,
        keeps_id: bool,
        number: u64,
    ) -> Option<PathId> {
        let path = self.probed(millis, local, peer)?;
        let heard = &mut |change| self.changes.push(change);
        self.paths.non_probing(at(millis), path, number, keeps_id, PTO, heard);
        Some(path)
    }

    /// A packet with nothing but probing frames came, in a full datagram.
    fn probed(&mut self, millis: u64, local: &str, peer: &str) -> Option<PathId> {
        let addresses = addresses(local, peer);
        self.paths.datagram(&addresses, 1_200);
        self.paths.packet(at(millis), &addresses, 1_200, &mut |change| self.changes.push(change))
    }

    fn send(&mut self, millis: u64) -> Option<Outgoing> {
        let outgoing = self.paths.outgoing(at(millis), true, &mut |_| true, &mut self.entropy)?;
        let bytes = outgoing.padded_bytes.map_or(59, usize::from);
        self.paths.get_mut(outgoing.path).expect("it is there").credit.sent(bytes);
        Some(outgoing)
    }

    /// Sends what is due, and the peer answers all that goes to `answering`.
    fn answer(&mut self, millis: u64, answering: &[PathId]) {
        while let Some(outgoing) = self.send(millis) {
            if let Some(data) = outgoing.challenge.filter(|_| answering.contains(&outgoing.path)) {
                self.paths.responded(at(millis), &data, PTO, &mut |change| self.changes.push(change));
            }
        }
    }

    fn expire(&mut self, millis: u64) {
        self.paths.expire(at(millis), &mut |change| self.changes.push(change));
    }

    fn said(&mut self) -> Vec<Change> {
        core::mem::take(&mut self.changes)
    }

    fn active(&self) -> PathId {
        self.paths.active().id
    }
}

fn moved(from: PathId, to: PathId, reason: Reason, keeps_estimates: bool) -> Change {
    Change::Moved(Move { from, to, reason, keeps_estimates })
}

#[test]
fn a_server_follows_a_client_that_rebinds() {
    // spec: 9000-9.3-a, 9000-9.4-a
    let mut server = Side::server();
    let path = server.hear(10, SERVER, REBOUND, true).unwrap();
    assert_eq!(server.said(), [moved(FIRST, path, Reason::Rebinding, true)]);
    assert!(server.paths.active().credit.is_limited(), "nobody knows yet that it is there");
    server.answer(20, &[path]);
    assert_eq!(server.said(), [Change::Validated { path }]);
    assert!(!server.paths.active().credit.is_limited());
    // The old path does not answer.
    server.expire(3_010);
    assert_eq!(server.said(), [Change::Gone { path: FIRST }]);
    assert_eq!(server.active(), path);
}

#[test]
fn a_client_that_migrates_changes_its_id_and_all_estimates_begin_anew() {
    // spec: 9000-9.4-a
    let mut server = Side::server();
    let path = server.hear(10, SERVER, ELSEWHERE, false).unwrap();
    assert_eq!(server.said(), [moved(FIRST, path, Reason::Migration, false)]);
}

#[test]
fn probes_alone_move_nobody() {
    let mut server = Side::server();
    let path = server.probed(10, SERVER, ELSEWHERE).unwrap();
    assert_ne!(path, FIRST);
    assert_eq!((server.active(), server.said()), (FIRST, Vec::new()));
}

#[test]
fn a_reordered_packet_moves_nobody() {
    // spec: 9000-9.3-b
    let mut server = Side::server();
    server.hear_numbered(10, SERVER, CLIENT, true, 100);
    server.hear_numbered(10, SERVER, ELSEWHERE, false, 99);
    server.hear_numbered(10, SERVER, ELSEWHERE, false, 100);
    assert_eq!(server.active(), FIRST);
    server.hear_numbered(10, SERVER, ELSEWHERE, false, 101);
    assert_ne!(server.active(), FIRST);
}

#[test]
fn both_paths_are_challenged_after_a_move() {
    // spec: 9000-9.3.3-a, 9000-9.3-a
    let mut server = Side::server();
    let path = server.hear(10, SERVER, ELSEWHERE, false).unwrap();
    let mut challenged: Vec<PathId> = core::iter::from_fn(|| server.send(10)).map(|sent| sent.path).collect();
    challenged.sort();
    assert_eq!(challenged, [FIRST, path]);
}

#[test]
fn a_spurious_move_is_taken_back() {
    // spec: 9000-9.3.2-a
    let mut server = Side::server();
    let spoofed = server.hear(10, SERVER, ELSEWHERE, true).unwrap();
    server.answer(20, &[FIRST]);
    server.said();
    server.expire(3_010);
    assert_eq!(
        server.said(),
        [moved(spoofed, FIRST, Reason::Reverted, false), Change::Gone { path: spoofed }]
    );
    assert!(!server.paths.active().credit.is_limited());
}

#[test]
fn the_clients_next_packet_ends_a_spurious_move() {
    let mut server = Side::server();
    let spoofed = server.hear(10, SERVER, ELSEWHERE, true).unwrap();
    server.said();
    server.hear(20, SERVER, CLIENT, true);
    assert_eq!(
        server.said(),
        [moved(spoofed, FIRST, Reason::Rebinding, false), Change::Gone { path: spoofed }]
    );
}

#[test]
fn whoever_is_back_need_not_answer_for_having_been_away() {
    let mut server = Side::server();
    let spoofed = server.hear(10, SERVER, ELSEWHERE, true).unwrap();
    // Challenges left for both, and nothing came of them.
    server.answer(10, &[]);
    server.hear(20, SERVER, CLIENT, true);
    server.said();
    (1..=10).for_each(|second| server.expire(20 + second * 1_000));
    assert_eq!((server.said(), server.active()), (Vec::new(), FIRST));
    assert_eq!(server.paths.get(spoofed).map(|path| path.id), None);
}

#[test]
fn a_peer_that_is_nowhere_is_waited_for_where_it_was_last() {
    // spec: 9000-9.3.2-a
    let mut server = Side::server();
    let nowhere = server.hear(10, SERVER, ELSEWHERE, true).unwrap();
    server.said();
    server.expire(3_010);
    let back = |from, is_near| [moved(from, FIRST, Reason::Reverted, is_near), Change::Gone { path: from }];
    assert_eq!(server.said(), back(nowhere, false));
    // It fails before the new one does, or two moves later.
    let nowhere = server.hear(5_000, SERVER, ELSEWHERE, true).unwrap();
    server.said();
    let later = server.hear(7_500, SERVER, REBOUND, true).unwrap();
    assert_eq!(
        server.said(),
        [moved(nowhere, later, Reason::Rebinding, false), Change::Gone { path: nowhere }]
    );
    server.expire(8_010);
    assert_eq!((server.said(), server.active()), (Vec::new(), later));
    server.expire(10_510);
    assert_eq!(server.said(), back(later, true));
    assert_eq!(server.paths.deadline(), None);
}

#[test]
fn where_the_peer_was_last_is_forgotten_once_it_is_elsewhere() {
    let mut server = Side::server();
    let path = server.hear(10, SERVER, ELSEWHERE, true).unwrap();
    server.answer(20, &[]);
    server.said();
    // Nothing is awaited of the old path any more.
    server.paths.get_mut(FIRST).unwrap().validation.stop();
    server.expire(1_020);
    server.answer(1_020, &[path]);
    assert_eq!(server.said(), [Change::Validated { path }, Change::Gone { path: FIRST }]);
}

#[test]
fn an_address_that_is_owed_too_little_to_show_its_size_ends_nothing() {
    // spec: 9000-8.2.1-d
    // The old path fails before, or at once with the new one.
    for late in [3_010, 4_500] {
        let mut server = Side::server();
        let peer = addresses(SERVER, ELSEWHERE);
        let path = server.paths.packet(at(10), &peer, 60, &mut |_| {}).unwrap();
        let heard = &mut |change| server.changes.push(change);
        server.paths.non_probing(at(10), path, 1, true, PTO, heard);
        server.said();
        // Small challenges alone are answered, and the old path not at all.
        let small = core::iter::from_fn(|| server.send(10)).find(|sent| sent.path == path).unwrap();
        assert_eq!(small.padded_bytes, None);
        server.paths.responded(at(1_500), &small.challenge.unwrap(), PTO, &mut |_| {});
        server.answer(1_500, &[]);
        server.expire(late);
        server.expire(4_500);
        assert_eq!(server.said(), [moved(path, FIRST, Reason::Reverted, false), Change::Gone { path }]);
    }
}

#[test]
fn a_peer_that_was_never_anywhere_ends_the_connection() {
    // spec: 9000-9.3.2-b
    let mut server = Side::server();
    server.paths = Paths::server(at(0), addresses(SERVER, CLIENT), None, Limits::default());
    server.paths.confirm();
    server.hear(10, SERVER, ELSEWHERE, true);
    server.said();
    server.expire(3_010);
    assert_eq!(server.said(), [Change::NoPath]);
}

#[test]
fn nobody_moves_before_the_handshake_is_confirmed() {
    // spec: 9000-9-a, 9000-9-d
    let mut paths = Paths::server(at(0), addresses(SERVER, CLIENT), None, Limits::default());
    assert_eq!(paths.packet(at(1), &addresses(SERVER, ELSEWHERE), 1_200, &mut |_| {}), None);
    let mut paths = Paths::client(at(0), addresses(CLIENT, SERVER), Limits::default());
    let refused = paths.probe_from(at(1), address(ELSEWHERE), true, false, PTO, &mut |_| {});
    assert_eq!(refused, Err(Refused::NotConfirmed));
    assert_eq!(paths.prefer(at(1), &[address(PREFERRED)], PTO, &mut |_| {}), Err(Refused::NotConfirmed));
}

#[test]
fn a_server_that_wants_no_migration_gets_none() {
    // spec: 9000-9-b
    let mut client = Side::client();
    let refused = client.paths.probe_from(at(1), address(ELSEWHERE), true, true, PTO, &mut |_| {});
    assert_eq!(refused, Err(Refused::Disabled));
}

#[test]
fn a_client_hears_no_strange_server() {
    // spec: 9000-9-c
    let mut client = Side::client();
    assert_eq!(client.probed(10, CLIENT, PREFERRED), None);
    assert_eq!(client.probed(10, CLIENT, SERVER), Some(FIRST));
    assert_eq!(client.probed(10, ELSEWHERE, SERVER), Some(FIRST), "late, where it was before");
}

#[test]
fn a_server_never_begins_a_path() {
    let mut server = Side::server();
    let refused = server.paths.probe_from(at(1), address(ELSEWHERE), true, false, PTO, &mut |_| {});
    assert_eq!(refused, Err(Refused::Server));
}

#[test]
fn a_client_migrates_once_the_path_is_validated() {
    let mut client = Side::client();
    let path = client.paths.probe_from(at(10), address(ELSEWHERE), true, false, PTO, &mut |_| {}).unwrap();
    assert_eq!(client.active(), FIRST);
    client.answer(20, &[path]);
    assert_eq!(client.said(), [Change::Validated { path }, moved(FIRST, path, Reason::Chosen, false)]);
    // What was on its way to the old address still comes, for a while.
    client.expire(3_019);
    assert_eq!(client.said(), []);
    client.expire(3_020);
    assert_eq!(client.said(), [Change::Gone { path: FIRST }]);
}

#[test]
fn a_probe_for_later_moves_nobody() {
    let mut client = Side::client();
    let path = client.paths.probe_from(at(10), address(ELSEWHERE), false, false, PTO, &mut |_| {}).unwrap();
    client.answer(20, &[path]);
    assert_eq!(client.said(), [Change::Validated { path }]);
    assert_eq!(client.active(), FIRST);
}

#[test]
fn a_client_goes_to_the_preferred_address_of_its_family() {
    // spec: 9000-9.6.1-a
    let mut client = Side::client();
    let preferred = [address(PREFERRED_V6), address(PREFERRED)];
    let path = client.paths.prefer(at(10), &preferred, PTO, &mut |_| {}).unwrap();
    assert_eq!(client.paths.get(path).unwrap().addresses, addresses(CLIENT, PREFERRED));
    assert_eq!(client.active(), FIRST, "not before it is validated");
    client.answer(20, &[path]);
    assert_eq!(client.active(), path);
    let only = client.paths.prefer(at(30), &preferred[..1], PTO, &mut |_| {});
    assert_eq!(only, Err(Refused::AlreadyThere), "there is none of this family");
}

#[test]
fn a_preferred_address_that_fails_changes_nothing() {
    // spec: 9000-9.6.1-b
    let mut client = Side::client();
    let path = client.paths.prefer(at(10), &[address(PREFERRED)], PTO, &mut |_| {}).unwrap();
    client.answer(10, &[]);
    client.expire(3_010);
    assert_eq!((client.said(), client.active()), (vec![Change::Gone { path }], FIRST));
}

#[test]
fn the_preferred_address_wins_over_a_new_address_of_the_client() {
    // spec: 9000-9.6.3-a
    let mut client = Side::client();
    let own = client.paths.probe_from(at(10), address(ELSEWHERE), true, false, PTO, &mut |_| {}).unwrap();
    let preferred = client.paths.prefer(at(10), &[address(PREFERRED)], PTO, &mut |_| {}).unwrap();
    client.answer(20, &[preferred]);
    assert_eq!(client.active(), preferred);
    assert!(!client.paths.get(own).unwrap().is_being_validated());
}

#[test]
fn a_server_sends_from_its_preferred_address_once_the_client_is_there() {
    // spec: 9000-9.6.2-b
    let mut server = Side::server();
    let path = server.probed(10, PREFERRED, CLIENT).unwrap();
    assert_eq!(server.active(), FIRST);
    server.hear(20, PREFERRED, CLIENT, false);
    assert_eq!(server.active(), FIRST, "it is not validated");
    server.answer(30, &[path]);
    assert_eq!(server.said(), [Change::Validated { path }, moved(FIRST, path, Reason::Chosen, false)]);
    server.hear(40, SERVER, CLIENT, false);
    assert_eq!(server.active(), path, "late packets lead nobody back");
}

#[test]
fn what_the_server_left_still_hears_for_a_while() {
    // spec: 9000-9.6.2-c
    let mut server = Side::server();
    let path = server.hear(10, PREFERRED, CLIENT, false).unwrap();
    server.answer(20, &[path]);
    server.said();
    assert_eq!(server.probed(30, SERVER, CLIENT), Some(FIRST));
    server.expire(3_020);
    assert_eq!(server.said(), [Change::Gone { path: FIRST }]);
}

#[test]
fn a_challenge_is_answered_once_and_where_it_came() {
    // spec: 9000-8.2.2-a, 9000-8.2.2-b
    let mut server = Side::server();
    let path = server.probed(10, SERVER, ELSEWHERE).unwrap();
    server.paths.challenged(path, [7; 8]);
    let answer = Outgoing { path, response: Some([7; 8]), challenge: None, padded_bytes: Some(1_200) };
    assert_eq!(server.send(10), Some(answer));
    assert_eq!(server.send(10), None);
}

#[test]
fn challenges_above_the_limit_stay_without_an_answer() {
    let mut server = Side::server();
    let path_responses = Limits::default().path_responses as u8;
    for data in 0..=path_responses {
        server.paths.challenged(FIRST, [data; 8]);
    }
    let answered: Vec<_> = core::iter::from_fn(|| server.send(10)).filter_map(|sent| sent.response).collect();
    let expected: Vec<_> = (1..=path_responses).map(|data| [data; 8]).collect();
    assert_eq!(answered, expected);
}

#[test]
fn answers_on_a_path_that_is_not_in_use_keep_to_a_rate() {
    let mut server = Side::server();
    let path = server.probed(10, SERVER, ELSEWHERE).unwrap();
    while server.send(10).is_some() {}
    let responses_elsewhere_per_s = Limits::default().responses_elsewhere_per_s;
    let mut answered = 0;
    for data in 0..=responses_elsewhere_per_s {
        server.probed(10, SERVER, ELSEWHERE).unwrap(); // What is owed there is no matter here.
        server.paths.challenged(path, u64::from(data).to_be_bytes());
        answered += u32::from(server.send(10).is_some_and(|outgoing| outgoing.response.is_some()));
    }
    assert_eq!(answered, responses_elsewhere_per_s);
    // Where the window says how much may leave that is enough.
    server.paths.challenged(FIRST, [7; 8]);
    assert_eq!(server.send(10).and_then(|outgoing| outgoing.response), Some([7; 8]));
    assert_eq!(server.send(999).and_then(|outgoing| outgoing.response), None);
    assert!(server.send(1_000).is_some_and(|outgoing| outgoing.response.is_some()), "it was kept");
}

#[test]
fn probes_are_padded_as_far_as_the_address_is_owed() {
    // spec: 9000-8.2.1-c, 9000-8.2.2-c
    for (bytes, padded) in [(19, None), (20, Some(None)), (399, Some(None)), (400, Some(Some(1_200)))] {
        let mut server = Side::server();
        let there = addresses(SERVER, ELSEWHERE);
        let path = server.paths.packet(at(10), &there, bytes, &mut |_| {}).unwrap();
        server.paths.challenged(path, [7; 8]);
        assert_eq!(server.send(10).map(|sent| sent.padded_bytes), padded, "{bytes}");
    }
}

#[test]
fn a_path_without_an_id_sends_nothing() {
    let mut server = Side::server();
    let path = server.hear(10, SERVER, ELSEWHERE, false).unwrap();
    let outgoing = server.paths.outgoing(at(10), true, &mut |id| id != path, &mut server.entropy);
    assert_eq!(outgoing.map(|outgoing| outgoing.path), Some(FIRST));
    assert_eq!(server.paths.outgoing(at(10), true, &mut |id| id != path, &mut server.entropy), None);
    assert_eq!(server.send(10).map(|outgoing| outgoing.path), Some(path));
}

#[test]
fn an_answer_on_the_active_path_waits_for_the_window() {
    // spec: 9000-8.2.2-d
    let mut server = Side::server();
    server.paths.challenged(FIRST, [7; 8]);
    assert_eq!(server.paths.outgoing(at(10), false, &mut |_| true, &mut server.entropy), None);
    // Elsewhere there is another window, of which nobody knows anything yet.
    let there = server.probed(10, SERVER, ELSEWHERE).unwrap();
    server.paths.challenged(there, [8; 8]);
    let outgoing = server.paths.outgoing(at(10), false, &mut |_| true, &mut server.entropy);
    assert_eq!(outgoing.and_then(|outgoing| outgoing.response), Some([8; 8]));
    assert_eq!(server.send(10).and_then(|outgoing| outgoing.response), Some([7; 8]));
}

#[test]
fn an_answer_that_nobody_awaits_is_no_sin() {
    let mut server = Side::server();
    server.paths.responded(at(10), &[9; 8], PTO, &mut |_| panic!("nothing changes"));
}

#[test]
fn one_path_more_than_the_limit_costs_the_longest_unheard() {
    let paths = Limits::default().paths;
    let mut server = Side::server();
    let opened: Vec<PathId> = (1..paths)
        .map(|port| server.probed(port as u64, SERVER, &format!("198.51.100.7:{port}")).unwrap())
        .collect();
    assert_eq!(server.said(), []);
    server.probed(90, SERVER, "198.51.100.7:1");
    server.probed(100, SERVER, "198.51.100.7:99").unwrap();
    assert_eq!(server.said(), [Change::Gone { path: opened[1] }]);
    assert_eq!(server.active(), FIRST);
}

#[test]
fn an_attacker_that_sprays_addresses_gets_no_more_than_three_times_its_bytes() {
    let mut server = Side::server();
    for port in 1..200_u64 {
        let peer = format!("198.51.100.7:{port}");
        server.hear(port, SERVER, &peer, true);
        let mut sent = 0;
        while let Some(outgoing) = server.send(port) {
            let is_theirs = server.paths.get(outgoing.path).unwrap().addresses.peer == address(&peer);
            sent += if is_theirs { outgoing.padded_bytes.map_or(59, u64::from) } else { 0 };
        }
        assert!(sent <= 3_600, "{sent}");
        assert!(server.paths.paths.len() <= Limits::default().paths);
        server.said();
    }
    // And the client gets its connection back with its next packet.
    server.hear(300, SERVER, CLIENT, true);
    assert_eq!(server.active(), FIRST);
}

#[test]
fn the_search_for_larger_datagrams_is_each_paths_own() {
    let mut server = Side::server();
    server.paths.active_mut().mtu.probe_sent(1);
    server.paths.active_mut().mtu.acked(at(5), 1, 1_452);
    let datagram_bytes = Limits::default().datagram_bytes;
    assert_eq!(server.paths.active().mtu.probe(), Some(datagram_bytes));
    server.hear(10, SERVER, REBOUND, true);
    assert_eq!(server.paths.active().mtu.datagram_bytes(), 1_452, "the network is the same");
    server.hear(20, SERVER, ELSEWHERE, false);
    assert_eq!(server.paths.active().mtu.datagram_bytes(), 1_200);
    assert_eq!(server.paths.active().room(), 1_200);
}

#[test]
fn the_peers_limit_holds_on_every_path() {
    let mut server = Side::server();
    server.paths.limit_datagrams(1_300);
    assert_eq!(server.paths.active().mtu.probe(), Some(1_300));
    let path = server.hear(10, SERVER, ELSEWHERE, false).unwrap();
    server.answer(10, &[path]);
    assert_eq!(server.paths.active().mtu.probe(), Some(1_300));
    server.paths.limit_datagrams(0);
    assert_eq!(server.paths.active().mtu.probe(), None, "never below what QUIC needs");
}

/// Whatever comes from wherever, at whatever time: there is an active path, paths are few, no address that is not validated
/// gets more than three times its bytes, nobody who was somewhere is given up, and time passes.
#[test]
fn whatever_comes_paths_stay_within_bounds() {
    let mut seed = 7_u64;
    let mut draw = move |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let (mut moves, mut returns) = (0, 0);
    for _ in 0..200 {
        let mut server = Side::server();
        let mut millis = 0;
        for _ in 0..200 {
            let peer = format!("198.51.100.{}:{}", draw(3), draw(4) + 1);
            let peer = if draw(3) == 0 { CLIENT } else { &peer };
            let local = if draw(5) == 0 { PREFERRED } else { SERVER };
            match draw(5) {
                0 => _ = server.probed(millis, local, peer),
                1 => _ = server.hear(millis, local, peer, draw(2) == 0),
                2 => {
                    let answering =
                        server.paths.paths.iter().map(|path| path.id).filter(|_| draw(2) == 0).collect();
                    let answering: Vec<PathId> = answering;
                    server.answer(millis, &answering);
                }
                3 => server.paths.challenged(PathId(draw(6) as u32), [draw(9) as u8; 8]),
                _ => {
                    let next = server.paths.deadline().map_or(0, |next| next.as_nanos() / 1_000_000);
                    millis = (millis + draw(500)).max(next.min(millis + 5_000));
                    server.expire(millis);
                    let later = server.paths.deadline().is_none_or(|next| next > at(millis));
                    assert!(later, "a deadline that has passed comes back");
                }
            }
            // Whoever sends more than there is room for panics in `Credit::sent`.
            server.paths.active();
            assert!(server.paths.paths.len() <= Limits::default().paths);
            let said = server.said();
            moves += said.iter().filter(|change| matches!(change, Change::Moved(_))).count();
            let is_return =
                |change: &&Change| matches!(change, Change::Moved(to) if to.reason == Reason::Reverted);
            returns += said.iter().filter(is_return).count();
            assert!(!said.contains(&Change::NoPath), "it was somewhere once");
        }
    }
    assert!(moves > 100 && returns > 10, "{moves} {returns}");
}
