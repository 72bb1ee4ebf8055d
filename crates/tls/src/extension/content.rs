//! What stands in the extensions, as functions that a block's table names.

use super::{Item, List, list};
use crate::{Fault, rules::CertificateStatusType};
use sakigake_wire::{Grow, Reader};

/// Some bytes behind a length of one byte; at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opaque8<'a>(pub &'a [u8]);

/// Some bytes behind a length of two bytes; at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opaque16<'a>(pub &'a [u8]);

/// Some bytes behind a length of three bytes; at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opaque24<'a>(pub &'a [u8]);

/// The host that a client wants (RFC 6066 section 3): ASCII, no IP address, no dot at its end; as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerName<'a>(pub &'a str);

/// One key share (RFC 9846 section 4.3.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyShareEntry<'a> {
    /// The group's code.
    pub group: u16,
    /// The public value, at least one byte.
    pub key_exchange: &'a [u8],
}

/// One pre-shared key's identity (RFC 9846 section 4.3.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PskIdentity<'a> {
    /// The ticket or external name, at least one byte.
    pub identity: &'a [u8],
    /// Its age in milliseconds, plus the ticket's `ticket_age_add`.
    pub obfuscated_ticket_age: u32,
}

/// A client's pre-shared keys (RFC 9846 section 4.3.11): as many binders as identities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfferedPsks<'a> {
    /// Identities, best first.
    pub identities: List<'a, PskIdentity<'a>>,
    /// Their binders, 32 to 255 bytes each.
    pub binders: List<'a, Binder<'a>>,
}

/// A pre-shared key's binder, 32 to 255 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binder<'a>(pub &'a [u8]);

/// Which certificate extension must have which values (RFC 9846 section 4.3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OidFilter<'a> {
    /// The extension's object identifier in DER.
    pub oid: &'a [u8],
    /// Its values in DER; may be empty.
    pub values: &'a [u8],
}

/// A wish for a certificate's status (RFC 6066 section 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateStatusRequest<'a> {
    /// By OCSP. Both parts are checked for shape alone.
    Ocsp {
        /// Responders that the client trusts, in DER.
        responder_id_list: List<'a, Opaque16<'a>>,
        /// Extensions to the OCSP request, in DER.
        request_extensions: &'a [u8],
    },
    /// In a way that we do not know: to be ignored.
    Unknown {
        /// The type, which is not OCSP's.
        status_type: u8,
        /// What stands behind it.
        request: &'a [u8],
    },
}

impl Default for CertificateStatusRequest<'_> {
    /// An OCSP response of any responder.
    fn default() -> Self {
        Self::Ocsp { responder_id_list: List::default(), request_extensions: &[] }
    }
}

/// How many tickets a client wants (RFC 9149 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TicketRequest {
    /// After a handshake without a ticket.
    pub new_session_count: u8,
    /// After a resumption.
    pub resumption_count: u8,
}

impl OfferedPsks<'_> {
    /// Bytes that the binders take at the end of ClientHello, the length before them included: what
    /// `Truncate(ClientHello)` leaves out (RFC 9846 section 4.3.11.2).
    pub fn binders_len(&self) -> usize {
        2 + self.binders.iter().map(|binder| 1 + binder.0.len()).sum::<usize>()
    }
}

impl<'a> Item<'a> for Opaque8<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        filled(reader.vector_u8()?.rest()).map(Self)
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.vector_u8(|out| out.put(self.0));
    }
}

impl<'a> Item<'a> for Opaque16<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        filled(reader.vector_u16()?.rest()).map(Self)
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.vector_u16(|out| out.put(self.0));
    }
}

impl<'a> Item<'a> for Opaque24<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        filled(reader.vector_u24()?.rest()).map(Self)
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.vector_u24(|out| out.put(self.0));
    }
}

impl<'a> Item<'a> for KeyShareEntry<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        Ok(Self { group: reader.u16()?, key_exchange: filled(reader.vector_u16()?.rest())? })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.u16(self.group);
        out.vector_u16(|out| out.put(self.key_exchange));
    }
}

