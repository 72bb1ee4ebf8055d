use super::{
    ClientAuthentication, Config, State,
    choose::{self, NoCredential},
    clients::Asked,
    early::{self, AwaitEndOfEarlyData},
    finished::{AwaitFinished, CHANCE_BYTES, Issue},
    identity::{AwaitCertificate, Unknown},
    resume::{self, Due, Resumed},
    transport::{AwaitTransportParameters, Transport},
};
use crate::{
    Credential, EarlyData, Fact, Fault, Identity, KeyLogLine, Level, Negotiated, Step, TicketNote,
    TrafficSecret, Wanted,
    certificate::{Shown, choice},
    client,
    compression::{self, Compression},
    extension::{
        CertificateStatusRequest, Codes, EncryptedExtensionsBlock, KeyShareEntry, List, ServerHelloExtensions,
    },
    handshake::{Turn, content},
    key_log,
    message::{CertificateVerify, ClientHello, EncryptedExtensions, Finished, ServerHello},
    rules::{ExtensionType, ProtocolVersion, Side},
    schedule::{self, Early},
    transcript::Transcript,
};
use sakigake_crypto::{Secret, Suite};
use sakigake_wire::{Drawn, Entropy, Instant};
use std::{net::IpAddr, sync::Arc};

/// The outcome of the key exchange.
pub(super) struct Shared {
    pub(super) group: u16,
    /// Our share.
    pub(super) ours: Vec<u8>,
    pub(super) secret: Secret,
}

/// A ClientHello that we go on with.
pub(super) struct Accepted {
    pub(super) config: Arc<Config>,
    /// QUIC carries it.
    pub(super) is_quic: bool,
    pub(super) suite: &'static Suite,
    /// All messages up to this ClientHello.
    pub(super) transcript: Transcript,
    pub(super) shared: Shared,
    /// The client sends early data.
    pub(super) early_data: bool,
    /// This is its second ClientHello.
    pub(super) is_retried: bool,
    /// The earlier connection that goes on, if one does.
    pub(super) resumed: Option<Resumed>,
}

/// What the flight says, but for the certificate.
pub(super) struct Plan {
    accepted: Accepted,
    client_random: [u8; 32],
    session_id: Vec<u8>,
    server_name: Option<String>,
    alpn: Option<Vec<u8>>,
    /// The most early data that is taken; none where none is.
    early_bytes: Option<u32>,
    tickets: Due,
    /// The most that the client takes in a protected record.
    record_size_limit: Option<u16>,
    /// What the client takes beside the certificate.
    shown: Shown,
    /// How the certificate is compressed.
    compression: Option<&'static Compression>,
    /// The client takes a CertificateRequest after the handshake.
    takes_later: bool,
    /// What QUIC adds, where that carries it.
    transport: Option<Transport>,
}

/// Awaits the owner's credential.
pub(crate) struct AwaitCertificateAnswer {
    plan: Plan,
    wanted: Wanted,
}

/// Awaits the owner's signature; ServerHello to Certificate are out.
pub(crate) struct AwaitSignature {
    session: Session,
    scheme: u16,
    wanted: Wanted,
}

/// The flight under way, beyond ServerHello.
struct Session {
    config: Arc<Config>,
    client_random: [u8; 32],
    server_name: Option<String>,
    alpn: Option<Vec<u8>>,
    /// The group that the secrets came from.
    group: u16,
    early_data: EarlyData,
    /// The most that the client takes in a protected record.
    record_size_limit: Option<u16>,
    tickets: Due,
    takes_later: bool,
    /// How the client was asked who it is.
    asked: Option<Arc<ClientAuthentication>>,
    /// Who the client of a resumed connection is.
    identity: Option<Identity>,
    /// When the certificate was shown that all this rests on; none where that is now.
    authenticated_unix_secs: Option<u64>,
    /// What the owner had sealed into the ticket.
    note: Option<TicketNote>,
    /// What the ticket rested on.
    policy: Option<[u8; 32]>,
    /// Chance for the tickets that follow.
    chance: Vec<u8>,
    /// What QUIC adds, where that carries it.
    transport: Option<Transport>,
    schedule: schedule::Handshake,
    transcript: Transcript,
    client: TrafficSecret,
    server: TrafficSecret,
}

