//! How a connection begins: a client's attempt, with Retry and version negotiation, and a server's acceptance (RFC 9000
//! sections 6, 7 and 17.2.5; RFC 9368).

use super::{
    Config, Connection, Event,
    carried::{Once, Settlement},
    close::Life,
    frequency::Asked,
    handshake::{remembered_of, version_of},
    haste::Haste,
    keyring::{KeyTimes, Keyring},
    spaces::Spaces,
};
use crate::{
    endpoint::{Accepted, idle::Idle, reset::ResetKey},
    frame::Terms,
    ids::{self, ConnectionId, Issued},
    packet,
    parameters::{HandshakeIds, Parameters, Remembered},
    paths::{Addresses, PathId, Paths},
    recovery::{self, Recovery, Space, acks::Mark},
    rules::{
        Epoch, Side,
        versions::{Version, version},
    },
    streams::{PeerLimits, Streams},
};
use sakigake_crypto::Secret;
use sakigake_tls as tls;
use sakigake_wire::{Entropy, Instant, Span};
use std::{collections::VecDeque, sync::Arc};

/// Bytes of the id that a client's first packets go to (RFC 9000 section 7.2: at least 8).
const FIRST_ID_BYTES: usize = 16;
/// Bytes of a connection's own key for stateless resets, which nobody will ever send.
const RESET_KEY_BYTES: usize = 32;

/// What a client begins with.
pub struct Attempt<'a> {
    /// The server: a DNS name or an IP address.
    pub server_name: &'a str,
    /// An earlier connection to go on from.
    pub session: Option<tls::Session>,
    /// What [`Event::NewToken`](super::Event::NewToken) told on an earlier connection to this server, or nothing. One of another version than
    /// this connection begins with is not shown (RFC 9369 section 5), nor one that is longer than [`super::Limits::token_bytes`].
    pub token: Vec<u8>,
    /// Both ends of the path.
    pub addresses: Addresses,
    /// Our id in the handshake, by which the owner routes; empty where it needs none.
    pub local: ConnectionId,
    /// The version to begin with; otherwise that of the session, which is worthless in another one, or the first of the
    /// configuration's.
    pub version: Option<&'static Version>,
    /// Whether a Version Negotiation packet led to this version.
    pub has_reacted: bool,
}

/// Where a connection's chance comes from: one source for TLS, one for the rest.
pub struct Chance {
    /// Of the handshake.
    pub tls: Box<dyn Entropy>,
    /// Of everything else.
    pub quic: Box<dyn Entropy>,
}

/// What the handshake alone needs.
pub(super) struct Opening {
    /// Where the client's very first packet went.
    pub(super) original_dcid: ConnectionId,
    /// What Initial keys follow from.
    pub(super) keyed_by: ConnectionId,
    pub(super) retry_source: Option<ConnectionId>,
    /// The peer's Source Connection ID, from its first packet on.
    pub(super) peer_source: Option<ConnectionId>,
    /// Our id.
    pub(super) local: ConnectionId,
    /// A server's second one, which its preferred address is told with.
    pub(super) preferred: Option<ConnectionId>,
    /// A client's token for its Initial packets.
    pub(super) token: Vec<u8>,
    /// The version that the client began with.
    pub(super) first_version: &'static Version,
    pub(super) has_reacted: bool,
    /// Client: what the server declared on the connection that this one goes on from.
    pub(super) remembered: Option<Remembered>,
    pub(super) early_offer: Option<tls::EarlyOffer>,
    /// What was logged before anybody listened.
    pub(super) key_log: Vec<tls::KeyLogLine>,
    /// Packets that came before their keys.
    pub(super) early: VecDeque<Early>,
    pub(super) haste: Haste,
}

/// A packet that came before its keys.
pub(super) struct Early {
    pub(super) bytes: Vec<u8>,
    pub(super) epoch: crate::rules::Epoch,
    /// When it came.
    pub(super) at: Instant,
    pub(super) addresses: Addresses,
    pub(super) mark: Mark,
    pub(super) datagram_bytes: usize,
}

