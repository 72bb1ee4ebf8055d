//! Transport parameters (RFC 9000 sections 7.4 and 18): what each end declares in its first flight.
//!
//! [`Parameters::read`] looks at each value and at all of them together; what only the connection knows (which ids its packets
//! bore, which version it speaks, what it remembered for early data) it gives to [`Parameters::authenticate`],
//! [`VersionInformation`] and [`Remembered`].

mod early;
mod preferred;
mod slots;
mod versions;

pub use early::Remembered;
pub use preferred::PreferredAddress;
pub use versions::VersionInformation;

use crate::{
    Fault,
    frame::Terms,
    ids::{ConnectionId, ResetToken},
    rules::{
        PARAMETERS, ParameterRule, Side, parameter,
        parameters::{Form, id},
    },
};
use sakigake_wire::{Entropy, Full, Reader, Writer, varint_len};
use slots::Slot;
pub(crate) use slots::Value;

/// What one end declares. A parameter that is not sent has its default here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// A server's: where the client sent its very first packet.
    pub original_destination_connection_id: Option<ConnectionId>,
    /// Silence ends the connection after so many milliseconds; 0 for never.
    pub max_idle_timeout_ms: u64,
    /// A server's: what a stateless reset for its first connection id ends with.
    pub stateless_reset_token: Option<ResetToken>,
    /// The largest UDP payload that is taken, in bytes.
    pub max_udp_payload_size: u64,
    /// Credit for the connection, in bytes.
    pub initial_max_data: u64,
    /// Credit for each bidirectional stream that the sender of this opens, in bytes.
    pub initial_max_stream_data_bidi_local: u64,
    /// Credit for each bidirectional stream that the receiver of this opens, in bytes.
    pub initial_max_stream_data_bidi_remote: u64,
    /// Credit for each unidirectional stream, in bytes.
    pub initial_max_stream_data_uni: u64,
    /// How many bidirectional streams the receiver of this may open.
    pub initial_max_streams_bidi: u64,
    /// How many unidirectional streams the receiver of this may open.
    pub initial_max_streams_uni: u64,
    /// ACK delays are written in units of 2 to this power microseconds.
    pub ack_delay_exponent: u64,
    /// Acknowledgements wait no longer, in milliseconds.
    pub max_ack_delay_ms: u64,
    /// Whether the receiver of this is to keep its address.
    pub disable_active_migration: bool,
    /// A server's: where it would rather be reached.
    pub preferred_address: Option<PreferredAddress>,
    /// How many connection ids are kept.
    pub active_connection_id_limit: u64,
    /// The Source Connection ID of the first Initial packet; never missing in what was read.
    pub initial_source_connection_id: Option<ConnectionId>,
    /// A server's: the Source Connection ID of its Retry packet.
    pub retry_source_connection_id: Option<ConnectionId>,
    /// Which versions there are (RFC 9368).
    pub version_information: Option<VersionInformation>,
    /// Whether RESET_STREAM_AT is taken.
    pub reset_stream_at: bool,
    /// The largest DATAGRAM frame that is taken, in bytes with type and length; 0 for none (RFC 9221).
    pub max_datagram_frame_size: u64,
    /// Whether packets are taken whose fixed bit is not set (RFC 9287).
    pub grease_quic_bit: bool,
    /// ACK_FREQUENCY is taken, and acknowledgements can wait so many microseconds at least.
    pub min_ack_delay_us: Option<u64>,
}

/// The ids that the packets of a handshake bore (section 7.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandshakeIds {
    /// The Source Connection ID of the peer's first Initial packet.
    pub initial_source: ConnectionId,
    /// The Destination Connection ID of the client's very first packet, before any Retry.
    pub original_destination: ConnectionId,
    /// The Source Connection ID of the Retry packet, if there was one.
    pub retry_source: Option<ConnectionId>,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            original_destination_connection_id: None,
            max_idle_timeout_ms: 0,
            stateless_reset_token: None,
            max_udp_payload_size: 65_527,
            initial_max_data: 0,
            initial_max_stream_data_bidi_local: 0,
            initial_max_stream_data_bidi_remote: 0,
            initial_max_stream_data_uni: 0,
            initial_max_streams_bidi: 0,
            initial_max_streams_uni: 0,
            ack_delay_exponent: 3,
            max_ack_delay_ms: 25,
            disable_active_migration: false,
            preferred_address: None,
            active_connection_id_limit: 2,
            initial_source_connection_id: None,
            retry_source_connection_id: None,
            version_information: None,
            reset_stream_at: false,
            max_datagram_frame_size: 0,
            grease_quic_bit: false,
            min_ack_delay_us: None,
        }
    }
}

