use super::*;
use crate::{CrossOrigin, Destination, fuzz};

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn sample() -> Vec<Hint> {
    let font = Hint::new("https://example.com/font.woff2", Destination::Font);
    let script = Hint::new("https://example.com/app.js", Destination::Script);
    let digest = "sha384-oqVuAfXRKap7fdgcCY5uykM6+R9GqQ8K/uxy9rx7HNQlGYl1kPzQho1wx4JwY8wC";
    vec![
        Hint::new("https://example.com/app.css", Destination::Style),
        Hint { content_type: Some("font/woff2".into()), crossorigin: Some(CrossOrigin::Anonymous), ..font },
        Hint { integrity: Some(digest.into()), ..script },
    ]
}

/// The sample as another encoder (Python's hpack 4.2) writes its strings, in literals without indexing: `0f 1e` names
/// entry 45, `link`.
const SAMPLE: &str = "
    0f1e a8 fff93a535a2e30c17c8e9ae82ae43d2c0ebad72211ff7f6a585a20aec2d071c9f6a0d10213ea82ff
    0f1e c1 fff93a535a2e30c17c8e9ae82ae43d2c4a7a92bf83cb28bfefed4b0b4415d85a0e393ed41a2094f527ed44faacb07f329ea4
            b1e0f2ca2fe7ed42587420f61a6355
    0f1e ec fff93a535a2e30c17c8e9ae82ae43d2c0ebad7e88ffbfb52c2d1057616838e4fb50688104b0d5a7ed435492cd6193ea0fe51
            38d979a58fdb8db0cbf9b730eb76592625ee6ddbebae873fded7f176d8f6662df3e9fb3cbb8f4eca3173a03d75fbd939c3e3
            cb597c737bc5efe7";

/// Another encoder's block: `:status: 103`, a style, `server: x`, and one line of a preconnect, a path alone, and a script
/// with a nonce; never indexed, without Huffman codes.
const FOREIGN: &str = "
    18 03 313033
    1f1e 34 3c68747470733a2f2f6578616d706c652e636f6d2f6170702e6373733e3b2072656c3d7072656c6f61643b2061733d7374796c65
    1f27 01 78
    1f1e 7f12 3c68747470733a2f2f6578616d706c652e636f6d2f3e3b2072656c3d707265636f6e6e6563742c203c2f612e6373733e3b2072
              656c3d7072656c6f61643b2061733d7374796c652c203c68747470733a2f2f6578616d706c652e636f6d2f622e6a733e3b2072
              656c3d226e6f666f6c6c6f77207072656c6f6164223b2061733d7363726970743b206e6f6e63653d616263";

const ALL: Budget = Budget { hints: 16, block_bytes: 2_048 };

#[test]
fn a_block_is_these_bytes() {
    let (block, count) = write(&sample(), ALL);
    assert_eq!((block.clone(), count), (hex(SAMPLE), 3));
    assert_eq!(read(&block, Limits::default()), Ok(Reading { hints: sample(), ..Reading::default() }));
}

#[test]
fn another_encoders_block_is_read() {
    // spec: preload-2-c
    let reading = read(&hex(FOREIGN), Limits::default()).unwrap();
    assert_eq!(reading.hints, sample()[..1]);
    assert_eq!(reading.dropped, [Dropped::OtherRelation, Dropped::Url, Dropped::Nonce]);
}

#[test]
fn a_block_stays_within_its_budget() {
    // spec: preload-profile-5-a
    let (whole, _) = write(&sample(), ALL);
    let ends = [43, 43 + 68, whole.len()];
    for (block_bytes, count) in [(42, 0), (43, 1), (110, 1), (111, 2), (whole.len() - 1, 2), (whole.len(), 3)]
    {
        let (block, written) = write(&sample(), Budget { hints: 16, block_bytes });
        assert_eq!((written, block.len()), (count, if count == 0 { 0 } else { ends[count - 1] }));
        assert!(whole.starts_with(&block));
    }
    assert_eq!(write(&sample(), Budget { hints: 2, block_bytes: 2_048 }).1, 2);
    let many = vec![sample()[0].clone(); 17];
    assert_eq!(write(&many, Budget::default()).1, 16);
}

#[test]
fn a_block_that_is_too_much_is_ignored() {
    // spec: preload-2.2-c
    let block = hex(SAMPLE);
    let limits = |block_bytes, list_bytes, hints| Limits { block_bytes, list_bytes, hints };
    assert_eq!(read(&block, limits(block.len() - 1, 65_536, 32)), Err(Ignored::TooLong));
    assert_eq!(read(&block, limits(block.len(), 100, 32)), Err(Ignored::TooLarge));
    let reading = read(&block, limits(block.len(), 65_536, 2)).unwrap();
    assert_eq!((reading.hints.len(), reading.beyond), (2, 1));
}

#[test]
fn a_block_that_does_not_decode_is_ignored() {
    // spec: preload-2.2-d
    for (block, fault) in [
        // Another encoder's usual line, which enters the dynamic table.
        (
            "6d a8 fff93a535a2e30c17c8e9ae82ae43d2c0ebad72211ff7f6a585a20aec2d071c9f6a0d10213ea82ff",
            hpack::Fault::StaticInsertion,
        ),
        ("be", hpack::Fault::StaticReference(62)),
        ("20", hpack::Fault::StaticSizeUpdate),
        ("0f1e a8 ff", hpack::Fault::Truncated),
    ] {
        assert_eq!(read(&hex(block), Limits::default()), Err(Ignored::Undecodable(fault)), "{block}");
    }
    assert_eq!(read(&[], Limits::default()), Ok(Reading::default()));
}

#[test]
fn a_malformed_value_keeps_what_stood_before_it() {
    let mut block = Vec::new();
    let value = b"<https://a.example/a.css>; rel=preload; as=style, <b";
    hpack::encode_static(core::iter::once(FieldLine::new(b"link", value)), &mut block);
    let reading = read(&block, Limits::default()).unwrap();
    assert_eq!((reading.hints.len(), reading.dropped), (1, vec![Dropped::Malformed(link::Fault::Target)]));
}

#[test]
fn no_bit_flip_panics() {
    for sample in [hex(SAMPLE), hex(FOREIGN)] {
        for at in 0..sample.len() * 8 {
            let mut flipped = sample.clone();
            flipped[at / 8] ^= 1 << (at % 8);
            fuzz::fuzz_block(&flipped);
            fuzz::fuzz_block(&sample[..at / 8]);
        }
    }
}
