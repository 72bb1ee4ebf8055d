//! A server's settings beside a ticket, by which early data goes (RFC 9114 section 7.2.4.2): one more entry among the
//! transport parameters that QUIC keeps there, which passes over it.

use sakigake_h3::Settings;
use sakigake_tls::Session;
use sakigake_wire::{Reader, Writer};

/// The entry's number; that of no transport parameter.
const SETTINGS: u64 = 0x3ff0_6833;
/// Bytes of the version in front of the entries.
const VERSION_BYTES: usize = 4;
/// The longest entry: four settings of eight bytes and their numbers.
const MOST_BYTES: usize = 64;

/// Keeps `settings` with a ticket; whether there was room.
pub(super) fn keep(session: &mut Session, settings: &Settings) -> bool {
    let Some(mut bytes) = session.transport().map(<[u8]>::to_vec) else { return false };
    append(&mut bytes, settings) && session.set_transport(bytes).is_ok()
}

/// What [`keep`] kept.
pub(super) fn of(session: &Session) -> Option<Settings> {
    find(session.transport()?)
}

pub(super) fn append(bytes: &mut Vec<u8>, settings: &Settings) -> bool {
    let (value, mut entry) = (settings.to_bytes(), [0; MOST_BYTES]);
    let mut out = Writer::new(&mut entry);
    let written =
        out.varint(SETTINGS).and_then(|()| out.varint(value.len() as u64)).and_then(|()| out.put(&value));
    let len = out.written();
    bytes.extend_from_slice(&entry[..len]);
    written.is_ok()
}

pub(super) fn find(bytes: &[u8]) -> Option<Settings> {
    let mut reader = Reader::new(bytes.get(VERSION_BYTES..)?);
    while !reader.is_empty() {
        let (id, len) = (reader.varint().ok()?, reader.varint().ok()?);
        let value = reader.take(usize::try_from(len).ok()?).ok()?;
        if id == SETTINGS {
            return Settings::from_bytes(value);
        }
    }
    None
}
