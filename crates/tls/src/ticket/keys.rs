use sakigake_crypto::{Secret, Suite, TAG_BYTES, hkdf::Prk};
use sakigake_wire::Entropy;

/// Seals tickets and opens them again. All servers of a host share the keys, which change with time and are destroyed:
/// whoever gets hold of one can read every connection that its tickets resume without a key exchange.
pub trait TicketKeys: Send + Sync {
    /// Seals `text`; none where there is no key at this time, and then no ticket goes out.
    fn seal(&self, unix_secs: u64, text: &[u8], entropy: &mut dyn Entropy) -> Option<Vec<u8>>;

    /// Gives back what [`TicketKeys::seal`] took; none for anything else, and for what was sealed under a key that is gone.
    fn open(&self, unix_secs: u64, ticket: &[u8]) -> Option<Vec<u8>>;
}

/// One key and its time.
#[derive(Clone)]
pub struct TicketKey {
    /// Stands in front of each ticket, so that its key is found.
    pub name: [u8; NAME_BYTES],
    /// Each ticket's own key is derived from it; at least 32 bytes.
    pub secret: Secret,
    /// From when on it seals, in seconds since 1970.
    pub from_unix_secs: u64,
    /// Until when it seals.
    pub until_unix_secs: u64,
    /// Until when it opens; afterwards it is to be destroyed.
    pub opens_until_unix_secs: u64,
}

/// Ticket keys in memory. A ticket is the key's name, 32 random bytes, and the text under an AEAD whose key and nonce are
/// derived from those bytes, so that no number of tickets uses a nonce twice.
pub struct KeyRing {
    suite: &'static Suite,
    keys: Vec<TicketKey>,
}

impl KeyRing {
    /// Uses the suite's AEAD and hash, and whichever of the keys is right for the time.
    pub fn new(suite: &'static Suite, keys: Vec<TicketKey>) -> Self {
        Self { suite, keys }
    }

    /// The key and nonce of one ticket.
    fn derive(&self, key: &TicketKey, salt: &[u8]) -> (Secret, [u8; 12]) {
        let prk = Prk::new(self.suite.hash, key.secret.as_ref());
        let mut nonce = [0; 12];
        prk.expand_label(b"ticket iv", salt, &mut nonce);
        let key_len = self.suite.aead.key_len;
        (Secret::filled(key_len, |out| prk.expand_label(b"ticket key", salt, out)), nonce)
    }
}

impl TicketKeys for KeyRing {
    fn seal(&self, unix_secs: u64, text: &[u8], entropy: &mut dyn Entropy) -> Option<Vec<u8>> {
        let is_due = |key: &&TicketKey| (key.from_unix_secs..key.until_unix_secs).contains(&unix_secs);
        let key = self.keys.iter().find(is_due)?;
        let mut salt = [0; SALT_BYTES];
        entropy.fill(&mut salt);
        let (secret, nonce) = self.derive(key, &salt);
        let mut ticket = Vec::with_capacity(HEAD_BYTES + text.len() + TAG_BYTES);
        ticket.extend_from_slice(&key.name);
        ticket.extend_from_slice(&salt);
        ticket.extend_from_slice(text);
        let (head, sealed) = ticket.split_at_mut(HEAD_BYTES);
        let tag = (self.suite.aead.key)(secret.as_ref()).seal(nonce, head, sealed);
        ticket.extend_from_slice(&tag);
        Some(ticket)
    }

    fn open(&self, unix_secs: u64, ticket: &[u8]) -> Option<Vec<u8>> {
        let (head, sealed) = ticket.split_at_checked(HEAD_BYTES)?;
        let (name, salt) = head.split_at(NAME_BYTES);
        let opens = |key: &&TicketKey| key.name == name && unix_secs < key.opens_until_unix_secs;
        let (secret, nonce) = self.derive(self.keys.iter().find(opens)?, salt);
        let mut text = sealed.to_vec();
        // A ticket that somebody else made, or changed, is no ticket of ours.
        let len = (self.suite.aead.key)(secret.as_ref()).open(nonce, head, &mut text).ok()?;
        text.truncate(len);
        Some(text)
    }
}

const NAME_BYTES: usize = 16;
const SALT_BYTES: usize = 32;
const HEAD_BYTES: usize = NAME_BYTES + SALT_BYTES;
