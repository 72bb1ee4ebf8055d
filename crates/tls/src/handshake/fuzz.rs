//! What any bytes of a peer must leave intact in a handshake.

use super::Handshake;
use crate::{Answer, Flight, Level, Wanted, client, server};
use sakigake_crypto::aws_lc;
use sakigake_wire::{Entropy, Instant};

/// Gives `bytes` to a client and to a server at the level that each one awaits, split as the first byte says, and to the same over
/// QUIC. No panic; what is held is bounded; after a fault nothing is sent and nothing is taken.
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
    let server =
        Handshake::server(options.clone().build().expect("the options are ours"), now, Box::new(Zeros));
    let [quic_client, quic_server] = over_quic(now, options, &mut flight);
    for mut handshake in [client.expect("the name is ours"), server, quic_client, quic_server] {
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
        if matches!(handshake.wanted(), Some(Wanted::TransportParameters { .. })) {
            let answer = Answer::TransportParameters {
                parameters: vec![1],
                remembered: vec![2],
                takes_early_data: true,
            };
            // What is held, or missing in the ClientHello, is a fault of the client's.
            has_failed = handshake.answer(now, answer, &mut flight).is_err();
            assert!(!has_failed || handshake.wanted().is_none(), "a fault is the end");
        }
        if handshake.wanted().is_some() {
            assert!(handshake.answer(now, Answer::Certificate(None), &mut flight).is_err());
        }
    }
}

/// A client and a server over QUIC, of one protocol.
fn over_quic(now: Instant, server: server::Options, flight: &mut Flight) -> [Handshake; 2] {
    let alpn = vec![b"h3".to_vec()];
    let client = client::Options { alpn: alpn.clone(), ..client::Options::new(&aws_lc::PROVIDER) };
    let (config, parameters) = (client.build().expect("the options are ours"), vec![0]);
    let entropy = Box::new(Zeros);
    let client = Handshake::quic_client(config, "example.test", None, parameters, now, entropy, flight);
    let config = server::Options { alpn, ..server }.build().expect("the options are ours");
    [client.expect("the name is ours"), Handshake::quic_server(config, now, Box::new(Zeros))]
}

/// No entropy at all: the provider has its own.
struct Zeros;

impl Entropy for Zeros {
    fn fill(&mut self, out: &mut [u8]) {
        out.fill(0);
    }
}
