//! A run: the side that is tested against an honest one, whose messages the input may drop, double, wound, forge and cut
//! before they are sealed, while it calls whatever may be called.

use super::{
    plan::{self, Plan},
    puppet::Puppet,
    told::Told,
};
use crate::{
    Connection, EarlyData, Fact, Fault, Flight, Handshake, Negotiated,
    record::CHANGE_CIPHER_SPEC,
    rules::{ContentType, Side},
};
use sakigake_wire::{Entropy, Instant};
use std::sync::Arc;

mod steps;

/// Plays `bytes` as a program against a client: ten bytes of configuration, then steps. Whatever is done to it,
/// there is no panic, one alert at most and silence behind it, nothing told too early, nobody authenticated who did not
/// prove it, and nothing delivered that was not sent. Where nothing is done, the handshake ends well.
///
/// # Panics
/// When an invariant is broken.
pub fn fuzz_client_sequence(bytes: &[u8]) {
    run(Side::Client, bytes);
}

/// As [`fuzz_client_sequence`], against a server.
///
/// # Panics
/// When an invariant is broken.
pub fn fuzz_server_sequence(bytes: &[u8]) {
    run(Side::Server, bytes);
}

/// How a run came out.
pub(super) struct Outcome {
    /// A digest of all that was sent and told.
    pub(super) mark: u64,
    /// Names of the states that the side that is tested was in.
    #[cfg(test)]
    pub(super) states: std::collections::BTreeSet<&'static str>,
    /// What ended it.
    #[cfg_attr(not(test), allow(dead_code))] // What a run is for is that it does not panic.
    pub(super) fault: Option<Fault>,
    /// Whether its handshake ended well.
    #[cfg_attr(not(test), allow(dead_code))]
    pub(super) established: bool,
}

pub(super) fn run(subject: Side, bytes: &[u8]) -> Outcome {
    let mut bits = [0; plan::BYTES];
    let head = bytes.len().min(bits.len());
    bits[..head].copy_from_slice(&bytes[..head]);
    let plan = Plan::new(subject, bits);
    let outcome = Play::new(&plan, &bytes[head..]).finish();
    if plan.twice {
        let again = Play::new(&plan, &bytes[head..]).finish();
        assert_eq!(outcome.mark, again.mark, "the same input came out otherwise");
    }
    outcome
}

/// Bytes of the input, zeros where it has ended.
struct Tape<'a>(&'a [u8]);

impl<'a> Tape<'a> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn pair(&mut self) -> usize {
        usize::from(u16::from_be_bytes([self.byte(), self.byte()]))
    }

    /// As many bytes as the next one says.
    fn bytes(&mut self) -> &'a [u8] {
        let len = usize::from(self.byte()).min(self.0.len());
        let (head, rest) = self.0.split_at(len);
        self.0 = rest;
        head
    }
}

struct Play<'a> {
    plan: &'a Plan,
    tape: Tape<'a>,
    now: Instant,
    subject: Connection,
    puppet: Puppet,
    told: Told,
    /// Bytes a call of `handle`.
    split: usize,
    /// Bytes of the buffer that `transmit` gets.
    out_len: usize,
    /// The owner answers at once.
    answers: bool,
    /// Whether anything was done that an honest peer or owner would not do.
    is_harmed: bool,
    /// The owner gave up, or answered nonsense.
    is_owner_wrong: bool,
    fault: Option<Fault>,
    /// Records that were given to it, a few.
    history: Vec<Vec<u8>>,
    /// What it sent last.
    last_sent: Vec<u8>,
    /// Messages of another handshake, once somebody wants them.
    others: Option<Vec<Vec<u8>>>,
    /// A message was begun, not ended.
    is_amid: bool,
    disguise: bool,
    is_closed: bool,
    peer_closed: bool,
    /// What the subject sealed.
    written: [Vec<u8>; 2],
    counts: Counts,
    #[cfg(test)]
    states: std::collections::BTreeSet<&'static str>,
}

/// What an honest peer does not do too often.
#[derive(Default)]
struct Counts {
    updates: usize,
    empty: usize,
    asked: usize,
    held: usize,
    fed: usize,
    /// Bytes that came out of the subject.
    sent: usize,
}

/// Steps of one input.
const MOST_STEPS: usize = 256;

