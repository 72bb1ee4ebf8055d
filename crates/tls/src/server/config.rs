use super::{
    EarlyDataPolicy, choose,
    clients::{ClientAuthentication, Demand},
    cookie::Cookies,
    names::Names,
};
use crate::{
    Credential, Identity, Limits, Misuse,
    compression::{self, Compression},
    config,
    extension::MAX_RECORD_SIZE_LIMIT,
    record::Padding,
    ticket::Tickets,
};
use core::ops::Deref;
use sakigake_crypto::{Group, Provider};
use sakigake_wire::Instant;
use std::sync::Arc;

/// What a server offers; [`Options::build`] checks it once for all connections.
#[derive(Clone)]
pub struct Options {
    /// Suites and groups, in the order of preference.
    pub provider: &'static Provider,
    /// Chains and keys; the first one is the default. Empty where the owner answers [`crate::Wanted::Certificate`].
    pub credentials: Vec<Arc<Credential>>,
    /// Whether the owner answers [`crate::Wanted::Certificate`], whatever [`Options::credentials`] holds.
    pub ask_certificate: bool,
    /// What a client gets that asks for a name that no credential is for.
    pub unknown_name: UnknownName,
    /// Application protocols, best first; none to ignore what clients offer.
    pub alpn: Vec<Vec<u8>>,
    /// The same over QUIC, where one of them has to be agreed on; none for those of [`Options::alpn`].
    pub quic_alpn: Vec<Vec<u8>>,
    /// What a client gets that offers no application protocol.
    pub without_alpn: WithoutAlpn,
    /// Takes ChaCha20-Poly1305 where the client puts it first: it has no hardware for AES.
    pub prefer_clients_chacha: bool,
    /// Gives out the secrets as key log lines.
    pub key_log: bool,
    /// The groups to take, best first; empty for all of the provider's.
    pub groups: Vec<u16>,
    /// How clients are asked who they are, by host: a whole name counts before a wildcard. None to ask nobody.
    pub client_authentication: Vec<Arc<ClientAuthentication>>,
    /// How connections are resumed; none to resume none.
    pub tickets: Option<Tickets>,
    /// Which early data is taken; none to take none. It needs [`Options::tickets`].
    pub early_data: Option<EarlyDataPolicy>,
    /// The seconds since 1970 at the beginning of [`Instant`]'s count; tickets and clients' certificates are judged by it.
    pub unix_secs_at_start: u64,
    /// How the certificate goes to clients that offer it, and how clients that are asked may compress theirs, best first; none
    /// for no compression. See [`crate::compression::ALL`].
    pub compressions: &'static [Compression],
    /// Keeps nothing of a client between a HelloRetryRequest and what it answers: a cookie holds it. None keeps it here.
    pub cookies: Option<Cookies>,
    /// The most content, type and padding that we take in a protected record, 64 to 16,385 bytes (RFC 8449); told to
    /// clients that have a limit themselves. None to ignore theirs, as QUIC does.
    pub record_size_limit: Option<u16>,
    /// What makes protected records longer than their content, from the first one on; no matter of QUIC's.
    pub padding: Padding,
    /// What a handshake may cost.
    pub limits: Limits,
}

/// What a client gets that asks for a name that no credential is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownName {
    /// The default credential; the client may refuse it.
    DefaultCredential,
    /// The alert `unrecognized_name` (RFC 6066 section 3).
    Refuse,
}

/// What a client gets that offers no application protocol, from a server that has some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WithoutAlpn {
    /// A connection without one: HTTP/1.1, as old clients mean it.
    Allow,
    /// The alert `no_application_protocol`.
    Refuse,
}

/// Checked [`Options`].
pub struct Config {
    options: Options,
    groups: Vec<&'static Group>,
    schemes: Vec<u16>,
    /// Of the credentials, and of the ways in which clients are asked.
    credential_names: Names,
    policy_names: Names,
    /// Of each credential's leaf.
    leaf_digests: Vec<[u8; 32]>,
}

impl Options {
    /// Everything that `provider` has, no credential, no application protocol, the default credential for unknown names.
    pub fn new(provider: &'static Provider) -> Self {
        Self {
            provider,
            credentials: Vec::new(),
            ask_certificate: false,
            unknown_name: UnknownName::DefaultCredential,
            alpn: Vec::new(),
            quic_alpn: Vec::new(),
            without_alpn: WithoutAlpn::Allow,
            prefer_clients_chacha: true,
            key_log: false,
            groups: Vec::new(),
            client_authentication: Vec::new(),
            tickets: None,
            early_data: None,
            unix_secs_at_start: 0,
            compressions: &compression::ALL,
            cookies: None,
            record_size_limit: Some(MAX_RECORD_SIZE_LIMIT),
            padding: Padding::None,
            limits: Limits::default(),
        }
    }

