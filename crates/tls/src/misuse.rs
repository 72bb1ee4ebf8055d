use core::fmt;

/// Our caller asked for what cannot be: nothing of it went to the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misuse {
    /// The server's name is neither a DNS name nor an IP address.
    ServerName(String),
    /// An application protocol's name has no bytes or over 255, or all the names together do not fit one extension.
    Alpn,
    /// The provider lacks suites, groups or verifications, or more are configured than fit their lists.
    Provider(&'static str),
    /// A group is configured that the provider does not have.
    Group(u16),
    /// A server has neither credentials nor an owner that answers for them.
    NoCredential,
    /// A credential has no certificate, no scheme that TLS 1.3 signs with, or does not fit a Certificate message.
    Credential(&'static str),
    /// Tickets cannot be as they are wanted.
    Tickets(&'static str),
    /// Keying material cannot be exported like this.
    Export(&'static str),
    /// The authorities that clients get to choose their certificates by do not fit a CertificateRequest, or one is empty.
    Authorities,
    /// A host that clients are to be asked for is not in lower case, ends with a dot, or is named twice; or two ways of asking
    /// are the default one. Holds what it is.
    ClientAuthentication(String),
    /// This client cannot be asked for a certificate now: it did not offer it, what is spoken forbids it, no
    /// [`crate::server::ClientAuthentication`] is for its host, the handshake is not over, or it was asked already.
    Request,
    /// Early data cannot be as it is wanted.
    EarlyData(&'static str),
    /// A limit is below what any handshake needs.
    Limits(&'static str),
    /// A connection over QUIC cannot be as it is wanted.
    Quic(&'static str),
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ServerName(name) => write!(f, "{name:?} is neither a DNS name nor an IP address"),
            Self::Alpn => {
                write!(f, "an application protocol has 1 to 255 bytes, all of them together under 65,536")
            }
            Self::Provider(what) => write!(f, "the provider: {what}"),
            Self::Group(id) => write!(f, "the provider has no group {id:#06x}"),
            Self::NoCredential => write!(f, "a server needs a credential, or an owner that gives one"),
            Self::Credential(what) => write!(f, "a credential: {what}"),
            Self::Tickets(what) => write!(f, "tickets: {what}"),
            Self::Export(what) => write!(f, "exported keying material: {what}"),
            Self::Authorities => {
                write!(f, "authorities have 1 to 65,535 bytes each, all of them together at most 32,768")
            }
            Self::ClientAuthentication(what) => write!(f, "how clients are asked: {what}"),
            Self::Request => write!(f, "this client cannot be asked for a certificate now"),
            Self::EarlyData(what) => write!(f, "early data: {what}"),
            Self::Limits(what) => write!(f, "limits: {what}"),
            Self::Quic(what) => write!(f, "over QUIC: {what}"),
        }
    }
}

impl std::error::Error for Misuse {}
