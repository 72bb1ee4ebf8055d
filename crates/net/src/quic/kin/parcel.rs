//! A datagram on its way between two processes: what is known of it, then its bytes. All processes of a family write the same
//! form; [`FORM`] tells it.

use super::Standing;
use crate::Datagram;
use sakigake_quic::{paths::Addresses, recovery::acks::Mark};
use sakigake_wire::{Reader, Short, Writer};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

/// The number of this form, and of the one in which secrets are handed on.
pub(in crate::quic) const FORM: u8 = 1;
/// Standing, mark, two addresses.
pub(super) const HEAD_BYTES: usize = 2 + 2 * ADDRESS_BYTES;
/// The longest.
pub(super) const MOST_BYTES: usize = HEAD_BYTES + (1 << 16);
/// Family, octets, port, flow, scope.
const ADDRESS_BYTES: usize = 1 + 16 + 2 + 4 + 4;

/// What goes before the bytes.
pub(super) fn head(standing: Standing, datagram: &Datagram<'_>) -> [u8; HEAD_BYTES] {
    let mut bytes = [0; HEAD_BYTES];
    let mark = match datagram.mark {
        Mark::NotEct => 0,
        Mark::Ect1 => 1,
        Mark::Ect0 => 2,
        Mark::Ce => 3,
    };
    let (begin, ends) = bytes.split_at_mut(2);
    begin.copy_from_slice(&[u8::from(standing == Standing::Settled), mark]);
    let (local, peer) = ends.split_at_mut(ADDRESS_BYTES);
    put(local, datagram.addresses.local);
    put(peer, datagram.addresses.peer);
    bytes
}

/// The datagram that lies in a parcel; none where it is no parcel.
pub(super) fn open(parcel: &mut [u8]) -> Option<(Standing, Datagram<'_>)> {
    let (head, bytes) = parcel.split_at_mut_checked(HEAD_BYTES)?;
    let mut head = Reader::new(head);
    let standing = match head.u8().ok()? {
        0 => Standing::Open,
        1 => Standing::Settled,
        _ => return None,
    };
    let mark = match head.u8().ok()? {
        0 => Mark::NotEct,
        1 => Mark::Ect1,
        2 => Mark::Ect0,
        3 => Mark::Ce,
        _ => return None,
    };
    let (local, peer) = (address(&mut head).ok()??, address(&mut head).ok()??);
    // No datagram is empty that a port gives.
    (!bytes.is_empty()).then_some((standing, Datagram { bytes, addresses: Addresses { local, peer }, mark }))
}

fn put(out: &mut [u8], address: SocketAddr) {
    let (flow, scope) = match address {
        SocketAddr::V4(_) => (0, 0),
        SocketAddr::V6(address) => (address.flowinfo(), address.scope_id()),
    };
    let mut out = Writer::new(out);
    let written = (|| {
        match address.ip() {
            IpAddr::V4(ip) => {
                out.u8(4)?;
                out.put(&ip.octets())?;
                out.put(&[0; 12])?;
            }
            IpAddr::V6(ip) => {
                out.u8(6)?;
                out.put(&ip.octets())?;
            }
        }
        out.u16(address.port())?;
        out.u32(flow)?;
        out.u32(scope)
    })();
    written.expect("the place is as long as an address");
}

fn address(from: &mut Reader<'_>) -> Result<Option<SocketAddr>, Short> {
    let (family, octets) = (from.u8()?, from.array::<16>()?);
    let (port, flow, scope) = (from.u16()?, from.u32()?, from.u32()?);
    Ok(match family {
        4 => {
            let [a, b, c, d, ..] = octets;
            Some(SocketAddr::from((Ipv4Addr::new(a, b, c, d), port)))
        }
        6 => Some(SocketAddrV6::new(Ipv6Addr::from(octets), port, flow, scope).into()),
        _ => None,
    })
}
