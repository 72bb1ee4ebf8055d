//! The server's side of a handshake: [`Config`], and the states in the figure of [`crate::Handshake`].

mod choose;
mod clients;
mod config;
mod cookie;
mod early;
mod finished;
mod flight;
mod hello;
mod identity;
mod later;
mod names;
mod resume;
mod transport;

pub use clients::{ClientAuthentication, Demand};
pub use config::{Config, Options, UnknownName, WithoutAlpn};
pub use cookie::Cookies;
pub use early::{AntiReplay, EarlyDataPolicy, Seen};

use crate::{
    Answer, Fault, Level, Wanted,
    handshake::{Established, Turn},
    rules::HandshakeType,
};
use early::AwaitEndOfEarlyData;
use finished::AwaitFinished;
pub(crate) use finished::Promised;
use flight::{AwaitCertificateAnswer, AwaitSignature};
use hello::{AwaitClientHello, AwaitSecondClientHello};
use identity::{AwaitCertificate, AwaitCertificateVerify, AwaitVerdict};
pub(crate) use later::Later;
use std::sync::Arc;
use transport::{AwaitTransportParameters, Transport};

/// What a server waits for. Boxed, so that each takes the room of its own alone.
pub(crate) enum State {
    ClientHello(AwaitClientHello),
    SecondClientHello(Box<AwaitSecondClientHello>),
    TransportParameters(Box<AwaitTransportParameters>),
    CertificateAnswer(Box<AwaitCertificateAnswer>),
    Signature(Box<AwaitSignature>),
    EndOfEarlyData(Box<AwaitEndOfEarlyData>),
    Certificate(Box<AwaitCertificate>),
    Verdict(Box<AwaitVerdict>),
    CertificateVerify(Box<AwaitCertificateVerify>),
    Finished(Box<AwaitFinished>),
    Established(Box<Established>),
}

impl State {
    /// Waits for a ClientHello, over QUIC or not.
    pub(crate) fn start(config: Arc<Config>, is_quic: bool) -> Self {
        Self::ClientHello(AwaitClientHello { config, is_quic, retried: None })
    }

    /// Takes one whole message, header included.
    pub(crate) fn take(self, message: &[u8], turn: &mut Turn<'_>) -> Result<Self, Fault> {
        use HandshakeType as Type;
        let kind = Type(message.first().copied().unwrap_or(0)); // Never empty: it has a header.
        match (self, kind) {
            (Self::ClientHello(state), Type::CLIENT_HELLO) => state.take(message, turn),
            (Self::SecondClientHello(state), Type::CLIENT_HELLO) => state.take(message, turn),
            (Self::EndOfEarlyData(state), Type::END_OF_EARLY_DATA) => state.take(message, turn),
            (Self::Certificate(state), Type::CERTIFICATE | Type::COMPRESSED_CERTIFICATE) => {
                state.take(message, turn)
            }
            (Self::CertificateVerify(state), Type::CERTIFICATE_VERIFY) => state.take(message),
            (Self::Finished(state), Type::FINISHED) => state.take(message, turn),
            (Self::Established(state), _) => {
                state.take(message, turn).map(|state| Self::Established(Box::new(state)))
            }
            _ => Err(Fault::UnexpectedMessage(kind)), // spec: 9846-4-l
        }
    }

    /// Takes the owner's answer.
    pub(crate) fn answer(self, answer: Answer, turn: &mut Turn<'_>) -> Result<Self, Fault> {
        match (self, answer) {
            (
                Self::TransportParameters(state),
                Answer::TransportParameters { parameters, remembered, takes_early_data },
            ) => state.take(Transport { parameters, remembered }, takes_early_data, turn),
            (Self::TransportParameters(state), Answer::FullHandshake { parameters, remembered }) => {
                state.afresh(turn.now)?.take(Transport { parameters, remembered }, false, turn)
            }
            (Self::CertificateAnswer(state), Answer::Certificate(credential)) => state.take(credential, turn),
            (Self::Signature(state), Answer::Signature(signature)) => state.take(signature, turn),
            (Self::Verdict(state), Answer::Verify(verdict)) => state.take(verdict),
            (Self::Established(mut state), answer) => {
                state.answer(answer, turn)?;
                Ok(Self::Established(state))
            }
            _ => Err(Fault::Internal("the answer is to another question")),
        }
    }

    /// What it wants of its owner.
    pub(crate) fn wanted(&self) -> Option<&Wanted> {
        match self {
            Self::TransportParameters(state) => Some(state.wanted()),
            Self::CertificateAnswer(state) => Some(state.wanted()),
            Self::Signature(state) => Some(state.wanted()),
            Self::Verdict(state) => Some(state.wanted()),
            Self::Established(state) => state.wanted(),
            _ => None,
        }
    }

    /// Under which keys the next message comes.
    pub(crate) fn level(&self) -> Level {
        match self {
            Self::ClientHello(_)
            | Self::SecondClientHello(_)
            | Self::TransportParameters(_)
            | Self::CertificateAnswer(_) => Level::Plain,
            Self::EndOfEarlyData(_) => Level::EarlyData,
            Self::Established(_) => Level::Application,
            _ => Level::Handshake,
        }
    }

    /// Whether the client sends early data that was not accepted.
    pub(crate) fn ignores_early_data(&self) -> bool {
        match self {
            Self::SecondClientHello(state) => state.ignores_early_data(),
            Self::CertificateAnswer(state) => state.ignores_early_data(),
            Self::Signature(state) => state.ignores_early_data(),
            Self::Certificate(state) => state.ignores_early_data(),
            Self::Finished(state) => state.ignores_early_data,
            Self::ClientHello(state) => state.ignores_early_data(),
            // Beyond the first message under the handshake's keys no early data comes; and QUIC sees itself what it cannot open.
            Self::TransportParameters(_)
            | Self::EndOfEarlyData(_)
            | Self::Verdict(_)
            | Self::CertificateVerify(_)
            | Self::Established(_) => false,
        }
    }
}
