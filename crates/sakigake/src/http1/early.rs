//! Requests that came as early data (RFC 8470).

use crate::{
    hosts::is_host,
    service::{EarlyData, Peer},
};
use http::{header, request};

/// Marks a request that came before the handshake was over; gives the status by which it is refused where it must not be
/// answered so early. Whoever sent that had to know better, and may send it again: hyper reads no further while a request waits,
/// so that nobody could wait here for the handshake's end.
pub(super) fn judge(parts: &mut request::Parts, peer: &Peer) -> Option<u16> {
    if !peer.is_early() {
        return None;
    }
    let server_name = peer.tls().and_then(|tls| tls.server_name.as_deref());
    // A change of protocol lets more follow than is asked for, and another host may take no early data.
    let is_more = parts.headers.contains_key(header::UPGRADE);
    if !parts.method.is_safe() || is_more || !is_host(super::authority(parts), server_name) {
        return Some(TOO_EARLY); // spec: 8470-3-a
    }
    EarlyData::mark(parts);
    None
}

/// RFC 8470 section 5.2.
const TOO_EARLY: u16 = 425;
