//! The part of a stream that receives (RFC 9000, section 3.2): its bytes in order, its final size, its reset.

use super::Heard;
use super::assembly::{Assembly, Held};
use super::fault::StreamFault;
use super::flow::ReceiveWindow;
use super::id::StreamId;
use super::state::{ReceiveEvent, ReceiveState};
use sakigake_wire::MAX_VARINT;

/// One stream's way in.
#[derive(Debug)]
pub(crate) struct Receiving {
    state: ReceiveState,
    assembly: Assembly,
    pub(crate) window: ReceiveWindow,
    final_size: Option<u64>,
    reset: Option<Reset>,
    stop: Option<Stop>,
}

/// The peer's reset.
#[derive(Clone, Copy, Debug)]
struct Reset {
    code: u64,
    /// It counts once so many bytes were delivered.
    reliable_size: u64,
}

/// Our wish that the peer stop.
#[derive(Clone, Copy, Debug)]
struct Stop {
    code: u64,
    is_wanted: bool,
}

/// What all streams share.
pub(crate) struct Shared<'a> {
    pub(crate) window: &'a mut ReceiveWindow,
    pub(crate) held: &'a mut Held,
}

impl Receiving {
    pub(crate) fn new(window: u64) -> Self {
        Self {
            state: ReceiveState::Receive,
            assembly: Assembly::default(),
            window: ReceiveWindow::new(window),
            final_size: None,
            reset: None,
            stop: None,
        }
    }

    #[cfg(test)]
    pub(crate) const fn state(&self) -> ReceiveState {
        self.state
    }

    /// Whether nothing of it is of interest any more, in either direction.
    pub(crate) fn is_over(&self) -> bool {
        self.state.is_terminal() && !self.wants_stop()
    }

