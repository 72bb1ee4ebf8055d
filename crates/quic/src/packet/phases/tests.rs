use super::*;
use crate::Fault;
use crate::packet::Number;
use crate::packet::tests::secret;
use crate::rules::versions::{VERSION_1, VERSIONS};
use sakigake_wire::Writer;

/// All that TLS may agree on here.
const SUITES: [u16; 3] = [0x1301, 0x1302, 0x1303];

/// Both ends of a connection, with handshakes confirmed.
fn pair(version: &'static Version) -> [Phases; 2] {
    pair_of(version, 0x1301)
}

/// The same under a suite.
fn pair_of(version: &'static Version, suite: u16) -> [Phases; 2] {
    let (one, other) = (secret(suite, 1), secret(suite, 2));
    let end = |send, receive| {
        let mut end = Phases::new(version, send);
        end.receive(receive);
        end.confirm();
        end
    };
    [end(&one, &other), end(&other, &one)]
}

fn sent(from: &mut Phases, number: u64) -> Vec<u8> {
    let mut packet = vec![0; 1 + 4 + 5 + 16];
    let mut out = Writer::new(&mut packet);
    let draft =
        Draft::short(&mut out, &[], false, Number::with_len(number, 4).expect("in range")).expect("room");
    out.put(b"12345").expect("room");
    from.seal(draft, &mut packet, 5).expect("below the limit");
    packet
}

fn heard(to: &mut Phases, packet: &[u8]) -> Result<Turn, Unopened> {
    let received = to.open(&mut packet.to_vec(), 1, None, &mut Forgeries::default())?;
    Ok(received.turn)
}

// spec: 9001-6.1-a 9001-6.2-a
#[test]
fn an_update_is_followed_by_the_other_end() {
    for version in VERSIONS {
        let [mut one, mut other] = pair(version);
        assert_eq!(heard(&mut other, &sent(&mut one, 0)), Ok(Turn::Current));
        one.update().expect("confirmed");
        assert!(one.key_phase() && !other.key_phase());
        let first = sent(&mut one, 1);
        assert_eq!(heard(&mut other, &first), Ok(Turn::Updated));
        assert!(other.key_phase());
        assert_eq!(heard(&mut one, &sent(&mut other, 0)), Ok(Turn::Followed));
        assert_eq!(heard(&mut one, &sent(&mut other, 1)), Ok(Turn::Current));
        assert_eq!(heard(&mut other, &sent(&mut one, 2)), Ok(Turn::Current));
    }
}

// spec: 9001-6.1-b 9001-6.1-c
#[test]
fn updates_wait_for_confirmation_and_acknowledgement() {
    let mut one = Phases::new(&VERSION_1, &secret(0x1301, 1));
    one.receive(&secret(0x1301, 2));
    assert_eq!(one.update(), Err(NotYet));
    one.confirm();
    sent(&mut one, 0);
    one.update().expect("the first needs no acknowledgement");
    assert_eq!(one.update(), Err(NotYet));
    sent(&mut one, 1);
    one.acked(0, Turn::Current).expect("a packet of the phase before");
    assert_eq!(one.update(), Err(NotYet));
    one.acked(1, Turn::Current).expect("a packet of this phase");
    one.update().expect("acknowledged");
    assert_eq!(one.updates(), 2);
}

#[test]
fn nothing_is_opened_or_updated_before_there_are_keys() {
    let mut one = Phases::new(&VERSION_1, &secret(0x1301, 1));
    one.confirm();
    assert_eq!(one.update(), Err(NotYet));
    let packet = sent(&mut one, 0);
    assert_eq!(heard(&mut one, &packet), Err(Unopened::NoKeys));
}

// spec: 9001-6.5-a
#[test]
fn late_packets_open_under_the_keys_before() {
    let [mut one, mut other] = pair(&VERSION_1);
    let late: Vec<_> = (0..3).map(|number| sent(&mut one, number)).collect();
    one.update().expect("confirmed");
    let new = sent(&mut one, 3);
    assert_eq!(heard(&mut other, &late[1]), Ok(Turn::Current));
    assert_eq!(heard(&mut other, &new), Ok(Turn::Updated));
    assert_eq!(heard(&mut other, &late[2]), Ok(Turn::Previous));
    other.forget_previous();
    assert!(!other.has_previous());
    assert_eq!(heard(&mut other, &late[0]), Err(Unopened::Forged));
}

