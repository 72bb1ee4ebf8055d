//! The peer's unidirectional streams, and what its control stream says (sections 6.2 and 7.2).

use crate::connection::Connection;
use crate::rules::{self, ErrorCode, Place, kind, stream_type};
use crate::{Departure, Fault, Flood, Settings, frame};
use sakigake_semantics::{Event, StreamId};
use sakigake_wire::{
    Instant, Reader,
    tlv::{Cutter, Fate, Piece},
};

/// A unidirectional stream of the peer's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Uni {
    /// Its type has not come whole.
    Untyped(Vec<u8>),
    Control,
    Encoder,
    Decoder,
    /// Nobody wants it; gone when the peer was told.
    Unknown,
}

/// What the peer's control stream has said.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    frames: Cutter,
    pub(crate) settings: Option<Settings>,
    /// Those of an earlier connection, by which a client's early data goes.
    pub(crate) remembered: Option<Box<Settings>>,
    pub(crate) goaway: Option<u64>,
    max_push_id: Option<u64>,
}

impl Heard {
    /// What the peer said of itself, now or at that time.
    pub(crate) fn known(&self) -> Option<&Settings> {
        self.settings.as_ref().or(self.remembered.as_deref())
    }

    /// Bytes of a frame that is not whole.
    #[cfg(test)]
    pub(crate) const fn held_bytes(&self) -> usize {
        self.frames.held_bytes()
    }
}

impl Connection {
    pub(crate) fn uni(
        &mut self,
        now: Instant,
        id: u64,
        bytes: &[u8],
        fin: bool,
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        let mut rest = bytes;
        match self.kind_of(now, id, &mut rest)? {
            Uni::Control => self.control(now, rest, heard)?,
            Uni::Encoder => {
                let before = self.decoder.inserted();
                self.decoder.read_instructions(rest)?;
                self.budget.insert(now, &self.config.limits, self.decoder.inserted() - before)?;
                self.resume(now, heard)?;
            }
            Uni::Decoder => self.encoder.read_instructions(rest)?,
            Uni::Untyped(_) | Uni::Unknown => {}
        }
        if fin { self.uni_ended(now, id) } else { Ok(()) } // spec: 9114-6.2-c
    }

    /// What a stream of the peer's is, after what it has just said of that.
    fn kind_of(&mut self, now: Instant, id: u64, rest: &mut &[u8]) -> Result<Uni, Fault> {
        let at = self.unis.iter().position(|(stream, _)| *stream == id).unwrap_or_else(|| {
            self.unis.push((id, Uni::Untyped(Vec::new())));
            self.unis.len() - 1
        });
        if let Uni::Untyped(partial) = &mut self.unis[at].1 {
            let Some(kind) = stream_type(partial, rest) else { return Ok(Uni::Untyped(Vec::new())) };
            self.unis[at].1 = self.typed(now, id, kind)?;
        }
        Ok(self.unis[at].1.clone())
    }

    /// Forgets a unidirectional stream of the peer's.
    pub(crate) fn forget_uni(&mut self, id: u64) -> Option<Uni> {
        let at = self.unis.iter().position(|(stream, _)| *stream == id)?;
        Some(self.unis.swap_remove(at).1)
    }

    /// A unidirectional stream of the peer's is over, one way or the other.
    pub(crate) fn uni_ended(&mut self, now: Instant, id: u64) -> Result<(), Fault> {
        match self.forget_uni(id) {
            Some(Uni::Control | Uni::Encoder | Uni::Decoder) => Err(Fault::CriticalStream), // spec: 9114-6.2.1-c 9204-4.2-b
            Some(Uni::Unknown) => Ok(()),
            // It has not said what it is, and may do so.
            Some(Uni::Untyped(_)) | None => {
                self.budget.spend(now, &self.config.limits, Flood::UnknownStreams)
            }
        }
    }

    /// A stream says what it is.
    fn typed(&mut self, now: Instant, id: u64, kind: u64) -> Result<Uni, Fault> {
        let uni = match kind {
            stream_type::CONTROL => Uni::Control,
            stream_type::QPACK_ENCODER => Uni::Encoder,
            stream_type::QPACK_DECODER => Uni::Decoder,
            stream_type::PUSH if self.client => return Err(Fault::Push),
            stream_type::PUSH => return Err(Fault::ClientPush), // spec: 9114-6.2.2-a
            _ => Uni::Unknown,
        };
        if uni == Uni::Unknown {
            self.budget.spend(now, &self.config.limits, Flood::UnknownStreams)?;
            let code = ErrorCode::StreamCreationError.wire();
            self.departures.push_back(Departure::Stop { stream: StreamId(id), code }); // spec: 9114-6.2-b
        } else if self.unis.iter().any(|(_, other)| *other == uni) {
            return Err(Fault::SecondStream); // spec: 9114-6.2.1-b 9204-4.2-a
        }
        Ok(uni)
    }

