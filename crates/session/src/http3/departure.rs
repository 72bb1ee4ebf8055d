//! What leaves: the engine's wishes become the connection's, and the server's hints go into its first flight.

use super::{Http3, Role, Speaker, rtt};
use crate::hints::OVERHEAD_BYTES;
use sakigake_h3::{self as h3, Departure};
use sakigake_quic::{
    connection::Connection,
    rules::Side,
    streams::{self, Chunk, Direction, Priority},
};
use sakigake_semantics::{self as semantics, StreamId};
use sakigake_wire::Instant;

/// A block that is worth a frame holds one hint at least.
const LEAST_BLOCK_BYTES: usize = 48;

/// What a stream holds ready, in bytes, beyond one chunk.
const AHEAD_BYTES: u64 = 32 * 1024;

/// Less than so much, of all streams together, is nothing.
const LEAST_BYTES: u64 = 1_024;

/// What belongs to the connection leaves before any message.
const FIRST: Priority = Priority { urgency: 0, incremental: false };

impl Http3 {
    /// Hands the connection all that there is to say, as far as it has room. To be called before it sends, whenever something was
    /// heard or done, and when it has sent and may have more room.
    pub fn depart(&mut self, now: Instant, connection: &mut Connection) {
        if core::mem::take(&mut self.begins_anew) {
            // Nothing has left since: the server's rejection came just now.
            connection.forget_early_streams();
        }
        if self.is_over {
            return;
        }
        self.speak_first(now, connection);
        let Some(engine) = &mut self.engine else {
            if self.is_closing {
                connection.leave(now);
                self.is_over = true;
            }
            return;
        };
        self.peer_requests = connection.allowed(Direction::Bidirectional);
        engine.allow_peer_requests(self.peer_requests);
        if engine.wants_blocked(now) {
            let sent = connection.stream_bytes_sent();
            // Where nothing goes on, it is not credit alone that is missing: the peer acknowledges nothing.
            let is_still = sent < self.sent_before + LEAST_BYTES;
            self.sent_before = sent;
            let waiting = connection.waiting_streams(is_still);
            engine.blocked(now, waiting.map(|(id, left)| (StreamId(id.number()), left)));
        }
        while let Some(departure) = engine.depart(now, &mut |stream| room(connection, stream)) {
            if let Some(frames) = &mut self.frames {
                frames.sent(&departure);
            }
            let words = || self.fault.as_ref().map_or_else(String::new, ToString::to_string);
            self.is_over |= carry_out(now, departure, connection, words);
        }
        self.learn_credit(connection);
        self.finish(now, connection);
    }

    /// Tells the engine what the peer lets leave of its encoder's instructions.
    pub(super) fn learn_credit(&mut self, connection: &Connection) {
        self.knows_credit = true;
        let Some(engine) = &mut self.engine else { return };
        let stream = engine.encoder_stream();
        if let Some((stream, id)) =
            stream.and_then(|stream| Some((stream, streams::StreamId::new(stream.0)?)))
        {
            // A byte says what the stream is, if it has not begun.
            let credit = connection.credit(id).saturating_sub(1);
            let bytes = if room(connection, stream) == 0 { 0 } else { credit };
            engine.allow_instructions(bytes); // spec: 9204-2.1.3-a
        }
    }

    /// The host's hints straight behind our SETTINGS, then origins, then tickets: as soon as 1-RTT packets may leave.
    fn speak_first(&mut self, now: Instant, connection: &mut Connection) {
        let Self { role: Role::Server { hints, .. }, engine: Some(engine), server_name, .. } = self else {
            return;
        };
        let host = server_name.as_deref();
        let mut speaker = Speaker { engine, rtt: rtt(connection) };
        if connection.may_send_data() && (self.is_ready || !self.is_client_asked) {
            // spec: preload-profile-4-b
            let budget = budget(connection);
            // What has no room behind this flight has some behind the next one, when the client has shown that it is there.
            if let Some(hints) = hints.as_mut().filter(|_| budget >= LEAST_BLOCK_BYTES || self.is_ready) {
                hints.first_within(now, host, budget, &mut speaker); // spec: preload-profile-2-a
            }
            // Refused when the connection is closing: then nobody asks for anything any more.
            let _ = speaker.engine.announce_origins();
        }
        let Some(hints) = hints else { return };
        hints.flush(now, host, &mut speaker);
        if self.owes_tickets && self.is_ready && speaker.engine.has_heard_settings() {
            let mut told = hints.told(&speaker);
            if self.is_client_asked {
                told.digest = None; // There the ticket comes before the frame, so that a client cannot keep them as one.
            }
            self.owes_tickets = false;
            connection.send_tickets(now, Some(told.to_bytes()));
        }
    }

