//! Messages of one or two fields.

use super::frame;
use crate::{Fault, rules::HandshakeType};
use sakigake_wire::{Grow, Reader};

/// CertificateVerify (RFC 9846 section 4.5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CertificateVerify<'a> {
    /// The signature's scheme.
    pub algorithm: u16,
    /// The signature.
    pub signature: &'a [u8],
}

/// Finished (RFC 9846 section 4.5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finished<'a> {
    /// An HMAC over the transcript, as long as the suite's hash; its length is for the handshake to check.
    pub verify_data: &'a [u8],
}

/// EndOfEarlyData (RFC 9846 section 4.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndOfEarlyData;

/// KeyUpdate (RFC 9846 section 4.7.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUpdate {
    /// Whether the receiver has to update its keys too.
    pub update_requested: bool,
}

impl<'a> CertificateVerify<'a> {
    pub(super) fn read(body: &mut Reader<'a>) -> Result<Self, Fault> {
        Ok(Self { algorithm: body.u16()?, signature: body.vector_u16()?.rest() })
    }

    /// Appends the message, header included.
    pub fn write(&self, out: &mut Vec<u8>) {
        frame(HandshakeType::CERTIFICATE_VERIFY, out, |out| {
            out.u16(self.algorithm);
            out.vector_u16(|out| out.put(self.signature));
        });
    }
}

impl<'a> Finished<'a> {
    pub(super) fn read(body: &mut Reader<'a>) -> Result<Self, Fault> {
        Ok(Self { verify_data: body.rest() })
    }

    /// Appends the message, header included.
    pub fn write(&self, out: &mut Vec<u8>) {
        frame(HandshakeType::FINISHED, out, |out| out.put(self.verify_data));
    }
}

impl EndOfEarlyData {
    /// Appends the message, header included.
    pub fn write(&self, out: &mut Vec<u8>) {
        frame(HandshakeType::END_OF_EARLY_DATA, out, |_| {});
    }
}

impl KeyUpdate {
    pub(super) fn read(body: &mut Reader<'_>) -> Result<Self, Fault> {
        match body.u8()? {
            0 => Ok(Self { update_requested: false }),
            1 => Ok(Self { update_requested: true }),
            _ => Err(Fault::BadKeyUpdateRequest), // spec: 9846-4.7.3-a
        }
    }

    /// Appends the message, header included.
    pub fn write(&self, out: &mut Vec<u8>) {
        frame(HandshakeType::KEY_UPDATE, out, |out| out.u8(u8::from(self.update_requested)));
    }
}
