//! The extensions' contents.

use super::page::{Hex, Page, Text};
use crate::rules::{
    CertificateCompressionAlgorithm, CertificateStatusType, ExtensionType, MessageSet, NamedGroup,
    ProtocolVersion, PskKeyExchangeMode, SignatureScheme,
};
use sakigake_wire::{Reader, Short};

/// One extension: its type, whether it may be here, and what it holds.
pub(super) fn one(page: &mut Page, block: &mut Reader<'_>, message: MessageSet) -> Result<(), Short> {
    let kind = ExtensionType(block.u16()?);
    let mut data = block.vector_u16()?;
    let place = if kind.may_appear_in(message) { "" } else { ", which may not be here" };
    page.line(format_args!("{kind} ({:#06x}), {} bytes{place}", kind.0, data.len()));
    page.within(|page| page.read(&mut data, |page, data| content(page, kind, message, data)));
    Ok(())
}

fn content(
    page: &mut Page,
    kind: ExtensionType,
    message: MessageSet,
    data: &mut Reader<'_>,
) -> Result<(), Short> {
    let asks = message == MessageSet::CH || message == MessageSet::CR;
    match kind {
        ExtensionType::SERVER_NAME if asks && !data.is_empty() => server_names(page, data),
        ExtensionType::SUPPORTED_GROUPS => {
            page.list("named_group_list", data.vector_u16()?, |page, list| {
                code(page, NamedGroup(list.u16()?))
            });
            Ok(())
        }
        ExtensionType::SIGNATURE_ALGORITHMS | ExtensionType::SIGNATURE_ALGORITHMS_CERT => {
            let schemes = data.vector_u16()?;
            page.list("supported_signature_algorithms", schemes, |page, list| {
                code(page, SignatureScheme(list.u16()?))
            });
            Ok(())
        }
        ExtensionType::APPLICATION_LAYER_PROTOCOL_NEGOTIATION => {
            page.list("protocol_name_list", data.vector_u16()?, |page, list| {
                page.line(format_args!("{}", Text(list.vector_u8()?.rest())));
                Ok(())
            });
            Ok(())
        }
        ExtensionType::COMPRESS_CERTIFICATE => {
            let algorithms = data.vector_u8()?;
            page.list("algorithms", algorithms, |page, list| {
                code(page, CertificateCompressionAlgorithm(list.u16()?))
            });
            Ok(())
        }
        ExtensionType::RECORD_SIZE_LIMIT => number(page, "record_size_limit", data.u16()?),
        ExtensionType::SUPPORTED_VERSIONS if asks => {
            page.list("versions", data.vector_u8()?, |page, list| code(page, ProtocolVersion(list.u16()?)));
            Ok(())
        }
        ExtensionType::SUPPORTED_VERSIONS => code(page, ProtocolVersion(data.u16()?)),
        ExtensionType::PSK_KEY_EXCHANGE_MODES => {
            page.list("ke_modes", data.vector_u8()?, |page, list| code(page, PskKeyExchangeMode(list.u8()?)));
            Ok(())
        }
        ExtensionType::KEY_SHARE => key_share(page, message, data),
        ExtensionType::PRE_SHARED_KEY if asks => offered_psks(page, data),
        ExtensionType::PRE_SHARED_KEY => number(page, "selected_identity", data.u16()?),
        ExtensionType::EARLY_DATA if message == MessageSet::NST => {
            number(page, "max_early_data_size", data.u32()?)
        }
        ExtensionType::COOKIE => {
            page.bytes("cookie", data.vector_u16()?.rest());
            Ok(())
        }
        ExtensionType::PADDING => padding(page, data),
        ExtensionType::STATUS_REQUEST if message == MessageSet::CH => status_request(page, data),
        ExtensionType::ENCRYPTED_CLIENT_HELLO if message == MessageSet::CH => {
            encrypted_client_hello(page, data)
        }
        ExtensionType::TICKET_REQUEST if message == MessageSet::CH => {
            number(page, "new_session_count", data.u8()?)?;
            number(page, "resumption_count", data.u8()?)
        }
        _ if data.is_empty() => Ok(()),
        _ => {
            page.line(format_args!("{}", Hex(data.rest())));
            Ok(())
        }
    }
}

fn server_names(page: &mut Page, data: &mut Reader<'_>) -> Result<(), Short> {
    page.list("server_name_list", data.vector_u16()?, |page, list| {
        let kind = list.u8()?;
        let name = Text(list.vector_u16()?.rest());
        match kind {
            0 => page.line(format_args!("host_name: {name}")),
            other => page.line(format_args!("unknown name type {other}: {name}")),
        }
        Ok(())
    });
    Ok(())
}

fn key_share(page: &mut Page, message: MessageSet, data: &mut Reader<'_>) -> Result<(), Short> {
    let entry = |page: &mut Page, entry: &mut Reader<'_>| {
        let group = NamedGroup(entry.u16()?);
        let share = Hex(entry.vector_u16()?.rest());
        page.line(format_args!("{group} ({:#06x}): {share}", group.0));
        Ok(())
    };
    match message {
        MessageSet::CH => page.list("client_shares", data.vector_u16()?, entry),
        MessageSet::HRR => code(page, NamedGroup(data.u16()?))?,
        _ => entry(page, data)?,
    }
    Ok(())
}

fn offered_psks(page: &mut Page, data: &mut Reader<'_>) -> Result<(), Short> {
    page.list("identities", data.vector_u16()?, |page, list| {
        let identity = Hex(list.vector_u16()?.rest());
        page.line(format_args!("identity: {identity}, obfuscated_ticket_age: {}", list.u32()?));
        Ok(())
    });
    page.list("binders", data.vector_u16()?, |page, list| {
        page.bytes("binder", list.vector_u8()?.rest());
        Ok(())
    });
    Ok(())
}

fn status_request(page: &mut Page, data: &mut Reader<'_>) -> Result<(), Short> {
    let kind = CertificateStatusType(data.u8()?);
    number(page, "status_type", kind)?;
    if kind == CertificateStatusType::OCSP {
        page.bytes("responder_id_list", data.vector_u16()?.rest());
        page.bytes("request_extensions", data.vector_u16()?.rest());
    } else {
        page.bytes("request", data.rest());
    }
    Ok(())
}

/// RFC 9849 section 5.
fn encrypted_client_hello(page: &mut Page, data: &mut Reader<'_>) -> Result<(), Short> {
    match data.u8()? {
        0 => {
            let (kdf, aead) = (data.u16()?, data.u16()?);
            page.line(format_args!(
                "outer: kdf_id {kdf:#06x}, aead_id {aead:#06x}, config_id {}",
                data.u8()?
            ));
            page.bytes("enc", data.vector_u16()?.rest());
            page.bytes("payload", data.vector_u16()?.rest());
        }
        1 => page.line(format_args!("inner")),
        other => page.line(format_args!("undefined type {other}: {}", Hex(data.rest()))),
    }
    Ok(())
}

fn padding(page: &mut Page, data: &mut Reader<'_>) -> Result<(), Short> {
    match data.rest() {
        zeros if zeros.iter().all(|byte| *byte == 0) => page.line(format_args!("{} zeros", zeros.len())),
        other => page.line(format_args!("not all zeros: {}", Hex(other))),
    }
    Ok(())
}

fn code(page: &mut Page, code: impl core::fmt::Display) -> Result<(), Short> {
    page.line(format_args!("{code}"));
    Ok(())
}

fn number(page: &mut Page, name: &str, value: impl core::fmt::Display) -> Result<(), Short> {
    page.line(format_args!("{name}: {value}"));
    Ok(())
}
