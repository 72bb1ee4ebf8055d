//! What the peer's frames do to streams: one verb a frame.

use super::id::{Direction, StreamId};
use super::receive::Shared;
use super::{Heard, StreamFault, Streams};
use crate::rules::MAX_STREAM_COUNT;

/// Which of our parts a frame is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Send,
    Receive,
}

impl Streams {
    /// STREAM (section 19.8).
    ///
    /// # Errors
    /// [`StreamFault`], which ends the connection; so with all that follow.
    pub fn accept_stream(
        &mut self,
        id: StreamId,
        offset: u64,
        bytes: &[u8],
        fin: bool,
        heard: &mut impl FnMut(Heard<'_>),
    ) -> Result<(), StreamFault> {
        self.locate(id, Part::Receive, heard)?;
        let Some(receiving) = self.shelf.find(id).and_then(|stream| stream.receive.as_deref_mut()) else {
            return Ok(()); // It is over.
        };
        let mut shared = Shared { window: &mut self.window, held: &mut self.held };
        receiving.accept(id, (offset, bytes, fin), &mut shared, heard)?;
        self.settle(id);
        Ok(())
    }

    /// RESET_STREAM (section 19.4).
    ///
    /// # Errors
    /// [`StreamFault`].
    pub fn accept_reset_stream(
        &mut self,
        id: StreamId,
        code: u64,
        final_size: u64,
        heard: &mut impl FnMut(Heard<'_>),
    ) -> Result<(), StreamFault> {
        self.accept_reset_stream_at(id, code, final_size, 0, heard)
    }

    /// RESET_STREAM_AT (draft-ietf-quic-reliable-stream-reset, section 4).
    ///
    /// # Errors
    /// [`StreamFault`].
    pub fn accept_reset_stream_at(
        &mut self,
        id: StreamId,
        code: u64,
        final_size: u64,
        reliable_size: u64,
        heard: &mut impl FnMut(Heard<'_>),
    ) -> Result<(), StreamFault> {
        self.locate(id, Part::Receive, heard)?;
        let Some(receiving) = self.shelf.find(id).and_then(|stream| stream.receive.as_deref_mut()) else {
            return Ok(());
        };
        let mut shared = Shared { window: &mut self.window, held: &mut self.held };
        receiving.reset(id, (code, final_size, reliable_size), &mut shared, heard)?;
        self.settle(id);
        Ok(())
    }

    /// STOP_SENDING (section 19.5).
    ///
    /// # Errors
    /// [`StreamFault`].
    pub fn accept_stop_sending(
        &mut self,
        id: StreamId,
        code: u64,
        heard: &mut impl FnMut(Heard<'_>),
    ) -> Result<(), StreamFault> {
        self.locate(id, Part::Send, heard)?;
        let Ok(sending) = self.sending(id) else { return Ok(()) };
        if sending.stopped(code) {
            heard(Heard::Stopped { id, code });
        }
        self.settle(id);
        Ok(())
    }

    /// MAX_DATA (section 19.9).
    pub fn accept_max_data(&mut self, limit: u64) {
        self.credit.raise(limit);
    }

    /// MAX_STREAM_DATA (section 19.10).
    ///
    /// # Errors
    /// [`StreamFault`].
    pub fn accept_max_stream_data(
        &mut self,
        id: StreamId,
        limit: u64,
        heard: &mut impl FnMut(Heard<'_>),
    ) -> Result<(), StreamFault> {
        self.locate(id, Part::Send, heard)?;
        let Ok(sending) = self.sending(id) else { return Ok(()) };
        sending.raise(limit);
        self.settle(id);
        Ok(())
    }

    /// MAX_STREAMS (section 19.11).
    ///
    /// # Errors
    /// [`StreamFault`].
    pub fn accept_max_streams(
        &mut self,
        direction: Direction,
        limit: u64,
        heard: &mut impl FnMut(Heard<'_>),
    ) -> Result<(), StreamFault> {
        if limit > MAX_STREAM_COUNT {
            return Err(StreamFault::MaxStreams); // spec: 9000-4.6-b
        }
        if self.allow(direction, limit) {
            heard(Heard::MayOpen { direction }); // spec: 9000-4.6-d
        }
        Ok(())
    }

    /// STREAM_DATA_BLOCKED (section 19.13): it opens a stream, and nothing else, since limits grow without being asked for.
    ///
    /// # Errors
    /// [`StreamFault`].
    pub fn accept_stream_data_blocked(
        &mut self,
        id: StreamId,
        heard: &mut impl FnMut(Heard<'_>),
    ) -> Result<(), StreamFault> {
        self.locate(id, Part::Receive, heard)
    }

    /// STREAMS_BLOCKED (section 19.14).
    ///
    /// # Errors
    /// [`StreamFault`].
    pub fn accept_streams_blocked(&mut self, limit: u64) -> Result<(), StreamFault> {
        if limit > MAX_STREAM_COUNT { Err(StreamFault::MaxStreams) } else { Ok(()) } // spec: 9000-19.14-a
    }

    /// Sees that a stream may be named so, and opens it, with those below, if the peer does that by naming it.
    fn locate(
        &mut self,
        id: StreamId,
        part: Part,
        heard: &mut impl FnMut(Heard<'_>),
    ) -> Result<(), StreamFault> {
        let direction = id.direction();
        let is_one_way = direction == Direction::Unidirectional;
        if self.is_local(id) {
            if is_one_way && part == Part::Receive {
                return Err(StreamFault::SendOnly); // spec: 9000-19.8-a 9000-19.4-a 9000-19.13-a
            }
            if id.index() >= self.local[direction as usize].next {
                return Err(StreamFault::NotCreated); // spec: 9000-19.5-a 9000-19.8-c 9000-19.10-b
            }
            return Ok(());
        }
        if is_one_way && part == Part::Send {
            return Err(StreamFault::ReceiveOnly); // spec: 9000-19.5-b 9000-19.10-a
        }
        if id.index() >= self.remote[direction as usize].limit {
            return Err(StreamFault::StreamLimit); // spec: 9000-4.6-c
        }
        for index in self.remote[direction as usize].next..=id.index() {
            let Some(opened) = StreamId::of(!self.is_client, direction, index) else { break };
            self.insert(opened); // spec: 9000-3.2-a
            heard(Heard::Opened { id: opened });
        }
        let next = &mut self.remote[direction as usize].next;
        *next = (*next).max(id.index() + 1);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
