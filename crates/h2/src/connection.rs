//! A connection: the parts put together behind the five verbs. What the peer's frames do is in [`crate::accept`] and
//! [`crate::message`], what the owner asks for in [`crate::local`].

use crate::budget::Budget;
use crate::flow::ReceiveWindow;
use crate::frame::{Frame, FrameHead};
use crate::intake::Intake;
use crate::message::Block;
use crate::output::Output;
use crate::rules::{CodePoints, INITIAL_WINDOW, MAX_31_BITS, PREFACE};
use crate::send::Schedule;
use crate::settings::{self, PeerSettings};
use crate::stream::{Cause, State};
use crate::streams::Streams;
use crate::{ErrorCode, Fault, Flood, Limits, flow::SendWindow};
use sakigake_fields::hpack;
use sakigake_semantics::{Event, Priority, StreamId};
use sakigake_semantics::{Origin, Origins};
use sakigake_wire::{Instant, Span};
use std::{collections::VecDeque, sync::Arc};

/// What an owner chooses.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// What the connection may cost.
    pub limits: Limits,
    /// A client's word that it acts on PRELOAD frames (profile, point 11).
    pub preload: bool,
    /// A server's word that it understands extended CONNECT (RFC 8441).
    pub extended_connect: bool,
    /// What a server says that its connections are for (RFC 8336); see [`Connection::announce_origins`].
    pub origins: Arc<[Origin]>,
    /// A client's word that ORIGIN frames count for nothing: the pipe is no TLS, or leads to a proxy (RFC 8336 section 2.2).
    pub ignores_origin: bool,
    /// The numbers that PRELOAD goes by.
    pub code_points: CodePoints,
}

/// One HTTP/2 connection without I/O, either end.
///
/// `handle` what came, then `transmit` until it says `None`, `expire` when `deadline` has come. Events that arise when
/// something leaves or time passes are given by the next `handle`, or at once by [`Connection::tell`].
#[derive(Debug)]
pub struct Connection {
    pub(crate) config: Config,
    pub(crate) client: bool,
    pub(crate) now: Instant,
    pub(crate) intake: Intake,
    pub(crate) reading: Reading,
    pub(crate) block: Option<Block>,
    /// When the HEADERS frame began whose field section is not whole.
    pub(crate) block_began: Option<Instant>,
    pub(crate) decoder: hpack::Decoder,
    pub(crate) encoder: hpack::Encoder,
    pub(crate) peer: PeerSettings,
    pub(crate) peer_settings_heard: bool,
    pub(crate) local: LocalSettings,
    pub(crate) streams: Streams,
    pub(crate) schedule: Schedule,
    /// Bytes in the queues of all streams together.
    pub(crate) queued: u64,
    /// Those of them that are in memory.
    pub(crate) held: usize,
    pub(crate) send: SendWindow,
    pub(crate) receive: ReceiveWindow,
    pub(crate) output: Output,
    pub(crate) budget: Budget,
    pub(crate) notices: VecDeque<Notice>,
    pub(crate) rtt: Option<Span>,
    pub(crate) going: Going,
    pub(crate) catch_up: CatchUp,
    /// Not after the end of the first term of any stream that waits for credit, so that nobody has to ask them all.
    pub(crate) stalls_due: Option<Instant>,
    /// The last stream of the peer's latest GOAWAY.
    pub(crate) goaway_heard: Option<u32>,
    pub(crate) origins: Origins,
    pub(crate) are_origins_announced: bool,
    /// Priorities of streams that the client has not opened yet.
    pub(crate) early_priorities: Vec<(u32, Priority)>,
    /// When the PING that measures a round trip was asked for, until its receipt comes.
    pub(crate) probed: Option<Instant>,
}

/// What the next byte of the input belongs to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reading {
    Preface,
    Head,
    Payload(FrameHead),
    /// The pad length of a DATA frame on a stream that wants it.
    Pad(FrameHead),
    /// The rest of such a frame: body bytes, then padding.
    Data {
        stream: u32,
        left: u32,
        padding: u32,
        end: bool,
    },
    Skip(u32),
}

/// Our SETTINGS on their way.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LocalSettings {
    pub(crate) sent: Option<Instant>,
    pub(crate) acknowledged: bool,
}

/// How far the end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Going {
    /// It is not in sight.
    On,
    /// A server's first GOAWAY is out: requests on their way still count.
    Draining {
        /// When it was said.
        since: Instant,
    },
    /// The last GOAWAY is out: nothing above this stream counts.
    Final(u32),
    /// Nothing counts any more.
    Over,
}

