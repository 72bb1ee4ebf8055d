use super::{
    State,
    clients::{self, Asked, Judged},
    finished::AwaitFinished,
};
use crate::{
    Fault, Identity, RejectedCertificate, Verified, Wanted, handshake::Turn, transcript::Transcript,
};

/// Awaits the client's Certificate, which our flight asked for.
pub(crate) struct AwaitCertificate(pub(super) Unknown);

/// Awaits the owner's verdict on the client's chain.
pub(crate) struct AwaitVerdict {
    unknown: Unknown,
    identity: Identity,
    wanted: Wanted,
}

/// Awaits the client's CertificateVerify.
pub(crate) struct AwaitCertificateVerify {
    unknown: Unknown,
    identity: Identity,
}

/// A client of whom we know nothing yet.
pub(super) struct Unknown {
    pub(super) asked: Asked,
    /// All messages so far.
    pub(super) transcript: Transcript,
    /// What comes then.
    pub(super) then: Box<AwaitFinished>,
}

impl AwaitCertificate {
    pub(super) fn take(self, message: &[u8], turn: &Turn<'_>) -> Result<State, Fault> {
        let mut unknown = self.0;
        let judged = unknown.asked.judge(message, turn.now)?;
        unknown.transcript.add(message);
        Ok(match judged {
            Judged::Nobody => unknown.known(None),
            Judged::Good(identity) => {
                State::CertificateVerify(Box::new(AwaitCertificateVerify { unknown, identity }))
            }
            Judged::Wanted(identity, wanted) => {
                State::Verdict(Box::new(AwaitVerdict { unknown, identity, wanted }))
            }
        })
    }

    pub(super) fn ignores_early_data(&self) -> bool {
        self.0.then.ignores_early_data
    }
}

impl AwaitVerdict {
    pub(super) fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    pub(super) fn take(self, verdict: Result<Verified, RejectedCertificate>) -> Result<State, Fault> {
        clients::settle(verdict)?;
        let Self { unknown, identity, .. } = self;
        Ok(State::CertificateVerify(Box::new(AwaitCertificateVerify { unknown, identity })))
    }
}

impl AwaitCertificateVerify {
    pub(super) fn take(self, message: &[u8]) -> Result<State, Fault> {
        let Self { mut unknown, identity } = self;
        unknown.asked.verify(&identity, message, &unknown.transcript.digest())?;
        unknown.transcript.add(message);
        Ok(unknown.known(Some(identity)))
    }
}

impl Unknown {
    fn known(self, identity: Option<Identity>) -> State {
        let Self { transcript, mut then, .. } = self;
        then.identity = identity;
        then.transcript = transcript.digest();
        then.keep(transcript);
        State::Finished(then)
    }
}
