//! What one SVCB or HTTPS record holds (RFC 9460 section 2.2).

use super::message::name;
use sakigake_wire::Reader;
use std::net::{Ipv4Addr, Ipv6Addr};

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) mode: Mode,
    /// The smaller, the better.
    pub(crate) priority: u16,
    /// In lower case, without a dot at its end; empty for the root, which stands for the owner, or for nobody.
    pub(crate) target: String,
    /// Protocols beside the scheme's own one.
    pub(crate) alpn: Vec<Vec<u8>>,
    /// The scheme's own one is not spoken there.
    pub(crate) no_default_alpn: bool,
    pub(crate) port: Option<u16>,
    pub(crate) ipv4: Vec<Ipv4Addr>,
    pub(crate) ipv6: Vec<Ipv6Addr>,
    /// An ECHConfigList, which nobody here uses yet.
    pub(crate) ech: Vec<u8>,
    /// Whether we know everything that has to be known to use it.
    pub(crate) is_understood: bool,
}

/// Whether a record names another name, or a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Alias,
    Service,
}

/// SvcParamKeys (RFC 9460 section 14.3.2).
mod key {
    pub(super) const MANDATORY: u16 = 0;
    pub(super) const ALPN: u16 = 1;
    pub(super) const NO_DEFAULT_ALPN: u16 = 2;
    pub(super) const PORT: u16 = 3;
    pub(super) const IPV4HINT: u16 = 4;
    pub(super) const ECH: u16 = 5;
    pub(super) const IPV6HINT: u16 = 6;
}

/// Those that are understood here.
const KNOWN: [u16; 7] =
    [key::MANDATORY, key::ALPN, key::NO_DEFAULT_ALPN, key::PORT, key::IPV4HINT, key::ECH, key::IPV6HINT];

impl Record {
    /// Whether a protocol is spoken there.
    pub(crate) fn speaks(&self, protocol: &[u8]) -> bool {
        self.mode == Mode::Service && self.alpn.iter().any(|spoken| spoken == protocol)
    }

    /// Reads a record's data. `None` where it is malformed: then none of its set may be used (section 2.2).
    pub(crate) fn parse(rdata: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(rdata);
        let priority = reader.u16().ok()?;
        let rest = reader.rest();
        // No compression here: a name of its own stands for itself.
        let (target, len) = name(rest, 0)?;
        let mut record = Self {
            mode: if priority == 0 { Mode::Alias } else { Mode::Service },
            priority,
            target,
            alpn: Vec::new(),
            no_default_alpn: false,
            port: None,
            ipv4: Vec::new(),
            ipv6: Vec::new(),
            ech: Vec::new(),
            is_understood: true,
        };
        // Those of an alias count for nothing.
        if record.mode == Mode::Service {
            record.parameters(rest.get(len..)?)?; // spec: 9460-2.4.2-b
        }
        Some(record)
    }

    fn parameters(&mut self, bytes: &[u8]) -> Option<()> {
        let mut reader = Reader::new(bytes);
        let (mut keys, mut mandatory) = (Vec::new(), Vec::new());
        while !reader.is_empty() {
            let key = reader.u16().ok()?;
            let value = reader.vector_u16().ok()?.rest();
            if keys.last().is_some_and(|last| *last >= key) {
                return None; // spec: 9460-2.2-a
            }
            keys.push(key);
            match key {
                key::MANDATORY => mandatory = numbers(value)?,
                key::ALPN => self.alpn = protocols(value)?,
                key::NO_DEFAULT_ALPN => self.no_default_alpn = value.is_empty().then_some(true)?,
                key::PORT => self.port = Some(u16::from_be_bytes(value.try_into().ok()?)),
                key::IPV4HINT => self.ipv4 = array::<4>(value)?.into_iter().map(Ipv4Addr::from).collect(),
                key::ECH => self.ech = (!value.is_empty()).then(|| value.to_vec())?,
                key::IPV6HINT => self.ipv6 = array::<16>(value)?.into_iter().map(Ipv6Addr::from).collect(),
                _ => {}
            }
        }
        let is_sound = mandatory.iter().all(|key| *key != key::MANDATORY && keys.contains(key)) // spec: 9460-8-b
            && (!self.no_default_alpn || !self.alpn.is_empty());
        self.is_understood = mandatory.iter().all(|key| KNOWN.contains(key)); // spec: 9460-8-a
        is_sound.then_some(())
    }
}

/// Keys in strictly rising order, one at least.
fn numbers(value: &[u8]) -> Option<Vec<u16>> {
    let numbers: Vec<u16> = array::<2>(value)?.into_iter().map(u16::from_be_bytes).collect();
    numbers.is_sorted_by(|one, other| one < other).then_some(numbers)
}

/// Identifiers, none of them empty, one at least.
fn protocols(value: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut reader = Reader::new(value);
    let mut all = Vec::new();
    while !reader.is_empty() {
        let one = reader.vector_u8().ok()?.rest();
        all.push((!one.is_empty()).then(|| one.to_vec())?);
    }
    (!all.is_empty()).then_some(all)
}

/// Values of one length, one at least.
fn array<const N: usize>(value: &[u8]) -> Option<Vec<[u8; N]>> {
    let (all, rest) = value.as_chunks::<N>();
    (!all.is_empty() && rest.is_empty()).then(|| all.to_vec())
}
