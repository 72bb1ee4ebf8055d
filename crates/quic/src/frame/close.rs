//! CONNECTION_CLOSE (RFC 9000 section 19.19).

use super::{put_vector, short, vector};
use crate::{
    Fault,
    rules::{Epoch, codes::TransportErrorCode, frames::kind},
};
use sakigake_wire::{Full, Reader, Writer, varint_len};

/// The connection is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionClose<'a> {
    /// Why: a transport error code, or the application's own.
    pub code: u64,
    /// The frame that was to blame, 0 where none was; `None` where the application closes.
    pub frame_type: Option<u64>,
    /// Words for people: UTF-8 by custom, but nobody checks.
    pub reason: &'a [u8],
}

impl<'a> ConnectionClose<'a> {
    /// What follows the type `kind`.
    pub fn read(kind: u64, reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let code = reader.varint().map_err(short(kind))?;
        let frame_type = match kind {
            kind::CONNECTION_CLOSE => Some(reader.varint().map_err(short(kind))?),
            _ => None,
        };
        Ok(Self { code, frame_type, reason: vector(kind, reader)? })
    }

    /// Appends the frame, or nothing where it does not fit.
    pub fn write(&self, out: &mut Writer<'_>) -> Result<(), Full> {
        out.all_or_nothing(|out| {
            out.varint(self.kind())?;
            out.varint(self.code)?;
            self.frame_type.map_or(Ok(()), |frame| out.varint(frame))?;
            put_vector(out, self.reason)
        })
    }

    /// Its type.
    pub fn kind(&self) -> u64 {
        if self.frame_type.is_some() { kind::CONNECTION_CLOSE } else { kind::CONNECTION_CLOSE_APP }
    }

    /// The frame as packets of `epoch` may carry it: before the handshake is over, nobody learns what the application had to
    /// say (section 10.2.3).
    pub fn disclosed_in(self, epoch: Epoch) -> Self {
        match (self.frame_type, epoch) {
            (None, Epoch::Initial | Epoch::Handshake) => Self {
                code: TransportErrorCode::APPLICATION_ERROR.0, // spec: 9000-10.2.3-n
                frame_type: Some(kind::PADDING),
                reason: b"", // spec: 9000-10.2.3-m
            },
            _ => self,
        }
    }

    /// The frame with as much of its reason as `room` bytes hold, cut between characters. What stands before the reason is
    /// never cut.
    pub fn shortened(self, room: usize) -> Self {
        let before = varint_len(self.kind()) + varint_len(self.code) + self.frame_type.map_or(0, varint_len);
        let with_length = room.saturating_sub(before);
        let fits = |len: &usize| varint_len(*len as u64) + len <= with_length;
        let is_boundary = |len: &usize| self.reason.get(*len).is_none_or(|byte| byte & 0xc0 != 0x80);
        let most = self.reason.len().min(with_length);
        let len = (0..=most).rev().find(|len| fits(len) && is_boundary(len)).unwrap_or(0);
        Self { reason: self.reason.get(..len).unwrap_or_default(), ..self }
    }
}
