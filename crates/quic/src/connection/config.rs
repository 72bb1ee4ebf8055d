//! How an endpoint's connections behave: checked once, shared by all of them.

use crate::{
    endpoint::{reset::ResetKey, token::AddressTokens},
    ids,
    parameters::{Parameters, VersionInformation},
    paths, recovery,
    recovery::{acks, congestion::Algorithm, rtt::INITIAL_RTT},
    rules::{
        MAX_ACK_DELAY_MS, MAX_STREAM_COUNT,
        versions::{VERSION_1, VERSION_2, Version},
    },
    streams,
};
use core::{
    fmt,
    net::{SocketAddr, SocketAddrV4, SocketAddrV6},
    ops::Deref,
};
use sakigake_crypto::{Provider, Suite};
use sakigake_wire::{MAX_VARINT, Span};
use std::sync::Arc;

/// What an endpoint's connections are to do; [`Options::build`] checks it.
#[derive(Clone)]
pub struct Options {
    /// The versions that are spoken, best first: a server goes on in the first of them that the client's first flight can
    /// become (RFC 9368); a client begins with the first and offers the others.
    pub versions: Vec<&'static Version>,
    /// Silence ends a connection after so many milliseconds; 0 for never.
    pub max_idle_timeout_ms: u64,
    /// How often the peer is to hear from us when nothing else is said; none leaves a silent connection to its end. A client that only listens
    /// needs it behind a NAT that may forget it (RFC 9000 section 10.1.2): what the server says goes to where the client was, its probes too,
    /// and nobody but the client can say where that is now.
    pub keep_alive: Option<Span>,
    /// Acknowledgements wait no longer, in milliseconds.
    pub max_ack_delay_ms: u64,
    /// The least delay of acknowledgements that the peer may ask for, in microseconds, which says that it may ask at all
    /// (draft-ietf-quic-ack-frequency); none where it may not.
    pub min_ack_delay_us: Option<u64>,
    /// The largest DATAGRAM frame that is taken, in bytes with type and length; 0 for none (RFC 9221).
    pub max_datagram_frame_bytes: u64,
    /// Whether the peer may leave the Fixed Bit out (RFC 9287).
    pub grease_quic_bit: bool,
    /// Whether RESET_STREAM_AT is taken.
    pub reset_stream_at: bool,
    /// A server's: clients are to keep their address.
    pub disable_active_migration: bool,
    /// A server's other address, for clients that come over IPv4: they go there once the handshake is confirmed (RFC 9000 section
    /// 9.6). Its owner receives there too.
    pub preferred_v4: Option<SocketAddrV4>,
    /// The same, for clients that come over IPv6.
    pub preferred_v6: Option<SocketAddrV6>,
    /// How the congestion window grows.
    pub algorithm: Algorithm,
    /// The round trip to assume before the first sample.
    pub initial_rtt: Span,
    /// Whether packets are marked ECT(0) on paths that carry marks.
    pub ecn: bool,
    /// From which the stateless reset tokens of our ids follow; without it nobody can reset our connections.
    pub reset_key: Option<ResetKey>,
    /// A server's: makes the tokens of NEW_TOKEN frames; without it none is sent.
    pub tokens: Option<Arc<AddressTokens>>,
    /// The seconds since 1970 at the beginning of [`sakigake_wire::Instant`]'s count, for tokens.
    pub unix_secs_at_start: u64,
    /// What a connection may cost.
    pub limits: Limits,
}

/// Bounds of one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Streams and the handshake's bytes.
    pub streams: streams::Limits,
    /// Connection ids.
    pub ids: ids::Limits,
    /// Paths.
    pub paths: paths::Limits,
    /// Packets under way.
    pub recovery: recovery::Limits,
    /// Packets received.
    pub acks: acks::Limits,
    /// Packets that came before their keys and wait for them.
    pub early_packets: usize,
    /// DATAGRAM frames that wait to leave, in bytes.
    pub datagram_queue_bytes: usize,
    /// The longest token that is taken from a server, for Retry or for later, in bytes; at most 1,024.
    pub token_bytes: usize,
    /// Facts of a traced connection that wait until its owner listens, in bytes.
    pub trace_queue_bytes: usize,
}

/// The longest token beside which an Initial packet of 1,200 bytes has room for CRYPTO, whatever its ids.
const MOST_TOKEN_BYTES: usize = 1_024;

/// The suite of Initial packets (RFC 9001 section 5.2).
const TLS_AES_128_GCM_SHA256: u16 = 0x1301;

/// Checked [`Options`].
pub struct Config {
    options: Options,
    initial_suite: &'static Suite,
}

/// What is wrong with [`Options`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unfit(
    /// In words.
    pub &'static str,
);

