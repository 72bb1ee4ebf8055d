use super::*;

fn encoded(coding: &str, bytes: &[u8]) -> Vec<u8> {
    match coding {
        "gzip" => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            encoder.write_all(bytes).expect("a vector takes it");
            encoder.finish().expect("a vector takes it")
        }
        "br" => {
            let mut out = Vec::new();
            let mut encoder = brotli::CompressorWriter::new(&mut out, 4_096, 9, 22);
            encoder.write_all(bytes).expect("a vector takes it");
            drop(encoder);
            out
        }
        _ => zstd::encode_all(bytes, 3).expect("a vector takes it"),
    }
}

fn decode(coding: &str, bytes: &[u8], piece: usize, limits: Limits) -> Result<Vec<u8>, Failed> {
    let response = Response::new(200).with("content-encoding", coding);
    let mut decoder = Decoder::of(&response, limits)?.expect("it is coded");
    let mut out = Vec::new();
    let mut keep = |bytes: &[u8]| {
        out.extend_from_slice(bytes);
        Ok::<(), Failed>(())
    };
    for piece in bytes.chunks(piece) {
        decoder.feed(piece, &mut keep)?;
    }
    decoder.finish(&mut keep)?;
    Ok(out)
}

fn text() -> Vec<u8> {
    (0..20_000_u32)
        .flat_map(|number| format!("line {}\n", number.wrapping_mul(2_654_435_761)).into_bytes())
        .collect()
}

#[test]
fn each_coding_is_undone_however_its_bytes_are_cut() {
    for coding in ["gzip", "br", "zstd"] {
        let coded = encoded(coding, &text());
        for piece in [7, 4_096, coded.len()] {
            let out = decode(coding, &coded, piece, Limits::default());
            assert!(out == Ok(text()), "{coding} in pieces of {piece}");
        }
        assert_eq!(decode(coding, &[], 1, Limits::default()), Ok(Vec::new()));
        assert_eq!(decode(coding, &encoded(coding, b""), 1, Limits::default()), Ok(Vec::new()));
    }
    let twice = [encoded("gzip", b"one"), encoded("gzip", b"two")].concat();
    assert_eq!(decode("x-gzip", &twice, 5, Limits::default()), Ok(b"onetwo".to_vec()));
}

#[test]
fn what_is_cut_broken_or_unknown_is_no_body() {
    for coding in ["gzip", "br", "zstd"] {
        let coded = encoded(coding, &text());
        let cut = decode(coding, &coded[..coded.len() - 1], 999, Limits::default());
        assert_eq!(cut.expect_err("it is cut").cause, Cause::BadContentEncoding, "{coding}");
        let nonsense = decode(coding, b"<!doctype html><p>This is no coding at all.", 999, Limits::default());
        assert_eq!(nonsense.expect_err("it is none").cause, Cause::BadContentEncoding, "{coding}");
        for at in (0..coded.len()).step_by(coded.len() / 200 + 1) {
            let mut flipped = coded.clone();
            flipped[at] ^= 0x10;
            drop(decode(coding, &flipped, 999, Limits::default())); // Whatever it is, nothing panics.
        }
    }
    for coding in ["deflate", "gzip, br", "gzip,gzip", "compress", "\u{e9}"] {
        let failed = decode(coding, b"", 1, Limits::default()).expect_err("it is unknown");
        assert_eq!(failed.cause, Cause::BadContentEncoding, "{coding}");
    }
    let plain = Response::new(200).with("content-encoding", "Identity");
    assert!(matches!(Decoder::of(&plain, Limits::default()), Ok(None)));
}

#[test]
fn a_bomb_is_given_up_before_it_is_large() {
    let zeros = vec![0; 64 << 20];
    for coding in ["gzip", "br", "zstd"] {
        let bomb = encoded(coding, &zeros);
        let limits = Limits { ratio: 100, ..Limits::default() };
        let failed = decode(coding, &bomb, 16 << 10, limits).expect_err("it is a bomb");
        assert_eq!(failed.cause, Cause::FilesizeExceeded, "{coding}: {failed}");
    }
}

#[test]
fn each_limit_holds_where_one_more_would_pass_it() {
    let text = text();
    for coding in ["gzip", "br", "zstd"] {
        let coded = encoded(coding, &text);
        let len = text.len() as u64;
        let decode = |limits| decode(coding, &coded, 1_000, limits).is_ok();
        assert!(decode(Limits { body_bytes: len, ..Limits::default() }), "{coding}");
        assert!(!decode(Limits { body_bytes: len - 1, ..Limits::default() }), "{coding}");
        assert!(decode(Limits { free_bytes: len, ratio: 1, ..Limits::default() }), "{coding}");
        assert!(!decode(Limits { free_bytes: len - 1, ratio: 1, ..Limits::default() }), "{coding}");
        assert!(!decode(Limits { step_bytes: 64, ..Limits::default() }), "{coding}");
    }
}

#[test]
fn a_window_that_br_does_not_have_is_refused() {
    let mut params = brotli::enc::BrotliEncoderParams { quality: 2, lgwin: 28, ..Default::default() };
    params.large_window = true;
    let mut coded = Vec::new();
    brotli::BrotliCompress(&mut &text()[..], &mut coded, &params).expect("a vector takes it");
    for piece in [1, coded.len()] {
        let failed = decode("br", &coded, piece, Limits::default()).expect_err("it is another format");
        assert_eq!(failed.cause, Cause::BadContentEncoding);
    }
}
