//! preferred_address: where a server would rather be reached (RFC 9000 sections 9.6 and 18.2).

use crate::{
    Fault,
    ids::{ConnectionId, ResetToken},
    rules::parameters::id,
};
use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use sakigake_wire::{Full, Reader, Short, Writer};

/// Another address of a server, and the connection id number 1 to reach it by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PreferredAddress {
    /// Its IPv4 address, if it has one.
    pub ipv4: Option<SocketAddrV4>,
    /// Its IPv6 address, if it has one.
    pub ipv6: Option<SocketAddrV6>,
    /// The connection id there, never empty.
    pub connection_id: ConnectionId,
    /// What a stateless reset for that id ends with.
    pub reset_token: ResetToken,
}

impl PreferredAddress {
    /// Whether `address` is one of them.
    pub fn is_at(&self, address: SocketAddr) -> bool {
        self.ipv4.map(SocketAddr::V4) == Some(address) || self.ipv6.map(SocketAddr::V6) == Some(address)
    }

    /// The parameter's value, whole.
    pub(super) fn read(value: &[u8]) -> Result<Self, Fault> {
        let malformed = Fault::MalformedParameter { parameter: id::PREFERRED_ADDRESS };
        let mut reader = Reader::new(value);
        let read = Self::read_parts(&mut reader).ok().flatten();
        let address = read.filter(|_| reader.is_empty()).ok_or(malformed.clone())?; // spec: 9000-18.2-u
        if address.connection_id.is_empty() {
            return Err(malformed); // spec: 9000-18.2-v
        }
        Ok(address)
    }

    /// `None` where the connection id is longer than there are.
    fn read_parts(reader: &mut Reader<'_>) -> Result<Option<Self>, Short> {
        let ipv4 = SocketAddrV4::new(Ipv4Addr::from(reader.array::<4>()?), reader.u16()?);
        let ipv6 = SocketAddrV6::new(Ipv6Addr::from(reader.array::<16>()?), reader.u16()?, 0, 0);
        let connection_id = ConnectionId::new(reader.vector_u8()?.rest());
        let reset_token = ResetToken::new(reader.array()?);
        // An address and a port of zeroes stand for none.
        let ipv4 = Some(ipv4).filter(|ipv4| !ipv4.ip().is_unspecified() || ipv4.port() != 0);
        let ipv6 = Some(ipv6).filter(|ipv6| !ipv6.ip().is_unspecified() || ipv6.port() != 0);
        Ok(connection_id.map(|connection_id| Self { ipv4, ipv6, connection_id, reset_token }))
    }

    /// Appends the parameter's value.
    pub(super) fn write(&self, out: &mut Writer<'_>) -> Result<(), Full> {
        out.put(&self.ipv4.map_or([0; 4], |ipv4| ipv4.ip().octets()))?;
        out.u16(self.ipv4.map_or(0, |ipv4| ipv4.port()))?;
        out.put(&self.ipv6.map_or([0; 16], |ipv6| ipv6.ip().octets()))?;
        out.u16(self.ipv6.map_or(0, |ipv6| ipv6.port()))?;
        out.u8(self.connection_id.len() as u8)?;
        out.put(self.connection_id.as_ref())?;
        out.put(self.reset_token.bytes())
    }

    /// Bytes of the value.
    pub(super) fn len(&self) -> usize {
        4 + 2 + 16 + 2 + 1 + self.connection_id.len() + ResetToken::BYTES
    }
}
