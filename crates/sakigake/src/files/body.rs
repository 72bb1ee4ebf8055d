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
#[derive(Clone, Debug, Default)]
pub struct Body {
    pieces: VecDeque<Piece>,
    len: u64,
}

#[derive(Clone, Debug)]
enum Piece {
    Bytes(Chunk),
    File { file: Arc<File>, offset: u64, len: u64 },
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

    /// Bytes left.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The next piece, of at most `most` bytes where it comes from a file (and never more than [`PIECE_BYTES`]). Bytes
    /// at hand come as they are, by reference. `None` at the end.
    ///
    /// # Errors
    /// The file cannot be read, or became shorter than it was when the response began: the response cannot be
    /// completed, so its stream must be reset.
    pub fn next_piece(&mut self, most: usize) -> io::Result<Option<Chunk>> {
        let chunk = match self.pieces.pop_front() {
            None => return Ok(None),
            Some(Piece::Bytes(chunk)) => chunk,
            Some(Piece::File { file, offset, len }) => {
                let take = len.min(most.clamp(1, PIECE_BYTES) as u64);
                let mut bytes = vec![0; usize::try_from(take).expect("at most PIECE_BYTES")];
                file.read_exact_at(&mut bytes, offset)?;
                if take < len {
                    self.pieces.push_front(Piece::File { file, offset: offset + take, len: len - take });
                }
                Chunk::Owned(bytes)
            }
        };
        self.len -= chunk.as_ref().len() as u64;
        Ok(Some(chunk))
    }

    pub(super) fn push_bytes(&mut self, chunk: Chunk) {
        let len = chunk.as_ref().len() as u64;
        if len > 0 {
            self.len += len;
            self.pieces.push_back(Piece::Bytes(chunk));
        }
    }

    pub(super) fn push_file(&mut self, file: Arc<File>, offset: u64, len: u64) {
        if len > 0 {
            self.len += len;
            self.pieces.push_back(Piece::File { file, offset, len });
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