impl Default for Limits {
    fn default() -> Self {
        Self {
            streams: streams::Limits::default(),
            ids: ids::Limits::default(),
            paths: paths::Limits::default(),
            recovery: recovery::Limits::default(),
            acks: acks::Limits::default(),
            early_packets: 16,
            datagram_queue_bytes: 64 << 10,
            token_bytes: 1_024,
            trace_queue_bytes: 1 << 20,
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            versions: vec![&VERSION_1, &VERSION_2],
            max_idle_timeout_ms: 30_000,
            keep_alive: None,
            max_ack_delay_ms: 25,
            min_ack_delay_us: Some(1_000),
            max_datagram_frame_bytes: 0,
            grease_quic_bit: true,
            reset_stream_at: true,
            disable_active_migration: false,
            preferred_v4: None,
            preferred_v6: None,
            algorithm: Algorithm::default(),
            initial_rtt: INITIAL_RTT,
            ecn: true,
            reset_key: None,
            tokens: None,
            unix_secs_at_start: 0,
            limits: Limits::default(),
        }
    }
}

impl Options {
    /// Where a server would rather be reached.
    pub(super) fn preferred_addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.preferred_v4.map(SocketAddr::V4).into_iter().chain(self.preferred_v6.map(SocketAddr::V6))
    }

    /// Checks that what is declared can be declared, and that `provider` has what Initial packets need.
    ///
    /// # Errors
    /// [`Unfit`] says what cannot.
    pub fn build(self, provider: &'static Provider) -> Result<Arc<Config>, Unfit> {
        let suite = provider.suites.iter().find(|suite| suite.id == TLS_AES_128_GCM_SHA256);
        let initial_suite = suite.ok_or(Unfit("the provider lacks TLS_AES_128_GCM_SHA256"))?;
        let streams = &self.limits.streams;
        let integers = [
            self.max_idle_timeout_ms,
            self.max_datagram_frame_bytes,
            streams.initial_connection_window_bytes,
            streams.initial_stream_window_bytes,
        ];
        let checks = [
            (!self.versions.is_empty(), "no version is spoken"),
            (self.max_ack_delay_ms <= MAX_ACK_DELAY_MS, "max_ack_delay_ms is above 16,383"),
            (
                self.min_ack_delay_us.is_none_or(|least| least <= self.max_ack_delay_ms * 1_000),
                "min_ack_delay_us is above max_ack_delay_ms",
            ),
            (integers.iter().all(|integer| *integer <= MAX_VARINT), "a parameter is above 2^62 - 1"),
            (
                streams.bidirectional_streams.max(streams.unidirectional_streams) <= MAX_STREAM_COUNT,
                "more than 2^60 streams",
            ),
            (self.limits.ids.active_ids >= 2, "active_ids is below 2"),
            (self.initial_rtt > Span::ZERO, "initial_rtt is 0"),
            (
                self.preferred_addresses()
                    .all(|address| !address.ip().is_unspecified() && address.port() != 0),
                "a preferred address is no place to go to",
            ),
            (self.limits.token_bytes <= MOST_TOKEN_BYTES, "token_bytes is above 1,024"),
        ];
        match checks.iter().find(|(holds, _)| !holds) {
            Some((_, what)) => Err(Unfit(what)),
            None => Ok(Arc::new(Config { options: self, initial_suite })),
        }
    }
}

impl Config {
    /// What we declare, but for what belongs to one connection: its ids and its version.
    pub(super) fn parameters(&self) -> Parameters {
        let streams = &self.limits.streams;
        Parameters {
            max_idle_timeout_ms: self.max_idle_timeout_ms,
            initial_max_data: streams.initial_connection_window_bytes,
            initial_max_stream_data_bidi_local: streams.initial_stream_window_bytes,
            initial_max_stream_data_bidi_remote: streams.initial_stream_window_bytes,
            initial_max_stream_data_uni: streams.initial_stream_window_bytes,
            initial_max_streams_bidi: streams.bidirectional_streams,
            initial_max_streams_uni: streams.unidirectional_streams,
            max_ack_delay_ms: self.max_ack_delay_ms,
            min_ack_delay_us: self.min_ack_delay_us,
            disable_active_migration: self.disable_active_migration,
            active_connection_id_limit: self.limits.ids.active_ids as u64,
            reset_stream_at: self.reset_stream_at,
            max_datagram_frame_size: self.max_datagram_frame_bytes,
            grease_quic_bit: self.grease_quic_bit,
            ..Parameters::default()
        }
    }

    /// What protects Initial packets.
    pub(super) fn initial_suite(&self) -> &'static Suite {
        self.initial_suite
    }

    /// version_information of a connection in `chosen`.
    pub(super) fn version_information(&self, chosen: &Version) -> VersionInformation {
        let available = self.versions.iter().map(|version| version.number).collect();
        VersionInformation { chosen: chosen.number, available }
    }
}

impl Deref for Config {
    type Target = Options;

    fn deref(&self) -> &Options {
        &self.options
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl core::error::Error for Unfit {}
