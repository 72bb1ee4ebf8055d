//! The honest side of a run: a real handshake, whose messages wait to be sealed until the input says how.

use super::toy::{Judge, Named};
use crate::{
    Answer, Fact, Fault, Flight, Handshake, Level, Step, TrafficSecret, Wanted,
    record::{HEADER_BYTES, Header, MAX_PROTECTED_BYTES, Opener, Padding, Sealer},
    rules::{AlertDescription, ContentType, Side},
};
use sakigake_wire::Instant;
use std::collections::VecDeque;

pub(super) struct Puppet {
    side: Side,
    pub(super) handshake: Handshake,
    opener: Opener,
    sealer: Sealer,
    /// What its handshake wants sent, keys in their places.
    pub(super) queue: VecDeque<Item>,
    /// The beginning of a record.
    received: Vec<u8>,
    pub(super) facts: Vec<Fact>,
    pub(super) fault: Option<Fault>,
    /// Application data that came.
    pub(super) data: Vec<u8>,
    /// Alerts that came.
    pub(super) alerts: Vec<AlertDescription>,
    /// What was sealed as application data: early, and later.
    pub(super) sealed: [Vec<u8>; 2],
}

pub(super) enum Item {
    Message(Vec<u8>),
    Key(TrafficSecret),
    Plain,
    Limit(u16),
}

impl Puppet {
    pub(super) fn new(side: Side, handshake: Handshake, flight: Flight) -> Self {
        let mut puppet = Self {
            side,
            handshake,
            opener: Opener::new(),
            sealer: Sealer::new(),
            queue: VecDeque::new(),
            received: Vec::new(),
            facts: Vec::new(),
            fault: None,
            data: Vec::new(),
            alerts: Vec::new(),
            sealed: [Vec::new(), Vec::new()],
        };
        puppet.absorb(flight);
        puppet
    }

    /// Takes what the subject sent.
    pub(super) fn hear(&mut self, now: Instant, bytes: &[u8]) {
        self.received.extend_from_slice(bytes);
        while self.fault.is_none() {
            let header = match Header::read(&self.received) {
                Ok(Some(header)) if header.record_len() <= self.received.len() => header,
                Ok(_) => return,
                Err(fault) => return self.fault = Some(fault),
            };
            let mut record: Vec<u8> = self.received.drain(..header.record_len()).collect();
            if header.kind == ContentType::CHANGE_CIPHER_SPEC {
                continue;
            }
            match self.opener.open(&mut record) {
                Ok(opened) => self.take(now, opened.kind, &record[opened.content]),
                Err(_) if self.side == Side::Server && self.handshake.ignores_early_data() => {}
                Err(fault) => self.fault = Some(fault),
            }
        }
    }

    fn take(&mut self, now: Instant, kind: ContentType, content: &[u8]) {
        match kind {
            ContentType::HANDSHAKE => {
                let mut flight = Flight::default();
                let level = self.opener.level();
                self.fault = self.handshake.handle(now, level, content, &mut flight).err();
                self.absorb(flight);
                self.answer(now);
                let mut flight = Flight::default();
                self.handshake.respond(&mut flight);
                self.absorb(flight);
            }
            ContentType::APPLICATION_DATA => self.data.extend_from_slice(content),
            ContentType::ALERT => self.alerts.extend(content.get(1).copied().map(AlertDescription)),
            other => self.fault = Some(Fault::UnexpectedRecord(other)),
        }
    }

    fn answer(&mut self, now: Instant) {
        while let Some(wanted) = self.handshake.wanted().filter(|_| self.fault.is_none()) {
            let mut flight = Flight::default();
            let answer = truth(self.side, wanted);
            self.fault = self.handshake.answer(now, answer, &mut flight).err();
            self.absorb(flight);
        }
    }

    /// Keys for what comes change at once, those for what it sends in their turn.
    pub(super) fn absorb(&mut self, flight: Flight) {
        for step in flight.steps {
            match step {
                Step::Send { message, .. } => self.queue.push_back(Item::Message(message)),
                Step::WriteKey(secret) => self.queue.push_back(Item::Key(secret)),
                Step::WritePlain => self.queue.push_back(Item::Plain),
                Step::ReadKey(secret) => self.opener.install(&secret),
                Step::LimitRecords { sent, received } => {
                    self.opener.limit(received);
                    self.queue.push_back(Item::Limit(sent));
                }
            }
        }
        self.facts.extend(flight.facts);
        self.advance();
    }

