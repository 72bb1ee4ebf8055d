//! qlog (draft-ietf-quic-qlog-main-schema, draft-ietf-quic-qlog-quic-events): a trace for tools, a line a [`Record`], as JSON text
//! sequences (RFC 7464), so that what was written stays readable whatever happens next.

mod frames;
mod json;

use crate::{
    ids::ConnectionId,
    parameters::{Parameters, PreferredAddress, Value},
    paths::Addresses,
    recovery::congestion::Phase,
    rules::{Epoch, PARAMETERS, Side},
    trace::{
        CongestionTrigger, DropReason, Ecn, Ending, KeyChange, Metrics, MigrationState, Packet, PacketKind,
        Party, Record, State, Threshold, Trigger,
    },
};
use core::{
    fmt::{self, Write},
    net::SocketAddr,
};
use json::Json;
use sakigake_wire::{Instant, Span};

/// What a file's name ends with, for the names of JSON text sequences.
pub const EXTENSION: &str = "sqlog";

const FILE_SCHEMA: &str = "urn:ietf:params:qlog:file:sequential";
/// QUIC's with the draft's number: only the RFC's events may go without (section 2.1).
const EVENT_SCHEMAS: [&str; 2] =
    ["urn:ietf:params:qlog:events:quic-12", "urn:ietf:params:qlog:events:loglevel"]; // spec: qlog-quic-2.1-a
const FORMAT: &str = "application/qlog+json-seq";
/// What begins each text (RFC 7464 section 2.2); a line feed ends it.
const RECORD_SEPARATOR: char = '\x1e';

/// Writes one connection's trace.
#[derive(Clone, Copy, Debug)]
pub struct Writer {
    start: Instant,
}

impl Writer {
    /// Begins a trace of the connection whose client's first packet went to `original_dcid`, as `side` sees it: writes the
    /// header. Times are told from `start` on, in milliseconds.
    ///
    /// # Errors
    /// What `out` says.
    pub fn begin(
        side: Side,
        original_dcid: &ConnectionId,
        start: Instant,
        out: &mut impl Write,
    ) -> Result<Self, fmt::Error> {
        text(out, |json| {
            json.string("file_schema", FILE_SCHEMA); // spec: qlog-main-3-a
            json.string("serialization_format", FORMAT);
            json.member("trace", |json| {
                json.member("common_fields", |json| {
                    json.hex("group_id", original_dcid.as_ref());
                    json.string("time_format", "relative_to_epoch");
                    json.member("reference_time", |json| {
                        json.string("clock_type", "monotonic");
                        json.string("epoch", "unknown"); // spec: qlog-main-7.1-b
                    });
                });
                json.member("vantage_point", |json| {
                    json.string("name", "sakigake");
                    json.string("type", if side == Side::Client { "client" } else { "server" });
                });
                json.array("event_schemas", |json| EVENT_SCHEMAS.iter().for_each(|uri| json.element(uri)));
            });
        })?;
        Ok(Self { start })
    }

    /// Writes a line.
    ///
    /// # Errors
    /// What `out` says.
    pub fn write(&self, at: Instant, record: &Record, out: &mut impl Write) -> fmt::Result {
        text(out, |json| {
            json.millis("time", at.since(self.start)); // spec: qlog-main-7.1-a
            json.string("name", name(record)); // spec: qlog-main-7-a
            json.member("data", |json| data(json, record));
        })
    }
}

/// One text of the sequence.
fn text(out: &mut dyn Write, fill: impl FnOnce(&mut Json<'_>)) -> fmt::Result {
    out.write_char(RECORD_SEPARATOR)?;
    Json::object(out, fill)?;
    out.write_char('\n')
}

/// The event of each record.
const fn name(record: &Record) -> &'static str {
    match record {
        Record::Started(_) => "quic:connection_started",
        Record::Versions { .. } => "quic:version_information",
        Record::Alpn(_) => "quic:alpn_information",
        Record::ParametersSet(..) => "quic:parameters_set",
        Record::ParametersRestored(_) => "quic:parameters_restored",
        Record::Sent(_) => "quic:packet_sent",
        Record::Received(_) => "quic:packet_received",
        Record::Dropped { .. } => "quic:packet_dropped",
        Record::Buffered { .. } => "quic:packet_buffered",
        Record::Lost { .. } => "quic:packet_lost",
        Record::Metrics(_) => "quic:recovery_metrics_updated",
        Record::Congestion { .. } => "quic:congestion_state_updated",
        Record::Ecn { .. } => "quic:ecn_state_updated",
        Record::Mtu { .. } => "quic:mtu_updated",
        Record::Key { change: KeyChange::Discarded, .. } => "quic:key_discarded",
        Record::Key { .. } => "quic:key_updated",
        Record::State { .. } => "quic:connection_state_updated",
        Record::ConnectionId { .. } => "quic:connection_id_updated",
        Record::Path { .. } => "quic:tuple_assigned",
        Record::Migration { .. } => "quic:migration_state_updated",
        Record::Closed(_) => "quic:connection_closed",
        Record::Missed(_) => "loglevel:warning",
    }
}

