//! The client's side of a handshake: [`Config`], and the states in the figure of [`crate::Handshake`].

mod authentication;
mod certificate;
mod config;
mod grease;
mod hello;
mod later;
mod offer;
#[cfg(test)]
pub(crate) mod replay;
mod resume;

pub use config::{Config, Options};
pub(crate) use later::{BARRED, Later};

use crate::{
    Answer, Fault, Level, Misuse, Session, Wanted,
    handshake::{Established, Turn},
    rules::HandshakeType,
};
use authentication::{
    AwaitCertificate, AwaitCertificateOrRequest, AwaitCertificateVerify, AwaitEncryptedExtensions,
    AwaitFinished, AwaitSignature, AwaitVerdict,
};
use hello::{AwaitSecondServerHello, AwaitServerHello};
use std::sync::Arc;

/// What a client waits for. Boxed, so that each takes the room of its own alone.
pub(crate) enum State {
    ServerHello(Box<AwaitServerHello>),
    SecondServerHello(Box<AwaitSecondServerHello>),
    EncryptedExtensions(Box<AwaitEncryptedExtensions>),
    CertificateOrRequest(Box<AwaitCertificateOrRequest>),
    Certificate(Box<AwaitCertificate>),
    Verdict(Box<AwaitVerdict>),
    CertificateVerify(Box<AwaitCertificateVerify>),
    Finished(Box<AwaitFinished>),
    Signature(Box<AwaitSignature>),
    Established(Box<Established>),
}

/// The leaf that is shown to a CertificateRequest, if there is one that fits.
#[cfg(test)]
pub(crate) fn shown(config: &Config, message: &[u8]) -> Option<Vec<u8>> {
    use crate::message::Message;
    let Ok(Message::CertificateRequest(request)) = Message::read(message) else { panic!("no request") };
    certificate::Response::new(config, &request).leaf().map(<[u8]>::to_vec)
}

impl State {
    /// Sends the ClientHello; `parameters` are QUIC's where that carries it.
    pub(crate) fn start(
        config: Arc<Config>,
        server_name: &str,
        session: Option<Session>,
        parameters: Option<Vec<u8>>,
        turn: &mut Turn<'_>,
    ) -> Result<Self, Misuse> {
        let state = AwaitServerHello::start(config, server_name, session, parameters, turn)?;
        Ok(Self::ServerHello(Box::new(state)))
    }

    /// Takes one whole message, header included.
    pub(crate) fn take(self, message: &[u8], turn: &mut Turn<'_>) -> Result<Self, Fault> {
        use HandshakeType as Type;
        let kind = Type(message.first().copied().unwrap_or(0)); // Never empty: it has a header.
        match (self, kind) {
            (Self::ServerHello(state), Type::SERVER_HELLO) => state.take(message, turn),
            (Self::SecondServerHello(state), Type::SERVER_HELLO) => state.take(message, turn),
            (Self::EncryptedExtensions(state), Type::ENCRYPTED_EXTENSIONS) => state.take(message, turn),
            (Self::CertificateOrRequest(state), Type::CERTIFICATE_REQUEST) => state.take_request(message),
            (Self::CertificateOrRequest(state), Type::CERTIFICATE) => state.take_certificate(message, turn),
            (Self::Certificate(state), Type::CERTIFICATE) => state.take(message, turn),
            (Self::CertificateOrRequest(state), Type::COMPRESSED_CERTIFICATE) => {
                state.take_certificate(message, turn)
            }
            (Self::Certificate(state), Type::COMPRESSED_CERTIFICATE) => state.take(message, turn),
            (Self::CertificateVerify(state), Type::CERTIFICATE_VERIFY) => state.take(message),
            (Self::Finished(state), Type::FINISHED) => state.take(message, turn),
            (Self::Established(state), _) => {
                state.take(message, turn).map(|state| Self::Established(Box::new(state)))
            }
            _ => Err(Fault::UnexpectedMessage(kind)), // spec: 9846-4-k
        }
    }

    /// Takes the owner's answer.
    pub(crate) fn answer(self, answer: Answer, turn: &mut Turn<'_>) -> Result<Self, Fault> {
        match (self, answer) {
            (Self::Verdict(state), Answer::Verify(verdict)) => state.take(verdict),
            (Self::Signature(state), Answer::Signature(signature)) => state.take(signature, turn),
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
            Self::Verdict(state) => Some(state.wanted()),
            Self::Signature(state) => Some(state.wanted()),
            Self::Established(state) => state.wanted(),
            _ => None,
        }
    }

    /// Under which keys the next message comes.
    pub(crate) fn level(&self) -> Level {
        match self {
            Self::ServerHello(_) | Self::SecondServerHello(_) => Level::Plain,
            Self::Established(_) => Level::Application,
            _ => Level::Handshake,
        }
    }
}
