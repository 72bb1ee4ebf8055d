//! How often the peer is asked to acknowledge (draft-ietf-quic-ack-frequency): every second packet, as RFC 9000 has it, until the
//! window is large; then sixteen times a window, but after 32 packets at the latest. What it may hold back for how long stays what
//! it declared.

use super::Connection;
use crate::frame::AckFrequency;

/// Acknowledgements a window: enough for the samples of a round (RFC 9406 wants 8), and for a window that grows smoothly.
const A_WINDOW: u64 = 16;
/// So many packets wait for an acknowledgement at most.
const MOST_PACKETS: u64 = 32;

/// What was asked of the peer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asked {
    /// Packets an acknowledgement; 0 as long as nothing was asked.
    packets: u64,
    /// The number of the next frame.
    sequence: u64,
    /// It is to be sent.
    pub(super) is_due: bool,
}

impl Asked {
    /// The last frame that left was lost.
    pub(super) fn lost(&mut self, sequence: u64) {
        self.is_due |= sequence + 1 == self.sequence;
    }
}

impl Connection {
    /// After a turn of sending: whether the window has become so much larger or smaller that the peer is to be asked anew.
    pub(super) fn ask_frequency(&mut self) {
        if !self.can_ask() {
            return;
        }
        let congestion = self.recovery.congestion();
        let wanted = (congestion.window() / congestion.datagram() / A_WINDOW).clamp(2, MOST_PACKETS);
        let asked = self.asked.packets.max(2);
        if wanted >= asked * 2 || wanted * 2 <= asked {
            (self.asked.packets, self.asked.is_due) = (wanted, true);
        }
    }

    /// Whether the peer takes ACK_FREQUENCY and IMMEDIATE_ACK.
    pub(super) fn can_ask(&self) -> bool {
        self.peer.as_ref().is_some_and(|peer| peer.min_ack_delay_us.is_some()) // spec: ackfreq-3-n
    }

    /// The frame that is due; it counts as sent.
    pub(super) fn next_frequency(&mut self) -> Option<AckFrequency> {
        let peer = self.peer.as_ref().filter(|_| self.asked.is_due)?;
        let sequence = self.asked.sequence;
        (self.asked.sequence, self.asked.is_due) = (sequence + 1, false); // spec: ackfreq-5-n
        Some(AckFrequency {
            sequence,
            // So many need none: the next one is acknowledged.
            ack_eliciting_threshold: self.asked.packets - 1,
            requested_max_ack_delay_us: peer.max_ack_delay_ms * 1_000,
            reordering_threshold: self.recovery.packet_threshold(),
        })
    }
}