/// Chooses what is left to choose, and sends the flight unless the owner has to be asked. `message` is all of `hello`.
pub(super) fn accept(
    accepted: Accepted,
    hello: &ClientHello<'_>,
    message: &[u8],
    turn: &mut Turn<'_>,
) -> Result<State, Fault> {
    let config = Arc::clone(&accepted.config);
    let is_resumed = accepted.resumed.is_some();
    let extensions = &hello.extensions;
    let offered = extensions.application_layer_protocol_negotiation;
    let alpn = choose::protocol(&config, accepted.is_quic, offered).map_err(|_| Fault::NoCommonProtocol)?;
    let server_name = match &accepted.resumed {
        Some(resumed) => resumed.ticket.server_name.clone(), // It was held against this one.
        None => server_name(hello),
    };
    let is_quic = accepted.is_quic;
    let plan = Plan {
        accepted,
        early_bytes: None,
        client_random: hello.random,
        session_id: hello.legacy_session_id.to_vec(),
        server_name,
        alpn,
        tickets: resume::tickets(&config, hello, is_resumed, turn.now),
        record_size_limit: extensions.record_size_limit,
        shown: Shown {
            ocsp: matches!(extensions.status_request, Some(CertificateStatusRequest::Ocsp { .. })),
            scts: extensions.signed_certificate_timestamp.is_some(),
        },
        compression: compression::best(config.compressions, extensions.compress_certificate),
        takes_later: extensions.post_handshake_auth.is_some(),
        transport: None,
    };
    match extensions.quic_transport_parameters {
        Some(peer) if is_quic => {
            let state = AwaitTransportParameters::new(plan, message, peer);
            Ok(State::TransportParameters(Box::new(state)))
        }
        _ => plan.go_on(hello, true, turn),
    }
}

/// The host that the client wants, in lower case.
pub(super) fn server_name(hello: &ClientHello<'_>) -> Option<String> {
    let name = hello.extensions.server_name.filter(|name| name.0.parse::<IpAddr>().is_err()); // RFC 6066 section 3
    name.map(|name| name.0.to_ascii_lowercase())
}

impl AwaitCertificateAnswer {
    pub(super) fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    pub(super) fn ignores_early_data(&self) -> bool {
        self.plan.accepted.early_data
    }

    pub(super) fn take(
        self,
        credential: Option<Arc<Credential>>,
        turn: &mut Turn<'_>,
    ) -> Result<State, Fault> {
        let none = if self.plan.server_name.is_some() {
            Fault::UnrecognizedName
        } else {
            Fault::NoCommonSignatureScheme
        };
        let credential = credential.ok_or(none)?;
        crate::config::check_credential(&credential)
            .map_err(|_| Fault::Internal("the owner's credential is unusable"))?;
        let schemes = match &self.wanted {
            Wanted::Certificate { signature_algorithms, .. } => List::Items(signature_algorithms),
            _ => List::default(), // It wants nothing else.
        };
        self.plan.send(&credential, schemes, turn)
    }
}