    fn control(
        &mut self,
        now: Instant,
        mut rest: &[u8],
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        let mut frames = core::mem::take(&mut self.heard.frames);
        loop {
            let mut admit = |kind, len| self.control_fate(now, kind, len);
            let Some(piece) = frames.next(&mut rest, &mut admit)? else { break };
            if let Piece::Whole(kind, payload) = piece {
                self.control_frame(kind, &payload, heard)?;
            }
        }
        self.heard.frames = frames;
        Ok(())
    }

    fn control_fate(&mut self, now: Instant, kind: u64, len: u64) -> Result<Fate, Fault> {
        let kind = self.config.code_points.known_frame(kind);
        let rule = rules::admit(kind, len, Place::Control, !self.client);
        match (&self.heard.settings, kind) {
            (None, kind::SETTINGS) => {}
            (None, _) => return Err(Fault::MissingSettings), // spec: 9114-6.2.1-a
            (Some(_), kind::SETTINGS) => return Err(Fault::SecondSettings), // spec: 9114-7.2.4-a
            (Some(_), kind::PRIORITY_UPDATE) => {
                self.budget.spend(now, &self.config.limits, Flood::PriorityUpdates)?;
            }
            (Some(_), _) => self.budget.spend(now, &self.config.limits, Flood::Controls)?,
        }
        if rule?.is_none() {
            self.budget.spend(now, &self.config.limits, Flood::UnknownFrames)?;
            return Ok(Fate::Skip);
        }
        let limits = &self.config.limits;
        match kind {
            rules::PRELOAD if len > limits.preload_bytes as u64 => Ok(Fate::Skip), // spec: preload-2.2-c
            // Where it counts for nothing; and what it names beyond is only not shared.
            kind::ORIGIN if self.config.ignores_origin || len > limits.origin_bytes as u64 => Ok(Fate::Skip),
            rules::PRELOAD | kind::ORIGIN => Ok(Fate::Keep),
            _ if len > limits.settings_bytes as u64 => Err(Fault::Flood(Flood::SettingsBytes)),
            _ => Ok(Fate::Keep),
        }
    }

    fn control_frame(
        &mut self,
        kind: u64,
        payload: &[u8],
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        match self.config.code_points.known_frame(kind) {
            kind::SETTINGS => self.settings_heard(payload, heard),
            rules::PRELOAD => {
                heard(Event::Preload { block: payload });
                Ok(())
            }
            kind::ORIGIN => {
                if self.origins.take(payload, self.config.limits.origins) {
                    heard(Event::Origin);
                }
                Ok(())
            }
            kind::GOAWAY => self.goaway_heard(frame::integer(payload)?, heard),
            kind::MAX_PUSH_ID => {
                let id = frame::integer(payload)?;
                if self.heard.max_push_id.is_some_and(|before| id < before) {
                    return Err(Fault::MaxPushId); // spec: 9114-7.2.7-b
                }
                self.heard.max_push_id = Some(id);
                Ok(())
            }
            kind::PRIORITY_UPDATE => self.priority_update(payload),
            // Nothing is promised here, either way: what is cancelled, or ranked, never was.
            kind::CANCEL_PUSH => frame::integer(payload).and(Err(Fault::Push)), // spec: 9114-7.2.3-a
            _ => Reader::new(payload).varint().map_err(|_| Fault::FrameLength).and(Err(Fault::Push)), // spec: 9218-7.2-c
        }
    }

    fn settings_heard(&mut self, payload: &[u8], heard: &mut impl FnMut(Event<'_>)) -> Result<(), Fault> {
        let settings = Settings::read(payload, self.config.code_points)?;
        self.encoder.peer_allows(settings.qpack_max_table_capacity, settings.qpack_blocked_streams)?;
        if self.heard.remembered.take().is_some_and(|before| !settings.keep(&before)) {
            return Err(Fault::Setting); // spec: 9114-7.2.4.2-a
        }
        self.heard.settings = Some(settings);
        self.say_grease();
        heard(Event::Settings);
        Ok(())
    }

    fn goaway_heard(&mut self, id: u64, heard: &mut impl FnMut(Event<'_>)) -> Result<(), Fault> {
        let is_request = id.is_multiple_of(4);
        if (self.client && !is_request) || self.heard.goaway.is_some_and(|before| id > before) {
            return Err(Fault::GoAway); // spec: 9114-5.2-a 9114-7.2.6-a
        }
        self.heard.goaway = Some(id);
        if self.client {
            self.give_up_from(id, heard)?;
        }
        let last = StreamId(if self.client { id.saturating_sub(4) } else { id });
        heard(Event::GoAway { last, code: ErrorCode::NoError.wire() });
        Ok(())
    }
}

/// A stream's type, where it is whole.
fn stream_type(partial: &mut Vec<u8>, rest: &mut &[u8]) -> Option<u64> {
    loop {
        if let Ok(kind) = Reader::new(partial).varint() {
            return Some(kind);
        }
        let (byte, tail) = rest.split_first()?;
        partial.push(*byte);
        *rest = tail;
    }
}