    /// Checks that every list fits its place on the wire and that a handshake can succeed.
    pub fn build(self) -> Result<Arc<Config>, Misuse> {
        config::check_alpn(&self.alpn)?;
        config::check_alpn(&self.quic_alpn)?;
        config::check_provider(self.provider)?;
        config::check_limits(&self.limits)?;
        config::check_record_size_limit(self.record_size_limit)?;
        if self.credentials.is_empty() && !self.ask_certificate {
            return Err(Misuse::NoCredential);
        }
        self.credentials.iter().try_for_each(|credential| config::check_credential(credential))?;
        if let Some(tickets) = &self.tickets {
            config::check_tickets(tickets)?;
        }
        if let Some(policy) = &self.early_data {
            policy.check(self.tickets.is_some(), &self.limits)?;
        }
        let groups = config::groups(self.provider, &self.groups)?;
        ClientAuthentication::check_all(&self.client_authentication)?;
        let schemes = config::schemes(self.provider);
        let credential_names = Names::of(self.credentials.iter().map(|credential| &credential.names[..]));
        let policy_names = Names::of(self.client_authentication.iter().map(|policy| &policy.hosts[..]));
        let leaf_digests =
            self.credentials.iter().map(|one| choose::digest(self.provider, &[&one.chain[0]])).collect(); // None has an empty chain.
        Ok(Arc::new(Config { options: self, groups, schemes, credential_names, policy_names, leaf_digests }))
    }
}

impl Config {
    /// Whether a credential is for `host` (lower case, no final dot).
    pub fn covers(&self, host: &str) -> bool {
        !self.credential_names.all(host).is_empty()
    }

    /// Chains and keys; the first one is the default.
    pub fn credentials(&self) -> &[Arc<Credential>] {
        &self.options.credentials
    }

    /// The same with other credentials.
    ///
    /// # Errors
    /// As [`Options::build`].
    pub fn with_credentials(&self, credentials: Vec<Arc<Credential>>) -> Result<Arc<Self>, Misuse> {
        Options { credentials, ..self.options.clone() }.build()
    }

    /// The same with other ways of asking clients who they are.
    ///
    /// # Errors
    /// As [`Options::build`].
    pub fn with_client_authentication(
        &self,
        client_authentication: Vec<Arc<ClientAuthentication>>,
    ) -> Result<Arc<Self>, Misuse> {
        Options { client_authentication, ..self.options.clone() }.build()
    }

    /// The same by a clock that was set right: certificates of clients, and tickets, are judged by it.
    ///
    /// # Errors
    /// As [`Options::build`].
    pub fn with_unix_secs_at_start(&self, unix_secs_at_start: u64) -> Result<Arc<Self>, Misuse> {
        Options { unix_secs_at_start, ..self.options.clone() }.build()
    }

    /// Whether a connection on which the client asked for `server_name` may answer for `host` (lower case, no final dot)
    /// too: clients are asked the same way who they are, and whichever credential it was shown there is one that a client
    /// gets who asks for `host` (always so where the owner chooses credentials itself).
    pub fn may_answer(&self, server_name: Option<&str>, host: &str) -> bool {
        let policy = |name| self.client_authentication(name).map(Arc::as_ptr);
        let is_shown = self.options.ask_certificate || choose::may_answer(self, server_name, host);
        is_shown && policy(server_name) == policy(Some(host))
    }

    /// Milliseconds since 1970.
    pub(crate) fn unix_ms(&self, now: Instant) -> u64 {
        config::unix_ms(self.options.unix_secs_at_start, now)
    }

    /// Whether a client that is known as `identity` on a connection to `server_name` may ask for `host` by this configuration,
    /// which is a later one than that by which it connected: clients of both are asked the same way, and who it is is judged
    /// anew, as of `unix_secs`.
    pub fn still_admits(
        &self,
        server_name: Option<&str>,
        host: &str,
        identity: Option<&Identity>,
        unix_secs: u64,
    ) -> bool {
        let (shown, asked) =
            (self.client_authentication(server_name), self.client_authentication(Some(host)));
        let is_same = server_name == Some(host) || shown.map(Arc::as_ptr) == asked.map(Arc::as_ptr);
        is_same && asked.is_none_or(|policy| policy.admits(identity, unix_secs))
    }

    /// How a client that asked for `server_name` (lower case, no final dot) is asked who it is.
    pub fn client_authentication(&self, server_name: Option<&str>) -> Option<&Arc<ClientAuthentication>> {
        let policies = &self.options.client_authentication;
        let named = server_name.and_then(|host| {
            let number = self.policy_names.exact(host).first().or(self.policy_names.wild(host).first());
            number.and_then(|number| policies.get(*number))
        });
        let found = named.or_else(|| policies.iter().find(|policy| policy.is_default));
        found.filter(|policy| policy.demand != Demand::Never)
    }

    /// The numbers of the credentials that are for `host`.
    pub(super) fn credentials_for(&self, host: &str) -> Vec<usize> {
        self.credential_names.all(host)
    }

    /// A digest of each credential's leaf.
    pub(super) fn leaf_digests(&self) -> &[[u8; 32]] {
        &self.leaf_digests
    }

    /// The signature schemes that clients may use, best first.
    pub(crate) fn schemes(&self) -> &[u16] {
        &self.schemes
    }

    /// The groups to take, best first; at least one.
    pub(crate) fn accepted_groups(&self) -> &[&'static Group] {
        &self.groups
    }
}

impl Deref for Config {
    type Target = Options;

    fn deref(&self) -> &Options {
        &self.options
    }
}
