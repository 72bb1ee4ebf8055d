use crate::{Fault, Level, Limits, rules::HandshakeType};
use std::borrow::Cow;
use zeroize::Zeroize;

const HEADER_BYTES: usize = 4;

/// SHA-512's, longer than any that a suite has.
const LONGEST_DIGEST_BYTES: usize = 64;

/// Puts handshake messages together from bytes in any split. It never holds more than one message, but what came while
/// the owner was asked something.
#[derive(Default)]
pub(super) struct Reassembly {
    held: Vec<u8>,
    level: Option<Level>,
}

impl Reassembly {
    /// Notes that bytes of `level` come: a message must not go on under other keys than it began with.
    pub(super) fn enter(&mut self, level: Level) -> Result<(), Fault> {
        if !self.held.is_empty() && self.level != Some(level) {
            return Err(Fault::MessageSpansKeyChange); // spec: 9846-5.1-k
        }
        self.level = Some(level);
        Ok(())
    }

    /// The next whole message, header included, from what is held and then from `input`; where it lies there whole, it is
    /// not copied.
    pub(super) fn next<'a>(
        &mut self,
        input: &mut &'a [u8],
        limits: &Limits,
    ) -> Result<Option<Cow<'a, [u8]>>, Fault> {
        if self.held.is_empty()
            && let Some(header) = input.first_chunk()
            && let Some((message, rest)) = input.split_at_checked(message_len(*header, limits)?)
        {
            *input = rest;
            return Ok(Some(Cow::Borrowed(message)));
        }
        self.fill(input, HEADER_BYTES);
        let Some(header) = self.held.first_chunk() else { return Ok(None) };
        let len = message_len(*header, limits)?;
        self.fill(input, len);
        if self.held.len() < len {
            return Ok(None);
        }
        let rest = self.held.split_off(len);
        Ok(Some(Cow::Owned(core::mem::replace(&mut self.held, rest))))
    }

    /// The type of the next message, as soon as its first byte is here.
    pub(super) fn kind(&self, input: &[u8]) -> Option<HandshakeType> {
        self.held.first().or(input.first()).copied().map(HandshakeType)
    }

    /// Keeps `input` until the owner has answered.
    pub(super) fn hold(&mut self, input: &[u8], limits: &Limits) -> Result<(), Fault> {
        if self.held.len() + input.len() > limits.held_bytes {
            return Err(Fault::TooManyParts);
        }
        self.held.extend_from_slice(input);
        Ok(())
    }

    /// Bytes that are held.
    pub(super) fn held(&self) -> usize {
        self.held.len()
    }

    fn fill(&mut self, input: &mut &[u8], len: usize) {
        let missing = len.saturating_sub(self.held.len()).min(input.len());
        let (head, rest) = input.split_at(missing);
        self.held.extend_from_slice(head);
        *input = rest;
    }
}

impl Drop for Reassembly {
    fn drop(&mut self) {
        self.held.zeroize(); // Tickets are worth a session.
    }
}

/// Bytes of the message that begins with `header`, unless they are more than its type may have.
fn message_len(header: [u8; HEADER_BYTES], limits: &Limits) -> Result<usize, Fault> {
    let [kind, a, b, c] = header;
    let len = HEADER_BYTES + u32::from_be_bytes([0, a, b, c]) as usize;
    let kind = HandshakeType(kind);
    match fixed(kind) {
        Some(most) if len > most => Err(Fault::TrailingBytes),
        _ if len > longest(kind, limits) => Err(Fault::MessageTooLong),
        _ => Ok(len),
    }
}

/// The most bytes of a message that no extension or list can lengthen, header included: there is no reason to wait for
/// more (and to hold it).
fn fixed(kind: HandshakeType) -> Option<usize> {
    match kind {
        HandshakeType::KEY_UPDATE => Some(HEADER_BYTES + 1),
        HandshakeType::FINISHED => Some(HEADER_BYTES + LONGEST_DIGEST_BYTES),
        HandshakeType::END_OF_EARLY_DATA => Some(HEADER_BYTES),
        _ => None,
    }
}

fn longest(kind: HandshakeType, limits: &Limits) -> usize {
    match kind {
        HandshakeType::CERTIFICATE | HandshakeType::COMPRESSED_CERTIFICATE => limits.certificate_chain_bytes,
        _ => limits.handshake_message_bytes,
    }
}

#[cfg(test)]
mod tests;
