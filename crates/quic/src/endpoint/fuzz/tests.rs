use super::fuzz_endpoint;
use std::path::PathBuf;

#[test]
fn seeds_hold() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/quic_endpoint");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("the seeds are here") {
        fuzz_endpoint(&std::fs::read(entry.expect("an entry").path()).expect("a readable seed"));
        count += 1;
    }
    assert!(count >= 3);
}

#[test]
fn no_datagrams_of_anybody_break_an_endpoint() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..300 {
        let bytes: Vec<u8> = (0..600)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 56) as u8
            })
            .collect();
        fuzz_endpoint(&bytes);
    }
}
