//! What any bytes of a peer must leave intact in a connection.

mod plan;
mod play;
mod puppet;
mod told;
mod toy;

pub use play::{fuzz_client_sequence, fuzz_server_sequence};
pub use toy::{TOY_HOST, toys};

use super::{Connection, MIN_OUT_BYTES};
use crate::{client, server};
use sakigake_crypto::aws_lc;
use sakigake_wire::{Entropy, Instant};
use std::sync::{Arc, LazyLock};

static CLIENT: LazyLock<Arc<client::Config>> =
    LazyLock::new(|| client::Options::new(&aws_lc::PROVIDER).build().expect("the options are ours"));

static SERVER: LazyLock<Arc<server::Config>> = LazyLock::new(|| {
    let mut options = server::Options::new(&aws_lc::PROVIDER);
    options.ask_certificate = true;
    options.build().expect("the options are ours")
});

/// Gives `bytes` to a client and to a server, split as the first byte says: no panic, what is held is bounded, and a
/// fault is told once and leaves one alert.
///
/// # Panics
/// When the invariant is broken.
pub fn fuzz_connection(bytes: &[u8]) {
    let Some((split, bytes)) = bytes.split_first() else { return };
    let now = Instant::default();
    let entropy = || Box::new(Zeros);
    let client =
        Connection::client(CLIENT.clone(), "example.test", now, entropy()).expect("the name is ours");
    let server = Connection::server(SERVER.clone(), now, entropy());
    for mut connection in [client, server] {
        drain(&mut connection, now);
        let mut faults = 0;
        for piece in bytes.chunks(usize::from(*split) + 1) {
            faults += usize::from(connection.handle(now, &mut piece.to_vec(), &mut |_| {}).is_err());
            assert!(
                connection.pending.len()
                    <= connection.limits.held_bytes.max(crate::record::MAX_PROTECTED_BYTES + 5)
            );
            if faults == 0 {
                drain(&mut connection, now);
            }
        }
        assert_eq!(faults, usize::from(connection.fault.is_some()));
        if faults == 1 {
            assert!(
                drain(&mut connection, now) <= 2 * MIN_OUT_BYTES,
                "an alert, or the two of a cancellation"
            );
            assert!(connection.is_closed());
        }
    }
}

fn drain(connection: &mut Connection, now: Instant) -> usize {
    let (mut out, mut bytes) = ([0; 4_096], 0);
    while let Some(len) = connection.transmit(now, &mut out) {
        bytes += len;
    }
    bytes
}

/// No entropy at all: the provider has its own.
struct Zeros;

impl Entropy for Zeros {
    fn fill(&mut self, out: &mut [u8]) {
        out.fill(0);
    }
}

#[cfg(test)]
mod tests;
