//! HTTP/3 by quiche, either way, on loopback:
//!
//! `quiche-h3 client CA HOST PORT FOLDER` loads HOST's document, then all files of FOLDER at once, and holds them against FOLDER. It prints how
//! many came, and the statuses that came for the document.
//!
//! `quiche-h3 server CHAIN KEY PORT FOLDER` serves FOLDER. A navigation is told of its style sheets in a 103.

mod client;
mod server;

use boring::rand::rand_bytes;
use ends::Outcome;
use quiche::{Config, Connection, Error, PROTOCOL_VERSION, h3};
use std::{
    env, fs, io,
    net::{SocketAddr, UdpSocket},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

/// The length of our connection IDs.
const ID_BYTES: usize = 16;
const DATAGRAM_BYTES: usize = 1350;
const WINDOW: u64 = 1 << 20;
const STREAMS: u64 = 100;
const IDLE_MS: u64 = 30_000;

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let outcome = match words[..] {
        ["client", ca, host, port, folder] => client::load(ca, host, port, Path::new(folder)),
        ["server", chain, key, port, folder] => server::serve(chain, key, port, folder.into()),
        _ => Err("quiche-h3 client CA HOST PORT FOLDER, or quiche-h3 server CHAIN KEY PORT FOLDER".into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn config() -> Outcome<Config> {
    let mut config = Config::new(PROTOCOL_VERSION)?;
    config.set_application_protos(h3::APPLICATION_PROTOCOL)?;
    config.set_max_idle_timeout(IDLE_MS);
    config.set_max_recv_udp_payload_size(DATAGRAM_BYTES);
    config.set_max_send_udp_payload_size(DATAGRAM_BYTES);
    config.set_initial_max_data(16 * WINDOW);
    config.set_initial_max_stream_data_bidi_local(WINDOW);
    config.set_initial_max_stream_data_bidi_remote(WINDOW);
    config.set_initial_max_stream_data_uni(WINDOW);
    config.set_initial_max_streams_bidi(STREAMS);
    config.set_initial_max_streams_uni(STREAMS);
    Ok(config)
}

fn draw_id() -> Outcome<[u8; ID_BYTES]> {
    let mut id = [0; ID_BYTES];
    rand_bytes(&mut id)?;
    Ok(id)
}

/// Sends all that the connection has to say now.
fn flush(quic: &mut Connection, socket: &UdpSocket) -> Outcome {
    let mut out = [0; DATAGRAM_BYTES];
    loop {
        match quic.send(&mut out) {
            Ok((len, info)) => socket.send_to(&out[..len], info.to)?,
            Err(Error::Done) => return Ok(()),
            Err(why) => return Err(why.into()),
        };
    }
}

/// What comes until then: its length, and from whom.
fn hear(
    socket: &UdpSocket,
    patience: Option<Duration>,
    place: &mut [u8],
) -> Outcome<Option<(usize, SocketAddr)>> {
    socket.set_read_timeout(patience.map(|patience| patience.max(Duration::from_millis(1))))?;
    match socket.recv_from(place) {
        Ok(heard) => Ok(Some(heard)),
        Err(why) if [io::ErrorKind::WouldBlock, io::ErrorKind::TimedOut].contains(&why.kind()) => Ok(None),
        Err(why) => Err(why.into()),
    }
}

/// All files of a folder, and of those in it.
fn files(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { found.extend(files(&path)?) } else { found.push(path) }
    }
    Ok(found)
}

/// A file's path as it is requested.
fn path_of(file: &Path, folder: &Path) -> Outcome<String> {
    Ok(format!("/{}", file.strip_prefix(folder)?.to_string_lossy()))
}
