//! The flags of one case: three sets, for the first connection, for those that resume it, and for what is tried anew when
//! early data was rejected.

use crate::End;
use std::{collections::BTreeMap, str::FromStr};

/// All that the runner told.
#[derive(Debug)]
pub(crate) struct Flags {
    pub(crate) initial: Set,
    pub(crate) resume: Set,
    pub(crate) retry: Set,
}

/// The flags for one kind of connection.
#[derive(Clone, Debug)]
pub(crate) struct Set {
    words: Words,
    /// The flags that belong to a credential: those of the default one, then those of each one that was begun anew.
    credentials: Vec<Words>,
}

/// Each flag with its values in their order; a switch has an empty one.
pub(crate) type Words = BTreeMap<&'static str, Vec<String>>;

impl Flags {
    /// Sorts `words` into sets.
    pub(crate) fn parse(words: &[String]) -> Result<Self, End> {
        let empty = Set { words: Words::new(), credentials: vec![Words::new()] };
        let mut sets = [empty.clone(), empty.clone(), empty];
        let mut words = words.iter();
        while let Some(word) = words.next() {
            // Nothing is split between a shim and a handshaker here.
            let word = word.strip_prefix("-on-shim").unwrap_or(word);
            let (name, chosen) = prefixed(word);
            let (name, kind) = row(name)?;
            let value = match kind {
                Kind::Switch | Kind::NewCredential | Kind::SwitchOfCredential => String::new(),
                Kind::Value | Kind::OfCredential | Kind::OfEither => {
                    words.next().cloned().unwrap_or_default()
                }
            };
            for set in &mut sets[chosen] {
                set.take(name, kind, &value);
            }
        }
        let [initial, resume, retry] = sets;
        Ok(Self { initial, resume, retry })
    }
}

impl Set {
    /// Whether the flag was given.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.words.contains_key(known(name))
    }

    /// The flag's last value.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.words.get(known(name))?.last().map(String::as_str)
    }

    /// The flag's last value as a number.
    pub(crate) fn number<N: FromStr>(&self, name: &str) -> Result<Option<N>, End> {
        self.text(name).map(|text| number(name, text)).transpose()
    }

    /// All the flag's values as numbers.
    pub(crate) fn numbers<N: FromStr>(&self, name: &str) -> Result<Vec<N>, End> {
        numbers(&self.words, name)
    }

    /// The flags of the default credential, then of each one that was begun anew.
    pub(crate) fn credentials(&self) -> (&Words, impl Iterator<Item = &Words>) {
        static NONE: Words = Words::new();
        let mut all = self.credentials.iter();
        (all.next().unwrap_or(&NONE), all)
    }

    fn take(&mut self, name: &'static str, kind: Kind, value: &str) {
        let words = match kind {
            Kind::NewCredential => {
                self.credentials.push(Words::new());
                return;
            }
            Kind::OfEither if self.credentials.len() == 1 => &mut self.words,
            Kind::OfCredential | Kind::SwitchOfCredential | Kind::OfEither => {
                self.credentials.last_mut().unwrap_or(&mut self.words)
            }
            Kind::Value | Kind::Switch => &mut self.words,
        };
        words.entry(name).or_default().push(value.to_owned());
    }
}

/// All of a flag's values as numbers.
pub(crate) fn numbers<N: FromStr>(words: &Words, name: &str) -> Result<Vec<N>, End> {
    words.get(name).into_iter().flatten().map(|text| number(name, text)).collect()
}

fn number<N: FromStr>(name: &str, text: &str) -> Result<N, End> {
    text.parse().map_err(|_| End::Declined(format!("{name} {text}")))
}

/// The sets that a flag is for, and its name without what says so.
fn prefixed(word: &str) -> (&str, std::ops::Range<usize>) {
    const PREFIXES: [&str; 3] = ["-on-initial", "-on-resume", "-on-retry"];
    for (at, prefix) in PREFIXES.iter().enumerate() {
        if let Some(rest) = word.strip_prefix(prefix) {
            return (rest, at..at + 1);
        }
    }
    (word, 0..3)
}

fn row(name: &str) -> Result<(&'static str, Kind), End> {
    KNOWN.iter().find(|row| row.0 == name).copied().ok_or_else(|| End::Declined(name.to_owned()))
}

/// A name that is asked for has a row: a slip of ours would otherwise read as a flag that was not given.
fn known(name: &str) -> &str {
    assert!(KNOWN.iter().any(|row| row.0 == name), "{name} has no row");
    name
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Switch,
    Value,
    /// Begins a credential.
    NewCredential,
    /// Has a value that belongs to the credential begun last.
    OfCredential,
    /// A switch that does.
    SwitchOfCredential,
    /// Has a value that belongs to the credential begun last, or to all where none was.
    OfEither,
}

