//! Extensions (RFC 9846 section 4.3): one typed block for each message that carries them.
//!
//! A block is read once, at the door: shape, then place, then the content of each extension that we know. It is written
//! in the order of [`order`](ClientHelloExtensions::order), so that what was read is written back byte for byte; what is
//! set but not in `order` follows in the order of the fields.

#[macro_use]
mod block;
mod content;
mod list;

pub use block::{RawExtension, refuse_unsolicited};
pub use content::{
    Binder, CertificateStatusRequest, KeyShareEntry, MAX_RECORD_SIZE_LIMIT, MIN_RECORD_SIZE_LIMIT,
    OfferedPsks, OidFilter, Opaque8, Opaque16, Opaque24, PskIdentity, ServerName, TicketRequest,
};
pub use list::{Item, Items, List, Wire};

use crate::{Fault, rules::ExtensionType};
use content as c;
pub(crate) use list::Codes;
use list::{read8, read16, read16_empty, write8, write16};

extension_block! {
    /// ClientHello's extensions.
    ClientHelloExtensions in CH {
        /// The host that the client wants.
        server_name: ServerName<'a> = SERVER_NAME, c::read_server_name, c::write_server_name;
        /// It takes an OCSP response with the certificate.
        status_request: CertificateStatusRequest<'a> = STATUS_REQUEST, c::read_status_request, c::write_status_request;
        /// Groups, best first.
        supported_groups: Codes<'a> = SUPPORTED_GROUPS, read16, write16;
        /// Schemes for CertificateVerify (and certificates, unless the next field says otherwise), best first.
        signature_algorithms: Codes<'a> = SIGNATURE_ALGORITHMS, read16, write16;
        /// Schemes in certificates, best first.
        signature_algorithms_cert: Codes<'a> = SIGNATURE_ALGORITHMS_CERT, read16, write16;
        /// Application protocols, best first.
        application_layer_protocol_negotiation: List<'a, Opaque8<'a>>
            = APPLICATION_LAYER_PROTOCOL_NEGOTIATION, read16, write16;
        /// It takes certificate transparency's timestamps with the certificate.
        signed_certificate_timestamp: () = SIGNED_CERTIFICATE_TIMESTAMP, c::read_empty, c::write_empty;
        /// Algorithms for CompressedCertificate.
        compress_certificate: Codes<'a> = COMPRESS_CERTIFICATE, read8, write8;
        /// Longest record that it takes, in bytes with the content type.
        record_size_limit: u16 = RECORD_SIZE_LIMIT, c::read_record_size_limit, c::write_u16;
        /// Versions, best first.
        supported_versions: Codes<'a> = SUPPORTED_VERSIONS, read8, write8;
        /// What the HelloRetryRequest gave.
        cookie: &'a [u8] = COOKIE, c::read_opaque16, c::write_opaque16;
        /// How pre-shared keys may be used.
        psk_key_exchange_modes: List<'a, u8> = PSK_KEY_EXCHANGE_MODES, read8, write8;
        /// Distinguished names of the authorities that it trusts, in DER.
        certificate_authorities: List<'a, Opaque16<'a>> = CERTIFICATE_AUTHORITIES, read16, write16;
        /// It answers a CertificateRequest after the handshake.
        post_handshake_auth: () = POST_HANDSHAKE_AUTH, c::read_empty, c::write_empty;
        /// Its key shares, best first.
        key_share: List<'a, KeyShareEntry<'a>> = KEY_SHARE, read16_empty, write16;
        /// QUIC's parameters, not looked into (RFC 9001 section 8.2).
        quic_transport_parameters: &'a [u8] = QUIC_TRANSPORT_PARAMETERS, c::read_rest, c::write_rest;
        /// How many tickets it wants (RFC 9149).
        ticket_request: TicketRequest = TICKET_REQUEST, c::read_ticket_request, c::write_ticket_request;
        /// Encrypted ClientHello, not looked into (RFC 9849).
        encrypted_client_hello: &'a [u8] = ENCRYPTED_CLIENT_HELLO, c::read_rest, c::write_rest;
        /// It sends early data.
        early_data: () = EARLY_DATA, c::read_empty, c::write_empty;
        /// Pre-shared keys; always last.
        pre_shared_key: OfferedPsks<'a> = PRE_SHARED_KEY, c::read_offered_psks, c::write_offered_psks;
    }
}

