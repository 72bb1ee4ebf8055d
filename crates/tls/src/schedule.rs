//! The key schedule (RFC 9846 section 7): each stage gives its secrets and is consumed by the next, so that a secret
//! of a stage that is over cannot be asked for, and its root is erased.
//!
//! ```text
//!   Early::new(suite, psk) --handshake(shared)--> Handshake --main()--> Main
//!          binder, client_early_  client/server_handshake_    client/server_application_traffic_secret_0,
//!          traffic_secret         traffic_secret              exporter, resumption_secret
//! ```

use crate::{Exporter, Level, TrafficSecret};
use sakigake_crypto::{Digest, Hash, Secret, Suite, hkdf};
use zeroize::Zeroize;

/// Before the key exchange: holds the Early Secret, where there is a pre-shared key.
#[derive(Debug)]
pub struct Early {
    suite: &'static Suite,
    psk: Option<Root>,
}

/// After the key exchange: holds the Handshake Secret.
#[derive(Debug)]
pub struct Handshake(Root);

/// After the server's Finished: holds the Main Secret.
#[derive(Debug)]
pub struct Main(Root);

/// What protects records in one direction: key and IV (RFC 9846 section 7.3). Zeroised when dropped.
pub struct TrafficKeys {
    key: [u8; 32],
    key_len: usize,
    /// The IV, which is exclusive-ored with each record's sequence number.
    pub iv: [u8; 12],
}

impl Early {
    /// Begins with a pre-shared key, or none.
    pub fn new(suite: &'static Suite, psk: Option<&Secret>) -> Self {
        let zeros = &[0; 64][..suite.hash.len];
        Self {
            suite,
            psk: psk.map(|psk| Root { suite, secret: hkdf::extract(suite.hash, zeros, psk.as_ref()) }),
        }
    }

    /// The binder of a ticket's key (RFC 9846 section 4.3.11.2), from the digest of all messages up to and without the
    /// binders; none without a pre-shared key.
    pub fn binder(&self, transcript: &Digest) -> Option<Secret> {
        let root = self.psk.as_ref()?;
        let binder_key = root.derive_secret(b"res binder", (self.suite.hash.of_nothing)());
        Some(verify_data(self.suite.hash, &binder_key, transcript))
    }

    /// Exports from `early_exporter_secret`, beside early data; from the digest of the ClientHello; none without a pre-shared key.
    pub fn early_exporter(&self, transcript: &Digest) -> Option<Exporter> {
        let root = self.psk.as_ref()?;
        Some(Exporter::new(self.suite.hash, root.derive_secret(b"e exp master", transcript)))
    }

    /// `client_early_traffic_secret`, from the digest of the first ClientHello; none without a pre-shared key.
    pub fn client_early_traffic_secret(&self, transcript: &Digest) -> Option<TrafficSecret> {
        let root = self.psk.as_ref()?;
        Some(root.traffic(Level::EarlyData, b"c e traffic", transcript)) // spec: 9846-7.1-b
    }

    /// Goes on with the key exchange's shared secret.
    pub fn handshake(self, shared: &Secret) -> Handshake {
        let Self { suite, psk } = self;
        Handshake(match psk {
            Some(root) => root.extract(shared.as_ref()),
            None => Root::extracted(suite, (suite.hash.without_psk)(), shared.as_ref()), // spec: 9846-7.1-a
        })
    }
}

impl Handshake {
    /// `client_handshake_traffic_secret`, from the digest of ClientHello...ServerHello.
    pub fn client_handshake_traffic_secret(&self, transcript: &Digest) -> TrafficSecret {
        self.0.traffic(Level::Handshake, b"c hs traffic", transcript)
    }

    /// `server_handshake_traffic_secret`, from the digest of ClientHello...ServerHello.
    pub fn server_handshake_traffic_secret(&self, transcript: &Digest) -> TrafficSecret {
        self.0.traffic(Level::Handshake, b"s hs traffic", transcript)
    }

    /// Goes on to the Main Secret.
    pub fn main(self) -> Main {
        let zeros = [0; 64];
        let len = self.0.suite.hash.len;
        Main(self.0.extract(&zeros[..len]))
    }
}

impl Main {
    /// `client_application_traffic_secret_0`, from the digest of ClientHello...server Finished.
    pub fn client_application_traffic_secret_0(&self, transcript: &Digest) -> TrafficSecret {
        self.0.traffic(Level::Application, b"c ap traffic", transcript)
    }