/// What we act on, or hold in any case.
const KNOWN: &[(&str, Kind)] = &[
    ("-advertise-alpn", Kind::Value),
    // Before TLS 1.3 there was NPN: nothing of it is said.
    ("-advertise-npn", Kind::Value),
    ("-async", Kind::Switch),
    ("-cert-file", Kind::OfCredential),
    ("-check-close-notify", Kind::Switch),
    ("-curves", Kind::Value),
    ("-decline-alpn", Kind::Switch),
    ("-decline-ocsp-callback", Kind::Switch),
    ("-early-write-after-message", Kind::Value),
    ("-enable-early-data", Kind::Switch),
    ("-enable-grease", Kind::Switch),
    // Both or neither is asked for.
    ("-enable-ocsp-stapling", Kind::Switch),
    ("-enable-signed-cert-timestamps", Kind::Switch),
    ("-expect-accept-early-data", Kind::Switch),
    ("-expect-alpn", Kind::Value),
    ("-expect-cipher", Kind::Value),
    ("-expect-client-ca-list", Kind::Value),
    ("-expect-curve-id", Kind::Value),
    ("-expect-hrr", Kind::Switch),
    ("-expect-no-hrr", Kind::Switch),
    ("-expect-no-offer-early-data", Kind::Switch),
    ("-expect-no-peer-cert", Kind::Switch),
    ("-expect-no-server-name", Kind::Switch),
    ("-expect-no-session", Kind::Switch),
    ("-expect-ocsp-response", Kind::Value),
    ("-expect-peer-cert-file", Kind::Value),
    ("-expect-peer-signature-algorithm", Kind::Value),
    ("-expect-peer-verify-pref", Kind::Value),
    ("-expect-reject-early-data", Kind::Switch),
    ("-expect-selected-credential", Kind::Value),
    ("-expect-server-name", Kind::Value),
    ("-expect-session-miss", Kind::Switch),
    ("-expect-signed-cert-timestamps", Kind::Value),
    ("-expect-ticket-supports-early-data", Kind::Switch),
    ("-expect-verify-result", Kind::Switch),
    ("-expect-version", Kind::Value),
    ("-export-context", Kind::Value),
    ("-export-keying-material", Kind::Value),
    ("-export-label", Kind::Value),
    ("-fail-ocsp-callback", Kind::Switch),
    ("-host-name", Kind::Value),
    // The handshake begins with the first read or write, or before it: with us it is the same.
    ("-implicit-handshake", Kind::Switch),
    ("-install-cert-compression-algs", Kind::Switch),
    ("-install-one-cert-compression-alg", Kind::Value),
    ("-ipv6", Kind::Switch),
    ("-key-file", Kind::OfCredential),
    ("-key-update", Kind::Switch),
    ("-max-cert-list", Kind::Value),
    ("-max-version", Kind::Value),
    ("-min-version", Kind::Value),
    // A chain is shown to those alone who take its issuer, with this flag or without.
    ("-must-match-issuer", Kind::SwitchOfCredential),
    ("-new-x509-credential", Kind::NewCredential),
    // A second call once the handshake is over: there is none to make.
    ("-no-op-extra-handshake", Kind::Switch),
    ("-no-server-name-ack", Kind::Switch),
    ("-no-ticket", Kind::Switch),
    // We speak none of them.
    ("-no-tls1", Kind::Switch),
    ("-no-tls11", Kind::Switch),
    ("-no-tls12", Kind::Switch),
    ("-ocsp-response", Kind::OfCredential),
    ("-permute-extensions", Kind::Switch),
    ("-port", Kind::Value),
    ("-read-size", Kind::Value),
    ("-read-with-unfinished-write", Kind::Switch),
    ("-reject-alpn", Kind::Switch),
    // Nor is there renegotiation: who asks for it is told so.
    ("-renegotiate-freely", Kind::Switch),
    // A ticket is never taken twice here: another one follows in any case.
    ("-renew-ticket", Kind::Switch),
    ("-repeat-shim-initial-write", Kind::Value),
    ("-require-any-client-certificate", Kind::Switch),
    ("-resume-count", Kind::Value),
    ("-resumption-delay", Kind::Value),
    ("-reverify-on-resume", Kind::Switch),
    ("-select-alpn", Kind::Value),
    ("-server", Kind::Switch),
    // It is always the server's that counts.
    ("-server-preference", Kind::Switch),
    ("-session-id-context", Kind::OfEither),
    // It makes no difference when a response is set.
    ("-set-ocsp-in-callback", Kind::Switch),
    ("-shim-id", Kind::Value),
    ("-shim-initial-write", Kind::Value),
    ("-shim-shuts-down", Kind::Switch),
    ("-shim-writes-first", Kind::Switch),
    ("-signed-cert-timestamps", Kind::OfCredential),
    ("-signing-prefs", Kind::OfCredential),
    ("-skip-ticket", Kind::Switch),
    // Nothing of it is said over TLS.
    ("-srtp-profiles", Kind::Value),
    ("-tls13-ciphers", Kind::Value),
    ("-trust-cert", Kind::Value),
    ("-use-client-ca-list", Kind::Value),
    ("-use-custom-verify-callback", Kind::Switch),
    ("-use-export-context", Kind::Switch),
    ("-use-ocsp-callback", Kind::Switch),
    // Whether it is asked before the certificate is chosen or after: none is.
    ("-use-old-client-cert-callback", Kind::Switch),
    // The keys of tickets are their owner's in any case.
    ("-use-ticket-aead-callback", Kind::Switch),
    ("-use-ticket-callback", Kind::Switch),
    ("-verify-fail", Kind::Switch),
    ("-verify-peer", Kind::Switch),
    ("-verify-prefs", Kind::Value),
    // What BoringSSL's API tells beside, or does for older versions. What comes of it is checked all the same.
    ("-expect-advertised-alpn", Kind::Value),
    ("-expect-early-data-reason", Kind::Value),
    ("-expect-extended-master-secret", Kind::Switch),
    ("-expect-no-session-id", Kind::Switch),
    ("-expect-secure-renegotiation", Kind::Switch),
    ("-expect-session-id", Kind::Switch),
    ("-expect-ticket-age-skew", Kind::Value),
    ("-no-legacy-server-connect", Kind::Switch),
];

#[cfg(test)]
mod tests;
