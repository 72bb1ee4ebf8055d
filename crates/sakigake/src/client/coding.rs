//! Content codings of responses (RFC 9110 section 8.4): gzip, br and zstd, undone as they come and within bounds.

use super::failure::{Cause, Failed};
use brotli::DecompressorWriter;
use flate2::write::MultiGzDecoder;
use sakigake_semantics::Response;
use std::io::{self, Write};
use zstd::{
    stream::raw::{self, Operation},
    zstd_safe::DParameter,
};

#[cfg(test)]
mod tests;

/// What a request says that it takes.
pub(super) const ACCEPTED: &str = "zstd, br, gzip";

/// What decoding may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// Decoded bytes of one body.
    pub(super) body_bytes: u64,
    /// Decoded bytes of one body for which its ratio is not looked at.
    pub(super) free_bytes: u64,
    /// Decoded bytes for each byte that came, beyond the free ones.
    pub(super) ratio: u64,
    /// Decoded bytes of a few hundred that came.
    pub(super) step_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { body_bytes: 1 << 30, free_bytes: 16 << 20, ratio: 1_000, step_bytes: 16 << 20 }
    }
}

/// Bytes that go into a decoder at once.
const STEP: usize = 256;
/// Bytes of a decoder's own buffers.
const BUFFER_BYTES: usize = 32 << 10;
/// 8 MiB: what a client must take, and no more (RFC 9659 section 3).
const ZSTD_WINDOW_LOG: u32 = 23;
/// Where a stream of br says how large its window is: the value that RFC 7932 calls invalid.
const LARGE_WINDOW: u8 = 0x11;

/// A body's decoder.
pub(super) struct Decoder {
    limits: Limits,
    kind: Kind,
    in_bytes: u64,
    out_bytes: u64,
}

