//! Frames (RFC 9000 sections 12.4 and 19): one struct a frame, and the walk over a packet's payload.
//!
//! ```text
//!   payload -> walk: type -> rules::frame (place) -> read (shape) -> Frame -> the owner (meaning)
//! ```

mod ack;
mod close;
mod connection_id;
mod data;
mod integers;
mod path;
mod streams;
mod walk;

pub use crate::streams::Direction;
pub use ack::{Ack, AckRanges, EcnCounts, Written, write_ack};
pub use close::ConnectionClose;
pub use connection_id::NewConnectionId;
pub use data::{Crypto, Datagram, NewToken, Stream};
pub use integers::{
    AckFrequency, DataBlocked, MaxData, MaxStreamData, ResetStream, ResetStreamAt, RetireConnectionId,
    StopSending, StreamDataBlocked,
};
pub use path::{PathChallenge, PathResponse};
pub use streams::{MaxStreams, StreamsBlocked};
pub use walk::{Terms, Walk, walk};

use crate::{
    Fault,
    rules::{FrameRule, frame, frames::kind},
};
use sakigake_wire::{Full, Reader, Short, Writer};

/// A frame, as it lies in its packet.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the RFC's, and each struct says what it is")]
pub enum Frame<'a> {
    /// A run of PADDING frames: so many bytes.
    Padding(usize),
    Ping,
    Ack(Ack<'a>),
    ResetStream(ResetStream),
    StopSending(StopSending),
    Crypto(Crypto<'a>),
    NewToken(NewToken<'a>),
    Stream(Stream<'a>),
    MaxData(MaxData),
    MaxStreamData(MaxStreamData),
    MaxStreams(MaxStreams),
    DataBlocked(DataBlocked),
    StreamDataBlocked(StreamDataBlocked),
    StreamsBlocked(StreamsBlocked),
    NewConnectionId(NewConnectionId<'a>),
    RetireConnectionId(RetireConnectionId),
    PathChallenge(PathChallenge),
    PathResponse(PathResponse),
    ConnectionClose(ConnectionClose<'a>),
    HandshakeDone,
    ImmediateAck,
    ResetStreamAt(ResetStreamAt),
    Datagram(Datagram<'a>),
    AckFrequency(AckFrequency),
}

impl<'a> Frame<'a> {
    /// What follows the type `kind`.
    fn read(kind: u64, reader: &mut Reader<'a>) -> Result<Self, Fault> {
        Ok(match kind {
            kind::PADDING => Self::Padding(1 + padding(reader)),
            kind::PING => Self::Ping,
            kind::ACK | kind::ACK_ECN => Self::Ack(Ack::read(kind, reader)?),
            kind::RESET_STREAM => Self::ResetStream(ResetStream::read(reader)?),
            kind::STOP_SENDING => Self::StopSending(StopSending::read(reader)?),
            kind::CRYPTO => Self::Crypto(Crypto::read(reader)?),
            kind::NEW_TOKEN => Self::NewToken(NewToken::read(reader)?),
            kind::STREAM..=0x0f => Self::Stream(Stream::read(kind, reader)?),
            kind::MAX_DATA => Self::MaxData(MaxData::read(reader)?),
            kind::MAX_STREAM_DATA => Self::MaxStreamData(MaxStreamData::read(reader)?),
            kind::MAX_STREAMS | kind::MAX_STREAMS_UNI => Self::MaxStreams(MaxStreams::read(kind, reader)?),
            kind::DATA_BLOCKED => Self::DataBlocked(DataBlocked::read(reader)?),
            kind::STREAM_DATA_BLOCKED => Self::StreamDataBlocked(StreamDataBlocked::read(reader)?),
            kind::STREAMS_BLOCKED | kind::STREAMS_BLOCKED_UNI => {
                Self::StreamsBlocked(StreamsBlocked::read(kind, reader)?)
            }
            kind::NEW_CONNECTION_ID => Self::NewConnectionId(NewConnectionId::read(reader)?),
            kind::RETIRE_CONNECTION_ID => Self::RetireConnectionId(RetireConnectionId::read(reader)?),
            kind::PATH_CHALLENGE => Self::PathChallenge(PathChallenge::read(reader)?),
            kind::PATH_RESPONSE => Self::PathResponse(PathResponse::read(reader)?),
            kind::CONNECTION_CLOSE | kind::CONNECTION_CLOSE_APP => {
                Self::ConnectionClose(ConnectionClose::read(kind, reader)?)
            }
            kind::HANDSHAKE_DONE => Self::HandshakeDone,
            kind::IMMEDIATE_ACK => Self::ImmediateAck,
            kind::RESET_STREAM_AT => Self::ResetStreamAt(ResetStreamAt::read_checked(reader)?),
            kind::DATAGRAM | kind::DATAGRAM_LEN => Self::Datagram(Datagram::read(kind, reader)?),
            kind::ACK_FREQUENCY => Self::AckFrequency(AckFrequency::read(reader)?),
            frame => return Err(Fault::UnknownFrame { frame }), // spec: 9000-12.4-p
        })
    }

    /// Appends the frame, or nothing where it does not fit.
    pub fn write(&self, out: &mut Writer<'_>) -> Result<(), Full> {
        match self {
            Self::Padding(bytes) => {
                out.spare().get_mut(..*bytes).ok_or(Full(*bytes))?.fill(0);
                out.advance(*bytes)
            }
            Self::Ping | Self::HandshakeDone | Self::ImmediateAck => out.varint(self.kind()),
            Self::Ack(frame) => frame.write(out),
            Self::ResetStream(frame) => frame.write(out),
            Self::StopSending(frame) => frame.write(out),
            Self::Crypto(frame) => frame.write(out),
            Self::NewToken(frame) => frame.write(out),
            Self::Stream(frame) => frame.write(out),
            Self::MaxData(frame) => frame.write(out),
            Self::MaxStreamData(frame) => frame.write(out),
            Self::MaxStreams(frame) => frame.write(out),
            Self::DataBlocked(frame) => frame.write(out),
            Self::StreamDataBlocked(frame) => frame.write(out),
            Self::StreamsBlocked(frame) => frame.write(out),
            Self::NewConnectionId(frame) => frame.write(out),
            Self::RetireConnectionId(frame) => frame.write(out),
            Self::PathChallenge(frame) => frame.write(out),
            Self::PathResponse(frame) => frame.write(out),
            Self::ConnectionClose(frame) => frame.write(out),
            Self::ResetStreamAt(frame) => frame.write(out),
            Self::Datagram(frame) => frame.write(out),
            Self::AckFrequency(frame) => frame.write(out),
        }
    }

    /// The type with which it is written, flags and all.
    pub fn kind(&self) -> u64 {
        match self {
            Self::Padding(_) => kind::PADDING,
            Self::Ping => kind::PING,
            Self::Ack(frame) => frame.kind(),
            Self::ResetStream(_) => ResetStream::KIND,
            Self::StopSending(_) => StopSending::KIND,
            Self::Crypto(_) => kind::CRYPTO,
            Self::NewToken(_) => kind::NEW_TOKEN,
            Self::Stream(frame) => frame.kind(),
            Self::MaxData(_) => MaxData::KIND,
            Self::MaxStreamData(_) => MaxStreamData::KIND,
            Self::MaxStreams(frame) => frame.kind(),
            Self::DataBlocked(_) => DataBlocked::KIND,
            Self::StreamDataBlocked(_) => StreamDataBlocked::KIND,
            Self::StreamsBlocked(frame) => frame.kind(),
            Self::NewConnectionId(_) => kind::NEW_CONNECTION_ID,
            Self::RetireConnectionId(_) => RetireConnectionId::KIND,
            Self::PathChallenge(_) => kind::PATH_CHALLENGE,
            Self::PathResponse(_) => kind::PATH_RESPONSE,
            Self::ConnectionClose(frame) => frame.kind(),
            Self::HandshakeDone => kind::HANDSHAKE_DONE,
            Self::ImmediateAck => kind::IMMEDIATE_ACK,
            Self::ResetStreamAt(_) => ResetStreamAt::KIND,
            Self::Datagram(frame) => frame.kind(),
            Self::AckFrequency(_) => AckFrequency::KIND,
        }
    }

    /// Its row in the frame table.
    pub fn rule(&self) -> &'static FrameRule {
        frame(self.kind()).expect("every variant has a row")
    }
}

/// How many PADDING frames more follow, taken.
fn padding(reader: &mut Reader<'_>) -> usize {
    let run = reader.peek().iter().take_while(|byte| **byte == 0).count();
    reader.take(run).map_or(0, <[u8]>::len)
}

/// What a frame of type `frame` is when its packet ends too early.
fn short(frame: u64) -> impl Fn(Short) -> Fault {
    move |_| Fault::FrameEndsEarly { frame } // spec: 9000-12.4-q
}

/// Bytes behind their length.
fn vector<'a>(frame: u64, reader: &mut Reader<'a>) -> Result<&'a [u8], Fault> {
    let len = reader.varint().map_err(short(frame))?;
    // What does not fit in memory does not fit in a packet either.
    let len = usize::try_from(len).map_err(|_| Fault::FrameEndsEarly { frame })?;
    reader.take(len).map_err(short(frame))
}

/// Appends bytes behind their length.
fn put_vector(out: &mut Writer<'_>, bytes: &[u8]) -> Result<(), Full> {
    out.varint(bytes.len() as u64)?;
    out.put(bytes)
}

#[cfg(test)]
pub(crate) mod tests;