    /// Changes the keys that are due.
    pub(super) fn advance(&mut self) {
        while self.queue.front().is_some_and(|item| !matches!(item, Item::Message(_))) {
            self.change(0);
        }
    }

    /// Does what stands at `at` in the queue, unless it is a message.
    pub(super) fn change(&mut self, at: usize) {
        match self.queue.remove(at) {
            Some(Item::Key(secret)) => self.sealer.install(&secret, u64::MAX),
            Some(Item::Plain) => self.sealer.uninstall(),
            Some(Item::Limit(bytes)) => self.sealer.limit(bytes),
            Some(message @ Item::Message(_)) => self.queue.insert(at, message),
            None => {}
        }
    }

    /// Where the next thing stands that is no message.
    pub(super) fn next_change(&self) -> Option<usize> {
        self.queue.iter().position(|item| !matches!(item, Item::Message(_)))
    }

    /// The next message.
    pub(super) fn front(&mut self) -> Option<&mut Vec<u8>> {
        self.advance();
        match self.queue.front_mut() {
            Some(Item::Message(message)) => Some(message),
            _ => None,
        }
    }

    /// Takes the next message away, and `more` that follow it under the same keys.
    pub(super) fn pop(&mut self, more: usize) -> Option<Vec<u8>> {
        self.front()?;
        let mut messages = Vec::new();
        for _ in 0..=more {
            match self.queue.pop_front() {
                Some(Item::Message(message)) => messages.extend(message),
                Some(other) => {
                    self.queue.push_front(other);
                    break;
                }
                None => break,
            }
        }
        Some(messages)
    }

    pub(super) fn level(&self) -> Level {
        self.sealer.level()
    }

    pub(super) fn pad(&mut self, padding: Padding) {
        self.sealer.pad(padding, [9; 32]);
    }

    /// Records of at most `most` bytes of content, one at least.
    pub(super) fn seal(&mut self, kind: ContentType, content: &[u8], most: usize) -> Vec<u8> {
        let mut out = Vec::new();
        let mut rest = content;
        let mut record = vec![0; HEADER_BYTES + MAX_PROTECTED_BYTES];
        loop {
            let room = self.sealer.room(record.len()).clamp(1, most.max(1));
            let (piece, after) = rest.split_at(rest.len().min(room));
            record[HEADER_BYTES..HEADER_BYTES + piece.len()].copy_from_slice(piece);
            let Ok(len) = self.sealer.seal(kind, &mut record, piece.len()) else { return out };
            self.count(kind, piece);
            out.extend_from_slice(&record[..len]);
            rest = after;
            if rest.is_empty() {
                return out;
            }
        }
    }

    /// What arrives as data from a record of this type. Type 0 is none: the content's last byte that is not 0 takes its place.
    /// In plain nothing arrives, be it refused or passed over as early data.
    fn count(&mut self, kind: ContentType, content: &[u8]) {
        let data = match self.sealer.level() {
            Level::EarlyData => &mut self.sealed[0],
            Level::Application => &mut self.sealed[1],
            Level::Plain | Level::Handshake => return,
        };
        let (kind, content) = match content.iter().rposition(|byte| *byte != 0) {
            Some(last) if kind.0 == 0 => (ContentType(content[last]), &content[..last]),
            _ => (kind, content),
        };
        if kind == ContentType::APPLICATION_DATA {
            data.extend_from_slice(content);
        }
    }
}

/// What an honest owner says.
pub(super) fn truth(side: Side, wanted: &Wanted) -> Answer {
    match wanted {
        Wanted::Certificate { .. } => Answer::Certificate(Some(Named::Server.credential(false))),
        Wanted::Signature { message, .. } => {
            let named = if side == Side::Server { Named::Server } else { Named::Alice };
            Answer::Signature(Some(named.sign(message)))
        }
        Wanted::Verify { chain, .. } => Answer::Verify(Judge(Named::Server).judge(leaf(chain))),
        Wanted::VerifyClient { chain, .. } => Answer::Verify(Judge(Named::Alice).judge(leaf(chain))),
        Wanted::TransportParameters { .. } => unreachable!("over QUIC alone"),
    }
}

fn leaf(chain: &[Vec<u8>]) -> Option<&[u8]> {
    chain.first().map(Vec::as_slice)
}
