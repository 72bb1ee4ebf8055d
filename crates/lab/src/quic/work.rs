//! What an application does on a connection: files over streams both ways, some given up, some not wanted, some read slowly;
//! datagrams, new keys, other addresses; and an end.

use super::content;
use crate::datagram::{Ending, Note};
use core::net::SocketAddr;
use sakigake_quic::{
    connection::{Connection, Event},
    streams::{Chunk, Direction, Heard, Priority, Refused, StreamId},
};
use sakigake_tls::{EarlyData, rules::Side};
use sakigake_wire::{Instant, Span};
use std::collections::BTreeMap;

/// What an application does on each of its connections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Habits {
    /// Streams that it opens, in this order.
    pub errands: Vec<Errand>,
    /// What it says on the peer's bidirectional streams, by their index; nothing, in order, on those beyond.
    pub replies: Vec<Speech>,
    /// Streams that the peer opens, both directions.
    pub expects: usize,
    /// When bytes that were heard are used.
    pub reading: Reading,
    /// Of the peer's streams, by their number: it wants no more once it has heard so many bytes.
    pub stops: BTreeMap<u64, u64>,
    /// Unreliable datagrams of these sizes, one each 10 ms.
    pub datagrams: Vec<usize>,
    /// When new keys are due, counted from the completion of the handshake.
    pub updates: Vec<Span>,
    /// When a client goes elsewhere, and where to.
    pub moves: Vec<(Span, SocketAddr)>,
    /// It closes the connection so long after all is done; none leaves that to others.
    pub closes_after: Option<Span>,
    /// It begins before the handshake is complete: a client where it may, a server in its first flight.
    pub is_early: bool,
}

/// A stream to open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errand {
    /// When, counted from the completion of the handshake.
    pub at: Span,
    /// Which kind.
    pub direction: Direction,
    /// How urgent.
    pub priority: Priority,
    /// What is said on it.
    pub speech: Speech,
}

/// What is said on a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Speech {
    /// Bytes.
    pub bytes: u64,
    /// At most so many are given to the connection at once.
    pub chunk_bytes: usize,
    /// And then.
    pub ending: Ending,
}

/// When bytes that were heard are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reading {
    /// At once.
    #[default]
    Eager,
    /// What there is, so often.
    Lumps(Span),
}

/// The application's error code.
pub const CODE: u64 = 0x5a6b;

/// An application on one connection.
#[derive(Debug)]
pub(super) struct Work {
    side: Side,
    connection: usize,
    habits: Habits,
    begun: Option<Instant>,
    established: Option<Instant>,
    next_errand: usize,
    saying: BTreeMap<StreamId, Saying>,
    hearing: BTreeMap<StreamId, Hearing>,
    next_lump: Option<Instant>,
    tossed: usize,
    updated: usize,
    retry_update: Option<Instant>,
    moved: usize,
    retry_move: Instant,
    complete: Option<Instant>,
    /// The next stream waits for the peer's credit.
    is_stuck: bool,
    is_over: bool,
}

#[derive(Debug)]
struct Saying {
    speech: Speech,
    said: u64,
    has_said_all: bool,
    is_concluded: bool,
}

#[derive(Debug, Default)]
struct Hearing {
    heard: u64,
    owed: u64,
    stop_at: Option<u64>,
    is_concluded: bool,
}

impl Work {
    pub(super) fn new(side: Side, connection: usize, habits: Habits) -> Self {
        Self {
            side,
            connection,
            habits,
            begun: None,
            established: None,
            next_errand: 0,
            saying: BTreeMap::new(),
            hearing: BTreeMap::new(),
            next_lump: None,
            tossed: 0,
            updated: 0,
            retry_update: None,
            moved: 0,
            retry_move: Instant::default(),
            complete: None,
            is_stuck: false,
            is_over: false,
        }
    }

    /// Early data may be sent: what is due at once begins now.
    pub(super) fn begin(&mut self, now: Instant) {
        self.begun.get_or_insert(now);
    }

    pub(super) fn is_early(&self) -> bool {
        self.habits.is_early
    }

    /// Takes what a connection tells; what follows from it is done in [`Work::pump`].
    pub(super) fn hear(&mut self, now: Instant, event: &Event<'_>, notes: &mut Vec<Note>) {
        let connection = self.connection;
        match event {
            Event::Negotiated(negotiated) if negotiated.early_data == EarlyData::Rejected => {
                notes.push(Note::Rejected { connection });
            }
            // A server may speak to somebody who has not shown yet that he is there (0.5-RTT).
            Event::Negotiated(_) if self.side == Side::Server && self.habits.is_early => self.begin(now),
            Event::Established => {
                self.begin(now);
                self.established = Some(now);
                notes.push(Note::Ready { connection });
            }
            Event::Datagram(bytes) => notes.push(Note::Caught { connection, bytes: bytes.to_vec() }),
            Event::Stream(heard) => self.hear_stream(*heard, notes),
            _ => {}
        }
    }

