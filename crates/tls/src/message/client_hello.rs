use super::{frame, session_id};
use crate::{
    Fault,
    extension::{ClientHelloExtensions, List, RawExtension},
    rules::{ExtensionType, HandshakeType, ProtocolVersion},
};
use sakigake_wire::{Grow, Reader};

/// ClientHello (RFC 9846 section 4.2.2) of a client that offers TLS 1.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientHello<'a> {
    /// 32 unpredictable bytes.
    pub random: [u8; 32],
    /// Echoed by the server; at most 32 bytes.
    pub legacy_session_id: &'a [u8],
    /// Cipher suites, best first.
    pub cipher_suites: List<'a, u16>,
    /// The extensions.
    pub extensions: ClientHelloExtensions<'a>,
}

impl<'a> ClientHello<'a> {
    /// Reads what follows the header. A hello that does not offer TLS 1.3 gives [`Fault::NoCommonVersion`], whatever
    /// else older versions allow in it.
    pub(super) fn read(body: &mut Reader<'a>) -> Result<Self, Fault> {
        let version = body.u16()?;
        let random = body.array()?;
        let legacy_session_id = session_id(body)?;
        let cipher_suites = List::read(body.vector_u16()?.rest())?;
        let compression_methods = body.vector_u8()?.rest();
        if cipher_suites.is_empty() || compression_methods.is_empty() {
            return Err(Fault::VectorTooShort);
        }
        if body.is_empty() {
            return Err(Fault::NoCommonVersion); // TLS 1.2 and older allow a hello without extensions.
        }
        let block = body.vector_u16()?.rest();
        if version != ProtocolVersion::TLS_1_2.0 {
            return Err(Fault::WrongLegacyVersion); // spec: 9846-4.2.2-a
        }
        offers_tls_1_3(block)?; // spec: 9001-4.2-b
        if compression_methods != [0] {
            return Err(Fault::CompressionOffered); // spec: 9846-4.2.2-b
        }
        let extensions = ClientHelloExtensions::read(block)?;
        pre_shared_key_is_last(&extensions)?;
        Ok(Self { random, legacy_session_id, cipher_suites, extensions })
    }

    /// Appends the message, header included.
    pub fn write(&self, out: &mut Vec<u8>) {
        frame(HandshakeType::CLIENT_HELLO, out, |out| {
            out.u16(ProtocolVersion::TLS_1_2.0); // spec: 9846-4.2.2-e
            out.put(&self.random);
            out.vector_u8(|out| out.put(self.legacy_session_id));
            out.vector_u16(|out| self.cipher_suites.write(out));
            out.put(&[1, 0]); // spec: 9846-4.2.2-f
            self.extensions.write(out);
        });
    }
}

/// Looks for TLS 1.3 before anything else is judged by TLS 1.3's rules.
fn offers_tls_1_3(block: &[u8]) -> Result<(), Fault> {
    let offered = List::<RawExtension<'_>>::read(block)?
        .iter()
        .find(|extension| extension.kind == ExtensionType::SUPPORTED_VERSIONS)
        .ok_or(Fault::NoCommonVersion)?;
    let versions = List::<u16>::read(Reader::new(offered.data).vector_u8()?.rest())?;
    if versions.contains(&ProtocolVersion::TLS_1_3.0) { Ok(()) } else { Err(Fault::NoCommonVersion) } // spec: 9846-4.3.1-l 9113-9.2-a
}

fn pre_shared_key_is_last(extensions: &ClientHelloExtensions<'_>) -> Result<(), Fault> {
    let last = extensions.order.iter().last().map(|extension| extension.kind);
    if extensions.pre_shared_key.is_some() && last != Some(ExtensionType::PRE_SHARED_KEY) {
        return Err(Fault::PreSharedKeyNotLast); // spec: 9846-4.3.11-a
    }
    Ok(())
}
