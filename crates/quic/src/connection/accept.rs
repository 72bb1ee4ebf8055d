//! What each frame means: one arm a frame, to the part that it is for.

use super::{
    Closed, Connection, Event, begin,
    carried::{Settlement, Sizes},
    receive::{Arrival, Context},
    spaces::space_of,
};
use crate::{
    Fault,
    frame::{self, Ack, ConnectionClose, Frame},
    ids::{ConnectionId, Fresh},
    paths::{Change, Move, PathData, PathId, Paths, Reason},
    recovery::{Acknowledgement, Space, acks::Frequency},
    rules::{Epoch, Side},
    streams::{Heard, StreamFault, StreamId},
};
use sakigake_wire::{Instant, Span};

impl Connection {
    /// Takes one frame of a packet that counts.
    pub(super) fn accept(
        &mut self,
        now: Instant,
        context: &Context,
        frame: Frame<'_>,
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        match frame {
            Frame::Padding(_) | Frame::Ping => {}
            Frame::Ack(frame) => self.on_ack(now, context, &frame, heard)?,
            Frame::Crypto(frame) => self.on_crypto(now, context.epoch, &frame, heard)?,
            Frame::NewToken(frame) => self.on_new_token(frame.token, heard),
            Frame::NewConnectionId(frame) => self.on_new_connection_id(&frame)?,
            Frame::RetireConnectionId(frame) => {
                let retired = self.issued.retire(frame.sequence, &context.dcid)?;
                retired.into_iter().for_each(|id| heard(Event::Retired(id)));
            }
            Frame::PathChallenge(frame) => self.paths.challenged(context.path, frame.data),
            Frame::PathResponse(frame) => self.on_path_response(now, frame.data, heard),
            Frame::ConnectionClose(frame) => self.on_close(now, &frame, heard),
            Frame::HandshakeDone => self.confirm(now, heard), // spec: 9001-4.1.2-b
            Frame::Datagram(frame) => heard(Event::Datagram(frame.data)),
            Frame::ImmediateAck => self.spaces.application.acks.ask(),
            Frame::AckFrequency(frame) => {
                let frequency = Frequency {
                    threshold: frame.ack_eliciting_threshold,
                    max_delay: Span::from_micros(frame.requested_max_ack_delay_us),
                    reordering: frame.reordering_threshold,
                };
                self.spaces.application.acks.ask_frequency(frame.sequence, frequency);
            }
            frame => self.on_streams(frame, heard)?,
        }
        Ok(())
    }

