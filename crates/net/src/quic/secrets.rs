//! The keys of a process whose connections are QUIC.

use super::{estate::Family, kin::Kin};
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
use std::{
    fs::File,
    io::{self, Read, Write},
    sync::{Arc, Mutex, PoisonError},
};

/// The suite of Initial packets (RFC 9001 section 5.2).
const TLS_AES_128_GCM_SHA256: u16 = 0x1301;
/// Ids of today are all under one configuration.
const CONFIGURATION: u8 = 0;
const RESET_KEY_BYTES: usize = 32;

/// What connection ids are sealed with and what stateless resets follow from: the same for all workers of a process, and for the
/// processes that come after it ([`Estate`](super::Estate)), each of which has a number of its own.
#[derive(Clone)]
pub struct Secrets {
    ids: Secret,
    process: u32,
    reset: Secret,
    reset_key: ResetKey,
    /// Who came before, until a crew of this process has taken its place among them.
    family: Arc<Mutex<Option<Family>>>,
}

impl Secrets {
    /// New ones: of connections that another process had, nobody knows anything.
    pub fn draw() -> Self {
        let secret = |bytes| Secret::filled(bytes, |out| SystemEntropy.fill(out));
        let (ids, reset) = (secret(AES_128_BLOCK.key_len), secret(RESET_KEY_BYTES));
        Self::new(ids, reset, number(), None)
    }

    fn new(ids: Secret, reset: Secret, process: u32, family: Option<Family>) -> Self {
        let reset_key = ResetKey::new(suite().hash, reset.clone());
        Self { ids, process, reset, reset_key, family: Arc::new(Mutex::new(family)) }
    }

    /// The same keys, for a process that comes after others.
    pub(super) fn of_heir(self, process: u32, family: Family) -> Self {
        Self::new(self.ids, self.reset, process, Some(family))
    }

    pub(super) fn write(&self, out: &mut File) -> io::Result<()> {
        out.write_all(self.ids.as_ref())?;
        out.write_all(self.reset.as_ref())
    }

    /// The keys that [`Secrets::write`] wrote, under a number that is yet to be told.
    pub(super) fn read(from: &mut File) -> io::Result<Self> {
        let mut read = |bytes| {
            let mut outcome = Ok(());
            let secret = Secret::filled(bytes, |out| outcome = from.read_exact(out));
            outcome.map(|()| secret)
        };
        Ok(Self::new(read(AES_128_BLOCK.key_len)?, read(RESET_KEY_BYTES)?, 0, None))
    }

    /// A number that nobody has who is known.
    pub(super) fn another(&self, ancestors: &[Kin]) -> u32 {
        loop {
            let process = number();
            if process != self.process && ancestors.iter().all(|kin| kin.process != process) {
                return process;
            }
        }
    }

    pub(super) fn process(&self) -> u32 {
        self.process
    }

    /// Who came before, for the first crew.
    pub(super) fn family(&self) -> Family {
        self.family.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default()
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

fn number() -> u32 {
    let mut process = [0; 4];
    SystemEntropy.fill(&mut process);
    u32::from_be_bytes(process)
}

/// What protects Initial packets.
pub(super) fn suite() -> &'static Suite {
    PROVIDER
        .suite(TLS_AES_128_GCM_SHA256)
        .expect("the real provider has the suite that every TLS 1.3 must have")
}
