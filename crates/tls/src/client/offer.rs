use super::{Config, grease, resume::Resumable};
use crate::{
    EarlyData, EarlyOffer, Misuse, Session,
    client::grease::Grease,
    extension::{
        CertificateStatusRequest, ClientHelloExtensions, KeyShareEntry, List, OfferedPsks, Opaque8,
        RawExtension, ServerName,
    },
    message::ClientHello,
    rules::{self, ExtensionType, ProtocolVersion, PskKeyExchangeMode},
    transcript::Transcript,
};
use rustls_pki_types::ServerName as HostName;
use sakigake_crypto::{BadShare, Group, KeyShare, Secret};
use sakigake_wire::{Entropy, Instant};
use std::sync::Arc;

/// What our ClientHello says; the second one says the same but for shares and cookie.
pub(super) struct Offer {
    pub(super) config: Arc<Config>,
    /// The host, as certificates are judged by it: lower case, no final dot.
    pub(super) server_name: String,
    pub(super) random: [u8; 32],
    pub(super) session_id: Vec<u8>,
    pub(super) has_sni: bool,
    pub(super) grease: Option<Grease>,
    /// All extensions that any of the two ClientHellos may have, in their order, but for `pre_shared_key`, the last one.
    pub(super) order: Vec<ExtensionType>,
    /// The connection that may go on.
    pub(super) resumable: Option<Resumable>,
    /// The early data that we say we send; none once the server refused it.
    pub(super) early: Option<EarlyOffer>,
    /// What became of it.
    pub(super) early_data: EarlyData,
    /// Our transport parameters where QUIC carries it all.
    pub(super) parameters: Option<Vec<u8>>,
}

impl Offer {
    /// Draws what one connection keeps.
    pub(super) fn new(
        config: Arc<Config>,
        server_name: &str,
        session: Option<Session>,
        parameters: Option<Vec<u8>>,
        now: Instant,
        entropy: &mut dyn Entropy,
    ) -> Result<Self, Misuse> {
        let server_name = server_name.strip_suffix('.').unwrap_or(server_name).to_ascii_lowercase();
        let parsed = HostName::try_from(server_name.as_str());
        let has_sni = match parsed.map_err(|_| Misuse::ServerName(server_name.clone()))? {
            HostName::DnsName(_) => true,
            _ => false, // RFC 6066 section 3: no literal addresses
        };
        let mut chance = [[0; 32]; 5];
        entropy.fill(chance.as_flattened_mut()); // At once: what it costs hardly depends on the length.
        let [random, session_id, grease, shuffle @ ..] = chance;
        let is_quic = parameters.is_some();
        let session_id = match config.middlebox {
            true if is_quic => Vec::new(), // spec: 9001-8.4-a
            true => session_id.to_vec(),
            false => Vec::new(), // spec: 9846-4.2.2-k
        };
        let [a, b, c, d, e, ..] = grease;
        let grease = config.grease.then(|| Grease::draw([a, b, c, d, e]));
        let mut order = Vec::with_capacity(ORDER.len() + 3);
        order.extend_from_slice(ORDER);
        if is_quic {
            order.push(ExtensionType::QUIC_TRANSPORT_PARAMETERS);
        } else if config.offers_later() {
            order.push(ExtensionType::POST_HANDSHAKE_AUTH);
        }
        if let Some(grease) = &grease {
            order.extend(grease.extensions.map(ExtensionType));
            grease::shuffle(&mut order, shuffle.as_flattened());
        }
        let resumable =
            session.and_then(|session| Resumable::new(session, &config, &server_name, is_quic, now));
        let early = resumable.as_ref().and_then(|resumable| resumable.early(&config));
        let early_data = EarlyData::None;
        Ok(Self {
            config,
            server_name,
            random,
            session_id,
            has_sni,
            grease,
            order,
            resumable,
            early,
            early_data,
            parameters,
        })
    }

    /// Whether QUIC carries it all.
    pub(super) fn is_quic(&self) -> bool {
        self.parameters.is_some()
    }

    /// The most that we take in a protected record; QUIC has none.
    pub(super) fn record_size_limit(&self) -> Option<u16> {
        self.config.record_size_limit.filter(|_| !self.is_quic())
    }

    /// The server takes no early data; whether there was any.
    pub(super) fn reject_early_data(&mut self) -> bool {
        let had_some = self.early.take().is_some();
        if had_some {
            self.early_data = EarlyData::Rejected;
        }
        had_some
    }

