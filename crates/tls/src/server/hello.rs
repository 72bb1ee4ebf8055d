use super::{
    Config, Cookies, State,
    choose::{self, Exchange},
    cookie::Cookie,
    flight::{self, Accepted},
    resume::resume,
};
use crate::{
    Fault, Level, Step,
    extension::{
        ClientHelloExtensions, Codes, HelloRetryRequestExtensions, Item, KeyShareEntry, List, RawExtension,
    },
    handshake::Turn,
    message::{ClientHello, HelloRetryRequest, Message},
    rules::{ExtensionType, ProtocolVersion},
    transcript::{Transcript, Unhashed},
};
use sakigake_crypto::{Digest, Group, Suite};
use sakigake_wire::Grow;
use std::sync::Arc;

/// Awaits the first ClientHello.
pub(crate) struct AwaitClientHello {
    pub(super) config: Arc<Config>,
    /// QUIC carries it.
    pub(super) is_quic: bool,
    /// A HelloRetryRequest with a cookie is out, and all that is known of its client; nothing where it is none of ours.
    pub(super) retried: Option<Retried>,
}

/// What a record layer needs to know of a client that was sent a cookie.
#[derive(Clone, Copy)]
pub(super) struct Retried {
    early_data: bool,
}

/// Awaits the answer to our HelloRetryRequest.
pub(crate) struct AwaitSecondClientHello {
    /// The first one, which the second must repeat.
    first: Vec<u8>,
    begun: Begun,
}

/// What a HelloRetryRequest has settled.
struct Begun {
    config: Arc<Config>,
    is_quic: bool,
    /// The first ClientHello and the HelloRetryRequest.
    transcript: Transcript,
    suite: &'static Suite,
    group: &'static Group,
    /// The client sends early data behind its first ClientHello.
    early_data: bool,
}

impl AwaitClientHello {
    pub(super) fn take(self, message: &[u8], turn: &mut Turn<'_>) -> Result<State, Fault> {
        let hello = read(message)?;
        let Self { config, is_quic, retried } = self;
        admit(&hello, is_quic)?;
        if let (Some(cookies), Some(cookie)) = (&config.cookies, hello.extensions.cookie) {
            let begun = Begun::restored(&config, is_quic, cookies, cookie, &hello, turn)?;
            return begun.go_on(&hello, message, turn);
        }
        if retried.is_some() {
            return Err(Fault::ChangedClientHello); // spec: 9846-4.3.2-n
        }
        let offered = Offered::read(&hello)?;
        let suite = choose::suite(&config, hello.cipher_suites).ok_or(Fault::NoCommonCipherSuite)?; // spec: 9846-4.2.1-k
        let early_data = hello.extensions.early_data.is_some();
        let exchanged = choose::exchange(&config, offered.groups, offered.shares);
        let exchanged = exchanged.ok_or(Fault::NoCommonGroup)?; // spec: 9846-4.2.1-k spec: 9846-2.1-a
        match exchanged {
            Exchange::Share(group, share) => {
                let mut transcript = Unhashed::new(Vec::new()).start(suite.hash);
                let resumed = resume(&config, is_quic, suite, &hello, message, &mut transcript, turn)?;
                let shared = exchange(group, share, turn)?;
                let is_retried = false;
                let accepted =
                    Accepted { config, is_quic, suite, transcript, shared, early_data, is_retried, resumed };
                flight::accept(accepted, &hello, message, turn)
            }
            Exchange::Retry(group) => {
                let cookie = cookie(&config, &hello, message, suite, group, turn);
                let retry = hello_retry_request(&hello, suite, group, cookie.as_deref());
                turn.flight.steps.push(Step::Send { level: Level::Plain, message: retry.clone() }); // spec: 9846-4.2.1-l
                if cookie.is_some() {
                    let retried = Some(Retried { early_data });
                    return Ok(State::ClientHello(Self { config, is_quic, retried })); // spec: 9846-4.3.2-l
                }
                let mut transcript = Unhashed::new(message.to_vec()).retry(suite.hash);
                transcript.add(&retry);
                let begun = Begun { config, is_quic, transcript, suite, group, early_data };
                let state = AwaitSecondClientHello { first: message.to_vec(), begun };
                Ok(State::SecondClientHello(Box::new(state)))
            }
        }
    }

    pub(super) fn ignores_early_data(&self) -> bool {
        self.retried.is_some_and(|retried| retried.early_data)
    }
}

/// What the client is to send back; none where we keep it ourselves, since that is what the owner wants or since there is no
/// key at this time.
fn cookie(
    config: &Config,
    hello: &ClientHello<'_>,
    message: &[u8],
    suite: &'static Suite,
    group: &Group,
    turn: &mut Turn<'_>,
) -> Option<Vec<u8>> {
    let cookies = config.cookies.as_ref()?;
    let cookie = Cookie {
        suite: suite.id,
        group: group.id,
        issued_unix_ms: config.unix_ms(turn.now),
        early_data: hello.extensions.early_data.is_some(),
        first: Unhashed::new(message.to_vec()).start(suite.hash).digest(),
        unchanging: digest(suite, hello),
    };
    cookie.seal(cookies, turn.entropy)
}

