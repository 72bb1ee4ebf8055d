//! Header-block stories of three other encoders.

use super::{Line, decode, encode, hex};
use crate::hpack::{Decoder, Encoder};
use serde_json::Value;
use std::{fs, path::PathBuf};

fn data() -> PathBuf {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data");
    std::env::var_os("SAKIGAKE_DATA").map_or_else(|| beside.into(), PathBuf::from).join("hpack")
}

fn lines_of(case: &Value) -> Vec<Line> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let objects = case["headers"].as_array().unwrap().iter();
    objects
        .flat_map(|line| line.as_object().unwrap())
        .map(|(name, value)| (name.clone(), text(value)))
        .collect()
}

#[test]
#[allow(clippy::print_stdout)]
fn the_stories_of_other_encoders_decode_and_ours_are_no_larger() {
    let data = data();
    if !data.is_dir() {
        assert!(
            std::env::var_os("SAKIGAKE_REQUIRE").is_none_or(|wanted| wanted != "all"),
            "no stories in {}",
            data.display()
        );
        println!("skipped: no stories in {}", data.display());
        return;
    }
    for set in ["go-hpack", "nghttp2-change-table-size", "node-http2-hpack"] {
        let (mut theirs, mut ours) = (0, 0);
        for file in fs::read_dir(data.join(set)).unwrap() {
            let story: Value = serde_json::from_slice(&fs::read(file.unwrap().path()).unwrap()).unwrap();
            let (mut decoder, mut encoder, mut mirror) =
                (Decoder::default(), Encoder::new(4_096), Decoder::default());
            for case in story["cases"].as_array().unwrap() {
                if let Some(size) = case["header_table_size"].as_u64() {
                    decoder.set_table_size(usize::try_from(size).unwrap());
                }
                let (wire, lines) = (hex(case["wire"].as_str().unwrap()), lines_of(case));
                assert_eq!(decode(&mut decoder, &wire).unwrap(), lines, "{set}");
                let block = encode(&mut encoder, &lines);
                assert_eq!(decode(&mut mirror, &block).unwrap(), lines, "{set}");
                (theirs, ours) = (theirs + wire.len(), ours + block.len());
            }
        }
        println!("{set}: {theirs} bytes of theirs, {ours} bytes of ours");
        assert!(ours <= theirs, "{set}: {ours} bytes of ours, {theirs} of theirs");
    }
}
