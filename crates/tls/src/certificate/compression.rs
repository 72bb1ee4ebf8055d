//! Certificates that travel compressed (RFC 8879).

use super::Shown;
use crate::{
    Fault, Limits,
    extension::Codes,
    message::{Certificate, CompressedCertificate, HEADER_BYTES, Message},
    rules::{CertificateCompressionAlgorithm as Id, HandshakeType},
};
use brotli::{BrotliDecompressStream, BrotliResult, BrotliState, reader::StandardAlloc};
use core::fmt;
use sakigake_wire::Reader;
use std::{
    io::{self, Read, Write},
    sync::OnceLock,
};

/// A way to make Certificate messages shorter: a row of [`ALL`], or one for private use.
pub struct Compression {
    /// Its code point (RFC 8879 section 7.3).
    pub id: u16,
    /// Makes it shorter.
    pub compress: fn(&[u8]) -> io::Result<Vec<u8>>,
    /// Fills the buffer, whose length is what is to come out, no byte less and none more.
    pub decompress: fn(&[u8], &mut [u8]) -> io::Result<()>,
    /// Whether the message goes compressed even where that makes it no shorter, as it may with algorithms for private use.
    pub always: bool,
}

/// Every algorithm of RFC 8879, best first.
pub static ALL: [Compression; 3] = [
    Compression { id: Id::BROTLI.0, compress: compress_brotli, decompress: decompress_brotli, always: false },
    Compression { id: Id::ZSTD.0, compress: compress_zstd, decompress: decompress_zstd, always: false },
    Compression { id: Id::ZLIB.0, compress: compress_zlib, decompress: decompress_zlib, always: false },
];

/// A credential's compressed messages, with staples and without, each made when the first peer wants it: for all handshakes,
/// not for each. An algorithm beyond the number of those that there are is not used.
#[derive(Default)]
pub struct Compressed([OnceLock<Made>; 4 * ALL.len()]);

/// By which algorithm, with which staples, and what came of it.
type Made = (u16, Shown, Option<Box<[u8]>>);

impl Compressed {
    /// The CompressedCertificate message, header included, for `certificate`, the Certificate message with its header;
    /// none where nothing would be won.
    pub(crate) fn message(
        &self,
        compression: &Compression,
        asked: Shown,
        certificate: impl Fn() -> Vec<u8>,
    ) -> Option<&[u8]> {
        let make = || (compression.id, asked, compressed(compression, &certificate()));
        let mut made = self.0.iter().map(|cell| cell.get_or_init(make));
        made.find(|(id, shown, _)| (*id, *shown) == (compression.id, asked))?.2.as_deref()
    }
}

impl fmt::Debug for Compressed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Compressed({} made)", self.0.iter().filter(|cell| cell.get().is_some()).count())
    }
}

fn compressed(compression: &Compression, certificate: &[u8]) -> Option<Box<[u8]>> {
    let body = certificate.get(HEADER_BYTES..)?;
    let smaller = (compression.compress)(body).ok()?; // It failed: the certificate goes as it is.
    let mut message = Vec::with_capacity(smaller.len() + 2 * HEADER_BYTES + 8);
    CompressedCertificate {
        algorithm: compression.id,
        uncompressed_length: u32::try_from(body.len()).ok()?,
        compressed_certificate_message: &smaller,
    }
    .write(&mut message);
    (compression.always || message.len() < certificate.len()).then_some(message.into())
}

/// Our best algorithm among those that the peer takes.
pub(crate) fn best(ours: &'static [Compression], offered: Option<Codes<'_>>) -> Option<&'static Compression> {
    let offered = offered?;
    ours.iter().find(|row| offered.contains(&row.id)) // spec: 8879-4-a
}

