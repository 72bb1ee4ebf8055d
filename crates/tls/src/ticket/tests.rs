use super::*;
use crate::{fuzz::fuzz_session, handshake::tests::pair::Counter};
use sakigake_crypto::aws_lc::PROVIDER;

const DAY: u64 = 86_400;
const NOW: u64 = 1_780_272_000;

fn ticket() -> Ticket {
    Ticket {
        suite: 0x1301,
        secret: Secret::new(&[7; 32]),
        issued_unix_ms: NOW * 1_000,
        ticket_age_add: 0xffff_ff00,
        lifetime_secs: 86_400,
        authenticated_unix_secs: NOW - 60,
        policy: [9; 32],
        max_early_data: 7,
        server_name: Some("example.com".into()),
        alpn: Some(b"h2".to_vec()),
        identity: Identity::new(vec![vec![1; 90], vec![2; 30]]),
        note: Some([3; 18]),
        transport: None,
    }
}

fn ring(unix_secs: u64) -> KeyRing {
    KeyRing::new(&PROVIDER.suites[0], Vec::new()).turned(unix_secs, Rotation::default(), &mut Counter(5))
}

#[test]
fn what_a_ticket_says_is_read_back() {
    let bare = Ticket { server_name: None, alpn: None, identity: None, note: None, ..ticket() };
    let text = ticket().to_bytes();
    let most = TEXT_BYTES + 120;
    assert!(text.capacity() <= most, "the text is not moved as it grows");
    for ticket in [ticket(), bare] {
        let text = ticket.to_bytes();
        assert_eq!(Ticket::from_bytes(&text), Some(ticket));
        fuzz_session(&text);
    }
    let longest =
        Ticket { server_name: Some("a".repeat(253)), alpn: Some(vec![7; 255]), ..ticket() }.to_bytes();
    assert!(longest.capacity() <= most, "{}", longest.len());
}

#[test]
fn no_part_of_a_ticket_and_no_changed_one_is_read_as_it_or_panics() {
    let text = ticket().to_bytes();
    for len in 0..text.len() {
        assert_eq!(Ticket::from_bytes(&text[..len]), None, "{len} bytes");
    }
    assert_eq!(Ticket::from_bytes(&[&text[..], &[0]].concat()), None);
    for bit in 0..text.len() * 8 {
        let mut changed = text.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_ne!(Ticket::from_bytes(&changed), Some(ticket()), "bit {bit}");
        fuzz_session(&changed);
    }
}

#[test]
fn the_age_that_a_client_tells_wraps_as_it_was_obfuscated() {
    assert_eq!(ticket().told_age_ms(0xffff_ff00), 0);
    assert_eq!(ticket().told_age_ms(0), 0x100);
    assert_eq!(ticket().told_age_ms(0xffff_feff), u32::MAX);
}

#[test]
fn a_sealed_ticket_is_opened_by_the_key_that_sealed_it_and_shows_nothing() {
    let (ring, other) = (ring(NOW), ring(NOW + 1));
    let sealed = ticket().seal(&ring, NOW, &mut Counter(1)).unwrap();
    assert_eq!(Ticket::open(&ring, NOW, &sealed), Some(ticket()));
    let other = KeyRing::new(
        &PROVIDER.suites[0],
        other.keys().map(|key| TicketKey { secret: Secret::new(&[1; 32]), ..key.clone() }).collect(),
    );
    assert_eq!(Ticket::open(&other, NOW, &sealed), None, "the same name, another secret");
    assert!(!sealed.windows(4).any(|window| window == b"exam" || window == [7; 4]));
    let again = ticket().seal(&ring, NOW, &mut Counter(2)).unwrap();
    assert!(sealed[..16] == again[..16] && sealed[48..] != again[48..], "no two are alike");
}