    /// Answers what the engine asked of the connection, and ends it when both sides have all.
    fn finish(&mut self, now: Instant, connection: &mut Connection) {
        let Some(engine) = &mut self.engine else { return };
        if engine.is_catch_up_asked() && connection.live_streams(Direction::Bidirectional) == 0 {
            engine.caught_up();
        }
        if engine.is_closed() && !self.is_over && connection.live_streams(Direction::Bidirectional) == 0 {
            connection.close(now, h3::ErrorCode::NoError.wire(), b"");
            self.is_over = true;
        }
    }
}

/// What a block of hints may take, so that nothing waits for it that would not wait anyhow (profile, point 5).
fn budget(connection: &Connection) -> usize {
    let Some(peer) = connection.peer_parameters() else { return 0 };
    let may_open =
        connection.openable(Direction::Unidirectional).start > 0 || peer.initial_max_streams_uni > 0;
    let credit = peer.initial_max_stream_data_uni.min(peer.initial_max_data);
    let least = connection.flight_room().min(if may_open { credit } else { 0 }); // spec: preload-profile-5-e
    usize::try_from(least).unwrap_or(usize::MAX).saturating_sub(OVERHEAD_BYTES)
}

/// How many bytes a stream takes now, one that is not open yet too: those of a kind are opened in their order. Far less than the
/// connection would take: with a hundred bodies under way, what is made early has left the processor's cache before its turn.
fn room(connection: &Connection, stream: StreamId) -> u64 {
    let Some(id) = streams::StreamId::new(stream.0) else { return 0 };
    match connection.queued(id) {
        Ok(0) => u64::MAX, // Then a chunk is taken whatever its length.
        Ok(queued) => connection.room(id).unwrap_or(0).min(AHEAD_BYTES.saturating_sub(queued)),
        Err(streams::Refused::NoStream) => {
            let openable = connection.openable(id.direction());
            if is_ours(connection, id) && openable.contains(&id.index()) { u64::MAX } else { 0 }
        }
        Err(_) => 0,
    }
}

/// Whether that was the connection's end.
fn carry_out(
    now: Instant,
    departure: Departure,
    connection: &mut Connection,
    words: impl FnOnce() -> String,
) -> bool {
    let id = |stream: StreamId| streams::StreamId::new(stream.0);
    match departure {
        Departure::Bytes { stream, chunk, fin } => {
            if let Some(id) = id(stream) {
                write(connection, id, chunk, fin);
            }
        }
        Departure::Reset { stream, code } => {
            if let Some(id) = id(stream) {
                open(connection, id); // So that those behind it keep their numbers.
                let _ = connection.reset(id, code); // It may have ended in the meantime.
            }
        }
        Departure::Stop { stream, code } => {
            if let Some(id) = id(stream) {
                connection.stop(id, code);
            }
        }
        Departure::Consumed { stream, bytes } => {
            if let Some(id) = id(stream) {
                connection.consume(id, bytes);
            }
        }
        Departure::Prioritize { stream, priority: semantics::Priority { urgency, incremental } } => {
            if let Some(id) = id(stream) {
                open(connection, id);
                connection.prioritize(id, Priority { urgency, incremental });
            }
        }
        Departure::Datagram { bytes } => {
            let _ = connection.send_datagram(bytes); // What finds no room is lost, as any datagram may be.
        }
        Departure::Close { code } => {
            connection.close(now, code, words().as_bytes());
            return true;
        }
    }
    false
}

fn write(connection: &mut Connection, id: streams::StreamId, chunk: semantics::Chunk, fin: bool) {
    open(connection, id);
    let chunk = match chunk {
        semantics::Chunk::Owned(bytes) => Chunk::Owned(bytes),
        semantics::Chunk::Shared(bytes) => Chunk::Shared(bytes),
    };
    // Refused only where the peer has stopped the stream in the meantime, of which the engine hears.
    let is_taken = chunk.as_ref().is_empty() || connection.write(id, chunk).is_ok();
    if fin && is_taken {
        let _ = connection.finish(id);
    }
}

/// A stream of ours begins with what is first said on it, and so do those before it: a request that was given up may be the
/// first to say something.
fn open(connection: &mut Connection, id: streams::StreamId) {
    let direction = id.direction();
    while is_ours(connection, id) && connection.openable(direction).contains(&id.index()) {
        let Some(opened) = connection.open(direction) else { return };
        if direction == Direction::Unidirectional {
            connection.prioritize(opened, FIRST);
        }
    }
}

fn is_ours(connection: &Connection, id: streams::StreamId) -> bool {
    id.is_clients() == (connection.side() == Side::Client)
}
