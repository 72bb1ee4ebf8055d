//! Headers in the clear (RFC 8999; RFC 9000 sections 12.2 and 17): what can be said of a packet before any key is used.

use super::version::Versions;
use crate::ids::ConnectionId;
use crate::rules::versions::{LongType, Version, version};
use sakigake_crypto::{SAMPLE_BYTES, TAG_BYTES};
use sakigake_tls::rules::Side;
use sakigake_wire::{Reader, Short};

/// Header Form: the packet has a long header.
pub(super) const LONG: u8 = 0x80;
/// Fixed Bit, or QUIC Bit.
pub(super) const FIXED: u8 = 0x40;

/// Bytes that a protected packet has at least, counted from its packet number: four skipped and a sample.
pub(super) const LEAST_PROTECTED_BYTES: usize = 4 + SAMPLE_BYTES;

/// What the receiver knows before it looks at a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Door {
    /// Which side receives.
    pub side: Side,
    /// Bytes of the connection ids that this endpoint issues: short headers do not tell.
    pub id_bytes: usize,
    /// Whether packets without Fixed Bit are packets.
    pub fixed_bit: FixedBit,
}

/// What becomes of packets whose Fixed Bit is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FixedBit {
    /// They are discarded (RFC 9000 sections 17.2 and 17.3.1).
    Required,
    /// We sent `grease_quic_bit` (RFC 9287 section 3), and they are taken.
    Ignored,
}

/// A packet in a datagram, and what its header says in the clear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The header.
    pub header: Header<'a>,
    /// Bytes of the packet: the datagram's next packet begins there.
    pub len: usize,
    /// Where the packet number begins, counted from the packet's beginning; none where nothing is protected. Behind it
    /// are at least the 20 bytes that header protection looks at.
    pub number_at: Option<usize>,
}

/// A header in the clear, by packet type. Ids have at most [`ConnectionId::MOST_BYTES`] where the version is one that we speak.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Header<'a> {
    /// RFC 9000 section 17.2.2.
    Initial {
        /// The version.
        version: &'static Version,
        /// Destination Connection ID.
        dcid: &'a [u8],
        /// Source Connection ID.
        scid: &'a [u8],
        /// The token, empty if there is none.
        token: &'a [u8],
    },
    /// RFC 9000 section 17.2.3.
    ZeroRtt {
        /// The version.
        version: &'static Version,
        /// Destination Connection ID.
        dcid: &'a [u8],
        /// Source Connection ID.
        scid: &'a [u8],
    },
    /// RFC 9000 section 17.2.4.
    Handshake {
        /// The version.
        version: &'static Version,
        /// Destination Connection ID.
        dcid: &'a [u8],
        /// Source Connection ID.
        scid: &'a [u8],
    },
    /// RFC 9000 section 17.2.5. Whether it is genuine [`super::retry::is_genuine`] tells.
    Retry {
        /// The version.
        version: &'static Version,
        /// Destination Connection ID.
        dcid: &'a [u8],
        /// Source Connection ID.
        scid: &'a [u8],
        /// The token, never empty.
        token: &'a [u8],
    },
    /// RFC 8999 section 6.
    VersionNegotiation {
        /// Destination Connection ID, up to 255 bytes.
        dcid: &'a [u8],
        /// Source Connection ID, up to 255 bytes.
        scid: &'a [u8],
        /// What the server speaks, at least one.
        versions: Versions<'a>,
    },
    /// A long header of a version that we do not speak: only RFC 8999 holds.
    Unknown {
        /// The version, never 0.
        version: u32,
        /// Destination Connection ID, up to 255 bytes.
        dcid: &'a [u8],
        /// Source Connection ID, up to 255 bytes.
        scid: &'a [u8],
    },
    /// RFC 9000 section 17.3.1: a 1-RTT packet.
    Short {
        /// Destination Connection ID.
        dcid: &'a [u8],
    },
}