    fn hear_stream(&mut self, heard: Heard<'_>, notes: &mut Vec<Note>) {
        let connection = self.connection;
        match heard {
            Heard::Opened { id } => self.opened(id),
            Heard::Data { id, bytes } => {
                let hearing = self.hearing.entry(id).or_default();
                hearing.heard += bytes.len() as u64;
                hearing.owed += bytes.len() as u64;
                notes.push(Note::Heard { connection, stream: id.number(), bytes: bytes.to_vec() });
            }
            Heard::Finished { id } => self.ended(id, Ending::Finished, notes),
            Heard::Reset { id, .. } => self.ended(id, Ending::Reset { reliable: 0 }, notes),
            Heard::Stopped { id, .. } | Heard::Delivered { id } => {
                if let Some(saying) = self.saying.get_mut(&id) {
                    saying.is_concluded = true;
                }
            }
            Heard::MayOpen { .. } => {}
        }
    }

    fn opened(&mut self, id: StreamId) {
        let stop_at = self.habits.stops.get(&id.number()).copied();
        self.hearing.insert(id, Hearing { stop_at, ..Hearing::default() });
        if id.direction() == Direction::Bidirectional {
            let nothing = Speech { bytes: 0, chunk_bytes: 1, ending: Ending::Finished };
            let reply = self.habits.replies.get(id.index() as usize).copied().unwrap_or(nothing);
            self.saying.insert(id, Saying::new(reply));
        }
    }

    fn ended(&mut self, id: StreamId, ending: Ending, notes: &mut Vec<Note>) {
        self.hearing.entry(id).or_default().is_concluded = true;
        notes.push(Note::Ended { connection: self.connection, stream: id.number(), ending });
    }

    /// It is over: nothing more is done.
    pub(super) fn over(&mut self) {
        self.is_over = true;
    }

    /// Does what is due.
    pub(super) fn pump(&mut self, now: Instant, connection: &mut Connection, notes: &mut Vec<Note>) {
        if self.is_over {
            return;
        }
        self.read(now, connection, notes);
        if self.begun.is_some() {
            self.open(now, connection);
            self.speak(connection, notes);
        }
        if let Some(established) = self.established {
            self.toss(now, established, connection, notes);
            self.update(now, connection, notes);
            self.wander(now, established, connection, notes);
            self.conclude(now, connection, notes);
        }
    }

    fn read(&mut self, now: Instant, connection: &mut Connection, notes: &mut Vec<Note>) {
        let is_due = match self.habits.reading {
            Reading::Eager => true,
            Reading::Lumps(_) => self.next_lump.is_some_and(|at| at <= now),
        };
        for (id, hearing) in &mut self.hearing {
            if !hearing.is_concluded && hearing.stop_at.is_some_and(|at| hearing.heard >= at) {
                hearing.is_concluded = true;
                connection.stop(*id, CODE);
                notes.push(Note::Stops { connection: self.connection, stream: id.number() });
            }
            if is_due && hearing.owed > 0 {
                connection.consume(*id, core::mem::take(&mut hearing.owed));
            }
        }
        if let Reading::Lumps(every) = self.habits.reading {
            let is_owed = self.hearing.values().any(|hearing| hearing.owed > 0);
            self.next_lump = match self.next_lump.filter(|_| !is_due) {
                _ if !is_owed => None,
                Some(at) => Some(at),
                None => Some(now + every),
            };
        }
    }

    fn open(&mut self, now: Instant, connection: &mut Connection) {
        let begun = self.begun.unwrap_or(now);
        self.is_stuck = false;
        while let Some(errand) = self.habits.errands.get(self.next_errand) {
            if begun + errand.at > now {
                return;
            }
            let Some(id) = connection.open(errand.direction) else {
                self.is_stuck = true;
                return;
            };
            connection.prioritize(id, errand.priority);
            self.saying.insert(id, Saying::new(errand.speech));
            if errand.direction == Direction::Bidirectional {
                let stop_at = self.habits.stops.get(&id.number()).copied();
                self.hearing.insert(id, Hearing { stop_at, ..Hearing::default() });
            }
            self.next_errand += 1;
        }
    }

    fn speak(&mut self, connection: &mut Connection, notes: &mut Vec<Note>) {
        for (id, saying) in &mut self.saying {
            if !saying.has_said_all && !saying.is_concluded {
                saying.speak(self.side, *id, connection);
                if saying.has_said_all {
                    let Saying { speech, said, .. } = *saying;
                    let stream = id.number();
                    let connection = self.connection;
                    notes.push(Note::Wrote { connection, stream, bytes: said, ending: speech.ending });
                }
            }
        }
    }

    fn toss(
        &mut self,
        now: Instant,
        established: Instant,
        connection: &mut Connection,
        notes: &mut Vec<Note>,
    ) {
        while let Some(size) = self.habits.datagrams.get(self.tossed) {
            if established + TOSS_EVERY.times(self.tossed as u64) > now {
                return;
            }
            let mut bytes = vec![0; *size];
            content::fill(self.side, DATAGRAMS + self.tossed as u64, 0, &mut bytes);
            self.tossed += 1;
            if connection.send_datagram(bytes.clone()).is_ok() {
                notes.push(Note::Tossed { connection: self.connection, bytes });
            }
        }
    }