    /// The frames of streams.
    fn on_streams(&mut self, frame: Frame<'_>, heard: &mut impl FnMut(Event<'_>)) -> Result<(), Fault> {
        let kind = frame.kind();
        let streams = &mut self.streams;
        let heard = &mut |event: Heard<'_>| heard(Event::Stream(event));
        let id = |number| StreamId::new(number).ok_or(Fault::Internal("a stream number of 62 bits"));
        let result: Result<(), StreamFault> = match frame {
            Frame::Stream(frame::Stream { id: number, offset, data, fin, .. }) => {
                streams.accept_stream(id(number)?, offset, data, fin, heard)
            }
            Frame::ResetStream(frame) => {
                streams.accept_reset_stream(id(frame.id)?, frame.code, frame.final_size, heard)
            }
            Frame::ResetStreamAt(frame) => streams.accept_reset_stream_at(
                id(frame.id)?,
                frame.code,
                frame.final_size,
                frame.reliable_size,
                heard,
            ),
            Frame::StopSending(frame) => streams.accept_stop_sending(id(frame.id)?, frame.code, heard),
            Frame::MaxData(frame) => {
                streams.accept_max_data(frame.maximum);
                Ok(())
            }
            Frame::MaxStreamData(frame) => {
                streams.accept_max_stream_data(id(frame.id)?, frame.maximum, heard)
            }
            Frame::MaxStreams(frame) => streams.accept_max_streams(frame.direction, frame.maximum, heard),
            Frame::StreamDataBlocked(frame) => streams.accept_stream_data_blocked(id(frame.id)?, heard),
            Frame::StreamsBlocked(frame) => streams.accept_streams_blocked(frame.maximum),
            _ => Ok(()), // DATA_BLOCKED: limits grow without being asked for.
        };
        result.map_err(|fault| fault.fault(kind))
    }

    fn on_ack(
        &mut self,
        now: Instant,
        context: &Context,
        frame: &Ack<'_>,
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        let space = space_of(context.epoch);
        let exponent = self.peer.as_ref().map_or(3, |peer| peer.ack_delay_exponent);
        let exponent = if space == Space::Application { exponent } else { 3 };
        let acknowledgement = Acknowledgement {
            largest: frame.largest,
            delay: frame.delay(exponent),
            waited: context.waited,
            ranges: frame.ranges(),
            ecn: frame.ecn,
        };
        let Self { recovery, spaces, streams, issued, theirs, once, asked, paths, watch, .. } = self;
        let mut sizes = Sizes::default();
        let heard = &mut |event: Heard<'_>| heard(Event::Stream(event));
        let largest_sent = recovery.largest_sent(space).unwrap_or(0);
        let mut settlement = Settlement { spaces, streams, issued, received: theirs, once, asked, heard };
        let acked = recovery.on_ack(now, space, acknowledgement, &mut |number, fate| {
            watch.learn(number, &fate);
            sizes.learn(now, paths, number, &fate, largest_sent);
            settlement.settle(&fate);
        })?;
        self.explain(&acked);
        self.resize(&sizes);
        if context.epoch == Epoch::OneRtt
            && let Some(phases) = self.keys.phases()
        {
            let is_confirmed = phases.acked(frame.largest, context.turn).map_err(|_| Fault::KeyUpdate)?;
            if is_confirmed {
                self.key_times.rest_until = Some(now + self.pto().times(3)); // spec: 9001-6.5-b
            }
        }
        Ok(())
    }

    /// Datagrams have another size from here on.
    pub(super) fn resize(&mut self, sizes: &Sizes) {
        if let Some(bytes) = sizes.changed {
            self.recovery.set_datagram_bytes(u64::from(bytes));
            self.drop_datagrams();
        }
    }

    /// DATAGRAM frames that no packet holds any more would wait for ever, and all others behind them.
    fn drop_datagrams(&mut self) {
        let room = self.datagram_room();
        self.datagrams.retain(|bytes| bytes.len() <= room);
        self.datagram_queue_bytes = self.datagrams.iter().map(Vec::len).sum();
    }

    fn on_new_token(&mut self, token: &[u8], heard: &mut impl FnMut(Event<'_>)) {
        if token.len() <= self.config.limits.token_bytes {
            heard(Event::NewToken(&begin::kept_token(self.version, token)));
        }
    }

    fn on_path_response(&mut self, now: Instant, data: PathData, heard: &mut impl FnMut(Event<'_>)) {
        let pto = self.pto();
        self.each_change(now, heard, |paths, changes| {
            paths.responded(now, &data, pto, &mut |change| changes.push(change));
        });
    }

    fn on_new_connection_id(&mut self, frame: &frame::NewConnectionId<'_>) -> Result<(), Fault> {
        let id = ConnectionId::new(frame.id).ok_or(Fault::ConnectionIdLength)?;
        let (sequence, retire_prior_to) = (frame.sequence, frame.retire_prior_to);
        self.theirs.take(&Fresh { sequence, retire_prior_to, id, token: frame.reset_token })?;
        Ok(())
    }

    fn on_close(&mut self, now: Instant, frame: &ConnectionClose<'_>, heard: &mut impl FnMut(Event<'_>)) {
        let (code, frame_type, reason) = (frame.code, frame.frame_type, frame.reason.to_vec());
        self.end(now, Closed::Peer { code, frame_type, reason }, heard);
    }

    /// The path of a packet that its key opened; none where it is to be dropped.
    pub(super) fn path_of(
        &mut self,
        now: Instant,
        arrival: &Arrival,
        heard: &mut impl FnMut(Event<'_>),
    ) -> Option<PathId> {
        let mut path = None;
        self.each_change(now, heard, |paths, changes| {
            let changed = &mut |change| changes.push(change);
            path = paths.packet(now, &arrival.addresses, arrival.datagram_bytes, changed);
        });
        path
    }

    /// A packet with more than probing frames tells where the peer is (RFC 9000 section 9.3).
    pub(super) fn on_non_probing(
        &mut self,
        now: Instant,
        path: PathId,
        number: u64,
        dcid: ConnectionId,
        heard: &mut impl FnMut(Event<'_>),
    ) {
        if !self.paths.is_newest(number) {
            return; // It is late: the peer may be elsewhere by now, and use another id.
        }
        let keeps_id = dcid == self.arrived_at;
        if path == self.paths.active().id {
            self.arrived_at = dcid;
        }
        let pto = self.pto();
        self.each_change(now, heard, |paths, changes| {
            let changed = &mut |change| changes.push(change);
            paths.non_probing(now, path, number, keeps_id, pto, changed);
        });
        if path == self.paths.active().id {
            self.arrived_at = dcid;
        }
    }

    /// Lets the paths do something, and does what follows from what they say.
    pub(super) fn each_change(
        &mut self,
        now: Instant,
        heard: &mut impl FnMut(Event<'_>),
        body: impl FnOnce(&mut Paths, &mut Vec<Change>),
    ) {
        let mut changes = Vec::new();
        body(&mut self.paths, &mut changes);
        for change in changes {
            self.watch.note_change(&change);
            match change {
                Change::Validated { path } => heard(Event::Validated(path)),
                Change::Moved(moved) => self.on_moved(now, moved, heard),
                Change::Gone { path } => {
                    // As many retirements as the peer may cause are remembered; more end the connection when it asks for them.
                    if let Err(fault) = self.theirs.leave(path) {
                        self.fail(now, fault, heard);
                    }
                }
                Change::NoPath => self.end(now, Closed::NoPath, heard), // spec: 9000-9.3.2-b
            }
        }
    }

    fn on_moved(&mut self, now: Instant, moved: Move, heard: &mut impl FnMut(Event<'_>)) {
        let Move { from, to, reason, keeps_estimates } = moved;
        // Who goes back has its id again, where the peer has given no other.
        let has_none = self.theirs.of(to).is_none() && self.theirs.spare() == 0;
        if (reason == Reason::Rebinding || (reason == Reason::Reverted && has_none))
            && let Err(fault) = self.theirs.follow(from, to)
        {
            return self.fail(now, fault, heard);
        }
        if !keeps_estimates {
            self.recovery.on_new_path(now);
        }
        let bytes = self.paths.active().mtu.datagram_bytes();
        self.recovery.set_datagram_bytes(u64::from(bytes));
        self.drop_datagrams();
        self.paced_until = None;
        heard(Event::Moved(moved));
    }

    /// Client: tries another address of its own, and goes there if it `wants_move` once the path is validated (RFC 9000 section
    /// 9.2).
    ///
    /// # Errors
    /// [`crate::paths::Refused`].
    pub fn probe_from(
        &mut self,
        now: Instant,
        local: core::net::SocketAddr,
        wants_move: bool,
    ) -> Result<PathId, crate::paths::Refused> {
        debug_assert!(self.side == Side::Client, "a server stays where it is");
        let there = self.paths.active().addresses.peer;
        let is_disabled = self.peer.as_ref().is_none_or(|peer| {
            let is_preferred = peer.preferred_address.is_some_and(|preferred| preferred.is_at(there));
            peer.disable_active_migration && !is_preferred // spec: 9000-18.2-x
        });
        let pto = self.pto();
        let mut gone = Vec::new();
        let path = self.paths.probe_from(now, local, wants_move, is_disabled, pto, &mut |change| {
            gone.push(change);
        });
        for change in gone {
            if let Change::Gone { path } = change {
                // Their number is bounded by that of our paths, which is below what is remembered.
                let _ = self.theirs.leave(path);
            }
        }
        path
    }
}