/// What an owner keeps of a token: the version that it is for goes before it.
pub(super) fn kept_token(version: &Version, token: &[u8]) -> Vec<u8> {
    [&version.number.to_be_bytes()[..], token].concat()
}

/// What a connection that begins in `version` shows of it.
fn shown_token<'a>(version: &Version, kept: &'a [u8], most_bytes: usize) -> &'a [u8] {
    match kept.split_first_chunk() {
        Some((of, token)) if u32::from_be_bytes(*of) == version.number && token.len() <= most_bytes => token, // spec: 9369-5-d
        _ => &[],
    }
}

impl Opening {
    /// The ids that the peer's parameters have to name.
    pub(super) fn ids(&self) -> HandshakeIds {
        HandshakeIds {
            initial_source: self.peer_source.unwrap_or_default(),
            original_destination: self.original_dcid,
            retry_source: self.retry_source,
        }
    }
}

impl Connection {
    /// A client; its first flight is ready to transmit.
    ///
    /// # Errors
    /// [`tls::Misuse`], where TLS cannot begin.
    pub fn client(
        tls_config: Arc<tls::client::Config>,
        config: Arc<Config>,
        attempt: Attempt<'_>,
        now: Instant,
        mut chance: Chance,
    ) -> Result<Self, tls::Misuse> {
        let kept = attempt.session.as_ref().and_then(tls::Session::transport);
        let of_session = kept.and_then(version_of).filter(|version| config.versions.contains(version));
        let version = attempt.version.or(of_session).unwrap_or(config.versions[0]); // `Options::build` saw to it that there is one.
        let original_dcid = ConnectionId::random(FIRST_ID_BYTES, &mut *chance.quic); // spec: 9000-7.2-a
        let mut own = config.parameters();
        own.initial_source_connection_id = Some(attempt.local);
        own.version_information = Some(config.version_information(version));
        let remembered = kept.and_then(|bytes| remembered_of(bytes, version));
        let session = attempt.session.filter(|_| remembered.is_some()); // spec: 9369-5-a
        let parameters = own.to_vec(Side::Client, &mut *chance.quic);
        let mut flight = tls::Flight::default();
        let server_name = attempt.server_name;
        let tls = tls::Handshake::quic_client(
            tls_config,
            server_name,
            session,
            parameters,
            now,
            chance.tls,
            &mut flight,
        )?;
        let opening = Opening {
            original_dcid,
            keyed_by: original_dcid,
            retry_source: None,
            peer_source: None,
            local: attempt.local,
            preferred: None,
            token: shown_token(version, &attempt.token, config.limits.token_bytes).to_vec(),
            first_version: version,
            has_reacted: attempt.has_reacted,
            remembered,
            early_offer: None,
            key_log: Vec::new(),
            early: VecDeque::new(),
            haste: Haste::new(),
        };
        let paths = Paths::client(now, attempt.addresses, config.limits.paths);
        let theirs = ids::Received::new(original_dcid, paths.active().id, &config.limits.ids);
        let terms = own.terms(Side::Server);
        let mut connection =
            Self::new(Side::Client, config, version, now, chance.quic, tls, opening, paths, theirs, terms);
        connection.depart(now, flight);
        Ok(connection)
    }