impl Plan {
    /// Sends the flight unless the owner has to be asked for the certificate.
    pub(super) fn go_on(
        mut self,
        hello: &ClientHello<'_>,
        takes_early_data: bool,
        turn: &mut Turn<'_>,
    ) -> Result<State, Fault> {
        let (host, alpn) = (self.server_name.as_deref(), self.alpn.as_deref());
        if takes_early_data {
            self.early_bytes = early::takes(&self.accepted, host, alpn, turn);
        }
        if self.accepted.resumed.is_some() {
            return self.resume(turn);
        }
        let extensions = &hello.extensions;
        let missing = Fault::MissingExtension(ExtensionType::SIGNATURE_ALGORITHMS);
        let schemes = extensions.signature_algorithms.ok_or(missing)?; // spec: 9846-9.2-k
        let schemes_cert = extensions.signature_algorithms_cert.unwrap_or(schemes); // spec: 9846-4.3.3-k
        let config = &self.accepted.config;
        if config.ask_certificate {
            let wanted = Wanted::Certificate {
                server_name: self.server_name.clone(),
                signature_algorithms: schemes.iter().collect(),
                signature_algorithms_cert: schemes_cert.iter().collect(),
            };
            let state = AwaitCertificateAnswer { plan: self, wanted };
            return Ok(State::CertificateAnswer(Box::new(state)));
        }
        let authorities = extensions.certificate_authorities;
        let credential = choose::credential(config, host, schemes, schemes_cert, authorities);
        let credential = credential.map_err(|none| match none {
            NoCredential::Name => Fault::UnrecognizedName,
            NoCredential::Scheme => Fault::NoCommonSignatureScheme,
        })?;
        self.send(&credential, schemes, turn)
    }

    /// The same for a full handshake, whatever the client's ticket is worth.
    pub(super) fn afresh(mut self, hello: &ClientHello<'_>, now: Instant) -> Self {
        self.accepted.resumed = None;
        self.tickets = resume::tickets(&self.accepted.config, hello, false, now);
        self
    }

    /// The same with what QUIC adds.
    pub(super) fn over_quic(self, transport: Transport) -> Self {
        Self { transport: Some(transport), ..self }
    }

    /// What QUIC remembers by the ticket, where one is gone on from.
    pub(super) fn remembered(&self) -> Option<&Vec<u8>> {
        self.accepted.resumed.as_ref()?.ticket.transport.as_ref()
    }

    /// ServerHello to Certificate, and the rest too if the credential signs by itself.
    fn send(self, credential: &Credential, schemes: Codes<'_>, turn: &mut Turn<'_>) -> Result<State, Fault> {
        let scheme = choice::scheme(credential, schemes).ok_or(Fault::NoCommonSignatureScheme)?;
        let certificate = credential.message_by(self.compression, self.shown);
        let mut session = self.send_server_hello(turn);
        let is_named = session.server_name.as_deref().is_some_and(|host| credential.is_for(host));
        // The record layer puts what follows behind this message: with room for all of it nothing is moved.
        session.send_encrypted_extensions(is_named, certificate.len() + REST_OF_FLIGHT_BYTES, turn);
        session.request_certificate(turn);
        session.transcript.add(&certificate);
        turn.flight.steps.push(Step::Send { level: Level::Handshake, message: certificate });
        let message = content(Side::Server, &session.transcript.digest());
        match &credential.signer {
            Some(signer) => {
                let signature = signer.sign(scheme, &message, turn.entropy);
                session.send_rest(scheme, signature, turn)
            }
            None => {
                let leaf = credential.chain.first().cloned().unwrap_or_default(); // `check_credential` saw to it.
                let wanted = Wanted::Signature { leaf, scheme, message };
                Ok(State::Signature(Box::new(AwaitSignature { session, scheme, wanted })))
            }
        }
    }

    /// The whole flight of a resumed connection: who we are was shown before.
    fn resume(self, turn: &mut Turn<'_>) -> Result<State, Fault> {
        let mut session = self.send_server_hello(turn);
        session.send_encrypted_extensions(false, REST_OF_FLIGHT_BYTES, turn); // RFC 6066 section 3: the name was used before.
        Ok(session.send_finished(turn))
    }

