//! Records in words, for people: one line each.

use super::{
    CongestionTrigger, DropReason, Ecn, Ending, KeyChange, Metrics, MigrationState, Packet, Party, Record,
    State, Threshold, Trigger,
};
use crate::{
    frame::{Ack, ConnectionClose, Direction, Frame},
    packet::{Discard, Unopened},
    parameters::{Parameters, Value},
    paths::Reason,
    recovery::congestion::Phase,
    rules::{PARAMETERS, Side, codes::TransportErrorCode, frames, versions::version},
};
use core::fmt::{Display, Formatter, Result};
use sakigake_wire::Span;

/// Ranges of one ACK frame that are told; of more, their count.
const TOLD_RANGES: usize = 8;

/// One record.
pub(super) fn record(record: &Record, f: &mut Formatter<'_>) -> Result {
    match record {
        Record::Started(ends) => write!(f, "started: {} to {}", ends.local, ends.peer),
        Record::Versions { client, server, chosen } => versions(client, server, *chosen, f),
        Record::Alpn(name) => write!(f, "application protocol: {}", name.escape_ascii()),
        Record::ParametersSet(party, parameters) => {
            write!(f, "{} parameters:", whose(*party)).and_then(|()| list(parameters, f))
        }
        Record::ParametersRestored(parameters) => {
            f.write_str("remembered parameters:").and_then(|()| list(parameters, f))
        }
        Record::Sent(packet) => f.write_str("sent ").and_then(|()| whole(packet, f)),
        Record::Received(packet) => f.write_str("received ").and_then(|()| whole(packet, f)),
        Record::Dropped { kind, bytes, why } => {
            let name = kind.map_or("unreadable", |kind| kind.name());
            write!(f, "dropped {name}, {bytes} bytes: {}", reason_to_drop(*why))
        }
        Record::Buffered { kind, bytes } => write!(f, "buffered {}, {bytes} bytes: no keys yet", kind.name()),
        Record::Lost { epoch, number, trigger } => {
            write!(f, "lost {} {number}: {}", epoch.packets(), trigger_of_loss(*trigger))
        }
        Record::Metrics(metrics) => measured(metrics, f),
        Record::Congestion { old, new, trigger } => {
            write!(f, "congestion: {} -> {}", phase(*old), phase(*new))?;
            trigger.map_or(Ok(()), |trigger| write!(f, " ({})", trigger_of_phase(trigger)))
        }
        Record::Ecn { old, new } => change("ECN", old.map(ecn), ecn(*new), f),
        Record::Mtu { old, new } => change("datagram size", *old, *new, f),
        Record::Key { sender, epoch, change } => {
            write!(f, "{} keys of the {}: ", epoch.packets(), side(*sender))?;
            match change {
                KeyChange::Installed => f.write_str("installed"),
                KeyChange::Updated { phase, by } => write!(f, "updated to phase {phase} by {}", who(*by)),
                KeyChange::Discarded => f.write_str("discarded"),
            }
        }
        Record::State { old, new } => change("state", old.map(state), state(*new), f),
        Record::ConnectionId { user, old, new } => {
            let subject = match user {
                Party::Local => "we send to id",
                Party::Peer => "the peer sends to id",
            };
            change(subject, old.as_ref().map(|id| Id(id.as_ref())), Id(new.as_ref()), f)
        }
        Record::Path { id, addresses } => {
            write!(f, "path {}: {} to {}", id.0, addresses.local, addresses.peer)
        }
        Record::Migration { path, state } => write!(f, "path {}: {}", path.0, migration(*state)),
        Record::Closed(ending) => closed(ending, f),
        Record::Missed(count) => write!(f, "missed {count} records: nobody asked for them in time"),
    }
}

fn change<T: Display>(what: &str, old: Option<T>, new: T, f: &mut Formatter<'_>) -> Result {
    match old {
        Some(old) => write!(f, "{what}: {old} -> {new}"),
        None => write!(f, "{what}: {new}"),
    }
}

