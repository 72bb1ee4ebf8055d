//! From flags to configurations.

use crate::{
    End, compression,
    flags::{Set, Words, numbers},
    owner::{Judge, Marked, NO_NAME, Owner},
    socket::System,
    staples,
};
use sakigake_crypto::{Provider, Secret, Verification, aws_lc};
use sakigake_tls::{
    ClientVerifier, Connection, Credential, KeyRing, Limits, Session, Signer, Staples, TicketKey, TicketKeys,
    Tickets, Verifier, client,
    compression::Compression,
    extension::TicketRequest,
    server::{self, AntiReplay, ClientAuthentication, Demand, EarlyDataPolicy},
};
use sakigake_wire::{Entropy, Instant};
use std::{
    fs,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

const NOW: Instant = Instant::from_nanos(0);
const TICKETS: TicketRequest = TicketRequest { new_session_count: 1, resumption_count: 1 };
/// How far a client's clock may be off where early data is taken, as the runner knows it.
const TOLERANCE_MS: u64 = 60_000;
/// BoringSSL's own word for what TLS 1.0 signed: nothing of the kind goes over the wire.
const MD5_AND_SHA1: u16 = 0xff01;
const SHA1: [u16; 2] = [0x0201, 0x0203];
/// A scheme that nobody has.
const NO_SCHEME: [u16; 1] = [0];
/// A protocol that no client offers.
const NO_PROTOCOL: &[u8] = b"none of yours";

/// What outlives one connection of a case.
pub(crate) struct Kept {
    /// What the next connection resumes, at a client.
    pub(crate) session: Option<Session>,
    /// What seals the tickets of a server.
    keys: Arc<KeyRing>,
    /// The chain that the peer showed last.
    pub(crate) chain: Vec<Vec<u8>>,
    /// What the server showed beside it: a session keeps none.
    pub(crate) staples: Staples,
    /// When the next connection begins, in seconds since 1970.
    pub(crate) unix_secs: u64,
}

impl Kept {
    pub(crate) fn new() -> Self {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970");
        let mut secret = [0; 32];
        System.fill(&mut secret);
        let key = TicketKey {
            name: *b"bogo's only name",
            secret: Secret::new(&secret),
            from_unix_secs: 0,
            until_unix_secs: u64::MAX,
            opens_until_unix_secs: u64::MAX,
        };
        let keys = Arc::new(KeyRing::new(&aws_lc::PROVIDER.suites[0], vec![key]));
        Self {
            session: None,
            keys,
            chain: Vec::new(),
            staples: Staples::default(),
            unix_secs: since_1970.as_secs(),
        }
    }
}

/// A connection for the flags, and who answers its questions.
pub(crate) fn connection(flags: &Set, kept: &mut Kept) -> Result<(Connection, Owner), End> {
    let provider = provider(flags)?;
    let trusted = flags.text("-trust-cert");
    // Unless a case wants it judged again, who was found good before is good.
    let remembered = if flags.has("-reverify-on-resume") { Vec::new() } else { kept.chain.clone() };
    let rejects_staples = flags.has("-fail-ocsp-callback");
    let mut owner = Owner::new(Judge::new(provider, trusted, kept.unix_secs, remembered, rejects_staples)?);
    owner.judge.reject(rejects(flags));
    owner.credentials = credentials(provider, flags, &owner)?;
    let connection = match flags.has("-server") {
        true => server(flags, kept, provider, &owner),
        false => client(flags, kept, provider, &owner),
    };
    Ok((connection?, owner))
}

/// Whether the case wants every chain refused: where nobody insists on a good one, it makes no difference.
pub(crate) fn rejects(flags: &Set) -> bool {
    let insists = flags.has("-verify-peer") || flags.has("-require-any-client-certificate");
    flags.has("-verify-fail") && insists
}

fn server(flags: &Set, kept: &Kept, provider: &'static Provider, owner: &Owner) -> Result<Connection, End> {
    let alpn = match flags.text("-select-alpn") {
        _ if flags.has("-reject-alpn") => vec![NO_PROTOCOL.to_vec()],
        Some("") | None => Vec::new(),
        Some(name) => vec![name.as_bytes().to_vec()],
    };
    let policy = context(flags);
    let tickets = Tickets {
        policy: Arc::new(move |_| policy),
        ..Tickets::new(Arc::clone(&kept.keys) as Arc<dyn TicketKeys>)
    };
    let has_tickets = !flags.has("-no-ticket") && !flags.has("-skip-ticket");
    let early = EarlyDataPolicy { tolerance_ms: TOLERANCE_MS, ..EarlyDataPolicy::new(Arc::new(Forgetful)) };
    let options = server::Options {
        credentials: owner.credentials.clone(),
        alpn,
        groups: groups(flags, provider)?,
        client_authentication: client_authentication(flags, owner)?,
        tickets: has_tickets.then_some(tickets),
        early_data: flags.has("-enable-early-data").then_some(early),
        unix_secs_at_start: kept.unix_secs,
        compressions: compressions(flags)?,
        limits: limits(flags)?,
        ..server::Options::new(provider)
    };
    Ok(Connection::server(options.build().map_err(misuse)?, NOW, Box::new(System)))
}

fn client(
    flags: &Set,
    kept: &mut Kept,
    provider: &'static Provider,
    owner: &Owner,
) -> Result<Connection, End> {
    let judge = Arc::clone(&owner.judge) as Arc<dyn Verifier>;
    let options = client::Options {
        credentials: owner.credentials.clone(),
        verifier: (!flags.has("-async")).then_some(judge),
        alpn: protocols(flags.text("-advertise-alpn").unwrap_or_default())?,
        grease: flags.has("-enable-grease") || flags.has("-permute-extensions"),
        groups: groups(flags, provider)?,
        tickets: (!flags.has("-no-ticket")).then_some(TICKETS),
        early_data: flags.has("-enable-early-data"),
        staples: flags.has("-enable-ocsp-stapling") || flags.has("-enable-signed-cert-timestamps"),
        unix_secs_at_start: kept.unix_secs,
        compressions: compressions(flags)?,
        limits: limits(flags)?,
        ..client::Options::new(provider)
    };
    let name = flags.text("-host-name").unwrap_or(NO_NAME);
    let config = options.build().map_err(misuse)?;
    // Who judges certificates itself judges sessions too.
    let is_good = |session: &Session| {
        let chain: Vec<&[u8]> = session.chain.iter().map(Vec::as_slice).collect();
        owner.judge.judge(&chain).is_ok()
    };
    let session = kept.session.take().filter(|session| !flags.has("-async") || is_good(session));
    Connection::resume(config, name, session, NOW, Box::new(System)).map_err(misuse)
}

/// What a ticket is bound to: the first bytes of the credential's context, or of that of all.
fn context(flags: &Set) -> [u8; 32] {
    const NAME: &str = "-session-id-context";
    let (_, mut begun) = flags.credentials();
    let own = begun.next().and_then(|words| words.get(NAME)?.last());
    let text = own.map(String::as_str).or(flags.text(NAME)).unwrap_or_default();
    let mut policy = [0; 32];
    policy.iter_mut().zip(text.bytes()).for_each(|(out, byte)| *out = byte);
    policy
}

/// Every ClientHello is the first: the runner sends none twice.
struct Forgetful;

impl AntiReplay for Forgetful {
    fn is_first(&self, _: u64, _: u64, _: &[u8]) -> bool {
        true
    }
}

/// How a server asks for a client's certificate.
fn client_authentication(flags: &Set, owner: &Owner) -> Result<Vec<Arc<ClientAuthentication>>, End> {
    let demand = match (flags.has("-require-any-client-certificate"), flags.has("-verify-peer")) {
        (true, _) => Demand::Required,
        (false, true) => Demand::Optional,
        (false, false) => return Ok(Vec::new()),
    };
    let judge = Arc::clone(&owner.judge) as Arc<dyn ClientVerifier>;
    let verifier = Some(judge); // Where the owner is asked nothing is resumed, which the cases expect.
    let authorities = authorities(flags.text("-use-client-ca-list").unwrap_or_default())?;
    Ok(vec![Arc::new(ClientAuthentication {
        is_default: true,
        hosts: Vec::new(),
        demand,
        verifier,
        authorities,
    })])
}

/// Names in hexadecimal, with commas between them; or a word for none.
pub(crate) fn authorities(list: &str) -> Result<Vec<Vec<u8>>, End> {
    if ["", "<EMPTY>", "<NULL>"].contains(&list) {
        return Ok(Vec::new());
    }
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let name = |text: &str| text.as_bytes().chunks(2).map(byte).collect::<Option<Vec<u8>>>();
    let names = list.split(',').map(name).collect::<Option<Vec<_>>>();
    names.ok_or_else(|| End::Declined(format!("-use-client-ca-list {list}")))
}

/// What is configured leaves the provider with fewer rows, in another order.
fn provider(flags: &Set) -> Result<&'static Provider, End> {
    let all = &aws_lc::PROVIDER;
    let mut provider = Provider { ..*all };
    let suites: Vec<u16> = flags.numbers("-tls13-ciphers")?;
    if !suites.is_empty() {
        let rows = suites.iter().filter_map(|id| all.suite(*id));
        let rows = rows.map(|row| sakigake_crypto::Suite { ..*row }).collect::<Vec<_>>();
        if rows.len() != suites.len() {
            return Err(End::Declined(format!("-tls13-ciphers {suites:04x?}")));
        }
        provider.suites = rows.leak(); // One a case.
    }
    let schemes: Vec<u16> = flags.numbers("-verify-prefs")?;
    if !schemes.is_empty() {
        let rows = schemes.iter().filter(|id| **id != MD5_AND_SHA1).map(|id| match all.verification(*id) {
            Some(row) => Ok(Verification { ..*row }),
            // TLS 1.3 knows them for certificates alone: they are offered, and never taken.
            None if SHA1.contains(id) => {
                Ok(Verification { scheme: *id, algorithms: &[], in_handshake: false })
            }
            None => Err(End::Declined(format!("-verify-prefs {id:#06x}"))),
        });
        provider.verifications = rows.collect::<Result<Vec<_>, _>>()?.leak();
    }
    Ok(Box::leak(Box::new(provider)))
}