    fn send_server_hello(self, turn: &mut Turn<'_>) -> Session {
        let (tickets, record_size_limit, takes_later) =
            (self.tickets, self.record_size_limit, self.takes_later);
        let Self { accepted, client_random, session_id, server_name, alpn, early_bytes, transport, .. } =
            self;
        let Accepted { config, suite, mut transcript, shared, early_data, resumed, .. } = accepted;
        let (random, chance) = draw(turn.entropy, usize::from(tickets.count) * CHANCE_BYTES); // spec: 9846-4.2.3-c
        turn.flight.steps.reserve(STEPS);
        let hello = ServerHello {
            random,
            legacy_session_id_echo: &session_id,
            cipher_suite: suite.id,
            extensions: ServerHelloExtensions {
                supported_versions: Some(ProtocolVersion::TLS_1_3.0), // spec: 9846-4.3.1-m
                key_share: Some(KeyShareEntry { group: shared.group, key_exchange: &shared.ours }),
                pre_shared_key: resumed.as_ref().map(|resumed| resumed.index),
                ..ServerHelloExtensions::default()
            },
        };
        let (ticket, early) = resumed.map(|resumed| (resumed.ticket, resumed.early)).unzip();
        let early = early.unwrap_or_else(|| Early::new(suite, None));
        // From the digest of ClientHello alone.
        let early_secret = early_bytes.and_then(|_| early.client_early_traffic_secret(&transcript.digest()));
        send(turn, &mut transcript, Level::Plain, 128 + shared.ours.len(), |out| hello.write(out));
        let schedule = early.handshake(&shared.secret);
        let digest = transcript.digest();
        let client = schedule.client_handshake_traffic_secret(&digest);
        let server = schedule.server_handshake_traffic_secret(&digest);
        if config.key_log {
            let line =
                |secret| KeyLogLine::traffic(key_log::CLIENT_EARLY_TRAFFIC_SECRET, client_random, secret);
            turn.flight.key_log.extend(early_secret.as_ref().map(line));
            turn.flight.key_log.extend([
                KeyLogLine::traffic(key_log::CLIENT_HANDSHAKE_TRAFFIC_SECRET, client_random, &client),
                KeyLogLine::traffic(key_log::SERVER_HANDSHAKE_TRAFFIC_SECRET, client_random, &server),
            ]);
        }
        turn.flight.steps.push(Step::WriteKey(server.clone()));
        let is_early = early_secret.is_some();
        turn.flight.steps.extend(early_secret.map(Step::ReadKey));
        if !is_early || transport.is_some() {
            turn.flight.steps.push(Step::ReadKey(client.clone())); // QUIC reads by both: nothing tells where early data ends.
        }
        let group = shared.group;
        let early_data = match early_bytes {
            Some(max_bytes) => EarlyData::Accepted { max_bytes },
            None if early_data => EarlyData::Rejected,
            None => EarlyData::None,
        };
        Session {
            config,
            client_random,
            server_name,
            alpn,
            group,
            early_data,
            record_size_limit,
            tickets,
            takes_later,
            asked: None,
            authenticated_unix_secs: ticket.as_ref().map(|ticket| ticket.authenticated_unix_secs),
            note: ticket.as_ref().and_then(|ticket| ticket.note),
            policy: ticket.as_ref().map(|ticket| ticket.policy),
            chance,
            transport,
            identity: ticket.and_then(|ticket| ticket.identity),
            schedule,
            transcript,
            client,
            server,
        }
    }
}

impl AwaitSignature {
    pub(super) fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    pub(super) fn ignores_early_data(&self) -> bool {
        self.session.early_data == EarlyData::Rejected
    }

    pub(super) fn take(self, signature: Option<Vec<u8>>, turn: &mut Turn<'_>) -> Result<State, Fault> {
        self.session.send_rest(self.scheme, signature, turn)
    }
}

