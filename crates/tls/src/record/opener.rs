//! The receiving half of record protection (RFC 9846 section 5.2).

use super::{HEADER_BYTES, Header, MAX_INNER_BYTES, nonce};
use crate::{Fault, Level, TrafficSecret, rules::ContentType};
use core::ops::Range;
use sakigake_crypto::{AeadKey, TAG_BYTES};
use zeroize::Zeroize;

/// Opens records in place: as plaintext at first, then under the keys installed last.
pub struct Opener {
    level: Level,
    keys: Option<Keys>,
    /// The number of the next record; none once 2^64 were opened.
    sequence: Option<u64>,
    /// The most bytes of content, type and padding in a record under the keys of this handshake.
    inner_bytes: usize,
}

/// What a record turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The inner type.
    pub kind: ContentType,
    /// Where the content lies in the record's bytes.
    pub content: Range<usize>,
    /// Whether it was protected.
    pub protected: bool,
}

struct Keys {
    key: Box<dyn AeadKey>,
    iv: [u8; 12],
}

impl Opened {
    /// A record whose content lies open behind its header.
    pub fn plain(header: Header) -> Self {
        Self { kind: header.kind, content: HEADER_BYTES..header.record_len(), protected: false }
    }
}

impl Opener {
    /// Takes plaintext.
    pub const fn new() -> Self {
        Self { level: Level::Plain, keys: None, sequence: Some(0), inner_bytes: MAX_INNER_BYTES }
    }

    /// Opens what comes next with keys from `secret`.
    pub fn install(&mut self, secret: &TrafficSecret) {
        let keys = secret.keys();
        self.level = secret.level;
        self.sequence = Some(0); // spec: 9846-5.3-a
        self.keys = Some(Keys { key: (secret.suite.aead.key)(keys.key()), iv: keys.iv });
    }

    /// The level whose keys are installed.
    pub const fn level(&self) -> Level {
        self.level
    }

    /// From here on takes no record with more content, type and padding than we told the peer (RFC 8449). Early data comes
    /// under keys of an earlier handshake, where this was not agreed on.
    pub fn limit(&mut self, inner_bytes: u16) {
        self.inner_bytes = usize::from(inner_bytes).min(MAX_INNER_BYTES);
    }

    /// Whether no record was opened yet under the keys installed last.
    pub const fn is_fresh(&self) -> bool {
        matches!(self.sequence, Some(0))
    }

    #[cfg(test)]
    pub(super) fn set_sequence(&mut self, sequence: u64) {
        self.sequence = Some(sequence);
    }

    /// Opens one whole `record`, header included. Says what it is, and never whether it may come now, except that a
    /// protected one is wanted once there are keys; change_cipher_spec and plaintext alerts are the caller's to judge.
    pub fn open(&mut self, record: &mut [u8]) -> Result<Opened, Fault> {
        let (header, body) = record.split_first_chunk_mut::<HEADER_BYTES>().ok_or(Fault::RecordOverflow)?;
        let kind = ContentType(header[0]);
        if kind != ContentType::APPLICATION_DATA {
            return Ok(Opened::plain(Header { kind, len: body.len() }));
        }
        let Some(keys) = &self.keys else {
            return Err(Fault::UnexpectedRecord(kind));
        };
        let sequence = self.sequence.ok_or(Fault::KeyWornOut)?; // spec: 9846-5.3-b
        if body.len() < TAG_BYTES {
            return Err(Fault::BadRecordMac);
        }
        let opened = keys.key.open(nonce(&keys.iv, sequence), &*header, body);
        let len = opened.map_err(|_| Fault::BadRecordMac)?; // spec: 9846-5.2-b
        self.sequence = sequence.checked_add(1);
        let most = if self.level > Level::EarlyData { self.inner_bytes } else { MAX_INNER_BYTES };
        inner(body.get(..len).unwrap_or_default(), most)
    }
}

/// Finds type and content in a TLSInnerPlaintext.
fn inner(plaintext: &[u8], most: usize) -> Result<Opened, Fault> {
    if plaintext.len() > most {
        return Err(Fault::RecordOverflow); // spec: 9846-5.4-c spec: 8449-4-c
    }
    // Padding is at most 2^14 zeros, so this loop is bounded by what was just deciphered.
    let Some(end) = plaintext.iter().rposition(|byte| *byte != 0) else {
        return Err(Fault::RecordWithoutType); // spec: 9846-5.4-b
    };
    Ok(Opened {
        kind: ContentType(plaintext[end]),
        content: HEADER_BYTES..HEADER_BYTES + end,
        protected: true,
    })
}

impl Default for Opener {
    fn default() -> Self {
        Self::new()
    }
}

impl core::fmt::Debug for Opener {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Opener({:?}, {:?})", self.level, self.sequence)
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.iv.zeroize(); // The key is the provider's to erase.
    }
}
