//! What each side says of itself (section 7.2.4).

use crate::{
    Fault, frame,
    rules::{HTTP2_SETTINGS, setting},
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
}

impl Settings {
    /// Reads a frame's payload.
    pub(crate) fn read(payload: &[u8]) -> Result<Self, Fault> {
        let (mut settings, mut seen) = (Self::default(), 0_u16);
        let mut reader = Reader::new(payload);
        while !reader.is_empty() {
            let id = reader.varint().map_err(|_| Fault::FrameLength)?;
            let value = reader.varint().map_err(|_| Fault::FrameLength)?;
            if HTTP2_SETTINGS.contains(&id) {
                return Err(Fault::Setting); // spec: 9114-7.2.4.1-a
            }
            let Some(bit) = u32::try_from(id).ok().filter(|id| *id < 16) else { continue }; // spec: 9114-7.2.4-d
            if seen & 1 << bit != 0 {
                return Err(Fault::Setting); // spec: 9114-7.2.4-c
            }
            seen |= 1 << bit;
            match id {
                setting::QPACK_MAX_TABLE_CAPACITY => settings.qpack_max_table_capacity = value,
                setting::QPACK_BLOCKED_STREAMS => settings.qpack_blocked_streams = value,
                setting::MAX_FIELD_SECTION_SIZE => settings.max_field_section_size = Some(value),
                setting::ENABLE_CONNECT_PROTOCOL if value > 1 => return Err(Fault::Setting),
                setting::ENABLE_CONNECT_PROTOCOL => settings.enable_connect_protocol = value == 1,
                _ => {}
            }
        }
        Ok(settings)
    }

    /// The frame's payload: what is not as it would be without it, and one setting that means nothing, so that peers
    /// stay used to such.
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut payload = Vec::new();
        let mut say = |id: u64, value: u64| {
            frame::varint(id, &mut payload);
            frame::varint(value, &mut payload);
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
            say(setting::ENABLE_CONNECT_PROTOCOL, 1);
        }
        say(0x21, 0); // spec: 9114-7.2.4.1-b
        payload
    }
}

#[cfg(test)]
mod tests;