    /// The ClientHello with these shares and this cookie, header included. `before` holds the messages before it, where
    /// there are any.
    pub(super) fn client_hello(
        &self,
        shares: &[KeyShareEntry<'_>],
        cookie: Option<&[u8]>,
        before: Option<&Transcript>,
        now: Instant,
    ) -> Vec<u8> {
        let provider = self.config.provider;
        let grease = self.grease.as_ref();
        let mut codes = Vec::with_capacity(CODES); // One after the other, the lists of code points.
        let mut list = |grease: Option<u16>, ours: &mut dyn Iterator<Item = u16>| {
            let from = codes.len();
            codes.extend(grease.into_iter().chain(ours));
            from..codes.len()
        };
        let suites = list(grease.map(|g| g.suite), &mut provider.suites.iter().map(|row| row.id));
        let groups = self.config.offered_groups();
        let groups = list(grease.map(|g| g.group), &mut groups.iter().map(|row| row.id));
        let tls_1_3 = ProtocolVersion::TLS_1_3.0;
        let versions = list(grease.map(|g| g.version), &mut core::iter::once(tls_1_3)); // spec: 9846-4.3.1-k spec: 9001-4.2-a
        let protocols: Vec<Opaque8<'_>> = self.config.alpn.iter().map(|name| Opaque8(name)).collect();
        let order: Vec<RawExtension<'_>> = self.order.iter().map(|kind| self.raw(*kind)).collect();
        let identity = self.resumable.as_ref().map(|resumable| resumable.identity(&self.config, now));
        let no_binder = self.resumable.as_ref().map(Resumable::no_binder);
        let psks = identity.as_ref().zip(no_binder.as_ref()).map(|(identity, binder)| OfferedPsks {
            identities: List::Items(core::slice::from_ref(identity)),
            binders: List::Items(core::slice::from_ref(binder)),
        });
        let compressions = list(None, &mut self.config.compressions.iter().map(|row| row.id));
        let tickets = self.config.tickets;
        let extensions = ClientHelloExtensions {
            server_name: self.has_sni.then_some(ServerName(&self.server_name)), // spec: 9113-9.2-a
            supported_groups: Some(List::Items(&codes[groups])),
            signature_algorithms: Some(List::Items(self.config.offered_schemes())),
            application_layer_protocol_negotiation: Some(List::Items(&protocols))
                .filter(|list| !list.is_empty()),
            supported_versions: Some(List::Items(&codes[versions])),
            cookie,
            key_share: Some(List::Items(shares)),
            record_size_limit: self.record_size_limit(),
            status_request: self.config.staples.then(CertificateStatusRequest::default),
            signed_certificate_timestamp: self.config.staples.then_some(()),
            compress_certificate: Some(List::Items(&codes[compressions])).filter(|list| !list.is_empty()),
            psk_key_exchange_modes: tickets.map(|_| List::Items(&MODES)), // spec: 9846-4.3.9-c
            ticket_request: tickets,                                      // spec: 9149-3-c
            post_handshake_auth: (self.config.offers_later() && !self.is_quic()).then_some(()),
            quic_transport_parameters: self.parameters.as_deref(), // spec: 9001-8.2-a
            early_data: self.early.as_ref().map(|_| ()),           // spec: 9846-4.3.10-b
            pre_shared_key: psks,
            order: List::Items(&order),
            ..ClientHelloExtensions::default()
        };
        let hello = ClientHello {
            random: self.random,
            legacy_session_id: &self.session_id,
            cipher_suites: List::Items(&codes[suites]),
            extensions,
        };
        let shares_len: usize = shares.iter().map(|share| share.key_exchange.len()).sum();
        let mut message = Vec::with_capacity(512 + shares_len + cookie.map_or(0, <[u8]>::len));
        hello.write(&mut message);
        if let Some(resumable) = &self.resumable {
            resumable.bind(&mut message, before);
        }
        message
    }

    /// Whether we take `scheme` in CertificateVerify.
    pub(super) fn takes(&self, scheme: u16) -> bool {
        self.config.provider.verification(scheme).is_some_and(|row| row.in_handshake)
    }

    /// Whether a response to this extension is one that we asked for.
    pub(super) fn has(&self, kind: ExtensionType) -> bool {
        match kind {
            ExtensionType::SERVER_NAME => self.has_sni,
            ExtensionType::APPLICATION_LAYER_PROTOCOL_NEGOTIATION => !self.config.alpn.is_empty(),
            // Answered by a message of its own, never by an extension.
            ExtensionType::COOKIE | ExtensionType::COMPRESS_CERTIFICATE => false,
            ExtensionType::STATUS_REQUEST | ExtensionType::SIGNED_CERTIFICATE_TIMESTAMP => {
                self.config.staples
            }
            ExtensionType::RECORD_SIZE_LIMIT => self.record_size_limit().is_some(),
            ExtensionType::EARLY_DATA => self.early.is_some(),
            ExtensionType::PRE_SHARED_KEY => self.resumable.is_some(),
            ExtensionType::PSK_KEY_EXCHANGE_MODES | ExtensionType::TICKET_REQUEST => {
                self.config.tickets.is_some()
            }
            _ => !rules::is_grease(kind.0) && self.order.contains(&kind), // spec: 9846-4.3-m
        }
    }

    /// The share of one byte under a group that means nothing.
    pub(super) fn grease_share(&self) -> Option<KeyShareEntry<'static>> {
        self.grease.as_ref().map(|grease| KeyShareEntry { group: grease.group, key_exchange: &[0] })
    }