/// BoringSSL's shim has algorithms of its own, which no library knows.
fn compressions(flags: &Set) -> Result<&'static [Compression], End> {
    if flags.has("-install-cert-compression-algs") {
        return Ok(&compression::OWN);
    }
    let Some(id) = flags.number::<u16>("-install-one-cert-compression-alg")? else { return Ok(&[]) };
    let at = compression::OWN.iter().position(|row| row.id == id);
    let at = at.ok_or_else(|| End::Declined(format!("-install-one-cert-compression-alg {id}")))?;
    Ok(&compression::OWN[at..=at])
}

/// Where the cases count on a limit of BoringSSL's.
fn limits(flags: &Set) -> Result<Limits, End> {
    let limits = Limits { skipped_early_data_bytes: 16_384, certificates: 64, ..Limits::default() };
    let certificate_chain_bytes = flags.number("-max-cert-list")?.unwrap_or(limits.certificate_chain_bytes);
    Ok(Limits { certificate_chain_bytes, ..limits })
}

fn groups(flags: &Set, provider: &Provider) -> Result<Vec<u16>, End> {
    let groups: Vec<u16> = flags.numbers("-curves")?;
    match groups.iter().find(|id| provider.group(**id).is_none()) {
        Some(id) => Err(End::Declined(format!("-curves {id:#06x}"))),
        None => Ok(groups),
    }
}

