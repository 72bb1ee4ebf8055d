//! A connection: the parts put together. What the peer's control stream does is in [`crate::control`], what its messages
//! do in [`crate::request`], what the owner asks for in [`crate::local`], and what leaves in [`crate::departure`].

use crate::budget::Budget;
use crate::control::{Heard, Uni};
use crate::departure::Local;
use crate::grease::Grease;
use crate::patience::Blocked;
use crate::priority::Priorities;
use crate::request::{Exchange, Phase};
use crate::rules::{ErrorCode, kind};
use crate::{CodePoints, Departure, Fault, Flood, Limits, Scope, Settings, frame};
use sakigake_fields::qpack;
use sakigake_semantics::{Event, Origin, Origins, StreamId};
use sakigake_wire::{Instant, MAX_VARINT, Span};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

/// What connections share.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// What one may cost us.
    pub limits: Limits,
    /// What its field compression may cost us.
    pub qpack: qpack::Limits,
    /// Whether a server understands extended CONNECT (RFC 9220).
    pub extended_connect: bool,
    /// Whether HTTP datagrams are taken (RFC 9297): QUIC has to take its own.
    pub datagrams: bool,
    /// A client's word that it acts on PRELOAD frames (profile, point 11).
    pub preload: bool,
    /// What a server says that its connections are for (RFC 9412); see [`Connection::announce_origins`].
    pub origins: Arc<[Origin]>,
    /// A client's word that ORIGIN frames count for nothing: they come from a proxy (RFC 8336 section 2.2).
    pub ignores_origin: bool,
    /// The numbers that PRELOAD goes by.
    pub code_points: CodePoints,
}

/// One side of one HTTP/3 connection.
///
/// Its owner hands in the bytes of the peer's streams, each stream's in order, and does what
/// [`depart`](Connection::depart) says. How many streams may be open is for QUIC to say.
#[derive(Debug)]
pub struct Connection {
    pub(crate) client: bool,
    pub(crate) config: Arc<Config>,
    pub(crate) encoder: qpack::Encoder,
    pub(crate) decoder: qpack::Decoder,
    pub(crate) budget: Budget,
    /// The peer's unidirectional streams.
    pub(crate) unis: Vec<(u64, Uni)>,
    pub(crate) heard: Heard,
    pub(crate) exchanges: BTreeMap<u64, Box<Exchange>>,
    /// Bytes that came and are held behind sections that wait, on all streams.
    pub(crate) waiting_bytes: usize,
    /// Bytes of bodies in the queues of all streams together.
    pub(crate) queued: u64,
    /// Those of them that are in memory.
    pub(crate) held: usize,
    /// Resets and the like, in their order.
    pub(crate) departures: VecDeque<Departure>,
    /// What was used of each stream and not told yet, in the streams' order.
    pub(crate) used: VecDeque<(u64, u64)>,
    pub(crate) notices: VecDeque<Notice>,
    /// Datagrams that wait to leave, and their bytes.
    pub(crate) datagrams: VecDeque<Vec<u8>>,
    pub(crate) datagram_bytes: usize,
    /// Our own unidirectional streams that have begun.
    pub(crate) locals: Vec<Local>,
    /// The next request's stream: ours, or one above the highest that came.
    pub(crate) next_request: u64,
    /// No request of ours has this number or a higher one, for now.
    pub(crate) requests_below: u64,
    /// No request of the peer's.
    pub(crate) peer_requests_below: u64,
    pub(crate) priorities: Priorities,
    pub(crate) origins: Origins,
    pub(crate) are_origins_announced: bool,
    pub(crate) catch_up: CatchUp,
    pub(crate) going: Going,
    /// The code with which the connection is to be closed, until the owner was told.
    pub(crate) last_word: Option<u64>,
    /// Requests that are not whole, and not after the end of whose patience.
    pub(crate) heads: usize,
    pub(crate) heads_due: Option<Instant>,
    /// Since when streams find no room and nothing leaves.
    pub(crate) stalled: Option<Instant>,
    /// Those whose bytes QUIC holds without credit to send them by.
    pub(crate) blocked: Blocked,
    /// The stream that was served last, so that all have their turn.
    pub(crate) turn: u64,
    /// Whether SETTINGS were said.
    pub(crate) has_begun: bool,
    pub(crate) grease: Option<Box<Grease>>,
}