impl Session {
    fn send_encrypted_extensions(&mut self, is_named: bool, room: usize, turn: &mut Turn<'_>) {
        // Theirs holds from here on, for this very message too, and so does ours: who answers this keeps to it.
        let limits = self.record_size_limit.zip(self.config.record_size_limit); // spec: 8449-4-f
        let limits = limits.filter(|_| self.transport.is_none()); // QUIC has no records.
        if let Some((sent, received)) = limits {
            turn.flight.steps.push(Step::LimitRecords { sent, received });
        }
        let block = EncryptedExtensionsBlock {
            record_size_limit: limits.map(|(_, ours)| ours), // spec: 8449-4-e
            server_name: is_named.then_some(()),             // RFC 6066 section 3
            application_layer_protocol_negotiation: self.alpn.as_deref(),
            ticket_request: self.tickets.told(), // spec: 9149-3-b
            early_data: self.is_early_data_taken().then_some(()),
            quic_transport_parameters: self.transport.as_ref().map(|transport| &transport.parameters[..]), // spec: 9001-8.2-a
            ..EncryptedExtensionsBlock::default()
        };
        send(turn, &mut self.transcript, Level::Handshake, room, |out| {
            EncryptedExtensions { extensions: block }.write(out) // spec: 9846-4.4.1-l
        });
    }

    fn is_early_data_taken(&self) -> bool {
        matches!(self.early_data, EarlyData::Accepted { .. })
    }

    /// CertificateRequest, where the host wants one.
    fn request_certificate(&mut self, turn: &mut Turn<'_>) {
        let policy = self.config.client_authentication(self.server_name.as_deref());
        let Some(policy) = policy.filter(|policy| policy.is_in_handshake()).cloned() else { return };
        let message = policy.request(&self.config, &[]);
        self.transcript.add(&message);
        turn.flight.steps.push(Step::Send { level: Level::Handshake, message });
        self.asked = Some(policy);
    }

    /// What a request for a certificate is answered by, under `policy`.
    fn asked(&self, policy: &Arc<ClientAuthentication>) -> Asked {
        let (config, server_name) = (Arc::clone(&self.config), self.server_name.clone());
        Asked { config, policy: Arc::clone(policy), server_name, context: Vec::new() }
    }

    /// What the client may be asked later, if it takes that.
    fn later(&self) -> Option<Box<Asked>> {
        if self.transport.is_some() {
            return None; // spec: 9001-4.4-b
        }
        let is_barred = self.alpn.as_deref().is_some_and(|alpn| client::BARRED.contains(&alpn)); // spec: 9113-9.2.3-b
        let policy = self.config.client_authentication(self.server_name.as_deref());
        let policy = policy.filter(|_| self.takes_later && !is_barred)?; // spec: 9846-4.3.6-a
        Some(Box::new(self.asked(policy)))
    }

    /// CertificateVerify and Finished.
    fn send_rest(
        mut self,
        scheme: u16,
        signature: Option<Vec<u8>>,
        turn: &mut Turn<'_>,
    ) -> Result<State, Fault> {
        let signature = signature.filter(|signature| signature.len() <= usize::from(u16::MAX));
        let signature = signature.ok_or(Fault::Internal("no signature"))?;
        let verify = CertificateVerify { algorithm: scheme, signature: &signature };
        send(turn, &mut self.transcript, Level::Handshake, 8 + signature.len(), |out| verify.write(out));
        Ok(self.send_finished(turn))
    }

