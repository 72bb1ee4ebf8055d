//! Handshake messages (RFC 9846 section 4): borrowed, read whole and checked at the door, written by the same types.

mod certificate;
mod certificate_request;
mod client_hello;
mod encrypted_extensions;
mod new_session_ticket;
mod server_hello;
mod small;

pub use certificate::{Certificate, CertificateEntry, CompressedCertificate};
pub use certificate_request::CertificateRequest;
pub use client_hello::ClientHello;
pub use encrypted_extensions::EncryptedExtensions;
pub use new_session_ticket::NewSessionTicket;
pub use server_hello::{HelloRetryRequest, ServerHello};
pub use small::{CertificateVerify, EndOfEarlyData, Finished, KeyUpdate};

use crate::{Fault, rules::HandshakeType};
use sakigake_wire::{Grow, Reader};

/// Bytes of a handshake message's header: its type and its length (RFC 9846 section 4).
pub const HEADER_BYTES: usize = 4;

/// A handshake message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // Each variant is the message of its name.
#[allow(clippy::large_enum_variant)] // It lives on the stack, one at a time: a box would cost more than the bytes.
pub enum Message<'a> {
    ClientHello(ClientHello<'a>),
    ServerHello(ServerHello<'a>),
    HelloRetryRequest(HelloRetryRequest<'a>),
    EncryptedExtensions(EncryptedExtensions<'a>),
    CertificateRequest(CertificateRequest<'a>),
    Certificate(Certificate<'a>),
    CompressedCertificate(CompressedCertificate<'a>),
    CertificateVerify(CertificateVerify<'a>),
    Finished(Finished<'a>),
    NewSessionTicket(NewSessionTicket<'a>),
    EndOfEarlyData(EndOfEarlyData),
    KeyUpdate(KeyUpdate),
}

/// Dispatches to the message inside.
macro_rules! each {
    ($message:expr, $inner:ident => $body:expr) => {
        match $message {
            Message::ClientHello($inner) => $body,
            Message::ServerHello($inner) => $body,
            Message::HelloRetryRequest($inner) => $body,
            Message::EncryptedExtensions($inner) => $body,
            Message::CertificateRequest($inner) => $body,
            Message::Certificate($inner) => $body,
            Message::CompressedCertificate($inner) => $body,
            Message::CertificateVerify($inner) => $body,
            Message::Finished($inner) => $body,
            Message::NewSessionTicket($inner) => $body,
            Message::EndOfEarlyData($inner) => $body,
            Message::KeyUpdate($inner) => $body,
        }
    };
}

impl<'a> Message<'a> {
    /// Reads one whole message, header included: exactly `bytes`, not less and not more.
    ///
    /// # Errors
    /// A type that is unknown gives [`Fault::UnexpectedMessage`]; all else is the fault of the message's own content.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Fault> {
        let mut reader = Reader::new(bytes);
        let kind = HandshakeType(reader.u8()?);
        let mut body = reader.vector_u24()?;
        if !reader.is_empty() {
            return Err(Fault::TrailingBytes);
        }
        let message = Self::read_body(kind, &mut body)?;
        if body.is_empty() { Ok(message) } else { Err(Fault::TrailingBytes) } // spec: 9846-4.2.2-c
    }

    /// Appends the message, header included.
    pub fn write(&self, out: &mut Vec<u8>) {
        each!(self, message => message.write(out));
    }

    /// Its type.
    pub fn kind(&self) -> HandshakeType {
        match self {
            Self::ClientHello(_) => HandshakeType::CLIENT_HELLO,
            Self::ServerHello(_) | Self::HelloRetryRequest(_) => HandshakeType::SERVER_HELLO,
            Self::EncryptedExtensions(_) => HandshakeType::ENCRYPTED_EXTENSIONS,
            Self::CertificateRequest(_) => HandshakeType::CERTIFICATE_REQUEST,
            Self::Certificate(_) => HandshakeType::CERTIFICATE,
            Self::CompressedCertificate(_) => HandshakeType::COMPRESSED_CERTIFICATE,
            Self::CertificateVerify(_) => HandshakeType::CERTIFICATE_VERIFY,
            Self::Finished(_) => HandshakeType::FINISHED,
            Self::NewSessionTicket(_) => HandshakeType::NEW_SESSION_TICKET,
            Self::EndOfEarlyData(_) => HandshakeType::END_OF_EARLY_DATA,
            Self::KeyUpdate(_) => HandshakeType::KEY_UPDATE,
        }
    }

    fn read_body(kind: HandshakeType, body: &mut Reader<'a>) -> Result<Self, Fault> {
        Ok(match kind {
            HandshakeType::CLIENT_HELLO => Self::ClientHello(ClientHello::read(body)?),
            HandshakeType::SERVER_HELLO => server_hello::read(body)?,
            HandshakeType::ENCRYPTED_EXTENSIONS => {
                Self::EncryptedExtensions(EncryptedExtensions::read(body)?)
            }
            HandshakeType::CERTIFICATE_REQUEST => Self::CertificateRequest(CertificateRequest::read(body)?),
            HandshakeType::CERTIFICATE => Self::Certificate(Certificate::read(body)?),
            HandshakeType::COMPRESSED_CERTIFICATE => {
                Self::CompressedCertificate(CompressedCertificate::read(body)?)
            }
            HandshakeType::CERTIFICATE_VERIFY => Self::CertificateVerify(CertificateVerify::read(body)?),
            HandshakeType::FINISHED => Self::Finished(Finished::read(body)?),
            HandshakeType::NEW_SESSION_TICKET => Self::NewSessionTicket(NewSessionTicket::read(body)?),
            HandshakeType::END_OF_EARLY_DATA => Self::EndOfEarlyData(EndOfEarlyData),
            HandshakeType::KEY_UPDATE => Self::KeyUpdate(KeyUpdate::read(body)?),
            other => return Err(Fault::UnexpectedMessage(other)),
        })
    }
}

/// Appends a header of `kind` and what `body` writes.
fn frame(kind: HandshakeType, out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    out.u8(kind.0);
    out.vector_u24(body);
}

/// Reads `legacy_session_id` or its echo: at most 32 bytes.
fn session_id<'a>(body: &mut Reader<'a>) -> Result<&'a [u8], Fault> {
    let id = body.vector_u8()?.rest();
    if id.len() > 32 { Err(Fault::SessionIdTooLong) } else { Ok(id) }
}

#[cfg(test)]
mod tests;
