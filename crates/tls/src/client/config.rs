use crate::{
    Credential, Limits, Misuse, Verifier, compression::Compression, config, extension::TicketRequest,
    record::Padding,
};
use core::ops::Deref;
use sakigake_crypto::{Group, Provider};
use sakigake_wire::Instant;
use std::sync::Arc;

/// What a client wants; [`Options::build`] checks it once for all connections.
#[derive(Clone)]
pub struct Options {
    /// Suites, groups and verifications, in the order of preference.
    pub provider: &'static Provider,
    /// Judges servers at once; none where the owner answers [`crate::Wanted::Verify`].
    pub verifier: Option<Arc<dyn Verifier>>,
    /// Application protocols, best first; none to leave the extension out.
    pub alpn: Vec<Vec<u8>>,
    /// The seconds since 1970 at the beginning of [`sakigake_wire::Instant`]'s count; certificates are judged by it.
    pub unix_secs_at_start: u64,
    /// Gives out the secrets as key log lines.
    pub key_log: bool,
    /// Offers values that mean nothing and shuffles the extensions, so that servers stay tolerant (RFC 8701).
    pub grease: bool,
    /// Sends a session id, as middleboxes expect (RFC 9846 appendix E.4); QUIC switches it off.
    pub middlebox: bool,
    /// The groups to offer, best first; a share is sent for the first one (and for its component, when that is offered
    /// too). Empty for all of the provider's.
    pub groups: Vec<u16>,
    /// Takes tickets, each of which comes as a [`crate::Session`]; how many to ask for where the server knows RFC 9149.
    pub tickets: Option<TicketRequest>,
    /// Sends early data where a ticket allows it. Whoever records it may send it again, and a server may act on it twice:
    /// what is sent early must do no harm then (RFC 9846 section 8).
    pub early_data: bool,
    /// For how long resumption may follow resumption before a certificate is due again, in seconds.
    pub chain_secs: u64,
    /// Asks for an OCSP response and for certificate transparency's timestamps, which go to the verifier
    /// ([`Verifier::verify_staples`]).
    pub staples: bool,
    /// How the server may compress its certificate, and how ours goes to a server that asks in the handshake, best first; none
    /// to leave the extension out. See [`crate::compression::ALL`].
    pub compressions: &'static [Compression],
    /// The most content, type and padding that we take in a protected record, 64 to 16,385 bytes (RFC 8449); none to leave
    /// the extension out, as QUIC does. Where the server answers, both sides keep to it.
    pub record_size_limit: Option<u16>,
    /// What makes protected records longer than their content, from the first one on; no matter of QUIC's.
    pub padding: Padding,
    /// Chains and keys for servers that ask who we are, best first; the first one that fits what they ask for is shown.
    pub credentials: Vec<Arc<Credential>>,
    /// Whether servers may ask after the handshake too (RFC 9846 section 4.7.2). They are told so only where none of
    /// [`Options::alpn`] forbids it: HTTP/2 does.
    pub post_handshake_auth: bool,
    /// What a handshake may cost.
    pub limits: Limits,
}

/// Checked [`Options`].
pub struct Config {
    options: Options,
    groups: Vec<&'static Group>,
    schemes: Vec<u16>,
    client_certificates: [u8; 32],
}

impl Options {
    /// Everything that `provider` has, no verifier, no application protocol, GREASE and middlebox compatibility on.
    pub fn new(provider: &'static Provider) -> Self {
        Self {
            provider,
            verifier: None,
            alpn: Vec::new(),
            unix_secs_at_start: 0,
            key_log: false,
            grease: true,
            middlebox: true,
            groups: Vec::new(),
            tickets: None,
            early_data: false,
            chain_secs: 604_800,
            staples: false,
            compressions: &[],
            record_size_limit: None,
            padding: Padding::None,
            credentials: Vec::new(),
            post_handshake_auth: false,
            limits: Limits::default(),
        }
    }

    /// Checks that every list fits its place on the wire and that a handshake can succeed.
    pub fn build(self) -> Result<Arc<Config>, Misuse> {
        config::check_alpn(&self.alpn)?;
        config::check_provider(self.provider)?;
        config::check_limits(&self.limits)?;
        config::check_record_size_limit(self.record_size_limit)?;
        let groups = config::groups(self.provider, &self.groups)?;
        self.credentials.iter().try_for_each(|credential| config::check_credential(credential))?;
        let schemes = config::schemes(self.provider);
        let client_certificates = digest(&self);
        Ok(Arc::new(Config { options: self, groups, schemes, client_certificates }))
    }
}

impl Config {
    /// Milliseconds since 1970.
    pub(crate) fn unix_ms(&self, now: Instant) -> u64 {
        config::unix_ms(self.options.unix_secs_at_start, now)
    }

    /// What sessions are bound to: as in [`crate::Session::client_certificates`].
    pub(crate) fn client_certificates(&self) -> [u8; 32] {
        self.client_certificates
    }

    /// Whether ClientHello says that we take a CertificateRequest after the handshake.
    pub(crate) fn offers_later(&self) -> bool {
        self.post_handshake_auth
            && !self.alpn.iter().any(|alpn| super::later::BARRED.contains(&alpn.as_slice()))
    }

    /// The signature schemes to offer, best first.
    pub(crate) fn offered_schemes(&self) -> &[u16] {
        &self.schemes
    }

    /// The groups to offer, best first; at least one.
    pub(crate) fn offered_groups(&self) -> &[&'static Group] {
        &self.groups
    }
}

/// A digest of the leaves that a client may show, each behind its length; zeros where there are none.
fn digest(options: &Options) -> [u8; 32] {
    let mut digest = [0; 32];
    if options.credentials.is_empty() {
        return digest;
    }
    let mut state = (options.provider.suites[0].hash.start)(); // `config::check_provider` saw to it that there is one.
    for credential in &options.credentials {
        let leaf = &credential.chain[0]; // `config::check_credential` takes no empty chain.
        state.update(&(leaf.len() as u64).to_be_bytes());
        state.update(leaf);
    }
    let whole = state.digest();
    let len = whole.as_ref().len().min(digest.len());
    digest[..len].copy_from_slice(&whole.as_ref()[..len]);
    digest
}

impl Deref for Config {
    type Target = Options;

    fn deref(&self) -> &Options {
        &self.options
    }
}
