//! Whom a proxy is not for: `no_proxy` as curl reads it.

use super::address_of;
use std::net::IpAddr;

/// Hosts that are asked without a proxy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bypass {
    is_everybody: bool,
    entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    /// A host, and all names below it.
    Name(String),
    /// Addresses whose first bits are these.
    Network(IpAddr, u8),
}

impl Bypass {
    /// Reads a list: names, each with what is below it, addresses, networks (`10.0.0.0/8`), with commas or blanks between;
    /// `*` alone is everybody. What cannot be read covers nobody.
    pub fn parse(list: &str) -> Self {
        let words = || list.split([',', ' ', '\t', '\n']).filter(|word| !word.is_empty());
        if list.trim() == "*" {
            return Self { is_everybody: true, entries: Vec::new() };
        }
        Self { is_everybody: false, entries: words().filter_map(Entry::parse).collect() }
    }

    /// Whether a host, or an address (IPv6 in brackets or not), is asked without a proxy.
    pub fn covers(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        let address = address_of(&host);
        self.is_everybody
            || self.entries.iter().any(|entry| match (entry, address) {
                (Entry::Network(network, bits), Some(address)) => shares(*network, address, *bits),
                (Entry::Name(name), None) => {
                    let below = host.strip_suffix(name.as_str());
                    below.is_some_and(|below| below.is_empty() || below.ends_with('.'))
                }
                _ => false,
            })
    }
}

impl Entry {
    fn parse(word: &str) -> Option<Self> {
        let (place, bits) = match word.split_once('/') {
            Some((place, bits)) => (place, Some(bits.parse::<u8>().ok()?)), // No number, no network.
            None => (word, None),
        };
        if let Some(address) = address_of(place) {
            let all = if address.is_ipv4() { 32 } else { 128 };
            return Some(Self::Network(address, bits.unwrap_or(all))).filter(|_| bits.unwrap_or(all) <= all);
        }
        let name = word.trim_start_matches('.').trim_end_matches('.').to_ascii_lowercase();
        (!name.is_empty()).then_some(Self::Name(name))
    }
}

/// Whether two addresses of one family agree in their first bits.
fn shares(network: IpAddr, address: IpAddr, bits: u8) -> bool {
    let (network, address, all) = match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            (u128::from(u32::from(network)), u128::from(u32::from(address)), 32)
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => (u128::from(network), u128::from(address), 128),
        _ => return false,
    };
    // A shift by all bits leaves nothing to compare.
    (network ^ address).checked_shr(all - u32::from(bits)).unwrap_or(0) == 0
}