fn data(json: &mut Json<'_>, record: &Record) {
    match record {
        Record::Started(ends) => {
            json.member("local", |json| endpoint(json, ends.local));
            json.member("remote", |json| endpoint(json, ends.peer));
        }
        Record::Versions { client, server, chosen } => {
            versions(json, "server_versions", server);
            versions(json, "client_versions", client);
            chosen.iter().for_each(|chosen| json.text("chosen_version", format_args!("{chosen:08x}")));
        }
        Record::Alpn(chosen) => json.member("chosen_alpn", |json| match core::str::from_utf8(chosen) {
            Ok(name) => json.string("string_value", name),
            Err(_) => json.hex("byte_value", chosen),
        }),
        Record::ParametersSet(party, declared) => {
            json.string("initiator", initiator(*party)); // spec: qlog-quic-5.3-a
            parameters(json, declared);
        }
        Record::ParametersRestored(declared) => parameters(json, declared),
        Record::Sent(sent) => packet(json, sent),
        Record::Received(received) => packet(json, received),
        Record::Dropped { kind, bytes, why } => {
            kind.iter().for_each(|kind| json.member("header", |json| packet_type(json, *kind)));
            length(json, *bytes);
            json.member("details", |json| json.text("reason", format_args!("{why:?}")));
            json.string("trigger", reason_to_drop(*why));
        }
        Record::Buffered { kind, bytes } => {
            json.member("header", |json| packet_type(json, *kind));
            length(json, *bytes);
            json.string("trigger", "keys_unavailable");
        }
        Record::Lost { epoch, number, trigger } => {
            json.member("header", |json| {
                packet_type(json, PacketKind::Protected(*epoch));
                json.number("packet_number", *number);
            });
            json.string("trigger", trigger_of_loss(*trigger));
        }
        record => state_data(json, record),
    }
}

/// The data of what says how things are.
fn state_data(json: &mut Json<'_>, record: &Record) {
    match record {
        Record::Metrics(changed) => metrics(json, changed),
        Record::Congestion { old, new, trigger } => {
            json.string("old", phase(*old));
            json.string("new", phase(*new));
            trigger.iter().for_each(|trigger| json.string("trigger", trigger_of_phase(*trigger)));
        }
        Record::Ecn { old, new } => {
            old.iter().for_each(|old| json.string("old", ecn(*old)));
            json.string("new", ecn(*new));
        }
        Record::Mtu { old, new } => {
            old.iter().for_each(|old| json.number("old", u64::from(*old)));
            json.number("new", u64::from(*new));
        }
        Record::Key { sender, epoch, change } => key(json, *sender, *epoch, *change),
        Record::State { old, new } => {
            old.iter().for_each(|old| json.string("old", state(*old)));
            json.string("new", state(*new));
        }
        Record::ConnectionId { user, old, new } => {
            // Whose id it is: we send to the peer's.
            let owner = if *user == Party::Local { Party::Peer } else { Party::Local };
            json.string("initiator", initiator(owner));
            old.iter().for_each(|old| json.hex("old", old.as_ref()));
            json.hex("new", new.as_ref());
        }
        Record::Path { id, addresses } => {
            json.text("tuple_id", id.0);
            ends(json, addresses);
        }
        Record::Migration { path, state } => {
            json.string("new", migration(*state));
            json.text("tuple_id", path.0);
        }
        Record::Closed(ending) => closed(json, ending),
        Record::Missed(count) => {
            json.text("message", format_args!("{count} records were not asked for in time"));
        }
        _ => {}
    }
}

