//! What one byte of an input does. Its numbers are kept: seeds are written in them.

use super::{Play, puppet};
use crate::{
    Answer, EarlyOffer, Fact, Fault, Flight, Level, RejectedCertificate,
    connection::fuzz::toy::Named,
    extension::List,
    message::{Certificate, CertificateEntry, HEADER_BYTES, KeyUpdate},
    record::Padding,
    rules::{ContentType, Side},
};
use sakigake_wire::Span;

impl Play<'_> {
    pub(super) fn step(&mut self, step: u8) {
        match step % STEPS {
            0 => self.deliver(0, usize::MAX),
            1 => {
                let more = usize::from(self.tape.byte() % 8);
                self.deliver(more, usize::MAX);
            }
            2 => {
                let most = usize::from(self.tape.byte()) + 1;
                self.deliver(0, most);
            }
            3 => self.begin(),
            4..=12 => self.spoil(step % STEPS),
            13..=19 => self.forge(step % STEPS),
            20..=27 => self.intrude(step % STEPS),
            28..=32 => self.peer(step % STEPS),
            _ => self.own(step % STEPS),
        }
    }

    /// A part of the next message; the rest stays next.
    fn begin(&mut self) {
        let len = usize::from(self.tape.byte()) + 1;
        let Some(message) = self.puppet.front().filter(|message| message.len() > len) else { return };
        let part: Vec<u8> = message.drain(..len).collect();
        let sealed = self.puppet.seal(ContentType::HANDSHAKE, &part, usize::MAX);
        self.feed(&sealed);
        self.is_amid = true;
    }

    /// Something happens to the messages that wait.
    fn spoil(&mut self, step: u8) {
        use super::super::puppet::Item;
        self.is_harmed = true;
        match step {
            4 => drop(self.puppet.pop(0)),
            5 => {
                if let Some(message) = self.puppet.front().cloned() {
                    self.puppet.queue.push_front(Item::Message(message));
                }
            }
            6 => {
                if self.puppet.queue.len() > 1 {
                    self.puppet.queue.swap(0, 1);
                }
            }
            7 | 8 => {
                let (kind, at, value) = (self.tape.byte(), self.tape.pair(), self.tape.byte());
                if let Some(message) = self.puppet.front() {
                    wound(message, kind, at, value);
                }
            }
            9 => {
                // Under another type of record.
                let kind = ContentType(self.tape.byte());
                if let Some(message) = self.puppet.pop(0) {
                    let sealed = self.puppet.seal(kind, &message, usize::MAX);
                    self.feed(&sealed);
                }
            }
            10 => {
                // With what comes under other keys in the same record.
                let mut all = self.puppet.pop(7).unwrap_or_default();
                let changes =
                    self.puppet.queue.iter().take_while(|item| !matches!(item, Item::Message(_))).count();
                self.puppet.queue.rotate_left(changes); // Where there are messages behind them.
                all.extend(self.puppet.pop(0).unwrap_or_default());
                let sealed = self.puppet.seal(ContentType::HANDSHAKE, &all, usize::MAX);
                self.feed(&sealed);
            }
            11 => {
                if let Some(at) = self.puppet.next_change() {
                    self.puppet.change(at); // Too early.
                }
            }
            _ => {
                if let Some(at) = self.puppet.next_change() {
                    self.puppet.queue.remove(at); // Never.
                }
            }
        }
    }

    /// A message that is not the next one, sealed as if it were.
    fn forge(&mut self, step: u8) {
        self.is_harmed = true;
        let message = match step {
            13 => {
                let at = usize::from(self.tape.byte());
                pick(self.others(), at)
            }
            14 => {
                let at = usize::from(self.tape.byte());
                pick(&self.told.messages, at) // Its own.
            }
            15 => {
                let kind = self.tape.byte();
                let body = self.tape.bytes();
                [&[kind, 0, 0, body.len() as u8], body].concat()
            }
            16 => {
                let mut message = Vec::new();
                let update_requested = self.tape.byte() & 1 == 1;
                KeyUpdate { update_requested }.write(&mut message);
                message
            }
            17 => certificate(Named::Victim),
            18 => certificate(Named::Stranger),
            _ => {
                // Many times the same.
                let (kind, times) = (self.tape.byte(), self.tape.byte());
                let body = self.tape.bytes();
                let message = [&[kind, 0, 0, body.len() as u8], body].concat();
                message.repeat(usize::from(times))
            }
        };
        let sealed = self.puppet.seal(ContentType::HANDSHAKE, &message, usize::MAX);
        self.feed(&sealed);
    }

    /// Records that no honest peer sends, and such as somebody on the way makes.
    fn intrude(&mut self, step: u8) {
        self.is_harmed = true;
        let bytes = match step {
            20 => {
                let alert = [self.tape.byte(), self.tape.byte()];
                self.puppet.seal(ContentType::ALERT, &alert, usize::MAX)
            }
            21 => {
                let kind = ContentType(self.tape.byte());
                let content = self.tape.bytes();
                self.puppet.seal(kind, content, usize::MAX)
            }
            22 => {
                let (kind, version) = (self.tape.byte(), self.tape.byte());
                let content = self.tape.bytes();
                [&[kind, 3, version, 0, content.len() as u8], content].concat()
            }
            23 => vec![20, 3, 3, 0, 1, 1],
            24 => {
                let at = usize::from(self.tape.byte());
                pick(&self.history, at) // Once more.
            }
            25 => self.last_sent.clone(),
            26 => self.tape.bytes().to_vec(),
            _ => {
                // The next message, changed under its seal.
                let (at, value) = (self.tape.pair(), self.tape.byte());
                let message = self.puppet.pop(0).unwrap_or_default();
                let mut sealed = self.puppet.seal(ContentType::HANDSHAKE, &message, usize::MAX);
                let len = sealed.len();
                if let Some(byte) = sealed.get_mut(at % len.max(1)) {
                    *byte ^= value;
                }
                sealed
            }
        };
        self.feed(&bytes);
    }

    /// What an honest peer may do besides.
    fn peer(&mut self, step: u8) {
        match step {
            28 => {
                let len = usize::from(self.tape.byte());
                self.peer_data(len);
            }
            29 => {
                let mut flight = Flight::default();
                self.puppet.handshake.update_keys(&mut flight);
                self.counts.updates += usize::from(!flight.steps.is_empty());
                self.puppet.absorb(flight);
                self.is_harmed |= self.counts.updates > 16;
            }
            30 => {
                let mut flight = Flight::default();
                if self.puppet.handshake.request_certificate(&mut flight).is_ok() {
                    self.counts.asked += 1;
                    self.is_harmed |= self.counts.asked > 4;
                }
                self.puppet.absorb(flight);
            }
            31 => {
                self.is_harmed |= !self.is_open();
                self.peer_closed = true;
                let end = self.puppet.seal(ContentType::ALERT, &[1, 0], usize::MAX);
                self.feed(&end);
            }
            _ => {
                let padding = padding(self.tape.byte());
                self.puppet.pad(padding);
            }
        }
    }

    /// Whether an honest peer may close, or send data, now.
    fn is_open(&self) -> bool {
        // A client's answer to a request is not interrupted.
        let is_busy = self.plan.subject == Side::Server && !self.puppet.queue.is_empty();
        self.puppet.level() == Level::Application && self.told.established && !self.is_amid && !is_busy
    }

    fn peer_data(&mut self, len: usize) {
        let most = self.puppet.facts.iter().find_map(|fact| match fact {
            Fact::EarlyData(EarlyOffer { max_bytes, .. }) => Some(*max_bytes as usize),
            _ => None,
        });
        let is_early = self.puppet.level() == Level::EarlyData;
        let may_be_early =
            is_early && !self.is_amid && self.puppet.sealed[0].len() + len <= most.unwrap_or(0);
        // A server may send before it has heard the client's Finished.
        let is_half_early = self.plan.subject == Side::Client
            && self.puppet.level() == Level::Application
            && self.puppet.queue.is_empty()
            && !self.is_amid;
        self.is_harmed |= !(self.is_open() || may_be_early || is_half_early);
        self.counts.empty += usize::from(len == 0);
        self.is_harmed |= self.counts.empty > 16;
        let data = vec![self.counts.fed as u8; len];
        let sealed = self.puppet.seal(ContentType::APPLICATION_DATA, &data, usize::MAX);
        self.feed(&sealed);
    }

    /// What the owner of the side that is tested does, and time.
    fn own(&mut self, step: u8) {
        match step {
            33 => self.split = usize::from(self.tape.byte()) + 1,
            34 => {
                // Below the least that is promised to work nothing may come out for ever.
                self.out_len = usize::from(self.tape.byte()) * 2;
                self.is_harmed |= self.out_len < crate::MIN_OUT_BYTES;
            }
            35 => {
                let len = usize::from(self.tape.byte());
                self.write(len);
            }
            36 => {
                let millis = self.tape.pair() as u64;
                self.now += Span::from_millis(millis);
                self.expire();
            }
            37 => {
                if let Some(deadline) = self.subject.deadline() {
                    self.now = self.now.max(deadline);
                }
                self.expire();
            }
            38 => {
                self.is_harmed |= !self.told.established;
                self.is_closed = true;
                self.subject.close();
            }
            39 => {
                self.counts.updates += 1;
                self.is_harmed |= self.counts.updates > 16;
                self.subject.update_keys();
            }
            40 => {
                // Misuse changes nothing.
                let _ = self.subject.request_certificate();
            }
            41 => {
                self.answer_truly();
                if self.plan.holds_tickets {
                    self.subject.send_tickets(self.now, Some([7; 18]));
                }
            }
            42 => self.answer_wrongly(),
            43 => {
                self.is_harmed = true;
                self.peer_closed = true;
                let result = self.subject.eof();
                assert!(result != Err(Fault::Truncated) || !self.told.closed);
                self.fault = self.fault.take().or_else(|| self.subject.fault().cloned());
            }
            44 => {
                self.is_harmed = true;
                self.is_closed |= self.fault.is_none();
                self.subject.abort(if self.tape.byte() & 1 == 0 {
                    Fault::AccessDenied
                } else {
                    Fault::Canceled
                });
                self.fault = self.subject.fault().cloned();
            }
            45 => {
                let padding = padding(self.tape.byte());
                self.subject.pad(padding);
            }
            _ => {
                // Nothing of this arrives.
                self.is_harmed = true;
                let mut out = vec![0; self.out_len];
                self.subject.transmit(self.now, &mut out);
                let told = &mut self.told;
                self.subject.tell_sent(&mut |event| told.hear(event));
            }
        }
    }

    fn expire(&mut self) {
        let is_late = self.now.since(self.plan.now) > Span::from_secs(5);
        self.is_harmed |= is_late && self.plan.server.cookies.is_some(); // They are good for ten.
        let is_due = self.subject.deadline().is_some_and(|deadline| deadline <= self.now);
        self.subject.expire(self.now);
        if self.fault.is_none()
            && let Some(fault) = self.subject.fault()
        {
            assert!(is_due && *fault == Fault::HandshakeTimeout, "{fault:?} before its time");
            self.is_harmed = true;
            self.fault = Some(fault.clone());
        }
        assert!(self.subject.deadline().is_none_or(|deadline| deadline > self.now), "due again at once");
    }

    fn answer_wrongly(&mut self) {
        let answer = match self.tape.byte() % 6 {
            0 => Answer::Certificate(None),
            1 => Answer::Certificate(Some(Default::default())),
            2 => Answer::Signature(None),
            3 => Answer::Signature(Some(vec![0; 70_000])),
            4 => Answer::Signature(Some(vec![1; 32])),
            _ => Answer::Verify(Err(RejectedCertificate::Revoked)),
        };
        if self.subject.is_waiting() {
            self.is_harmed = true;
            self.is_owner_wrong = true;
            self.told.wanted = None;
        }
        let told = &mut self.told;
        let result = self.subject.answer(self.now, answer, &mut |event| told.hear(event));
        self.judge(result);
    }

    /// The messages that the puppet sends where nobody interferes, under another secret.
    fn others(&mut self) -> &[Vec<u8>] {
        let plan = self.plan;
        self.others.get_or_insert_with(|| {
            let mut subject = plan.connection(plan.subject, 11);
            let mut puppet = puppet(plan, 12);
            let (mut messages, mut out) = (Vec::new(), vec![0; 16_384]);
            for _ in 0..20 {
                while let Some(len) = subject.transmit(plan.now, &mut out) {
                    puppet.hear(plan.now, &out[..len]);
                }
                while let Some(message) = puppet.pop(0) {
                    let mut sealed = puppet.seal(ContentType::HANDSHAKE, &message, usize::MAX);
                    messages.push(message);
                    // How it ends does not matter here.
                    let _ = subject.handle(plan.now, &mut sealed, &mut |_| {});
                }
            }
            messages
        })
    }
}

