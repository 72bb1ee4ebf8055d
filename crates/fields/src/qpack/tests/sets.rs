//! Requests and responses, and what two other encoders made of them.

use super::{Line, WIDE, own, pump};
use crate::{
    FieldLine, integer,
    qpack::{Decoder, Encoder, Limits},
    section::Outcome,
};
use std::{collections::BTreeMap, fs, path::PathBuf};

fn data() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data");
    let data = std::env::var_os("SAKIGAKE_DATA").map_or_else(|| beside.into(), PathBuf::from).join("qpack");
    if data.is_dir() {
        return Some(data);
    }
    let required = std::env::var_os("SAKIGAKE_REQUIRE").is_some_and(|wanted| wanted == "all");
    assert!(!required, "no sets in {}", data.display());
    None
}

/// The sections of a set: a line of text a field, an empty line behind each section.
fn sections(data: &std::path::Path, set: &str) -> Vec<Vec<Line>> {
    let text = fs::read_to_string(data.join("qifs").join(format!("{set}.qif"))).unwrap();
    let mut sections = vec![Vec::new()];
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        match line.split_once('\t') {
            Some((name, value)) => sections.last_mut().unwrap().push((name.into(), value.into())),
            None => sections.push(Vec::new()),
        }
    }
    sections.retain(|section| !section.is_empty());
    sections
}

/// What stands in an encoder's output: a stream's number in eight bytes, a length in four, and so many bytes. Stream 0 is
/// the encoder's.
fn records(mut bytes: &[u8]) -> Vec<(u64, &[u8])> {
    let mut records = Vec::new();
    while let Some((stream, rest)) = bytes.split_first_chunk() {
        let (len, rest) = rest.split_first_chunk().unwrap();
        let (record, rest) = rest.split_at(u32::from_be_bytes(*len) as usize);
        records.push((u64::from_be_bytes(*stream), record));
        bytes = rest;
    }
    records
}

struct Case {
    set: String,
    limits: Limits,
    acknowledges: bool,
    bytes: Vec<u8>,
}

/// Every output of an encoder; a file is called `set.out.TABLE.BLOCKED.ACK`.
fn cases(data: &std::path::Path, encoder: &str) -> Vec<Case> {
    let files = fs::read_dir(data.join("encoded").join(encoder)).unwrap();
    let case = |path: PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        let (set, numbers) = name.split_once(".out.").unwrap();
        let mut numbers = numbers.split('.').map(|number| number.parse().unwrap());
        let table_bytes = numbers.next().unwrap();
        let blocked_streams = numbers.next().unwrap();
        let limits = Limits {
            table_bytes,
            peer_table_bytes: table_bytes,
            blocked_streams,
            blocked_bytes: 1 << 20,
            unacknowledged_sections: 1_000,
            ..Limits::default()
        };
        let acknowledges = numbers.next().unwrap() == 1;
        Case { set: set.into(), limits, acknowledges, bytes: fs::read(&path).unwrap() }
    };
    files.map(|file| case(file.unwrap().path())).collect()
}

#[test]
#[allow(clippy::print_stdout)]
fn what_other_encoders_made_of_the_sets_decodes_to_them() {
    let Some(data) = data() else { return println!("skipped: no sets of QPACK") };
    for encoder in ["ls-qpack", "nghttp3"] {
        let cases = cases(&data, encoder);
        assert!(cases.len() >= 64, "{encoder} has {} files", cases.len());
        for case in cases {
            let wanted = sections(&data, &case.set);
            let mut decoder = Decoder::new(case.limits);
            // These files take the table for set up.
            let mut capacity = Vec::new();
            integer::encode(case.limits.table_bytes as u64, 5, 0x20, &mut capacity);
            decoder.read_instructions(&capacity).unwrap();
            let mut decoded: BTreeMap<u64, Vec<Line>> = BTreeMap::new();
            for (stream, bytes) in records(&case.bytes) {
                let lines = decoded.entry(stream).or_default();
                if stream == 0 {
                    decoder.read_instructions(bytes).unwrap();
                } else {
                    let outcome =
                        decoder.decode(stream, bytes, WIDE, &mut |line| lines.push(own(line))).unwrap();
                    assert_ne!(outcome, Some(Outcome::TooLarge));
                }
                while let Some(stream) = decoder.ready() {
                    let lines = decoded.entry(stream).or_default();
                    assert!(
                        decoder.resume(stream, WIDE, &mut |line| lines.push(own(line))).unwrap().is_some()
                    );
                }
                decoder.write_instructions(&mut Vec::new());
            }
            decoded.remove(&0);
            assert!(decoded.into_values().eq(wanted), "{encoder}: {}", case.set);
        }
    }
}

#[test]
#[allow(clippy::print_stdout)]
fn the_sets_survive_our_encoder_and_take_hardly_more_than_from_others() {
    let Some(data) = data() else { return println!("skipped: no sets of QPACK") };
    let mut sums: BTreeMap<(usize, usize, bool), [usize; 3]> = BTreeMap::new();
    for (at, encoder) in ["ls-qpack", "nghttp3"].into_iter().enumerate() {
        for case in cases(&data, encoder) {
            let key = (case.limits.table_bytes, case.limits.blocked_streams, case.acknowledges);
            let sums = sums.entry(key).or_default();
            sums[at] += records(&case.bytes).iter().map(|(_, bytes)| bytes.len()).sum::<usize>();
            if at == 0 {
                sums[2] += ours(&sections(&data, &case.set), &case);
            }
        }
    }
    for ((table_bytes, blocked_streams, acknowledges), [ls_qpack, nghttp3, ours]) in sums {
        println!(
            "table {table_bytes}, {blocked_streams} may wait, acknowledged: {acknowledges}: {ls_qpack} bytes of \
             ls-qpack, {nghttp3} bytes of nghttp3, {ours} bytes of ours"
        );
        // Nothing of ours waits for a peer that never acknowledged anything: that costs bytes.
        let per_cent = if acknowledges { 110 } else { 125 };
        assert!(ours <= ls_qpack.min(nghttp3) * per_cent / 100, "{ours}");
    }
}

/// How many bytes our encoder makes of the sections, whose decoder answers after each of them or not at all.
fn ours(sections: &[Vec<Line>], case: &Case) -> usize {
    let (mut encoder, mut decoder) = (Encoder::new(case.limits), Decoder::new(case.limits));
    encoder.peer_allows(case.limits.table_bytes as u64, case.limits.blocked_streams as u64).unwrap();
    let mut sum = 0;
    for (stream, section) in (1..).zip(sections) {
        let lines = section.iter().map(|(name, value)| FieldLine::new(name.as_bytes(), value.as_bytes()));
        let (mut wire, mut got) = (Vec::new(), Vec::new());
        encoder.encode(stream, lines, &mut wire);
        sum += wire.len() + pump(&mut encoder, &mut decoder);
        let outcome = decoder.decode(stream, &wire, WIDE, &mut |line| got.push(own(line))).unwrap();
        assert_eq!((outcome, &got), (Some(Outcome::Complete), section));
        let mut answers = Vec::new();
        decoder.write_instructions(&mut answers);
        if case.acknowledges {
            encoder.read_instructions(&answers).unwrap();
        }
    }
    sum
}
