//! What the end-to-end tests stand on: a server on threads of its own, and a client whose every byte is in the test's hand.

pub mod frames;
mod raw;
mod scratch;
mod server;

pub use raw::{Raw, Reading};
pub use scratch::Scratch;
pub use server::{MakeSigner, Server, Setup, example};

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

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

/// Asks a plaintext address for one thing, and gives all that it said before it closed.
///
/// # Panics
/// When nobody listens, or nothing comes in time.
pub fn ask_plainly(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    stream.write_all(request.as_bytes()).expect("it takes it");
    let mut heard = String::new();
    stream.read_to_string(&mut heard).expect("it answers and closes");
    heard
}