fn pick(messages: &[Vec<u8>], at: usize) -> Vec<u8> {
    messages.get(at % messages.len().max(1)).cloned().unwrap_or_default()
}

fn certificate(named: Named) -> Vec<u8> {
    let (chain, mut message) = (named.chain(), Vec::new());
    let entry = |der| CertificateEntry { cert_data: der, ..CertificateEntry::default() };
    let entries: Vec<_> = chain.iter().map(|der| entry(der.as_slice())).collect();
    Certificate { certificate_list: List::Items(&entries), ..Certificate::default() }.write(&mut message);
    message
}

fn padding(choice: u8) -> Padding {
    let bytes = usize::from(choice / 4) * 16;
    match choice % 4 {
        0 => Padding::None,
        1 => Padding::ToMultiple(bytes),
        2 => Padding::Fixed(bytes),
        _ => Padding::Random(bytes),
    }
}

/// Changes `message` in one place: a bit, a byte, bytes taken out or put in, its end; then mostly its length is made to fit,
/// so that the wound is found by what reads the body.
fn wound(message: &mut Vec<u8>, kind: u8, at: usize, value: u8) {
    let at = at % message.len().max(1);
    let end = (at + usize::from(value)).min(message.len());
    match kind % 8 {
        0 => message.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << (value % 8)),
        1 | 2 => message.iter_mut().skip(at).take(1).for_each(|byte| *byte = value),
        3 => drop(message.drain(at..end)),
        4 => message.insert(at, value),
        5 => {
            let piece = message[at..end].to_vec();
            message.splice(at..at, piece);
        }
        6 => message.truncate(at),
        _ => message.iter_mut().take(1).for_each(|byte| *byte = value),
    }
    if message.len() >= HEADER_BYTES && kind & 0x80 == 0 {
        let len = (message.len() - HEADER_BYTES) as u32;
        message[1..HEADER_BYTES].copy_from_slice(&len.to_be_bytes()[1..]);
    }
}

/// As many different steps there are.
const STEPS: u8 = 47;
