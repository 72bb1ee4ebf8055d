//! Frames that are nothing but variable-length integers behind their type.

use super::short;
use crate::{Fault, rules::frames::kind};
use sakigake_wire::{Full, Reader, Writer};

/// One frame: its type, and its fields in the order of the wire.
macro_rules! integers {
    ($($(#[$doc:meta])* $name:ident = $kind:expr; { $($(#[$field_doc:meta])* $field:ident,)* })*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: u64,)*
        }

        impl $name {
            /// Its type.
            pub const KIND: u64 = $kind;

            /// What follows the type.
            pub fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
                Ok(Self { $($field: reader.varint().map_err(short(Self::KIND))?,)* })
            }

            /// Appends the frame, or nothing where it does not fit.
            pub fn write(&self, out: &mut Writer<'_>) -> Result<(), Full> {
                out.all_or_nothing(|out| {
                    out.varint(Self::KIND)?;
                    $(out.varint(self.$field)?;)*
                    Ok(())
                })
            }
        }
    )* };
}

integers! {
    /// The sender's part of a stream is over, whatever of it has come (section 19.4).
    ResetStream = kind::RESET_STREAM; {
        /// The stream.
        id,
        /// The application's error code.
        code,
        /// Bytes that the stream would have had.
        final_size,
    }

    /// Nobody reads the stream any more (section 19.5).
    StopSending = kind::STOP_SENDING; {
        /// The stream.
        id,
        /// The application's error code.
        code,
    }

    /// The connection's credit (section 19.9).
    MaxData = kind::MAX_DATA; {
        /// Bytes on all streams together, from the connection's beginning.
        maximum,
    }

    /// A stream's credit (section 19.10).
    MaxStreamData = kind::MAX_STREAM_DATA; {
        /// The stream.
        id,
        /// Bytes from the stream's beginning.
        maximum,
    }

    /// The connection's credit is used up (section 19.12).
    DataBlocked = kind::DATA_BLOCKED; {
        /// The credit that is used up, in bytes.
        maximum,
    }

    /// A stream's credit is used up (section 19.13).
    StreamDataBlocked = kind::STREAM_DATA_BLOCKED; {
        /// The stream.
        id,
        /// The credit that is used up, in bytes.
        maximum,
    }

    /// A connection id that its sender will use no more (section 19.16).
    RetireConnectionId = kind::RETIRE_CONNECTION_ID; {
        /// The number under which the id was issued.
        sequence,
    }

    /// As RESET_STREAM, but behind a part that is still delivered (draft-ietf-quic-reliable-stream-reset section 4).
    ResetStreamAt = kind::RESET_STREAM_AT; {
        /// The stream.
        id,
        /// The application's error code.
        code,
        /// Bytes that the stream would have had.
        final_size,
        /// Bytes from the stream's beginning that are delivered all the same.
        reliable_size,
    }

    /// How often the sender wants acknowledgements (draft-ietf-quic-ack-frequency section 4).
    AckFrequency = kind::ACK_FREQUENCY; {
        /// Frames with no larger number than one before are old.
        sequence,
        /// Ack-eliciting packets that need no acknowledgement yet.
        ack_eliciting_threshold,
        /// The max_ack_delay that is asked for, in microseconds.
        requested_max_ack_delay_us,
        /// How far out of order a packet has to come to be acknowledged at once; 0 for never.
        reordering_threshold,
    }
}

impl ResetStreamAt {
    /// What follows the type, if it promises no more than there is.
    pub fn read_checked(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let frame = Self::read(reader)?;
        if frame.reliable_size > frame.final_size {
            return Err(Fault::ReliableSizeTooLarge); // spec: rsa-4-m
        }
        Ok(frame)
    }
}