// spec: 9001-6.1-d
#[test]
fn keys_before_are_kept_until_the_other_end_has_followed() {
    let [mut one, mut other] = pair(&VERSION_1);
    one.update().expect("confirmed");
    one.forget_previous();
    assert_eq!(heard(&mut one, &sent(&mut other, 0)), Ok(Turn::Previous));
    heard(&mut other, &sent(&mut one, 0)).expect("ours");
    assert_eq!(heard(&mut one, &sent(&mut other, 1)), Ok(Turn::Followed));
    one.forget_previous();
    assert!(!one.has_previous());
}

#[test]
fn both_ends_may_update_at_once() {
    let [mut one, mut other] = pair(&VERSION_1);
    one.update().expect("confirmed");
    other.update().expect("confirmed");
    assert_eq!(heard(&mut other, &sent(&mut one, 0)), Ok(Turn::Followed));
    assert_eq!(heard(&mut one, &sent(&mut other, 0)), Ok(Turn::Followed));
    assert_eq!((one.updates(), other.updates()), (1, 1));
}

// spec: 9001-6.3-a
#[test]
fn a_forged_key_phase_changes_nothing() {
    let [mut one, mut other] = pair(&VERSION_1);
    heard(&mut other, &sent(&mut one, 0)).expect("ours");
    let packet = sent(&mut one, 1);
    let mut forged = packet.clone();
    forged[0] ^= KEY_PHASE;
    assert_eq!(heard(&mut other, &forged), Err(Unopened::Forged));
    assert_eq!(other.updates(), 0);
    assert_eq!(heard(&mut other, &packet), Ok(Turn::Current));
}

/// `one` updates twice although nothing that `other` sent could have confirmed the first.
// spec: 9001-6.2-b
#[test]
fn a_second_update_without_confirmation_is_an_error() {
    let [mut one, mut other] = pair(&VERSION_1);
    one.update().expect("confirmed");
    assert_eq!(heard(&mut other, &sent(&mut one, 0)), Ok(Turn::Updated));
    one.acked(0, Turn::Current).expect("a lie");
    one.update().expect("as if it were acknowledged");
    let unopened = heard(&mut other, &sent(&mut one, 1)).expect_err("twice");
    assert_eq!(unopened.fault(), Some(Fault::KeyUpdate));
}

// spec: 9001-6.4-a
#[test]
fn a_number_below_those_of_older_keys_is_an_error() {
    let [mut one, mut other] = pair(&VERSION_1);
    heard(&mut other, &sent(&mut one, 10)).expect("ours");
    one.update().expect("confirmed");
    let unopened = heard(&mut other, &sent(&mut one, 9)).expect_err("newer keys, smaller number");
    assert_eq!(unopened.fault(), Some(Fault::KeyUpdate));
}

// spec: 9001-6.2-c
#[test]
fn an_acknowledgement_under_older_keys_than_it_acknowledges_is_an_error() {
    let [mut one, mut other] = pair(&VERSION_1);
    one.update().expect("confirmed");
    let _ = sent(&mut one, 5); // Lost on its way.
    let turn = heard(&mut one, &sent(&mut other, 0)).expect("ours");
    one.acked(4, turn).expect("before the update");
    let unopened = one.acked(5, turn).expect_err("it has seen the update");
    assert_eq!(unopened.fault(), Some(Fault::KeyUpdate));
}

// spec: 9001-6.6-a
#[test]
fn an_update_is_wanted_before_the_limit_and_gives_new_room() {
    let [mut one, _] = pair(&VERSION_1);
    assert!(!one.wants_update());
    one.set_sealed((1 << 23) - (1 << 19));
    assert!(one.wants_update());
    one.set_sealed(1 << 23);
    let mut packet = [0; 64];
    let number = Number::with_len(0, 4).expect("in range");
    let draft = Draft::short(&mut Writer::new(&mut packet), &[], false, number).expect("room");
    assert_eq!(one.seal(draft, &mut packet, 5), Err(Exhausted));
    one.update().expect("confirmed");
    assert!(!one.wants_update());
    assert!(one.seal(draft, &mut packet, 5).is_ok());
}