impl<'a> Item<'a> for PskIdentity<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        Ok(Self { identity: filled(reader.vector_u16()?.rest())?, obfuscated_ticket_age: reader.u32()? })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.vector_u16(|out| out.put(self.identity));
        out.u32(self.obfuscated_ticket_age);
    }
}

impl<'a> Item<'a> for Binder<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let bytes = reader.vector_u8()?.rest();
        if bytes.len() < 32 { Err(Fault::VectorTooShort) } else { Ok(Self(bytes)) }
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.vector_u8(|out| out.put(self.0));
    }
}

impl<'a> Item<'a> for OidFilter<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        Ok(Self { oid: filled(reader.vector_u8()?.rest())?, values: reader.vector_u16()?.rest() })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.vector_u8(|out| out.put(self.oid));
        out.vector_u16(|out| out.put(self.values));
    }
}

fn filled(bytes: &[u8]) -> Result<&[u8], Fault> {
    if bytes.is_empty() { Err(Fault::VectorTooShort) } else { Ok(bytes) }
}

pub(super) fn read_item<'a, T: Item<'a>>(reader: &mut Reader<'a>) -> Result<T, Fault> {
    T::read(reader)
}

pub(super) fn write_item<'a, T: Item<'a>>(item: &T, out: &mut Vec<u8>) {
    item.write(out);
}

pub(super) fn read_u16(reader: &mut Reader<'_>) -> Result<u16, Fault> {
    Ok(reader.u16()?)
}

pub(super) fn write_u16(value: &u16, out: &mut Vec<u8>) {
    out.u16(*value);
}

pub(super) fn read_u32(reader: &mut Reader<'_>) -> Result<u32, Fault> {
    Ok(reader.u32()?)
}

pub(super) fn write_u32(value: &u32, out: &mut Vec<u8>) {
    out.u32(*value);
}

pub(super) fn read_empty(_: &mut Reader<'_>) -> Result<(), Fault> {
    Ok(()) // Whoever calls refuses bytes that are left.
}

pub(super) fn write_empty((): &(), _: &mut Vec<u8>) {}

pub(super) fn read_rest<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Fault> {
    Ok(reader.rest())
}

pub(super) fn write_rest(bytes: &&[u8], out: &mut Vec<u8>) {
    out.put(bytes);
}

pub(super) fn read_opaque16<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Fault> {
    filled(reader.vector_u16()?.rest())
}

pub(super) fn write_opaque16(bytes: &&[u8], out: &mut Vec<u8>) {
    out.vector_u16(|out| out.put(bytes));
}

pub(super) fn read_record_size_limit(reader: &mut Reader<'_>) -> Result<u16, Fault> {
    let limit = reader.u16()?;
    if limit < MIN_RECORD_SIZE_LIMIT { Err(Fault::BadRecordSizeLimit) } else { Ok(limit) } // spec: 8449-4-d
}

/// A server's limit: above what TLS 1.3 allows it makes no sense (a client's may be for other versions).
pub(super) fn read_server_record_size_limit(reader: &mut Reader<'_>) -> Result<u16, Fault> {
    let limit = read_record_size_limit(reader)?;
    if limit > MAX_RECORD_SIZE_LIMIT { Err(Fault::BadRecordSizeLimit) } else { Ok(limit) }
}

/// The least that a peer may say (RFC 8449 section 4).
pub const MIN_RECORD_SIZE_LIMIT: u16 = 64;

/// 2^14 bytes of content and its type (RFC 8449 section 4).
pub const MAX_RECORD_SIZE_LIMIT: u16 = (1 << 14) + 1;

pub(super) fn read_oid_filters<'a>(reader: &mut Reader<'a>) -> Result<List<'a, OidFilter<'a>>, Fault> {
    let filters: List<'a, OidFilter<'a>> = list::read16_empty(reader)?;
    let mut oids: Vec<_> = filters.iter().map(|filter| filter.oid).collect();
    oids.sort_unstable();
    if oids.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(Fault::DuplicateOidFilter); // spec: 9846-4.3.5-a
    }
    Ok(filters)
}

pub(super) fn read_one_protocol<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Fault> {
    let list: List<'a, Opaque8<'a>> = list::read16(reader)?;
    let mut protocols = list.iter();
    match (protocols.next(), protocols.next()) {
        (Some(protocol), None) => Ok(protocol.0),
        _ => Err(Fault::NotOneProtocol),
    }
}

