//! Compression on the way out: of small files at once, of large ones step by step.
//!
//! Only files are compressed, which are the same for everybody and mirror nothing of the request: so that the length of
//! what goes out says nothing about a secret (the attacks named BREACH). Nothing else may be passed through here.

#[cfg(test)]
mod tests;

use super::coding::Coding;
use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What is compressed while it is sent, and how much work goes into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compress {
    /// Shorter files are sent as they are.
    pub least_bytes: u64,
    /// Longer files are sent as they are.
    pub most_bytes: u64,
    /// 1 to 19.
    pub zstd_level: u8,
    /// 0 to 9.
    pub brotli_quality: u8,
    /// 1 to 9.
    pub gzip_level: u8,
    /// Files that may be compressed piece by piece at once; whoever comes beyond gets them as they are. One takes up to
    /// some 2 MiB.
    pub streams: usize,
}

impl Default for Compress {
    fn default() -> Self {
        Self {
            least_bytes: 1024,
            most_bytes: 8 << 20,
            zstd_level: 3,
            brotli_quality: 4,
            gzip_level: 5,
            streams: 16,
        }
    }
}

/// The most that one step reads. Each step ends with a flush, so that it has something to send.
pub(super) const STEP_BYTES: usize = 32 * 1024;

/// How far back an encoder looks, as a power of two: what it takes in memory follows from that.
const WINDOW_BITS: u32 = 18;

/// Places for encoders, counted.
#[derive(Clone, Debug)]
pub(super) struct Encoders {
    choice: Compress,
    open: Arc<AtomicUsize>,
}

impl Encoders {
    pub(super) fn new(choice: Compress) -> Self {
        Self { choice, open: Arc::default() }
    }

    pub(super) fn choice(&self) -> &Compress {
        &self.choice
    }

    /// All of a small file. `None` where it does not become shorter.
    pub(super) fn whole(&self, coding: Coding, bytes: &[u8]) -> Option<Vec<u8>> {
        let coded = Kind::new(coding, &self.choice).and_then(|mut kind| {
            kind.writer().write_all(bytes)?;
            kind.finish()
        });
        coded.ok().filter(|coded| coded.len() < bytes.len()) // An encoder that fails is as one that gains nothing.
    }

    /// An encoder for a stream. `None` where all places are taken.
    pub(super) fn stream(&self, coding: Coding) -> Option<Encoder> {
        let place = Place::take(&self.open, self.choice.streams)?;
        let kind = Kind::new(coding, &self.choice).ok()?; // Without memory for it, as without place.
        Some(Encoder { kind: Some(kind), _place: place })
    }
}

/// Turns pieces of a file into pieces of its coded form.
pub(super) struct Encoder {
    /// None after the end.
    kind: Option<Kind>,
    _place: Place,
}

impl Encoder {
    /// Codes one piece, of at most [`STEP_BYTES`], and ends the stream where it is the `last`.
    pub(super) fn step(&mut self, bytes: &[u8], last: bool) -> io::Result<Vec<u8>> {
        let Some(mut kind) = self.kind.take() else { return Ok(Vec::new()) };
        kind.writer().write_all(bytes)?;
        if last {
            return kind.finish();
        }
        kind.writer().flush()?;
        let coded = std::mem::take(kind.output());
        self.kind = Some(kind);
        Ok(coded)
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder").finish_non_exhaustive()
    }
}

/// One of so many, given back when it is dropped.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(open: &Arc<AtomicUsize>, most: usize) -> Option<Self> {
        let place = Self(open.clone());
        (open.fetch_add(1, Ordering::Relaxed) < most).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

enum Kind {
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
    Brotli(Box<brotli::CompressorWriter<Vec<u8>>>),
    Gzip(flate2::write::GzEncoder<Vec<u8>>),
}

impl Kind {
    fn new(coding: Coding, choice: &Compress) -> io::Result<Self> {
        Ok(match coding {
            Coding::Zstd => {
                let mut encoder =
                    zstd::stream::write::Encoder::new(Vec::new(), choice.zstd_level.clamp(1, 19).into())?;
                // RFC 9659: a content coding's window has at most 8 MiB.
                encoder.window_log(WINDOW_BITS)?;
                Self::Zstd(encoder)
            }
            Coding::Brotli => {
                let quality = choice.brotli_quality.min(9).into();
                Self::Brotli(Box::new(brotli::CompressorWriter::new(Vec::new(), 4096, quality, WINDOW_BITS)))
            }
            Coding::Gzip => {
                let level = flate2::Compression::new(choice.gzip_level.clamp(1, 9).into());
                Self::Gzip(flate2::write::GzEncoder::new(Vec::new(), level))
            }
            Coding::Identity => return Err(io::ErrorKind::Unsupported.into()),
        })
    }

    fn writer(&mut self) -> &mut dyn Write {
        match self {
            Self::Zstd(encoder) => encoder,
            Self::Brotli(encoder) => encoder,
            Self::Gzip(encoder) => encoder,
        }
    }

    fn output(&mut self) -> &mut Vec<u8> {
        match self {
            Self::Zstd(encoder) => encoder.get_mut(),
            Self::Brotli(encoder) => encoder.get_mut(),
            Self::Gzip(encoder) => encoder.get_mut(),
        }
    }

    fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Zstd(encoder) => encoder.finish(),
            Self::Brotli(encoder) => Ok(encoder.into_inner()),
            Self::Gzip(encoder) => encoder.finish(),
        }
    }
}