/// A walk of both ends through many updates, with every packet late by up to three others.
#[test]
fn packets_in_any_near_order_open_across_updates() {
    let [mut one, mut other] = pair(&VERSION_1);
    for round in 0..20u64 {
        let base = round * 10;
        let before: Vec<_> = (0..3).map(|at| sent(&mut one, base + at)).collect();
        one.update().expect("acknowledged");
        let after: Vec<_> = (3..6).map(|at| sent(&mut one, base + at)).collect();
        for packet in [&before[0], &after[1], &before[2], &after[0], &before[1], &after[2]] {
            heard(&mut other, packet).expect("ours");
        }
        assert_eq!(other.updates(), round + 1);
        let turn = heard(&mut one, &sent(&mut other, base)).expect("ours");
        one.acked(base + 5, turn).expect("all of them");
        one.forget_previous();
        other.forget_previous();
    }
}

// spec: 9001-6.2-a
#[test]
fn an_end_at_rest_follows_an_update_and_begins_one() {
    let [mut one, mut other] = pair(&VERSION_1);
    assert_eq!(heard(&mut other, &sent(&mut one, 0)), Ok(Turn::Current));
    one.rest();
    one.update().expect("confirmed");
    other.rest();
    assert_eq!(heard(&mut other, &sent(&mut one, 1)), Ok(Turn::Updated));
    assert_eq!(heard(&mut one, &sent(&mut other, 0)), Ok(Turn::Followed));
}

#[test]
fn whatever_comes_to_an_end_at_rest_has_all_keys_made() {
    let [mut one, mut other] = pair(&VERSION_1);
    let is_ready = |end: &Phases| {
        let ready = |receiving: &Receiving| {
            receiving.header.is_some() && !receiving.current.is_at_rest() && receiving.next.is_some()
        };
        end.receiving.as_ref().is_some_and(ready)
    };
    for packet in [sent(&mut one, 0), vec![0x40; 40]] {
        other.rest();
        assert!(!is_ready(&other));
        let _ = heard(&mut other, &packet);
        assert!(is_ready(&other), "be it forged");
    }
}

#[test]
fn both_ends_may_rest_between_any_two_packets_whatever_updates_there_were() {
    for (version, suite) in VERSIONS.into_iter().flat_map(|version| SUITES.map(|suite| (version, suite))) {
        let [mut one, mut other] = pair_of(version, suite);
        for round in 0..4 {
            for number in [2 * round, 2 * round + 1] {
                one.rest();
                other.rest();
                let turn = heard(&mut other, &sent(&mut one, number)).expect("ours");
                other.acked(number, turn).expect("nothing is wrong");
                let turn = heard(&mut one, &sent(&mut other, number)).expect("ours");
                one.acked(number, turn).expect("nothing is wrong");
            }
            one.rest();
            one.update().expect("the last one is confirmed");
        }
        assert_eq!(one.updates(), 4, "{version:?}, {suite:04x}");
    }
}

#[test]
fn a_late_packet_opens_under_the_keys_before_whoever_rested_since() {
    let [mut one, mut other] = pair(&VERSION_1);
    let late = sent(&mut one, 0);
    assert_eq!(heard(&mut other, &sent(&mut one, 1)), Ok(Turn::Current));
    one.update().expect("confirmed");
    assert_eq!(heard(&mut other, &sent(&mut one, 2)), Ok(Turn::Updated));
    other.rest();
    assert_eq!(heard(&mut other, &late), Ok(Turn::Previous));
    assert_eq!(heard(&mut other, &sent(&mut one, 3)), Ok(Turn::Current));
    other.rest();
    other.forget_previous();
    assert_eq!(heard(&mut other, &late), Err(Unopened::Forged));
    assert_eq!(heard(&mut one, &sent(&mut other, 0)), Ok(Turn::Followed));
}

#[test]
fn what_a_key_has_sealed_counts_beyond_a_rest() {
    let [mut one, _] = pair(&VERSION_1);
    one.set_sealed(1 << 23);
    one.rest();
    assert!(one.is_worn());
}