    /// A server, for a client whose first datagram the owner hands to [`Connection::handle`] next.
    pub fn server(
        tls_config: Arc<tls::server::Config>,
        config: Arc<Config>,
        accepted: &Accepted,
        now: Instant,
        chance: Chance,
    ) -> Self {
        let tls = tls::Handshake::quic_server(tls_config, now, chance.tls);
        let opening = Opening {
            original_dcid: accepted.original_dcid,
            keyed_by: accepted.dcid,
            retry_source: accepted.retry_source,
            peer_source: None, // What the first packet that opens says: this one may have been changed on its way.
            local: accepted.local,
            preferred: None,
            token: Vec::new(),
            first_version: accepted.version,
            has_reacted: false,
            remembered: None,
            early_offer: None,
            key_log: Vec::new(),
            early: VecDeque::new(),
            haste: Haste::new(),
        };
        let is_v4 = accepted.addresses.local.is_ipv4();
        let preferred = config.preferred_addresses().find(|address| address.is_ipv4() == is_v4);
        let mut paths = Paths::server(now, accepted.addresses, preferred, config.limits.paths);
        if accepted.is_validated {
            let path = paths.active().id;
            paths.validated(path, &mut |_| {});
        }
        let theirs = ids::Received::new(accepted.peer, paths.active().id, &config.limits.ids);
        let terms = config.parameters().terms(Side::Client);
        Self::new(
            Side::Server,
            config,
            accepted.version,
            now,
            chance.quic,
            tls,
            opening,
            paths,
            theirs,
            terms,
        )
    }

    #[allow(clippy::too_many_arguments, reason = "both sides come together here and nowhere else")]
    fn new(
        side: Side,
        config: Arc<Config>,
        version: &'static Version,
        now: Instant,
        mut entropy: Box<dyn Entropy>,
        tls: tls::Handshake,
        opening: Opening,
        paths: Paths,
        theirs: ids::Received,
        terms: Terms,
    ) -> Self {
        let limits = &config.limits;
        let recovery = recovery_config(side, &config);
        let reset_key = config.reset_key.clone().unwrap_or_else(|| {
            let secret = Secret::filled(RESET_KEY_BYTES, |out| entropy.fill(out));
            ResetKey::new(config.initial_suite().hash, secret)
        });
        Self {
            side,
            version,
            entropy,
            life: Life::Open,
            tls: Box::new(tls),
            keys: Keyring::new(config.initial_suite(), side, version, opening.keyed_by.as_ref()),
            spaces: Spaces::new(Span::from_millis(config.max_ack_delay_ms), limits.acks, &limits.streams),
            recovery: Recovery::new(now, recovery),
            streams: Streams::new(side == Side::Client, limits.streams.clone()),
            paths,
            issued: Issued::new(opening.local, &limits.ids),
            theirs,
            idle: Idle::new(now, config.max_idle_timeout_ms, config.keep_alive),
            reset_key,
            once: Once::default(),
            peer: None,
            terms,
            arrived_at: opening.local,
            opening: Some(Box::new(opening)),
            is_established: false,
            is_confirmed: false,
            has_asked: false,
            probes: [0; 3],
            repeats: (Space::Initial, 0..0),
            paced_until: None,
            key_times: KeyTimes::default(),
            asked: Asked::default(),
            datagrams: VecDeque::new(),
            datagram_queue_bytes: 0,
            early_terms: Vec::new(),
            wants_ping: false,
            unasked: 0,
            watch: super::watch::Watch::default(),
            config,
        }
    }

    /// Client: a Retry packet, `whole` of it. Whether it counts: what is not genuine, late or the second one does not (RFC
    /// 9000 section 17.2.5.2).
    pub(super) fn on_retry(
        &mut self,
        now: Instant,
        version: &'static Version,
        source: &[u8],
        token: &[u8],
        whole: &[u8],
    ) -> bool {
        let Some(opening) = self.opening.as_mut().filter(|opening| opening.peer_source.is_none()) else {
            return false; // spec: 9000-17.2.5.2-a
        };
        let Some(id) = ConnectionId::new(source) else { return false };
        let is_first = opening.retry_source.is_none() && version == self.version;
        let is_genuine = packet::retry::is_genuine(
            self.config.initial_suite(),
            version,
            opening.original_dcid.as_ref(),
            whole,
        );
        let is_kept = token.len() <= self.config.limits.token_bytes;
        if !is_first || !is_genuine || !is_kept || id == opening.original_dcid {
            return false;
        }
        opening.retry_source = Some(id);
        opening.keyed_by = id;
        opening.token = token.to_vec(); // spec: 9000-17.2.5.3-a 9000-8.1.2-a 9000-8.1.3-a
        self.theirs.answered(id);
        self.keys.begin(version, id.as_ref());
        for space in [Space::Initial, Space::Application] {
            self.withdraw(now, space);
        }
        true
    }