    /// STREAM.
    pub(crate) fn accept(
        &mut self,
        id: StreamId,
        (offset, bytes, fin): (u64, &[u8], bool),
        shared: &mut Shared<'_>,
        heard: &mut impl FnMut(Heard<'_>),
    ) -> Result<(), StreamFault> {
        let end = end(offset, bytes)?;
        match self.final_size {
            Some(size) if fin && end != size => return Err(StreamFault::FinalSizeChanged), // spec: 9000-4.5-a
            Some(size) if end > size => return Err(StreamFault::BeyondFinalSize),          // spec: 9000-4.5-b
            _ => {}
        }
        self.reach(end, fin, shared.window)?;
        if self.stop.is_some() || !self.state.is_open() {
            self.skip(shared.window); // spec: 9000-3.5-b
            return Ok(());
        }
        let deliver = &mut |bytes: &[u8]| heard(Heard::Data { id, bytes });
        let accepted = self.assembly.accept(offset, bytes, shared.held, deliver);
        accepted.map_err(|_| StreamFault::Fragments)?;
        self.settle(id, shared, heard);
        Ok(())
    }

    /// RESET_STREAM, or RESET_STREAM_AT when `reliable_size` is not 0.
    pub(crate) fn reset(
        &mut self,
        id: StreamId,
        (code, final_size, reliable_size): (u64, u64, u64),
        shared: &mut Shared<'_>,
        heard: &mut impl FnMut(Heard<'_>),
    ) -> Result<(), StreamFault> {
        if reliable_size > final_size {
            return Err(StreamFault::ReliableSize); // spec: rsa-4-a
        }
        if self.final_size.is_some_and(|size| size != final_size) {
            return Err(StreamFault::FinalSizeChanged); // spec: 9000-4.5-a
        }
        if self.reset.is_some_and(|reset| reset.code != code) {
            return Err(StreamFault::ResetCodeChanged); // spec: rsa-5.2-c
        }
        self.reach(final_size, true, shared.window)?;
        let least = self.reset.map_or(u64::MAX, |reset| reset.reliable_size);
        self.reset = Some(Reset { code, reliable_size: reliable_size.min(least) }); // spec: rsa-5.2-d
        if self.stop.is_some() {
            self.skip(shared.window);
        }
        self.settle(id, shared, heard);
        Ok(())
    }

    /// The owner wants no more of it, and hears no more of it: whether that is news.
    pub(crate) fn stop(&mut self, code: u64, shared: &mut Shared<'_>) -> bool {
        if !self.state.is_open() || self.stop.is_some() {
            return false;
        }
        self.stop = Some(Stop { code, is_wanted: true });
        self.assembly.discard(shared.held);
        self.skip(shared.window);
        true
    }

    /// The owner has read so many bytes: at most what it was given. Returns how many count.
    pub(crate) fn consume(&mut self, bytes: u64) -> u64 {
        let unread = self.assembly.delivered().saturating_sub(self.window.consumed());
        let bytes = self.window.consume(bytes.min(unread));
        self.settle_read();
        bytes
    }

    /// The code of a STOP_SENDING that is to leave.
    pub(crate) fn next_stop(&mut self) -> Option<u64> {
        let stop = self.stop.as_mut().filter(|stop| stop.is_wanted)?;
        stop.is_wanted = false;
        Some(stop.code)
    }

    /// STOP_SENDING was lost.
    pub(crate) fn stop_lost(&mut self) {
        if let Some(stop) = &mut self.stop
            && self.state.is_open()
        {
            stop.is_wanted = true; // spec: 9000-3.5-c
        }
    }

    pub(crate) fn wants_stop(&self) -> bool {
        self.stop.is_some_and(|stop| stop.is_wanted)
    }

    /// Whether a MAX_STREAM_DATA is to leave.
    pub(crate) fn wants_credit(&self) -> bool {
        self.state == ReceiveState::Receive && self.stop.is_none() && self.window.is_due() // spec: 9000-3.3-b
    }

    /// Bytes up to `end` exist: counts those that are new, here and for the connection.
    fn reach(&mut self, end: u64, is_final: bool, connection: &mut ReceiveWindow) -> Result<(), StreamFault> {
        let received = self.window.received();
        if is_final && end < received {
            return Err(StreamFault::FinalSizeTooSmall); // spec: 9000-4.5-c
        }
        let more = end.saturating_sub(received);
        self.window.receive(more).map_err(|_| StreamFault::StreamData)?; // spec: 9000-4.1-b
        connection.receive(more).map_err(|_| StreamFault::Data)?; // spec: 9000-19.9-a
        if is_final {
            self.final_size = Some(end);
            self.state = self.state.after(ReceiveEvent::Fin);
        }
        Ok(())
    }

    /// Nobody will read what came: it is as good as read.
    fn skip(&mut self, connection: &mut ReceiveWindow) {
        connection.consume(self.window.consume(u64::MAX));
        if self.stop.is_some() && self.final_size.is_some() {
            self.state = self.state.after(ReceiveEvent::AllData).after(ReceiveEvent::ReadAll);
        }
    }

    /// Sees whether it has come to an end.
    fn settle(&mut self, id: StreamId, shared: &mut Shared<'_>, heard: &mut impl FnMut(Heard<'_>)) {
        if !self.state.is_open() {
            return;
        }
        let delivered = self.assembly.delivered();
        if let Some(reset) = self.reset
            && delivered >= reset.reliable_size
        {
            self.state = self.state.after(ReceiveEvent::Reset);
            self.assembly.discard(shared.held);
            self.skip(shared.window); // spec: 9000-4.5-d
            heard(Heard::Reset { id, code: reset.code });
            self.state = self.state.after(ReceiveEvent::ReadReset);
        } else if self.final_size == Some(delivered) {
            self.state = self.state.after(ReceiveEvent::AllData);
            heard(Heard::Finished { id });
            self.settle_read();
        }
    }

    fn settle_read(&mut self) {
        if self.state == ReceiveState::DataReceived && self.final_size == Some(self.window.consumed()) {
            self.state = self.state.after(ReceiveEvent::ReadAll);
        }
    }
}

/// Where bytes end, which must be a number that frames can carry.
pub(crate) fn end(offset: u64, bytes: &[u8]) -> Result<u64, StreamFault> {
    let end = offset.checked_add(bytes.len() as u64).filter(|end| *end <= MAX_VARINT);
    end.ok_or(StreamFault::Offset) // spec: 9000-19.8-b
}

#[cfg(test)]
mod tests;