/// Why a packet is dropped before any key is used. Nobody is at fault: anybody may have sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discard {
    /// It ends inside its header.
    Truncated,
    /// Its Fixed Bit is 0.
    FixedBit,
    /// A connection id has more than 20 bytes.
    ConnectionIdTooLong,
    /// Its Length goes beyond the datagram.
    Length,
    /// There is no sample for header protection.
    TooShort,
    /// This side never receives that type.
    Misplaced,
    /// An Initial packet of a server has a token.
    ServerToken,
    /// A Retry packet has no token.
    NoRetryToken,
    /// A Version Negotiation packet names no version, or ends inside of one.
    VersionList,
    /// It follows a packet with another connection id in its datagram.
    OtherConnectionId,
    /// Its type does not follow other packets in a datagram.
    Coalesced,
}

impl From<Short> for Discard {
    fn from(_: Short) -> Self {
        Self::Truncated
    }
}

/// The first packet of a datagram.
pub fn parse<'a>(datagram: &'a [u8], door: &Door) -> Result<Packet<'a>, Discard> {
    match *datagram.first().ok_or(Discard::Truncated)? & LONG {
        0 => short(datagram, door),
        _ => long(datagram, door),
    }
}

/// The next packet of a datagram, `rest` being what is behind the packets before it, whose Destination Connection ID was
/// `dcid`. After an error nothing more is expected of the datagram.
pub fn parse_next<'a>(rest: &'a [u8], door: &Door, dcid: &[u8]) -> Result<Packet<'a>, Discard> {
    let packet = parse(rest, door)?;
    if packet.header.dcid() != dcid {
        return Err(Discard::OtherConnectionId); // spec: 9000-12.2-b
    }
    match packet.number_at {
        Some(_) => Ok(packet),
        None => Err(Discard::Coalesced),
    }
}

impl<'a> Header<'a> {
    /// Destination Connection ID.
    pub const fn dcid(&self) -> &'a [u8] {
        match self {
            Self::Initial { dcid, .. }
            | Self::ZeroRtt { dcid, .. }
            | Self::Handshake { dcid, .. }
            | Self::Retry { dcid, .. }
            | Self::VersionNegotiation { dcid, .. }
            | Self::Unknown { dcid, .. }
            | Self::Short { dcid } => dcid,
        }
    }

    /// Source Connection ID; none in a short header.
    pub const fn scid(&self) -> Option<&'a [u8]> {
        match self {
            Self::Initial { scid, .. }
            | Self::ZeroRtt { scid, .. }
            | Self::Handshake { scid, .. }
            | Self::Retry { scid, .. }
            | Self::VersionNegotiation { scid, .. }
            | Self::Unknown { scid, .. } => Some(scid),
            Self::Short { .. } => None,
        }
    }

    /// The version, where it is one that we speak and the header tells.
    pub const fn version(&self) -> Option<&'static Version> {
        match self {
            Self::Initial { version, .. }
            | Self::ZeroRtt { version, .. }
            | Self::Handshake { version, .. }
            | Self::Retry { version, .. } => Some(version),
            Self::VersionNegotiation { .. } | Self::Unknown { .. } | Self::Short { .. } => None,
        }
    }
}

fn short<'a>(datagram: &'a [u8], door: &Door) -> Result<Packet<'a>, Discard> {
    admit_fixed_bit(datagram[0], door)?;
    let mut reader = Reader::new(&datagram[1..]);
    let dcid = reader.take(door.id_bytes)?;
    let number_at = sampled(datagram.len(), reader.len())?;
    Ok(Packet { header: Header::Short { dcid }, len: datagram.len(), number_at: Some(number_at) })
}

