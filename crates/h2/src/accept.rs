//! What the peer's frames do, but for field sections, which are in [`crate::message`].

use crate::connection::{CatchUp, Connection, DRAIN_PING, Going, Notice, PROBE_PING, READ_PING, Reading};
use crate::frame::{self, Frame, FrameHead};
use crate::intake::Payload;
use crate::origin;
use crate::rules::{self, INITIAL_WINDOW, flag, kind};
use crate::stream::{Cause, Heard, State};
use crate::{ErrorCode, Fault, Flood, Scope};
use sakigake_semantics::{Event, Priority, StreamId};
use sakigake_wire::{Instant, Span};

impl Connection {
    /// Cuts the input into frames and takes each.
    pub(crate) fn read(
        &mut self,
        now: Instant,
        mut input: &[u8],
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        while let Some(reading) = self.step(now, &mut input, heard)? {
            // spec: 9113-5.2.2-a
            self.reading = reading;
        }
        Ok(())
    }

    /// One piece of the input, and what the next one belongs to; `None` when there is too little of it.
    fn step(
        &mut self,
        now: Instant,
        input: &mut &[u8],
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<Option<Reading>, Fault> {
        let next = match self.reading {
            Reading::Preface => match self.intake.preface(input) {
                None => return Ok(None),
                Some(true) => Reading::Head,
                Some(false) => return Err(Fault::Preface), // spec: 9113-3.4-b
            },
            Reading::Head => match self.intake.head(input) {
                None => return Ok(None),
                Some(head) => {
                    let begun = self.begin(now, head);
                    self.bear(now, head.stream, begun)?.unwrap_or(Reading::Skip(head.length))
                }
            },
            Reading::Payload(head) => match self.intake.whole(input, head.length as usize) {
                None => return Ok(None),
                Some(payload) => {
                    let accepted = self.accept(now, head, &payload, heard);
                    if self.block.is_none() {
                        self.block_began = None;
                    }
                    self.bear(now, head.stream, accepted)?;
                    self.tell(heard);
                    Reading::Head
                }
            },
            Reading::Pad(head) => match self.intake.whole(input, 1) {
                None => return Ok(None),
                Some(pad) => self.pad(now, head, &pad)?,
            },
            Reading::Data { left, .. } | Reading::Skip(left) if input.is_empty() && left > 0 => {
                return Ok(None);
            }
            Reading::Data { stream, left, padding, end } => {
                let bytes = cut(input, left);
                let left = left - bytes.len() as u32;
                self.data(now, stream, bytes, end && left == 0, heard)?;
                self.tell(heard);
                if left == 0 { Reading::Skip(padding) } else { Reading::Data { stream, left, padding, end } }
            }
            Reading::Skip(0) => Reading::Head,
            Reading::Skip(left) => Reading::Skip(left - cut(input, left).len() as u32),
        };
        Ok(Some(next))
    }

    /// A fault of one stream ends that stream, and there is no result; one of the connection goes on up.
    fn bear<T>(&mut self, now: Instant, id: u32, result: Result<T, Fault>) -> Result<Option<T>, Fault> {
        match result {
            Err(fault) if fault.scope() == Scope::Stream => self.spoil(now, id, fault).map(|()| None),
            other => other.map(Some),
        }
    }

    /// A frame's head: its place and length, and how its payload is to be read.
    fn begin(&mut self, now: Instant, head: FrameHead) -> Result<Reading, Fault> {
        let head = FrameHead { kind: self.config.code_points.known_frame(head.kind), ..head };
        if !self.peer_settings_heard && (head.kind != kind::SETTINGS || head.has(flag::ACK)) {
            return Err(Fault::FirstFrame); // spec: 9113-3.4-c
        }
        let continued = self.block.as_ref().map(|block| block.stream);
        match (continued, head.kind) {
            (Some(stream), kind::CONTINUATION) if stream == head.stream => {}
            (Some(_), _) => return Err(Fault::Interrupted), // spec: 9113-6.2-c
            (None, kind::CONTINUATION) if head.stream != 0 => return Err(Fault::StrayContinuation), // spec: 9113-6.10-a
            (None, _) => {}
        }
        rules::admit(&head, self.config.limits.frame_bytes)?;
        match head.kind {
            kind::DATA => self.begin_data(now, head),
            kind::HEADERS => {
                self.block_began = Some(now);
                Ok(Reading::Payload(head))
            }
            kind::PRIORITY => {
                self.budget.spend(now, &self.config.limits, Flood::Priorities)?;
                Ok(Reading::Payload(head))
            }
            rules::PRELOAD if self.takes_preload(head) => Ok(Reading::Payload(head)),
            kind::ORIGIN if self.takes_origin(head) => Ok(Reading::Payload(head)),
            known if known != kind::ORIGIN && rules::frame(known).is_some() => Ok(Reading::Payload(head)),
            _ => {
                self.budget.spend(now, &self.config.limits, Flood::UnknownFrames)?;
                Ok(Reading::Skip(head.length)) // spec: 9113-5.5-a
            }
        }
    }

    /// A server, another stream than 0, and a block too long pass the frame over like any unknown one.
    fn takes_preload(&self, head: FrameHead) -> bool {
        self.client && head.stream == 0 && head.length <= self.config.limits.preload_bytes // spec: preload-2.1-b, preload-2.2-c
    }

    /// A server, and a client where RFC 8336 section 2.2 says so, pass the frame over like any unknown one.
    fn takes_origin(&self, head: FrameHead) -> bool {
        let counts = self.client && !self.config.ignores_origin; // spec: 8336-2.2-b
        counts && head.stream == 0 && origin::is_understood(head.flags) // spec: 8336-2.2-a
    }

    /// DATA counts against both windows by its whole length before a byte of it is looked at.
    fn begin_data(&mut self, now: Instant, head: FrameHead) -> Result<Reading, Fault> {
        let end = head.has(flag::END_STREAM);
        self.receive.receive(head.length).map_err(|_| Fault::ConnectionWindow)?; // spec: 9113-6.9-c
        let admitted = self.admit_data(head);
        if !matches!(admitted, Ok(true)) {
            self.receive.consume(u64::from(head.length)); // spec: 9113-6.9-d
        }
        if !admitted? {
            self.budget.spend(now, &self.config.limits, Flood::StrayFrames)?;
            return Ok(Reading::Skip(head.length));
        }
        if head.length == 0 && !end {
            self.budget.spend(now, &self.config.limits, Flood::EmptyFrames)?;
        }
        if head.has(flag::PADDED) {
            if head.length == 0 {
                return Err(Fault::FrameLength);
            }
            return Ok(Reading::Pad(head));
        }
        Ok(Reading::Data { stream: head.stream, left: head.length, padding: 0, end })
    }

    /// Whether the stream wants the bytes: a late frame is passed over.
    fn admit_data(&mut self, head: FrameHead) -> Result<bool, Fault> {
        let state = self.streams.state(head.stream);
        if state.receive(kind::DATA, head.has(flag::END_STREAM))? == Heard::Ignored {
            return Ok(false);
        }
        let stream = self.streams.find(head.stream).ok_or(Fault::Idle)?;
        if !stream.head_heard {
            return Err(Fault::MessageOrder); // spec: 9113-8.1-b
        }
        stream.receive.receive(head.length).map_err(|_| Fault::StreamWindow)?; // spec: 9113-6.9-c
        Ok(true)
    }

    fn pad(&mut self, now: Instant, head: FrameHead, pad: &Payload<'_>) -> Result<Reading, Fault> {
        let padding = pad.first().copied().map_or(0, u32::from);
        let left = (head.length - 1).checked_sub(padding).ok_or(Fault::Padding)?; // spec: 9113-6.1-b
        let end = head.has(flag::END_STREAM);
        if left == 0 && !end {
            self.budget.spend(now, &self.config.limits, Flood::EmptyFrames)?;
        }
        // Nobody will read the padding, so its credit goes back with the next update.
        self.consume_for(head.stream, u64::from(padding) + 1);
        Ok(Reading::Data { stream: head.stream, left, padding, end })
    }

    fn consume_for(&mut self, id: u32, bytes: u64) {
        if let Some(stream) = self.streams.find(id) {
            let bytes = stream.receive.consume(bytes);
            self.receive.consume(bytes);
        }
    }

    /// Bytes of a body. When the owner has reset the stream in the meantime nobody wants them, and their credit went back
    /// with the stream.
    fn data(
        &mut self,
        now: Instant,
        id: u32,
        bytes: &[u8],
        end: bool,
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        let Some(stream) = self.streams.find(id) else { return Ok(()) };
        let counted = stream.body.data(bytes.len());
        let complete = counted.and_then(|()| if end { stream.body.end() } else { Ok(()) });
        if let Err(malformed) = complete {
            return self.spoil(now, id, Fault::Malformed(malformed)); // spec: 9113-8.1.1-d
        }
        if !bytes.is_empty() || end {
            heard(Event::Data { stream: StreamId(u64::from(id)), bytes, end });
        }
        if end {
            self.received_end(id);
        }
        Ok(())
    }

    /// The peer has said all on a stream.
    pub(crate) fn received_end(&mut self, id: u32) {
        let Some(stream) = self.streams.find(id) else { return };
        if let Ok(Heard::Now(state)) = stream.state.receive(kind::DATA, true) {
            stream.state = state;
        }
        self.settle(id);
    }

    /// A frame with its whole payload.
    fn accept(
        &mut self,
        now: Instant,
        head: FrameHead,
        payload: &[u8],
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        match head.kind {
            kind::HEADERS => return self.headers(now, head, payload, heard),
            kind::CONTINUATION => return self.continuation(now, head, payload, heard),
            kind::PUSH_PROMISE => {
                frame::push_promise(head, payload)?;
                return Err(Fault::Push); // spec: 9113-6.6-a 9113-8.4-b
            }
            _ => {}
        }
        let Some(frame) = Frame::read(head, payload)? else { return Ok(()) };
        match frame {
            Frame::RstStream { stream, code } => self.rst_stream(now, stream, code),
            Frame::Settings(entries) => self.settings(now, entries, heard),
            Frame::SettingsAck => self.settings_ack(now),
            Frame::Ping { payload, ack } => self.ping(now, payload, ack),
            Frame::GoAway { last, code } => self.goaway(now, last, code, heard),
            Frame::WindowUpdate { stream: 0, increment } => self.connection_credit(now, increment),
            Frame::WindowUpdate { stream, increment } => self.stream_credit(now, stream, increment),
            Frame::PriorityUpdate { stream, value } => self.priority_update(now, stream, value),
            Frame::Origin { entries } => self.origin(now, entries, heard),
            Frame::Preload { block, .. } => {
                heard(Event::Preload { block });
                Ok(())
            }
            Frame::Priority { stream, on } => {
                self.streams.state(stream).receive(kind::PRIORITY, false)?;
                self.check_dependency(stream, Some(on))
            }
        }
    }

    /// The old priorities mean nothing here but for what no sender may say, unless it is a client that said that it says
    /// nothing by them.
    pub(crate) fn check_dependency(&self, stream: u32, on: Option<u32>) -> Result<(), Fault> {
        if !self.client && self.peer.no_rfc7540_priorities {
            return Ok(()); // spec: 9218-2.1-d
        }
        if on == Some(stream) {
            return Err(Fault::SelfDependency); // spec: 9113-5.3-b
        }
        Ok(())
    }

    fn rst_stream(&mut self, now: Instant, id: u32, code: u32) -> Result<(), Fault> {
        if !self.client {
            self.budget.spend(now, &self.config.limits, Flood::Resets)?;
        }
        if self.streams.state(id).receive(kind::RST_STREAM, false)? == Heard::Ignored {
            return self.budget.spend(now, &self.config.limits, Flood::StrayFrames);
        }
        let untouched = code == ErrorCode::RefusedStream.wire(); // spec: 9113-7-a
        self.notices.push_back(Notice::Reset { stream: id, code, untouched }); // spec: 9113-8.1-f
        self.forget(id, Cause::PeerReset); // spec: 9113-6.4-a
        Ok(())
    }

    fn settings(
        &mut self,
        now: Instant,
        entries: &[u8],
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        self.budget.spend(now, &self.config.limits, Flood::Settings)?;
        let before = self.peer;
        self.peer.apply(entries, self.client, &self.config)?;
        if self.peer_settings_heard && self.peer.no_rfc7540_priorities != before.no_rfc7540_priorities {
            return Err(Fault::SettingValue); // spec: 9218-2.1-c
        }
        // Settings count in their order, so a size that a later entry takes back has emptied the table all the same.
        let lowest = self.peer.lowest_table_size.min(self.peer.header_table_size);
        self.encoder.peer_allows(lowest as usize); // spec: 9113-6.5.3-c
        self.encoder.peer_allows(self.peer.header_table_size as usize); // spec: 9113-4.3.1-a
        let by = i64::from(self.peer.initial_window_size) - i64::from(before.initial_window_size);
        if by != 0 {
            self.shift_windows(by)?;
        }
        self.answer_with(&Frame::SettingsAck)?; // spec: 9113-6.5.3-a
        if !core::mem::replace(&mut self.peer_settings_heard, true) {
            heard(Event::Settings);
        }
        Ok(())
    }

    /// A new SETTINGS_INITIAL_WINDOW_SIZE moves every stream's window, below zero too.
    fn shift_windows(&mut self, by: i64) -> Result<(), Fault> {
        let ids: Vec<u32> = self.streams.iter().map(|(id, _)| id).collect();
        for id in ids {
            let Some(stream) = self.streams.find(id) else { continue };
            stream.send.window.shift(by).map_err(|_| Fault::InitialWindowSize)?; // spec: 9113-6.9.2-b
            self.wake(id); // spec: 9113-6.9.2-a
        }
        Ok(())
    }

    fn settings_ack(&mut self, now: Instant) -> Result<(), Fault> {
        let Some(sent) = self.local.sent.filter(|_| !self.local.acknowledged) else {
            return Err(Fault::SettingsAck);
        };
        self.local.acknowledged = true;
        self.learn_rtt(now.since(sent));
        self.decoder.set_table_size(self.config.limits.header_table_bytes as usize);
        let by = i64::from(self.config.limits.initial_stream_window_bytes) - i64::from(INITIAL_WINDOW);
        for (_, stream) in self.streams.iter_mut() {
            stream.receive.shift(by);
        }
        Ok(())
    }

    fn ping(&mut self, now: Instant, payload: [u8; 8], ack: bool) -> Result<(), Fault> {
        self.budget.spend(now, &self.config.limits, Flood::Pings)?;
        if !ack {
            return self.answer_with(&Frame::Ping { payload, ack: true }); // spec: 9113-6.7-a 9113-6.7-b
        }
        if let (DRAIN_PING, Going::Draining { since }) = (payload, self.going) {
            self.learn_rtt(now.since(since));
            self.finish_drain();
        } else if payload == PROBE_PING
            && let Some(since) = self.probed.take()
        {
            self.learn_rtt(now.since(since));
        }
        if (payload, self.catch_up) == (READ_PING, CatchUp::Asked) {
            self.catch_up = CatchUp::Answered;
        }
        Ok(())
    }

    fn learn_rtt(&mut self, sample: Span) {
        self.rtt = Some(self.rtt.map_or(sample, |rtt| rtt.min(sample)));
    }

    fn goaway(
        &mut self,
        now: Instant,
        last: u32,
        code: u32,
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        self.budget.spend(now, &self.config.limits, Flood::Settings)?;
        if self.goaway_heard.is_some_and(|before| last > before) {
            return Err(Fault::GoAwayGrew); // spec: 9113-6.8-a
        }
        self.goaway_heard = Some(last);
        heard(Event::GoAway { last: StreamId(u64::from(last)), code: u64::from(code) });
        let lost =
            self.streams.iter().map(|(id, _)| id).filter(|id| *id > last && !self.streams.is_peers(*id));
        for id in lost.collect::<Vec<_>>() {
            let code = ErrorCode::RefusedStream.wire();
            self.notices.push_back(Notice::Reset { stream: id, code, untouched: true });
            self.forget(id, Cause::LocalReset);
        }
        Ok(())
    }

    fn origin(
        &mut self,
        now: Instant,
        entries: &[u8],
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        self.budget.spend(now, &self.config.limits, Flood::Origins)?;
        if self.origins.take(entries, self.config.limits.origins) {
            heard(Event::Origin);
        }
        Ok(())
    }

    fn connection_credit(&mut self, now: Instant, increment: u32) -> Result<(), Fault> {
        self.budget.spend(now, &self.config.limits, Flood::WindowUpdates)?;
        if increment == 0 {
            return Err(Fault::ConnectionIncrement); // spec: 9113-6.9-b
        }
        self.send.shift(i64::from(increment)).map_err(|_| Fault::ConnectionCredit) // spec: 9113-6.9.1-a
    }

    fn stream_credit(&mut self, now: Instant, id: u32, increment: u32) -> Result<(), Fault> {
        self.budget.spend(now, &self.config.limits, Flood::WindowUpdates)?;
        if self.streams.state(id).receive(kind::WINDOW_UPDATE, false)? == Heard::Ignored {
            return Ok(());
        }
        if increment == 0 {
            return Err(Fault::StreamIncrement); // spec: 9113-6.9-a
        }
        let Some(stream) = self.streams.find(id) else { return Ok(()) };
        stream.send.window.shift(i64::from(increment)).map_err(|_| Fault::StreamCredit)?; // spec: 9113-6.9.1-b
        if stream.rank.is_none() {
            self.wake(id);
        }
        Ok(())
    }

    fn priority_update(&mut self, now: Instant, id: u32, value: &[u8]) -> Result<(), Fault> {
        self.budget.spend(now, &self.config.limits, Flood::PriorityUpdates)?;
        // We push nothing, so each pushed stream is idle.
        if self.client || id == 0 || !self.streams.is_peers(id) {
            return Err(Fault::PriorityUpdate); // spec: 9218-7.1-a 9218-7.1-c
        }
        let priority = Priority::parse(value);
        if self.streams.state(id) == State::Idle {
            return self.remember_priority(id, priority);
        }
        self.set_priority(id, priority);
        Ok(())
    }

    /// A priority that came before its request. The client may name as many idle streams as it may still open.
    fn remember_priority(&mut self, id: u32, priority: Priority) -> Result<(), Fault> {
        if let Some(known) = self.early_priorities.iter_mut().find(|known| known.0 == id) {
            known.1 = priority;
            return Ok(());
        }
        let streams = self.config.limits.streams as usize;
        if self.streams.open() + self.early_priorities.len() >= streams {
            return Err(Fault::PriorityUpdate); // spec: 9218-7.1-b
        }
        if self.early_priorities.len() < self.config.limits.early_priorities {
            self.early_priorities.push((id, priority));
        }
        Ok(())
    }

    /// What was said of a stream before it was opened. Idle streams below it are over now (RFC 9113 section 5.1.1).
    pub(crate) fn early_priority(&mut self, id: u32) -> Option<Priority> {
        if self.early_priorities.is_empty() {
            return None;
        }
        let found = self.early_priorities.iter().find(|early| early.0 == id).map(|early| early.1);
        self.early_priorities.retain(|early| early.0 > id);
        if self.early_priorities.is_empty() {
            self.early_priorities = Vec::new();
        }
        found
    }

    pub(crate) fn set_priority(&mut self, id: u32, priority: Priority) {
        let Some(stream) = self.streams.find(id) else { return };
        stream.priority = priority;
        if stream.rank.is_some() {
            self.wake(id);
        }
    }

    /// A frame that the peer makes us send: what it does not fetch is bounded.
    pub(crate) fn answer_with(&mut self, frame: &Frame<'_>) -> Result<(), Fault> {
        if self.output.push_provoked(frame) > self.config.limits.control_bytes {
            return Err(Fault::Flood(Flood::ControlBytes));
        }
        Ok(())
    }

    /// A fault of one stream: RST_STREAM, unless nobody opened it; then it is the connection's (section 5.4).
    pub(crate) fn spoil(&mut self, now: Instant, id: u32, fault: Fault) -> Result<(), Fault> {
        self.budget.spend(now, &self.config.limits, Flood::ProvokedResets)?;
        if self.streams.state(id) == State::Idle {
            return Err(fault); // spec: 9113-6.4-b
        }
        let code = fault.code().wire();
        self.answer_with(&Frame::RstStream { stream: id, code })?; // spec: 9113-5.4.2-a
        if self.streams.look(id).is_some() {
            self.notices.push_back(Notice::Reset { stream: id, code, untouched: false });
            self.forget(id, Cause::LocalReset);
        } else {
            self.streams.remember(id, Cause::LocalReset, self.config.limits.closed_streams);
        }
        Ok(())
    }
}

/// Takes at most `len` bytes off the input.
fn cut<'a>(input: &mut &'a [u8], len: u32) -> &'a [u8] {
    let (bytes, rest) = input.split_at(input.len().min(len as usize));
    *input = rest;
    bytes
}