fn ends(json: &mut Json<'_>, addresses: &Addresses) {
    json.member("tuple_remote", |json| endpoint(json, addresses.peer));
    json.member("tuple_local", |json| endpoint(json, addresses.local));
}

fn endpoint(json: &mut Json<'_>, address: SocketAddr) {
    let (ip, port) = if address.is_ipv4() { ("ip_v4", "port_v4") } else { ("ip_v6", "port_v6") };
    json.text(ip, address.ip());
    json.number(port, u64::from(address.port()));
}

fn versions(json: &mut Json<'_>, name: &str, versions: &[u32]) {
    if !versions.is_empty() {
        json.array(name, |json| {
            versions.iter().for_each(|version| json.element(format_args!("{version:08x}")));
        });
    }
}

/// By the names of the table, which are the schema's.
fn parameters(json: &mut Json<'_>, declared: &Parameters) {
    for rule in &PARAMETERS {
        match declared.value(rule.id) {
            Some(Value::Integer(value) | Value::Optional(Some(value))) => json.number(rule.name, *value),
            Some(Value::Flag(value)) => json.bool(rule.name, *value),
            Some(Value::Id(Some(id))) => json.hex(rule.name, id.as_ref()),
            Some(Value::Address(Some(address))) => {
                json.member(rule.name, |json| preferred_address(json, address));
            }
            _ => {} // Versions have an event of their own; tokens are nobody's business.
        }
    }
}

fn preferred_address(json: &mut Json<'_>, address: &PreferredAddress) {
    address.ipv4.iter().for_each(|address| endpoint(json, SocketAddr::V4(*address)));
    address.ipv6.iter().for_each(|address| endpoint(json, SocketAddr::V6(*address)));
    json.hex("connection_id", address.connection_id.as_ref());
    // The schema wants the token too, with which anybody could end the connection.
}

fn packet(json: &mut Json<'_>, packet: &Packet) {
    json.member("header", |json| header(json, packet));
    if let PacketKind::Protected(_) = packet.kind {
        json.array("frames", |json| {
            for frame in packet.frames() {
                json.item(|json| match frame {
                    Ok(frame) => frames::frame(json, &frame, packet.ack_delay_exponent),
                    Err(fault) => frames::unknown(json, &fault),
                });
            }
        });
    }
    versions(json, "supported_versions", &packet.versions);
    length(json, packet.bytes);
    if packet.is_mtu_probe {
        json.bool("is_mtu_probe_packet", true);
    }
    if packet.was_buffered {
        json.string("trigger", "keys_available");
    }
}

fn header(json: &mut Json<'_>, packet: &Packet) {
    packet_type(json, packet.kind);
    packet.key_phase.iter().for_each(|phase| json.number("key_phase", *phase));
    packet.number.iter().for_each(|number| json.number("packet_number", *number));
    if let Some(bytes) = packet.token_bytes.filter(|bytes| *bytes > 0) {
        json.member("token", |json| length(json, bytes));
    }
    packet.version.iter().for_each(|version| json.text("version", format_args!("{version:08x}")));
    if let Some(scid) = &packet.scid {
        json.number("scil", scid.len() as u64);
        json.number("dcil", packet.dcid.len() as u64);
        json.hex("scid", scid.as_ref());
    }
    json.hex("dcid", packet.dcid.as_ref());
}

fn packet_type(json: &mut Json<'_>, kind: PacketKind) {
    json.string(
        "packet_type",
        match kind {
            PacketKind::Protected(Epoch::Initial) => "initial",
            PacketKind::Protected(Epoch::ZeroRtt) => "0RTT",
            PacketKind::Protected(Epoch::Handshake) => "handshake",
            PacketKind::Protected(Epoch::OneRtt) => "1RTT",
            PacketKind::Retry => "retry",
            PacketKind::VersionNegotiation => "version_negotiation",
        },
    );
}

fn length(json: &mut Json<'_>, bytes: usize) {
    json.member("raw", |json| json.number("length", bytes as u64));
}