/// The credentials, best first: those that were begun anew, in their order, then the default one.
fn credentials(provider: &Provider, flags: &Set, owner: &Owner) -> Result<Vec<Arc<Credential>>, End> {
    let (default, begun) = flags.credentials();
    let rows = (0..).zip(begun).chain([(-1, default)]).filter(|(_, words)| !words.is_empty());
    let load = |(number, words): (i64, &Words)| {
        let mut credential = credential(provider, words)?;
        if flags.has("-decline-ocsp-callback") {
            credential.staples.ocsp = None;
        }
        // A name is acknowledged where the certificate is for it.
        let is_acknowledged = !flags.has("-no-server-name-ack");
        let name = flags.text("-expect-server-name").filter(|_| is_acknowledged);
        credential.names = name.into_iter().map(str::to_owned).collect();
        let selected = Arc::clone(&owner.selected);
        let marked = |signer| Arc::new(Marked { signer, number, selected }) as Arc<dyn Signer>;
        credential.signer = credential.signer.take().map(marked);
        Ok(Arc::new(credential))
    };
    rows.map(load).collect()
}

fn credential(provider: &Provider, words: &Words) -> Result<Credential, End> {
    let file = |name| {
        let path = words.get(name).and_then(|values| values.last());
        let path = path.ok_or_else(|| End::Declined(format!("a credential without {name}")))?;
        fs::read(path).map_err(|error| End::Failed(format!("{path}: {error}")))
    };
    let loaded = Credential::from_pem(provider, &file("-cert-file")?, &file("-key-file")?);
    let mut credential = loaded.map_err(|error| End::Declined(error.to_string()))?;
    credential.staples = staples::of(words)?;
    let preferred: Vec<u16> = numbers(words, "-signing-prefs")?;
    if !preferred.is_empty() {
        let has = |scheme: &u16| credential.schemes.contains(scheme);
        let signable: Vec<u16> = preferred.iter().copied().filter(has).collect();
        // What the key cannot sign with is never chosen; where there is nothing else, nothing is.
        credential.schemes = if signable.is_empty() { NO_SCHEME.to_vec() } else { signable };
    }
    Ok(credential)
}

/// A list as it goes over the wire: each name behind its length.
fn protocols(list: &str) -> Result<Vec<Vec<u8>>, End> {
    let mut rest = list.as_bytes();
    let mut names = Vec::new();
    while let Some((len, tail)) = rest.split_first() {
        let (name, tail) = tail
            .split_at_checked(usize::from(*len))
            .ok_or_else(|| End::Declined(format!("-advertise-alpn {list:?}")))?;
        names.push(name.to_vec());
        rest = tail;
    }
    Ok(names)
}

fn misuse(misuse: sakigake_tls::Misuse) -> End {
    End::Failed(format!("misuse: {misuse}"))
}