    fn raw(&self, kind: ExtensionType) -> RawExtension<'static> {
        let is_second = self.grease.as_ref().is_some_and(|grease| grease.extensions[1] == kind.0);
        RawExtension { kind, data: if is_second { &[0] } else { &[] } }
    }
}

/// Extensions that we send, or may have to send.
const ORDER: &[ExtensionType] = &[
    ExtensionType::SERVER_NAME,
    ExtensionType::SUPPORTED_GROUPS,
    ExtensionType::SIGNATURE_ALGORITHMS,
    ExtensionType::APPLICATION_LAYER_PROTOCOL_NEGOTIATION,
    ExtensionType::SUPPORTED_VERSIONS,
    ExtensionType::COOKIE,
    ExtensionType::KEY_SHARE,
    ExtensionType::PSK_KEY_EXCHANGE_MODES,
    ExtensionType::TICKET_REQUEST,
    ExtensionType::COMPRESS_CERTIFICATE,
    ExtensionType::RECORD_SIZE_LIMIT,
    ExtensionType::STATUS_REQUEST,
    ExtensionType::SIGNED_CERTIFICATE_TIMESTAMP,
];

/// Code points in a ClientHello, as a rule: those of suites, groups, versions and compressions, with GREASE's.
const CODES: usize = 16;

/// A ticket's key is only used together with a key exchange.
const MODES: [u8; 1] = [PskKeyExchangeMode::PSK_DHE_KE.0];

// Two blocks of 32 bytes shuffle up to 17 items, GREASE's two and one of `post_handshake_auth` and
// `quic_transport_parameters` included.
const _: () = assert!(ORDER.len() + 3 <= 17);

/// A key pair of ours, offered under its group's name, and under its component's where we offer that group too.
pub(super) struct Share {
    pub(super) group: &'static Group,
    pub(super) component: Option<u16>,
    pub(super) pair: Box<dyn KeyShare>,
}

impl Share {
    /// A new pair. `offered` are the groups that we name.
    pub(super) fn start(group: &'static Group, offered: &[&Group], entropy: &mut dyn Entropy) -> Self {
        let pair = (group.start)(entropy); // spec: 9846-4.3.8-p
        let component = pair.component().map(|(id, _)| id);
        Self { group, component: component.filter(|id| offered.iter().any(|row| row.id == *id)), pair }
    }

    /// A pair for one group alone, as a HelloRetryRequest asks for it.
    pub(super) fn retry(group: &'static Group, entropy: &mut dyn Entropy) -> Self {
        Self { group, component: None, pair: (group.start)(entropy) } // spec: 9846-4.3.8-o
    }

    /// What to send, in the order of `offered` (RFC 9846 section 4.3.8).
    pub(super) fn entries(&self, offered: &[&Group]) -> Vec<KeyShareEntry<'_>> {
        let mut entries = Vec::with_capacity(3); // With GREASE's.
        entries.push(KeyShareEntry { group: self.group.id, key_exchange: self.pair.public() });
        if let (Some(_), Some((group, key_exchange))) = (self.component, self.pair.component()) {
            entries.push(KeyShareEntry { group, key_exchange });
        }
        entries.sort_by_key(|entry| offered.iter().position(|row| row.id == entry.group));
        entries
    }

    /// Whether a share for `group` was sent.
    pub(super) fn is_for(&self, group: u16) -> bool {
        self.group.id == group || self.component == Some(group)
    }

    /// The secret shared with the server, whose share is for `group`: one that [`Share::is_for`] admits.
    pub(super) fn agree(self, group: u16, share: &[u8]) -> Result<Secret, BadShare> {
        if self.group.id == group { self.pair.agree(share) } else { self.pair.agree_component(share) }
    }
}
