use super::super::coding::CODINGS;
use super::{Coding, Compress, Encoders, STEP_BYTES};
use std::io::Read;

fn decode(coding: Coding, bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    match coding {
        Coding::Zstd => zstd::stream::read::Decoder::new(bytes).expect("a decoder").read_to_end(&mut plain),
        Coding::Brotli => brotli::Decompressor::new(bytes, 4096).read_to_end(&mut plain),
        Coding::Gzip => flate2::read::GzDecoder::new(bytes).read_to_end(&mut plain),
        Coding::Identity => panic!("no coding"),
    }
    .expect("our own writing");
    plain
}

fn sample(len: usize) -> Vec<u8> {
    (0..len).map(|at| b"what is said often is said shortly "[at * at % 35]).collect()
}

#[test]
fn what_is_coded_at_once_reads_the_same() {
    let encoders = Encoders::new(Compress::default());
    let bytes = sample(50_000);
    for coding in CODINGS {
        let coded = encoders.whole(coding, &bytes).expect("it becomes shorter");
        assert!(coded.len() < 5_000, "{coding:?}: {}", coded.len());
        assert!(decode(coding, &coded) == bytes);
        // The same file makes the same bytes.
        assert_eq!(encoders.whole(coding, &bytes), Some(coded));
        assert_eq!(encoders.whole(coding, b"short"), None);
    }
}

#[test]
fn each_step_has_something_to_send() {
    let encoders = Encoders::new(Compress::default());
    for coding in CODINGS {
        for bytes in [sample(300_000), vec![0; 300_000]] {
            let mut encoder = encoders.stream(coding).expect("a place");
            let mut coded = Vec::new();
            let mut steps = bytes.chunks(STEP_BYTES).peekable();
            while let Some(step) = steps.next() {
                let piece = encoder.step(step, steps.peek().is_none()).expect("it codes");
                assert!(!piece.is_empty() && piece.len() < STEP_BYTES + 1024, "{coding:?}: {}", piece.len());
                coded.extend(piece);
            }
            assert!(decode(coding, &coded) == bytes);
        }
    }
}

#[test]
fn places_for_streams_are_bounded_and_given_back() {
    let encoders = Encoders::new(Compress { streams: 2, ..Compress::default() });
    let first = encoders.stream(Coding::Gzip).expect("a place");
    let second = encoders.stream(Coding::Zstd).expect("a place");
    assert!(encoders.stream(Coding::Brotli).is_none());
    drop(first);
    let third = encoders.stream(Coding::Brotli).expect("a place");
    assert!(encoders.stream(Coding::Brotli).is_none());
    drop((second, third));
    assert!(encoders.stream(Coding::Brotli).is_some());
}
