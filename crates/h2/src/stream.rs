//! The states of a stream (section 5.1, figure 2) and what each says to a frame.

use crate::Fault;
use crate::rules::kind;

/// Where a stream is, seen from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Nobody used it.
    Idle,
    /// Both may send.
    Open,
    /// We have said all; the peer may send.
    HalfClosedLocal,
    /// The peer has said all; we may send.
    HalfClosedRemote,
    /// It is over.
    Closed(Cause),
}

/// How a stream ended: it decides what a late frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// END_STREAM both ways.
    Ended,
    /// The peer sent RST_STREAM.
    PeerReset,
    /// We sent RST_STREAM.
    LocalReset,
    /// It ended, or was passed over, too long ago to remember how.
    Forgotten,
}

/// What becomes of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// It counts, and this is the state after it.
    Now(State),
    /// It came too late to matter.
    Ignored,
}

impl State {
    /// A frame of the peer's. `end` is END_STREAM.
    pub(crate) fn receive(self, frame: u8, end: bool) -> Result<Heard, Fault> {
        use Heard::{Ignored, Now};
        if frame == kind::PRIORITY {
            return Ok(Ignored); // spec: 9113-5.1-a
        }
        match (self, frame) {
            (Self::Idle, kind::HEADERS) => Ok(Now(Self::Open.receive_end(end))),
            (Self::Idle, _) => Err(Fault::Idle), // spec: 9113-5.1-b
            (Self::Open | Self::HalfClosedLocal, kind::RST_STREAM) => Ok(Now(Self::Closed(Cause::PeerReset))),
            (Self::Open | Self::HalfClosedLocal, _) => Ok(Now(self.receive_end(end))),
            (Self::HalfClosedRemote, kind::RST_STREAM) => Ok(Now(Self::Closed(Cause::PeerReset))),
            (Self::HalfClosedRemote, kind::WINDOW_UPDATE) => Ok(Now(self)),
            (Self::HalfClosedRemote, _) => Err(Fault::HalfClosed), // spec: 9113-5.1-c
            (Self::Closed(cause), _) => cause.receive(frame),
        }
    }

    /// A frame of ours that ends our direction.
    pub(crate) const fn sent_end(self) -> Self {
        match self {
            Self::Open | Self::Idle => Self::HalfClosedLocal,
            Self::HalfClosedRemote => Self::Closed(Cause::Ended),
            other => other,
        }
    }

    const fn receive_end(self, end: bool) -> Self {
        match (self, end) {
            (Self::Open, true) => Self::HalfClosedRemote,
            (Self::HalfClosedLocal, true) => Self::Closed(Cause::Ended),
            _ => self,
        }
    }

    /// Whether the peer may still send a message's parts.
    pub(crate) const fn may_receive(self) -> bool {
        matches!(self, Self::Open | Self::HalfClosedLocal)
    }

    /// Whether we may.
    pub(crate) const fn may_send(self) -> bool {
        matches!(self, Self::Open | Self::HalfClosedRemote)
    }
}

impl Cause {
    fn receive(self, frame: u8) -> Result<Heard, Fault> {
        match (self, frame) {
            // These cross an end, or a reset, on the way.
            (_, kind::WINDOW_UPDATE | kind::RST_STREAM) => Ok(Heard::Ignored), // spec: 9113-5.1-d 9113-5.4.2-b
            (Self::Ended, _) => Err(Fault::Ended),                             // spec: 9113-5.1-e
            (Self::PeerReset, _) => Err(Fault::HalfClosed),                    // spec: 9113-5.1-f
            (Self::LocalReset, _) => Ok(Heard::Ignored),                       // spec: 9113-5.1-g
            // A stream that was passed over can only be opened out of order.
            (Self::Forgotten, kind::HEADERS) => Err(Fault::StreamOrder), // spec: 9113-5.1.1-b
            (Self::Forgotten, _) => Ok(Heard::Ignored),
        }
    }
}

#[cfg(test)]
mod tests;
