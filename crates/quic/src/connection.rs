//! One side of one QUIC connection (RFC 9000, 9001, 9002), without I/O.
//!
//! Its parts (`Streams`, `Recovery`, `Paths`, `Issued`, ...) know nothing of each other and return facts; here it is decided
//! what follows from them.
//!
//! ```text
//!   way in:   handle -> packet::parse -> Keyring::open -> frame::walk -> accept -> the part -> Event
//!   way out:  budget (how much, where) -> plan (frames, into the buffer, without keys) -> seal (protect, remember)
//! ```
//!
//! The owner calls [`Connection::transmit`] until it gives nothing after each other verb, then asks for
//! [`Connection::deadline`]. It draws [`Connection::ids_wanted`] ids and routes datagrams by those that it gave.

mod accept;
mod begin;
mod budget;
mod carried;
mod close;
mod config;
mod event;
mod facts;
mod frequency;
#[doc(hidden)]
pub mod fuzz;
mod handshake;
mod haste;
mod keyring;
mod outset;
mod plan;
mod receive;
mod seal;
mod spaces;
mod timers;
mod watch;

pub use crate::endpoint::Accepted;
pub use begin::{Attempt, Chance};
pub use config::{Config, Limits, Options, Unfit};
pub use event::{Closed, Event, Received, Refused, Transmit};
pub use facts::Holdings;

use crate::{
    endpoint::{idle::Idle, reset::ResetKey},
    frame::Terms,
    ids::{self, ConnectionId, Issued},
    parameters::Parameters,
    paths::Paths,
    recovery::{Recovery, Space, congestion::Congestion, rtt::Rtt},
    rules::{Side, versions::Version},
    streams::{self, Chunk, Direction, Priority, StreamId, Streams},
};
use begin::Opening;
use carried::{Carried, Once};
use close::Life;
use core::ops::Range;
use frequency::Asked;
use keyring::{KeyTimes, Keyring};
use sakigake_tls as tls;
use sakigake_wire::{Entropy, Instant, Span};
use spaces::Spaces;
use std::{collections::VecDeque, sync::Arc};
use watch::Watch;

/// One side of one connection.
pub struct Connection {
    side: Side,
    config: Arc<Config>,
    version: &'static Version,
    entropy: Box<dyn Entropy>,
    life: Life,
    tls: Box<tls::Handshake>,
    keys: Keyring,
    spaces: Spaces,
    recovery: Recovery<Carried>,
    streams: Streams,
    paths: Paths,
    issued: Issued,
    /// The peer's ids.
    theirs: ids::Received,
    idle: Idle,
    /// From which the reset tokens of our ids follow.
    reset_key: ResetKey,
    once: Once,
    /// What the peer declared.
    peer: Option<Box<Parameters>>,
    /// What the peer may send, by what we declared.
    terms: Terms,
    /// What the handshake alone needs; gone when it is confirmed.
    opening: Option<Box<Opening>>,
    is_established: bool,
    is_confirmed: bool,
    has_asked: bool,
    /// Our id that the peer used last for more than probing.
    arrived_at: ConnectionId,
    /// Packets to send in each space whatever the window says.
    probes: [u8; 3],
    /// The space that was asked in last, and the numbers of those of its packets that probes may repeat.
    repeats: (Space, Range<u64>),
    /// The pacer lets nothing leave before.
    paced_until: Option<Instant>,
    key_times: KeyTimes,
    asked: Asked,
    /// DATAGRAM frames that wait, and their bytes.
    datagrams: VecDeque<Vec<u8>>,
    datagram_queue_bytes: usize,
    /// What else early data goes by; see [`Connection::set_early_terms`].
    early_terms: Vec<u8>,
    wants_ping: bool,
    /// 1-RTT packets that left since the last one that asks for an acknowledgement.
    unasked: u8,
    watch: Watch,
}

