use super::{
    Later, State,
    certificate::{Block, Response, Signing, Unsigned},
    offer::Offer,
    resume::Resumable,
};
use crate::{
    EarlyData, Exporter, Fact, Fault, KeyLogLine, Level, Negotiated, RejectedCertificate, Staples, Step,
    TrafficSecret, Verified, Wanted,
    certificate::{self, compression},
    extension,
    handshake::{Established, Resumption, Turn, content},
    key_log,
    message::{Certificate, EndOfEarlyData, HEADER_BYTES, Message},
    resumption::{Origin, Verdict},
    rules::{ExtensionType, Side},
    schedule,
    transcript::Transcript,
};
use std::sync::Arc;

/// The secrets of the handshake, and the messages so far.
pub(super) struct Keys {
    pub(super) schedule: schedule::Handshake,
    pub(super) transcript: Transcript,
    pub(super) client: TrafficSecret,
    pub(super) server: TrafficSecret,
    /// The group that the secrets came from.
    pub(super) group: u16,
}

/// Awaits EncryptedExtensions.
pub(crate) struct AwaitEncryptedExtensions {
    pub(super) offer: Offer,
    pub(super) keys: Keys,
    /// The connection that goes on here, if one does: no certificate comes.
    pub(super) resumed: Option<Resumable>,
}

/// What EncryptedExtensions and CertificateRequest told.
struct Session {
    offer: Offer,
    keys: Keys,
    alpn: Option<Vec<u8>>,
    /// What we answer, where a certificate of ours is asked for.
    response: Option<Response>,
    /// The chain in DER, leaf first, once it came, or came on the connection that is resumed.
    chain: Arc<[Vec<u8>]>,
    /// What was found of it.
    verdict: Verdict,
    /// When it was shown, on a resumed connection.
    authenticated_unix_secs: Option<u64>,
}

/// Awaits CertificateRequest or Certificate.
pub(crate) struct AwaitCertificateOrRequest(Session);

/// Awaits Certificate.
pub(crate) struct AwaitCertificate(Session);

/// Awaits the owner's verdict on the chain.
pub(crate) struct AwaitVerdict {
    session: Session,
    wanted: Wanted,
}

/// Awaits CertificateVerify.
pub(crate) struct AwaitCertificateVerify(Session);

/// Awaits Finished.
pub(crate) struct AwaitFinished(Session);

/// Awaits the owner's signature; the server has said all.
pub(crate) struct AwaitSignature {
    ending: Ending,
    unsigned: Unsigned,
}

/// What our last messages and what follows them are made of.
struct Ending {
    offer: Offer,
    main: schedule::Main,
    client: TrafficSecret,
    client_application: TrafficSecret,
    server_application: TrafficSecret,
    exporter: Exporter,
    alpn: Option<Vec<u8>>,
    group: u16,
    /// These as in [`Session`].
    chain: Arc<[Vec<u8>]>,
    verdict: Verdict,
    authenticated_unix_secs: Option<u64>,
}

