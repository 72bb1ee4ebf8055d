//! NEW_CONNECTION_ID (RFC 9000 section 19.15).

use super::short;
use crate::{
    Fault,
    ids::{ConnectionId, ResetToken},
    rules::frames::kind,
};
use sakigake_wire::{Full, Reader, Writer};

/// An id by which its sender can be reached too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewConnectionId<'a> {
    /// Its number: one more than that of the one before.
    pub sequence: u64,
    /// Ids with numbers below this are to be retired.
    pub retire_prior_to: u64,
    /// The id: 1 to 20 bytes.
    pub id: &'a [u8],
    /// What a stateless reset for this id ends with.
    pub reset_token: ResetToken,
}

impl<'a> NewConnectionId<'a> {
    /// What follows the type.
    pub fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let short = short(kind::NEW_CONNECTION_ID);
        let sequence = reader.varint().map_err(&short)?;
        let retire_prior_to = reader.varint().map_err(&short)?;
        if retire_prior_to > sequence {
            return Err(Fault::RetirePriorToAhead); // spec: 9000-19.15-n
        }
        let len = usize::from(reader.u8().map_err(&short)?);
        if !(1..=ConnectionId::MOST_BYTES).contains(&len) {
            return Err(Fault::ConnectionIdLength); // spec: 9000-19.15-m
        }
        let id = reader.take(len).map_err(&short)?;
        let reset_token = ResetToken::new(reader.array().map_err(&short)?);
        Ok(Self { sequence, retire_prior_to, id, reset_token })
    }

    /// Appends the frame, or nothing where it does not fit.
    ///
    /// # Panics
    /// When the id has more than 20 bytes: whoever issued it did not look.
    pub fn write(&self, out: &mut Writer<'_>) -> Result<(), Full> {
        assert!(self.id.len() <= ConnectionId::MOST_BYTES, "a connection id has at most 20 bytes");
        out.all_or_nothing(|out| {
            out.varint(kind::NEW_CONNECTION_ID)?;
            out.varint(self.sequence)?;
            out.varint(self.retire_prior_to)?;
            out.u8(self.id.len() as u8)?;
            out.put(self.id)?;
            out.put(self.reset_token.bytes())
        })
    }
}
