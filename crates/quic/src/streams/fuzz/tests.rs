use super::*;

/// Bytes that the seed decides.
fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut draw = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    };
    (0..len).map(|_| draw()).collect()
}

#[test]
fn no_frames_of_anybody_break_the_streams() {
    for seed in 0..3_000 {
        fuzz_stream_frames(&noise(seed, 500));
    }
    // Small offsets and few verbs, so that much of it is legal.
    for seed in 0..3_000 {
        let mut bytes = noise(seed, 1_000);
        for frame in bytes.chunks_exact_mut(5) {
            frame[0] = frame[0] & 0xf0 | [0, 1, 2, 6, 10, 12][usize::from(frame[0] & 0x0f) % 6];
            frame[1] = [0, 1, 3, 5, 7, 9][usize::from(frame[1]) % 6];
            frame[2] &= 1;
        }
        fuzz_stream_frames(&bytes);
    }
}

#[test]
fn all_that_was_promised_arrives_over_any_path() {
    for seed in 0..2_000 {
        fuzz_stream_pair(&noise(seed, 600));
    }
}

#[test]
fn no_crypto_frames_of_anybody_break_a_level() {
    for seed in 0..2_000 {
        let mut bytes = noise(seed, 300);
        fuzz_crypto_stream(&bytes);
        bytes.chunks_exact_mut(3).for_each(|frame| frame[0] &= 3);
        fuzz_crypto_stream(&bytes);
    }
}

type Body = fn(&[u8]);

#[test]
fn the_bodies_hold_on_their_seeds() {
    let bodies: [(&str, Body); 3] = [
        ("quic_stream_frames", fuzz_stream_frames),
        ("quic_stream_pair", fuzz_stream_pair),
        ("quic_crypto_stream", fuzz_crypto_stream),
    ];
    for (target, body) in bodies {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target);
        let mut seeds = 0;
        for seed in std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        {
            body(&std::fs::read(seed.expect("a folder's entry").path()).expect("a seed is a file"));
            seeds += 1;
        }
        assert!(seeds >= 2, "{target} has too few seeds");
    }
}
