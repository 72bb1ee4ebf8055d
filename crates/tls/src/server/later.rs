use super::clients::{self, Asked, Judged};
use crate::{
    Fact, Fault, Flight, Identity, Level, RejectedCertificate, Step, TrafficSecret, Verified, Wanted,
    handshake::Turn, message::Message, rules::HandshakeType, transcript::Transcript,
};
use sakigake_wire::Entropy;

/// What a server does with a client that takes requests for a certificate after the handshake (RFC 9846 section 4.7.2). One
/// request at a time.
pub(crate) struct Later {
    asked: Asked,
    /// All messages of the handshake.
    transcript: Transcript,
    course: Course,
}

/// How far the client has answered; each with all messages that count so far.
enum Course {
    /// Nothing was asked.
    Idle,
    Certificate(Transcript),
    Verdict(Transcript, Identity, Wanted),
    CertificateVerify(Transcript, Identity),
    Finished(Transcript, Option<Identity>),
}

impl Later {
    /// `transcript` holds all messages of the handshake.
    pub(super) fn new(asked: Asked, transcript: Transcript) -> Self {
        Self { asked, transcript, course: Course::Idle }
    }

    /// Asks the client; false where the last answer is still to come.
    pub(crate) fn request(&mut self, entropy: &mut dyn Entropy, flight: &mut Flight) -> bool {
        if !matches!(self.course, Course::Idle) {
            return false;
        }
        let mut context = [0; CONTEXT_BYTES];
        entropy.fill(&mut context); // spec: 9846-4.4.2-c
        self.asked.context = context.to_vec();
        let message = self.asked.policy.request(&self.asked.config, &context);
        let mut transcript = self.transcript.fork();
        transcript.add(&message);
        self.course = Course::Certificate(transcript);
        flight.steps.push(Step::Send { level: Level::Application, message });
        true
    }

    /// Whether a message of this type is part of the answer that is due.
    pub(crate) fn takes(&self, kind: HandshakeType) -> bool {
        match self.course {
            Course::Idle | Course::Verdict(..) => false,
            Course::Certificate(_) => {
                matches!(kind, HandshakeType::CERTIFICATE | HandshakeType::COMPRESSED_CERTIFICATE)
            }
            Course::CertificateVerify(..) => kind == HandshakeType::CERTIFICATE_VERIFY,
            Course::Finished(..) => kind == HandshakeType::FINISHED,
        }
    }

    /// Whether the client is in the middle of its answer, where nothing else may come between.
    pub(crate) fn is_amid(&self) -> bool {
        !matches!(self.course, Course::Idle | Course::Certificate(_))
    }

    /// Takes a message that [`Later::takes`] admits; `read` is the client's secret.
    pub(crate) fn take(
        &mut self,
        message: &[u8],
        read: &TrafficSecret,
        turn: &mut Turn<'_>,
    ) -> Result<(), Fault> {
        self.course = match core::mem::replace(&mut self.course, Course::Idle) {
            Course::Certificate(mut transcript) => {
                let judged = self.asked.judge(message, turn.now)?; // spec: 9846-4.5.1-r
                transcript.add(message);
                match judged {
                    Judged::Nobody => Course::Finished(transcript, None),
                    Judged::Good(identity) => Course::CertificateVerify(transcript, identity),
                    Judged::Wanted(identity, wanted) => Course::Verdict(transcript, identity, wanted),
                }
            }
            Course::CertificateVerify(mut transcript, identity) => {
                self.asked.verify(&identity, message, &transcript.digest())?;
                transcript.add(message);
                Course::Finished(transcript, Some(identity))
            }
            Course::Finished(transcript, identity) => {
                let Message::Finished(finished) = Message::read(message)? else {
                    return Err(Fault::Internal("no Finished"));
                };
                if !read.is_verified(&transcript.digest(), finished.verify_data) {
                    return Err(Fault::BadFinished); // spec: 9846-4.5.3-k
                }
                turn.flight.facts.push(Fact::Authenticated(identity));
                Course::Idle
            }
            Course::Idle | Course::Verdict(..) => return Err(Fault::Internal("nothing was due")),
        };
        Ok(())
    }

    #[cfg(test)]
    pub(crate) fn name(&self) -> &'static str {
        match self.course {
            Course::Idle => "server Established, may ask",
            Course::Certificate(_) => "server Established, awaits Certificate",
            Course::Verdict(..) => "server Established, awaits the verdict",
            Course::CertificateVerify(..) => "server Established, awaits CertificateVerify",
            Course::Finished(..) => "server Established, awaits Finished",
        }
    }

    pub(crate) fn wanted(&self) -> Option<&Wanted> {
        match &self.course {
            Course::Verdict(_, _, wanted) => Some(wanted),
            _ => None,
        }
    }

    /// Takes the owner's verdict.
    pub(crate) fn answer(&mut self, verdict: Result<Verified, RejectedCertificate>) -> Result<(), Fault> {
        clients::settle(verdict)?;
        match core::mem::replace(&mut self.course, Course::Idle) {
            Course::Verdict(transcript, identity, _) => {
                self.course = Course::CertificateVerify(transcript, identity);
                Ok(())
            }
            _ => Err(Fault::Internal("the answer is to another question")),
        }
    }
}

/// Bytes of a request's context: nobody guesses it, and it is another one each time.
const CONTEXT_BYTES: usize = 32;
