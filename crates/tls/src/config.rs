//! The checks that both sides' configurations share: what passes them cannot overflow a length on the wire.

use crate::{
    Credential, Limits, MAX_TICKET_LIFETIME_SECS, Misuse,
    extension::{MAX_RECORD_SIZE_LIMIT, MIN_RECORD_SIZE_LIMIT},
    ticket::Tickets,
};
use sakigake_crypto::{Group, Provider};
use sakigake_wire::Instant;

/// Bytes that the extensions of one certificate may take, behind a length of two bytes.
const STAPLE_BYTES: usize = 65_535;

/// Bytes that a list of ours may take at most; a ClientHello holds a handful of them behind two-byte lengths.
pub(crate) const LIST_BYTES: usize = 4_096;

pub(crate) fn check_alpn(alpn: &[Vec<u8>]) -> Result<(), Misuse> {
    let fits = alpn.iter().all(|name| (1..=255).contains(&name.len()));
    let bytes: usize = alpn.iter().map(|name| 1 + name.len()).sum();
    if fits && bytes <= LIST_BYTES { Ok(()) } else { Err(Misuse::Alpn) }
}

pub(crate) fn check_provider(provider: &Provider) -> Result<(), Misuse> {
    let lists = [provider.suites.len(), provider.groups.len(), provider.verifications.len()];
    if lists.contains(&0) {
        return Err(Misuse::Provider("a suite, a group and a verification are needed"));
    }
    let shares: usize = provider.groups.iter().map(|group| group.client_share_len).sum();
    if lists.iter().any(|len| *len > 64) || shares > 32_768 {
        return Err(Misuse::Provider("its lists do not fit a ClientHello"));
    }
    Ok(())
}

pub(crate) fn check_limits(limits: &Limits) -> Result<(), Misuse> {
    let least = [
        (limits.handshake_message_bytes >= 2_048, "handshake_message_bytes is below 2,048"),
        (limits.certificate_chain_bytes >= 1_024, "certificate_chain_bytes is below 1,024"),
        (limits.certificates >= 1, "certificates is 0"),
        (limits.held_bytes >= 2_048, "held_bytes is below 2,048"),
        (limits.handshake_ms >= 1, "handshake_ms is 0"),
    ];
    match least.iter().find(|(holds, _)| !holds) {
        Some((_, what)) => Err(Misuse::Limits(what)),
        None => Ok(()),
    }
}

pub(crate) fn check_record_size_limit(limit: Option<u16>) -> Result<(), Misuse> {
    match limit {
        Some(..MIN_RECORD_SIZE_LIMIT) => Err(Misuse::Limits("record_size_limit is below 64")),
        Some(limit) if limit > MAX_RECORD_SIZE_LIMIT => {
            Err(Misuse::Limits("record_size_limit is above 16,385"))
        }
        _ => Ok(()),
    }
}

pub(crate) fn check_credential(credential: &Credential) -> Result<(), Misuse> {
    if credential.chain.is_empty() || credential.chain.iter().any(Vec::is_empty) {
        return Err(Misuse::Credential("a certificate is missing or empty"));
    }
    if credential.schemes.is_empty() {
        return Err(Misuse::Credential("no scheme to sign with"));
    }
    let staples = &credential.staples;
    let is_filled = staples.scts.iter().chain(&staples.ocsp).all(|staple| !staple.is_empty());
    let staple_bytes: usize = staples.scts.iter().chain(&staples.ocsp).map(|staple| staple.len() + 12).sum();
    if !is_filled || staple_bytes > STAPLE_BYTES {
        return Err(Misuse::Credential("its staples are empty, or do not fit beside a certificate"));
    }
    let bytes: usize = credential.chain.iter().map(|der| der.len() + 5).sum();
    if bytes >= 1 << 20 {
        return Err(Misuse::Credential("the chain is over 1 MiB"));
    }
    Ok(())
}

pub(crate) fn check_tickets(tickets: &Tickets) -> Result<(), Misuse> {
    match tickets.lifetime_secs {
        1..=MAX_TICKET_LIFETIME_SECS => Ok(()), // spec: 9846-4.7.1-g
        _ => Err(Misuse::Tickets("their lifetime is not between a second and 7 days")),
    }
}

/// The signature schemes to offer, best first. Those for certificates alone stand last: there are peers that know no
/// signature_algorithms_cert, and hold their chains against this list. That they sign nothing else is checked where
/// CertificateVerify is.
pub(crate) fn schemes(provider: &Provider) -> Vec<u16> {
    let mut rows: Vec<_> = provider.verifications.iter().collect();
    rows.sort_by_key(|row| !row.in_handshake);
    rows.iter().map(|row| row.scheme).collect()
}

/// Milliseconds since 1970.
pub(crate) fn unix_ms(unix_secs_at_start: u64, now: Instant) -> u64 {
    unix_secs_at_start.saturating_mul(1_000).saturating_add(now.as_nanos() / 1_000_000)
}

/// The provider's rows for `wanted`, or all of them.
pub(crate) fn groups(provider: &Provider, wanted: &[u16]) -> Result<Vec<&'static Group>, Misuse> {
    if wanted.is_empty() {
        return Ok(provider.groups.iter().collect());
    }
    let mut rows: Vec<&'static Group> = Vec::with_capacity(wanted.len());
    for id in wanted {
        let row = provider.groups.iter().find(|row| row.id == *id).ok_or(Misuse::Group(*id))?;
        if rows.iter().all(|known| known.id != row.id) {
            rows.push(row); // spec: 9846-4.3.7-k
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests;
