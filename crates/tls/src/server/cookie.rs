//! What a server that keeps nothing after its HelloRetryRequest has the client send back (RFC 9846 section 4.3.2).

use crate::ticket::TicketKeys;
use sakigake_crypto::Digest;
use sakigake_wire::{Entropy, Grow, Reader};
use std::sync::Arc;

/// How a server remembers a HelloRetryRequest without keeping anything: whichever server has the same keys can go on.
#[derive(Clone)]
pub struct Cookies {
    /// Seal and open the cookies; those of tickets will do.
    pub keys: Arc<dyn TicketKeys>,
    /// For how long one is good.
    pub lifetime_ms: u64,
}

/// What a cookie says to the server that made it, or to another one with its keys.
pub(super) struct Cookie {
    pub(super) suite: u16,
    /// The group that the client was asked for.
    pub(super) group: u16,
    pub(super) issued_unix_ms: u64,
    /// The client sends early data behind its first ClientHello.
    pub(super) early_data: bool,
    /// Of the first ClientHello, for the transcript.
    pub(super) first: Digest,
    /// Of what the second ClientHello must repeat.
    pub(super) unchanging: Digest,
}

impl Cookies {
    /// Cookies that are good for ten seconds.
    pub fn new(keys: Arc<dyn TicketKeys>) -> Self {
        Self { keys, lifetime_ms: 10_000 }
    }
}

impl Cookie {
    /// Seals it; none where there is no key at this time.
    pub(super) fn seal(&self, cookies: &Cookies, entropy: &mut dyn Entropy) -> Option<Vec<u8>> {
        let mut text = Vec::with_capacity(160);
        text.u8(KIND);
        text.u16(self.suite);
        text.u16(self.group);
        text.put(&self.issued_unix_ms.to_be_bytes());
        text.u8(self.early_data.into());
        text.vector_u8(|out| out.put(self.first.as_ref()));
        text.vector_u8(|out| out.put(self.unchanging.as_ref()));
        cookies.keys.seal(self.issued_unix_ms / 1_000, &text, entropy)
    }

    /// Opens one; none where it is not ours, or too old.
    pub(super) fn open(cookies: &Cookies, cookie: &[u8], unix_ms: u64) -> Option<Self> {
        let text = cookies.keys.open(unix_ms / 1_000, cookie)?;
        let cookie = Self::read(&mut Reader::new(&text))?;
        (unix_ms.saturating_sub(cookie.issued_unix_ms) < cookies.lifetime_ms).then_some(cookie)
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        if reader.u8().ok()? != KIND {
            return None; // A ticket under the same keys, or what another version wrote.
        }
        let cookie = Self {
            suite: reader.u16().ok()?,
            group: reader.u16().ok()?,
            issued_unix_ms: reader.u64().ok()?,
            early_data: reader.u8().ok()? == 1,
            first: digest(reader.vector_u8().ok()?.rest())?,
            unchanging: digest(reader.vector_u8().ok()?.rest())?,
        };
        reader.is_empty().then_some(cookie)
    }
}

fn digest(bytes: &[u8]) -> Option<Digest> {
    (bytes.len() <= 64).then(|| Digest::new(bytes))
}

/// How a cookie's text begins; a ticket's does otherwise.
const KIND: u8 = 0xc0;
