//! Which field each row of the table is.

use super::{Parameters, PreferredAddress, VersionInformation};
use crate::{
    ids::{ConnectionId, ResetToken},
    rules::parameters::id,
};

/// Where a value goes.
pub(super) enum Slot<'p> {
    Id(&'p mut Option<ConnectionId>),
    Token(&'p mut Option<ResetToken>),
    Integer(&'p mut u64),
    Optional(&'p mut Option<u64>),
    Flag(&'p mut bool),
    Address(&'p mut Option<PreferredAddress>),
    Versions(&'p mut Option<VersionInformation>),
}

/// Where a value is.
pub(crate) enum Value<'p> {
    Id(&'p Option<ConnectionId>),
    Token(&'p Option<ResetToken>),
    Integer(&'p u64),
    Optional(&'p Option<u64>),
    Flag(&'p bool),
    Address(&'p Option<PreferredAddress>),
    Versions(&'p Option<VersionInformation>),
}

macro_rules! slots {
    ($($id:ident => $form:ident $field:ident,)*) => {
        impl Parameters {
            /// Where the value of parameter `id` goes.
            pub(super) fn slot(&mut self, id: u64) -> Option<Slot<'_>> {
                Some(match id {
                    $(id::$id => Slot::$form(&mut self.$field),)*
                    _ => return None,
                })
            }

            /// The value of parameter `id`.
            pub(crate) fn value(&self, id: u64) -> Option<Value<'_>> {
                Some(match id {
                    $(id::$id => Value::$form(&self.$field),)*
                    _ => return None,
                })
            }
        }
    };
}

slots! {
    ORIGINAL_DESTINATION_CONNECTION_ID => Id original_destination_connection_id,
    MAX_IDLE_TIMEOUT => Integer max_idle_timeout_ms,
    STATELESS_RESET_TOKEN => Token stateless_reset_token,
    MAX_UDP_PAYLOAD_SIZE => Integer max_udp_payload_size,
    INITIAL_MAX_DATA => Integer initial_max_data,
    INITIAL_MAX_STREAM_DATA_BIDI_LOCAL => Integer initial_max_stream_data_bidi_local,
    INITIAL_MAX_STREAM_DATA_BIDI_REMOTE => Integer initial_max_stream_data_bidi_remote,
    INITIAL_MAX_STREAM_DATA_UNI => Integer initial_max_stream_data_uni,
    INITIAL_MAX_STREAMS_BIDI => Integer initial_max_streams_bidi,
    INITIAL_MAX_STREAMS_UNI => Integer initial_max_streams_uni,
    ACK_DELAY_EXPONENT => Integer ack_delay_exponent,
    MAX_ACK_DELAY => Integer max_ack_delay_ms,
    DISABLE_ACTIVE_MIGRATION => Flag disable_active_migration,
    PREFERRED_ADDRESS => Address preferred_address,
    ACTIVE_CONNECTION_ID_LIMIT => Integer active_connection_id_limit,
    INITIAL_SOURCE_CONNECTION_ID => Id initial_source_connection_id,
    RETRY_SOURCE_CONNECTION_ID => Id retry_source_connection_id,
    VERSION_INFORMATION => Versions version_information,
    RESET_STREAM_AT => Flag reset_stream_at,
    MAX_DATAGRAM_FRAME_SIZE => Integer max_datagram_frame_size,
    GREASE_QUIC_BIT => Flag grease_quic_bit,
    MIN_ACK_DELAY => Optional min_ack_delay_us,
}
