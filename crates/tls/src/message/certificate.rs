use super::frame;
use crate::{
    Fault,
    extension::{CertificateEntryExtensions, Item, List},
    rules::HandshakeType,
};
use sakigake_wire::{Grow, Reader};

/// Certificate (RFC 9846 section 4.5.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Certificate<'a> {
    /// What the CertificateRequest had; empty from a server. At most 255 bytes.
    pub certificate_request_context: &'a [u8],
    /// The chain, leaf first; empty from a client that has none.
    pub certificate_list: List<'a, CertificateEntry<'a>>,
}

/// One certificate of a chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CertificateEntry<'a> {
    /// An X.509 certificate in DER, at least one byte.
    pub cert_data: &'a [u8],
    /// Its extensions.
    pub extensions: CertificateEntryExtensions<'a>,
}

/// CompressedCertificate (RFC 8879 section 4): a Certificate's body, compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompressedCertificate<'a> {
    /// How it is compressed.
    pub algorithm: u16,
    /// Bytes of the Certificate's body, without header.
    pub uncompressed_length: u32,
    /// The compressed body, at least one byte.
    pub compressed_certificate_message: &'a [u8],
}

impl<'a> Certificate<'a> {
    /// Reads what follows the header (or what a CompressedCertificate held).
    pub fn read(body: &mut Reader<'a>) -> Result<Self, Fault> {
        Ok(Self {
            certificate_request_context: body.vector_u8()?.rest(),
            certificate_list: List::read(body.vector_u24()?.rest())?,
        })
    }

    /// Appends the message, header included.
    pub fn write(&self, out: &mut Vec<u8>) {
        frame(HandshakeType::CERTIFICATE, out, |out| {
            out.vector_u8(|out| out.put(self.certificate_request_context));
            out.vector_u24(|out| self.certificate_list.write(out));
        });
    }
}

impl<'a> Item<'a> for CertificateEntry<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let cert_data = reader.vector_u24()?.rest();
        if cert_data.is_empty() {
            return Err(Fault::VectorTooShort);
        }
        Ok(Self { cert_data, extensions: CertificateEntryExtensions::read(reader.vector_u16()?.rest())? })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.vector_u24(|out| out.put(self.cert_data));
        self.extensions.write(out);
    }
}

impl<'a> CompressedCertificate<'a> {
    pub(super) fn read(body: &mut Reader<'a>) -> Result<Self, Fault> {
        let (algorithm, uncompressed_length) = (body.u16()?, body.u24()?);
        let compressed_certificate_message = body.vector_u24()?.rest();
        if compressed_certificate_message.is_empty() {
            return Err(Fault::VectorTooShort);
        }
        Ok(Self { algorithm, uncompressed_length, compressed_certificate_message })
    }

    /// Appends the message, header included.
    pub fn write(&self, out: &mut Vec<u8>) {
        frame(HandshakeType::COMPRESSED_CERTIFICATE, out, |out| {
            out.u16(self.algorithm);
            out.u24(self.uncompressed_length);
            out.vector_u24(|out| out.put(self.compressed_certificate_message));
        });
    }
}
