use super::{IdKeys, IdSource, Place};
use crate::ids::tests::Count;
use sakigake_crypto::aws_lc::AES_128_BLOCK;
use std::collections::BTreeSet;

const KEY: [u8; 16] = 0x8f95_f092_4576_5f80_2569_34e5_0c66_207f_u128.to_be_bytes();
const PLACE: Place = Place { process: 0xed79_3a51, worker: 0xd49b };

fn source(configuration: u8, place: Place, seed: u64) -> IdSource {
    IdSource::new(configuration, &AES_128_BLOCK, &KEY, place, &mut Count(seed))
}

fn keys(configuration: u8) -> IdKeys {
    IdKeys::new().with(configuration, &AES_128_BLOCK, &KEY)
}

#[test]
fn the_drafts_vector_with_a_single_pass() {
    // Configuration 2, server ID ed793a51d49b8f5f, nonce ee080dbf48c0d1e5: the server ID's end lies in our nonce.
    let nonce = [0x8f, 0x5f, 0xee, 0x08, 0x0d, 0xbf, 0x48, 0xc0, 0xd1, 0xe5];
    let id = source(2, PLACE, 0).seal(&nonce);
    assert_eq!(id.to_string(), "504dd2d05a7b0de9b2b9907afb5ecf8cc3");
    assert_eq!(keys(2).open(id.as_ref()), Some(PLACE));
}

#[test]
fn every_id_leads_home_and_none_comes_twice() {
    // spec: 9000-5.1-a
    let mut seen = BTreeSet::new();
    for (process, worker) in [(0, 0), (0, 1), (1, 0), (u32::MAX, u16::MAX)] {
        let place = Place { process, worker };
        let mut source = source(0, place, 0);
        for _ in 0..1_000 {
            let id = source.draw();
            assert_eq!(id.len(), IdSource::ID_BYTES);
            assert_eq!(keys(0).open(id.as_ref()), Some(place));
            assert!(seen.insert(id.as_ref()[1..].to_vec()), "{id}");
        }
    }
    // Neighbours have nothing in common: no byte but the first stays what it was for long.
    let mut source = source(0, PLACE, 0);
    let ids: Vec<_> = (0..64).map(|_| source.draw()).collect();
    for at in 1..IdSource::ID_BYTES {
        let values: BTreeSet<u8> = ids.iter().map(|id| id.as_ref()[at]).collect();
        assert!(values.len() > 40, "byte {at}: {}", values.len());
    }
}

#[test]
fn what_is_not_of_this_form_is_foreign() {
    let id = source(1, PLACE, 0).draw();
    let id = id.as_ref();
    assert_eq!(keys(0).open(id), None, "another configuration");
    assert_eq!(IdKeys::new().open(id), None, "no key");
    for len in 0..id.len() {
        assert_eq!(keys(1).open(&id[..len]), None, "{len}");
    }
    assert_eq!(keys(1).open(&[id, &[0]].concat()), None);
    for bit in 0..8 {
        let mut other = id.to_vec();
        other[0] ^= 1 << bit;
        assert_eq!(keys(1).open(&other), None, "bit {bit} of the first octet");
    }
    for bit in 8..8 * id.len() {
        let mut other = id.to_vec();
        other[bit / 8] ^= 1 << (bit % 8);
        assert_ne!(keys(1).open(&other), Some(PLACE), "bit {bit}");
    }
}

#[test]
fn keys_of_two_configurations_serve_at_once() {
    let keys = IdKeys::new().with(0, &AES_128_BLOCK, &[1; 16]).with(1, &AES_128_BLOCK, &KEY);
    assert_eq!(keys.open(source(1, PLACE, 0).draw().as_ref()), Some(PLACE));
    let old = IdSource::new(0, &AES_128_BLOCK, &[1; 16], PLACE, &mut Count(0)).draw();
    assert_eq!(keys.open(old.as_ref()), Some(PLACE));
    let replaced = keys.with(0, &AES_128_BLOCK, &KEY);
    assert_ne!(replaced.open(old.as_ref()), Some(PLACE));
}

#[test]
fn the_count_goes_round_within_its_bytes() {
    let mut source = source(0, PLACE, 0);
    source.next = (1 << 80) - 1;
    assert_eq!(keys(0).open(source.draw().as_ref()), Some(PLACE));
    assert_eq!(source.next, 0);
}
