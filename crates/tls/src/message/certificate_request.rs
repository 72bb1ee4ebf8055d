use super::frame;
use crate::{
    Fault,
    extension::CertificateRequestExtensions,
    rules::{ExtensionType, HandshakeType},
};
use sakigake_wire::{Grow, Reader};

/// CertificateRequest (RFC 9846 section 4.4.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CertificateRequest<'a> {
    /// Empty within the handshake; at most 255 bytes.
    pub certificate_request_context: &'a [u8],
    /// The extensions; `signature_algorithms` must be among them.
    pub extensions: CertificateRequestExtensions<'a>,
}

impl<'a> CertificateRequest<'a> {
    pub(super) fn read(body: &mut Reader<'a>) -> Result<Self, Fault> {
        let certificate_request_context = body.vector_u8()?.rest();
        let extensions = CertificateRequestExtensions::read(body.vector_u16()?.rest())?;
        if extensions.signature_algorithms.is_none() {
            return Err(Fault::MissingExtension(ExtensionType::SIGNATURE_ALGORITHMS)); // spec: 9846-4.4.2-a
        }
        Ok(Self { certificate_request_context, extensions })
    }

    /// Appends the message, header included.
    pub fn write(&self, out: &mut Vec<u8>) {
        frame(HandshakeType::CERTIFICATE_REQUEST, out, |out| {
            out.vector_u8(|out| out.put(self.certificate_request_context));
            self.extensions.write(out);
        });
    }
}