/// Bytes that are fed in one run.
const MOST_FED: usize = 1 << 20;

/// More than what the last exchange feeds, its handshake's answers included.
const EXCHANGED: usize = 4_096;

/// As much leaves the subject for what it was fed and told to send: its own flights, and an answer to each record.
const MOST_SENT: usize = 1 << 17;

impl<'a> Play<'a> {
    fn new(plan: &'a Plan, tape: &'a [u8]) -> Self {
        let mut subject = plan.connection(plan.subject, 1);
        subject.trace();
        if plan.holds_tickets {
            subject.hold_tickets();
        }
        Self {
            plan,
            tape: Tape(tape),
            now: plan.now,
            subject,
            puppet: puppet(plan, 2),
            told: Told::new(plan.subject),
            split: usize::MAX,
            out_len: 16_384,
            answers: plan.answers,
            is_harmed: false,
            is_owner_wrong: false,
            fault: None,
            history: Vec::new(),
            last_sent: Vec::new(),
            others: None,
            is_amid: false,
            disguise: plan.disguises,
            is_closed: false,
            peer_closed: false,
            written: [Vec::new(), Vec::new()],
            counts: Counts::default(),
            #[cfg(test)]
            states: std::collections::BTreeSet::new(),
        }
    }

    /// All steps, then whatever is still to come, undisturbed.
    fn finish(mut self) -> Outcome {
        for _ in 0..MOST_STEPS {
            if self.tape.0.is_empty() {
                break;
            }
            let step = self.tape.byte();
            self.step(step & 0x7f);
            if step & 0x80 == 0 {
                self.collect();
            }
            self.check();
        }
        (self.split, self.out_len, self.answers) = (usize::MAX, 16_384, true);
        self.settle();
        self.judge_end();
        Outcome {
            mark: self.told.mark,
            #[cfg(test)]
            states: self.states,
            fault: self.fault,
            established: self.told.established,
        }
    }

    /// Carries everything both ways until nothing moves.
    fn settle(&mut self) {
        for _ in 0..1_000 {
            self.collect();
            self.answer_truly();
            let before = (self.counts.fed, self.counts.sent);
            while self.puppet.front().is_some() && self.counts.fed < MOST_FED {
                self.deliver(0, usize::MAX);
                self.collect();
            }
            self.check();
            self.collect();
            if (self.counts.fed, self.counts.sent) == before || self.counts.fed >= MOST_FED {
                return;
            }
        }
        panic!("they never come to an end");
    }

    /// Takes what the subject has to send to the puppet.
    fn collect(&mut self) {
        let mut out = vec![0; self.out_len];
        let mut sent = Vec::new();
        while let Some(len) = self.subject.transmit(self.now, &mut out) {
            assert!(len > 0 && len <= out.len(), "{len} bytes of {}", out.len());
            sent.extend_from_slice(&out[..len]);
            let told = &mut self.told;
            self.subject.tell_sent(&mut |event| told.hear(event));
        }
        self.count_sent(sent.len());
        self.puppet.hear(self.now, &sent);
        if !sent.is_empty() {
            self.last_sent = sent;
        }
    }

    fn count_sent(&mut self, bytes: usize) {
        self.counts.sent += bytes;
        assert!(self.counts.sent <= MOST_SENT + 2 * self.counts.fed, "it sends without end");
    }

    /// Gives bytes to the subject.
    fn feed(&mut self, bytes: &[u8]) {
        self.counts.fed += bytes.len();
        if bytes.is_empty() || self.counts.fed > MOST_FED {
            return;
        }
        if self.history.len() < 64 && bytes.len() < 4_096 {
            self.history.push(bytes.to_vec());
        }
        self.counts.held = if self.subject.is_waiting() { self.counts.held + bytes.len() } else { 0 };
        self.is_harmed |= self.counts.held > 1_024; // Some limits are little above.
        for piece in bytes.chunks(self.split.max(bytes.len() / 512)) {
            let told = &mut self.told;
            let result = self.subject.handle(self.now, &mut piece.to_vec(), &mut |event| told.hear(event));
            self.judge(result);
            if self.answers {
                self.answer_truly();
            }
        }
    }

