//! A response's body: bytes at hand and stretches of files, read piece by piece as the peer takes them.

use super::encode::{Encoder, STEP_BYTES};
use rustix::{buffer::spare_capacity, io::Errno};
use sakigake_semantics::{Chunk, Cut, Source};
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The most that is read from a file at once; files up to this size are read whole.
pub const PIECE_BYTES: usize = 64 * 1024;

/// What is left of a body. Files are read by position, so one open file may serve several bodies.
#[derive(Debug, Default)]
pub struct Body {
    /// Most bodies are one piece, and need no queue.
    first: Option<Piece>,
    rest: VecDeque<Piece>,
    /// Bytes of all but what is compressed on its way.
    len: u64,
    /// Whether something is.
    is_coded: bool,
    /// Where its open file is counted, if it is.
    counted: Option<Counted>,
}

/// How many bodies hold an open file, of those that were counted in. Copies count together.
#[derive(Clone, Debug, Default)]
pub(crate) struct OpenFiles(Arc<AtomicUsize>);

/// One that counts until it is dropped.
#[derive(Debug)]
struct Counted(OpenFiles);

impl OpenFiles {
    /// That many.
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
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
    /// A stretch of a file, compressed on its way.
    Coded {
        encoder: Box<Encoder>,
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
        (!self.is_coded).then_some(self.len)
    }

    /// Whether the next piece takes the time of a compression: whoever serves others too comes back for it.
    pub fn is_costly(&self) -> bool {
        matches!(self.first, Some(Piece::Coded { .. }))
    }

    /// Whether nothing is left: true as soon as the last piece is out.
    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// Whether an open file is among what is left.
    pub(crate) fn holds_file(&self) -> bool {
        let is_file = |piece: &Piece| matches!(piece, Piece::File { .. } | Piece::Coded { .. });
        self.first.iter().chain(&self.rest).any(is_file)
    }

    /// Counts its file there until this is dropped, which is to be when the last piece has left. The parts of a body are of one
    /// file.
    pub(crate) fn count_in(&mut self, open: &OpenFiles) {
        open.0.fetch_add(1, Ordering::Relaxed);
        self.counted = Some(Counted(open.clone()));
    }

    /// The next piece, of at most `most` bytes; never more than [`PIECE_BYTES`] are read at once. Bytes at hand come by
    /// reference where they fit. `None` at the end.
    ///
    /// # Errors
    /// The file cannot be read, or became shorter than it was when the response began: the response cannot be
    /// completed, so its stream must be reset.
    pub fn next_piece(&mut self, most: usize) -> io::Result<Option<Chunk>> {
        let Some(piece) = self.first.take() else { return Ok(None) };
        let is_coded = matches!(piece, Piece::Coded { .. });
        let (chunk, left) = piece.cut(most.max(1))?;
        self.first = left.or_else(|| self.rest.pop_front());
        if is_coded {
            return Ok(Some(self.put_back(chunk, most)));
        }
        self.len -= chunk.as_ref().len() as u64;
        Ok(Some(chunk))
    }

    /// What an encoder gave beyond `most` waits in front of all else.
    fn put_back(&mut self, chunk: Chunk, most: usize) -> Chunk {
        self.is_coded =
            self.is_costly() || self.rest.iter().any(|piece| matches!(piece, Piece::Coded { .. }));
        if chunk.as_ref().len() <= most.max(1) {
            return chunk;
        }
        let (head, tail) = chunk.as_ref().split_at(most.max(1));
        let left = Piece::Part { bytes: tail.into(), offset: 0, len: tail.len() as u64 };
        self.len += tail.len() as u64;
        if let Some(first) = self.first.replace(left) {
            self.rest.push_front(first);
        }
        Chunk::Owned(head.to_vec())
    }

