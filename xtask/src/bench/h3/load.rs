//! One run of our own load generator.

use crate::bench::{
    report::Loaded,
    servers::{CLIENT_CORE, Place, Running},
    usage,
};
use std::process::Command;

/// The server's, and that of the generator.
const BOTH_CORES: &str = "0,1";

/// What every server agrees on, so that none has more to compute than another.
const AGREED: &str = "TLS_AES_128_GCM_SHA256, x25519, ";

/// What is asked, by how many.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    pub(super) file: &'static str,
    /// The file's size.
    pub(super) bytes: usize,
    pub(super) connections: usize,
    /// At a time on each connection.
    pub(super) streams: usize,
    pub(super) requests: usize,
    /// Whether each request has a connection of its own, and it is these that count.
    pub(super) is_handshake: bool,
}

impl Load {
    pub(super) fn name(&self) -> String {
        match self.is_handshake {
            true => "handshakes".into(),
            false => format!("{}-{}x{}", self.file, self.connections, self.streams),
        }
    }

    /// So many requests as take some `seconds`, by a short load that fills the caches too.
    pub(super) fn fitting(self, running: &Running, place: &Place, seconds: f64) -> Result<Self, String> {
        if self.is_handshake {
            self.run(running, place)?;
            return Ok(self);
        }
        let requests = (self.connections * 20).max(32 * 1024 * 1024 / (self.bytes + 16 * 1024));
        let probe = Self { requests, ..self };
        let took = probe.run(running, place)?.wall_s.max(1e-3);
        let fitting = (requests as f64 * seconds / took) as usize;
        Ok(Self { requests: fitting.max(self.connections * self.streams), ..self })
    }

    /// Loads who listens, and reads what its processes used meanwhile.
    pub(super) fn run(&self, running: &Running, place: &Place) -> Result<Loaded, String> {
        let before = running.cpu()?;
        let mut loaded = self.request(&running.address(), place)?;
        let took = usage::cpu_since(&before, &running.cpu()?);
        let took = took.map_err(|why| format!("{}: {why}", running.name))?;
        loaded.cpu_us = took.as_secs_f64() * 1e6 / self.requests as f64;
        Ok(loaded)
    }

    fn request(&self, address: &str, place: &Place) -> Result<Loaded, String> {
        // A client's handshake takes more than a server's: on one core the generator, not the server, would say how many there are.
        let (cores, threads) = if self.is_handshake { (BOTH_CORES, "2") } else { (CLIENT_CORE, "1") };
        let mut command = Command::new("taskset");
        command.args(["-c", cores]).arg(place.ours.join("sakigake"));
        command.args(["bench", "--http3", "--groups", "x25519", "--insecure", "--json"]);
        command.args(["-t", threads, "-n", &self.requests.to_string()]);
        command.args(["-c", &self.connections.to_string(), "-m", &self.streams.to_string()]);
        let (host, port) = address.rsplit_once(':').ok_or("an address without a port")?;
        command.args(["--resolve", &format!("localhost:{port}:{host}")]);
        command.arg(format!("https://localhost:{port}/{}", self.file));
        let output = command.output().map_err(|error| format!("sakigake bench: {error}"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        read(&text, self.requests, self.bytes).map_err(|why| {
            format!("{}: {why}\n{text}{}", self.name(), String::from_utf8_lossy(&output.stderr))
        })
    }
}

/// Reads what the generator closed with. Every request must have been answered whole, with success.
pub(super) fn read(text: &str, requests: usize, bytes: usize) -> Result<Loaded, String> {
    if number(text, "succeeded") != Some(requests as f64) {
        return Err("not every request was answered with success".into());
    }
    if number(text, "body_bytes") != Some((requests * bytes) as f64) {
        return Err("other bytes came than were asked for".into());
    }
    if !text.contains(AGREED) {
        return Err(format!("other keys than all others have: expected {AGREED}"));
    }
    let wall_s = number(text, "seconds").ok_or("no duration")?;
    let requests_a_second = number(text, "requests_a_second").ok_or("no rate")?;
    Ok(Loaded { wall_s, requests_a_second, cpu_us: 0.0 })
}

/// The number of a key that stands once in a flat object.
fn number(text: &str, key: &str) -> Option<f64> {
    let (_, rest) = text.split_once(&format!("\"{key}\":"))?;
    rest.split([',', '}']).next()?.parse().ok()
}

/// Whether a server answers over HTTP/3.
pub(super) fn answers(place: &Place, address: &str) -> bool {
    let one =
        Load { file: "1k", bytes: 1 << 10, connections: 1, streams: 1, requests: 1, is_handshake: true };
    one.request(address, place).is_ok()
}