/// Reads a Certificate message, or a CompressedCertificate by one of the algorithms that we `offered`, whose content is
/// written to `room`.
pub(crate) fn read<'a>(
    message: &'a [u8],
    offered: &[Compression],
    limits: &Limits,
    room: &'a mut Vec<u8>,
) -> Result<Certificate<'a>, Fault> {
    if offered.is_empty() && message.first() == Some(&HandshakeType::COMPRESSED_CERTIFICATE.0) {
        return Err(Fault::UnexpectedMessage(HandshakeType::COMPRESSED_CERTIFICATE));
    }
    let compressed = match Message::read(message)? {
        Message::Certificate(certificate) => return Ok(certificate),
        Message::CompressedCertificate(compressed) => compressed,
        other => return Err(Fault::UnexpectedMessage(other.kind())),
    };
    let row = offered.iter().find(|row| row.id == compressed.algorithm);
    let row = row.ok_or(Fault::UnofferedCompression)?; // spec: 8879-4-a
    let len = compressed.uncompressed_length as usize; // At most 2^24.
    if HEADER_BYTES + len > limits.certificate_chain_bytes {
        return Err(Fault::MessageTooLong); // spec: 8879-5-b
    }
    room.resize(len, 0);
    let whole = (row.decompress)(compressed.compressed_certificate_message, room);
    whole.map_err(|_| Fault::BadCompressedCertificate)?; // spec: 8879-4-b spec: 8879-4-c spec: 8879-5-a
    let mut body = Reader::new(room);
    let certificate = Certificate::read(&mut body)?; // spec: 8879-5-c
    if body.is_empty() { Ok(certificate) } else { Err(Fault::TrailingBytes) }
}

fn compress_zlib(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}

fn decompress_zlib(bytes: &[u8], out: &mut [u8]) -> io::Result<()> {
    let mut decoder = flate2::bufread::ZlibDecoder::new(bytes);
    exactly(&mut decoder, out)?;
    nothing_left(decoder.into_inner())
}

fn compress_brotli(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = brotli::CompressorWriter::new(Vec::new(), 4_096, BROTLI_QUALITY, BROTLI_WINDOW_BITS);
    encoder.write_all(bytes)?;
    Ok(encoder.into_inner())
}

fn decompress_brotli(bytes: &[u8], out: &mut [u8]) -> io::Result<()> {
    // Strict: windows beyond 16 MiB are another format's (RFC 7932 section 9.1), which the decoder knows too.
    let mut state = BrotliState::new_strict(StandardAlloc {}, StandardAlloc {}, StandardAlloc {});
    let (mut input_bytes, mut read) = (bytes.len(), 0);
    let (mut room_bytes, mut written, mut total) = (out.len(), 0, 0);
    let end = BrotliDecompressStream(
        &mut input_bytes,
        &mut read,
        bytes,
        &mut room_bytes,
        &mut written,
        out,
        &mut total,
        &mut state,
    );
    let is_whole = matches!(end, BrotliResult::ResultSuccess) && room_bytes == 0;
    if is_whole { nothing_left(&bytes[bytes.len() - input_bytes..]) } else { Err(invalid()) }
}

fn compress_zstd(bytes: &[u8]) -> io::Result<Vec<u8>> {
    zstd::bulk::compress(bytes, ZSTD_LEVEL)
}

fn decompress_zstd(bytes: &[u8], out: &mut [u8]) -> io::Result<()> {
    // The decoder takes any number of frames, and skips those that mean nothing to it.
    let first = zstd::zstd_safe::find_frame_compressed_size(bytes).map_err(|_| invalid())?;
    nothing_left(bytes.get(first..).ok_or_else(invalid)?)?;
    // In one go the output is the window: there is none to allocate.
    let len = zstd::bulk::decompress_to_buffer(bytes, out)?;
    if len == out.len() { Ok(()) } else { Err(invalid()) }
}

/// Reads to the end, where `out` must be full.
fn exactly(decoder: &mut impl Read, out: &mut [u8]) -> io::Result<()> {
    decoder.read_exact(out)?;
    match decoder.read(&mut [0])? {
        0 => Ok(()),
        _ => Err(invalid()),
    }
}

fn nothing_left(rest: &[u8]) -> io::Result<()> {
    if rest.is_empty() { Ok(()) } else { Err(invalid()) }
}

fn invalid() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

/// Costs some milliseconds for a chain, once.
const BROTLI_QUALITY: u32 = 9;

/// A chain of 128 KiB fits.
const BROTLI_WINDOW_BITS: u32 = 17;

const ZSTD_LEVEL: i32 = 19;

/// What a peer compressed, by each algorithm: whatever it is, no more comes out than was said.
#[doc(hidden)]
pub fn fuzz_decompress(bytes: &[u8]) {
    let Some((head, content)) = bytes.split_first_chunk::<2>() else { return };
    let len = usize::from(u16::from_be_bytes(*head));
    for row in &ALL {
        let mut out = vec![0; len];
        if (row.decompress)(content, &mut out).is_ok() {
            let again = (row.compress)(&out).expect("what came out can go in");
            let mut twice = vec![0; len];
            (row.decompress)(&again, &mut twice).expect("our own output");
            assert_eq!(out, twice);
        }
    }
}

#[cfg(test)]
mod tests;