    /// What is next, where that is a stretch of a file: who writes it may read it straight to where it leaves.
    pub(crate) fn next_stretch(&mut self) -> Option<Stretch> {
        let piece = self.first.take_if(|piece| matches!(piece, Piece::File { .. }))?;
        self.first = self.rest.pop_front();
        let Piece::File { file, offset, len } = piece else { return None };
        self.len -= len;
        Some(Stretch { file, offset, len })
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

    /// `len` bytes of a file from its start, compressed on their way.
    pub(super) fn coded(encoder: Encoder, file: Arc<File>, len: u64) -> Self {
        let first = Some(Piece::Coded { encoder: Box::new(encoder), file, offset: 0, len });
        Self { first, is_coded: true, ..Self::default() }
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

/// Bytes of a file that are read where they are wanted.
#[derive(Debug)]
pub(crate) struct Stretch {
    file: Arc<File>,
    offset: u64,
    len: u64,
}

impl Stretch {
    pub(crate) const fn len(&self) -> u64 {
        self.len
    }
}

impl Source for Stretch {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Cut> {
        let mut at = 0;
        while at < out.len() {
            match rustix::io::pread(&*self.file, &mut out[at..], self.offset) {
                Ok(read @ 1..) => {
                    at += read;
                    self.offset += read as u64;
                    self.len = self.len.saturating_sub(read as u64);
                }
                Err(Errno::INTR) => {}
                // It became shorter than it was when the response began, or the disk fails.
                Ok(0) | Err(_) => return Err(Cut),
            }
        }
        Ok(())
    }

    fn take(&mut self, len: usize) -> Result<Vec<u8>, Cut> {
        let bytes = read_at(&self.file, self.offset, len).map_err(|_| Cut)?; // As above.
        self.offset += len as u64;
        self.len = self.len.saturating_sub(len as u64);
        Ok(bytes)
    }
}

impl Piece {
    /// At most so many bytes of its start, and what is left. An encoder may give a little more.
    fn cut(self, most: usize) -> io::Result<(Chunk, Option<Self>)> {
        match self {
            Self::Bytes(chunk) if chunk.as_ref().len() <= most => Ok((chunk, None)),
            Self::Bytes(chunk) => {
                let bytes = match chunk {
                    Chunk::Owned(bytes) => bytes.into(),
                    Chunk::Shared(bytes) => bytes,
                };
                let len = bytes.len() as u64;
                Self::Part { bytes, offset: 0, len }.cut(most)
            }
            Self::Part { bytes, offset, len } => {
                let take = len.min(most.min(PIECE_BYTES) as u64);
                let part =
                    bytes.get(index(offset)..index(offset + take)).ok_or(io::ErrorKind::UnexpectedEof)?;
                let chunk = Chunk::Owned(part.to_vec());
                let left = Self::Part { bytes, offset: offset + take, len: len - take };
                Ok((chunk, (take < len).then_some(left)))
            }
            Self::File { file, offset, len } => {
                let take = len.min(most.min(PIECE_BYTES) as u64);
                let chunk = Chunk::Owned(read_at(&file, offset, index(take))?);
                let left = Self::File { file, offset: offset + take, len: len - take };
                Ok((chunk, (take < len).then_some(left)))
            }
            Self::Coded { mut encoder, file, offset, len } => {
                let take = len.min(STEP_BYTES as u64);
                let chunk = Chunk::Owned(encoder.step(&read_at(&file, offset, index(take))?, take == len)?);
                let left = Self::Coded { encoder, file, offset: offset + take, len: len - take };
                Ok((chunk, (take < len).then_some(left)))
            }
        }
    }
}

/// Exactly `len` bytes from `offset`, into memory that is not cleared first.
fn read_at(file: &File, mut offset: u64, len: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(len);
    while bytes.len() < len {
        match rustix::io::pread(file, spare_capacity(&mut bytes), offset) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => offset += read as u64,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    bytes.truncate(len); // The allocator may have given more.
    Ok(bytes)
}

/// What lies beyond the address space lies beyond every file's end too.
fn index(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}
