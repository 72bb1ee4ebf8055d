use crate::resumption::SKEW_SECS;
use sakigake_crypto::{AeadKey, Secret, Suite, TAG_BYTES, hkdf};
use sakigake_wire::Entropy;
use zeroize::Zeroizing;

/// Seals tickets and opens them again. All servers of a host share the keys, which change with time and are destroyed:
/// whoever gets hold of one knows the pre-shared keys that its tickets carry.
pub trait TicketKeys: Send + Sync {
    /// Seals `text`; none where there is no key at this time, and then no ticket goes out.
    fn seal(&self, unix_secs: u64, text: &[u8], entropy: &mut dyn Entropy) -> Option<Vec<u8>>;

    /// Whether [`TicketKeys::seal`] would seal at this time: who asks how many tickets to expect is told before they are made.
    fn is_sealing(&self, unix_secs: u64) -> bool;

    /// Gives back what [`TicketKeys::seal`] took; none for anything else, and for what was sealed under a key that is gone.
    fn open(&self, unix_secs: u64, ticket: &[u8]) -> Option<Zeroizing<Vec<u8>>>;
}

/// One key and its time. Its bytes are erased when the last copy goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketKey {
    /// Stands in front of each ticket, so that its key is found.
    pub name: [u8; TicketKey::NAME_BYTES],
    /// Each ticket's own key is derived from it; [`TicketKey::SECRET_BYTES`] where it was drawn here.
    pub secret: Secret,
    /// From when on it seals, in seconds since 1970.
    pub from_unix_secs: u64,
    /// Until when it seals.
    pub until_unix_secs: u64,
    /// Until when it opens; afterwards it is to be destroyed.
    pub opens_until_unix_secs: u64,
}

/// How long a key serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// For how long it seals, in seconds; a day by default.
    pub seals_secs: u64,
    /// For how long it still opens afterwards: as long as tickets live.
    pub opens_secs: u64,
}

/// Ticket keys in memory. A ticket is the key's name, 32 random bytes, and the text under an AEAD whose key and nonce are
/// derived from those bytes, so that no number of tickets uses a nonce twice.
#[derive(Clone)]
pub struct KeyRing {
    suite: &'static Suite,
    /// The newest is the last one.
    keys: Vec<TicketKey>,
}

impl TicketKey {
    /// Bytes of a name.
    pub const NAME_BYTES: usize = 16;
    /// Bytes of a secret that is drawn.
    pub const SECRET_BYTES: usize = 32;

    /// A new key that begins to seal at `unix_secs`.
    pub fn draw(unix_secs: u64, rotation: Rotation, entropy: &mut dyn Entropy) -> Self {
        let mut name = [0; Self::NAME_BYTES];
        entropy.fill(&mut name);
        let until_unix_secs = unix_secs.saturating_add(rotation.seals_secs);
        Self {
            name,
            secret: Secret::filled(Self::SECRET_BYTES, |out| entropy.fill(out)),
            from_unix_secs: unix_secs,
            until_unix_secs,
            opens_until_unix_secs: until_unix_secs.saturating_add(rotation.opens_secs),
        }
    }

    fn seals(&self, unix_secs: u64) -> bool {
        (self.from_unix_secs..self.until_unix_secs).contains(&unix_secs)
    }

    /// Not what a clock that was ahead has drawn: its tickets are none of today's.
    fn opens(&self, unix_secs: u64) -> bool {
        self.from_unix_secs <= unix_secs.saturating_add(SKEW_SECS) && !self.is_over(unix_secs)
    }

    fn is_over(&self, unix_secs: u64) -> bool {
        unix_secs >= self.opens_until_unix_secs
    }

    /// Whether it is of use now, or will be: what begins later than the next key would is of a clock that was ahead.
    fn is_kept(&self, unix_secs: u64, rotation: Rotation) -> bool {
        !self.is_over(unix_secs) && self.from_unix_secs <= unix_secs.saturating_add(rotation.seals_secs)
    }
}

impl Default for Rotation {
    fn default() -> Self {
        Self { seals_secs: 86_400, opens_secs: 86_400 }
    }
}

impl KeyRing {
    /// Keys that are kept at most: a clock that jumps back and forth draws no more.
    pub const MOST_KEYS: usize = 16;

    /// Uses the suite's AEAD and hash, and whichever of the keys is right for the time; of two the later one in `keys`.
    pub fn new(suite: &'static Suite, keys: Vec<TicketKey>) -> Self {
        Self { suite, keys }
    }

    /// A ring of other keys for the same suite.
    #[must_use]
    pub fn with_keys(&self, keys: Vec<TicketKey>) -> Self {
        Self::new(self.suite, keys)
    }