/// A packet's header and frames.
fn whole(packet: &Packet, f: &mut Formatter<'_>) -> Result {
    f.write_str(packet.kind.name())?;
    packet.number.map_or(Ok(()), |number| write!(f, " {number}"))?;
    write!(f, ", {} bytes", packet.bytes)?;
    if packet.datagram_bytes != packet.bytes {
        write!(f, " of {}", packet.datagram_bytes)?;
    }
    match packet.version {
        Some(0) | None => {}
        Some(number) => write!(f, ", {}", Named(number))?,
    }
    write!(f, ", to {}", Id(packet.dcid.as_ref()))?;
    packet.scid.map_or(Ok(()), |scid| write!(f, ", from {}", Id(scid.as_ref())))?;
    match packet.token_bytes {
        Some(0) | None => {}
        Some(bytes) => write!(f, ", token of {bytes} bytes")?,
    }
    packet.key_phase.map_or(Ok(()), |phase| write!(f, ", phase {phase}"))?;
    if packet.path.0 > 0 {
        write!(f, ", path {}", packet.path.0)?;
    }
    f.write_str(if packet.was_buffered { ", buffered before" } else { "" })?;
    f.write_str(if packet.is_mtu_probe { ", MTU probe" } else { "" })?;
    for (index, number) in packet.versions.iter().enumerate() {
        write!(f, "{} {}", if index == 0 { ":" } else { "," }, Named(*number))?;
    }
    for (index, item) in packet.frames().enumerate() {
        f.write_str(if index == 0 { ": " } else { ", " })?;
        match item {
            Ok(item) => frame(&item, packet.ack_delay_exponent, f)?,
            Err(fault) => write!(f, "unreadable ({fault})")?,
        }
    }
    Ok(())
}

/// A frame: its name in the table, then its main fields.
fn frame(frame: &Frame<'_>, exponent: u64, f: &mut Formatter<'_>) -> Result {
    f.write_str(frame.rule().name)?;
    match frame {
        Frame::Padding(bytes) => write!(f, " {bytes}"),
        Frame::Ping | Frame::HandshakeDone | Frame::ImmediateAck => Ok(()),
        Frame::Ack(ack) => ranges(ack, exponent, f),
        Frame::ResetStream(reset) => {
            write!(f, " {} code {:#x} at {}", reset.id, reset.code, reset.final_size)
        }
        Frame::ResetStreamAt(reset) => write!(
            f,
            " {} code {:#x} at {}, {} of them reliably",
            reset.id, reset.code, reset.final_size, reset.reliable_size
        ),
        Frame::StopSending(stop) => write!(f, " {} code {:#x}", stop.id, stop.code),
        Frame::Crypto(crypto) => write!(f, " {}..{}", crypto.offset, end(crypto.offset, crypto.data)),
        Frame::NewToken(token) => write!(f, " of {} bytes", token.token.len()),
        Frame::Stream(stream) => {
            let fin = if stream.fin { " FIN" } else { "" };
            write!(f, " {} {}..{}{fin}", stream.id, stream.offset, end(stream.offset, stream.data))
        }
        Frame::MaxData(max) => write!(f, " {}", max.maximum),
        Frame::MaxStreamData(max) => write!(f, " {} {}", max.id, max.maximum),
        Frame::MaxStreams(max) => write!(f, " {} {}", max.maximum, direction(max.direction)),
        Frame::DataBlocked(blocked) => write!(f, " {}", blocked.maximum),
        Frame::StreamDataBlocked(blocked) => write!(f, " {} {}", blocked.id, blocked.maximum),
        Frame::StreamsBlocked(blocked) => write!(f, " {} {}", blocked.maximum, direction(blocked.direction)),
        Frame::NewConnectionId(new) => {
            write!(f, " {} {}", new.sequence, Id(new.id))?;
            if new.retire_prior_to > 0 { write!(f, ", retire below {}", new.retire_prior_to) } else { Ok(()) }
        }
        Frame::RetireConnectionId(retire) => write!(f, " {}", retire.sequence),
        Frame::PathChallenge(path) => write!(f, " {}", Id(&path.data)),
        Frame::PathResponse(path) => write!(f, " {}", Id(&path.data)),
        Frame::ConnectionClose(close) => words_of_close(close, f),
        Frame::Datagram(datagram) => write!(f, " of {} bytes", datagram.data.len()),
        Frame::AckFrequency(frequency) => write!(
            f,
            " every {} packets, within {}, reordering {}",
            frequency.ack_eliciting_threshold.saturating_add(1),
            Span::from_micros(frequency.requested_max_ack_delay_us),
            frequency.reordering_threshold
        ),
    }
}