    fn answer_truly(&mut self) {
        while self.subject.is_waiting() {
            let wanted = self.told.wanted.take().expect("what is wanted was told");
            let answer = super::puppet::truth(self.plan.subject, &wanted);
            let told = &mut self.told;
            let result = self.subject.answer(self.now, answer, &mut |event| told.hear(event));
            self.judge(result);
            self.note_state();
        }
    }

    fn judge(&mut self, result: Result<(), Fault>) {
        self.note_state();
        let Err(fault) = result else { return };
        assert!(self.fault.is_none(), "a second fault: {fault:?}");
        assert!(
            self.is_harmed || self.plan.is_futile,
            "a fault, and nobody did wrong: {fault:?}; the puppet: {:?}",
            self.puppet.fault
        );
        match &fault {
            Fault::Internal(_) => {
                assert!(self.is_owner_wrong, "what a peer does is no fault of ours: {fault:?}")
            }
            Fault::HandshakeTimeout | Fault::AccessDenied | Fault::Canceled | Fault::KeyWornOut => {
                panic!("out of nowhere: {fault:?}")
            }
            _ => {}
        }
        self.fault = Some(fault);
    }

    /// What must be so after each step.
    fn check(&mut self) {
        let most = self.subject.limits.held_bytes.max(crate::record::MAX_PROTECTED_BYTES + 5);
        assert!(self.subject.pending.len() <= most, "more is held than may be");
        assert_eq!(
            self.subject.fault(),
            self.fault.as_ref(),
            "the fault that was told is not the one that is kept"
        );
        assert_eq!(self.subject.is_established(), self.told.established);
        if self.fault.is_some() {
            assert!(!self.subject.may_send() && !self.subject.is_waiting(), "it lives on after a fault");
            assert_eq!(self.subject.deadline(), None, "it waits for something after a fault");
        }
        let heard = &self.told.data;
        let early = self.told.negotiated.as_ref().map(|negotiated| negotiated.early_data);
        let sealed = match (self.plan.subject, early) {
            (Side::Server, Some(EarlyData::Accepted { .. })) => self.puppet.sealed.concat(),
            _ => self.puppet.sealed[1].clone(),
        };
        assert!(sealed.starts_with(heard), "what was delivered is not what was sent");
    }

    /// What must be so at the end.
    fn judge_end(&mut self) {
        self.judge_alerts();
        self.judge_authenticity();
        if !self.is_harmed && !self.plan.is_futile {
            assert!(self.told.established, "no handshake: {:?}, {:?}", self.subject, self.puppet.fault);
            assert!(self.puppet.handshake.is_established(), "no handshake on the other side");
            self.exchange();
        }
    }

    fn judge_alerts(&self) {
        let expected: &[_] = match &self.fault {
            None | Some(Fault::PeerAlert(_) | Fault::Truncated) => &[],
            Some(fault) => &[fault.alert()],
        };
        let sent = &self.told.alerts;
        if self.is_closed {
            assert!(sent.len() <= 2, "{sent:?}"); // What was closed says nothing of later faults.
            return;
        }
        assert_eq!(sent, expected, "the alert is not the fault's: {:?}", self.fault);
        if let Some(fault) = &self.fault {
            assert!(self.subject.is_closed(), "not over after {fault:?}");
        }
    }

    /// Who has come to the end has come there with the honest side, and with nobody else.
    fn judge_authenticity(&self) {
        let Some(negotiated) = self.told.negotiated.as_ref().filter(|_| self.told.established) else {
            return;
        };
        let theirs = self.puppet.facts.iter().find_map(|fact| match fact {
            Fact::Negotiated(negotiated) => Some(negotiated),
            _ => None,
        });
        let theirs = theirs.expect("a handshake that the other side knows nothing of");
        let common = |side: &Negotiated| (side.alpn.clone(), side.suite, side.group, side.is_resumed);
        assert_eq!(common(negotiated), common(theirs), "both came to the end, and not to the same one");
        let has_taken = |side: &Negotiated| matches!(side.early_data, EarlyData::Accepted { .. });
        assert_eq!(has_taken(negotiated), has_taken(theirs), "early data");
        let is_server = self.plan.subject == Side::Server;
        assert!(!is_server || self.puppet.handshake.is_established(), "a client that never finished");
        // A fault has erased what there was.
        let ours = self.subject.exporter().map(crate::Exporter::channel_binding);
        let theirs = self.puppet.handshake.exporter().map(crate::Exporter::channel_binding);
        assert!(ours.is_some() || self.fault.is_some(), "established, and no exporter");
        assert!(ours.zip(theirs).is_none_or(|(ours, theirs)| ours == theirs), "the exporters differ");
        let policy = self.plan.server.client_authentication(None);
        let is_required = policy.is_some_and(|policy| policy.demand == crate::server::Demand::Required);
        assert!(!(is_server && is_required) || self.told.identities.first().is_some_and(Option::is_some));
    }