    /// The keys that it has, the newest last.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &TicketKey> {
        self.keys.iter()
    }

    /// A key is drawn so long before it seals, in seconds (or half of what one seals for, where that is less): until then all
    /// who share the keys have it.
    pub const AHEAD_SECS: u64 = 1_200;

    /// Whether [`KeyRing::turned`] would change anything: the time of a key is over, or none seals now or soon.
    pub fn is_due(&self, unix_secs: u64, rotation: Rotation) -> bool {
        !self.is_sealing(unix_secs)
            || !self.is_sealing(soon(unix_secs, rotation))
            || !self.keys().all(|key| key.is_kept(unix_secs, rotation))
    }

    /// The same without the keys whose time is over, and with a new one where none seals now or soon. The old ring is to be
    /// dropped, and the keys are gone with it.
    #[must_use]
    pub fn turned(&self, unix_secs: u64, rotation: Rotation, entropy: &mut dyn Entropy) -> Self {
        let is_kept = |key: &&TicketKey| key.is_kept(unix_secs, rotation);
        let mut keys: Vec<TicketKey> = self.keys().filter(is_kept).cloned().collect();
        let soon = soon(unix_secs, rotation);
        for at in [unix_secs, soon] {
            if !keys.iter().any(|key| key.seals(at)) {
                let ends = keys.iter().filter(|key| key.from_unix_secs <= at).map(|key| key.until_unix_secs);
                let from = ends.max().unwrap_or(at).clamp(unix_secs, at); // Where the one before it ends.
                keys.push(TicketKey::draw(from, rotation, entropy));
            }
        }
        while keys.len() > Self::MOST_KEYS {
            let spare = keys.iter().position(|key| !key.seals(unix_secs) && !key.seals(soon));
            keys.remove(spare.unwrap_or(0));
        }
        Self::new(self.suite, keys)
    }

    /// The key of one ticket, ready for use, and its nonce.
    fn derive(&self, key: &TicketKey, salt: &[u8]) -> (Box<dyn AeadKey>, [u8; NONCE_BYTES]) {
        let (hash, aead) = (self.suite.hash, self.suite.aead);
        let derived = Secret::filled(aead.key_len + NONCE_BYTES, |out| {
            hkdf::expand_label(hash, key.secret.as_ref(), LABEL, salt, out);
        });
        let (key, iv) = derived.as_ref().split_at(aead.key_len);
        let mut nonce = [0; NONCE_BYTES];
        nonce.copy_from_slice(iv);
        ((aead.key)(key), nonce)
    }
}

impl TicketKeys for KeyRing {
    fn seal(&self, unix_secs: u64, text: &[u8], entropy: &mut dyn Entropy) -> Option<Vec<u8>> {
        let key = self.keys().rev().find(|key| key.seals(unix_secs))?;
        let mut salt = [0; SALT_BYTES];
        entropy.fill(&mut salt);
        let (aead, nonce) = self.derive(key, &salt);
        let mut ticket = Vec::with_capacity(HEAD_BYTES + text.len() + TAG_BYTES);
        ticket.extend_from_slice(&key.name);
        ticket.extend_from_slice(&salt);
        ticket.extend_from_slice(text);
        let (head, sealed) = ticket.split_at_mut(HEAD_BYTES);
        let tag = aead.seal(nonce, head, sealed);
        ticket.extend_from_slice(&tag);
        Some(ticket)
    }

    fn is_sealing(&self, unix_secs: u64) -> bool {
        self.keys().any(|key| key.seals(unix_secs))
    }

    fn open(&self, unix_secs: u64, ticket: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (head, sealed) = ticket.split_at_checked(HEAD_BYTES)?;
        let (name, salt) = head.split_at(TicketKey::NAME_BYTES);
        let key = self.keys().find(|key| key.name == name && key.opens(unix_secs))?;
        let (aead, nonce) = self.derive(key, salt);
        let mut text = Zeroizing::new(sealed.to_vec());
        // A ticket that somebody else made, or changed, is no ticket of ours.
        let len = aead.open(nonce, head, &mut text).ok()?;
        text.truncate(len);
        Some(text)
    }
}

/// The time for which a key is drawn ahead.
fn soon(unix_secs: u64, rotation: Rotation) -> u64 {
    unix_secs.saturating_add(KeyRing::AHEAD_SECS.min(rotation.seals_secs / 2))
}

const LABEL: &[u8] = b"ticket";
const NONCE_BYTES: usize = 12;
const SALT_BYTES: usize = 32;
const HEAD_BYTES: usize = TicketKey::NAME_BYTES + SALT_BYTES;
