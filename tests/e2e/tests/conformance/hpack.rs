//! Header blocks that do not decode (RFC 7541): COMPRESSION_ERROR, and the connection ends.

use super::case::*;

/// A GET's pseudo-fields, then raw representations.
fn with(raw: &[u8]) -> Vec<u8> {
    let block = [&request("GET", "/index.html", &[])[..], raw].concat();
    frame(HEADERS, WHOLE, 1, &block)
}

#[test]
fn a_block_that_does_not_decode_ends_the_connection() {
    let (server, _site) = site();
    let broken = |section, what, raw: &[u8]| case(section, what, &[&with(raw)], GoAway(COMPRESSION));
    let first = |section, what, raw: &[u8]| {
        case(section, what, &[&frame(HEADERS, WHOLE, 1, raw)], GoAway(COMPRESSION))
    };
    check(
        &server,
        &[
            broken("7541-2.3.3", "an index behind both tables", &[0xff, 0x01]), // spec: 7541-2.3.3-a
            broken("7541-2.3.3", "the first behind them", &[0xbe]),
            broken("7541-2.3.3", "a name behind them, to be indexed", &[0x7e, 1, b'v']),
            broken("7541-2.3.3", "a name behind them", &[0x0f, 0x2f, 1, b'v']),
            broken("7541-2.3.3", "a name behind them, never to be indexed", &[0x1f, 0x2f, 1, b'v']),
            broken("7541-4.2", "a size update at the end", &[0x20]), // spec: 7541-4.2-b
            broken("7541-4.2", "a size update in the middle", &[0x3f, 0x61, 0x82]),
            broken(
                "7541-5.1",
                "an integer without end",
                &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            ), // spec: 7541-5.1-a
            broken("7541-5.1", "an integer cut off", &[0xff]),
            broken("7541-5.1", "a length beyond the block", &[0, 1, b'n', 0x7e]),
            broken("7541-5.1", "a huge length", &[0, 1, b'n', 0x7f, 0xff, 0xff, 0xff, 0x7f]),
            broken("7541-5.2", "padding of eight bits", &[0, 1, b'n', 0x82, 0x1f, 0xff]), // spec: 7541-5.2-b
            broken("7541-5.2", "padding of 24 bits", &[0, 1, b'n', 0x83, 0xff, 0xff, 0xff]),
            broken("7541-5.2", "padding of zeros", &[0, 1, b'n', 0x81, 0x18]), // spec: 7541-5.2-c
            broken("7541-5.2", "EOS", &[0, 1, b'n', 0x84, 0xff, 0xff, 0xff, 0xfc]), // spec: 7541-5.2-d
            broken("7541-5.2", "EOS behind a letter", &[0, 1, b'n', 0x85, 0x1f, 0xff, 0xff, 0xff, 0xff]),
            broken("7541-5.2", "a value cut off", &[0, 1, b'n', 2, b'v']),
            broken("7541-6.1", "index 0", &[0x80]), // spec: 7541-6.1-a
            first("7541-6.3", "a size above the setting", &[0x3f, 0xe2, 0x1f, 0x82]), // spec: 7541-6.3-a
            first("7541-6.3", "a huge size", &[0x3f, 0xff, 0xff, 0xff, 0x0f]),
            first(
                "7541-6.3",
                "a size of 2^62",
                &[0x3f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x3f],
            ),
        ],
    );
}

#[test]
fn every_representation_is_understood() {
    let (server, _site) = site();
    // www.saki.test in Huffman codes would be ours to encode: RFC 7541 section C.4.1 has www.example.com ready.
    let example = [0x8c, 0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff];
    let pseudo = [0x82, 0x87, 0x85];
    let authority = |form: &[u8]| [&pseudo[..], form, &example].concat();
    let plain = |form: &[u8]| [&pseudo[..], form, &[3], b"a.b"].concat();
    let sized = |updates: &[u8]| [updates, &plain(&[0x01])].concat();
    let whole = |block: &[u8]| frame(HEADERS, WHOLE, 1, block);
    let second = [&pseudo[..], &[0xbe]].concat();
    check(
        &server,
        &[
            case("7541-6.2.1", "a literal that is indexed", &[&whole(&plain(&[0x41]))], Accepted),
            case(
                "7541-6.2.1",
                "with a name of its own", // spec: 7541-2.3.2-a
                &[&whole(&[&plain(&[0x41])[..], &[0x40, 1, b'n', 1, b'v']].concat())],
                Accepted,
            ),
            case("7541-6.2.2", "a literal that is not indexed", &[&whole(&plain(&[0x01]))], Accepted),
            case("7541-6.2.3", "a literal that is never indexed", &[&whole(&plain(&[0x11]))], Accepted),
            case("7541-5.2", "Huffman codes", &[&whole(&authority(&[0x41]))], Accepted),
            case(
                "7541-6.1",
                "an entry of the table",
                &[&frame(HEADERS, WHOLE, 1, &plain(&[0x41])), &frame(HEADERS, WHOLE, 3, &second)],
                Accepted,
            ),
            case("7541-6.3", "a size of 0", &[&whole(&sized(&[0x20]))], Accepted),
            case("7541-6.3", "the largest size", &[&whole(&sized(&[0x3f, 0xe1, 0x1f]))], Accepted),
            case("7541-6.3", "two sizes", &[&whole(&sized(&[0x20, 0x3f, 0xe1, 0x1f]))], Accepted),
            case(
                "7541-4.3",
                "an entry that a size of 0 dropped",
                &[
                    &frame(HEADERS, WHOLE, 1, &plain(&[0x41])),
                    &frame(HEADERS, WHOLE, 3, &[&[0x20][..], &second].concat()),
                ],
                GoAway(COMPRESSION),
            ), // spec: 7541-4.3-a
            case(
                "7541-4.4",
                "an entry larger than the table",
                &[&whole(&[&[0x21][..], &plain(&[0x41])].concat())],
                Accepted,
            ), // spec: 7541-4.4-a
            case(
                "9113-4.3",
                "a block that is passed over counts for the table",
                &[
                    &post(1, &[]),
                    &frame(HEADERS, WHOLE, 1, &[0x40, 1, b'N', 1, b'v']),
                    &frame(HEADERS, WHOLE, 3, &[&pseudo[..], &[0x01, 3], b"a.b", &[0xbf]].concat()),
                ],
                GoAway(COMPRESSION),
            ),
            case(
                "9113-4.3",
                "of a refused stream too", // spec: 9113-4.3-c
                &[&get(1), &frame(HEADERS, WHOLE, 1, &plain(&[0x41])), &frame(HEADERS, WHOLE, 3, &second)],
                Rst(STREAM_CLOSED),
            ),
        ],
    );
}
