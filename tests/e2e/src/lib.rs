//! What the end-to-end tests stand on: a server on threads of its own, and a client whose every byte is in the test's hand.

pub mod frames;
mod raw;
mod scratch;
mod server;

pub use raw::{Raw, Reading};
pub use scratch::Scratch;
pub use server::{Server, Setup, example};

use std::time::{Duration, Instant};

/// How long anything here may take before a test gives it up.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Asks until it is so.
///
/// # Panics
/// When it does not become so in time.
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