enum Kind {
    Gzip(Box<MultiGzDecoder<Sink>>),
    Brotli(Box<DecompressorWriter<Sink>>),
    Zstd { decoder: raw::Decoder<'static>, sink: Sink, is_whole: bool },
}

/// Takes what a decoder gives in one step, up to a bound.
#[derive(Default)]
struct Sink {
    bytes: Vec<u8>,
    limit: usize,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.limit {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Decoder {
    /// The decoder for a response's body; `None` where it needs none.
    ///
    /// # Errors
    /// Its coding is not known here, or there are several.
    pub(super) fn of(response: &Response, limits: Limits) -> Result<Option<Self>, Failed> {
        let values: Vec<_> = response.fields.find_all(b"content-encoding").collect();
        let value = String::from_utf8_lossy(&values.join(&b","[..])).trim().to_ascii_lowercase();
        let sink = Sink { bytes: Vec::new(), limit: limits.step_bytes };
        let kind = match value.as_str() {
            "" | "identity" => return Ok(None),
            "gzip" | "x-gzip" => Kind::Gzip(Box::new(MultiGzDecoder::new(sink))),
            "br" => Kind::Brotli(Box::new(DecompressorWriter::new(sink, BUFFER_BYTES))),
            "zstd" => {
                let mut decoder = raw::Decoder::new().map_err(|error| broken(&error))?;
                let window = DParameter::WindowLogMax(ZSTD_WINDOW_LOG);
                decoder.set_parameter(window).map_err(|error| broken(&error))?;
                Kind::Zstd { decoder, sink, is_whole: false }
            }
            _ => {
                let why = format_args!("the content coding {:?} is not known here", value);
                return Err(Failed::new(Cause::BadContentEncoding, why));
            }
        };
        Ok(Some(Self { limits, kind, in_bytes: 0, out_bytes: 0 }))
    }

    /// Decodes a piece and hands on what it gives.
    pub(super) fn feed<E: From<Failed>>(
        &mut self,
        bytes: &[u8],
        out: &mut dyn FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        // Windows beyond 16 MiB are another format's (RFC 7932 section 9.1), which the decoder knows too.
        let is_large = bytes.first().is_some_and(|first| first & 0x7f == LARGE_WINDOW);
        if is_large && self.in_bytes == 0 && matches!(self.kind, Kind::Brotli(_)) {
            return Err(broken(&io::Error::new(io::ErrorKind::InvalidData, "its window is too large")).into());
        }
        for step in bytes.chunks(STEP) {
            self.in_bytes += step.len() as u64;
            let mut rest = step;
            while !rest.is_empty() {
                let taken = self.kind.step(rest).map_err(|error| self.failed(&error))?;
                rest = &rest[taken.min(rest.len())..];
                self.hand_on(out)?;
            }
        }
        Ok(())
    }

    /// The body ended: so must its coding.
    pub(super) fn finish<E: From<Failed>>(
        &mut self,
        out: &mut dyn FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.in_bytes == 0 {
            return Ok(()); // A HEAD's response, or one that cannot have a body.
        }
        self.kind.finish().map_err(|error| self.failed(&error))?;
        self.hand_on(out)
    }

    fn hand_on<E: From<Failed>>(&mut self, out: &mut dyn FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let sink = self.kind.sink();
        let bytes = core::mem::take(&mut sink.bytes);
        self.out_bytes += bytes.len() as u64;
        let Limits { body_bytes, free_bytes, ratio, .. } = self.limits;
        let is_bomb = self.out_bytes > free_bytes && self.out_bytes / ratio.max(1) > self.in_bytes;
        if self.out_bytes > body_bytes || is_bomb {
            return Err(self.failed(&io::ErrorKind::FileTooLarge.into()).into());
        }
        if bytes.is_empty() { Ok(()) } else { out(&bytes) }
    }

    fn failed(&self, error: &io::Error) -> Failed {
        match error.kind() {
            io::ErrorKind::FileTooLarge => {
                let why = format_args!("{} bytes would become too many when they are decoded", self.in_bytes);
                Failed::new(Cause::FilesizeExceeded, why)
            }
            _ => broken(error),
        }
    }
}

fn broken(error: &io::Error) -> Failed {
    Failed::new(Cause::BadContentEncoding, format_args!("the content coding is broken: {error}"))
}

impl Kind {
    /// Takes some of the bytes, and says how many.
    fn step(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Gzip(decoder) => match decoder.write(bytes)? {
                0 => Err(io::Error::new(io::ErrorKind::InvalidData, "bytes follow its end")),
                taken => Ok(taken),
            },
            Self::Brotli(decoder) => match decoder.write(bytes)? {
                0 => Err(io::Error::new(io::ErrorKind::InvalidData, "bytes follow its end")),
                taken => Ok(taken),
            },
            Self::Zstd { decoder, sink, is_whole } => {
                let mut buffer = [0; BUFFER_BYTES];
                let status = decoder.run_on_buffers(bytes, &mut buffer)?;
                sink.write_all(&buffer[..status.bytes_written])?;
                *is_whole = status.remaining == 0;
                Ok(status.bytes_read)
            }
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        match self {
            Self::Gzip(decoder) => decoder.try_finish(),
            Self::Brotli(decoder) => decoder.close(),
            Self::Zstd { decoder, sink, is_whole } => {
                // What the last step had no room for.
                let mut buffer = [0; BUFFER_BYTES];
                while !*is_whole {
                    let status = decoder.run_on_buffers(&[], &mut buffer)?;
                    if status.bytes_written == 0 {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                    sink.write_all(&buffer[..status.bytes_written])?;
                    *is_whole = status.remaining == 0;
                }
                Ok(())
            }
        }
    }

    fn sink(&mut self) -> &mut Sink {
        match self {
            Self::Gzip(decoder) => decoder.get_mut(),
            Self::Brotli(decoder) => decoder.get_mut(),
            Self::Zstd { sink, .. } => sink,
        }
    }
}
