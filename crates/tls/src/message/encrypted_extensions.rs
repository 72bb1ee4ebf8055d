use super::frame;
use crate::{Fault, extension::EncryptedExtensionsBlock, rules::HandshakeType};
use sakigake_wire::Reader;

/// EncryptedExtensions (RFC 9846 section 4.4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EncryptedExtensions<'a> {
    /// The extensions.
    pub extensions: EncryptedExtensionsBlock<'a>,
}

impl<'a> EncryptedExtensions<'a> {
    pub(super) fn read(body: &mut Reader<'a>) -> Result<Self, Fault> {
        Ok(Self { extensions: EncryptedExtensionsBlock::read(body.vector_u16()?.rest())? })
    }

    /// Appends the message, header included.
    pub fn write(&self, out: &mut Vec<u8>) {
        frame(HandshakeType::ENCRYPTED_EXTENSIONS, out, |out| self.extensions.write(out));
    }
}
