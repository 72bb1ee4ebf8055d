//! Frames that carry bytes (RFC 9000 sections 19.6 to 19.8; RFC 9221 section 4).

use super::{put_vector, short, vector};
use crate::{Fault, rules::frames::kind};
use sakigake_wire::{Full, MAX_VARINT, Reader, Writer, varint_len};

/// Bytes of the cryptographic handshake at the level of their packet (section 19.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crypto<'a> {
    /// Where the bytes lie, from the level's beginning.
    pub offset: u64,
    /// The bytes.
    pub data: &'a [u8],
}

/// An address token for a later connection (section 19.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewToken<'a> {
    /// The token: opaque, never empty.
    pub token: &'a [u8],
}

/// Bytes of a stream (section 19.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream<'a> {
    /// The stream.
    pub id: u64,
    /// Where the bytes lie, from the stream's beginning.
    pub offset: u64,
    /// The bytes.
    pub data: &'a [u8],
    /// Whether the stream ends behind them.
    pub fin: bool,
    /// Whether the frame goes without a length, up to its packet's end.
    pub to_end: bool,
}

/// A datagram (RFC 9221 section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// Its bytes; there may be none.
    pub data: &'a [u8],
    /// Whether the frame goes without a length, up to its packet's end.
    pub to_end: bool,
}

impl<'a> Crypto<'a> {
    /// What follows the type.
    pub fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let offset = reader.varint().map_err(short(kind::CRYPTO))?;
        let data = vector(kind::CRYPTO, reader)?;
        if ends_too_far(offset, data) {
            return Err(Fault::CryptoOffsetTooLarge); // spec: 9000-19.6-m
        }
        Ok(Self { offset, data })
    }

    /// Appends the frame, or nothing where it does not fit.
    pub fn write(&self, out: &mut Writer<'_>) -> Result<(), Full> {
        out.all_or_nothing(|out| {
            Self::write_head(out, self.offset, self.data.len())?;
            out.put(self.data)
        })
    }

    /// Appends what stands before `len` bytes, which the caller puts behind it.
    pub fn write_head(out: &mut Writer<'_>, offset: u64, len: usize) -> Result<(), Full> {
        out.all_or_nothing(|out| {
            out.varint(kind::CRYPTO)?;
            out.varint(offset)?;
            out.varint(len as u64)
        })
    }

    /// How many of `available` bytes fit with their head into `room` bytes: none where not even one does.
    pub fn fit(room: usize, offset: u64, available: u64) -> u64 {
        let left = room.saturating_sub(varint_len(kind::CRYPTO) + varint_len(offset));
        behind_length(left).unwrap_or(0).min(available)
    }
}

impl<'a> NewToken<'a> {
    /// What follows the type.
    pub fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let token = vector(kind::NEW_TOKEN, reader)?;
        if token.is_empty() {
            return Err(Fault::EmptyToken); // spec: 9000-19.7-m
        }
        Ok(Self { token })
    }

    /// Appends the frame, or nothing where it does not fit.
    pub fn write(&self, out: &mut Writer<'_>) -> Result<(), Full> {
        out.all_or_nothing(|out| {
            out.varint(kind::NEW_TOKEN)?;
            put_vector(out, self.token)
        })
    }
}

impl<'a> Stream<'a> {
    /// What follows the type `kind`.
    pub fn read(kind: u64, reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let id = reader.varint().map_err(short(kind))?;
        let offset = match kind & kind::STREAM_OFF {
            0 => 0,
            _ => reader.varint().map_err(short(kind))?,
        };
        let to_end = kind & kind::STREAM_LEN == 0;
        let data = if to_end { reader.rest() } else { vector(kind, reader)? };
        if ends_too_far(offset, data) {
            return Err(Fault::StreamOffsetTooLarge { frame: kind }); // spec: 9000-19.8-m
        }
        Ok(Self { id, offset, data, fin: kind & kind::STREAM_FIN != 0, to_end })
    }

    /// Appends the frame, or nothing where it does not fit. A frame that goes `to_end` has to be the packet's last, with no
    /// padding behind it.
    pub fn write(&self, out: &mut Writer<'_>) -> Result<(), Full> {
        out.all_or_nothing(|out| {
            self.write_head(out, self.data.len())?;
            out.put(self.data)
        })
    }

    /// Appends what stands before `len` bytes, which the caller puts behind it; `data` is not looked at.
    pub fn write_head(&self, out: &mut Writer<'_>, len: usize) -> Result<(), Full> {
        out.all_or_nothing(|out| {
            out.varint(self.kind())?;
            out.varint(self.id)?;
            if self.offset != 0 {
                out.varint(self.offset)?;
            }
            if self.to_end { Ok(()) } else { out.varint(len as u64) }
        })
    }

    /// Its type, flags and all.
    pub fn kind(&self) -> u64 {
        let flag = |set, flag| if set { flag } else { 0 };
        kind::STREAM
            | flag(self.fin, kind::STREAM_FIN)
            | flag(!self.to_end, kind::STREAM_LEN)
            | flag(self.offset != 0, kind::STREAM_OFF)
    }

    /// How many of `available` bytes of stream `id` from `offset` on fit with their head into `room` bytes, the frame with a
    /// length; `None` where not even the head does.
    pub fn fit(room: usize, id: u64, offset: u64, available: u64) -> Option<u64> {
        let offset_bytes = if offset == 0 { 0 } else { varint_len(offset) };
        let left = room.checked_sub(varint_len(kind::STREAM) + varint_len(id) + offset_bytes)?;
        Some(behind_length(left)?.min(available))
    }
}

impl<'a> Datagram<'a> {
    /// What follows the type `kind`.
    pub fn read(kind: u64, reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let to_end = kind == kind::DATAGRAM;
        Ok(Self { data: if to_end { reader.rest() } else { vector(kind, reader)? }, to_end })
    }

    /// Appends the frame, or nothing where it does not fit. A frame that goes `to_end` has to be the packet's last, with no
    /// padding behind it.
    pub fn write(&self, out: &mut Writer<'_>) -> Result<(), Full> {
        out.all_or_nothing(|out| {
            out.varint(self.kind())?;
            if self.to_end { out.put(self.data) } else { put_vector(out, self.data) }
        })
    }

    /// Its type.
    pub fn kind(&self) -> u64 {
        if self.to_end { kind::DATAGRAM } else { kind::DATAGRAM_LEN }
    }
}

/// Whether the last byte has no offset any more (sections 19.6 and 19.8).
fn ends_too_far(offset: u64, data: &[u8]) -> bool {
    offset.saturating_add(data.len() as u64) > MAX_VARINT
}

/// How many bytes fit into `room` behind a Length field that counts them; `None` where not even that fits.
fn behind_length(room: usize) -> Option<u64> {
    let widths = [(1, 0x3f), (2, 0x3fff), (4, 0x3fff_ffff)];
    let fits = widths.into_iter().filter_map(|(width, most)| Some(room.checked_sub(width)?.min(most)));
    fits.max().map(|len| len as u64)
}
