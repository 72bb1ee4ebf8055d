//! Frame types: table 3 of RFC 9000 section 12.4, with the rows of RFC 9221, RESET_STREAM_AT and ACK_FREQUENCY.

use sakigake_tls::rules::Side;

/// Frame types by name; where a type carries flags, its lowest value.
pub mod kind {
    /// Nothing, to fill a packet.
    pub const PADDING: u64 = 0x00;
    /// Asks for an acknowledgement.
    pub const PING: u64 = 0x01;
    /// Packets that have come.
    pub const ACK: u64 = 0x02;
    /// Packets that have come, and how many of them bore which ECN mark.
    pub const ACK_ECN: u64 = 0x03;
    /// Ends the sender's part of a stream at once.
    pub const RESET_STREAM: u64 = 0x04;
    /// Asks the sender of a stream to end it.
    pub const STOP_SENDING: u64 = 0x05;
    /// Bytes of the cryptographic handshake.
    pub const CRYPTO: u64 = 0x06;
    /// An address token for a later connection.
    pub const NEW_TOKEN: u64 = 0x07;
    /// Bytes of a stream; the flags are FIN, LEN and OFF.
    pub const STREAM: u64 = 0x08;
    /// STREAM: nothing follows on the stream.
    pub const STREAM_FIN: u64 = 0x01;
    /// STREAM: a Length field is there.
    pub const STREAM_LEN: u64 = 0x02;
    /// STREAM: an Offset field is there.
    pub const STREAM_OFF: u64 = 0x04;
    /// Credit for the connection.
    pub const MAX_DATA: u64 = 0x10;
    /// Credit for a stream.
    pub const MAX_STREAM_DATA: u64 = 0x11;
    /// How many bidirectional streams may be opened.
    pub const MAX_STREAMS: u64 = 0x12;
    /// How many unidirectional streams may be opened.
    pub const MAX_STREAMS_UNI: u64 = 0x13;
    /// The connection's credit is used up.
    pub const DATA_BLOCKED: u64 = 0x14;
    /// A stream's credit is used up.
    pub const STREAM_DATA_BLOCKED: u64 = 0x15;
    /// No bidirectional stream more may be opened.
    pub const STREAMS_BLOCKED: u64 = 0x16;
    /// No unidirectional stream more may be opened.
    pub const STREAMS_BLOCKED_UNI: u64 = 0x17;
    /// An id by which the sender can be reached too.
    pub const NEW_CONNECTION_ID: u64 = 0x18;
    /// An id that the sender will use no more.
    pub const RETIRE_CONNECTION_ID: u64 = 0x19;
    /// Asks for an echo over this path.
    pub const PATH_CHALLENGE: u64 = 0x1a;
    /// The echo.
    pub const PATH_RESPONSE: u64 = 0x1b;
    /// Ends the connection for a reason of QUIC's.
    pub const CONNECTION_CLOSE: u64 = 0x1c;
    /// Ends the connection for a reason of the application's.
    pub const CONNECTION_CLOSE_APP: u64 = 0x1d;
    /// The handshake is confirmed.
    pub const HANDSHAKE_DONE: u64 = 0x1e;
    /// Asks for an acknowledgement at once (draft-ietf-quic-ack-frequency).
    pub const IMMEDIATE_ACK: u64 = 0x1f;
    /// Ends a stream behind a part that is still delivered (draft-ietf-quic-reliable-stream-reset).
    pub const RESET_STREAM_AT: u64 = 0x24;
    /// A datagram up to the packet's end (RFC 9221).
    pub const DATAGRAM: u64 = 0x30;
    /// A datagram behind its length (RFC 9221).
    pub const DATAGRAM_LEN: u64 = 0x31;
    /// How often the sender wants acknowledgements (draft-ietf-quic-ack-frequency).
    pub const ACK_FREQUENCY: u64 = 0xaf;
}

/// With which keys a packet is protected: its type, as far as frames are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Epoch {
    /// Initial packets.
    Initial,
    /// 0-RTT packets.
    ZeroRtt,
    /// Handshake packets.
    Handshake,
    /// 1-RTT packets.
    OneRtt,
}

impl Epoch {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Initial, Self::ZeroRtt, Self::Handshake, Self::OneRtt];

    /// The RFC's name of such packets.
    pub const fn packets(self) -> &'static str {
        match self {
            Self::Initial => "Initial",
            Self::ZeroRtt => "0-RTT",
            Self::Handshake => "Handshake",
            Self::OneRtt => "1-RTT",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of epochs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Epochs(u8);

impl Epochs {
    /// Whether packets of `epoch` may carry the frame.
    pub const fn allows(self, epoch: Epoch) -> bool {
        self.0 & epoch.bit() != 0
    }
}

impl core::fmt::Debug for Epochs {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_set().entries(Epoch::ALL.iter().filter(|epoch| self.allows(**epoch))).finish()
    }
}

/// A row of the frame table.
#[derive(Clone, Copy, Debug)]
pub struct FrameRule {
    /// Its name in the RFC.
    pub name: &'static str,
    /// The lowest type.
    pub first: u64,
    /// The highest type: those between differ in flags.
    pub last: u64,
    /// The packets that may carry it.
    pub epochs: Epochs,
    /// Whether a packet that holds it has to be acknowledged.
    pub elicits_ack: bool,
    /// Whether a packet that holds nothing else counts as in flight.
    pub in_flight: bool,
    /// Whether a packet that holds nothing else may go over a path that is not in use.
    pub probes: bool,
    /// Whether what it holds needs credit.
    pub is_flow_controlled: bool,
    /// Whether a client may never send it.
    pub is_of_servers: bool,
}

