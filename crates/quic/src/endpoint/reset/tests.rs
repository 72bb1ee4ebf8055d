use super::{Limits, ResetKey, Resets, is_too_small};
use crate::ids::tests::Count;
use sakigake_crypto::{Secret, aws_lc::SHA256};
use sakigake_wire::{Instant, Span};

const ID: [u8; 17] = [7; 17];

fn key(byte: u8) -> ResetKey {
    ResetKey::new(&SHA256, Secret::new(&[byte; 32]))
}

fn resets(resets_per_s: u32) -> Resets {
    Resets::new(key(1), Limits { resets_per_s })
}

#[test]
fn each_id_and_each_key_has_a_token_of_its_own() {
    // spec: 9000-10.3.2-a
    assert_eq!(key(1).token(&ID), key(1).token(&ID));
    assert_ne!(key(1).token(&ID), key(2).token(&ID));
    for at in 0..ID.len() * 8 {
        let mut other = ID;
        other[at / 8] ^= 1 << (at % 8);
        assert_ne!(key(1).token(&ID), key(1).token(&other), "bit {at}");
    }
    assert_ne!(key(1).token(&ID), key(1).token(&ID[..16]));
}

#[test]
fn a_reset_looks_like_a_short_packet_and_ends_with_the_token() {
    // spec: 9000-10.3-c, 9000-10.3-d
    let (mut resets, mut entropy, mut out) = (resets(1_000), Count(3), [0; 100]);
    let mut firsts = Vec::new();
    for _ in 0..50 {
        let len = resets.answer(Instant::default(), &ID, 1_200, &mut entropy, &mut out).unwrap();
        assert!((42..74).contains(&len), "{len}");
        assert_eq!(out[0] >> 6, 0b01);
        assert!(key(1).token(&ID).ends(&out[..len]));
        firsts.push(out[..8].to_vec());
    }
    firsts.sort();
    firsts.dedup();
    assert!(firsts.len() > 20, "what stands before the token is random");
}

#[test]
fn a_reset_is_smaller_than_what_it_answers() {
    // spec: 9000-10.3.3-a, 9000-10.3-b
    for bytes in 0..100 {
        let mut out = [0; 100];
        let len = resets(1).answer(Instant::default(), &ID, bytes, &mut Count(3), &mut out);
        match bytes {
            0..=21 => assert_eq!(len, None, "{bytes}"),
            22..=43 => assert_eq!(len, Some(bytes - 1), "{bytes}"),
            _ => assert!(len.unwrap() < bytes, "{bytes}"),
        }
    }
}

#[test]
fn resets_have_a_rate() {
    let (mut resets, mut entropy, mut out) = (resets(3), Count(3), [0; 100]);
    let mut answer = |millis| {
        let now = Instant::default() + Span::from_millis(millis);
        resets.answer(now, &ID, 1_200, &mut entropy, &mut out).is_some()
    };
    assert!(answer(5_000) && answer(5_001) && answer(5_002));
    assert!(!answer(5_003) && !answer(5_999));
    assert!(answer(6_000));
}

#[test]
fn an_empty_id_and_a_short_buffer_get_no_reset() {
    assert_eq!(resets(1).answer(Instant::default(), &[], 1_200, &mut Count(3), &mut [0; 100]), None);
    assert_eq!(resets(1).answer(Instant::default(), &ID, 1_200, &mut Count(3), &mut [0; 20]), None);
}

#[test]
fn below_21_bytes_nothing_is_a_packet() {
    // spec: 9000-10.3-e
    assert!(is_too_small(20));
    assert!(!is_too_small(21));
}
