use super::{
    Config, State,
    choose::{self, Exchange},
    flight::{self, Accepted},
    resume::resume,
};
use crate::{
    Fault, Level, Step,
    extension::{ClientHelloExtensions, Codes, HelloRetryRequestExtensions, KeyShareEntry, List},
    handshake::Turn,
    message::{ClientHello, HelloRetryRequest, Message},
    rules::{ExtensionType, ProtocolVersion},
    transcript::{Transcript, Unhashed},
};
use sakigake_crypto::{Group, Suite};
use std::sync::Arc;

/// Awaits the first ClientHello.
pub(crate) struct AwaitClientHello {
    pub(super) config: Arc<Config>,
}

/// Awaits the answer to our HelloRetryRequest.
pub(crate) struct AwaitSecondClientHello {
    config: Arc<Config>,
    /// The first one, which the second must repeat.
    first: Vec<u8>,
    transcript: Transcript,
    suite: &'static Suite,
    group: &'static Group,
    /// The client sends early data behind its first ClientHello.
    early_data: bool,
}

impl AwaitClientHello {
    pub(super) fn take(self, message: &[u8], turn: &mut Turn<'_>) -> Result<State, Fault> {
        let hello = read(message)?;
        let config = self.config;
        let offered = Offered::read(&hello)?;
        let suite = choose::suite(&config, hello.cipher_suites).ok_or(Fault::NoCommonCipherSuite)?; // spec: 9846-4.2.1-k
        let early_data = hello.extensions.early_data.is_some();
        let exchanged = choose::exchange(&config, offered.groups, offered.shares);
        let exchanged = exchanged.ok_or(Fault::NoCommonGroup)?; // spec: 9846-4.2.1-k
        match exchanged {
            Exchange::Share(group, share) => {
                let mut transcript = Unhashed::new(Vec::new()).start(suite.hash);
                let resumed = resume(&config, suite, &hello, message, &mut transcript, turn)?;
                let shared = exchange(group, share, turn)?;
                let is_retried = false;
                let accepted =
                    Accepted { config, suite, transcript, shared, early_data, is_retried, resumed };
                flight::accept(accepted, &hello, turn)
            }
            Exchange::Retry(group) => {
                let mut transcript = Unhashed::new(message.to_vec()).retry(suite.hash);
                let retry = hello_retry_request(&hello, suite, group);
                transcript.add(&retry);
                turn.flight.steps.push(Step::Send { level: Level::Plain, message: retry }); // spec: 9846-4.2.1-l
                let first = message.to_vec();
                let state = AwaitSecondClientHello { config, first, transcript, suite, group, early_data };
                Ok(State::SecondClientHello(Box::new(state)))
            }
        }
    }
}

impl AwaitSecondClientHello {
    pub(super) fn take(mut self, message: &[u8], turn: &mut Turn<'_>) -> Result<State, Fault> {
        let hello = read(message)?;
        if !repeats(&read(&self.first)?, &hello) {
            return Err(Fault::ChangedClientHello); // spec: 9846-4.2.2-m
        }
        if hello.extensions.early_data.is_some() {
            return Err(Fault::EarlyDataAfterRetry); // spec: 9846-4.3.10-k
        }
        let offered = Offered::read(&hello)?;
        let mut shares = offered.shares.iter().filter(|share| share.group == self.group.id);
        let (Some(share), 1) = (shares.next(), offered.shares.iter().count()) else {
            return Err(Fault::ChangedClientHello);
        };
        let resumed = resume(&self.config, self.suite, &hello, message, &mut self.transcript, turn)?;
        let shared = exchange(self.group, share.key_exchange, turn)?;
        let Self { config, transcript, suite, early_data, .. } = self;
        let is_retried = true;
        let accepted = Accepted { config, suite, transcript, shared, early_data, is_retried, resumed };
        flight::accept(accepted, &hello, turn)
    }

    pub(super) fn ignores_early_data(&self) -> bool {
        self.early_data
    }
}

/// What a ClientHello offers for the key exchange.
struct Offered<'a> {
    groups: Codes<'a>,
    shares: List<'a, KeyShareEntry<'a>>,
}