impl AwaitEncryptedExtensions {
    pub(super) fn take(self, message: &[u8], turn: &mut Turn<'_>) -> Result<State, Fault> {
        let Self { mut offer, mut keys, resumed } = self;
        let Message::EncryptedExtensions(encrypted) = Message::read(message)? else {
            return Err(unexpected(message));
        };
        let extensions = &encrypted.extensions;
        extension::refuse_unsolicited(extensions.order, |kind| offer.has(kind))?; // spec: 9846-4.4.1-k
        let alpn = extensions.application_layer_protocol_negotiation.map(<[u8]>::to_vec);
        let is_offered = alpn.as_ref().map(|alpn| offer.config.alpn.contains(alpn));
        match is_offered {
            Some(true) => {}
            _ if offer.is_quic() => return Err(Fault::NoCommonProtocol), // spec: 9001-8.1-b
            Some(false) => return Err(Fault::UnofferedProtocol),
            None => {}
        }
        if offer.is_quic() {
            let missing = Fault::MissingExtension(ExtensionType::QUIC_TRANSPORT_PARAMETERS); // spec: 9001-8.2-b
            let parameters = extensions.quic_transport_parameters.ok_or(missing)?;
            turn.flight.facts.push(Fact::TransportParameters(parameters.to_vec()));
        }
        if let (Some(sent), Some(received)) = (extensions.record_size_limit, offer.record_size_limit()) {
            turn.flight.steps.push(Step::LimitRecords { sent, received });
        }
        match (extensions.early_data, &offer.early) {
            (Some(()), Some(early)) if early.suite == keys.client.suite.id && early.alpn == alpn => {
                offer.early_data = EarlyData::Accepted { max_bytes: early.max_bytes };
            }
            (Some(()), _) => return Err(Fault::UnexpectedEarlyDataAccepted), // spec: 9846-4.3.10-m
            (None, _) => {
                if offer.reject_early_data() && !offer.is_quic() {
                    turn.flight.steps.push(Step::WriteKey(keys.client.clone()));
                }
            }
        }
        keys.transcript.add(message);
        let authenticated_unix_secs = resumed.as_ref().map(Resumable::authenticated_unix_secs);
        let (chain, verdict) = resumed.map(Resumable::into_chain).unwrap_or_default();
        let session = Session { offer, keys, alpn, response: None, chain, verdict, authenticated_unix_secs };
        Ok(match authenticated_unix_secs {
            Some(_) => State::Finished(Box::new(AwaitFinished(session))), // spec: 9846-4.5-b
            None => State::CertificateOrRequest(Box::new(AwaitCertificateOrRequest(session))),
        })
    }
}

impl AwaitCertificateOrRequest {
    pub(super) fn take_request(self, message: &[u8]) -> Result<State, Fault> {
        let mut session = self.0;
        let Message::CertificateRequest(request) = Message::read(message)? else {
            return Err(unexpected(message));
        };
        if !request.certificate_request_context.is_empty() {
            return Err(Fault::WrongRequestContext); // spec: 9846-4.4.2-k
        }
        session.response = Some(Response::new(&session.offer.config, &request));
        session.keys.transcript.add(message);
        Ok(State::Certificate(Box::new(AwaitCertificate(session))))
    }

    pub(super) fn take_certificate(self, message: &[u8], turn: &Turn<'_>) -> Result<State, Fault> {
        AwaitCertificate(self.0).take(message, turn)
    }
}

impl AwaitCertificate {
    pub(super) fn take(self, message: &[u8], turn: &Turn<'_>) -> Result<State, Fault> {
        let mut session = self.0;
        let mut room = Vec::new();
        let (compressions, limits) = (session.offer.config.compressions, &session.offer.config.limits);
        let certificate = compression::read(message, compressions, limits, &mut room)?;
        let chain = session.chain(&certificate)?;
        session.keys.transcript.add(message);
        let config = &session.offer.config;
        let server_name = session.offer.server_name.as_str();
        let staples = staples(&certificate);
        let mut grounds = None;
        if let Some(verifier) = &config.verifier {
            let unix_secs = config.unix_ms(turn.now) / 1_000;
            let judged = match config.tickets {
                Some(_) => verifier.judge(server_name, &chain, None, unix_secs),
                None => verifier.verify_chain(server_name, &chain, unix_secs).map(|Verified| None),
            };
            grounds = judged.map_err(Fault::CertificateRejected)?;
            if config.staples {
                verifier.verify_staples(&chain, &staples, unix_secs).map_err(Fault::CertificateRejected)?;
            }
        }
        session.chain = chain.iter().map(|der| der.to_vec()).collect();
        session.verdict = Verdict::new(server_name, &session.chain, grounds);
        if config.verifier.is_some() {
            return Ok(State::CertificateVerify(Box::new(AwaitCertificateVerify(session))));
        }
        let wanted =
            Wanted::Verify { server_name: server_name.to_owned(), chain: session.chain.to_vec(), staples };
        Ok(State::Verdict(Box::new(AwaitVerdict { session, wanted })))
    }
}

