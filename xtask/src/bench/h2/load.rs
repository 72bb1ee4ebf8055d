//! One run of h2load.

use crate::bench::{report::Loaded, servers::CLIENT_CORE};
use std::process::Command;

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
}

impl Load {
    pub(super) fn name(&self) -> String {
        format!("{}-{}x{}", self.file, self.connections, self.streams)
    }

    /// Enough to tell the speed, in a tenth of a second at most.
    pub(super) fn probe_requests(&self) -> usize {
        (self.connections * 20).max(64 * 1024 * 1024 / (self.bytes + 16 * 1024))
    }

    /// Loads who listens at `address`. What fails there is an error here; the CPU time is the caller's to read.
    pub(super) fn request(&self, address: &str) -> Result<Loaded, String> {
        let mut command = Command::new("taskset");
        command.args(["-c", CLIENT_CORE, "h2load", "--tls13-ciphers=TLS_AES_128_GCM_SHA256", "-n"]);
        command.arg(self.requests.to_string());
        command.args(["-c", &self.connections.to_string(), "-m", &self.streams.to_string()]);
        command.arg(format!("https://{address}/{}", self.file));
        let output = command.output().map_err(|error| format!("h2load: {error}"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        read(&text, self.requests).map_err(|why| {
            format!("{}: {why}\n{text}{}", self.name(), String::from_utf8_lossy(&output.stderr))
        })
    }
}

/// Reads what h2load closed with. Every request must have been answered with 2xx, under the one cipher suite.
pub(super) fn read(text: &str, requests: usize) -> Result<Loaded, String> {
    let line = |start: &str| text.lines().find_map(|line| line.trim().strip_prefix(start));
    for (start, wanted) in [("TLS Protocol: ", "TLSv1.3"), ("Cipher: ", "TLS_AES_128_GCM_SHA256")] {
        if line(start) != Some(wanted) {
            return Err(format!("{start}is not {wanted}"));
        }
    }
    if line("status codes: ").and_then(|codes| codes.split(' ').next()) != Some(&requests.to_string()) {
        return Err("not every request was answered with 2xx".into());
    }
    let finished = line("finished in ").ok_or("it did not finish")?;
    let mut parts = finished.split(", ");
    let wall_s = parts.next().and_then(seconds).ok_or("no duration")?;
    let rate = parts.next().and_then(|part| part.strip_suffix(" req/s")?.parse().ok());
    Ok(Loaded { wall_s, requests_a_second: rate.ok_or("no rate")?, cpu_us: 0.0 })
}

/// `1.34s`, `512.06ms`, `88us`.
fn seconds(text: &str) -> Option<f64> {
    for (unit, scale) in [("us", 1e-6), ("ms", 1e-3), ("s", 1.0)] {
        if let Some(number) = text.strip_suffix(unit) {
            return number.parse::<f64>().ok().map(|number| number * scale);
        }
    }
    None
}