/// An event that arose when nobody listened.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Notice {
    Writable(u32),
    Finished(u32),
    Reset { stream: u32, code: u32, untouched: bool },
}

/// The PING between the two GOAWAY frames of a drain.
pub(crate) const DRAIN_PING: [u8; 8] = *b"drained?";

/// The PING that measures a round trip.
pub(crate) const PROBE_PING: [u8; 8] = *b"how far?";

/// The PING that shows how far the peer has read.
pub(crate) const READ_PING: [u8; 8] = *b"read it?";

/// Whether the peer was asked how far it has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CatchUp {
    None,
    Asked,
    Answered,
}

impl Connection {
    /// A client: preface, SETTINGS and WINDOW_UPDATE are ready to transmit.
    pub fn client(config: Config, now: Instant) -> Self {
        Self::new(config, now, true)
    }

    /// A server: SETTINGS are ready to transmit, so that they, and a PRELOAD frame after them, may leave before any byte
    /// of the client's.
    pub fn server(config: Config, now: Instant) -> Self {
        Self::new(config, now, false)
    }

    fn new(config: Config, now: Instant, client: bool) -> Self {
        assert!(config.code_points.are_free(), "PRELOAD goes by a number that another frame or setting has"); // spec: preload-profile-1-c
        let limits = &config.limits;
        assert!(limits.are_sayable(), "a limit is outside the range of its setting"); // spec: 9113-6.5.2-f
        let mut output = Output::default();
        if client {
            output.push_bytes(PREFACE); // spec: 9113-3.4-a
        }
        output.push(&Frame::Settings(&settings::ours(&config, client)));
        let table_bytes = limits.header_table_bytes as usize;
        let mut connection = Self {
            client,
            now,
            intake: Intake::default(),
            reading: if client { Reading::Head } else { Reading::Preface },
            block: None,
            block_began: None,
            decoder: hpack::Decoder::new(4_096),
            encoder: hpack::Encoder::new(table_bytes),
            peer: PeerSettings::default(),
            peer_settings_heard: false,
            local: LocalSettings::default(),
            streams: Streams::new(client),
            schedule: Schedule::default(),
            queued: 0,
            held: 0,
            send: SendWindow::new(INITIAL_WINDOW),
            receive: ReceiveWindow::connection(limits.initial_connection_window_bytes),
            output,
            budget: Budget::default(),
            notices: VecDeque::new(),
            rtt: None,
            going: Going::On,
            catch_up: CatchUp::None,
            stalls_due: None,
            goaway_heard: None,
            origins: Origins::default(),
            are_origins_announced: false,
            early_priorities: Vec::new(),
            probed: None,
            config,
        };
        if client {
            connection.grant(now); // spec: preload-profile-5-d
        }
        connection
    }

    /// Takes bytes in any split. A fault is the connection's end: its GOAWAY is ready to transmit, all streams are gone
    /// without a word of their own, and what comes later is ignored. Faults of one stream are told as `Event::Reset`.
    pub fn handle(
        &mut self,
        now: Instant,
        bytes: &[u8],
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        self.now = now;
        if self.going == Going::Over {
            return Ok(());
        }
        let read = self.read(now, bytes, heard);
        self.tell(heard);
        if let Err(fault) = read {
            self.close(fault.code().wire());
            return Err(fault);
        }
        self.grant(now);
        Ok(())
    }

    /// Time passed: what is overdue is given up.
    pub fn expire(&mut self, now: Instant) {
        self.now = now;
        if self.going == Going::Over {
            return;
        }
        if self.settings_deadline().is_some_and(|due| due <= now) {
            return self.close(Fault::SettingsTimeout.code().wire()); // spec: 9113-6.5.3-b
        }
        if self.block_deadline().is_some_and(|due| due <= now) {
            return self.close(Fault::Flood(Flood::HeaderBlockMs).code().wire());
        }
        if self.drain_deadline().is_some_and(|due| due <= now) {
            self.finish_drain();
        }
        self.expire_stalls(now);
        self.grant(now);
    }

    /// When to call `expire`, if nothing else happens before. It may be earlier than needed, once for each wait that ended.
    pub fn deadline(&self) -> Option<Instant> {
        if self.going == Going::Over {
            return None;
        }
        [self.settings_deadline(), self.block_deadline(), self.drain_deadline(), self.stalls_due]
            .into_iter()
            .flatten()
            .min()
    }

