use super::{fuzz_frames, fuzz_parameters};
use std::{fs, path::PathBuf};

#[test]
fn the_bodies_hold_on_their_seeds() {
    for (target, body) in
        [("quic_frames", fuzz_frames as fn(&[u8])), ("quic_parameters", fuzz_parameters as fn(&[u8]))]
    {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target);
        let mut seeds = 0;
        for seed in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let mut bytes = fs::read(seed.expect("a folder's entry").path()).expect("a seed is a file");
            body(&bytes);
            for bit in 0..8 * bytes.len() {
                bytes[bit / 8] ^= 1 << (bit % 8);
                body(&bytes);
                bytes[bit / 8] ^= 1 << (bit % 8);
            }
            seeds += 1;
        }
        assert!(seeds >= 2, "{target} has too few seeds");
    }
}

#[test]
fn the_bodies_hold_on_short_inputs() {
    for first in 0..=u8::MAX {
        for second in 0..=u8::MAX {
            for tail in [&[][..], &[0], &[0xff; 9], &[0x40, 0x01, 0x00, 0x01, 0x01]] {
                let bytes = [&[first, second][..], tail].concat();
                fuzz_frames(&bytes);
                fuzz_parameters(&bytes);
            }
        }
    }
}
