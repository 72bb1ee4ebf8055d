use super::{
    Config, State,
    authentication::{AwaitEncryptedExtensions, Keys},
    offer::{Offer, Share},
    resume::Resumable,
};
use crate::{
    Fact, Fault, KeyLogLine, Level, Misuse, Session, Step,
    extension::{self, KeyShareEntry},
    handshake::Turn,
    key_log,
    message::{HelloRetryRequest, Message, ServerHello},
    rules::ExtensionType,
    schedule::Early,
    transcript::{Transcript, Unhashed},
};
use sakigake_crypto::Suite;
use std::sync::Arc;

/// The longest cookie that we send back. A longer one could not stand beside our shares and protocols, whose lists
/// [`super::Options::build`] bounds, in the two-byte length of ClientHello's extensions.
const MOST_COOKIE_BYTES: usize = 16_384;

/// Awaits the answer to the first ClientHello.
pub(crate) struct AwaitServerHello {
    pub(super) offer: Offer,
    pub(super) share: Share,
    pub(super) client_hello: Unhashed,
}

/// Awaits the answer to the second ClientHello.
pub(crate) struct AwaitSecondServerHello {
    pub(super) offer: Offer,
    pub(super) share: Share,
    pub(super) transcript: Transcript,
    pub(super) suite: &'static Suite,
}

impl AwaitServerHello {
    pub(super) fn start(
        config: Arc<Config>,
        server_name: &str,
        session: Option<Session>,
        parameters: Option<Vec<u8>>,
        turn: &mut Turn<'_>,
    ) -> Result<Self, Misuse> {
        let offer = Offer::new(config, server_name, session, parameters, turn.now, turn.entropy)?;
        let groups = offer.config.offered_groups();
        let share = Share::start(groups[0], groups, turn.entropy); // `Options::build` saw to it that there is one.
        let mut shares = share.entries(groups);
        shares.splice(..0, offer.grease_share());
        let client_hello = offer.client_hello(&shares, None, None, turn.now);
        turn.flight.steps.push(Step::Send { level: Level::Plain, message: client_hello.clone() });
        begin_early_data(&offer, &client_hello, turn);
        Ok(Self { offer, share, client_hello: Unhashed::new(client_hello) })
    }

    pub(super) fn take(self, message: &[u8], turn: &mut Turn<'_>) -> Result<State, Fault> {
        match Message::read(message)? {
            Message::ServerHello(hello) => {
                let suite = chosen_suite(&self.offer, hello.legacy_session_id_echo, hello.cipher_suite)?;
                let mut transcript = self.client_hello.start(suite.hash);
                transcript.add(message);
                accept(self.offer, self.share, transcript, suite, &hello, turn)
            }
            Message::HelloRetryRequest(retry) => {
                let suite = chosen_suite(&self.offer, retry.legacy_session_id_echo, retry.cipher_suite)?;
                let mut transcript = self.client_hello.retry(suite.hash);
                transcript.add(message);
                self.retry(&retry, suite, transcript, turn)
            }
            other => Err(Fault::UnexpectedMessage(other.kind())),
        }
    }

    /// The same ClientHello again, but for what the server asked to change (RFC 9846 section 4.2.2).
    fn retry(
        self,
        retry: &HelloRetryRequest<'_>,
        suite: &'static Suite,
        mut transcript: Transcript,
        turn: &mut Turn<'_>,
    ) -> Result<State, Fault> {
        let Self { mut offer, share, .. } = self;
        let asked = &retry.extensions;
        extension::refuse_unsolicited(asked.order, |kind| kind == ExtensionType::COOKIE || offer.has(kind))?; // spec: 9846-4.3-k
        if asked.key_share.is_none() && asked.cookie.is_none() {
            return Err(Fault::RetryWithoutChange); // spec: 9846-4.2.4-k
        }
        if asked.cookie.is_some_and(|cookie| cookie.len() > MOST_COOKIE_BYTES) {
            return Err(Fault::MessageTooLong);
        }
        if offer.reject_early_data() {
            turn.flight.steps.push(Step::WritePlain); // spec: 9846-4.3.10-l
        }
        offer.resumable = offer.resumable.filter(|resumable| resumable.fits(suite)); // spec: 9846-4.2.2-p
        let groups = offer.config.offered_groups();
        let share = match asked.key_share {
            None => share,
            Some(group) => {
                let row = groups.iter().find(|row| row.id == group).filter(|_| !share.is_for(group));
                let row = row.ok_or(Fault::RetryForWrongGroup)?; // spec: 9846-4.3.8-k
                Share::retry(row, turn.entropy)
            }
        };
        let grease = offer.grease_share().filter(|_| asked.key_share.is_none());
        let shares: Vec<KeyShareEntry<'_>> = grease.into_iter().chain(share.entries(groups)).collect();
        let client_hello = offer.client_hello(&shares, asked.cookie, Some(&transcript), turn.now); // spec: 9846-4.3.2-k
        transcript.add(&client_hello);
        turn.flight.steps.push(Step::Send { level: Level::Plain, message: client_hello });
        let state = AwaitSecondServerHello { offer, share, transcript, suite };
        Ok(State::SecondServerHello(Box::new(state)))
    }
}

