use crate::Secret;
use rustls_pki_types::{PrivateKeyDer, SignatureVerificationAlgorithm};
use sakigake_wire::Entropy;

/// Every suite in TLS 1.3 that browsers speak ends its ciphertext with a tag of this many bytes.
pub const TAG_BYTES: usize = 16;

/// Bytes of ciphertext that every header protection of QUIC looks at (RFC 9001 sections 5.4.3 and 5.4.4).
pub const SAMPLE_BYTES: usize = 16;

/// One implementation of everything: a table of tables. Rows stand in the order of preference.
pub struct Provider {
    /// What it calls itself in traces.
    pub name: &'static str,
    /// Cipher suites.
    pub suites: &'static [Suite],
    /// Key exchange groups.
    pub groups: &'static [Group],
    /// Signature schemes that a peer may use.
    pub verifications: &'static [Verification],
    /// Turns a private key into one that signs.
    pub signing_key: fn(&PrivateKeyDer<'_>) -> Result<Box<dyn SigningKey>, KeyRejected>,
}

impl Provider {
    /// The suite with this code point.
    pub fn suite(&self, id: u16) -> Option<&'static Suite> {
        self.suites.iter().find(|suite| suite.id == id)
    }

    /// The group with this code point.
    pub fn group(&self, id: u16) -> Option<&'static Group> {
        self.groups.iter().find(|group| group.id == id)
    }

    /// The signature scheme with this code point.
    pub fn verification(&self, scheme: u16) -> Option<&'static Verification> {
        self.verifications.iter().find(|row| row.scheme == scheme)
    }
}

/// A row of the cipher suites: an AEAD and a hash (RFC 9846 appendix B.4).
pub struct Suite {
    /// Its code point.
    pub id: u16,
    /// The hash of its transcript and key schedule.
    pub hash: &'static Hash,
    /// What protects its records.
    pub aead: &'static Aead,
}

/// A hash function with its HMAC.
pub struct Hash {
    /// Bytes of a digest, at most 64.
    pub len: usize,
    /// A running hash over nothing yet.
    pub start: fn() -> Box<dyn HashState>,
    /// The digest of nothing at all.
    pub of_nothing: fn() -> &'static Digest,
    /// HMAC (RFC 2104) under `key` of the message's parts, one after the other. It may be key material (HKDF), so it is kept
    /// as such; to hold one against a peer's, use [`crate::equal`].
    pub hmac: fn(key: &[u8], message: &[&[u8]]) -> Secret,
    /// What the Handshake Secret is extracted with where there is no pre-shared key (RFC 9846 section 7.1): the same for
    /// every connection, so it is derived once, by [`crate::hkdf::without_psk`].
    pub without_psk: fn() -> &'static Secret,
}

/// A running hash.
pub trait HashState: Send + Sync {
    /// Hashes more.
    fn update(&mut self, bytes: &[u8]);
    /// The digest of everything so far; hashing goes on.
    fn digest(&self) -> Digest;
    /// The same at the end, for which no copy of the state has to be made.
    fn finish(self: Box<Self>) -> Digest {
        self.digest()
    }
    /// A copy that goes its own way.
    fn fork(&self) -> Box<dyn HashState>;
}

/// A digest of what is no secret, such as a transcript, kept inline.
#[derive(Clone, Copy)]
pub struct Digest {
    bytes: [u8; 64],
    len: usize,
}

/// An authenticated cipher (RFC 5116).
pub struct Aead {
    /// Bytes of a key, at most 32.
    pub key_len: usize,
    /// Full-size records that one key may protect (RFC 9846 section 5.5); `u64::MAX` where sequence numbers end first.
    pub confidentiality_limit: u64,
    /// QUIC packets that one key may protect (RFC 9001 section 6.6); `u64::MAX` where packet numbers end first.
    pub packet_confidentiality_limit: u64,
    /// QUIC packets of one connection that may fail to open under keys of this kind (RFC 9001 section 6.6).
    pub packet_integrity_limit: u64,
    /// A key ready for use. It panics when the bytes are not [`Aead::key_len`]: keys come from our own key schedule.
    pub key: fn(&[u8]) -> Box<dyn AeadKey>,
    /// A key for the headers of QUIC packets (RFC 9001 section 5.4), as long as the AEAD's and refused likewise.
    pub header_key: fn(&[u8]) -> Box<dyn HeaderKey>,
}

/// What hides the header of a QUIC packet (RFC 9001 section 5.4).
pub trait HeaderKey: Send + Sync {
    /// The mask that a sample of the packet's ciphertext gives.
    fn mask(&self, sample: &[u8; SAMPLE_BYTES]) -> [u8; 5];
}