    /// `server_application_traffic_secret_0`, from the digest of ClientHello...server Finished.
    pub fn server_application_traffic_secret_0(&self, transcript: &Digest) -> TrafficSecret {
        self.0.traffic(Level::Application, b"s ap traffic", transcript)
    }

    /// Exports from `exporter_secret`, from the digest of ClientHello...server Finished.
    pub fn exporter(&self, transcript: &Digest) -> Exporter {
        Exporter::new(self.0.suite.hash, self.0.derive_secret(b"exp master", transcript))
    }

    /// `resumption_secret`, from the digest of ClientHello...client Finished.
    pub fn resumption_secret(&self, transcript: &Digest) -> Secret {
        self.0.derive_secret(b"res master", transcript)
    }
}

impl TrafficSecret {
    /// The `verify_data` of the Finished whose base key this is, from the digest of all messages before it (RFC 9846
    /// section 4.5.3).
    pub fn verify_data(&self, transcript: &Digest) -> Secret {
        verify_data(self.suite.hash, &self.secret, transcript)
    }

    /// Whether `received` is the peer's right `verify_data`; takes the same time wherever they differ.
    #[must_use]
    pub fn is_verified(&self, transcript: &Digest, received: &[u8]) -> bool {
        sakigake_crypto::equal(self.verify_data(transcript).as_ref(), received)
    }

    /// `application_traffic_secret_N+1` (RFC 9846 section 7.2); the old one is erased.
    #[must_use]
    pub fn next(self) -> Self {
        Self { secret: self.expand(b"traffic upd"), ..self } // spec: 9846-7.2-a
    }

    /// Key and IV.
    pub fn keys(&self) -> TrafficKeys {
        let (hash, key_len) = (self.suite.hash, self.suite.aead.key_len);
        let mut keys = TrafficKeys { key: [0; 32], key_len, iv: [0; 12] };
        hkdf::expand_label(hash, self.secret.as_ref(), b"key", b"", &mut keys.key[..key_len]); // spec: 9846-7.3-a
        hkdf::expand_label(hash, self.secret.as_ref(), b"iv", b"", &mut keys.iv);
        keys
    }

    fn expand(&self, label: &[u8]) -> Secret {
        expand(self.suite.hash, &self.secret, label, b"")
    }
}

impl TrafficKeys {
    /// The key.
    pub fn key(&self) -> &[u8] {
        &self.key[..self.key_len]
    }
}

impl Drop for TrafficKeys {
    fn drop(&mut self) {
        self.key.zeroize();
        self.iv.zeroize();
    }
}

/// A secret down the middle of the schedule's figure, from which others are derived.
struct Root {
    suite: &'static Suite,
    secret: Secret,
}

impl Root {
    fn extracted(suite: &'static Suite, salt: &Secret, input: &[u8]) -> Self {
        Self { suite, secret: hkdf::extract(suite.hash, salt.as_ref(), input) }
    }

    fn derive_secret(&self, label: &[u8], transcript: &Digest) -> Secret {
        hkdf::derive_secret(self.suite.hash, self.secret.as_ref(), label, transcript)
    }

    fn traffic(&self, level: Level, label: &[u8], transcript: &Digest) -> TrafficSecret {
        TrafficSecret { level, suite: self.suite, secret: self.derive_secret(label, transcript) }
    }

    /// The next root: never skipped, whichever input is missing.
    fn extract(self, input: &[u8]) -> Self {
        let salt = self.derive_secret(b"derived", (self.suite.hash.of_nothing)()); // spec: 9846-7.1-a
        Self::extracted(self.suite, &salt, input)
    }
}

impl core::fmt::Debug for Root {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Root({:?})", self.suite)
    }
}

/// The pre-shared key that a ticket stands for (RFC 9846 section 4.7.1).
pub fn ticket_key(hash: &Hash, resumption_secret: &Secret, ticket_nonce: &[u8]) -> Secret {
    expand(hash, resumption_secret, b"resumption", ticket_nonce) // spec: 9846-4.7.1-b
}

/// HMAC over the transcript by the key that Finished and binders make of their base key.
fn verify_data(hash: &Hash, base_key: &Secret, transcript: &Digest) -> Secret {
    let finished_key = expand(hash, base_key, b"finished", b"");
    (hash.hmac)(finished_key.as_ref(), &[transcript.as_ref()]) // spec: 9846-4.5.3-b
}

/// HKDF-Expand-Label to the length of a digest.
fn expand(hash: &Hash, secret: &Secret, label: &[u8], context: &[u8]) -> Secret {
    hkdf::expand_digest(hash, secret.as_ref(), label, context)
}

#[cfg(test)]
mod tests;
