//! What each side says of itself (section 7.2.4).

use crate::{
    CodePoints, Fault, frame,
    rules::{HTTP2_SETTINGS, SETTINGS_PRELOAD, setting},
};
use sakigake_wire::Reader;

/// One side's settings; the default is what holds before any came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Settings {
    /// How large a table the other side's encoder may fill, in bytes.
    pub qpack_max_table_capacity: u64,
    /// How many streams may wait for entries.
    pub qpack_blocked_streams: u64,
    /// The largest field section that is taken, in bytes as section 4.2.2 counts; `None` is any.
    pub max_field_section_size: Option<u64>,
    /// Whether extended CONNECT is understood.
    pub enable_connect_protocol: bool,
    /// Whether HTTP datagrams are taken.
    pub h3_datagram: bool,
    /// Whether a client acts on PRELOAD frames (profile, point 11).
    pub preload: bool,
}

impl Settings {
    /// What an owner keeps of a server's settings beside a ticket (section 7.2.4.2).
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.say(CodePoints::default(), &mut bytes);
        bytes
    }

    /// What [`to_bytes`](Self::to_bytes) gave; `None` where it is something else.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Self::read(bytes, CodePoints::default()).ok()
    }

    /// Whether whatever went by `before` keeps to these settings too, so that early data may be taken (section 7.2.4.2).
    pub fn keep(&self, before: &Self) -> bool {
        // One that was said is said again, though it allowed less than silence does.
        let sizes = (before.max_field_section_size, self.max_field_section_size);
        let keeps_size = sizes.0.is_none_or(|before| sizes.1.is_some_and(|now| now >= before))
            && (sizes.0.is_some() || sizes.1.is_none());
        let tables = (before.qpack_max_table_capacity, self.qpack_max_table_capacity);
        (tables.0 == 0 || tables.0 == tables.1)
            && self.qpack_blocked_streams >= before.qpack_blocked_streams
            && keeps_size
            && self.enable_connect_protocol >= before.enable_connect_protocol
            && self.h3_datagram >= before.h3_datagram // spec: 9297-2.1.1-c
    }

    /// Reads a frame's payload.
    pub(crate) fn read(payload: &[u8], code_points: CodePoints) -> Result<Self, Fault> {
        let (mut settings, mut seen) = (Self::default(), Vec::new());
        let mut reader = Reader::new(payload);
        while !reader.is_empty() {
            let id = reader.varint().map_err(|_| Fault::FrameLength)?;
            let value = reader.varint().map_err(|_| Fault::FrameLength)?;
            if HTTP2_SETTINGS.contains(&id) {
                return Err(Fault::Setting); // spec: 9114-7.2.4.1-a
            }
            if seen.contains(&id) {
                return Err(Fault::Setting); // spec: 9114-7.2.4-c
            }
            seen.push(id);
            match code_points.known_setting(id) {
                setting::QPACK_MAX_TABLE_CAPACITY => settings.qpack_max_table_capacity = value,
                setting::QPACK_BLOCKED_STREAMS => settings.qpack_blocked_streams = value,
                setting::MAX_FIELD_SECTION_SIZE => settings.max_field_section_size = Some(value),
                setting::ENABLE_CONNECT_PROTOCOL if value > 1 => return Err(Fault::Setting), // spec: 9220-3-a
                setting::ENABLE_CONNECT_PROTOCOL => settings.enable_connect_protocol = value == 1,
                setting::H3_DATAGRAM if value > 1 => return Err(Fault::Setting), // spec: 9297-2.1.1-a
                setting::H3_DATAGRAM => settings.h3_datagram = value == 1,
                // The number may be another's one day, so no value is a fault.
                SETTINGS_PRELOAD => settings.preload = value == 1,
                _ => {} // spec: 9114-7.2.4-d
            }
        }
        Ok(settings)
    }

    /// The frame's payload: what is not as it would be without it, and a setting that means nothing, so that peers
    /// stay used to such.
    pub(crate) fn write(&self, code_points: CodePoints, meaningless: (u64, u64)) -> Vec<u8> {
        let mut payload = Vec::new();
        self.say(code_points, &mut payload);
        frame::varint(meaningless.0, &mut payload); // spec: 9114-7.2.4.1-b
        frame::varint(meaningless.1, &mut payload);
        payload
    }

    fn say(&self, code_points: CodePoints, out: &mut Vec<u8>) {
        let mut say = |id: u64, value: u64| {
            frame::varint(id, out);
            frame::varint(value, out);
        };
        if self.qpack_max_table_capacity > 0 {
            say(setting::QPACK_MAX_TABLE_CAPACITY, self.qpack_max_table_capacity);
        }
        if self.qpack_blocked_streams > 0 {
            say(setting::QPACK_BLOCKED_STREAMS, self.qpack_blocked_streams);
        }
        if let Some(size) = self.max_field_section_size {
            say(setting::MAX_FIELD_SECTION_SIZE, size);
        }
        if self.enable_connect_protocol {
            say(setting::ENABLE_CONNECT_PROTOCOL, 1); // spec: 9220-3-b
        }
        if self.h3_datagram {
            say(setting::H3_DATAGRAM, 1);
        }
        if self.preload {
            say(code_points.setting, 1); // spec: preload-profile-11-c
        }
    }
}

#[cfg(test)]
mod tests;
