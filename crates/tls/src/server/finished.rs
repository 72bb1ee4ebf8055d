use super::{Config, State};
use crate::{
    Fact, Fault, Step, TrafficSecret,
    handshake::{Established, Turn},
    message::Message,
};
use sakigake_crypto::Digest;
use std::sync::Arc;

/// Awaits the client's Finished; the whole flight is out.
pub(crate) struct AwaitFinished {
    /// The client's handshake secret.
    pub(super) client: TrafficSecret,
    /// Of all messages up to our Finished.
    pub(super) transcript: Digest,
    /// The client's application secret.
    pub(super) read: TrafficSecret,
    /// Our application secret.
    pub(super) write: TrafficSecret,
    pub(super) config: Arc<Config>,
    pub(super) ignores_early_data: bool,
}

impl AwaitFinished {
    pub(super) fn take(self, message: &[u8], turn: &mut Turn<'_>) -> Result<State, Fault> {
        let finished = match Message::read(message)? {
            Message::Finished(finished) => finished,
            other => return Err(Fault::UnexpectedMessage(other.kind())),
        };
        if !self.client.is_verified(&self.transcript, finished.verify_data) {
            return Err(Fault::BadFinished); // spec: 9846-4.5.3-k
        }
        turn.flight.steps.push(Step::ReadKey(self.read.clone()));
        turn.flight.facts.push(Fact::Established);
        let established = Established::new(self.read, self.write, &self.config.limits);
        Ok(State::Established(Box::new(established)))
    }
}