impl Session {
    /// The chain in DER, leaf first, never empty.
    fn chain<'a>(&self, certificate: &Certificate<'a>) -> Result<Vec<&'a [u8]>, Fault> {
        if !certificate.certificate_request_context.is_empty() {
            return Err(Fault::WrongRequestContext); // spec: 9846-4.5.1-k
        }
        let mut chain = Vec::new();
        for entry in certificate.certificate_list {
            extension::refuse_unsolicited(entry.extensions.order, |kind| self.offer.has(kind))?; // spec: 9846-4.5.1-l
            if chain.len() == self.offer.config.limits.certificates {
                return Err(Fault::TooManyParts);
            }
            chain.push(entry.cert_data);
        }
        if chain.is_empty() { Err(Fault::EmptyCertificateList) } else { Ok(chain) } // spec: 9846-4.5.1-m
    }
}

impl AwaitVerdict {
    pub(super) fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    pub(super) fn take(self, verdict: Result<Verified, RejectedCertificate>) -> Result<State, Fault> {
        verdict.map_err(Fault::CertificateRejected)?;
        Ok(State::CertificateVerify(Box::new(AwaitCertificateVerify(self.session))))
    }
}

impl AwaitCertificateVerify {
    pub(super) fn take(self, message: &[u8]) -> Result<State, Fault> {
        let mut session = self.0;
        let Message::CertificateVerify(verify) = Message::read(message)? else {
            return Err(unexpected(message));
        };
        if !session.offer.takes(verify.algorithm) {
            return Err(Fault::UnofferedSignatureScheme); // spec: 9846-4.5.2-m
        }
        let content = content(Side::Server, &session.keys.transcript.digest());
        let (config, leaf) = (&session.offer.config, &session.chain[0]); // `Session::chain` gives no empty chain.
        let is_right = match &config.verifier {
            Some(verifier) => verifier.verify_signature(leaf, verify.algorithm, &content, verify.signature),
            None => {
                let provider = config.provider;
                certificate::check_key(provider, leaf).map_err(Fault::CertificateRejected)?;
                certificate::verify_signature(provider, leaf, verify.algorithm, &content, verify.signature)
            }
        };
        if !is_right {
            return Err(Fault::BadSignature); // spec: 9846-4.5.2-o
        }
        session.keys.transcript.add(message);
        Ok(State::Finished(Box::new(AwaitFinished(session))))
    }
}

impl AwaitFinished {
    pub(super) fn take(self, message: &[u8], turn: &mut Turn<'_>) -> Result<State, Fault> {
        let Session { offer, keys, alpn, response, chain, verdict, authenticated_unix_secs } = self.0;
        let Keys { schedule, mut transcript, client, server, group } = keys;
        let Message::Finished(finished) = Message::read(message)? else { return Err(unexpected(message)) };
        if !server.is_verified(&transcript.digest(), finished.verify_data) {
            return Err(Fault::BadFinished); // spec: 9846-4.5.3-k
        }
        transcript.add(message);
        let main = schedule.main();
        let digest = transcript.digest();
        let client_application = main.client_application_traffic_secret_0(&digest);
        let server_application = main.server_application_traffic_secret_0(&digest);
        let exporter = main.exporter(&digest);
        if offer.config.key_log {
            turn.flight.key_log.extend([
                KeyLogLine::traffic(key_log::CLIENT_TRAFFIC_SECRET_0, offer.random, &client_application),
                KeyLogLine::traffic(key_log::SERVER_TRAFFIC_SECRET_0, offer.random, &server_application),
                KeyLogLine::other(key_log::EXPORTER_SECRET, offer.random, exporter.secret()),
            ]);
        }
        // spec: 9846-4.6-b
        match offer.early {
            Some(_) if offer.is_quic() => {}                           // spec: 9001-8.3-a
            Some(_) => end_early_data(turn, &mut transcript, &client), // spec: 9846-4.6-a
            None => {}
        }
        let ending = Ending {
            offer,
            main,
            client,
            client_application,
            server_application,
            exporter,
            alpn,
            group,
            chain,
            verdict,
            authenticated_unix_secs,
        };
        let signing = match response {
            Some(response) => response.sign(transcript, turn.entropy)?, // spec: 9846-4.5.1-n
            None => Signing::Done(Block::unasked(transcript)),
        };
        Ok(match signing {
            Signing::Done(block) => ending.send(block, turn),
            Signing::Wanted(unsigned) => State::Signature(Box::new(AwaitSignature { ending, unsigned })),
        })
    }
}