    /// Data both ways, then the end.
    fn exchange(&mut self) {
        // Who was fed to the end takes nothing more.
        if self.is_closed || self.peer_closed || self.counts.fed + EXCHANGED > MOST_FED {
            return;
        }
        assert!(self.subject.may_send(), "nothing waits, and nothing can be sent: {:?}", self.subject);
        self.write(100);
        self.collect();
        let sealed = self.puppet.seal(ContentType::APPLICATION_DATA, &[0x5a; 100], usize::MAX);
        self.feed(&sealed);
        self.settle();
        let early = self.told.negotiated.as_ref().map(|negotiated| negotiated.early_data);
        let is_taken = matches!(early, Some(EarlyData::Accepted { .. }));
        let whole = |parts: &[Vec<u8>; 2]| if is_taken { parts.concat() } else { parts[1].clone() };
        let (sent, received) = match self.plan.subject {
            Side::Client => (whole(&self.written), self.puppet.sealed[1].clone()),
            Side::Server => (self.written.concat(), whole(&self.puppet.sealed)),
        };
        assert_eq!(self.puppet.fault, None);
        assert_eq!(self.puppet.data, sent, "what it sent did not arrive");
        assert_eq!(self.told.data, received, "what was sent to it did not arrive");
        self.subject.close();
        self.is_closed = true;
        self.collect();
        let end = self.puppet.seal(ContentType::ALERT, &[1, 0], usize::MAX);
        self.feed(&end);
        assert!(self.told.closed && self.subject.is_closed(), "no end");
    }

    /// The next message, and `more` that follow it, in records of at most `most` bytes.
    fn deliver(&mut self, more: usize, most: usize) {
        if let Some(messages) = self.puppet.pop(more) {
            let sealed = self.puppet.seal(ContentType::HANDSHAKE, &messages, most);
            self.feed(&sealed);
            self.is_amid = false;
            if core::mem::take(&mut self.disguise) {
                self.feed(&CHANGE_CIPHER_SPEC);
            }
            self.puppet.advance();
        }
    }

    /// Seals data of the subject, as far as it may.
    fn write(&mut self, len: usize) {
        let at = usize::from(self.told.established || self.plan.subject == Side::Server);
        let mut out = vec![0; self.out_len.max(300)];
        let mut data = vec![at as u8 + 1; len];
        let sealed = if len.is_multiple_of(2) {
            let (taken, sealed) = self.subject.seal_from(&mut out, &data);
            data.truncate(taken);
            sealed
        } else {
            self.subject.seal(&mut out, &mut |place| {
                data.truncate(place.len());
                place[..data.len()].copy_from_slice(&data);
                data.len()
            })
        };
        if sealed > 0 {
            self.written[at].extend_from_slice(&data);
            let told = &mut self.told;
            self.subject.tell_sent(&mut |event| told.hear(event));
            self.count_sent(sealed);
            self.puppet.hear(self.now, &out[..sealed]);
        }
    }

    /// Notes where the subject is, for whoever wants to know how deep inputs get.
    fn note_state(&mut self) {
        #[cfg(test)]
        self.states.insert(self.subject.handshake.state_name());
    }
}

fn puppet(plan: &Plan, seed: u64) -> Puppet {
    let side = plan.subject.peer();
    let entropy: Box<dyn Entropy> = Box::new(super::toy::Lcg(seed));
    let mut flight = Flight::default();
    let handshake = match side {
        Side::Client => {
            let (config, session) = (Arc::clone(&plan.client), plan.session.clone());
            Handshake::resume(config, plan.name, session, plan.now, entropy, &mut flight)
                .expect("the name is ours")
        }
        Side::Server => Handshake::server(Arc::clone(&plan.server), plan.now, entropy),
    };
    Puppet::new(side, handshake, flight)
}

#[cfg(test)]
mod tests;