impl AwaitSecondClientHello {
    pub(super) fn take(self, message: &[u8], turn: &mut Turn<'_>) -> Result<State, Fault> {
        let hello = read(message)?;
        if !repeats(&read(&self.first)?, &hello) {
            return Err(Fault::ChangedClientHello); // spec: 9846-4.2.2-m
        }
        self.begun.go_on(&hello, message, turn)
    }

    pub(super) fn ignores_early_data(&self) -> bool {
        self.begun.early_data
    }
}

impl Begun {
    /// What the cookie says, if it is ours, fresh, and for this ClientHello.
    fn restored(
        config: &Arc<Config>,
        is_quic: bool,
        cookies: &Cookies,
        bytes: &[u8],
        hello: &ClientHello<'_>,
        turn: &Turn<'_>,
    ) -> Result<Self, Fault> {
        let cookie = Cookie::open(cookies, bytes, config.unix_ms(turn.now)).ok_or(Fault::BadCookie)?; // spec: 9846-4.3.2-m
        let suite = config.provider.suite(cookie.suite).ok_or(Fault::BadCookie)?;
        let group = config.accepted_groups().iter().find(|row| row.id == cookie.group).copied();
        let group = group.ok_or(Fault::BadCookie)?; // The configuration has changed since.
        if digest(suite, hello).as_ref() != cookie.unchanging.as_ref() {
            return Err(Fault::ChangedClientHello); // spec: 9846-4.2.2-m
        }
        let mut transcript = Transcript::after_retry(suite.hash, &cookie.first);
        transcript.add(&hello_retry_request(hello, suite, group, Some(bytes)));
        let (config, early_data) = (Arc::clone(config), cookie.early_data);
        Ok(Self { config, is_quic, transcript, suite, group, early_data })
    }

    /// Takes the second ClientHello, which repeats the first one.
    fn go_on(mut self, hello: &ClientHello<'_>, message: &[u8], turn: &mut Turn<'_>) -> Result<State, Fault> {
        if hello.extensions.early_data.is_some() {
            return Err(Fault::EarlyDataAfterRetry); // spec: 9846-4.3.10-k
        }
        let offered = Offered::read(hello)?;
        let mut shares = offered.shares.iter().filter(|share| share.group == self.group.id);
        let (Some(share), 1) = (shares.next(), offered.shares.iter().count()) else {
            return Err(Fault::ChangedClientHello);
        };
        let Self { config, is_quic, suite, early_data, .. } = self;
        let resumed = resume(&config, is_quic, suite, hello, message, &mut self.transcript, turn)?;
        let shared = exchange(self.group, share.key_exchange, turn)?;
        let (transcript, is_retried) = (self.transcript, true);
        let accepted =
            Accepted { config, is_quic, suite, transcript, shared, early_data, is_retried, resumed };
        flight::accept(accepted, hello, message, turn)
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

/// What depends on who carries a ClientHello. The second one repeats all of it.
fn admit(hello: &ClientHello<'_>, is_quic: bool) -> Result<(), Fault> {
    let kind = ExtensionType::QUIC_TRANSPORT_PARAMETERS;
    match hello.extensions.quic_transport_parameters {
        _ if is_quic && !hello.legacy_session_id.is_empty() => Err(Fault::MiddleboxCompatibility), // spec: 9001-8.4-b
        None if is_quic => Err(Fault::MissingExtension(kind)), // spec: 9001-8.2-b
        Some(_) if !is_quic => Err(Fault::TransportParametersOutsideQuic), // spec: 9001-8.2-c
        _ => Ok(()),
    }
}

pub(super) fn read(message: &[u8]) -> Result<ClientHello<'_>, Fault> {
    match Message::read(message)? {
        Message::ClientHello(hello) => Ok(hello),
        other => Err(Fault::UnexpectedMessage(other.kind())),
    }
}

fn exchange(group: &'static Group, share: &[u8], turn: &mut Turn<'_>) -> Result<flight::Shared, Fault> {
    let (ours, secret) = (group.accept)(turn.entropy, share).map_err(|_| Fault::BadKeyShare)?;
    Ok(flight::Shared { group: group.id, ours, secret })
}

fn hello_retry_request(
    hello: &ClientHello<'_>,
    suite: &Suite,
    group: &Group,
    cookie: Option<&[u8]>,
) -> Vec<u8> {
    let mut message = Vec::new();
    HelloRetryRequest {
        legacy_session_id_echo: hello.legacy_session_id,
        cipher_suite: suite.id,
        extensions: HelloRetryRequestExtensions {
            supported_versions: Some(ProtocolVersion::TLS_1_3.0), // spec: 9846-4.2.4-n
            key_share: Some(group.id),
            cookie,
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

/// Of what a second ClientHello has to repeat: whoever does not keep the first one compares this.
fn digest(suite: &Suite, hello: &ClientHello<'_>) -> Digest {
    let mut kept = Vec::new();
    kept.put(&hello.random);
    kept.vector_u8(|out| out.put(hello.legacy_session_id));
    kept.vector_u16(|out| hello.cipher_suites.write(out));
    for (kind, data) in unchanging(&hello.extensions) {
        RawExtension { kind, data }.write(&mut kept);
    }
    let mut state = (suite.hash.start)();
    state.update(&kept);
    state.digest()
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
