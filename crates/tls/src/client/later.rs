use super::{
    Config,
    certificate::{Response, Signing, Unsigned},
};
use crate::{
    Fact, Fault, Level, Step, TrafficSecret, Wanted,
    handshake::{Turn, Window},
    message::CertificateRequest,
    transcript::Transcript,
};
use std::sync::Arc;

/// What a client makes of a CertificateRequest after the handshake (RFC 9846 section 4.7.2).
pub(crate) enum Later {
    /// It offered to answer.
    Willing(Box<Willing>),
    /// What is spoken forbids it, and has an error of its own for it.
    Barred,
}

pub(crate) struct Willing {
    config: Arc<Config>,
    /// All messages of the handshake.
    transcript: Transcript,
    requests: Window,
    unsigned: Option<Unsigned>,
}

impl Later {
    /// None where the request is an unexpected message.
    pub(super) fn new(
        config: &Arc<Config>,
        alpn: Option<&[u8]>,
        is_quic: bool,
        transcript: Transcript,
    ) -> Option<Self> {
        if is_quic || alpn.is_some_and(|alpn| BARRED.contains(&alpn)) {
            return Some(Self::Barred); // spec: 9113-9.2.3-a spec: 9001-4.4-a
        }
        config.offers_later().then(|| {
            let requests = Window::new(config.limits.certificate_requests_per_10_s);
            Self::Willing(Box::new(Willing {
                config: Arc::clone(config),
                transcript,
                requests,
                unsigned: None,
            }))
        })
    }

    /// Takes a request; `message` is all of it, header included, and `write` our secret.
    pub(crate) fn take(
        &mut self,
        request: &CertificateRequest<'_>,
        message: &[u8],
        write: &TrafficSecret,
        turn: &mut Turn<'_>,
    ) -> Result<(), Fault> {
        let willing = match self {
            Self::Willing(willing) => willing,
            Self::Barred => {
                turn.flight.facts.push(Fact::BarredRequest);
                return Ok(());
            }
        };
        if !willing.requests.takes(turn.now) {
            return Err(Fault::TooManyPostHandshakeMessages);
        }
        let mut transcript = willing.transcript.fork();
        transcript.add(message);
        match Response::new(&willing.config, request).sign(transcript, turn.entropy)? {
            Signing::Done(block) => block.send_later(write, turn),
            Signing::Wanted(unsigned) => willing.unsigned = Some(unsigned),
        }
        Ok(())
    }

    pub(crate) fn wanted(&self) -> Option<&Wanted> {
        match self {
            Self::Willing(willing) => willing.unsigned.as_ref().map(Unsigned::wanted),
            Self::Barred => None,
        }
    }

    /// Takes the owner's signature.
    pub(crate) fn answer(
        &mut self,
        signature: Option<Vec<u8>>,
        write: &TrafficSecret,
        turn: &mut Turn<'_>,
    ) -> Result<(), Fault> {
        let unsigned = match self {
            Self::Willing(willing) => willing.unsigned.take(),
            Self::Barred => None,
        };
        let unsigned = unsigned.ok_or(Fault::Internal("the answer is to another question"))?;
        unsigned.sign(signature)?.send_later(write, turn);
        Ok(())
    }
}

impl super::certificate::Block {
    /// All three messages, with nothing between them.
    fn send_later(mut self, write: &TrafficSecret, turn: &mut Turn<'_>) {
        self.finish(write); // spec: 9846-4.7.2-a
        let steps =
            self.messages.into_iter().map(|message| Step::Send { level: Level::Application, message });
        turn.flight.steps.extend(steps);
    }
}

/// Application protocols that forbid client authentication after the handshake: HTTP/2 (RFC 9113 section 9.2.3) and all
/// over QUIC (RFC 9001 section 4.4).
pub(crate) const BARRED: &[&[u8]] = &[b"h2", b"h3"];
