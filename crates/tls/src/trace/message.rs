//! The messages' bodies.

use super::{
    extension,
    page::{Hex, Page},
};
use crate::rules::{
    CertificateCompressionAlgorithm, CipherSuite, HELLO_RETRY_REQUEST_RANDOM, HandshakeType, MessageSet,
    ProtocolVersion, SignatureScheme,
};
use sakigake_wire::{Reader, Short};

/// What the message is called; a HelloRetryRequest shows itself by its random.
pub(super) fn title(kind: HandshakeType, body: &[u8]) -> String {
    if kind == HandshakeType::SERVER_HELLO && is_retry(body) {
        return "server_hello, a HelloRetryRequest".to_owned();
    }
    kind.to_string()
}

pub(super) fn body(page: &mut Page, kind: HandshakeType, reader: &mut Reader<'_>) -> Result<(), Short> {
    match kind {
        HandshakeType::CLIENT_HELLO => client_hello(page, reader),
        HandshakeType::SERVER_HELLO => server_hello(page, reader),
        HandshakeType::ENCRYPTED_EXTENSIONS => extensions(page, reader, MessageSet::EE),
        HandshakeType::CERTIFICATE_REQUEST => {
            page.bytes("certificate_request_context", reader.vector_u8()?.rest());
            extensions(page, reader, MessageSet::CR)
        }
        HandshakeType::CERTIFICATE => certificate(page, reader),
        HandshakeType::COMPRESSED_CERTIFICATE => {
            let algorithm = CertificateCompressionAlgorithm(reader.u16()?);
            page.line(format_args!("algorithm: {algorithm} ({:#06x})", algorithm.0));
            page.line(format_args!("uncompressed_length: {}", reader.u24()?));
            page.bytes("compressed_certificate_message", reader.vector_u24()?.rest());
            Ok(())
        }
        HandshakeType::CERTIFICATE_VERIFY => {
            let algorithm = SignatureScheme(reader.u16()?);
            page.line(format_args!("algorithm: {algorithm} ({:#06x})", algorithm.0));
            page.bytes("signature", reader.vector_u16()?.rest());
            Ok(())
        }
        HandshakeType::FINISHED => {
            page.bytes("verify_data", reader.rest());
            Ok(())
        }
        HandshakeType::NEW_SESSION_TICKET => new_session_ticket(page, reader),
        HandshakeType::KEY_UPDATE => {
            let name = match reader.u8()? {
                0 => "update_not_requested",
                1 => "update_requested",
                _ => "undefined",
            };
            page.line(format_args!("request_update: {name}"));
            Ok(())
        }
        _ => Ok(()),
    }
}

fn client_hello(page: &mut Page, reader: &mut Reader<'_>) -> Result<(), Short> {
    version(page, reader)?;
    page.bytes("random", reader.take(32)?);
    page.bytes("legacy_session_id", reader.vector_u8()?.rest());
    page.list("cipher_suites", reader.vector_u16()?, cipher_suite);
    page.line(format_args!("legacy_compression_methods: {}", Hex(reader.vector_u8()?.rest())));
    if reader.is_empty() {
        page.line(format_args!("no extensions"));
        return Ok(());
    }
    extensions(page, reader, MessageSet::CH)
}

fn server_hello(page: &mut Page, reader: &mut Reader<'_>) -> Result<(), Short> {
    let message = if is_retry(reader.peek()) { MessageSet::HRR } else { MessageSet::SH };
    version(page, reader)?;
    page.bytes("random", reader.take(32)?);
    page.bytes("legacy_session_id_echo", reader.vector_u8()?.rest());
    let suite = CipherSuite(reader.u16()?);
    page.line(format_args!("cipher_suite: {suite} ({:#06x})", suite.0));
    page.line(format_args!("legacy_compression_method: {}", reader.u8()?));
    if reader.is_empty() {
        page.line(format_args!("no extensions"));
        return Ok(());
    }
    extensions(page, reader, message)
}

fn certificate(page: &mut Page, reader: &mut Reader<'_>) -> Result<(), Short> {
    page.bytes("certificate_request_context", reader.vector_u8()?.rest());
    page.list("certificate_list", reader.vector_u24()?, |page, entry| {
        page.bytes("cert_data", entry.vector_u24()?.rest());
        extensions(page, entry, MessageSet::CT)
    });
    Ok(())
}

fn new_session_ticket(page: &mut Page, reader: &mut Reader<'_>) -> Result<(), Short> {
    page.line(format_args!("ticket_lifetime: {} s", reader.u32()?));
    page.line(format_args!("ticket_age_add: {}", reader.u32()?));
    page.bytes("ticket_nonce", reader.vector_u8()?.rest());
    page.bytes("ticket", reader.vector_u16()?.rest());
    extensions(page, reader, MessageSet::NST)
}

fn extensions(page: &mut Page, reader: &mut Reader<'_>, message: MessageSet) -> Result<(), Short> {
    page.list("extensions", reader.vector_u16()?, |page, block| extension::one(page, block, message));
    Ok(())
}

fn version(page: &mut Page, reader: &mut Reader<'_>) -> Result<(), Short> {
    let version = ProtocolVersion(reader.u16()?);
    page.line(format_args!("legacy_version: {version} ({:#06x})", version.0));
    Ok(())
}

fn cipher_suite(page: &mut Page, reader: &mut Reader<'_>) -> Result<(), Short> {
    let suite = CipherSuite(reader.u16()?);
    page.line(format_args!("{suite} ({:#06x})", suite.0));
    Ok(())
}

fn is_retry(body: &[u8]) -> bool {
    body.get(2..34) == Some(&HELLO_RETRY_REQUEST_RANDOM)
}