/// How far the end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Going {
    /// It is not in sight.
    On,
    /// A server's first GOAWAY is out: requests on their way still count.
    Draining {
        /// When the second one follows.
        due: Instant,
    },
    /// The last GOAWAY is out: no request from this one on counts.
    Final(u64),
    /// Nothing counts any more.
    Over,
}

/// An event that arose when nobody listened.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Notice {
    Writable(u64),
    Finished(u64),
    Reset { stream: u64, code: u64 },
}

/// Whether the peer is to show how far it has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CatchUp {
    None,
    Asked,
    Answered,
}

/// The first GOAWAY of a server's drain: no request has this number or a higher one (section 5.2).
const BEYOND_ALL: u64 = MAX_VARINT - 3;

impl Connection {
    /// A client's side. Its SETTINGS are the first thing to leave.
    pub fn client(config: Arc<Config>) -> Self {
        Self::new(config, true)
    }

    /// A server's side. Its SETTINGS are the first thing to leave.
    pub fn server(config: Arc<Config>) -> Self {
        Self::new(config, false)
    }

    fn new(config: Arc<Config>, client: bool) -> Self {
        assert!(config.code_points.are_free(), "PRELOAD goes by a number that another frame or setting has"); // spec: preload-profile-1-c
        Self {
            client,
            encoder: qpack::Encoder::new(config.qpack),
            decoder: qpack::Decoder::new(config.qpack),
            config,
            budget: Budget::default(),
            unis: Vec::new(),
            heard: Heard::default(),
            exchanges: BTreeMap::new(),
            waiting_bytes: 0,
            queued: 0,
            held: 0,
            departures: VecDeque::new(),
            used: VecDeque::new(),
            notices: VecDeque::new(),
            datagrams: VecDeque::new(),
            datagram_bytes: 0,
            locals: Vec::new(),
            next_request: 0,
            requests_below: u64::MAX,
            peer_requests_below: u64::MAX,
            priorities: Priorities::default(),
            origins: Origins::default(),
            are_origins_announced: false,
            catch_up: CatchUp::None,
            going: Going::On,
            last_word: None,
            heads: 0,
            heads_due: None,
            stalled: None,
            blocked: Blocked::default(),
            turn: 0,
            has_begun: false,
            grease: None,
        }
    }

    /// What we say of ourselves.
    pub fn settings(&self) -> Settings {
        let config = &self.config;
        Settings {
            qpack_max_table_capacity: config.qpack.table_bytes as u64,
            qpack_blocked_streams: config.qpack.blocked_streams as u64,
            max_field_section_size: Some(config.limits.header_list_bytes as u64),
            enable_connect_protocol: config.extended_connect && !self.client,
            h3_datagram: config.datagrams,
            preload: config.preload && self.client,
        }
    }

    /// A client's early data go by the settings that the server had when the ticket was made (section 7.2.4.2): what
    /// [`peer_settings`](Self::peer_settings) said then. The server must keep to them, so a client whose early data was rejected
    /// begins anew. Nothing was asked for before.
    pub fn remember(&mut self, settings: Settings) {
        if self.client && self.heard.settings.is_none() {
            // It is told for the first time, which cannot contradict.
            let _ =
                self.encoder.peer_allows(settings.qpack_max_table_capacity, settings.qpack_blocked_streams);
            self.heard.remembered = Some(Box::new(settings));
        }
    }

    /// What the peer said of itself.
    pub const fn peer_settings(&self) -> Option<Settings> {
        self.heard.settings
    }

    /// The next bytes of a stream, and whether they are its last.
    ///
    /// # Errors
    /// The peer broke a rule of the connection, which is to be closed with the fault's code. What reaches no further than
    /// a stream is told as an event and done by [`depart`](Self::depart).
    pub fn handle(
        &mut self,
        now: Instant,
        stream: StreamId,
        bytes: &[u8],
        fin: bool,
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        if self.is_over() {
            return Ok(());
        }
        let id = stream.0;
        let handled = match id & 3 {
            0 => self.request_bytes(now, id, bytes, fin, heard),
            1 if self.client => Err(Fault::ServerStream), // spec: 9114-6.1-a
            2 | 3 if self.is_peers(id) => {
                self.used(id, bytes.len() as u64);
                self.uni(now, id, bytes, fin, heard)
            }
            _ => Ok(()),
        };
        self.tell(heard);
        self.judge(handled)
    }

