//! From flags to configurations, and the owner's answers.

use crate::{
    End,
    flags::{Set, Words, numbers},
    socket::System,
};
use rustls_pki_types::CertificateDer;
use sakigake_crypto::{Provider, Secret, Verification, aws_lc};
use sakigake_tls::{
    Answer, Connection, Credential, KeyRing, Limits, RejectedCertificate, Session, TicketKey, TicketKeys,
    Tickets, Verified, Verifier, Wanted, client, extension::TicketRequest, server, verify_signature,
};
use sakigake_wire::{Entropy, Instant};
use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

/// A literal address: without `-host-name` no name is to be sent.
const NO_NAME: &str = "127.0.0.1";

const TICKETS: TicketRequest = TicketRequest { new_session_count: 1, resumption_count: 1 };

/// Answers what the connection asks; asked for itself where a case is asynchronous, else by way of the configuration.
pub(crate) struct Owner {
    pub(crate) wanted: Option<Wanted>,
    judge: Arc<Judge>,
    credentials: Vec<Arc<Credential>>,
}

/// Takes every chain whose leaf can be read, or none.
struct Judge {
    provider: &'static Provider,
    rejects: bool,
    /// The scheme that the peer signed with, above all schemes until then.
    scheme: AtomicU32,
}

/// What outlives one connection of a case.
pub(crate) struct Kept {
    /// What the next connection resumes, at a client.
    pub(crate) session: Option<Session>,
    /// What seals the tickets of a server.
    keys: Arc<KeyRing>,
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
        Self { session: None, keys, unix_secs: since_1970.as_secs() }
    }
}

/// A connection for the flags, and who answers its questions.
pub(crate) fn connection(flags: &Set, kept: &mut Kept) -> Result<(Connection, Owner), End> {
    let provider = provider(flags)?;
    let scheme = AtomicU32::new(u32::MAX);
    let judge = Arc::new(Judge { provider, rejects: flags.has("-verify-fail"), scheme });
    let (now, entropy) = (Instant::from_nanos(0), Box::new(System));
    let groups = groups(flags, provider)?;
    if flags.has("-server") {
        let loaded = flags.credentials().map(|words| credential(provider, words));
        let credentials = loaded.collect::<Result<Vec<_>, End>>()?;
        let alpn = match flags.text("-select-alpn") {
            Some(name) => vec![name.as_bytes().to_vec()],
            None => Vec::new(),
        };
        let options = server::Options {
            credentials: credentials.clone(),
            alpn,
            groups,
            tickets: (!flags.has("-no-ticket"))
                .then(|| Tickets::new(Arc::clone(&kept.keys) as Arc<dyn TicketKeys>)),
            unix_secs_at_start: kept.unix_secs,
            limits: limits(flags)?,
            ..server::Options::new(provider)
        };
        let config = options.build().map_err(misuse)?;
        let owner = Owner { wanted: None, judge, credentials };
        return Ok((Connection::server(config, now, entropy), owner));
    }
    if flags.credentials().next().is_some() {
        return Err(End::Declined("a client's certificate".into()));
    }
    let is_asked = flags.has("-async");
    let options = client::Options {
        verifier: (!is_asked).then(|| Arc::clone(&judge) as Arc<dyn Verifier>),
        alpn: protocols(flags.text("-advertise-alpn").unwrap_or_default())?,
        grease: flags.has("-enable-grease") || flags.has("-permute-extensions"),
        groups,
        tickets: (!flags.has("-no-ticket")).then_some(TICKETS),
        unix_secs_at_start: kept.unix_secs,
        limits: limits(flags)?,
        ..client::Options::new(provider)
    };
    let config = options.build().map_err(misuse)?;
    let name = flags.text("-host-name").unwrap_or(NO_NAME);
    let connection = Connection::resume(config, name, kept.session.take(), now, entropy).map_err(misuse)?;
    Ok((connection, Owner { wanted: None, judge, credentials: Vec::new() }))
}

impl Owner {
    /// What the connection asks is answered as the configuration would.
    pub(crate) fn answer(&self, wanted: &Wanted) -> Answer {
        match wanted {
            Wanted::Certificate { .. } => Answer::Certificate(self.credentials.first().cloned()),
            Wanted::Signature { scheme, message } => {
                let signer = self.credentials.first().and_then(|credential| credential.signer.as_ref());
                Answer::Signature(signer.and_then(|signer| signer.sign(*scheme, message, &mut System)))
            }
            Wanted::Verify { chain, .. } | Wanted::VerifyClient { chain, .. } => {
                let chain: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
                Answer::Verify(self.judge.judge(&chain))
            }
        }
    }

    /// The scheme that the peer signed with, where the configuration was asked.
    pub(crate) fn peer_scheme(&self) -> Option<u16> {
        u16::try_from(self.judge.scheme.load(Ordering::Relaxed)).ok()
    }
}

impl Judge {
    fn judge(&self, chain: &[&[u8]]) -> Result<Verified, RejectedCertificate> {
        if self.rejects {
            return Err(RejectedCertificate::Unacceptable("the case says so".into()));
        }
        let leaf = CertificateDer::from(chain.first().copied().unwrap_or_default());
        let parsed = webpki::EndEntityCert::try_from(&leaf);
        parsed.map(|_| Verified).map_err(|error| RejectedCertificate::Bad(error.to_string()))
    }
}

impl Verifier for Judge {
    fn verify_chain(&self, _: &str, chain: &[&[u8]], _: u64) -> Result<Verified, RejectedCertificate> {
        self.judge(chain)
    }

    fn verify_signature(&self, leaf: &[u8], scheme: u16, message: &[u8], signature: &[u8]) -> bool {
        self.scheme.store(u32::from(scheme), Ordering::Relaxed);
        verify_signature(self.provider, leaf, scheme, message, signature)
    }
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
        let rows = schemes.iter().filter_map(|id| all.verification(*id));
        let rows = rows.map(|row| Verification { ..*row }).collect::<Vec<_>>();
        if rows.len() != schemes.len() {
            return Err(End::Declined(format!("-verify-prefs {schemes:04x?}")));
        }
        provider.verifications = rows.leak();
    }
    Ok(Box::leak(Box::new(provider)))
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

fn credential(provider: &Provider, words: &Words) -> Result<Arc<Credential>, End> {
    let file = |name| {
        let path = words.get(name).and_then(|values| values.last());
        let path = path.ok_or_else(|| End::Declined(format!("a credential without {name}")))?;
        fs::read(path).map_err(|error| End::Failed(format!("{path}: {error}")))
    };
    let loaded = Credential::from_pem(provider, &file("-cert-file")?, &file("-key-file")?);
    let mut credential = loaded.map_err(|error| End::Declined(error.to_string()))?;
    let preferred: Vec<u16> = numbers(words, "-signing-prefs")?;
    if !preferred.is_empty() {
        let has = |scheme: &u16| credential.schemes.contains(scheme);
        let signable: Vec<u16> = preferred.iter().copied().filter(has).collect();
        // What the key cannot sign with is not to be chosen; where there is nothing else, not to be chosen either.
        credential.schemes = if signable.is_empty() { preferred } else { signable };
    }
    Ok(Arc::new(credential))
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