fn metrics(json: &mut Json<'_>, changed: &Metrics) {
    let millis = |json: &mut Json<'_>, name, value: Option<Span>| {
        value.iter().for_each(|value| json.millis(name, *value));
    };
    millis(json, "min_rtt", changed.min_rtt);
    millis(json, "smoothed_rtt", changed.smoothed_rtt);
    millis(json, "latest_rtt", changed.latest_rtt);
    millis(json, "rtt_variance", changed.rtt_variance);
    let number = |json: &mut Json<'_>, name, value: Option<u64>| {
        value.iter().for_each(|value| json.number(name, *value));
    };
    number(json, "pto_count", changed.pto_count.map(u64::from));
    number(json, "congestion_window", changed.congestion_window);
    number(json, "bytes_in_flight", changed.bytes_in_flight);
    number(json, "ssthresh", changed.ssthresh);
}

fn key(json: &mut Json<'_>, sender: Side, epoch: Epoch, change: KeyChange) {
    let side = if sender == Side::Client { "client" } else { "server" };
    let name = match epoch {
        Epoch::Initial => "initial",
        Epoch::ZeroRtt => "0rtt",
        Epoch::Handshake => "handshake",
        Epoch::OneRtt => "1rtt",
    };
    json.text("key_type", format_args!("{side}_{name}_secret"));
    match change {
        KeyChange::Updated { phase, by } => {
            json.number("key_phase", phase);
            json.string("trigger", if by == Party::Local { "local_update" } else { "remote_update" });
        }
        KeyChange::Installed if epoch == Epoch::OneRtt => {
            json.number("key_phase", 0);
            json.string("trigger", "tls");
        }
        KeyChange::Installed | KeyChange::Discarded => json.string("trigger", "tls"),
    }
}

fn closed(json: &mut Json<'_>, ending: &Ending) {
    ending.by.iter().for_each(|by| json.string("initiator", initiator(*by)));
    match ending.code {
        Some((code, false)) => frames::transport_error(json, "connection_error", code),
        Some((code, true)) => {
            json.string("application_error", "unknown");
            json.number("error_code", code);
        }
        None => {}
    }
    if !ending.reason.is_empty() {
        json.string("reason", &String::from_utf8_lossy(&ending.reason));
    }
    json.string("trigger", trigger(ending.trigger)); // spec: qlog-quic-4.3-a
}

const fn initiator(party: Party) -> &'static str {
    match party {
        Party::Local => "local",
        Party::Peer => "remote",
    }
}

const fn reason_to_drop(why: DropReason) -> &'static str {
    match why {
        DropReason::NoKeys => "key_unavailable",
        DropReason::Unopened(_) => "decryption_failure",
        DropReason::Duplicate => "duplicate",
        DropReason::Path => "rejected",
        DropReason::Foreign => "connection_unknown",
        DropReason::Header(_) | DropReason::SmallInitial => "invalid",
        DropReason::Unwanted => "general",
    }
}

const fn trigger_of_loss(trigger: Threshold) -> &'static str {
    match trigger {
        Threshold::Reordering => "reordering_threshold",
        Threshold::Time => "time_threshold",
    }
}

const fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::SlowStart => "slow_start",
        Phase::Recovery => "recovery",
        Phase::Avoidance => "congestion_avoidance",
    }
}

const fn trigger_of_phase(trigger: CongestionTrigger) -> &'static str {
    match trigger {
        CongestionTrigger::Loss => "loss",
        CongestionTrigger::PersistentCongestion => "persistent_congestion",
        CongestionTrigger::Ecn => "ecn",
        CongestionTrigger::SpuriousLoss => "spurious_loss",
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
        State::HandshakeStarted => "handshake_started",
        State::HandshakeComplete => "handshake_complete",
        State::HandshakeConfirmed => "handshake_confirmed",
        State::Closing => "closing",
        State::Draining => "draining",
        State::Closed => "closed",
    }
}

const fn migration(state: MigrationState) -> &'static str {
    match state {
        MigrationState::ProbingSuccessful => "probing_successful",
        MigrationState::Abandoned => "migration_abandoned",
        MigrationState::Complete(_) => "migration_complete",
    }
}

const fn trigger(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::IdleTimeout => "idle_timeout",
        Trigger::Application => "application",
        Trigger::Error => "error",
        Trigger::VersionMismatch => "version_mismatch",
        Trigger::StatelessReset => "stateless_reset",
        Trigger::Aborted => "aborted",
    }
}

#[cfg(test)]
mod tests;