fn ranges(ack: &Ack<'_>, exponent: u64, f: &mut Formatter<'_>) -> Result {
    for range in ack.ranges().take(TOLD_RANGES) {
        match range.end - range.start {
            1 => write!(f, " {}", range.start)?,
            _ => write!(f, " {}-{}", range.start, range.end - 1)?,
        }
    }
    match ack.ranges().count() {
        count if count > TOLD_RANGES => write!(f, " and {} ranges more", count - TOLD_RANGES)?,
        _ => {}
    }
    write!(f, " after {}", ack.delay(exponent))?;
    ack.ecn.map_or(Ok(()), |ecn| write!(f, " ECT(0) {} ECT(1) {} CE {}", ecn.ect0, ecn.ect1, ecn.ce))
}

fn words_of_close(close: &ConnectionClose<'_>, f: &mut Formatter<'_>) -> Result {
    match close.frame_type {
        Some(kind) => write!(f, " {} for {}", TransportErrorCode(close.code), frames::name(kind))?,
        None => write!(f, " by the application, code {:#x}", close.code)?,
    }
    reason(close.reason, f)
}

fn reason(bytes: &[u8], f: &mut Formatter<'_>) -> Result {
    if bytes.is_empty() { Ok(()) } else { write!(f, " \"{}\"", bytes.escape_ascii()) }
}

fn versions(client: &[u32], server: &[u32], chosen: Option<u32>, f: &mut Formatter<'_>) -> Result {
    f.write_str("version")?;
    chosen.map_or(Ok(()), |chosen| write!(f, " {}", Named(chosen)))?;
    for (name, offered) in [("client", client), ("server", server)] {
        for (index, number) in offered.iter().enumerate() {
            let before = if index == 0 { "; of the" } else { "," };
            let name = if index == 0 { name } else { "" };
            let space = if index == 0 { ": " } else { "" };
            write!(f, "{before} {name}{space}{}", Named(*number))?;
        }
    }
    Ok(())
}

/// What was declared, by the names of the table.
fn list(parameters: &Parameters, f: &mut Formatter<'_>) -> Result {
    for rule in &PARAMETERS {
        match parameters.value(rule.id) {
            Some(Value::Integer(value) | Value::Optional(Some(value))) => {
                write!(f, " {} {value}", rule.name)?
            }
            Some(Value::Flag(true)) => write!(f, " {}", rule.name)?,
            Some(Value::Id(Some(id))) => write!(f, " {} {}", rule.name, Id(id.as_ref()))?,
            Some(Value::Address(Some(address))) => {
                write!(f, " {}", rule.name)?;
                address.ipv4.map_or(Ok(()), |address| write!(f, " {address}"))?;
                address.ipv6.map_or(Ok(()), |address| write!(f, " {address}"))?;
            }
            Some(Value::Versions(Some(versions))) => {
                write!(f, " {} {}", rule.name, Named(versions.chosen))?;
                versions.available.iter().try_for_each(|number| write!(f, "/{}", Named(*number)))?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn measured(metrics: &Metrics, f: &mut Formatter<'_>) -> Result {
    f.write_str("recovery:")?;
    let spans = [
        ("latest_rtt", metrics.latest_rtt),
        ("min_rtt", metrics.min_rtt),
        ("smoothed_rtt", metrics.smoothed_rtt),
        ("rttvar", metrics.rtt_variance),
    ];
    for (name, span) in spans {
        span.map_or(Ok(()), |span| write!(f, " {name} {span}"))?;
    }
    let numbers = [
        ("pto_count", metrics.pto_count.map(u64::from)),
        ("congestion_window", metrics.congestion_window),
        ("ssthresh", metrics.ssthresh),
        ("bytes_in_flight", metrics.bytes_in_flight),
    ];
    for (name, number) in numbers {
        number.map_or(Ok(()), |number| write!(f, " {name} {number}"))?;
    }
    Ok(())
}

fn closed(ending: &Ending, f: &mut Formatter<'_>) -> Result {
    f.write_str("closed")?;
    ending.by.map_or(Ok(()), |by| write!(f, " by {}", who(by)))?;
    write!(f, ": {}", trigger(ending.trigger))?;
    match ending.code {
        Some((code, true)) => write!(f, ", code {code:#x}")?,
        Some((code, false)) => write!(f, ", {}", TransportErrorCode(code))?,
        None => {}
    }
    reason(&ending.reason, f)
}

/// A version by its name, or its number.
struct Named(u32);

impl Display for Named {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match version(self.0) {
            Some(version) => f.write_str(version.name),
            None => write!(f, "{:#010x}", self.0),
        }
    }
}

/// Bytes in hex; `-` where there are none.
struct Id<'a>(&'a [u8]);

impl Display for Id<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        if self.0.is_empty() {
            return f.write_str("-");
        }
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

const fn end(offset: u64, data: &[u8]) -> u64 {
    offset.saturating_add(data.len() as u64)
}

const fn side(side: Side) -> &'static str {
    match side {
        Side::Client => "client",
        Side::Server => "server",
    }
}

const fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Bidirectional => "bidirectional",
        Direction::Unidirectional => "unidirectional",
    }
}