impl<'a> Offered<'a> {
    /// Checks that what must be there is (RFC 9846 section 9.2), and that the shares fit the groups.
    fn read(hello: &ClientHello<'a>) -> Result<Self, Fault> {
        let extensions = &hello.extensions;
        if extensions.pre_shared_key.is_some() && extensions.psk_key_exchange_modes.is_none() {
            return Err(Fault::NoCommonPskMode); // spec: 9846-4.3.9-k
        }
        let missing = |kind| Fault::MissingExtension(kind); // spec: 9846-9.2-k
        let (groups, shares) = match (extensions.supported_groups, extensions.key_share) {
            (Some(groups), Some(shares)) => (groups, shares),
            (None, None) if extensions.pre_shared_key.is_some() => return Err(Fault::NoCommonGroup), // Without a key exchange we use no key.
            (None, _) => return Err(missing(ExtensionType::SUPPORTED_GROUPS)),
            (_, None) => return Err(missing(ExtensionType::KEY_SHARE)),
        };
        if !fit(groups, shares) {
            return Err(Fault::BadKeyShares); // spec: 9846-4.3.8-n
        }
        Ok(Self { groups, shares })
    }
}

/// Whether each share is for one of the groups, and none for the same as another.
fn fit(groups: Codes<'_>, shares: List<'_, KeyShareEntry<'_>>) -> bool {
    if shares.iter().count() <= FEW_SHARES {
        let is_first = |at: usize, id: u16| shares.iter().take(at).all(|before| before.group != id);
        return shares
            .iter()
            .enumerate()
            .all(|(at, share)| is_first(at, share.group) && groups.contains(&share.group));
    }
    // Lists of unknown values may have tens of thousands: what is sought in them is sought in order.
    let mut named: Vec<u16> = groups.iter().collect();
    named.sort_unstable();
    let mut ids: Vec<u16> = shares.iter().map(|share| share.group).collect();
    ids.sort_unstable();
    ids.windows(2).all(|pair| pair[0] != pair[1]) && ids.iter().all(|id| named.binary_search(id).is_ok())
}

/// As many shares are looked up one by one.
const FEW_SHARES: usize = 8;

fn read(message: &[u8]) -> Result<ClientHello<'_>, Fault> {
    match Message::read(message)? {
        Message::ClientHello(hello) => Ok(hello),
        other => Err(Fault::UnexpectedMessage(other.kind())),
    }
}

fn exchange(group: &'static Group, share: &[u8], turn: &mut Turn<'_>) -> Result<flight::Shared, Fault> {
    let (ours, secret) = (group.accept)(turn.entropy, share).map_err(|_| Fault::BadKeyShare)?;
    Ok(flight::Shared { group: group.id, ours, secret })
}

fn hello_retry_request(hello: &ClientHello<'_>, suite: &Suite, group: &Group) -> Vec<u8> {
    let mut message = Vec::new();
    HelloRetryRequest {
        legacy_session_id_echo: hello.legacy_session_id,
        cipher_suite: suite.id,
        extensions: HelloRetryRequestExtensions {
            supported_versions: Some(ProtocolVersion::TLS_1_3.0),
            key_share: Some(group.id),
            ..HelloRetryRequestExtensions::default()
        },
    }
    .write(&mut message);
    message
}

/// Whether `second` says what `first` did, but for what a retry may change (RFC 9846 section 4.2.2).
fn repeats(first: &ClientHello<'_>, second: &ClientHello<'_>) -> bool {
    first.random == second.random
        && first.legacy_session_id == second.legacy_session_id
        && first.cipher_suites == second.cipher_suites
        && unchanging(&first.extensions).eq(unchanging(&second.extensions))
}

fn unchanging<'a>(
    extensions: &ClientHelloExtensions<'a>,
) -> impl Iterator<Item = (ExtensionType, &'a [u8])> + use<'a> {
    let order = extensions.order;
    order.into_iter().map(|raw| (raw.kind, raw.data)).filter(|(kind, _)| !MAY_CHANGE.contains(kind))
}

const MAY_CHANGE: &[ExtensionType] = &[
    ExtensionType::KEY_SHARE,
    ExtensionType::EARLY_DATA,
    ExtensionType::COOKIE,
    ExtensionType::PRE_SHARED_KEY,
    ExtensionType::PADDING,
    ExtensionType::ENCRYPTED_CLIENT_HELLO,
];
