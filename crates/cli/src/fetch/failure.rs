//! How a fetch ends badly: a number for scripts (curl's), words and advice for people.

use crate::Failure;
use core::fmt;
use sakigake::client::{Cause, Error, TrustError};
use sakigake_page::Url;
use std::{io, path::Path};

/// The server answered with an error.
pub(super) const HTTP_ERROR: u8 = 22;
/// The command line, or our settings.
const FAILED_INIT: u8 = 2;
/// What is to be sent cannot be read.
const READ_ERROR: u8 = 26;
/// The trusted certificates cannot be read.
const CACERT_BADFILE: u8 = 77;
/// The certificate revocation lists cannot be used.
const CRL_BADFILE: u8 = 82;

/// A fetch that ended badly.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) code: u8,
    pub(super) why: String,
}

impl Ended {
    pub(super) fn new(cause: Cause, why: impl fmt::Display) -> Self {
        Self { code: cause.code(), why: why.to_string() }
    }

    pub(super) fn of(error: &Error, why: String) -> Self {
        let code = match error {
            Error::Trust(TrustError::Crl(..)) => CRL_BADFILE,
            Error::Trust(_) => CACERT_BADFILE,
            Error::Misuse(_) | Error::Quic(_) => FAILED_INIT,
            Error::Failed(failed) => failed.cause.code(),
            Error::Output(_) => Cause::WriteError.code(),
        };
        Self { code, why }
    }

    pub(super) fn late(why: impl fmt::Display) -> Self {
        Self::new(Cause::OperationTimedout, why)
    }

    pub(super) fn unread(what: &str, error: &io::Error) -> Self {
        Self { code: READ_ERROR, why: format!("cannot read {what}: {error}") }
    }

    pub(super) fn unwritten(path: &Path, error: &io::Error) -> Self {
        Self::new(Cause::WriteError, format_args!("cannot write {}: {error}", path.display()))
    }
}

impl From<Failure> for Ended {
    fn from(Failure(why): Failure) -> Self {
        Self { code: FAILED_INIT, why }
    }
}

/// What went wrong, what is left of it, and what a person can do about it.
pub(super) fn explain(url: &Url, error: &Error, left: &str) -> Ended {
    let why = error.to_string();
    let advice = ADVICE.iter().find(|(words, _)| why.contains(words)).map(|(_, advice)| *advice);
    let parts = [left, advice.unwrap_or_default()].into_iter().filter(|part| !part.is_empty());
    let more: String = parts.map(|part| format!("\n  {part}")).collect();
    Ended::of(error, format!("{url}: {why}{more}"))
}

/// What helps, by the words of what went wrong.
const ADVICE: [(&str, &str); 7] = [
    (
        "nobody whom we trust",
        "--cacert FILE names an authority (`sakigake ca --pem` prints that of `sakigake serve`); -k trusts anybody",
    ),
    (
        "it is for other names",
        "ask for one of those names (--resolve says where it is), or -k trusts anybody",
    ),
    ("not valid at this time", "is the clock right? -k trusts anybody"),
    ("Connection refused", "is the server running, and on that port?"),
    ("cannot find", "--resolve HOST:PORT:ADDR says where a host is"),
    ("a record of type unknown", "whatever listens there does not speak TLS"),
    ("protocol_version", "only TLS 1.3 is spoken here"),
];