    /// Fills `out` with what is to leave now: what is ready first, then DATA by priority. `None` when there is nothing.
    /// A frame is cut only when `out` is too small for it.
    pub fn transmit(&mut self, now: Instant, out: &mut [u8]) -> Option<usize> {
        self.now = now;
        let mut at = self.output.take(out);
        if at > 0 && self.local.sent.is_none() {
            self.local.sent = Some(now);
        }
        while self.output.is_empty()
            && let Some(len) = self.write_data(now, &mut out[at..], at == 0)
        {
            at += len;
            // Trailers, or the end of a frame larger than `out`.
            at += self.output.take(&mut out[at..]);
        }
        (at > 0).then_some(at)
    }

    /// Gives the events that arose in `transmit`, `expire` and the owner's own calls.
    pub fn tell(&mut self, heard: &mut impl FnMut(Event<'_>)) {
        while let Some(notice) = self.notices.pop_front() {
            let id = |stream: u32| StreamId(u64::from(stream));
            heard(match notice {
                Notice::Writable(stream) => Event::Writable { stream: id(stream) },
                Notice::Finished(stream) => Event::Finished { stream: id(stream) },
                Notice::Reset { stream, code, untouched } => {
                    Event::Reset { stream: id(stream), code: u64::from(code), untouched }
                }
            });
        }
        if self.notices.capacity() > 16 {
            self.notices = VecDeque::new();
        }
    }

    /// Whether `tell` has something to say.
    pub fn has_news(&self) -> bool {
        !self.notices.is_empty()
    }

    /// RST_STREAM of ours, and nothing of the stream remains.
    pub(crate) fn end_stream(&mut self, id: u32, code: u32) {
        self.output.push(&Frame::RstStream { stream: id, code });
        self.forget(id, Cause::LocalReset);
    }

    /// A stream ends abnormally: what nobody read counts as read, so that the connection's window survives it.
    pub(crate) fn forget(&mut self, id: u32, cause: Cause) {
        let removed = self.streams.remove(id, cause, self.config.limits.closed_streams);
        let Some(stream) = removed else { return };
        if let Some(rank) = stream.rank {
            self.schedule.leave(rank);
        }
        self.queued -= stream.queued;
        self.held -= stream.held;
        self.receive.consume(stream.unread);
        if self.streams.len() == 0 {
            self.stalls_due = None;
        }
    }

    /// A stream that ended both ways is told, and forgotten as soon as its last byte was read.
    pub(crate) fn settle(&mut self, id: u32) {
        let Some(stream) = self.streams.look(id) else { return };
        if stream.state == State::Closed(Cause::Ended) {
            let is_read = stream.receive.unread() == 0;
            self.streams.linger();
            self.notices.push_back(Notice::Finished(id));
            if is_read {
                self.forget(id, Cause::Ended);
            }
        }
    }

    pub(crate) fn release(&mut self, id: u32) {
        let Some(stream) = self.streams.look(id) else { return };
        if stream.state == State::Closed(Cause::Ended) && stream.receive.unread() == 0 {
            self.forget(id, Cause::Ended);
        }
    }

    /// WINDOW_UPDATE for the connection, when it is worth a frame.
    pub(crate) fn grant(&mut self, now: Instant) {
        let cap = self.config.limits.connection_window_bytes;
        if let Some(increment) = self.receive.update(now, self.rtt, cap) {
            self.output.push(&Frame::WindowUpdate { stream: 0, increment });
        }
    }

    /// Says what is wrong, and ends everything (section 5.4.1). No event follows.
    pub fn close(&mut self, code: u32) {
        if self.going == Going::Over {
            return;
        }
        // What was refused after the last GOAWAY of a drain stays refused.
        let last = match self.going {
            Going::Final(last) => last, // spec: 9113-6.8-d
            Going::On | Going::Draining { .. } | Going::Over => self.streams.highest_peer(),
        };
        self.output.push(&Frame::GoAway { last, code }); // spec: 9113-5.4.1-a
        self.going = Going::Over;
        self.streams.clear();
        self.schedule = Schedule::default();
        self.queued = 0;
        self.held = 0;
        self.notices.clear();
        self.block = None;
    }

    /// Takes no new requests, and ends when those that are under way have ended. A server says so twice, so that none that
    /// is on its way is lost (section 6.8).
    pub fn drain(&mut self, now: Instant) {
        self.now = now;
        if self.going != Going::On {
            return;
        }
        if self.client {
            return self.finish_drain();
        }
        self.output.push(&Frame::GoAway { last: MAX_31_BITS, code: ErrorCode::NoError.wire() }); // spec: 9113-6.8-b
        self.output.push(&Frame::Ping { payload: DRAIN_PING, ack: false });
        self.going = Going::Draining { since: now };
    }

    /// Asks the peer, once, whether it has read all that was sent up to here (PING).
    pub fn ask_catch_up(&mut self) {
        if self.catch_up == CatchUp::None {
            self.output.push(&Frame::Ping { payload: READ_PING, ack: false });
            self.catch_up = CatchUp::Asked;
        }
    }

    /// Whether the peer has said that it read what [`Connection::ask_catch_up`] asked about.
    pub fn has_caught_up(&self) -> bool {
        self.catch_up == CatchUp::Answered
    }

    pub(crate) fn finish_drain(&mut self) {
        let last = self.streams.highest_peer();
        self.output.push(&Frame::GoAway { last, code: ErrorCode::NoError.wire() });
        self.going = Going::Final(last);
    }

    /// Whether the pipe may be closed: the last GOAWAY has left and nothing is under way.
    pub fn is_closed(&self) -> bool {
        let ended = match self.going {
            Going::Over => true, // spec: 9113-5.4.1-b
            Going::Final(_) => self.streams.is_idle(),
            Going::On | Going::Draining { .. } => self.goaway_heard.is_some() && self.streams.is_idle(),
        };
        ended && self.output.is_empty()
    }

    /// Whether it was ended at once, by a fault or by [`Connection::close`]: what its streams had yet to send is lost.
    pub fn has_given_up(&self) -> bool {
        self.going == Going::Over
    }

    /// Whether no stream lives and nothing waits to leave.
    pub fn is_idle(&self) -> bool {
        self.streams.is_idle() && self.output.is_empty()
    }

    /// Whether a stream lives: its message, or the answer to it, is not complete.
    pub fn has_streams(&self) -> bool {
        !self.streams.is_idle()
    }

    /// Bytes that wait in the send queues of all streams.
    pub fn queued_bytes(&self) -> u64 {
        self.queued
    }

    /// Those of them that take memory: all but a [`Source`]'s.
    ///
    /// [`Source`]: sakigake_semantics::Source
    pub fn held_bytes(&self) -> usize {
        self.held
    }

    /// Bytes of a header list that the peer takes, counted as RFC 9113 section 6.5.2 does, so far as it said.
    pub const fn peer_header_list_bytes(&self) -> u32 {
        self.peer.max_header_list_size
    }

    /// Whether the peer's SETTINGS were heard.
    pub fn has_heard_settings(&self) -> bool {
        self.peer_settings_heard
    }

    /// Whether the client said that it acts on PRELOAD frames.
    pub fn knows_preload(&self) -> bool {
        self.peer.preload
    }

    /// Whether the server understands extended CONNECT (RFC 8441 section 3): not before its SETTINGS were heard.
    pub fn knows_extended_connect(&self) -> bool {
        self.peer.enable_connect_protocol
    }

    /// Sends a PING, whose receipt is a sample for [`Connection::rtt`]; nothing where one is under way.
    pub fn probe(&mut self, now: Instant) {
        if self.going != Going::Over && self.probed.is_none() {
            self.probed = Some(now);
            self.output.push(&Frame::Ping { payload: PROBE_PING, ack: false });
        }
    }

    /// The shortest round trip seen, once one was: by the receipt of our SETTINGS, or of a PING of ours.
    pub fn rtt(&self) -> Option<Span> {
        self.rtt
    }

    fn settings_deadline(&self) -> Option<Instant> {
        let sent = self.local.sent.filter(|_| !self.local.acknowledged)?;
        Some(sent + Span::from_millis(self.config.limits.settings_ack_ms))
    }

    fn block_deadline(&self) -> Option<Instant> {
        self.block_began.map(|began| began + Span::from_millis(self.config.limits.header_block_ms))
    }

    fn drain_deadline(&self) -> Option<Instant> {
        match self.going {
            Going::Draining { since } => Some(since + Span::from_millis(self.config.limits.drain_ms)),
            Going::On | Going::Final(_) | Going::Over => None,
        }
    }
}

#[cfg(test)]
mod tests;