    fn update(&mut self, now: Instant, connection: &mut Connection, notes: &mut Vec<Note>) {
        while self.update_due().is_some_and(|due| due <= now) {
            match connection.update_keys(now) {
                Ok(()) => {
                    self.updated += 1;
                    notes.push(Note::Said(format!("connection {} has new keys", self.connection)));
                }
                Err(_) => self.retry_update = Some(now + RETRY_AFTER),
            }
        }
    }

    fn update_due(&self) -> Option<Instant> {
        let due = self.established? + *self.habits.updates.get(self.updated)?;
        Some(due.max(self.retry_update.unwrap_or_default()))
    }

    fn wander(
        &mut self,
        now: Instant,
        established: Instant,
        connection: &mut Connection,
        notes: &mut Vec<Note>,
    ) {
        while let Some((after, local)) = self.habits.moves.get(self.moved) {
            if (established + *after).max(self.retry_move) > now {
                return;
            }
            if !connection.is_confirmed() {
                self.retry_move = now + RETRY_AFTER;
                return;
            }
            self.moved += 1;
            let outcome = connection.probe_from(now, *local, true);
            notes.push(Note::Said(format!("connection {} goes to {local}: {outcome:?}", self.connection)));
        }
    }

    fn conclude(&mut self, now: Instant, connection: &mut Connection, notes: &mut Vec<Note>) {
        if self.complete.is_none() && self.is_complete() {
            self.complete = Some(now);
            notes.push(Note::Complete { connection: self.connection });
        }
        let due = self.complete.zip(self.habits.closes_after);
        if due.is_some_and(|(complete, after)| complete + after <= now) {
            connection.close(now, 0, b"done");
            self.is_over = true;
        }
    }

    fn is_complete(&self) -> bool {
        let is_peers = |id: &&StreamId| id.is_clients() != (self.side == Side::Client);
        self.next_errand == self.habits.errands.len()
            && self.tossed == self.habits.datagrams.len()
            && self.hearing.keys().filter(is_peers).count() >= self.habits.expects
            && self.saying.values().all(|saying| saying.is_concluded)
            && self.hearing.values().all(|hearing| hearing.is_concluded)
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        if self.is_over {
            return None;
        }
        let errand = self.habits.errands.get(self.next_errand).filter(|_| !self.is_stuck);
        let errand = self.begun.zip(errand).map(|(begun, errand)| begun + errand.at);
        let toss = self.established.filter(|_| self.tossed < self.habits.datagrams.len());
        let toss = toss.map(|established| established + TOSS_EVERY.times(self.tossed as u64));
        let moved = self.established.zip(self.habits.moves.get(self.moved));
        let moved = moved.map(|(established, (after, _))| (established + *after).max(self.retry_move));
        let close = self.complete.zip(self.habits.closes_after).map(|(complete, after)| complete + after);
        [errand, toss, moved, close, self.update_due(), self.next_lump].into_iter().flatten().min()
    }
}

impl Saying {
    fn new(speech: Speech) -> Self {
        Self { speech, said: 0, has_said_all: false, is_concluded: false }
    }

    /// Says as much as there is room for.
    fn speak(&mut self, side: Side, id: StreamId, connection: &mut Connection) {
        while self.said < self.speech.bytes {
            let room = match connection.room(id) {
                Ok(room) => room,
                Err(Refused::Full) => return,
                Err(_) => {
                    self.is_concluded = true; // The peer does not want it.
                    return;
                }
            };
            let len = room.min(self.speech.bytes - self.said).min(self.speech.chunk_bytes.max(1) as u64);
            let mut bytes = vec![0; len as usize];
            content::fill(side, id.number(), self.said, &mut bytes);
            if connection.write(id, Chunk::Owned(bytes)).is_err() {
                return;
            }
            self.said += len;
        }
        if connection.peer_parameters().is_none_or(|peer| !peer.reset_stream_at)
            && let Ending::Reset { reliable } = &mut self.speech.ending
        {
            *reliable = 0; // Who does not know RESET_STREAM_AT is sent RESET_STREAM.
        }
        let ended = match self.speech.ending {
            Ending::Finished => connection.finish(id),
            Ending::Reset { reliable: 0 } => connection.reset(id, CODE),
            Ending::Reset { reliable } => connection.reset_at(id, CODE, reliable),
        };
        self.has_said_all = ended.is_ok();
        self.is_concluded |= ended.is_err();
    }
}

/// Datagrams have contents as if each were a stream from here on.
pub(super) const DATAGRAMS: u64 = 1 << 40;
const TOSS_EVERY: Span = Span::from_millis(10);
/// What may not be done yet is tried again.
const RETRY_AFTER: Span = Span::from_millis(50);
