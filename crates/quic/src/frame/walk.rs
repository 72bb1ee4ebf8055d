//! The walk over a packet's payload: each frame by the table, then by what was agreed, then by its shape.

use super::{Frame, short};
use crate::{
    Fault,
    rules::{self, Epoch, MAX_ACK_DELAY_MS, Side, frames::kind},
};
use sakigake_wire::{Reader, varint_len};

/// What may come beside RFC 9000's frames: what our own transport parameters said, and who the peer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Who sends the frames.
    pub sender: Side,
    /// The largest DATAGRAM frame that we take, in bytes with type and length; 0 for none (RFC 9221).
    pub max_datagram_frame_size: u64,
    /// Whether we take RESET_STREAM_AT.
    pub reset_stream_at: bool,
    /// The least delay that ACK_FREQUENCY may ask of us, in microseconds; `None` where we take no such frame.
    pub min_ack_delay_us: Option<u64>,
}

impl Terms {
    /// RFC 9000 and nothing else.
    pub const fn plain(sender: Side) -> Self {
        Self { sender, max_datagram_frame_size: 0, reset_stream_at: false, min_ack_delay_us: None }
    }
}

/// The frames of a payload, up to its end or to the first fault.
#[derive(Clone, Debug)]
pub struct Walk<'a> {
    reader: Reader<'a>,
    epoch: Epoch,
    terms: Terms,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Fresh,
    Under,
    Over,
}

/// Walks over the payload of a packet of `epoch`.
pub fn walk(payload: &[u8], epoch: Epoch, terms: Terms) -> Walk<'_> {
    Walk { reader: Reader::new(payload), epoch, terms, state: State::Fresh }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Result<Frame<'a>, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = match (self.state, self.reader.is_empty()) {
            (State::Over, _) | (State::Under, true) => return None,
            (State::Fresh, true) => Err(Fault::EmptyPacket), // spec: 9000-12.4-m
            (_, false) => self.frame(),
        };
        self.state = if item.is_ok() { State::Under } else { State::Over };
        Some(item)
    }
}

impl<'a> Walk<'a> {
    fn frame(&mut self) -> Result<Frame<'a>, Fault> {
        let before = self.reader.len();
        let kind = self.reader.varint().map_err(short(kind::PADDING))?;
        self.admit(kind, before - self.reader.len())?;
        let frame = Frame::read(kind, &mut self.reader)?;
        self.accept(&frame, before - self.reader.len())?;
        Ok(frame)
    }

    /// Whether a frame of this type, written in `type_bytes`, may stand here.
    fn admit(&self, frame: u64, type_bytes: usize) -> Result<(), Fault> {
        let agreed = match frame {
            kind::RESET_STREAM_AT => self.terms.reset_stream_at,
            kind::ACK_FREQUENCY | kind::IMMEDIATE_ACK => self.terms.min_ack_delay_us.is_some(),
            _ => true,
        };
        let rule = rules::frame(frame).filter(|_| agreed).ok_or(Fault::UnknownFrame { frame })?; // spec: 9000-12.4-p
        if type_bytes != varint_len(frame) {
            return Err(Fault::LongFrameType { frame }); // spec: 9000-12.4-o
        }
        if !rule.epochs.allows(self.epoch) {
            return Err(Fault::BarredFrame { frame, epoch: self.epoch }); // spec: 9000-12.4-n 9000-12.5-m
        }
        if !rule.may_come_from(self.terms.sender) {
            return Err(Fault::FrameOfServers { frame }); // spec: 9000-19.7-n 9000-19.20-m
        }
        if self.terms.max_datagram_frame_size == 0 && matches!(frame, kind::DATAGRAM | kind::DATAGRAM_LEN) {
            return Err(Fault::UnexpectedDatagram); // spec: 9221-3-a
        }
        Ok(())
    }

    /// Whether what the frame says, in so many bytes, is within what we said.
    fn accept(&self, frame: &Frame<'_>, bytes: usize) -> Result<(), Fault> {
        match frame {
            Frame::Datagram(_) if bytes as u64 > self.terms.max_datagram_frame_size => {
                Err(Fault::DatagramTooLarge) // spec: 9221-3-b
            }
            Frame::AckFrequency(frame) => {
                let least = self.terms.min_ack_delay_us.unwrap_or(0);
                let may_be = least..=MAX_ACK_DELAY_MS * 1_000;
                match may_be.contains(&frame.requested_max_ack_delay_us) {
                    true => Ok(()),
                    false => Err(Fault::RequestedAckDelay), // spec: ackfreq-4-m
                }
            }
            _ => Ok(()),
        }
    }
}
