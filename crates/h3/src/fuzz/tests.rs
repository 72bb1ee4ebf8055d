use super::*;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// An act of a play: its number, the stream's place, and bytes.
fn act(act: u8, stream: u8, bytes: &str) -> Vec<u8> {
    let bytes = hex(bytes);
    [&[act << 3 | stream, bytes.len() as u8][..], &bytes].concat()
}

const GET: &str = "01 08 0000 d1 d7 c1 50 01 61";
const OK: &str = "01 03 0000 d9";

/// One of everything, so that flipped bits reach every arm.
fn plays(client: bool) -> Vec<u8> {
    let control = if client {
        "07 01 08 40f0 01 00 0c 04 0002 6161"
    } else {
        "0d 01 08 800f0700 04 00 753d31 07 01 00"
    };
    let section = if client { OK } else { GET };
    let late = if client { "01 05 0200 d9 80 00" } else { "01 09 0200 d1 d7 c1 50 01 61 80 00 01 61" };
    let tunnel = "01350000cf2f00b95d8749c87a3f87f058d072752a7fd750841ae92a13518460938d3f2f084148b782c68393a952\
                  b772d8831eaf0231330007810568656c6c6f";
    [
        act(0, 4, "00 04 0c 01 5000 07 10 06 40ff 08 01 33 01 21 00"),
        act(0, 4, control),
        act(6, 0, "04 0000"),
        act(6, 0, "07"),
        act(7, 7, ""),
        act(0, 0, &format!("{section} 00 05 6161616161 21 00")),
        act(3, 1, late),
        act(0, 5, "02 3f e1 1f 43 782d61 01 31"),
        act(0, 2, tunnel),
        act(5, 0, "02 01"),
        act(6, 2, "05"),
        act(0, 6, "03"),
        act(0, 7, "40 21 6161"),
        act(6, 1, "01"),
        act(7, 0, ""),
        act(3, 0, "01 02 0000"),
        act(7, 3, ""),
        act(4, 2, "0c"),
        act(4, 3, ""),
        act(6, 3, "08"),
        act(6, 0, "02"),
        act(6, 0, "00"),
        act(7, 7, ""),
    ]
    .concat()
}

#[test]
fn no_flipped_bit_and_no_cut_harms_either_end() {
    for habit in [0x00_u8, 0x01, 0x06, 0x07, 0x0b, 0x1a, 0x2e, 0x3d] {
        let input = [&[habit][..], &plays(habit & 1 != 0)].concat();
        fuzz_connection(&input);
        for bit in 8..input.len() * 8 {
            let mut flipped = input.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            fuzz_connection(&flipped);
        }
        for cut in 0..input.len() {
            fuzz_connection(&input[..cut]);
        }
    }
}

#[test]
fn acts_in_any_order_harm_neither_end() {
    let mut chance = Plain(7);
    let mut draw = |below: usize| {
        let mut bytes = [0; 4];
        chance.fill(&mut bytes);
        u32::from_be_bytes(bytes) as usize % below
    };
    let fragments = [
        GET,
        OK,
        "00 04 00",
        "00 01 61",
        "00 00",
        "21 02 6161",
        "40f0 01 00",
        "0d 01 05",
        "07 01 04",
        "02",
        "03",
        "04 00",
        "3f e1 1f 43 782d61 01 31",
        "01 09 0200 d1 d7 c1 50 01 61 80",
        "800f0700 02 00 69",
        "81",
        "c0",
        "0c 00",
        "00",
        "05",
    ];
    for _ in 0..4_000 {
        let mut input = vec![draw(64) as u8];
        for _ in 0..draw(40) {
            input.extend(act(draw(8) as u8, draw(8) as u8, fragments[draw(fragments.len())]));
        }
        fuzz_connection(&input);
    }
}

#[test]
fn the_seeds_harm_neither_end() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/h3_connection");
    let mut count = 0;
    for seed in std::fs::read_dir(folder).expect("the seeds are part of the repository") {
        fuzz_connection(&std::fs::read(seed.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count >= 8, "{count} seeds");
}
