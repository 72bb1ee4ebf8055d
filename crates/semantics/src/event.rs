use crate::{Fields, Request, Response};
use core::fmt;
use std::sync::Arc;

/// The number that both peers use for a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u64);

/// What an HTTP engine heard from its peer. Bytes borrow from the input: copy what has to outlive the call.
#[derive(Debug)]
pub enum Event<'a> {
    /// The peer's SETTINGS arrived (the first time).
    Settings,
    /// A request began. With `end` it has no body.
    Request {
        /// The stream that carries it.
        stream: StreamId,
        /// Its control data and fields.
        request: Request,
        /// Whether nothing follows.
        end: bool,
    },
    /// A 1xx response: another one follows on the same stream.
    Informational {
        /// The stream that carries it.
        stream: StreamId,
        /// Its status and fields.
        response: Response,
    },
    /// The final response began. With `end` it has no body.
    Response {
        /// The stream that carries it.
        stream: StreamId,
        /// Its status and fields.
        response: Response,
        /// Whether nothing follows.
        end: bool,
    },
    /// Bytes of a body. They count against the stream's window until the owner says `consume`.
    Data {
        /// The stream that carries it.
        stream: StreamId,
        /// The bytes, which may be none when `end` is set.
        bytes: &'a [u8],
        /// Whether nothing follows.
        end: bool,
    },
    /// Fields after the body; nothing follows.
    Trailers {
        /// The stream that carries them.
        stream: StreamId,
        /// The fields.
        fields: Fields,
    },
    /// The stream's send queue fell below its low mark, so the owner may `send` again.
    Writable {
        /// The stream in question.
        stream: StreamId,
    },
    /// The stream ended abnormally, by the peer's will or because the peer broke a rule on it.
    Reset {
        /// The stream in question.
        stream: StreamId,
        /// The error code, in the protocol's own numbers.
        code: u64,
        /// Whether the peer said that the request was not acted on, so that it may be sent again.
        untouched: bool,
    },
    /// Both directions of the stream ended and everything was written: the engine has forgotten it.
    Finished {
        /// The stream in question.
        stream: StreamId,
    },
    /// The peer takes no requests above `last`.
    GoAway {
        /// The highest stream that the peer may have acted on.
        last: StreamId,
        /// The error code, in the protocol's own numbers.
        code: u64,
    },
    /// The server named origins that the connection is for (RFC 8336): ask the engine for the set.
    Origin,
    /// A PRELOAD frame arrived where the protocol allows one: a field block, not yet decoded.
    Preload {
        /// The block, encoded without the dynamic table.
        block: &'a [u8],
    },
}

/// A piece of a body on its way out. A large one goes by reference and is sealed straight from it.
#[derive(Clone, Debug)]
pub enum Chunk {
    /// Bytes of this response alone.
    Owned(Vec<u8>),
    /// Bytes that others send too, such as a cached file.
    Shared(Arc<[u8]>),
}

/// Where a body's bytes come from when they are written straight to the place where they leave, such as a file's into a
/// record: nothing of them waits in memory before.
pub trait Source: fmt::Debug + Send {
    /// Writes the next bytes, as many as `out` has room for.
    ///
    /// # Errors
    /// [`Cut`], after which nothing more is asked for: the body cannot be completed.
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Cut>;

    /// The next `len` bytes in memory of their own. Who can read into memory that nobody cleared saves that.
    ///
    /// # Errors
    /// As [`Source::fill`].
    fn take(&mut self, len: usize) -> Result<Vec<u8>, Cut> {
        let mut bytes = vec![0; len];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }
}

/// A body's bytes cannot be had any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the rest of the body cannot be had")
    }
}

impl core::error::Error for Cut {}

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Owned(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }
}