pub(super) fn write_one_protocol(protocol: &&[u8], out: &mut Vec<u8>) {
    list::write16(&List::Items(&[Opaque8(protocol)]), out);
}

pub(super) fn read_ticket_request(reader: &mut Reader<'_>) -> Result<TicketRequest, Fault> {
    Ok(TicketRequest { new_session_count: reader.u8()?, resumption_count: reader.u8()? })
}

pub(super) fn write_ticket_request(request: &TicketRequest, out: &mut Vec<u8>) {
    out.u8(request.new_session_count);
    out.u8(request.resumption_count);
}

pub(super) fn read_status_request<'a>(
    reader: &mut Reader<'a>,
) -> Result<CertificateStatusRequest<'a>, Fault> {
    match reader.u8()? {
        status_type if status_type == CertificateStatusType::OCSP.0 => Ok(CertificateStatusRequest::Ocsp {
            responder_id_list: list::read16_empty(reader)?,
            request_extensions: reader.vector_u16()?.rest(),
        }),
        status_type => Ok(CertificateStatusRequest::Unknown { status_type, request: reader.rest() }),
    }
}

pub(super) fn write_status_request(request: &CertificateStatusRequest<'_>, out: &mut Vec<u8>) {
    match request {
        CertificateStatusRequest::Ocsp { responder_id_list, request_extensions } => {
            out.u8(CertificateStatusType::OCSP.0);
            list::write16(responder_id_list, out);
            out.vector_u16(|out| out.put(request_extensions));
        }
        CertificateStatusRequest::Unknown { status_type, request } => {
            out.u8(*status_type);
            out.put(request);
        }
    }
}

pub(super) fn read_certificate_status<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Fault> {
    if reader.u8()? != CertificateStatusType::OCSP.0 {
        return Err(Fault::BadCertificateStatus); // spec: 9846-4.5.1.1-a
    }
    filled(reader.vector_u24()?.rest())
}

pub(super) fn write_certificate_status(response: &&[u8], out: &mut Vec<u8>) {
    out.u8(CertificateStatusType::OCSP.0);
    out.vector_u24(|out| out.put(response));
}

/// The entry type of a host name, the only one there is (RFC 6066 section 3).
const HOST_NAME: u8 = 0;

pub(super) fn read_server_name<'a>(reader: &mut Reader<'a>) -> Result<ServerName<'a>, Fault> {
    let mut entries = reader.vector_u16()?;
    let kind = entries.u8()?;
    let name = filled(entries.vector_u16()?.rest())?;
    if kind != HOST_NAME || !entries.is_empty() {
        return Err(Fault::BadServerName);
    }
    host_name(name).map(ServerName).ok_or(Fault::BadServerName)
}

pub(super) fn write_server_name(name: &ServerName<'_>, out: &mut Vec<u8>) {
    out.vector_u16(|out| {
        out.u8(HOST_NAME);
        out.vector_u16(|out| out.put(name.0.as_bytes()));
    });
}

/// A DNS name in ASCII without a dot at its end, or an address: RFC 6066 section 3 permits none, but there are clients that
/// send one, and a server that ignores it serves them.
fn host_name(name: &[u8]) -> Option<&str> {
    let name = core::str::from_utf8(name).ok()?; // What is not even UTF-8 is no host name.
    let legal = name.len() <= 253
        && name.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        });
    (legal || name.parse::<core::net::Ipv6Addr>().is_ok()).then_some(name)
}

pub(super) fn read_offered_psks<'a>(reader: &mut Reader<'a>) -> Result<OfferedPsks<'a>, Fault> {
    let offered = OfferedPsks { identities: list::read16(reader)?, binders: list::read16(reader)? };
    if offered.identities.iter().count() != offered.binders.iter().count() {
        return Err(Fault::BindersDoNotMatchIdentities); // spec: 9846-4.3.11-f
    }
    Ok(offered)
}

pub(super) fn write_offered_psks(offered: &OfferedPsks<'_>, out: &mut Vec<u8>) {
    list::write16(&offered.identities, out);
    list::write16(&offered.binders, out);
}
