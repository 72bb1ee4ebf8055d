//! The keys of a process whose connections are QUIC.

use crate::SystemEntropy;
use sakigake_crypto::{
    Secret, Suite,
    aws_lc::{AES_128_BLOCK, PROVIDER},
};
use sakigake_quic::{
    endpoint::reset::ResetKey,
    ids::{IdKeys, IdSource, Place},
};
use sakigake_wire::Entropy;

/// The suite of Initial packets (RFC 9001 section 5.2).
const TLS_AES_128_GCM_SHA256: u16 = 0x1301;
/// Ids of today are all under one configuration.
const CONFIGURATION: u8 = 0;
const RESET_KEY_BYTES: usize = 32;

/// What connection ids are sealed with and what stateless resets follow from: the same for all workers of a process.
#[derive(Clone)]
pub struct Secrets {
    ids: Secret,
    process: u32,
    reset_key: ResetKey,
}

impl Secrets {
    /// New ones: of connections that another process had, nobody knows anything.
    pub fn draw() -> Self {
        let mut process = [0; 4];
        SystemEntropy.fill(&mut process);
        let secret = |bytes| Secret::filled(bytes, |out| SystemEntropy.fill(out));
        Self {
            ids: secret(AES_128_BLOCK.key_len),
            process: u32::from_be_bytes(process),
            reset_key: ResetKey::new(suite().hash, secret(RESET_KEY_BYTES)),
        }
    }

    /// For [`connection::Options::reset_key`](sakigake_quic::connection::Options::reset_key).
    pub fn reset_key(&self) -> ResetKey {
        self.reset_key.clone()
    }

    pub(super) fn source(&self, worker: u16) -> IdSource {
        let place = Place { process: self.process, worker };
        IdSource::new(CONFIGURATION, &AES_128_BLOCK, self.ids.as_ref(), place, &mut SystemEntropy)
    }

    pub(super) fn keys(&self) -> IdKeys {
        IdKeys::new().with(CONFIGURATION, &AES_128_BLOCK, self.ids.as_ref())
    }
}

/// What protects Initial packets.
pub(super) fn suite() -> &'static Suite {
    PROVIDER
        .suite(TLS_AES_128_GCM_SHA256)
        .expect("the real provider has the suite that every TLS 1.3 must have")
}
