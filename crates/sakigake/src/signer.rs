//! Keys that are elsewhere: in another process, a module, another machine.

use core::{future::Future, pin::Pin};

/// What a server wants signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signing {
    /// The certificate in DER whose key is wanted.
    pub leaf: Vec<u8>,
    /// The signature scheme (RFC 9846 section 4.3.3).
    pub scheme: u16,
    /// What to sign, not hashed: whoever's module wants a digest makes it by the scheme's hash.
    pub message: Vec<u8>,
}

/// A signature that is on its way; none where there will not be one, and the handshake ends. It is encoded as TLS has it: of ECDSA
/// an ECDSA-Sig-Value in DER (not `r || s`), of RSA-PSS with a salt as long as the hash. Dropped unfinished where the client has
/// gone or its time is over.
pub type Signature = Pin<Box<dyn Future<Output = Option<Vec<u8>>>>>;

/// Signs with keys that this process does not have. While one signature is on its way, all other connections go on; it has
/// until the handshake's time is over.
pub trait RemoteSigner: Send + Sync {
    /// Begins. It is called on a worker's thread, and what it gives is polled there: neither may block.
    fn sign(&self, wanted: Signing) -> Signature;
}
