//! The transcript: a running hash over every handshake message of the main handshake, headers included (RFC 9846
//! section 4.1).
//!
//! ```text
//!   Unhashed (the first ClientHello) --start--> Transcript --add--> ... --digest--> schedule
//!            \----------------retry (message_hash)------^
//! ```

use sakigake_crypto::{Digest, Hash, HashState};

/// The handshake type of the message that stands for a ClientHello which was answered by a HelloRetryRequest.
const MESSAGE_HASH: u8 = 254;

/// The first ClientHello, kept as it is until the ServerHello or HelloRetryRequest names the hash.
#[derive(Clone, Debug)]
pub struct Unhashed {
    client_hello: Vec<u8>,
}

/// The running hash.
pub struct Transcript {
    hash: &'static Hash,
    state: Box<dyn HashState>,
}

impl Unhashed {
    /// Keeps the first ClientHello, header included.
    pub fn new(client_hello: Vec<u8>) -> Self {
        Self { client_hello }
    }

    /// The bytes that are kept.
    pub fn client_hello(&self) -> &[u8] {
        &self.client_hello
    }

    /// The answer was a ServerHello: hashes with its suite's hash from here on. Add the ServerHello next.
    pub fn start(&self, hash: &'static Hash) -> Transcript {
        let mut transcript = Transcript { hash, state: (hash.start)() };
        transcript.add(&self.client_hello);
        transcript
    }

    /// The answer was a HelloRetryRequest: a `message_hash` takes the ClientHello's place. Add the HelloRetryRequest
    /// next, then the second ClientHello.
    pub fn retry(&self, hash: &'static Hash) -> Transcript {
        Transcript::after_retry(hash, &self.start(hash).finish())
    }
}

impl Transcript {
    /// Begins after a HelloRetryRequest, of whose ClientHello only the digest was kept (a stateless server keeps it in
    /// the cookie).
    pub fn after_retry(hash: &'static Hash, client_hello: &Digest) -> Self {
        let mut transcript = Self { hash, state: (hash.start)() };
        transcript.add(&[MESSAGE_HASH, 0, 0, hash.len as u8]); // spec: 9846-4.1-a
        transcript.add(client_hello.as_ref());
        transcript
    }

    /// Takes in one whole message, or several one after the other, headers included.
    pub fn add(&mut self, messages: &[u8]) {
        self.state.update(messages);
    }

    /// The digest of all messages so far.
    pub fn digest(&self) -> Digest {
        self.state.digest()
    }

    /// The same at the end: nothing follows.
    pub fn finish(self) -> Digest {
        self.state.finish()
    }

    /// A copy that goes its own way (for binders, which hash a part of the ClientHello).
    pub fn fork(&self) -> Self {
        Self { hash: self.hash, state: self.state.fork() }
    }

    /// The hash function.
    pub fn hash(&self) -> &'static Hash {
        self.hash
    }
}

impl core::fmt::Debug for Transcript {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Transcript({} bytes a digest)", self.hash.len)
    }
}

#[cfg(test)]
mod tests;
