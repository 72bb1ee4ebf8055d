use super::*;

/// One of everything, so that flipped bits reach every arm.
fn sample(client: bool) -> Vec<u8> {
    let frame = |kind: u8, flags: u8, stream: u32, payload: &[u8]| {
        [&FrameHead::new(kind, flags, stream, payload.len()).bytes()[..], payload].concat()
    };
    let block: &[u8] =
        if client { &[0x88] } else { &[0x83, 0x87, 0x84, 0x41, 0x01, b'a', 0x40, 1, b'n', 1, b'v'] };
    [
        frame(kind::SETTINGS, 1, 0, &[]),
        frame(kind::SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 9, 0, 1, 0, 0, 0, 0]),
        frame(kind::HEADERS, 0, 1, &block[..1]),
        frame(kind::CONTINUATION, 4, 1, &block[1..]),
        frame(kind::DATA, 8, 1, &[1, b'x', b'y', 0]),
        frame(kind::WINDOW_UPDATE, 0, 1, &[0, 0, 1, 0]),
        frame(kind::WINDOW_UPDATE, 0, 0, &[0, 0, 1, 0]),
        frame(kind::PRIORITY, 0, 1, &[0; 5]),
        frame(kind::PING, 0, 0, &[7; 8]),
        frame(kind::HEADERS, 0x2d, 3, &[&[1, 0, 0, 0, 0, 0][..], block, &[0]].concat()),
        frame(0xf0, 0, 0, &[0x82]),
        frame(kind::ORIGIN, 0, 0, b"\0\x09https://a"),
        frame(kind::PRIORITY_UPDATE, 0, 0, &[0, 0, 0, 1, b'u', b'=', b'1']),
        frame(kind::DATA, 1, 1, b"end"),
        frame(kind::RST_STREAM, 0, 3, &[0, 0, 0, 8]),
        frame(kind::GOAWAY, 0, 0, &[0; 8]),
    ]
    .concat()
}

#[test]
fn no_flipped_bit_and_no_cut_harms_either_end() {
    for (client, body) in [(true, fuzz_client as fn(&[u8])), (false, fuzz_server)] {
        let whole = sample(client);
        for habit in [0x00_u8, 0x21, 0x4f, 0x92, 0x7f, 0xff] {
            let input = [&[habit][..], &whole].concat();
            body(&input);
            for bit in 8..input.len() * 8 {
                let mut flipped = input.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                body(&flipped);
            }
            for cut in 0..input.len() {
                body(&input[..cut]);
            }
        }
    }
}

#[test]
fn frames_in_any_order_harm_neither_end() {
    // A plain linear generator: the same orders on every machine.
    let mut state = 1_u64;
    let mut draw = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for _ in 0..3_000 {
        let mut input = vec![draw(256) as u8];
        for _ in 0..draw(24) {
            let payload: Vec<u8> =
                (0..draw(20)).map(|_| [0, 1, 0x82, 0x84, 0x87, 0x88, 0xff][draw(7)]).collect();
            let kinds = [0, 1, 1, 1, 2, 3, 4, 5, 6, 7, 8, 8, 9, 0x10, 0xf0, 0x33];
            let fitting = [payload.len(), 4, 5, 6, 8];
            let length = fitting[draw(5)];
            let mut payload = payload;
            payload.resize(length, 0);
            let head =
                FrameHead::new(kinds[draw(16)], [0, 1, 4, 5, 8, 0x2d][draw(6)], draw(6) as u32, length);
            input.extend_from_slice(&head.bytes());
            input.extend_from_slice(&payload);
        }
        fuzz_server(&input);
        fuzz_client(&input);
        fuzz_trace(&input);
    }
}