/// An AEAD key ready for use. Nonces have 12 bytes, tags [`TAG_BYTES`].
pub trait AeadKey: Send + Sync {
    /// Encrypts `text` in place and gives the tag; `text` is a record or a packet, never above 2^32 bytes.
    fn seal(&self, nonce: [u8; 12], aad: &[u8], text: &mut [u8]) -> [u8; TAG_BYTES];
    /// The same for what lies elsewhere: encrypts `text`, then `end`, into `out`, and puts the tag behind them.
    ///
    /// # Panics
    /// When `out` has not as many bytes as all three.
    fn seal_from(&self, nonce: [u8; 12], aad: &[u8], text: &[u8], end: &[u8], out: &mut [u8]) {
        seal_copy(self, nonce, aad, text, end, out);
    }
    /// Decrypts `text` in place, which ends with its tag; gives the length of the plaintext. Where it is forged or
    /// shorter than a tag, what `text` holds afterwards is of no meaning.
    fn open(&self, nonce: [u8; 12], aad: &[u8], text: &mut [u8]) -> Result<usize, Forged>;
}

/// [`AeadKey::seal_from`] for whoever seals in place alone.
pub(crate) fn seal_copy(
    key: &(impl AeadKey + ?Sized),
    nonce: [u8; 12],
    aad: &[u8],
    text: &[u8],
    end: &[u8],
    out: &mut [u8],
) {
    let (sealed, tag) = out.split_at_mut(text.len() + end.len());
    sealed[..text.len()].copy_from_slice(text);
    sealed[text.len()..].copy_from_slice(end);
    tag.copy_from_slice(&key.seal(nonce, aad, sealed));
}

/// The tag did not match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forged;

/// A row of the key exchange groups, hybrids included.
pub struct Group {
    /// Its code point (RFC 9846 section 4.3.7).
    pub id: u16,
    /// Bytes of a client's share.
    pub client_share_len: usize,
    /// Bytes of a server's share.
    pub server_share_len: usize,
    /// The client's side: makes a key pair.
    pub start: fn(&mut dyn Entropy) -> Box<dyn KeyShare>,
    /// The server's side: takes the client's share, gives its own and the secret.
    pub accept: fn(&mut dyn Entropy, share: &[u8]) -> Accepted,
}

/// What a server makes of a client's share: its own share and the secret.
pub type Accepted = Result<(Vec<u8>, Secret), BadShare>;

/// A client's key pair that waits for the server's share.
pub trait KeyShare: Send + Sync {
    /// The share to send.
    fn public(&self) -> &[u8];
    /// The secret shared with the peer.
    fn agree(self: Box<Self>, share: &[u8]) -> Result<Secret, BadShare>;
    /// For a hybrid: the classical group inside and its share, offered under that group's name too.
    fn component(&self) -> Option<(u16, &[u8])> {
        None
    }
    /// As [`KeyShare::agree`], where the peer chose the [`KeyShare::component`]; refused where there is none.
    fn agree_component(self: Box<Self>, _share: &[u8]) -> Result<Secret, BadShare> {
        Err(BadShare)
    }
}

/// The peer's share has the wrong length, is no point of the group, or yields the all-zero secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadShare;

/// A row of the signature schemes that a peer may use.
pub struct Verification {
    /// Its code point (RFC 9846 section 4.3.3).
    pub scheme: u16,
    /// Implementations, one for each combination of curve and hash that the scheme admits in certificates; the first one
    /// is what TLS 1.3's CertificateVerify means by it.
    pub algorithms: &'static [&'static dyn SignatureVerificationAlgorithm],
    /// Whether CertificateVerify may use it (PKCS #1 v1.5 may only sign certificates).
    pub in_handshake: bool,
}

/// A private key.
pub trait SigningKey: Send + Sync {
    /// The schemes it can sign with, best first.
    fn schemes(&self) -> &[u16];
    /// Signs `message` (not hashed) with one of its schemes. A provider whose library draws its own randomness leaves
    /// `entropy` alone.
    fn sign(&self, scheme: u16, message: &[u8], entropy: &mut dyn Entropy) -> Result<Vec<u8>, SignFailed>;
    /// The public half as SubjectPublicKeyInfo in DER, to hold against a certificate's.
    fn public_key(&self) -> Vec<u8>;
}

/// The key has a kind, size or encoding that this provider does not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyRejected;

/// Signing failed, or the scheme is not one of the key's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignFailed;

impl Digest {
    /// Keeps `bytes`.
    ///
    /// # Panics
    /// When there are more than 64: no hash in any suite gives that many.
    pub fn new(digest: &[u8]) -> Self {
        let mut bytes = [0; 64];
        bytes[..digest.len()].copy_from_slice(digest);
        Self { bytes, len: digest.len() }
    }
}

impl AsRef<[u8]> for Digest {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl core::fmt::Debug for Suite {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Suite({:#06x})", self.id)
    }
}
