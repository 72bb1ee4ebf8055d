//! What any bytes of a peer must leave intact in a handshake.

use super::Handshake;
use crate::{Answer, Flight, Level, client, server};
use sakigake_crypto::aws_lc;
use sakigake_wire::{Entropy, Instant};

/// Gives `bytes` to a client and to a server at the level that each one awaits, split as the first byte says. No panic;
/// what is held is bounded; after a fault nothing is sent and nothing is taken.
///
/// # Panics
/// When the invariant is broken.
pub fn fuzz_handshake(bytes: &[u8]) {
    let Some((split, bytes)) = bytes.split_first() else { return };
    let now = Instant::default();
    let mut flight = Flight::default();
    let config = client::Options::new(&aws_lc::PROVIDER).build().expect("the options are ours");
    let client = Handshake::client(config, "example.test", now, Box::new(Zeros), &mut flight);
    let mut options = server::Options::new(&aws_lc::PROVIDER);
    options.ask_certificate = true;
    let server = Handshake::server(options.build().expect("the options are ours"), now, Box::new(Zeros));
    for mut handshake in [client.expect("the name is ours"), server] {
        let mut has_failed = false;
        for piece in bytes.chunks(usize::from(*split) + 1) {
            let before = flight.steps.len();
            let result = handshake.handle(now, Level::Plain, piece, &mut flight);
            assert!(!has_failed || (result.is_ok() && flight.steps.len() == before), "a fault is the end");
            has_failed |= result.is_err();
            assert!(
                handshake.incoming.held()
                    <= handshake.limits.held_bytes.max(handshake.limits.handshake_message_bytes)
            );
        }
        if handshake.wanted().is_some() {
            assert!(handshake.answer(now, Answer::Certificate(None), &mut flight).is_err());
        }
    }
}

/// No entropy at all: the provider has its own.
struct Zeros;

impl Entropy for Zeros {
    fn fill(&mut self, out: &mut [u8]) {
        out.fill(0);
    }
}
