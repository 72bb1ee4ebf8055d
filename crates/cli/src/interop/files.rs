//! Answers requests with files: the server's side of a connection.

use crate::watch::Watch;
use core::task::{Context, Poll};
use sakigake_net::quic::{Application, Connection, Event};
use sakigake_quic::streams::{Chunk, Heard, Refused, StreamId};
use sakigake_wire::Instant;
use std::{
    collections::{BTreeMap, VecDeque},
    fs::File,
    io::{self, Read},
    path::{Component, Path, PathBuf},
    rc::Rc,
};

/// The longest request, in bytes.
const REQUEST_BYTES: usize = 4_096;
/// What is read of a file at a time.
const PIECE_BYTES: usize = 64 << 10;
/// Pieces that are read before what was read leaves.
const PIECES_A_TURN: usize = 4;
/// The code that streams are reset with: the protocol has none of its own.
const REFUSED: u64 = 1;

/// One client.
pub(super) struct Files {
    folder: Rc<Path>,
    watch: Watch,
    streams: BTreeMap<StreamId, Stream>,
    /// Streams to go on with.
    ready: VecDeque<StreamId>,
    /// What was heard of each and is to be given back as credit.
    heard: Vec<(StreamId, u64)>,
}

enum Stream {
    /// As much of the request as has come.
    Asking(Vec<u8>),
    /// The request is whole.
    Asked(Vec<u8>),
    Answering(File),
    /// Nothing can be answered to what came.
    Wrong,
}

impl Files {
    pub(super) fn new(folder: Rc<Path>, watch: Watch) -> Self {
        let (streams, ready, heard) = (BTreeMap::new(), VecDeque::new(), Vec::new());
        Self { folder, watch, streams, ready, heard }
    }

    fn hear(&mut self, event: &Heard<'_>) {
        match *event {
            Heard::Data { id, bytes } => {
                self.heard.push((id, bytes.len() as u64));
                let stream = self.streams.entry(id).or_insert_with(|| Stream::Asking(Vec::new()));
                if let Stream::Asking(request) = stream {
                    if request.len() + bytes.len() <= REQUEST_BYTES {
                        return request.extend_from_slice(bytes);
                    }
                    *stream = Stream::Wrong;
                    self.ready.push_back(id);
                }
            }
            Heard::Finished { id } => {
                let stream = self.streams.entry(id).or_insert_with(|| Stream::Asking(Vec::new()));
                if let Stream::Asking(request) = stream {
                    *stream = Stream::Asked(core::mem::take(request));
                    self.ready.push_back(id);
                }
            }
            // Nobody waits for an answer any more.
            Heard::Reset { id, .. } | Heard::Stopped { id, .. } => drop(self.streams.remove(&id)),
            _ => {}
        }
    }

    /// Goes on with one stream; whether it can go on at once.
    fn go_on(&mut self, id: StreamId, connection: &mut Connection) -> Result<bool, Stuck> {
        let Some(stream) = self.streams.get_mut(&id) else { return Ok(false) };
        let file = match stream {
            Stream::Asking(_) => return Ok(false),
            Stream::Wrong => return Err(Stuck::Refuse),
            Stream::Asked(request) => {
                let path = path(request).ok_or(Stuck::Refuse)?;
                let file = File::open(self.folder.join(path))?;
                if !file.metadata()?.is_file() {
                    return Err(Stuck::Refuse);
                }
                *stream = Stream::Answering(file);
                return Ok(true);
            }
            Stream::Answering(file) => file,
        };
        let room = match connection.room(id) {
            Ok(room) => usize::try_from(room).unwrap_or(usize::MAX).min(PIECE_BYTES),
            Err(Refused::Full) => return Ok(false), // `Event::Writable` tells when it goes on.
            Err(_) => return Err(Stuck::Gone),
        };
        let mut piece = vec![0; room];
        // It lies in the system's memory or on a disk of this machine: the worker can wait for as much.
        let len = file.read(&mut piece)?;
        if len == 0 {
            connection.finish(id).map_err(|_| Stuck::Gone)?;
            return Err(Stuck::Gone);
        }
        piece.truncate(len);
        connection.write(id, Chunk::Owned(piece)).map_err(|_| Stuck::Gone)?;
        Ok(true)
    }
}

/// Why a stream goes on no more.
enum Stuck {
    /// It is finished, or somebody has ended it.
    Gone,
    /// There is no such file.
    Refuse,
}

impl From<io::Error> for Stuck {
    fn from(_: io::Error) -> Self {
        Self::Refuse
    }
}

impl Application for Files {
    fn begun(&mut self, now: Instant, connection: &mut Connection) {
        self.watch.begun(now, connection);
    }

    fn heard(&mut self, _: Instant, event: Event<'_>) {
        self.watch.heard(&event);
        match event {
            Event::Stream(heard) => self.hear(&heard),
            Event::Writable(id) => self.ready.push_back(id),
            _ => {}
        }
    }

    fn act(&mut self, _: Instant, connection: &mut Connection) {
        self.watch.look(connection);
        self.heard.drain(..).for_each(|(id, bytes)| connection.consume(id, bytes));
        while let Some(id) = connection.next_writable() {
            self.ready.push_back(id);
        }
        let mut pieces = PIECES_A_TURN;
        for _ in 0..self.ready.len() {
            if pieces == 0 {
                return; // What was read leaves first.
            }
            let Some(id) = self.ready.pop_front() else { return };
            match self.go_on(id, connection) {
                Ok(true) => {
                    pieces -= 1;
                    self.ready.push_back(id);
                }
                Ok(false) => {}
                Err(stuck) => {
                    self.streams.remove(&id);
                    if let Stuck::Refuse = stuck {
                        connection.stop(id, REFUSED);
                        // Where the client has ended it meanwhile there is nothing to refuse.
                        let _ = connection.reset(id, REFUSED);
                    }
                }
            }
        }
    }

    fn poll_wake(&mut self, _: &mut Context<'_>) -> Poll<()> {
        if self.ready.is_empty() { Poll::Pending } else { Poll::Ready(()) }
    }
}

/// The file that a request names, below the folder and never above it.
fn path(request: &[u8]) -> Option<PathBuf> {
    let request = core::str::from_utf8(request).ok()?;
    let request = request.strip_suffix('\n').map_or(request, |line| line.strip_suffix('\r').unwrap_or(line));
    let path = Path::new(request.strip_prefix("GET /")?);
    let is_below = path.components().all(|part| matches!(part, Component::Normal(_)));
    (is_below && !request.contains('\0')).then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_a_file_below_the_folder_or_nothing() {
        for (request, expected) in [
            ("GET /a\r\n", Some("a")),
            ("GET /a\n", Some("a")),
            ("GET /a", Some("a")),
            ("GET /a/b.bin\r\n", Some("a/b.bin")),
            ("GET /../a\r\n", None),
            ("GET /a/../../b\r\n", None),
            ("GET //etc/passwd\r\n", None),
            ("GET /a\0b\r\n", None),
            ("GET a\r\n", None),
            ("POST /a\r\n", None),
            ("", None),
        ] {
            assert_eq!(path(request.as_bytes()), expected.map(PathBuf::from), "{request:?}");
        }
        assert_eq!(path(b"GET /\xff\r\n"), None);
    }
}
