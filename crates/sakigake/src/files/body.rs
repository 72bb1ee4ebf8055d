//! A response's body: bytes at hand and stretches of files, read piece by piece as the peer takes them.

use sakigake_semantics::Chunk;
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// The most that is read from a file at once; files up to this size are read whole.
pub const PIECE_BYTES: usize = 64 * 1024;

/// What is left of a body. Files are read by position, so one open file may serve several bodies.
#[derive(Debug, Default)]
pub struct Body {
    /// Most bodies are one piece, and need no queue.
    first: Option<Piece>,
    rest: VecDeque<Piece>,
    len: u64,
}

#[derive(Debug)]
enum Piece {
    Bytes(Chunk),
    /// A part of what others send too.
    Part {
        bytes: Arc<[u8]>,
        offset: u64,
        len: u64,
    },
    File {
        file: Arc<File>,
        offset: u64,
        len: u64,
    },
}

impl Body {
    /// No bytes.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Bytes at hand.
    pub fn bytes(chunk: Chunk) -> Self {
        let mut body = Self::empty();
        body.push_bytes(chunk);
        body
    }

    /// `len` bytes of a file from `offset`.
    pub fn file(file: Arc<File>, offset: u64, len: u64) -> Self {
        let mut body = Self::empty();
        body.push_file(file, offset, len);
        body
    }

    /// Bytes left. `None` where nobody can say, as of what is compressed on its way: then the end is where
    /// [`Body::is_empty`] says so.
    pub fn len(&self) -> Option<u64> {
        Some(self.len)
    }

    /// Whether nothing is left: true as soon as the last piece is out.
    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// The next piece, of at most `most` bytes where it comes from a file (and never more than [`PIECE_BYTES`]). Bytes
    /// at hand come as they are, by reference. `None` at the end.
    ///
    /// # Errors
    /// The file cannot be read, or became shorter than it was when the response began: the response cannot be
    /// completed, so its stream must be reset.
    pub fn next_piece(&mut self, most: usize) -> io::Result<Option<Chunk>> {
        let most = most.clamp(1, PIECE_BYTES) as u64;
        let (chunk, left) = match self.first.take() {
            None => return Ok(None),
            Some(Piece::Bytes(chunk)) => (chunk, None),
            Some(Piece::Part { bytes, offset, len }) => {
                let take = len.min(most);
                let part =
                    bytes.get(index(offset)..index(offset + take)).ok_or(io::ErrorKind::UnexpectedEof)?;
                let chunk = Chunk::Owned(part.to_vec());
                let left = Piece::Part { bytes, offset: offset + take, len: len - take };
                (chunk, (take < len).then_some(left))
            }
            Some(Piece::File { file, offset, len }) => {
                let take = len.min(most);
                let mut bytes = vec![0; index(take)];
                file.read_exact_at(&mut bytes, offset)?;
                let left = Piece::File { file, offset: offset + take, len: len - take };
                (Chunk::Owned(bytes), (take < len).then_some(left))
            }
        };
        self.first = left.or_else(|| self.rest.pop_front());
        self.len -= chunk.as_ref().len() as u64;
        Ok(Some(chunk))
    }

    pub(super) fn push_bytes(&mut self, chunk: Chunk) {
        let len = chunk.as_ref().len() as u64;
        self.push(Piece::Bytes(chunk), len);
    }

    /// `len` bytes from `offset`, which others send too.
    pub(super) fn push_part(&mut self, bytes: Arc<[u8]>, offset: u64, len: u64) {
        self.push(Piece::Part { bytes, offset, len }, len);
    }

    pub(super) fn push_file(&mut self, file: Arc<File>, offset: u64, len: u64) {
        self.push(Piece::File { file, offset, len }, len);
    }

    /// A piece without bytes would look like an end that is none.
    fn push(&mut self, piece: Piece, len: u64) {
        if len > 0 {
            self.len += len;
            match self.first {
                None => self.first = Some(piece),
                Some(_) => self.rest.push_back(piece),
            }
        }
    }

    /// All that is left, in memory: for small bodies.
    pub(crate) fn whole(mut self) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        while let Some(chunk) = self.next_piece(PIECE_BYTES)? {
            match chunk {
                Chunk::Owned(bytes) if all.is_empty() => all = bytes,
                chunk => all.extend_from_slice(chunk.as_ref()),
            }
        }
        Ok(all)
    }
}

/// What lies beyond the address space lies beyond every file's end too.
fn index(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}
