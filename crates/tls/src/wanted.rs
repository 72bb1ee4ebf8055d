use crate::compression::Compressed;
use core::ops::RangeInclusive;
use sakigake_wire::Entropy;
use std::sync::Arc;

/// What a handshake waits for, when its configuration leaves the matter to the owner. The built-in answers come within
/// the same call; an owner's comes later, through `answer`, while input is bounded and a deadline runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Server: a chain and key for this client.
    Certificate {
        /// The host that the client asked for, in lower case.
        server_name: Option<String>,
        /// Schemes for CertificateVerify that the client takes.
        signature_algorithms: Vec<u16>,
        /// Schemes in the chain's certificates that the client takes.
        signature_algorithms_cert: Vec<u16>,
    },
    /// A signature by the chosen certificate's key: a server's, or that of a client that is asked for one.
    Signature {
        /// The certificate in DER, by which the owner finds the key.
        leaf: Vec<u8>,
        /// The scheme to sign with.
        scheme: u16,
        /// What to sign: RFC 9846 section 4.5.2's padded content, not hashed.
        message: Vec<u8>,
    },
    /// Client: is this chain to be trusted for this name?
    Verify {
        /// The host that was asked for.
        server_name: String,
        /// The chain in DER, leaf first.
        chain: Vec<Vec<u8>>,
        /// What the server showed beside the leaf, where it was asked for.
        staples: Staples,
    },
    /// Server: is this client's chain to be trusted?
    VerifyClient {
        /// The host that the client asked for, in lower case.
        server_name: Option<String>,
        /// The chain in DER, leaf first, never empty.
        chain: Vec<Vec<u8>>,
    },
    /// Server over QUIC, always: its transport parameters, once the application protocol and the ticket are settled, and before
    /// anything was sent (but for a HelloRetryRequest) or early data was taken. An owner that finds a fault with `peer` ends the
    /// connection itself, and answers nothing.
    TransportParameters {
        /// The client's, not looked into.
        peer: Vec<u8>,
        /// What was sealed in the ticket of the connection that goes on, if one does.
        remembered: Option<Vec<u8>>,
    },
}

/// The owner's answer to a [`Wanted`].
pub enum Answer {
    /// To [`Wanted::Certificate`]; none ends the handshake with `unrecognized_name` or `handshake_failure`.
    Certificate(Option<Arc<Credential>>),
    /// To [`Wanted::Signature`]; none ends the handshake with `internal_error`.
    Signature(Option<Vec<u8>>),
    /// To [`Wanted::Verify`] and [`Wanted::VerifyClient`].
    Verify(Result<Verified, RejectedCertificate>),
    /// To [`Wanted::TransportParameters`].
    TransportParameters {
        /// Ours, at most 4,096 bytes.
        parameters: Vec<u8>,
        /// What goes into this connection's tickets, to be heard where one of them is gone on from; at most
        /// [`crate::MAX_REMEMBERED_TRANSPORT_BYTES`].
        remembered: Vec<u8>,
        /// Whether early data may be taken, as far as transport and application can tell: what is in force now is no less than
        /// what the client remembers (RFC 9001 section 4.6.3). TLS has its own conditions beside it.
        takes_early_data: bool,
    },
    /// To the same where the ticket is not to be gone on from: it was made over another version of QUIC (RFC 9369 section 5). A full
    /// handshake follows, without early data. Where there is no ticket it is the same as the other answer.
    FullHandshake {
        /// As there.
        parameters: Vec<u8>,
        /// As there.
        remembered: Vec<u8>,
    },
}

/// A chain and the key of its leaf. The default is empty, and no server takes it as it is.
#[derive(Default)]
pub struct Credential {
    /// Certificates in DER, leaf first.
    pub chain: Vec<Vec<u8>>,
    /// Who signs for it; none where the owner answers [`Wanted::Signature`].
    pub signer: Option<Arc<dyn Signer>>,
    /// The schemes that its key can sign with, best first.
    pub schemes: Vec<u16>,
    /// The schemes whose algorithms signed the chain's certificates, self-signed ones left out; empty where unknown.
    pub signed_with: Vec<u16>,
    /// Hosts that the leaf names, in lower case, a leading `*.` allowed; IP addresses in their text form.
    pub names: Vec<String>,
    /// What goes with the leaf to clients that ask for it.
    pub staples: Staples,
    /// The chain's compressed forms, as they are asked for: begin with none.
    pub compressed: Compressed,
}

/// What others say of a leaf, to be shown beside it. It is carried as it is: who asked for it judges it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Staples {
    /// Its OCSP response in DER (RFC 6066 section 8).
    pub ocsp: Option<Vec<u8>>,
    /// Its Signed Certificate Timestamps, each as RFC 6962 section 3.2 serialises it.
    pub scts: Vec<Vec<u8>>,
}