    /// All that was sent in a space was in vain, and leaves again.
    pub(super) fn withdraw(&mut self, now: Instant, space: Space) {
        let Self { recovery, spaces, streams, issued, theirs, once, asked, .. } = self;
        let heard = |_: crate::streams::Heard<'_>| {}; // Nothing is acknowledged here.
        let mut settlement = Settlement { spaces, streams, issued, received: theirs, once, asked, heard };
        recovery.withdraw(now, space, &mut |_, fate| settlement.settle(&fate));
    }

    /// Client: a Version Negotiation packet. Whether it counts: only before anything else was heard, and where it does not name the
    /// version that we speak (RFC 9000 section 6.2).
    pub(super) fn on_version_negotiation(
        &mut self,
        now: Instant,
        packet: &packet::Packet<'_>,
        heard: &mut impl FnMut(Event<'_>),
    ) -> bool {
        let packet::Header::VersionNegotiation { dcid, scid, versions } = &packet.header else {
            return false;
        };
        let Some(opening) = &self.opening else { return false };
        let is_first = opening.peer_source.is_none() && opening.retry_source.is_none();
        let is_ours = *dcid == opening.local.as_ref() && *scid == opening.original_dcid.as_ref();
        if !is_first || !is_ours || versions.contains(self.version.number) {
            return false; // spec: 9000-6.2-a 9000-6.2-b
        }
        let known: Vec<u32> = versions.iter().filter(|number| version(*number).is_some()).collect();
        heard(Event::OtherVersions(&known));
        self.end(now, super::Closed::Version, heard);
        true
    }

    /// What the peer declared takes effect.
    pub(super) fn adopt(&mut self, parameters: Parameters) {
        if !self.keys.can_send(Epoch::ZeroRtt) {
            self.streams.grant(limits_of(&parameters)); // spec: 9000-7.4.1-p
        }
        self.issued.allow(parameters.active_connection_id_limit);
        self.idle.negotiate(parameters.max_idle_timeout_ms);
        self.paths.limit_datagrams(parameters.max_udp_payload_size);
        self.recovery.set_max_ack_delay(Span::from_millis(parameters.max_ack_delay_ms));
        self.peer = Some(Box::new(parameters));
    }

    /// Gives back the room that a connection at rest does not need: its queues', and its keys'.
    pub(super) fn shrink(&mut self) {
        self.recovery.shrink();
        self.streams.shrink();
        self.spaces.application.acks.shrink();
        self.datagrams.shrink_to_fit();
        if let Some(phases) = self.keys.phases() {
            phases.rest();
        }
    }

    /// The path that datagrams take unless they probe.
    pub(super) fn active_path(&self) -> PathId {
        self.paths.active().id
    }
}

/// What streams have to know of a peer's parameters.
pub(super) fn limits_of(parameters: &Parameters) -> PeerLimits {
    PeerLimits {
        data: parameters.initial_max_data,
        stream_data_bidi_local: parameters.initial_max_stream_data_bidi_local,
        stream_data_bidi_remote: parameters.initial_max_stream_data_bidi_remote,
        stream_data_uni: parameters.initial_max_stream_data_uni,
        streams_bidi: parameters.initial_max_streams_bidi,
        streams_uni: parameters.initial_max_streams_uni,
    }
}

/// How losses are found and the window grows.
fn recovery_config(side: Side, config: &Config) -> recovery::Config {
    recovery::Config {
        algorithm: config.algorithm,
        initial_rtt: config.initial_rtt,
        ecn: config.ecn,
        limits: config.limits.recovery,
        ..recovery::Config::new(side == Side::Client)
    }
}
