//! What a server takes of what a client offers. Pure: lists in, a choice out.

use super::{Config, UnknownName, WithoutAlpn};
use crate::{
    Credential,
    certificate::{choice, der},
    extension::{Codes, KeyShareEntry, List, Opaque8, Opaque16},
    ticket::Tickets,
};
use sakigake_crypto::{Group, Provider, Suite};
use std::sync::Arc;

const CHACHA20_POLY1305: u16 = 0x1303;

/// Our best suite among `offered`; ChaCha20-Poly1305 where the client puts it before all others that we know.
pub(super) fn suite(config: &Config, offered: Codes<'_>) -> Option<&'static Suite> {
    let rows = config.provider.suites;
    let first = offered.iter().find_map(|id| rows.iter().find(|row| row.id == id));
    match first {
        Some(first) if first.id == CHACHA20_POLY1305 && config.prefer_clients_chacha => Some(first),
        _ => rows.iter().find(|row| offered.contains(&row.id)), // spec: 9846-4.2.2-l
    }
}

/// How the keys are exchanged.
pub(super) enum Exchange<'a> {
    /// With this share of the client's.
    Share(&'static Group, &'a [u8]),
    /// After a HelloRetryRequest for this group.
    Retry(&'static Group),
}

/// Our best group that the client sent a share for; else our best among `groups`, by a HelloRetryRequest.
pub(super) fn exchange<'a>(
    config: &Config,
    groups: Codes<'_>,
    shares: List<'a, KeyShareEntry<'a>>,
) -> Option<Exchange<'a>> {
    let mut common = config.accepted_groups().iter().filter(|row| groups.contains(&row.id));
    let share = |row: &Group| shares.iter().find(|share| share.group == row.id);
    let with_share =
        common.clone().find_map(|row| share(row).map(|share| Exchange::Share(row, share.key_exchange)));
    with_share.or_else(|| common.next().map(|row| Exchange::Retry(row)))
}

/// No application protocol is common to both (RFC 7301 section 3.2).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoProtocol;

/// Our best application protocol among the offered ones. Over QUIC there has to be one.
pub(super) fn protocol(
    config: &Config,
    is_quic: bool,
    offered: Option<List<'_, Opaque8<'_>>>,
) -> Result<Option<Vec<u8>>, NoProtocol> {
    let known = if is_quic && !config.quic_alpn.is_empty() { &config.quic_alpn } else { &config.alpn };
    match offered {
        None if is_quic => Err(NoProtocol), // spec: 9001-8.1-c
        _ if known.is_empty() && is_quic => Err(NoProtocol),
        _ if known.is_empty() => Ok(None),
        None if config.without_alpn == WithoutAlpn::Allow => Ok(None),
        None => Err(NoProtocol),
        Some(offered) => {
            let ours = known.iter().find(|ours| offered.contains(&Opaque8(ours)));
            ours.cloned().map(Some).ok_or(NoProtocol)
        }
    }
}

/// Why no credential is right.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoCredential {
    /// None is for that name.
    Name,
    /// None can sign with a scheme that the client takes.
    Scheme,
}

/// The credential for `server_name` whose key signs as the client takes it, and whose chain too if there is one such; best
/// from one of the `authorities` that the client names.
pub(super) fn credential(
    config: &Config,
    server_name: Option<&str>,
    schemes: Codes<'_>,
    schemes_cert: Codes<'_>,
    authorities: Option<List<'_, Opaque16<'_>>>,
) -> Result<Arc<Credential>, NoCredential> {
    let candidates = named(config, server_name)?;
    if let Some(names) = authorities {
        let is_known = |credential: &Credential| {
            der::is_issued_by(&credential.chain, names.iter().map(|name| name.0)) // spec: 9846-4.5.1.2-t
        };
        let known: Vec<_> = candidates.iter().copied().filter(|credential| is_known(credential)).collect();
        if let Some(best) = choice::best(&known, schemes, schemes_cert) {
            return Ok(best.clone());
        }
    }
    choice::best(&candidates, schemes, schemes_cert).cloned().ok_or(NoCredential::Scheme)
}

/// The credentials for the name; without a name, or for an unknown one, those for the default credential's names.
fn named<'a>(
    config: &'a Config,
    server_name: Option<&str>,
) -> Result<Vec<&'a Arc<Credential>>, NoCredential> {
    let numbers = numbers(config, server_name)?;
    Ok(numbers.iter().filter_map(|number| config.credentials.get(*number)).collect())
}

/// The numbers of the same.
fn numbers(config: &Config, server_name: Option<&str>) -> Result<Vec<usize>, NoCredential> {
    if let Some(host) = server_name {
        let right = config.credentials_for(host);
        if !right.is_empty() {
            return Ok(right);
        }
        if config.unknown_name == UnknownName::Refuse {
            return Err(NoCredential::Name);
        }
    }
    let default = config.credentials.first().ok_or(NoCredential::Name)?;
    let all = config.credentials.iter().enumerate();
    Ok(all.filter(|(_, credential)| credential.names == default.names).map(|(number, _)| number).collect())
}

/// What a ticket for `server_name` rests on: the owner's policy, and every leaf that a client may be shown who asks for that
/// name; none where nobody who asks for it is shown any. Where the owner chooses credentials itself, they are not known here.
pub(super) fn ticket_policy(
    config: &Config,
    tickets: &Tickets,
    server_name: Option<&str>,
) -> Option<[u8; 32]> {
    let numbers = match numbers(config, server_name) {
        Ok(numbers) => numbers,
        Err(_) if config.ask_certificate => Vec::new(),
        Err(_) => return None,
    };
    let policy = (tickets.policy)(server_name);
    let mut parts: Vec<&[u8]> = Vec::with_capacity(1 + numbers.len());
    parts.push(&policy);
    parts
        .extend(numbers.iter().filter_map(|number| config.leaf_digests().get(*number)).map(|leaf| &leaf[..]));
    Some(digest(config.provider, &parts))
}

/// Of the parts one behind the other, cut to what the provider's hash gives.
pub(super) fn digest(provider: &Provider, parts: &[&[u8]]) -> [u8; 32] {
    let mut state = (provider.suites[0].hash.start)(); // `config::check_provider` sees to it that there is one.
    parts.iter().for_each(|part| state.update(part));
    let whole = state.finish();
    let mut digest = [0; 32];
    let len = whole.as_ref().len().min(digest.len());
    digest[..len].copy_from_slice(&whole.as_ref()[..len]);
    digest
}

/// Whether every credential that `server_name` may have been shown is among those for `host`.
pub(super) fn may_answer(config: &Config, server_name: Option<&str>, host: &str) -> bool {
    if server_name == Some(host) {
        return true;
    }
    match (named(config, server_name), named(config, Some(host))) {
        (Ok(shown), Ok(right)) => {
            shown.iter().all(|shown| right.iter().any(|right| Arc::ptr_eq(shown, right)))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
