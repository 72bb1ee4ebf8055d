//! Whether early data is taken, and where it ends (RFC 9846 sections 4.3.10, 4.6 and 8).

mod replay;

pub use replay::{AntiReplay, Seen};

use super::{State, finished::AwaitFinished, flight::Accepted, resume::Resumed};
use crate::{
    Fault, Limits, Misuse, Step,
    handshake::{QUIC_MAX_EARLY_DATA_SIZE, Turn},
    message::{EndOfEarlyData, Message},
    record,
    transcript::Transcript,
};
use std::sync::Arc;

/// Which early data a server takes. Whoever records it may send it again: what is taken once from each ClientHello is for
/// the register to say, and what it may do is for whoever answers (RFC 8470).
#[derive(Clone)]
pub struct EarlyDataPolicy {
    /// The hosts whose tickets allow it, in lower case; none for all of them.
    pub hosts: Option<Vec<String>>,
    /// The most for one connection, in bytes of plaintext. Over QUIC flow control bounds it, and this only says whether there may be
    /// any.
    pub max_bytes: u32,
    /// How far the age that a client tells of its ticket may be from the one that we know, in milliseconds either way.
    pub tolerance_ms: u64,
    /// Knows which ClientHellos came before; all servers that open each other's tickets share it.
    pub register: Arc<dyn AntiReplay>,
}

impl EarlyDataPolicy {
    /// For all hosts, 14,336 bytes (what one initial window of ten segments carries beside a ClientHello), 10 s either way.
    pub fn new(register: Arc<dyn AntiReplay>) -> Self {
        Self { hosts: None, max_bytes: 14_336, tolerance_ms: 10_000, register }
    }

    pub(super) fn check(&self, has_tickets: bool, limits: &Limits) -> Result<(), Misuse> {
        if !has_tickets {
            return Err(Misuse::EarlyData("it comes with tickets, and there are none"));
        }
        let is_good = |host: &String| {
            let is_plain = |byte: u8| byte != b'*' && !byte.is_ascii_uppercase();
            !host.is_empty() && !host.ends_with('.') && host.bytes().all(is_plain)
        };
        if !self.hosts.iter().flatten().all(is_good) {
            return Err(Misuse::EarlyData("a host is no name in lower case without a final dot"));
        }
        // In full records; whoever cuts it smaller has less of it passed over.
        let records = self.max_bytes as usize / record::MAX_CONTENT_BYTES + 1;
        if self.max_bytes as usize + records * record::OVERHEAD_BYTES > limits.skipped_early_data_bytes {
            return Err(Misuse::EarlyData("more of it is allowed than is passed over where it is refused"));
        }
        Ok(())
    }

    /// The most for a connection to `host`, as its tickets tell it; 0 for none at all.
    pub(super) fn bytes_for(&self, host: Option<&str>, is_quic: bool) -> u32 {
        let is_for = |hosts: &Vec<String>| host.is_some_and(|host| hosts.iter().any(|known| known == host));
        match self.hosts.as_ref().is_none_or(is_for) {
            true if is_quic && self.max_bytes > 0 => QUIC_MAX_EARLY_DATA_SIZE, // spec: 9001-4.6.1-a
            true => self.max_bytes,
            false => 0,
        }
    }
}

/// How much early data is taken from this client; none where none is. Asked once for a ClientHello, since the register
/// keeps in mind that it was.
pub(super) fn takes(
    accepted: &Accepted,
    host: Option<&str>,
    alpn: Option<&[u8]>,
    turn: &Turn<'_>,
) -> Option<u32> {
    let policy = accepted.config.early_data.as_ref()?; // spec: 9846-2.3-a
    let Resumed { index, ticket, age_ms, binder, .. } = accepted.resumed.as_ref()?;
    let max_bytes = ticket.max_early_data;
    // Who has to show a certificate has not done so yet.
    let asked = accepted.config.client_authentication(host);
    let is_asked = asked.is_some_and(|asked| asked.is_in_handshake());
    let fits = accepted.early_data
        && !is_asked
        && !accepted.is_retried // spec: 9846-4.3.10-c spec: 9001-4.6.2-b
        && *index == 0 // spec: 9846-4.3.10-d
        && ticket.suite == accepted.suite.id // spec: 9846-4.3.10-e
        && ticket.alpn.as_deref() == alpn // spec: 9846-4.3.10-f
        && max_bytes > 0
        // The client counts against its ticket: who takes less now takes none, rather than cut it off for what it was told.
        && max_bytes <= policy.bytes_for(host, accepted.is_quic);
    if !fits {
        return None;
    }
    let unix_ms = accepted.config.unix_ms(turn.now);
    let expected = ticket.issued_unix_ms.saturating_add(u64::from(*age_ms));
    if expected.abs_diff(unix_ms) > policy.tolerance_ms {
        return None; // spec: 9846-8.3-a spec: 9846-4.3.10-g
    }
    let until = expected.saturating_add(policy.tolerance_ms);
    policy.register.is_first(unix_ms, until, binder).then_some(max_bytes) // spec: 9846-8-a spec: 9846-8.2-a
}

/// Awaits the end of early data; the whole flight is out.
pub(crate) struct AwaitEndOfEarlyData {
    pub(super) finished: Box<AwaitFinished>,
    /// All messages up to our Finished.
    pub(super) transcript: Transcript,
}

impl AwaitEndOfEarlyData {
    pub(super) fn take(self, message: &[u8], turn: &mut Turn<'_>) -> Result<State, Fault> {
        let Self { mut finished, mut transcript } = self;
        match Message::read(message)? {
            Message::EndOfEarlyData(EndOfEarlyData) => {}
            other => return Err(Fault::UnexpectedMessage(other.kind())),
        }
        transcript.add(message);
        finished.transcript = transcript.digest();
        finished.keep(transcript);
        turn.flight.steps.push(Step::ReadKey(finished.client.clone()));
        Ok(State::Finished(finished))
    }
}