impl Connection {
    /// Takes a datagram that was routed here. A fault of the peer's closes the connection and is told.
    pub fn handle(&mut self, now: Instant, datagram: Received<'_>, heard: &mut impl FnMut(Event<'_>)) {
        self.watch.at(now);
        let is_addressed = self.is_addressed(&datagram);
        if is_addressed && self.paths.datagram(&datagram.addresses, datagram.bytes.len()) {
            self.recovery.set_blocked(false);
        }
        if !self.life.is_open() {
            if is_addressed {
                self.life.provoke();
            }
            return;
        }
        self.tell_key_log(heard);
        let result = self.receive(now, datagram, heard);
        let result = result.and_then(|()| self.receive_early(now, heard));
        self.settle(now, result, heard);
        self.watch_turn();
        self.watch.tell(heard);
    }

    /// Takes the owner's answer to [`Event::Wanted`].
    pub fn answer(&mut self, now: Instant, answer: tls::Answer, heard: &mut impl FnMut(Event<'_>)) {
        if !self.life.is_open() {
            return;
        }
        self.has_asked = false;
        self.watch.at(now);
        let result = self.answer_tls(now, answer, heard);
        let result = result.and_then(|()| self.receive_early(now, heard));
        self.settle(now, result, heard);
        self.watch_turn();
        self.watch.tell(heard);
    }

    /// Whether it is over and has nothing more to say: the owner forgets it, and its ids.
    pub const fn is_over(&self) -> bool {
        matches!(self.life, Life::Over)
    }

    /// Opens a stream; none while the peer allows no more ([`streams::Heard::MayOpen`] tells).
    pub fn open(&mut self, direction: Direction) -> Option<StreamId> {
        if self.life.is_open() { self.streams.open(direction) } else { None }
    }

    /// Queues a chunk by reference; see [`Streams::write`].
    ///
    /// # Errors
    /// [`streams::Refused`], and nothing was queued.
    pub fn write(&mut self, id: StreamId, chunk: Chunk) -> Result<(), streams::Refused> {
        self.streams.write(id, chunk)
    }

    /// How many bytes [`Connection::write`] takes now.
    ///
    /// # Errors
    /// [`streams::Refused`] when the stream takes nothing, now or ever.
    pub fn room(&self, id: StreamId) -> Result<u64, streams::Refused> {
        self.streams.room(id)
    }

    /// How many bytes the peer lets leave on a stream, beyond those that are queued there; of one that is not open yet too.
    pub fn credit(&self, id: StreamId) -> u64 {
        self.streams.credit(id)
    }

    /// A stream whose queue had been filled and has room again.
    pub fn next_writable(&mut self) -> Option<StreamId> {
        self.streams.next_writable()
    }

    /// Nothing follows what was written.
    ///
    /// # Errors
    /// [`streams::Refused`] when there is no such stream to send on.
    pub fn finish(&mut self, id: StreamId) -> Result<(), streams::Refused> {
        self.streams.finish(id)
    }

    /// Gives up sending on a stream.
    ///
    /// # Errors
    /// [`streams::Refused`] when there is no such stream to send on.
    pub fn reset(&mut self, id: StreamId, code: u64) -> Result<(), streams::Refused> {
        self.streams.reset(id, code)
    }

    /// Gives up sending on a stream, but for its first `reliable_size` bytes where the peer takes RESET_STREAM_AT; where it does
    /// not, for all of it.
    ///
    /// # Errors
    /// [`streams::Refused`] when there is no such stream to send on.
    pub fn reset_at(&mut self, id: StreamId, code: u64, reliable_size: u64) -> Result<(), streams::Refused> {
        let is_taken = self.peer.as_ref().is_some_and(|peer| peer.reset_stream_at);
        self.streams.reset_at(id, code, if is_taken { reliable_size } else { 0 })
    }

    /// Wants no more of what the peer sends on a stream.
    pub fn stop(&mut self, id: StreamId, code: u64) {
        self.streams.stop(id, code);
    }

    /// The owner has read bytes that it heard; the peer gets credit for as many.
    pub fn consume(&mut self, id: StreamId, bytes: u64) {
        self.streams.consume(id, bytes);
    }

    /// How urgent a stream is from now on.
    pub fn prioritize(&mut self, id: StreamId, priority: Priority) {
        self.streams.prioritize(id, priority);
    }

    /// Queues an unreliable datagram (RFC 9221): it leaves with the next packets, or never.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn send_datagram(&mut self, bytes: Vec<u8>) -> Result<(), Refused> {
        if !self.life.is_open() {
            return Err(Refused::Over);
        }
        if bytes.len() > self.datagram_room() {
            return Err(Refused::Datagram); // spec: 9221-3-d
        }
        if self.datagram_queue_bytes + bytes.len() > self.config.limits.datagram_queue_bytes {
            return Err(Refused::Full);
        }
        self.datagram_queue_bytes += bytes.len();
        self.datagrams.push_back(bytes);
        Ok(())
    }

    /// The largest datagram that [`Connection::send_datagram`] takes, in bytes; 0 where the peer takes none.
    pub fn datagram_room(&self) -> usize {
        let theirs = self.peer.as_ref().map_or(0, |peer| peer.max_datagram_frame_size);
        let frame = usize::try_from(theirs).unwrap_or(usize::MAX);
        let packet =
            usize::from(self.paths.active().mtu.datagram_bytes()).saturating_sub(plan::MOST_SHORT_BYTES);
        frame.min(packet).saturating_sub(plan::DATAGRAM_HEAD_BYTES)
    }

    /// Asks the peer for a sign of life.
    pub fn ping(&mut self) {
        self.wants_ping = true;
    }

    /// Goes on under new keys (RFC 9001 section 6).
    ///
    /// # Errors
    /// [`Refused::KeyUpdate`] while the last update is not settled, or the handshake not confirmed.
    pub fn update_keys(&mut self, now: Instant) -> Result<(), Refused> {
        if self.key_times.settle_at.is_some() || self.key_times.rest_until.is_some_and(|until| now < until) {
            return Err(Refused::KeyUpdate); // spec: 9001-6.5-b
        }
        let phases = self.keys.phases().ok_or(Refused::KeyUpdate)?;
        phases.update().map_err(|_| Refused::KeyUpdate)
    }

    /// How many more of our ids the peer is to be given; [`Connection::issue`] takes them. A server with a preferred address wants
    /// one before its first datagram: without it the client is not told of that address.
    pub fn ids_wanted(&self) -> usize {
        match () {
            () if !self.life.is_open() => 0,
            () if self.peer.is_some() => self.issued.wanted(),
            () => usize::from(self.may_offer()),
        }
    }

    /// Gives the peer one more id of ours; false where none is wanted.
    pub fn issue(&mut self, id: ConnectionId) -> bool {
        if self.peer.is_some() || !self.may_offer() { self.issued.issue(id) } else { self.offer(id) }
    }

    /// Our ids that the peer may send to.
    pub fn ids(&self) -> impl Iterator<Item = &ConnectionId> {
        self.issued.ids()
    }

    /// Server: tickets wait for [`Connection::send_tickets`].
    pub fn hold_tickets(&mut self) {
        self.tls.hold_tickets();
    }

    /// Server: sends the tickets that were held, each with the owner's `note`.
    pub fn send_tickets(&mut self, now: Instant, note: Option<tls::TicketNote>) {
        let mut flight = tls::Flight::default();
        self.tls.send_tickets(now, note, &mut flight);
        self.carry_out(now, flight.steps);
    }

    /// Gives out keying material (RFC 9846 section 7.5); none before the handshake is complete.
    pub fn exporter(&self) -> Option<&tls::Exporter> {
        self.tls.exporter()
    }

    /// Client: on which terms early data may be sent, from the beginning on.
    pub fn early_data(&self) -> Option<&tls::EarlyOffer> {
        self.opening.as_ref()?.early_offer.as_ref()
    }

    /// What the peer declared, once that is known.
    pub fn peer_parameters(&self) -> Option<&Parameters> {
        self.peer.as_deref()
    }

    /// The version in use.
    pub const fn version(&self) -> &'static Version {
        self.version
    }

    /// Which side this is.
    pub const fn side(&self) -> Side {
        self.side
    }

    /// Whether the handshake is complete.
    pub const fn is_established(&self) -> bool {
        self.is_established
    }

    /// Whether the handshake is confirmed.
    pub const fn is_confirmed(&self) -> bool {
        self.is_confirmed
    }

    /// The paths.
    pub const fn paths(&self) -> &Paths {
        &self.paths
    }

    /// What is known of round trips on the active path.
    pub const fn rtt(&self) -> &Rtt {
        self.recovery.rtt()
    }

    /// The congestion window of the active path.
    pub const fn congestion(&self) -> &Congestion {
        self.recovery.congestion()
    }

    /// Bytes in flight on the active path.
    pub const fn bytes_in_flight(&self) -> u64 {
        self.recovery.bytes_in_flight()
    }

    /// The current probe timeout (RFC 9002 section 6.2.1).
    fn pto(&self) -> Span {
        self.recovery.probe_timeout(Space::Application)
    }
}

#[cfg(test)]
mod tests;