/// What RFC 8999 says of every version; what is left is the version's.
fn long<'a>(datagram: &'a [u8], door: &Door) -> Result<Packet<'a>, Discard> {
    let mut reader = Reader::new(datagram);
    let first = reader.u8()?;
    let number = reader.u32()?;
    let dcid = reader.vector_u8()?.rest();
    let scid = reader.vector_u8()?.rest();
    let len = datagram.len();
    if number == 0 {
        admit(door.side == Side::Client)?; // spec: 9000-6.1-e
        let versions = Versions::read(reader.rest()).ok_or(Discard::VersionList)?; // spec: 8999-6-a
        let header = Header::VersionNegotiation { dcid, scid, versions };
        return Ok(Packet { header, len, number_at: None });
    }
    let Some(version) = version(number) else {
        admit(door.side == Side::Server)?;
        // Whatever the lengths of the ids: another version's rules may allow them.
        let header = Header::Unknown { version: number, dcid, scid }; // spec: 9000-17.2.1-b
        return Ok(Packet { header, len, number_at: None });
    };
    admit_fixed_bit(first, door)?;
    if dcid.len().max(scid.len()) > ConnectionId::MOST_BYTES {
        return Err(Discard::ConnectionIdTooLong); // spec: 9000-17.2-b
    }
    let header = match version.long_type(first) {
        LongType::Initial => Header::Initial { version, dcid, scid, token: token(&mut reader, door)? },
        LongType::ZeroRtt => {
            admit(door.side == Side::Server)?; // spec: 9001-5.6-a
            Header::ZeroRtt { version, dcid, scid }
        }
        LongType::Handshake => Header::Handshake { version, dcid, scid },
        LongType::Retry => {
            admit(door.side == Side::Client)?;
            let header = Header::Retry { version, dcid, scid, token: retry_token(reader.rest())? };
            return Ok(Packet { header, len, number_at: None });
        }
    };
    let (number_at, len) = protected(len, &mut reader)?;
    Ok(Packet { header, len, number_at: Some(number_at) })
}

/// The token of an Initial packet.
fn token<'a>(reader: &mut Reader<'a>, door: &Door) -> Result<&'a [u8], Discard> {
    let len = reader.varint()?;
    let token = reader.take(usize::try_from(len).unwrap_or(usize::MAX))?;
    if door.side == Side::Client && !token.is_empty() {
        return Err(Discard::ServerToken); // spec: 9000-17.2.2-a
    }
    Ok(token)
}

/// The token of a Retry packet, between its ids and its tag.
fn retry_token(rest: &[u8]) -> Result<&[u8], Discard> {
    let (token, _) = rest.split_last_chunk::<TAG_BYTES>().ok_or(Discard::Truncated)?;
    if token.is_empty() {
        return Err(Discard::NoRetryToken); // spec: 9000-17.2.5.2-b
    }
    Ok(token)
}

/// Reads Length: where the packet number begins, and the packet's whole length.
fn protected(datagram_len: usize, reader: &mut Reader<'_>) -> Result<(usize, usize), Discard> {
    let len = reader.varint()?;
    let Some(len) = usize::try_from(len).ok().filter(|len| *len <= reader.len()) else {
        return Err(Discard::Length); // spec: 9000-12.2-a
    };
    let packet_len = datagram_len - reader.len() + len;
    Ok((sampled(packet_len, len)?, packet_len))
}

/// Where the packet number begins, `protected` bytes before the packet's end, if they are enough for a sample.
fn sampled(packet_len: usize, protected: usize) -> Result<usize, Discard> {
    match protected {
        LEAST_PROTECTED_BYTES.. => Ok(packet_len - protected),
        _ => Err(Discard::TooShort), // spec: 9001-5.4.2-a
    }
}

fn admit_fixed_bit(first: u8, door: &Door) -> Result<(), Discard> {
    match door.fixed_bit {
        FixedBit::Required if first & FIXED == 0 => Err(Discard::FixedBit), // spec: 9000-17.2-a 9000-17.3.1-a
        _ => Ok(()),
    }
}

fn admit(is_in_place: bool) -> Result<(), Discard> {
    if is_in_place { Ok(()) } else { Err(Discard::Misplaced) }
}

#[cfg(test)]
mod tests;
