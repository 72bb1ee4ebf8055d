//! The sending half of record protection (RFC 9846 section 5.2).

use super::{
    HEADER_BYTES, MAX_CONTENT_BYTES, MAX_INNER_BYTES, OVERHEAD_BYTES, Padding, nonce, padding::Padder,
};
use crate::{Level, TrafficSecret, rules::ContentType};
use sakigake_crypto::{AeadKey, Hash, TAG_BYTES};
use zeroize::Zeroize;

/// Seals records in place: as plaintext at first, then under the keys installed last.
pub struct Sealer {
    level: Level,
    keys: Option<Keys>,
    /// The number of the next record, which is how many the keys have protected.
    sequence: u64,
    padder: Padder,
    /// The most bytes of content, type and padding in a protected record.
    inner_bytes: usize,
}

/// The keys have protected as many records as they may; nothing was sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exhausted;

struct Keys {
    key: Box<dyn AeadKey>,
    iv: [u8; 12],
    hash: &'static Hash,
    /// Records after which another key is wanted.
    records: u64,
    /// Records that the key may protect.
    most: u64,
}

impl Sealer {
    /// Sends plaintext.
    pub fn new() -> Self {
        Self {
            level: Level::Plain,
            keys: None,
            sequence: 0,
            padder: Padder::default(),
            inner_bytes: MAX_INNER_BYTES,
        }
    }

    /// Seals what comes next with keys from `secret`; another key is wanted before `records` of them, or as many as its
    /// cipher allows, are sealed.
    pub fn install(&mut self, secret: &TrafficSecret, records: u64) {
        let keys = secret.keys();
        let aead = secret.suite.aead;
        self.level = secret.level;
        self.sequence = 0;
        let most = aead.confidentiality_limit;
        let records = records.min(most); // spec: 9846-5.5-a
        let (key, hash) = ((aead.key)(keys.key()), secret.suite.hash);
        self.keys = Some(Keys { key, iv: keys.iv, hash, records, most });
    }

    /// Sends plaintext again.
    pub fn uninstall(&mut self) {
        (self.level, self.keys, self.sequence) = (Level::Plain, None, 0);
    }

    /// The level whose keys are installed.
    pub const fn level(&self) -> Level {
        self.level
    }

    /// From here on makes protected records longer, as far as they may be; `seed` decides random lengths.
    pub fn pad(&mut self, padding: Padding, seed: [u8; 32]) {
        self.padder = Padder::new(padding, seed);
    }

    /// From here on no protected record has more content, type and padding than the peer takes (RFC 8449), nor ever more
    /// than TLS 1.3 permits.
    pub fn limit(&mut self, inner_bytes: u16) {
        self.inner_bytes = usize::from(inner_bytes).min(MAX_INNER_BYTES); // spec: 8449-4-b
    }

    /// Whether new keys should be agreed on before much more is sent: one record in sixteen is left, so that the
    /// KeyUpdate itself, alerts and what is on its way still fit.
    pub fn wants_update(&self) -> bool {
        self.keys.as_ref().is_some_and(|keys| self.sequence >= keys.records - keys.records / 16)
    }

    #[cfg(test)]
    pub(super) fn set_sequence(&mut self, sequence: u64) {
        self.sequence = sequence;
    }

    /// How much content fits one record in `out_len` bytes.
    pub fn room(&self, out_len: usize) -> usize {
        if self.keys.is_none() {
            return out_len.saturating_sub(HEADER_BYTES).min(MAX_CONTENT_BYTES);
        }
        let inner = out_len.saturating_sub(HEADER_BYTES + TAG_BYTES).min(self.inner_bytes); // spec: 8449-4-a
        // A whole number of multiples, where there is room for one: then every content up to `room` can be padded.
        let multiple = self.padder.multiple();
        let inner = if inner >= multiple { inner - inner % multiple } else { inner };
        inner.saturating_sub(1).min(MAX_CONTENT_BYTES)
    }

    /// Seals the `len` bytes of content that lie at `out[5..]`, at most [`Sealer::room`], as one record; gives the
    /// record's length.
    ///
    /// # Panics
    /// When `len` is more than the room in `out`.
    pub fn seal(&mut self, kind: ContentType, out: &mut [u8], len: usize) -> Result<usize, Exhausted> {
        assert!(len <= self.room(out.len()), "the content was to fit the room that was told");
        let Some(keys) = &self.keys else {
            header(out, kind, len);
            return Ok(HEADER_BYTES + len);
        };
        let nonce = keys.nonce(self.sequence)?;
        let target = self.padder.target(len + 1, keys.hash);
        let inner = target.min(out.len() - HEADER_BYTES - TAG_BYTES).min(self.inner_bytes); // spec: 8449-4-a
        header(out, ContentType::APPLICATION_DATA, inner + TAG_BYTES);
        let (header, body) = out.split_at_mut(HEADER_BYTES);
        let (text, tag) = body.split_at_mut(inner);
        text[len] = kind.0;
        text[len + 1..].fill(0); // spec: 9846-5.4-d
        tag[..TAG_BYTES].copy_from_slice(&keys.key.seal(nonce, header, text)); // spec: 9846-5.2-a
        self.sequence += 1;
        Ok(OVERHEAD_BYTES - 1 + inner)
    }

    /// The same for `content` that lies elsewhere, which is encrypted on its way to `out`.
    ///
    /// # Panics
    /// When `content` is more than the room in `out`.
    pub fn seal_from(
        &mut self,
        kind: ContentType,
        out: &mut [u8],
        content: &[u8],
    ) -> Result<usize, Exhausted> {
        assert!(content.len() <= self.room(out.len()), "the content was to fit the room that was told");
        let Some(keys) = self.keys.as_ref().filter(|_| !self.padder.pads()) else {
            out[HEADER_BYTES..HEADER_BYTES + content.len()].copy_from_slice(content);
            return self.seal(kind, out, content.len());
        };
        let nonce = keys.nonce(self.sequence)?;
        let sealed_len = content.len() + 1 + TAG_BYTES;
        header(out, ContentType::APPLICATION_DATA, sealed_len);
        let (header, body) = out.split_at_mut(HEADER_BYTES);
        keys.key.seal_from(nonce, header, content, &[kind.0], &mut body[..sealed_len]); // spec: 9846-5.2-a
        self.sequence += 1;
        Ok(HEADER_BYTES + sealed_len)
    }
}

impl Keys {
    /// The nonce of record number `sequence`, if there may be one.
    fn nonce(&self, sequence: u64) -> Result<[u8; 12], Exhausted> {
        if sequence >= self.most {
            return Err(Exhausted); // spec: 9846-5.5-a
        }
        Ok(nonce(&self.iv, sequence))
    }
}

/// Writes a header with the version that everything but the first ClientHello has.
fn header(out: &mut [u8], kind: ContentType, len: usize) {
    let [high, low] = (len as u16).to_be_bytes(); // At most 2^14 + 256.
    out[..HEADER_BYTES].copy_from_slice(&[kind.0, 3, 3, high, low]); // spec: 9846-5.1-c
}

impl Default for Sealer {
    fn default() -> Self {
        Self::new()
    }
}

impl core::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Sealer({:?}, {})", self.level, self.sequence)
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.iv.zeroize(); // The key is the provider's to erase.
    }
}
