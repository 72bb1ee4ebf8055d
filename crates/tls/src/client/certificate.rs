//! What a client answers to a CertificateRequest, within the handshake and after it (RFC 9846 section 4.5).

use super::Config;
use crate::{
    Credential, Fault, TrafficSecret, Wanted,
    certificate::{
        Shown, choice,
        compression::{self, Compression},
        der,
    },
    extension::List,
    handshake::content,
    message::{Certificate, CertificateEntry, CertificateRequest, CertificateVerify, Finished},
    rules::Side,
    transcript::Transcript,
};
use sakigake_wire::Entropy;
use std::sync::Arc;

/// What is shown to a server that asks: a certificate of ours that fits, or none.
pub(super) struct Response {
    context: Vec<u8>,
    chosen: Option<Chosen>,
}

struct Chosen {
    credential: Arc<Credential>,
    scheme: u16,
    /// How the server takes its chain.
    compression: Option<&'static Compression>,
}

/// Certificate, CertificateVerify and Finished, as far as they are made: they leave together.
pub(super) struct Block {
    /// All messages before them, and those of them that are made.
    pub(super) transcript: Transcript,
    pub(super) messages: Vec<Vec<u8>>,
}

/// What becomes of a [`Block`] after its Certificate.
pub(super) enum Signing {
    /// Finished is what is left.
    Done(Block),
    /// The owner is asked to sign.
    Wanted(Unsigned),
}

/// A block that waits for its owner's signature.
pub(super) struct Unsigned {
    block: Block,
    scheme: u16,
    wanted: Wanted,
}

impl Response {
    /// Chooses by what the request says of schemes, authorities and extensions.
    pub(super) fn new(config: &Config, request: &CertificateRequest<'_>) -> Self {
        let extensions = &request.extensions;
        let schemes = extensions.signature_algorithms.unwrap_or_default(); // Never none: its reader saw to it.
        let schemes_cert = extensions.signature_algorithms_cert.unwrap_or(schemes);
        let fits = |credential: &&Arc<Credential>| {
            let leaf = &credential.chain[0]; // `Options::build` takes no empty chain.
            extensions.certificate_authorities.is_none_or(|names| {
                der::is_issued_by(&credential.chain, names.iter().map(|name| name.0)) // spec: 9846-4.5.1.2-p
            }) && extensions.oid_filters.is_none_or(|filters| {
                filters.iter().all(|filter| der::filter::matches(leaf, filter.oid, filter.values)) // spec: 9846-4.5.1.2-q
            })
        };
        let candidates: Vec<_> = config.credentials.iter().filter(fits).collect();
        let credential = choice::best(&candidates, schemes, schemes_cert);
        let chosen = credential.and_then(|credential| {
            let scheme = choice::scheme(credential, schemes)?;
            let compression = compression::best(config.compressions, extensions.compress_certificate);
            Some(Chosen { credential: Arc::clone(credential), scheme, compression })
        });
        Self { context: request.certificate_request_context.to_vec(), chosen }
    }

    #[cfg(test)]
    pub(super) fn leaf(&self) -> Option<&[u8]> {
        self.chosen.as_ref().map(|chosen| chosen.credential.chain[0].as_slice())
    }

    /// Makes Certificate, and CertificateVerify where there is something to prove. `transcript` holds all messages before.
    pub(super) fn sign(self, transcript: Transcript, entropy: &mut dyn Entropy) -> Result<Signing, Fault> {
        let mut block = Block { transcript, messages: Vec::with_capacity(3) };
        let Self { context, chosen } = self;
        match &chosen {
            // What is compressed is kept for all connections, so it has no context: after the handshake it goes open.
            Some(Chosen { credential, compression, .. }) if context.is_empty() => {
                block.push(credential.message_by(*compression, Shown::default())); // spec: 9846-4.5.1-o spec: 8879-4-d
            }
            _ => {
                let chain = chosen.iter().flat_map(|chosen| &chosen.credential.chain);
                let entries: Vec<_> = chain.map(|der| entry(der)).collect();
                let certificate_list = List::Items(&entries);
                let certificate = Certificate { certificate_request_context: &context, certificate_list };
                block.add(0, |out| certificate.write(out));
            }
        }
        let Some(Chosen { credential, scheme, .. }) = &chosen else { return Ok(Signing::Done(block)) };
        let (scheme, message) = (*scheme, content(Side::Client, &block.transcript.digest()));
        match &credential.signer {
            Some(signer) => {
                let signature = signer.sign(scheme, &message, entropy);
                block.add_signature(scheme, signature).map(Signing::Done)
            }
            None => {
                let leaf = credential.chain[0].clone(); // `Options::build` takes no empty chain.
                let wanted = Wanted::Signature { leaf, scheme, message };
                Ok(Signing::Wanted(Unsigned { block, scheme, wanted }))
            }
        }
    }
}

impl Unsigned {
    pub(super) fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// Takes the owner's signature.
    pub(super) fn sign(self, signature: Option<Vec<u8>>) -> Result<Block, Fault> {
        self.block.add_signature(self.scheme, signature)
    }
}

impl Block {
    /// One without Certificate: nobody asked.
    pub(super) fn unasked(transcript: Transcript) -> Self {
        Self { transcript, messages: Vec::with_capacity(1) }
    }

    /// Makes Finished by the base key of the moment (RFC 9846 section 4.5).
    pub(super) fn finish(&mut self, base_key: &TrafficSecret) {
        let verify_data = base_key.verify_data(&self.transcript.digest());
        self.add(64, |out| Finished { verify_data: verify_data.as_ref() }.write(out)); // spec: 9846-4.5.1-q
    }

    fn add_signature(mut self, algorithm: u16, signature: Option<Vec<u8>>) -> Result<Self, Fault> {
        let signature = signature.filter(|signature| signature.len() <= usize::from(u16::MAX));
        let signature = signature.ok_or(Fault::Internal("no signature"))?;
        self.add(8 + signature.len(), |out| {
            CertificateVerify { algorithm, signature: &signature }.write(out)
        }); // spec: 9846-4.5.2-s
        Ok(self)
    }

    /// Adds a message, of `room` bytes as a rule.
    fn add(&mut self, room: usize, write: impl FnOnce(&mut Vec<u8>)) {
        let mut message = Vec::with_capacity(room);
        write(&mut message);
        self.push(message);
    }

    fn push(&mut self, message: Vec<u8>) {
        self.transcript.add(&message);
        self.messages.push(message);
    }
}

fn entry(der: &[u8]) -> CertificateEntry<'_> {
    CertificateEntry { cert_data: der, ..CertificateEntry::default() }
}