/// Signs at once.
pub trait Signer: Send + Sync {
    /// Signs `message` with `scheme`; none when the key fails.
    fn sign(&self, scheme: u16, message: &[u8], entropy: &mut dyn Entropy) -> Option<Vec<u8>>;
}

/// Judges a server's certificates at once.
pub trait Verifier: Send + Sync {
    /// Whether the chain leads to an anchor we trust, is for `server_name`, may serve TLS, and is valid at `unix_secs`.
    fn verify_chain(
        &self,
        server_name: &str,
        chain: &[&[u8]],
        unix_secs: u64,
    ) -> Result<Verified, RejectedCertificate>;

    /// Whether what the server showed beside the leaf of a good chain is acceptable. Nothing was, where we did not ask, or
    /// where it has nothing. Unless it is overridden, whatever is there is accepted unread.
    ///
    /// It is asked in full handshakes alone: a session keeps the chain, which [`Verifier::judge`] is asked for at each
    /// resumption, but no staples. Who wants a response younger than a chain of resumptions may be
    /// ([`crate::client::Options::chain_secs`], 7 days) shortens that, or resumes nothing.
    fn verify_staples(
        &self,
        chain: &[&[u8]],
        staples: &Staples,
        unix_secs: u64,
    ) -> Result<(), RejectedCertificate> {
        let _ = (chain, staples, unix_secs); // Not every verifier reads them.
        Ok(())
    }

    /// Whether the leaf's key made `signature` over `message` with `scheme`.
    fn verify_signature(&self, leaf: &[u8], scheme: u16, message: &[u8], signature: &[u8]) -> bool;

    /// [`Verifier::verify_chain`] for clients that resume connections: a connection that goes on rests on the chain of an earlier
    /// one, which is judged again before it is offered. `earlier` are the grounds that this method gave in this process for the
    /// same name and the same chain, if it gave any; where they still hold, there is no need to walk the chain again.
    ///
    /// Who gives grounds promises that they hold only as long as `verify_chain` would find the same: by this very verifier with
    /// the same anchors and the same lists of what was revoked, until the first certificate of the chain expires. Who asks
    /// others (a responder, a list that changes) gives none, as it is here: then each connection is judged from the beginning,
    /// be it resumed or not. A session that was stored outside the process never brings any.
    fn judge(
        &self,
        server_name: &str,
        chain: &[&[u8]],
        earlier: Option<&Grounds>,
        unix_secs: u64,
    ) -> Result<Option<Grounds>, RejectedCertificate> {
        let _ = earlier; // Nobody has any.
        self.verify_chain(server_name, chain, unix_secs).map(|Verified| None)
    }
}

/// What a good verdict on a chain rests on: the state of a verifier, and a time ([`Verifier::judge`]).
#[derive(Clone, Debug)]
pub struct Grounds(Arc<Ground>);

#[derive(Debug)]
struct Ground {
    /// Known by where it lies.
    state: Arc<()>,
    unix_secs: RangeInclusive<u64>,
}

impl Grounds {
    /// They hold while `state` is the verifier's, at these seconds since 1970. A verifier that changes takes a new `Arc`.
    pub fn new(state: &Arc<()>, unix_secs: RangeInclusive<u64>) -> Self {
        Self(Arc::new(Ground { state: state.clone(), unix_secs }))
    }

    /// Whether they hold for a verifier of this state, now.
    pub fn hold(&self, state: &Arc<()>, unix_secs: u64) -> bool {
        Arc::ptr_eq(&self.0.state, state) && self.0.unix_secs.contains(&unix_secs)
    }
}

/// The very same grounds.
impl PartialEq for Grounds {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Grounds {}

/// Judges clients' certificates at once.
pub trait ClientVerifier: Send + Sync {
    /// Whether the chain, never empty, leads to an anchor we trust, may authenticate a client of TLS, and is valid at
    /// `unix_secs`.
    fn verify_client(&self, chain: &[&[u8]], unix_secs: u64) -> Result<Verified, RejectedCertificate>;

    /// Whether the leaf's key made `signature` over `message` with `scheme`.
    fn verify_signature(&self, leaf: &[u8], scheme: u16, message: &[u8], signature: &[u8]) -> bool;
}

/// A chain was found good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified;

/// Why a chain was refused: each has its alert (RFC 9846 section 6.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RejectedCertificate {
    /// It could not be parsed, or a signature in the chain is wrong.
    Bad(String),
    /// A certificate has expired, or is not yet valid.
    Expired(String),
    /// It was revoked.
    Revoked,
    /// The OCSP response that came with it is missing or unacceptable.
    Status(String),
    /// No path leads to an anchor that we trust.
    UnknownIssuer,
    /// It is for other names.
    WrongName {
        /// The names that it is for.
        presented: Vec<String>,
    },
    /// Its key or algorithms may not be used this way.
    Unsupported(String),
    /// Our own policy refused it.
    Unacceptable(String),
}