impl AwaitSecondServerHello {
    pub(super) fn take(mut self, message: &[u8], turn: &mut Turn<'_>) -> Result<State, Fault> {
        let hello = match Message::read(message)? {
            Message::ServerHello(hello) => hello,
            Message::HelloRetryRequest(_) => return Err(Fault::SecondRetry), // spec: 9846-4.2.4-l
            other => return Err(Fault::UnexpectedMessage(other.kind())),
        };
        let suite = chosen_suite(&self.offer, hello.legacy_session_id_echo, hello.cipher_suite)?;
        if suite.id != self.suite.id {
            return Err(Fault::UnofferedCipherSuite); // spec: 9846-4.2.4-m
        }
        self.transcript.add(message);
        accept(self.offer, self.share, self.transcript, suite, &hello, turn)
    }
}

/// From here on early data may go out, where there may be any.
fn begin_early_data(offer: &Offer, client_hello: &[u8], turn: &mut Turn<'_>) {
    let Some((early, resumable)) = offer.early.as_ref().zip(offer.resumable.as_ref()) else { return };
    let secret = resumable.early_secret(client_hello);
    if offer.config.key_log {
        let label = key_log::CLIENT_EARLY_TRAFFIC_SECRET;
        turn.flight.key_log.push(KeyLogLine::traffic(label, offer.random, &secret));
    }
    turn.flight.steps.push(Step::WriteKey(secret));
    turn.flight.facts.push(Fact::EarlyData(early.clone()));
}

/// What ServerHello and HelloRetryRequest must have right.
fn chosen_suite(offer: &Offer, session_id_echo: &[u8], suite: u16) -> Result<&'static Suite, Fault> {
    if session_id_echo != offer.session_id {
        return Err(Fault::SessionIdMismatch); // spec: 9846-4.2.3-k
    }
    let row = offer.config.provider.suites.iter().find(|row| row.id == suite);
    row.ok_or(Fault::UnofferedCipherSuite) // spec: 9846-4.2.3-l
}

/// Goes on under the handshake keys. `transcript` holds all messages up to ServerHello.
fn accept(
    mut offer: Offer,
    share: Share,
    transcript: Transcript,
    suite: &'static Suite,
    hello: &ServerHello<'_>,
    turn: &mut Turn<'_>,
) -> Result<State, Fault> {
    extension::refuse_unsolicited(hello.extensions.order, |kind| offer.has(kind))?;
    let missing = match hello.extensions.pre_shared_key {
        Some(_) => Fault::UnofferedPskMode, // spec: 9846-4.3.11-e
        None => Fault::MissingExtension(ExtensionType::KEY_SHARE),
    };
    let theirs = hello.extensions.key_share.ok_or(missing)?;
    if !share.is_for(theirs.group) {
        // After a retry the one share is for the group that was asked for.
        return Err(Fault::UnofferedGroup); // spec: 9846-4.3.8-l spec: 9846-4.3.8-m
    }
    let shared = share.agree(theirs.group, theirs.key_exchange).map_err(|_| Fault::BadKeyShare)?;
    let resumed = resumed(&mut offer, suite, hello)?;
    let schedule = Early::new(suite, resumed.as_ref().map(Resumable::secret)).handshake(&shared);
    let digest = transcript.digest();
    let client = schedule.client_handshake_traffic_secret(&digest);
    let server = schedule.server_handshake_traffic_secret(&digest);
    if offer.config.key_log {
        turn.flight.key_log.extend([
            KeyLogLine::traffic(key_log::CLIENT_HANDSHAKE_TRAFFIC_SECRET, offer.random, &client),
            KeyLogLine::traffic(key_log::SERVER_HANDSHAKE_TRAFFIC_SECRET, offer.random, &server),
        ]);
    }
    turn.flight.steps.push(Step::ReadKey(server.clone()));
    if resumed.is_none() {
        offer.reject_early_data();
    }
    if offer.early.is_none() || offer.is_quic() {
        turn.flight.steps.push(Step::WriteKey(client.clone()));
    }
    let keys = Keys { schedule, transcript, client, server, group: theirs.group };
    Ok(State::EncryptedExtensions(Box::new(AwaitEncryptedExtensions { offer, keys, resumed })))
}

/// The session that the server goes on with, if it does.
fn resumed(offer: &mut Offer, suite: &Suite, hello: &ServerHello<'_>) -> Result<Option<Resumable>, Fault> {
    let Some(index) = hello.extensions.pre_shared_key else { return Ok(None) };
    let resumable = offer.resumable.take().filter(|resumable| index == 0 && resumable.fits(suite));
    resumable.map(Some).ok_or(Fault::UnofferedPreSharedKey) // spec: 9846-4.3.11-d
}