#[test]
fn a_key_seals_for_a_day_opens_for_another_and_is_gone_then() {
    const SOON: u64 = KeyRing::AHEAD_SECS;
    let (mut entropy, rotation) = (Counter(3), Rotation::default());
    let today = ring(NOW);
    let sealed = ticket().seal(&today, NOW + DAY - 1, &mut entropy).unwrap();
    let is_due = |at: u64| today.is_due(at, rotation);
    assert!(!is_due(NOW) && !is_due(NOW + DAY - SOON - 1) && is_due(NOW + DAY - SOON));
    assert!(ticket().seal(&today, NOW + DAY, &mut entropy).is_none(), "it no longer seals");
    // The next one is there before it is needed, so that all who share them have it.
    let both = today.turned(NOW + DAY - SOON, rotation, &mut entropy);
    assert_eq!(both.keys().count(), 2);
    let name = |at: u64| ticket().seal(&both, at, &mut Counter(1)).unwrap()[..16].to_vec();
    assert_eq!((name(NOW + DAY - 1) == sealed[..16], name(NOW + DAY) == sealed[..16]), (true, false));
    assert_eq!(Ticket::open(&both, NOW + 2 * DAY - 1, &sealed), Some(ticket()));
    assert_eq!(Ticket::open(&both, NOW + 2 * DAY, &sealed), None, "not even before the key is destroyed");
    let later = both.turned(NOW + 2 * DAY, rotation, &mut entropy);
    assert!(later.keys().all(|key| key.name[..] != sealed[..16]) && later.keys().count() == 2);
}

#[test]
fn a_key_follows_on_the_other_however_short_they_are() {
    for seals_secs in [2, 60, 2_400, 100_000] {
        let rotation = Rotation { seals_secs, opens_secs: seals_secs };
        let (mut ring, mut entropy) = (KeyRing::new(&PROVIDER.suites[0], Vec::new()), Counter(seals_secs));
        let look = (seals_secs / 4).clamp(1, 600);
        for step in 0..400 {
            let at = NOW + step * look;
            let seals = ticket().seal(&ring, at, &mut entropy).is_some();
            assert!(step == 0 || seals, "{seals_secs} s, step {step}");
            ring = ring.turned(at, rotation, &mut entropy);
            assert!(!ring.is_due(at, rotation) && ring.keys().count() <= 4, "{seals_secs} s, step {step}");
        }
    }
}

#[test]
fn a_ring_that_is_turned_early_stays_as_it_is() {
    let ring = ring(NOW);
    let turned = ring.turned(NOW + 1, Rotation::default(), &mut Counter(9));
    assert!(turned.keys().eq(ring.keys()));
}

#[test]
fn keys_of_a_clock_that_was_ahead_are_neither_used_nor_kept() {
    let year = 365 * DAY;
    let ahead = ring(NOW + 4 * year);
    let sealed = ticket().seal(&ahead, NOW + 4 * year, &mut Counter(1)).unwrap();
    assert_eq!(Ticket::open(&ahead, NOW, &sealed), None);
    assert!(ahead.is_due(NOW, Rotation::default()));
    let mended = ahead.turned(NOW, Rotation::default(), &mut Counter(9));
    assert!(mended.keys().count() == 1 && mended.keys().all(|key| key.from_unix_secs == NOW));
    // Clocks of servers that share keys differ a little.
    let sealed = ticket().seal(&ring(NOW + 300), NOW + 300, &mut Counter(1)).unwrap();
    assert_eq!(Ticket::open(&ring(NOW + 300), NOW, &sealed), Some(ticket()));
    assert_eq!(Ticket::open(&ring(NOW + 300), NOW - 1, &sealed), None);
}

#[test]
fn a_clock_that_jumps_draws_no_keys_without_end() {
    let (mut ring, mut entropy, rotation) = (ring(NOW), Counter(4), Rotation::default());
    for jump in 0..400_u64 {
        let at = NOW - jump * 7_919 % 48 * 3_600;
        ring = ring.turned(at, rotation, &mut entropy);
        assert!(ring.keys().count() <= KeyRing::MOST_KEYS, "jump {jump}");
        assert!(!ring.is_due(at, rotation), "jump {jump}");
    }
}
