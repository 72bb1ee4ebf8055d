//! Messages of honest peers with random wounds: no panic, no loop, no handshake that ends well with another transcript.

use super::pair::{Counter, Pair, client_options, server_options};
use crate::{rules::NamedGroup, server};
use sakigake_wire::Entropy;

/// Changes `message` in one place: bits, bytes, lengths, pieces taken out, doubled or moved.
fn wound(message: &mut Vec<u8>, chance: &mut Counter) {
    let mut draw = |below: usize| {
        let mut bytes = [0; 4];
        chance.fill(&mut bytes);
        u32::from_be_bytes(bytes) as usize % below.max(1)
    };
    let (at, kind, value) = (draw(message.len()), draw(7), draw(256) as u8);
    let end = at + draw(message.len() - at).min(40);
    match kind {
        0 => message[at] ^= 1 << (value % 8),
        1 => message[at] = value,
        2 => drop(message.drain(at..end)),
        3 => message.insert(at, value),
        4 => {
            let piece = message[at..end].to_vec();
            let to = draw(message.len());
            message.splice(to..to, piece);
        }
        5 => message[at] = if value < 128 { 0xff } else { 0 },
        _ => message.truncate(at),
    }
    // Mostly the length is made to fit again, so that the wound is found by what reads the body.
    if message.len() >= 4 && draw(4) > 0 {
        let len = (message.len() - 4) as u32;
        message[1..4].copy_from_slice(&len.to_be_bytes()[1..]);
    }
}

#[test]
fn no_wound_of_any_message_is_survived_or_panics() {
    // More for whoever has the time: SAKIGAKE_WOUNDS=100000.
    let wounds =
        std::env::var_os("SAKIGAKE_WOUNDS").and_then(|text| text.to_str()?.parse().ok()).unwrap_or(600);
    for seed in 0..wounds {
        let mut chance = Counter(seed);
        let mut bytes = [0; 2];
        chance.fill(&mut bytes);
        let groups = if bytes[0] % 2 == 0 { vec![NamedGroup::SECP384R1.0] } else { Vec::new() };
        let mut pair = Pair::new(client_options(), server::Options { groups, ..server_options() });
        let (mut nth, target) = (0, usize::from(bytes[1] % 9));
        let mut is_changed = false;
        let result = pair.run_with(|_, _, message| {
            if nth == target {
                let original = message.clone();
                wound(message, &mut chance);
                is_changed = *message != original;
            }
            nth += 1;
        });
        let (client, server) = (pair.client.is_established(), pair.server.is_established());
        assert!(!(is_changed && client && server), "wound {seed}: {result:?}");
        assert!(is_changed || (client && server), "no wound {seed}: {result:?}");
    }
}
