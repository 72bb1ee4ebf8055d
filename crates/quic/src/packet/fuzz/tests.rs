use super::fuzz_packet;
use crate::packet::tests::shown;
use std::path::PathBuf;

/// The packets of the appendices under every door, each cut short and changed in places.
#[test]
fn the_packets_of_the_appendices_hold_under_every_door() {
    for row in shown() {
        for packet in [&row.client_initial, &row.server_initial, &row.retry] {
            for first in (0..=255u8).step_by(7) {
                let mut bytes = [&[first][..], packet].concat();
                fuzz_packet(&bytes);
                bytes[2 + usize::from(first) % 20] ^= first;
                fuzz_packet(&bytes);
                bytes.truncate(1 + usize::from(first) % packet.len());
                fuzz_packet(&bytes);
            }
        }
    }
}

#[test]
fn seeds_hold() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/quic_packet");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("the seeds are here") {
        fuzz_packet(&std::fs::read(entry.expect("an entry").path()).expect("a readable seed"));
        count += 1;
    }
    assert!(count >= 6);
}

#[test]
fn short_inputs_hold() {
    for first in (0..=255u8).step_by(5) {
        for len in 0..24 {
            fuzz_packet(&[&[first][..], &vec![first.wrapping_mul(7); len]].concat());
        }
    }
}
