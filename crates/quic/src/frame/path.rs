//! A path's probe and its echo (RFC 9000 sections 19.17 and 19.18).

use super::short;
use crate::{Fault, rules::frames::kind};
use sakigake_wire::{Full, Reader, Writer};

/// Asks for an echo over the path that it came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathChallenge {
    /// What is to be echoed: unpredictable.
    pub data: [u8; 8],
}

/// The echo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathResponse {
    /// What the challenge held.
    pub data: [u8; 8],
}

impl PathChallenge {
    /// What follows the type.
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self { data: reader.array().map_err(short(kind::PATH_CHALLENGE))? })
    }

    /// Appends the frame, or nothing where it does not fit.
    pub fn write(&self, out: &mut Writer<'_>) -> Result<(), Full> {
        put(out, kind::PATH_CHALLENGE, &self.data)
    }
}

impl PathResponse {
    /// What follows the type.
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self { data: reader.array().map_err(short(kind::PATH_RESPONSE))? })
    }

    /// Appends the frame, or nothing where it does not fit.
    pub fn write(&self, out: &mut Writer<'_>) -> Result<(), Full> {
        put(out, kind::PATH_RESPONSE, &self.data)
    }
}

fn put(out: &mut Writer<'_>, kind: u64, data: &[u8; 8]) -> Result<(), Full> {
    out.all_or_nothing(|out| {
        out.varint(kind)?;
        out.put(data)
    })
}
