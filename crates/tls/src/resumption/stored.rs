//! A session as bytes, for whoever keeps sessions on disk. The bytes are ours alone, and as secret as the session's key.

use super::{Session, Transport, Verdict};
use sakigake_crypto::Secret;
use sakigake_wire::{Grow, Reader};
use zeroize::Zeroizing;

impl Session {
    /// As bytes for [`Session::from_bytes`]; none where a part is longer than any that a handshake gives.
    pub fn to_bytes(&self) -> Option<Zeroizing<Vec<u8>>> {
        let short =
            [self.server_name.len(), self.secret.as_ref().len(), self.alpn.as_ref().map_or(0, Vec::len)];
        let chain_bytes: usize = self.chain.iter().map(|der| der.len() + 3).sum();
        let fits = short.iter().all(|len| *len <= usize::from(u8::MAX))
            && [&self.ticket, &self.kept].iter().all(|part| part.len() <= usize::from(u16::MAX))
            && chain_bytes <= MOST_CHAIN_BYTES;
        // Room for all of it: what a vector leaves behind as it grows would not be erased.
        let mut out =
            Zeroizing::new(Vec::with_capacity(1_280 + self.ticket.len() + self.kept.len() + chain_bytes));
        fits.then(|| {
            self.write(&mut out);
            out
        })
    }

    /// What [`Session::to_bytes`] gave; none for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let session = Self::read(&mut reader)?;
        reader.is_empty().then_some(session)
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.u8(if self.transport().is_some() { VERSION_QUIC } else { VERSION });
        out.vector_u8(|out| out.put(self.server_name.as_bytes()));
        out.u16(self.suite);
        out.vector_u8(|out| out.put(self.secret.as_ref()));
        out.vector_u16(|out| out.put(&self.ticket));
        out.u32(self.ticket_age_add);
        out.u32(self.lifetime_secs);
        out.put(&self.received_unix_ms.to_be_bytes());
        out.put(&self.authenticated_unix_secs.to_be_bytes());
        out.vector_u8(|out| out.put(self.alpn.as_deref().unwrap_or_default())); // Never empty where it is there.
        out.u32(self.max_early_data);
        out.put(&self.client_certificates);
        out.vector_u16(|out| out.put(&self.kept));
        out.vector_u24(|out| self.chain.iter().for_each(|der| out.vector_u24(|out| out.put(der))));
        if let Some(transport) = self.transport() {
            out.vector_u16(|out| out.put(transport));
        }
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let version = reader.u8().ok()?;
        if version != VERSION && version != VERSION_QUIC {
            return None;
        }
        Some(Self {
            server_name: core::str::from_utf8(reader.vector_u8().ok()?.rest()).ok()?.to_owned(),
            suite: reader.u16().ok()?,
            secret: Secret::new(reader.vector_u8().ok()?.rest()),
            ticket: reader.vector_u16().ok()?.rest().to_vec(),
            ticket_age_add: reader.u32().ok()?,
            lifetime_secs: reader.u32().ok()?,
            received_unix_ms: reader.u64().ok()?,
            authenticated_unix_secs: reader.u64().ok()?,
            alpn: Some(reader.vector_u8().ok()?.rest()).filter(|alpn| !alpn.is_empty()).map(<[u8]>::to_vec),
            max_early_data: reader.u32().ok()?,
            client_certificates: reader.array().ok()?,
            kept: reader.vector_u16().ok()?.rest().to_vec(),
            chain: {
                let bytes = reader.vector_u24().ok()?.rest();
                let (mut list, mut chain) = (Reader::new(bytes), Vec::new());
                if bytes.len() > MOST_CHAIN_BYTES {
                    return None;
                }
                while !list.is_empty() {
                    chain.push(list.vector_u24().ok()?.rest().to_vec());
                }
                chain.into()
            },
            verdict: Verdict::default(),
            transport: match version {
                VERSION_QUIC => Transport::stored(reader.vector_u16().ok()?.rest())?,
                _ => Transport::default(),
            },
        })
    }
}

/// Of these bytes; another one makes those before it worthless.
const VERSION: u8 = 3;

/// The same for a session of a connection over QUIC, with what that keeps at the end.
const VERSION_QUIC: u8 = 4;

/// A Certificate message that we take is far shorter.
const MOST_CHAIN_BYTES: usize = 1 << 20;