impl Parameters {
    /// The parameters in the extension's bytes, as `sender` may send them.
    pub fn read(bytes: &[u8], sender: Side) -> Result<Self, Fault> {
        let mut parameters = Self::default();
        let mut seen = Seen::default();
        let mut reader = Reader::new(bytes);
        while !reader.is_empty() {
            let (parameter_id, value) = entry(&mut reader)?;
            if seen.holds(parameter_id) {
                return Err(Fault::DuplicateParameter { parameter: parameter_id }); // spec: 9000-7.4-n
            }
            let Some(rule) = parameter(parameter_id) else { continue }; // spec: 9000-7.4.2-m
            if !rule.may_come_from(sender) {
                return Err(Fault::ParameterOfServers { parameter: parameter_id }); // spec: 9000-18.2-q
            }
            parameters.take(rule, value)?;
        }
        parameters.check(sender)?;
        Ok(parameters)
    }

    /// Appends what differs from the defaults, and one reserved parameter that means nothing (section 18.1).
    pub fn write(&self, sender: Side, entropy: &mut dyn Entropy, out: &mut Writer<'_>) -> Result<(), Full> {
        out.all_or_nothing(|out| {
            for rule in PARAMETERS.iter().filter(|rule| rule.may_come_from(sender)) {
                self.put(rule, out)?; // spec: 9000-18.2-r
            }
            put_reserved(entropy, out)
        })
    }

    /// As [`Parameters::write`], into a vector of its own.
    pub fn to_vec(&self, sender: Side, entropy: &mut dyn Entropy) -> Vec<u8> {
        /// All values but the list of versions, each at its longest, and the reserved one.
        const MOST_BYTES: usize = 512;
        let versions = self.version_information.as_ref().map_or(0, VersionInformation::len);
        let mut bytes = vec![0; MOST_BYTES + versions];
        let mut out = Writer::new(&mut bytes);
        self.write(sender, entropy, &mut out).expect("the vector is as long as parameters can be");
        let len = out.written();
        bytes.truncate(len);
        bytes
    }

    /// Whether the ids that `sender` declared are those that its packets bore.
    pub fn authenticate(&self, sender: Side, ids: &HandshakeIds) -> Result<(), Fault> {
        let same = |declared: Option<ConnectionId>, borne: Option<ConnectionId>, parameter| {
            match (declared, borne) {
                (None, Some(_)) => Err(Fault::MissingParameter { parameter }), // spec: 9000-7.3-n
                (declared, borne) if declared == borne => Ok(()),
                _ => Err(Fault::ConnectionIdMismatch { parameter }), // spec: 9000-7.3-o
            }
        };
        let Self { original_destination_connection_id, initial_source_connection_id, .. } = *self;
        same(initial_source_connection_id, Some(ids.initial_source), id::INITIAL_SOURCE_CONNECTION_ID)?;
        if sender == Side::Client {
            return Ok(());
        }
        let original = Some(ids.original_destination);
        same(original_destination_connection_id, original, id::ORIGINAL_DESTINATION_CONNECTION_ID)?;
        same(self.retry_source_connection_id, ids.retry_source, id::RETRY_SOURCE_CONNECTION_ID)
    }

    /// What these, being our own, allow `sender` to send.
    pub fn terms(&self, sender: Side) -> Terms {
        Terms {
            sender,
            max_datagram_frame_size: self.max_datagram_frame_size,
            reset_stream_at: self.reset_stream_at,
            min_ack_delay_us: self.min_ack_delay_us,
        }
    }

    /// What a client keeps beside a ticket of the server that declared these (section 7.4.1).
    pub fn remembered(&self) -> Remembered {
        Remembered::of(self)
    }

    fn take(&mut self, rule: &ParameterRule, value: &[u8]) -> Result<(), Fault> {
        let malformed = Fault::MalformedParameter { parameter: rule.id };
        match self.slot(rule.id) {
            Some(Slot::Id(slot)) => *slot = Some(ConnectionId::new(value).ok_or(malformed)?),
            Some(Slot::Token(slot)) => {
                *slot = Some(ResetToken::new(value.try_into().map_err(|_| malformed)?));
            }
            Some(Slot::Integer(slot)) => *slot = integer(rule, value)?,
            Some(Slot::Optional(slot)) => *slot = Some(integer(rule, value)?),
            Some(Slot::Flag(_)) if !value.is_empty() => return Err(malformed), // spec: 9287-3-a rsa-3-m
            Some(Slot::Flag(slot)) => *slot = true,
            Some(Slot::Address(slot)) => *slot = Some(PreferredAddress::read(value)?),
            Some(Slot::Versions(slot)) => *slot = Some(VersionInformation::read(value)?),
            None => {}
        }
        Ok(())
    }

