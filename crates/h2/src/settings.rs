//! SETTINGS (section 6.5): what the peer said, and what we say.

use crate::rules::{self, INITIAL_WINDOW, MIN_MAX_FRAME_SIZE, SETTINGS_PRELOAD, setting};
use crate::{Config, Fault, Flood};
use sakigake_wire::{Grow, Reader};

/// The peer's settings, as far as they change what we do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PeerSettings {
    pub(crate) header_table_size: u32,
    /// The lowest that the last frame named on its way to `header_table_size`.
    pub(crate) lowest_table_size: u32,
    pub(crate) max_concurrent_streams: u32,
    pub(crate) initial_window_size: u32,
    pub(crate) max_frame_size: u32,
    pub(crate) max_header_list_size: u32,
    pub(crate) enable_connect_protocol: bool,
    /// The peer says nothing by the old priorities (RFC 9218 section 2.1).
    pub(crate) no_rfc7540_priorities: bool,
    pub(crate) preload: bool,
}

impl Default for PeerSettings {
    /// What holds before the peer says otherwise (section 6.5.2).
    fn default() -> Self {
        Self {
            header_table_size: 4_096,
            lowest_table_size: u32::MAX,
            max_concurrent_streams: u32::MAX,
            initial_window_size: INITIAL_WINDOW,
            max_frame_size: MIN_MAX_FRAME_SIZE,
            max_header_list_size: u32::MAX,
            enable_connect_protocol: false,
            no_rfc7540_priorities: false,
            preload: false,
        }
    }
}

impl PeerSettings {
    /// Takes a frame's entries in their order.
    pub(crate) fn apply(&mut self, entries: &[u8], from_server: bool, config: &Config) -> Result<(), Fault> {
        if entries.len() / 6 > config.limits.settings_entries {
            return Err(Fault::Flood(Flood::SettingsEntries));
        }
        self.lowest_table_size = u32::MAX;
        let mut reader = Reader::new(entries);
        while !reader.is_empty() {
            let id = config.code_points.known_setting(reader.u16().map_err(|_| Fault::FrameLength)?);
            let value = reader.u32().map_err(|_| Fault::FrameLength)?;
            self.set(id, value, from_server)?;
        }
        Ok(())
    }

    fn set(&mut self, id: u16, value: u32, from_server: bool) -> Result<(), Fault> {
        let Some(rule) = rules::setting_rule(id) else { return Ok(()) }; // spec: 9113-6.5.2-d
        if !(rule.min..=rule.max).contains(&value) {
            return Err(rule.outside); // spec: 9113-6.5.2-b
        }
        match id {
            setting::HEADER_TABLE_SIZE => {
                self.header_table_size = value;
                self.lowest_table_size = self.lowest_table_size.min(value);
            }
            // A server does not promise to take what only a server sends.
            setting::ENABLE_PUSH if from_server && value == 1 => return Err(Fault::SettingValue), // spec: 9113-6.5.2-a
            setting::MAX_CONCURRENT_STREAMS => self.max_concurrent_streams = value,
            setting::INITIAL_WINDOW_SIZE => self.initial_window_size = value,
            setting::MAX_FRAME_SIZE => self.max_frame_size = value,
            setting::MAX_HEADER_LIST_SIZE => self.max_header_list_size = value,
            setting::ENABLE_CONNECT_PROTOCOL if value == 0 && self.enable_connect_protocol => {
                return Err(Fault::SettingValue); // spec: 8441-3-c
            }
            setting::ENABLE_CONNECT_PROTOCOL => self.enable_connect_protocol = value == 1,
            setting::NO_RFC7540_PRIORITIES => self.no_rfc7540_priorities = value == 1,
            SETTINGS_PRELOAD => self.preload = value == 1,
            _ => {}
        }
        Ok(())
    }
}

/// The entries of our own SETTINGS frame: only what differs from the defaults.
pub(crate) fn ours(config: &Config, client: bool) -> Vec<u8> {
    let limits = &config.limits;
    let mut out = Vec::with_capacity(42);
    let mut put = |id: u16, value: u32| {
        out.u16(id);
        out.u32(value);
    };
    if limits.header_table_bytes != 4_096 {
        put(setting::HEADER_TABLE_SIZE, limits.header_table_bytes);
    }
    // A server says nothing of push.
    if client {
        put(setting::ENABLE_PUSH, 0); // spec: 9113-6.5.2-e
    } else {
        put(setting::MAX_CONCURRENT_STREAMS, limits.streams);
    }
    put(setting::INITIAL_WINDOW_SIZE, limits.initial_stream_window_bytes);
    if limits.frame_bytes != MIN_MAX_FRAME_SIZE {
        put(setting::MAX_FRAME_SIZE, limits.frame_bytes);
    }
    put(setting::MAX_HEADER_LIST_SIZE, u32::try_from(limits.header_list_bytes).unwrap_or(u32::MAX));
    if config.extended_connect && !client {
        put(setting::ENABLE_CONNECT_PROTOCOL, 1); // spec: 8441-3-a
    }
    put(setting::NO_RFC7540_PRIORITIES, 1); // spec: 9218-2.1-b
    if config.preload && client {
        put(config.code_points.setting, 1); // spec: preload-profile-11-c
    }
    out
}

#[cfg(test)]
mod tests;