    /// The peer reset its direction of a stream.
    ///
    /// # Errors
    /// As those of [`handle`](Self::handle).
    pub fn reset_heard(
        &mut self,
        now: Instant,
        stream: StreamId,
        code: u64,
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        if self.is_over() {
            return Ok(());
        }
        let reset = match stream.0 & 3 {
            0 => self.request_reset(now, stream, code, heard),
            _ if self.is_peers(stream.0) => self.uni_ended(now, stream.0),
            _ => Ok(()),
        };
        self.tell(heard);
        self.judge(reset)
    }

    /// The peer wants no more of our direction of a stream, which QUIC has reset. To a server that is the end of the
    /// exchange; a client's response may still come.
    ///
    /// # Errors
    /// As those of [`handle`](Self::handle).
    pub fn stop_heard(
        &mut self,
        now: Instant,
        stream: StreamId,
        code: u64,
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        if self.is_over() {
            return Ok(());
        }
        let stopped = self.stopped(now, stream, code, heard);
        self.tell(heard);
        self.judge(stopped)
    }

    /// Gives the events that arose in [`depart`](Self::depart) and the owner's own calls.
    pub fn tell(&mut self, heard: &mut impl FnMut(Event<'_>)) {
        while let Some(notice) = self.notices.pop_front() {
            heard(match notice {
                Notice::Writable(stream) => Event::Writable { stream: StreamId(stream) },
                Notice::Finished(stream) => Event::Finished { stream: StreamId(stream) },
                Notice::Reset { stream, code } => {
                    Event::Reset { stream: StreamId(stream), code, untouched: false }
                }
            });
        }
        if self.notices.capacity() > 16 {
            self.notices = VecDeque::new();
        }
    }

    /// Whether [`tell`](Self::tell) has something to say.
    pub fn has_news(&self) -> bool {
        !self.notices.is_empty()
    }

    /// Takes no new requests, and is over when those that are under way have ended. A server says so twice, so that none that
    /// is on its way is lost: again when [`deadline`](Self::deadline) has come, a little more than a round trip later, where `rtt` is
    /// known.
    pub fn drain(&mut self, now: Instant, rtt: Option<Span>) {
        if self.going != Going::On {
            return; // spec: 9114-5.2-f
        }
        if self.client {
            return self.finish_drain();
        }
        self.say_goaway(BEYOND_ALL); // spec: 9114-5.2-e
        let most = Span::from_millis(self.config.limits.drain_ms);
        let wait = rtt.map_or(most, |rtt| (rtt + rtt).min(most));
        self.going = Going::Draining { due: now + wait };
    }

    /// Says that requests which have not come are not served. Those that did go on.
    pub(crate) fn finish_drain(&mut self) {
        let from = if self.client { 0 } else { self.next_request };
        self.say_goaway(from); // spec: 9114-5.2-c
        self.going = Going::Final(from);
    }

    fn say_goaway(&mut self, id: u64) {
        let mut payload = Vec::new();
        frame::varint(id, &mut payload);
        self.say(kind::GOAWAY, &payload);
    }

    /// Ends everything: [`Departure::Close`] is all that leaves. No event follows.
    pub fn close(&mut self, code: ErrorCode) {
        if self.is_over() {
            return;
        }
        self.going = Going::Over;
        self.last_word = Some(code.wire());
        self.exchanges.clear();
        self.unis.clear();
        self.locals.clear();
        self.departures.clear();
        self.notices.clear();
        (self.datagrams, self.datagram_bytes) = (VecDeque::new(), 0);
        self.used.clear();
        self.priorities = Priorities::default();
        (self.queued, self.held, self.waiting_bytes, self.heads) = (0, 0, 0, 0);
        (self.heads_due, self.stalled, self.blocked) = (None, None, Blocked::default());
    }

    /// Whether it was ended at once, by a fault or by [`close`](Self::close).
    pub const fn has_given_up(&self) -> bool {
        self.is_over()
    }

    /// Whether no exchange is under way, none will be, and the owner was handed all that was to be said: when the peer has
    /// all of it, QUIC's connection is to be closed, with [`ErrorCode::NoError`] where no [`Departure::Close`] said another one.
    pub fn is_closed(&self) -> bool {
        match self.going {
            Going::Over => self.last_word.is_none(),
            Going::Final(_) => self.is_idle(),
            Going::On | Going::Draining { .. } => {
                self.client && self.heard.goaway.is_some() && self.is_idle()
            }
        }
    }

    /// Whether no exchange is under way and nothing waits to leave.
    pub fn is_idle(&self) -> bool {
        self.has_begun
            && self.exchanges.is_empty()
            && self.departures.is_empty()
            && self.locals.iter().all(|local| !local.output.has_work())
    }

    /// Whether an exchange is under way.
    pub fn has_streams(&self) -> bool {
        !self.exchanges.is_empty()
    }

    /// Exchanges that are under way: each may have something queued.
    pub fn open_streams(&self) -> usize {
        self.exchanges.len()
    }

    /// Bytes of bodies that wait here, on all streams.
    pub const fn queued_bytes(&self) -> u64 {
        self.queued
    }

    /// Those of them that take memory: all but a [`Source`](sakigake_semantics::Source)'s.
    pub const fn held_bytes(&self) -> usize {
        self.held
    }

    /// Bytes of a field section that the peer takes, counted as section 4.2.2 does, so far as it said.
    pub fn peer_header_list_bytes(&self) -> u64 {
        self.heard.known().and_then(|settings| settings.max_field_section_size).unwrap_or(u64::MAX)
    }

    /// Whether the peer's SETTINGS were heard.
    pub const fn has_heard_settings(&self) -> bool {
        self.heard.settings.is_some()
    }

    /// Whether the server understands extended CONNECT: not before its SETTINGS were heard.
    pub fn knows_extended_connect(&self) -> bool {
        self.heard.known().is_some_and(|settings| settings.enable_connect_protocol)
    }

    /// Whether the client said that it acts on PRELOAD frames.
    pub fn knows_preload(&self) -> bool {
        self.heard.settings.is_some_and(|settings| settings.preload)
    }

    pub(crate) const fn is_over(&self) -> bool {
        matches!(self.going, Going::Over)
    }

    /// Whether the peer is about to be asked to stop sending.
    fn is_given_up(&self, id: u64) -> bool {
        let stops =
            |departure: &Departure| matches!(departure, Departure::Stop { stream, .. } if stream.0 == id);
        self.departures.iter().any(stops)
    }

    const fn is_peers(&self, id: u64) -> bool {
        (id & 1 == 1) == self.client
    }

    /// A fault of the connection ends it.
    fn judge(&mut self, handled: Result<(), Fault>) -> Result<(), Fault> {
        self.bear(handled);
        handled
    }

    fn request_bytes(
        &mut self,
        now: Instant,
        id: u64,
        bytes: &[u8],
        fin: bool,
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        let mut exchange = match self.exchanges.remove(&id) {
            Some(exchange) => exchange,
            None if self.client || self.is_given_up(id) => {
                self.used(id, bytes.len() as u64);
                return Ok(());
            }
            None if matches!(self.going, Going::Final(from) if id >= from) => {
                let exchange = Box::default();
                return self.settle(now, id, exchange, Err(Fault::Rejected), heard); // spec: 9114-5.2-d
            }
            None => self.newcomer(now),
        };
        if !self.client {
            self.next_request = self.next_request.max(id + 4);
        }
        let read = self.read(now, id, &mut exchange, bytes, fin, heard);
        self.settle(now, id, exchange, read, heard)
    }

    /// Puts an exchange back, or ends it for what the peer did.
    pub(crate) fn settle(
        &mut self,
        now: Instant,
        id: u64,
        exchange: Box<Exchange>,
        read: Result<(), Fault>,
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        let known = exchange.known;
        self.exchanges.insert(id, exchange);
        match read {
            Ok(()) => {
                self.forget_ended(id);
                Ok(())
            }
            Err(fault) if fault.scope() == Scope::Stream => {
                self.budget.spend(now, &self.config.limits, Flood::Resets)?;
                self.abandon(id, fault.code())?; // spec: 9114-4.1.2-a
                if known {
                    let code = fault.code().wire();
                    heard(Event::Reset { stream: StreamId(id), code, untouched: false });
                }
                Ok(())
            }
            Err(fault) => Err(fault),
        }
    }

    fn request_reset(
        &mut self,
        now: Instant,
        stream: StreamId,
        code: u64,
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        let Some(exchange) = self.exchanges.get(&stream.0) else {
            return self.never_came(now, stream, |stream, code| Departure::Reset { stream, code });
        };
        if exchange.phase == Phase::Ended {
            return Ok(()); // The message had come whole.
        }
        let known = exchange.known;
        self.budget.spend(now, &self.config.limits, Flood::Resets)?;
        self.abandon(stream.0, ErrorCode::RequestCancelled)?; // spec: 9114-4.1.1-a
        if known {
            let untouched = self.client && code == ErrorCode::RequestRejected.wire();
            heard(Event::Reset { stream, code, untouched });
        }
        Ok(())
    }

    fn stopped(
        &mut self,
        now: Instant,
        stream: StreamId,
        code: u64,
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        if let Some(local) = self.locals.iter_mut().find(|local| local.id == stream.0) {
            return local.stopped(); // spec: 9114-6.2.1-e
        }
        let Some(exchange) = self.exchanges.get_mut(&stream.0) else {
            return self.never_came(now, stream, |stream, code| Departure::Stop { stream, code });
        };
        self.queued -= exchange.output.queued();
        self.held -= exchange.output.held();
        exchange.output.drop_rest();
        let known = exchange.known;
        if self.client {
            self.forget_ended(stream.0);
            return Ok(()); // spec: 9114-4.1-c
        }
        self.budget.spend(now, &self.config.limits, Flood::Resets)?;
        self.abandon(stream.0, ErrorCode::RequestCancelled)?;
        if known {
            heard(Event::Reset { stream, code, untouched: false });
        }
        Ok(())
    }

    /// A request was given up that nobody here knows: packets overtake each other, and nothing of it has come. `rest` ends the
    /// direction that QUIC has not ended, and the client's encoder hears that its section is not waited for any more. Where the
    /// request is over, QUIC passes over what is said here.
    fn never_came(
        &mut self,
        now: Instant,
        stream: StreamId,
        rest: impl FnOnce(StreamId, u64) -> Departure,
    ) -> Result<(), Fault> {
        if self.client || stream.0 & 3 != 0 || self.is_given_up(stream.0) {
            return Ok(());
        }
        self.budget.spend(now, &self.config.limits, Flood::Resets)?;
        self.departures.push_back(rest(stream, ErrorCode::RequestRejected.wire()));
        Ok(self.decoder.cancel(stream.0)?) // spec: 9204-2.2.2.2-a
    }

    /// A server will not look at requests from this one on.
    pub(crate) fn give_up_from(&mut self, from: u64, heard: &mut impl FnMut(Event<'_>)) -> Result<(), Fault> {
        let lost: Vec<u64> = self.exchanges.range(from..).map(|(id, _)| *id).collect();
        for id in lost {
            self.abandon(id, ErrorCode::RequestCancelled)?;
            let code = ErrorCode::RequestRejected.wire();
            heard(Event::Reset { stream: StreamId(id), code, untouched: true });
        }
        Ok(())
    }

    /// Ends both directions of a stream, as far as they have not ended.
    pub(crate) fn abandon(&mut self, id: u64, code: ErrorCode) -> Result<(), Fault> {
        let Some(mut exchange) = self.exchanges.remove(&id) else { return Ok(()) };
        self.rest();
        self.has_head(&mut exchange);
        let (stream, code) = (StreamId(id), code.wire());
        self.waiting_bytes -= exchange.held.len();
        self.queued -= exchange.output.queued();
        self.held -= exchange.output.held();
        if let Ok(at) = self.used.binary_search_by_key(&id, |(stream, _)| *stream) {
            self.used.remove(at);
        }
        self.forget_priority(id);
        if !exchange.output.is_over() {
            self.departures.push_back(Departure::Reset { stream, code });
        }
        if exchange.phase != Phase::Ended {
            self.departures.push_back(Departure::Stop { stream, code });
            self.decoder.cancel(id)?;
        }
        Ok(())
    }

    /// Gives back room that nothing lies in: for a connection at rest.
    pub fn shrink(&mut self) {
        let Self { encoder, decoder, unis, departures, used, notices, datagrams, locals, .. } = self;
        encoder.shrink();
        decoder.shrink();
        unis.shrink_to_fit();
        departures.shrink_to_fit();
        used.shrink_to_fit();
        notices.shrink_to_fit();
        datagrams.shrink_to_fit();
        locals.shrink_to_fit();
    }

    /// A map that was not empty before keeps a node, which no connection needs that waits for its next request.
    fn rest(&mut self) {
        if self.exchanges.is_empty() {
            self.exchanges = BTreeMap::new();
        }
    }

    /// Forgets an exchange of which both directions have ended.
    pub(crate) fn forget_ended(&mut self, id: u64) {
        let ended = |exchange: &Exchange| exchange.phase == Phase::Ended && exchange.output.is_over();
        if self.exchanges.get(&id).is_some_and(|exchange| ended(exchange)) {
            self.exchanges.remove(&id);
            self.rest();
            self.notices.push_back(Notice::Finished(id));
        }
    }
}

#[cfg(test)]
mod tests;