extension_block! {
    /// ServerHello's extensions.
    ServerHelloExtensions in SH {
        /// The version chosen.
        supported_versions: u16 = SUPPORTED_VERSIONS, c::read_u16, c::write_u16;
        /// The server's share.
        key_share: KeyShareEntry<'a> = KEY_SHARE, c::read_item, c::write_item;
        /// Index of the chosen pre-shared key.
        pre_shared_key: u16 = PRE_SHARED_KEY, c::read_u16, c::write_u16;
    }
}

extension_block! {
    /// HelloRetryRequest's extensions.
    HelloRetryRequestExtensions in HRR {
        /// The version chosen.
        supported_versions: u16 = SUPPORTED_VERSIONS, c::read_u16, c::write_u16;
        /// The group to send a share for.
        key_share: u16 = KEY_SHARE, c::read_u16, c::write_u16;
        /// To be sent back.
        cookie: &'a [u8] = COOKIE, c::read_opaque16, c::write_opaque16;
        /// Confirmation of Encrypted ClientHello, not looked into.
        encrypted_client_hello: &'a [u8] = ENCRYPTED_CLIENT_HELLO, c::read_rest, c::write_rest;
    }
}

extension_block! {
    /// EncryptedExtensions' extensions.
    EncryptedExtensionsBlock in EE {
        /// The server used the name.
        server_name: () = SERVER_NAME, c::read_empty, c::write_empty;
        /// The server's groups, best first.
        supported_groups: Codes<'a> = SUPPORTED_GROUPS, read16, write16;
        /// The protocol chosen.
        application_layer_protocol_negotiation: &'a [u8]
            = APPLICATION_LAYER_PROTOCOL_NEGOTIATION, c::read_one_protocol, c::write_one_protocol;
        /// Longest record that the server takes, in bytes with the content type.
        record_size_limit: u16 = RECORD_SIZE_LIMIT, c::read_server_record_size_limit, c::write_u16;
        /// Early data was accepted.
        early_data: () = EARLY_DATA, c::read_empty, c::write_empty;
        /// QUIC's parameters, not looked into (RFC 9001 section 8.2).
        quic_transport_parameters: &'a [u8] = QUIC_TRANSPORT_PARAMETERS, c::read_rest, c::write_rest;
        /// How many tickets the server will send (RFC 9149).
        ticket_request: u8 = TICKET_REQUEST, c::read_item, c::write_item;
        /// Encrypted ClientHello's retry configurations, not looked into.
        encrypted_client_hello: &'a [u8] = ENCRYPTED_CLIENT_HELLO, c::read_rest, c::write_rest;
    }
}

extension_block! {
    /// CertificateRequest's extensions.
    CertificateRequestExtensions in CR {
        /// The server takes an OCSP response with the certificate.
        status_request: () = STATUS_REQUEST, c::read_empty, c::write_empty;
        /// Schemes for CertificateVerify (and certificates, unless the next field says otherwise), best first.
        signature_algorithms: Codes<'a> = SIGNATURE_ALGORITHMS, read16, write16;
        /// Schemes in certificates, best first.
        signature_algorithms_cert: Codes<'a> = SIGNATURE_ALGORITHMS_CERT, read16, write16;
        /// Algorithms for CompressedCertificate.
        compress_certificate: Codes<'a> = COMPRESS_CERTIFICATE, read8, write8;
        /// Distinguished names of the authorities that the server trusts, in DER.
        certificate_authorities: List<'a, Opaque16<'a>> = CERTIFICATE_AUTHORITIES, read16, write16;
        /// Extensions that the certificate must have.
        oid_filters: List<'a, OidFilter<'a>> = OID_FILTERS, c::read_oid_filters, write16;
    }
}

extension_block! {
    /// The extensions of one entry in Certificate.
    CertificateEntryExtensions in CT {
        /// The OCSP response.
        status_request: &'a [u8] = STATUS_REQUEST, c::read_certificate_status, c::write_certificate_status;
        /// Certificate transparency's timestamps, each as RFC 6962 serialises it.
        signed_certificate_timestamp: List<'a, Opaque16<'a>> = SIGNED_CERTIFICATE_TIMESTAMP, read16, write16;
    }
}

extension_block! {
    /// NewSessionTicket's extensions.
    NewSessionTicketExtensions in NST {
        /// Most early data that the ticket allows, in bytes.
        early_data: u32 = EARLY_DATA, c::read_u32, c::write_u32;
    }
}