    /// Finished; application data may follow at once.
    fn send_finished(self, turn: &mut Turn<'_>) -> State {
        let mut awaits_end = self.is_early_data_taken();
        if self.transport.is_some() {
            awaits_end = false; // spec: 9001-8.3-b
        }
        let (later, asked) = (self.later(), self.asked.as_ref().map(|policy| self.asked(policy)));
        let Self { config, client_random, server_name, alpn, group, early_data, identity, .. } = self;
        let Self { tickets, authenticated_unix_secs, note, policy, chance, .. } = self;
        let Self { schedule, mut transcript, client, server, .. } = self;
        let transport = self.transport.map(|transport| transport.remembered);
        let is_quic = transport.is_some();
        let verify_data = server.verify_data(&transcript.digest());
        send(turn, &mut transcript, Level::Handshake, 64, |out| {
            Finished { verify_data: verify_data.as_ref() }.write(out)
        });
        let main = schedule.main();
        let digest = transcript.digest();
        let read = main.client_application_traffic_secret_0(&digest);
        let write = main.server_application_traffic_secret_0(&digest);
        let exporter = main.exporter(&digest);
        if config.key_log {
            turn.flight.key_log.extend([
                KeyLogLine::traffic(key_log::CLIENT_TRAFFIC_SECRET_0, client_random, &read),
                KeyLogLine::traffic(key_log::SERVER_TRAFFIC_SECRET_0, client_random, &write),
                KeyLogLine::other(key_log::EXPORTER_SECRET, client_random, exporter.secret()),
            ]);
        }
        turn.flight.steps.push(Step::WriteKey(write.clone()));
        let suite = write.suite.id;
        let is_resumed = authenticated_unix_secs.is_some();
        let asking = config.client_authentication(server_name.as_deref());
        let is_client_asked = asking.is_some_and(|asking| asking.is_in_handshake());
        // Who comes back there has to show its certificate first.
        let early = config.early_data.as_ref().filter(|_| !is_client_asked);
        let max_early_data = early.map_or(0, |early| early.bytes_for(server_name.as_deref(), is_quic));
        let negotiated =
            Negotiated { server_name, alpn, suite, group, is_resumed, is_client_asked, early_data, note };
        let issue = (tickets.count > 0).then(|| {
            let negotiated = negotiated.clone();
            Box::new(Issue {
                count: tickets.count,
                main,
                authenticated_unix_secs,
                negotiated,
                max_early_data,
                transport,
                policy,
                chance,
            })
        });
        turn.flight.facts.push(Fact::Negotiated(negotiated));
        let mut finished = Box::new(AwaitFinished {
            client,
            transcript: digest,
            read,
            write,
            config,
            ignores_early_data: early_data == EarlyData::Rejected,
            exporter,
            identity,
            issue,
            later,
            is_quic,
            running: None,
        });
        match asked {
            Some(asked) => {
                let unknown = Unknown { asked, transcript, then: finished };
                State::Certificate(Box::new(AwaitCertificate(unknown)))
            }
            None if awaits_end => {
                // spec: 9846-4.3.11.3-a
                State::EndOfEarlyData(Box::new(AwaitEndOfEarlyData { finished, transcript }))
            }
            None => {
                finished.keep(transcript);
                State::Finished(finished)
            }
        }
    }
}

/// A random, and as much more as there is room for: a generator that asks its processor anew each time is asked once.
fn draw(entropy: &mut dyn Entropy, more: usize) -> ([u8; 32], Vec<u8>) {
    let mut bytes = [0; 32 + Drawn::MOST_BYTES];
    let drawn = &mut bytes[..32 + more.min(Drawn::MOST_BYTES)];
    entropy.fill(drawn);
    let (random, rest) = drawn.split_first_chunk().expect("it has 32 bytes at the least");
    (*random, rest.to_vec())
}

/// Writes a message, of `room` bytes as a rule, and sends it.
fn send(
    turn: &mut Turn<'_>,
    transcript: &mut Transcript,
    level: Level,
    room: usize,
    write: impl FnOnce(&mut Vec<u8>),
) {
    let mut message = Vec::with_capacity(room);
    write(&mut message);
    transcript.add(&message);
    turn.flight.steps.push(Step::Send { level, message });
}

/// All but the certificates: EncryptedExtensions, CertificateVerify and Finished, as long as they are for ECDSA.
const REST_OF_FLIGHT_BYTES: usize = 320;

/// Six messages and three keys.
const STEPS: usize = 9;