    /// What has to be there, and what has to fit together.
    fn check(&self, sender: Side) -> Result<(), Fault> {
        let missing = |parameter| Err(Fault::MissingParameter { parameter });
        let Some(source) = self.initial_source_connection_id else {
            return missing(id::INITIAL_SOURCE_CONNECTION_ID); // spec: 9000-7.3-m
        };
        if sender == Side::Server && self.original_destination_connection_id.is_none() {
            return missing(id::ORIGINAL_DESTINATION_CONNECTION_ID); // spec: 9000-7.3-m
        }
        if self.preferred_address.is_some() && source.is_empty() {
            return Err(Fault::PreferredAddressWithoutIds); // spec: 9000-18.2-s
        }
        if self.min_ack_delay_us.is_some_and(|least| least > self.max_ack_delay_ms * 1_000) {
            return Err(Fault::ParameterOutOfBounds { parameter: id::MIN_ACK_DELAY }); // spec: ackfreq-3-m
        }
        match &self.version_information {
            Some(versions) if sender == Side::Client => versions.check_offer(),
            _ => Ok(()),
        }
    }

    /// Appends one parameter, or nothing where it says what its absence says.
    fn put(&self, rule: &ParameterRule, out: &mut Writer<'_>) -> Result<(), Full> {
        let default = match rule.form {
            Form::Integer { default, .. } => default,
            _ => None,
        };
        match self.value(rule.id) {
            Some(Value::Id(Some(value))) => put_entry(out, rule.id, value.as_ref()),
            Some(Value::Token(Some(value))) => put_entry(out, rule.id, value.bytes()),
            Some(Value::Integer(value)) if Some(*value) != default => put_integer(out, rule.id, *value),
            Some(Value::Optional(Some(value))) => put_integer(out, rule.id, *value),
            Some(Value::Flag(true)) => put_entry(out, rule.id, b""),
            Some(Value::Address(Some(value))) => {
                put_head(out, rule.id, value.len())?;
                value.write(out)
            }
            Some(Value::Versions(Some(value))) => {
                put_head(out, rule.id, value.len())?;
                value.write(out)
            }
            _ => Ok(()),
        }
    }
}

/// The identifiers that have come. Of those that we do not know only the first few are kept: a peer may send any number, and
/// that they are all different is its affair.
#[derive(Default)]
struct Seen {
    known: u32,
    unknown: Vec<u64>,
}

impl Seen {
    const MOST_UNKNOWN: usize = 64;

    /// Whether `id` had come before; now it has.
    fn holds(&mut self, id: u64) -> bool {
        if let Some(row) = PARAMETERS.iter().position(|rule| rule.id == id) {
            let before = self.known;
            self.known |= 1 << row;
            return before == self.known;
        }
        let held = self.unknown.contains(&id);
        if !held && self.unknown.len() < Self::MOST_UNKNOWN {
            self.unknown.push(id);
        }
        held
    }
}

/// An identifier and its value.
fn entry<'a>(reader: &mut Reader<'a>) -> Result<(u64, &'a [u8]), Fault> {
    let mut entry = || {
        let (id, len) = (reader.varint().ok()?, reader.varint().ok()?);
        let value = reader.take(usize::try_from(len).ok()?).ok()?;
        Some((id, value))
    };
    entry().ok_or(Fault::ParametersEndEarly) // spec: 9000-18-m
}

/// An integer that fills its value and lies within its bounds.
fn integer(rule: &ParameterRule, value: &[u8]) -> Result<u64, Fault> {
    let mut reader = Reader::new(value);
    let read = reader.varint().ok().filter(|_| reader.is_empty());
    let integer = read.ok_or(Fault::MalformedParameter { parameter: rule.id })?; // spec: 9000-18.2-t
    match rule.form {
        Form::Integer { min, max, .. } if !(min..=max).contains(&integer) => {
            Err(Fault::ParameterOutOfBounds { parameter: rule.id }) // spec: 9000-7.4-m
        }
        _ => Ok(integer),
    }
}

/// A parameter that peers have to ignore: 31 * N + 27, with up to 15 bytes of anything (section 18.1).
fn put_reserved(entropy: &mut dyn Entropy, out: &mut Writer<'_>) -> Result<(), Full> {
    let mut random = [0; 20];
    entropy.fill(&mut random);
    let [a, b, c, d, len, value @ ..] = random;
    let number = u64::from(u32::from_be_bytes([a, b, c, d]));
    put_entry(out, 31 * number + 27, &value[..usize::from(len & 0x0f)])
}

fn put_integer(out: &mut Writer<'_>, id: u64, value: u64) -> Result<(), Full> {
    put_head(out, id, varint_len(value))?;
    out.varint(value)
}

fn put_entry(out: &mut Writer<'_>, id: u64, value: &[u8]) -> Result<(), Full> {
    put_head(out, id, value.len())?;
    out.put(value)
}

fn put_head(out: &mut Writer<'_>, id: u64, len: usize) -> Result<(), Full> {
    out.varint(id)?;
    out.varint(len as u64)
}

#[cfg(test)]
mod tests;