impl AwaitSignature {
    pub(super) fn wanted(&self) -> &Wanted {
        self.unsigned.wanted()
    }

    pub(super) fn take(self, signature: Option<Vec<u8>>, turn: &mut Turn<'_>) -> Result<State, Fault> {
        let Self { ending, unsigned } = self;
        Ok(ending.send(unsigned.sign(signature)?, turn))
    }
}

impl Ending {
    /// Sends our last messages; then the handshake is over.
    fn send(self, mut block: Block, turn: &mut Turn<'_>) -> State {
        block.finish(&self.client);
        let Self {
            offer,
            main,
            client_application,
            server_application,
            exporter,
            alpn,
            group,
            chain,
            verdict,
            ..
        } = self;
        let Block { transcript, messages } = block;
        let steps = &mut turn.flight.steps;
        steps.extend(messages.into_iter().map(|message| Step::Send { level: Level::Handshake, message }));
        steps.push(Step::WriteKey(client_application.clone()));
        steps.push(Step::ReadKey(server_application.clone()));
        let (config, suite) = (&offer.config, client_application.suite);
        let authenticated_unix_secs = self.authenticated_unix_secs;
        let resumption = config.tickets.map(|_| {
            let origin = Origin {
                suite,
                resumption_secret: main.resumption_secret(&transcript.digest()),
                server_name: Some(offer.server_name.clone()),
                alpn: alpn.clone(),
                chain,
                verdict,
                client_certificates: config.client_certificates(),
                authenticated_unix_secs: authenticated_unix_secs.unwrap_or(config.unix_ms(turn.now) / 1_000),
            };
            Box::new(Resumption { origin, unix_secs_at_start: config.unix_secs_at_start })
        });
        let established = Established::new(server_application, client_application, exporter, &config.limits)
            .with_resumption(resumption)
            .with_client_later(Later::new(config, alpn.as_deref(), offer.is_quic(), transcript))
            .over_quic(offer.is_quic());
        // Told only now: until Finished, anybody could have said it.
        let is_resumed = authenticated_unix_secs.is_some();
        let server_name = Some(offer.server_name);
        let suite = suite.id;
        let early_data = offer.early_data;
        let is_client_asked = false;
        let negotiated = Negotiated {
            server_name,
            alpn,
            suite,
            group,
            is_resumed,
            is_client_asked,
            early_data,
            note: None,
        };
        turn.flight.facts.extend([Fact::Negotiated(negotiated), Fact::Established]);
        State::Established(Box::new(established))
    }
}

/// EndOfEarlyData under the keys of early data; what follows goes out under the handshake's.
fn end_early_data(turn: &mut Turn<'_>, transcript: &mut Transcript, client: &TrafficSecret) {
    let mut message = Vec::with_capacity(HEADER_BYTES);
    EndOfEarlyData.write(&mut message);
    transcript.add(&message);
    turn.flight.steps.push(Step::Send { level: Level::EarlyData, message });
    turn.flight.steps.push(Step::WriteKey(client.clone()));
}

/// What stands beside the leaf.
fn staples(certificate: &Certificate<'_>) -> Staples {
    let Some(leaf) = certificate.certificate_list.iter().next() else { return Staples::default() };
    let scts = leaf.extensions.signed_certificate_timestamp.unwrap_or_default();
    Staples {
        ocsp: leaf.extensions.status_request.map(<[u8]>::to_vec),
        scts: scts.iter().map(|sct| sct.0.to_vec()).collect(),
    }
}

/// A message of a type that its state does not take; `State::take` lets none through.
fn unexpected(message: &[u8]) -> Fault {
    Fault::UnexpectedMessage(crate::rules::HandshakeType(message.first().copied().unwrap_or(0)))
}