const fn whose(party: Party) -> &'static str {
    match party {
        Party::Local => "our",
        Party::Peer => "the peer's",
    }
}

const fn who(party: Party) -> &'static str {
    match party {
        Party::Local => "us",
        Party::Peer => "the peer",
    }
}

const fn reason_to_drop(why: DropReason) -> &'static str {
    match why {
        DropReason::Header(discard) => bad_header(discard),
        DropReason::SmallInitial => "its datagram is below 1200 bytes",
        DropReason::Foreign => "its version or source id is not this connection's",
        DropReason::NoKeys | DropReason::Unopened(Unopened::NoKeys) => "no keys",
        DropReason::Unopened(Unopened::TooShort) => "too short to be protected",
        DropReason::Unopened(Unopened::Forged) => "it does not open",
        DropReason::Unopened(Unopened::IntegrityLimit) => "one forgery more than the AEAD stands",
        DropReason::Unopened(Unopened::ReservedBits) => "reserved bits are set",
        DropReason::Unopened(Unopened::KeyUpdate) => "a key update against the rules",
        DropReason::Duplicate => "it has come before",
        DropReason::Path => "one path more than we look at",
        DropReason::Unwanted => "it does not count",
    }
}

const fn bad_header(discard: Discard) -> &'static str {
    match discard {
        Discard::Truncated => "it ends inside its header",
        Discard::FixedBit => "its Fixed Bit is 0",
        Discard::ConnectionIdTooLong => "a connection id has more than 20 bytes",
        Discard::Length => "its Length goes beyond the datagram",
        Discard::TooShort => "too short to be protected",
        Discard::Misplaced => "this side never receives that type",
        Discard::ServerToken => "a server's Initial packet with a token",
        Discard::NoRetryToken => "a Retry packet without a token",
        Discard::VersionList => "its list of versions is none",
        Discard::OtherConnectionId => "another connection id than the packet before it",
        Discard::Coalesced => "its type does not follow other packets",
    }
}

const fn trigger_of_loss(trigger: Threshold) -> &'static str {
    match trigger {
        Threshold::Reordering => "later packets have arrived",
        Threshold::Time => "out for too long",
    }
}

const fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::SlowStart => "slow start",
        Phase::Recovery => "recovery",
        Phase::Avoidance => "congestion avoidance",
    }
}

const fn trigger_of_phase(trigger: CongestionTrigger) -> &'static str {
    match trigger {
        CongestionTrigger::Loss => "loss",
        CongestionTrigger::PersistentCongestion => "persistent congestion",
        CongestionTrigger::Ecn => "ECN",
        CongestionTrigger::SpuriousLoss => "spurious loss",
    }
}

const fn ecn(ecn: Ecn) -> &'static str {
    match ecn {
        Ecn::Testing => "testing",
        Ecn::Unknown => "unknown",
        Ecn::Failed => "failed",
        Ecn::Capable => "capable",
    }
}

const fn state(state: State) -> &'static str {
    match state {
        State::Attempted => "attempted",
        State::HandshakeStarted => "handshake started",
        State::HandshakeComplete => "handshake complete",
        State::HandshakeConfirmed => "handshake confirmed",
        State::Closing => "closing",
        State::Draining => "draining",
        State::Closed => "closed",
    }
}

const fn migration(state: MigrationState) -> &'static str {
    match state {
        MigrationState::ProbingSuccessful => "validated",
        MigrationState::Abandoned => "abandoned",
        MigrationState::Complete(Reason::Rebinding) => "in use (rebinding)",
        MigrationState::Complete(Reason::Migration) => "in use (the peer migrated)",
        MigrationState::Complete(Reason::Reverted) => "in use again",
        MigrationState::Complete(Reason::Chosen) => "in use (our choice)",
    }
}

const fn trigger(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::IdleTimeout => "idle timeout",
        Trigger::Application => "application",
        Trigger::Error => "error",
        Trigger::VersionMismatch => "no common version",
        Trigger::StatelessReset => "stateless reset",
        Trigger::Aborted => "no path",
    }
}