impl FrameRule {
    /// Whether `sender` may send it.
    pub fn may_come_from(&self, sender: Side) -> bool {
        !self.is_of_servers || sender == Side::Server
    }
}

/// Every frame type, lowest first. The columns are those of the RFC: packets (`I`nitial, `H`andshake, `0`-RTT, `1`-RTT) and
/// special rules (`N`ot ack-eliciting, not `C`ounted as in flight, `P`robing, `F`low-controlled), and ours: `S`ervers alone.
///
/// RETIRE_CONNECTION_ID is barred from 0-RTT by section 12.5, whatever the RFC's table says.
#[rustfmt::skip]
pub const FRAMES: [FrameRule; 25] = [
    row(kind::PADDING,              kind::PADDING,             "PADDING",              "IH01", "NP"),
    row(kind::PING,                 kind::PING,                "PING",                 "IH01", ""),
    row(kind::ACK,                  kind::ACK_ECN,             "ACK",                  "IH_1", "NC"),
    row(kind::RESET_STREAM,         kind::RESET_STREAM,        "RESET_STREAM",         "__01", ""),
    row(kind::STOP_SENDING,         kind::STOP_SENDING,        "STOP_SENDING",         "__01", ""),
    row(kind::CRYPTO,               kind::CRYPTO,              "CRYPTO",               "IH_1", ""),
    row(kind::NEW_TOKEN,            kind::NEW_TOKEN,           "NEW_TOKEN",            "___1", "S"),
    row(kind::STREAM,               0x0f,                      "STREAM",               "__01", "F"),
    row(kind::MAX_DATA,             kind::MAX_DATA,            "MAX_DATA",             "__01", ""),
    row(kind::MAX_STREAM_DATA,      kind::MAX_STREAM_DATA,     "MAX_STREAM_DATA",      "__01", ""),
    row(kind::MAX_STREAMS,          kind::MAX_STREAMS_UNI,     "MAX_STREAMS",          "__01", ""),
    row(kind::DATA_BLOCKED,         kind::DATA_BLOCKED,        "DATA_BLOCKED",         "__01", ""),
    row(kind::STREAM_DATA_BLOCKED,  kind::STREAM_DATA_BLOCKED, "STREAM_DATA_BLOCKED",  "__01", ""),
    row(kind::STREAMS_BLOCKED,      kind::STREAMS_BLOCKED_UNI, "STREAMS_BLOCKED",      "__01", ""),
    row(kind::NEW_CONNECTION_ID,    kind::NEW_CONNECTION_ID,   "NEW_CONNECTION_ID",    "__01", "P"),
    row(kind::RETIRE_CONNECTION_ID, kind::RETIRE_CONNECTION_ID,"RETIRE_CONNECTION_ID", "___1", ""),
    row(kind::PATH_CHALLENGE,       kind::PATH_CHALLENGE,      "PATH_CHALLENGE",       "__01", "P"),
    row(kind::PATH_RESPONSE,        kind::PATH_RESPONSE,       "PATH_RESPONSE",        "___1", "P"),
    row(kind::CONNECTION_CLOSE,     kind::CONNECTION_CLOSE,    "CONNECTION_CLOSE",     "IH01", "N"),
    row(kind::CONNECTION_CLOSE_APP, kind::CONNECTION_CLOSE_APP,"CONNECTION_CLOSE",     "__01", "N"),
    row(kind::HANDSHAKE_DONE,       kind::HANDSHAKE_DONE,      "HANDSHAKE_DONE",       "___1", "S"),
    row(kind::IMMEDIATE_ACK,        kind::IMMEDIATE_ACK,       "IMMEDIATE_ACK",        "___1", ""),
    row(kind::RESET_STREAM_AT,      kind::RESET_STREAM_AT,     "RESET_STREAM_AT",      "__01", ""),
    row(kind::DATAGRAM,             kind::DATAGRAM_LEN,        "DATAGRAM",             "__01", ""),
    row(kind::ACK_FREQUENCY,        kind::ACK_FREQUENCY,       "ACK_FREQUENCY",        "___1", ""),
];

const fn row(
    first: u64,
    last: u64,
    name: &'static str,
    packets: &'static str,
    special: &'static str,
) -> FrameRule {
    let mut epochs = 0;
    let mut at = 0;
    while at < Epoch::ALL.len() {
        let epoch = Epoch::ALL[at];
        let letter = match epoch {
            Epoch::Initial => b'I',
            Epoch::ZeroRtt => b'0',
            Epoch::Handshake => b'H',
            Epoch::OneRtt => b'1',
        };
        if has(packets, letter) {
            epochs |= epoch.bit();
        }
        at += 1;
    }
    FrameRule {
        name,
        first,
        last,
        epochs: Epochs(epochs),
        elicits_ack: !has(special, b'N'),
        in_flight: !has(special, b'C'),
        probes: has(special, b'P'),
        is_flow_controlled: has(special, b'F'),
        is_of_servers: has(special, b'S'),
    }
}

const fn has(letters: &str, letter: u8) -> bool {
    let letters = letters.as_bytes();
    let mut at = 0;
    while at < letters.len() {
        if letters[at] == letter {
            return true;
        }
        at += 1;
    }
    false
}

/// The row of a frame type, if it has one.
pub fn frame(kind: u64) -> Option<&'static FrameRule> {
    FRAMES.iter().find(|rule| kind <= rule.last).filter(|rule| rule.first <= kind)
}

/// The name of a frame type, for traces.
pub fn name(kind: u64) -> &'static str {
    frame(kind).map_or("unknown", |rule| rule.name)
}

#[cfg(test)]
mod tests;
