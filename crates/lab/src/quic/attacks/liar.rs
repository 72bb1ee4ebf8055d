//! A peer that lies: it is an honest end until the handshake is confirmed, and says what it likes from then on, under the keys
//! of the connection.

use super::{
    between::Letter,
    trial::{Trial, came, replace, sent},
};
use crate::{
    datagram::{Entry, Incoming, Log, Node, Note, Outgoing, What},
    plain,
    quic::{End, ID_BYTES, Setup},
    world::NodeId,
};
use core::net::SocketAddr;
use sakigake_crypto::Secret;
use sakigake_quic::{
    connection::Holdings,
    frame::{Frame, Terms, walk, write_ack},
    packet::{Door, Draft, FixedBit, Forgeries, Number, Phases, Turn, parse},
    ranges::RangeSet,
    recovery::acks::Mark,
    rules::{Epoch, Side, versions::VERSION_1},
};
use sakigake_tls::{Level, TrafficSecret};
use sakigake_wire::{Instant, Span, Writer};
use std::collections::{BTreeMap, VecDeque};

/// What it does once it speaks for itself.
pub trait Lie {
    /// It is time, the first time when the handshake has been confirmed; gives when to be called again.
    fn act(&mut self, now: Instant, voice: &mut Voice) -> Option<Instant>;

    /// The victim said that.
    fn hear(&mut self, now: Instant, frame: &Frame<'_>, voice: &mut Voice) {
        let _ = (now, frame, voice); // Most do not listen.
    }
}

/// A node that lies.
pub struct Liar<L> {
    side: Side,
    lie: L,
    stage: Stage,
    next: Option<Instant>,
    secrets: BTreeMap<&'static str, Vec<u8>>,
    /// The victim's id that the end sends to, and the addresses of both.
    towards: Option<(Vec<u8>, SocketAddr, SocketAddr)>,
    notes: Vec<Note>,
}

enum Stage {
    Honest(Box<End>),
    Lying(Box<Voice>),
}

/// Its keys, and what it has heard.
pub struct Voice {
    side: Side,
    phases: Phases,
    /// The number of its next packet.
    pub number: u64,
    /// Numbers of the victim's packets that came.
    pub heard: RangeSet,
    /// Whether it acknowledges each packet at once, as it should.
    pub acknowledges: bool,
    /// The victim's id that it sends to.
    pub id: Vec<u8>,
    /// Its own address, and the victim's.
    pub addresses: (SocketAddr, SocketAddr),
    /// The code that the victim closed with.
    pub told: Option<u64>,
    outbox: VecDeque<Letter>,
    forgeries: Forgeries,
}

/// What the end used below that is far behind.
const FIRST_NUMBER: u64 = 10_000;
/// What a liar notes when it begins.
const LIES: &str = "lies from now on";

impl<L: Lie> Liar<L> {
    /// Takes the place of `end`.
    pub fn new(side: Side, end: Box<End>, lie: L) -> Self {
        let stage = Stage::Honest(end);
        Self { side, lie, stage, next: None, secrets: BTreeMap::new(), towards: None, notes: Vec::new() }
    }

    /// Reads the notes of its honest part: its own key log among them.
    fn listen(&mut self) {
        let Stage::Honest(end) = &mut self.stage else { return };
        for note in end.notes() {
            if let Note::Secret { label, secret, .. } = &note {
                self.secrets.insert(label, secret.clone());
            }
            self.notes.push(note);
        }
    }

    /// Goes on by itself, when all that the honest part had to say is out.
    fn take_over(&mut self, now: Instant) {
        let Stage::Honest(end) = &self.stage else { return };
        if !end.live().any(|connection| connection.is_confirmed()) {
            return;
        }
        let Some((id, local, peer)) = self.towards.clone() else { return };
        let secret = |label| {
            let suite = &plain::PROVIDER.suites[0];
            let secret = Secret::new(self.secrets.get(label)?);
            Some(TrafficSecret { level: Level::Application, suite, secret })
        };
        let client = secret("CLIENT_TRAFFIC_SECRET_0");
        let Some((client, server)) = client.zip(secret("SERVER_TRAFFIC_SECRET_0")) else { return };
        let (own, theirs) = if self.side == Side::Client { (client, server) } else { (server, client) };
        let mut phases = Phases::new(&VERSION_1, &own);
        phases.receive(&theirs);
        phases.confirm();
        self.stage = Stage::Lying(Box::new(Voice {
            side: self.side,
            phases,
            number: FIRST_NUMBER,
            heard: RangeSet::new(),
            acknowledges: true,
            id,
            addresses: (local, peer),
            told: None,
            outbox: VecDeque::new(),
            forgeries: Forgeries::default(),
        }));
        self.next = Some(now);
        self.notes.push(Note::Said(LIES.into()));
    }
}

impl Voice {
    /// Says that, whatever it is.
    pub fn say(&mut self, frames: &[u8]) {
        self.say_from(self.addresses.0, frames);
    }

    /// Says that, from an address that need not be its own.
    pub fn say_from(&mut self, from: SocketAddr, frames: &[u8]) {
        let mut bytes = vec![0; 1 + 20 + 4 + frames.len() + 20];
        let mut out = Writer::new(&mut bytes);
        let number = Number::with_len(self.number, 4).expect("a number of a small world");
        let draft = Draft::short(&mut out, &self.id, false, number).expect("there is room for a header");
        self.number += 1;
        let at = draft.payload_at();
        bytes[at..at + frames.len()].copy_from_slice(frames);
        let len = self.phases.seal(draft, &mut bytes, frames.len()).expect("keys of a small world last");
        bytes.truncate(len);
        self.outbox.push_back(Letter { bytes, from, to: self.addresses.1, mark: Mark::NotEct });
    }

    /// An ACK frame of all that was heard.
    pub fn ack(&self) -> Vec<u8> {
        let mut bytes = vec![0; 1_000];
        let mut out = Writer::new(&mut bytes);
        write_ack(&mut out, self.heard.iter().rev(), 0, None).expect("there is room for a range");
        let len = out.written();
        bytes.truncate(len);
        bytes
    }

    /// Goes on under new keys, whether that is allowed or not.
    pub fn renew(&mut self) {
        // As if the peer had acknowledged something of this phase; before the first packet of it there is nothing to renew.
        let told = self.phases.acked(u64::MAX, Turn::Current).is_ok();
        let is_new = self.phases.update().is_ok();
        debug_assert!(told && is_new, "both sides of it are ours");
    }

    /// Opens what came; gives its payload.
    fn open(&mut self, datagram: &[u8]) -> Option<Vec<u8>> {
        let door = Door { side: self.side, id_bytes: ID_BYTES, fixed_bit: FixedBit::Ignored };
        let packet = parse(datagram, &door).ok()?;
        if packet.header.scid().is_some() {
            return None;
        }
        let mut bytes = datagram.to_vec();
        let largest = self.heard.highest().map(|range| range.end - 1);
        let received = self.phases.open(&mut bytes, packet.number_at?, largest, &mut self.forgeries).ok()?;
        let number = received.opened.number;
        self.heard.insert(number..number + 1);
        Some(bytes[received.opened.payload].to_vec())
    }
}

impl<L: Lie> Node for Liar<L> {
    fn handle(&mut self, now: Instant, datagram: Incoming<'_>) {
        let voice = match &mut self.stage {
            Stage::Honest(end) => {
                end.handle(now, datagram);
                return self.listen();
            }
            Stage::Lying(voice) => voice,
        };
        let Some(payload) = voice.open(datagram.bytes) else { return };
        let sender = if self.side == Side::Client { Side::Server } else { Side::Client };
        let terms =
            Terms { reset_stream_at: true, max_datagram_frame_size: u64::MAX, ..Terms::plain(sender) };
        let mut elicits_ack = false;
        for frame in walk(&payload, Epoch::OneRtt, terms).map_while(Result::ok) {
            elicits_ack |= frame.rule().elicits_ack;
            if let Frame::ConnectionClose(close) = &frame {
                voice.told = Some(close.code);
                self.notes.push(Note::Said(format!("told {:#x}", close.code)));
            }
            self.lie.hear(now, &frame, voice);
        }
        if elicits_ack && voice.acknowledges {
            voice.say(&voice.ack());
        }
    }

    fn expire(&mut self, now: Instant) {
        match &mut self.stage {
            Stage::Honest(end) if end.deadline().is_some_and(|at| at <= now) => {
                end.expire(now);
                self.listen();
            }
            Stage::Lying(voice) if self.next.is_some_and(|next| next <= now) => {
                self.next = self.lie.act(now, voice).filter(|_| voice.told.is_none());
            }
            _ => {}
        }
    }

    fn deadline(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Honest(end) => end.deadline(),
            Stage::Lying(_) => self.next,
        }
    }

    fn transmit(&mut self, now: Instant, out: &mut [u8]) -> Option<Outgoing> {
        match &mut self.stage {
            Stage::Honest(end) => {
                let outgoing = end.transmit(now, out);
                self.listen();
                match outgoing {
                    Some(Outgoing { from, to, .. }) if out[0] & 0x80 == 0 => {
                        self.towards = Some((out[1..=ID_BYTES].to_vec(), from, to));
                    }
                    Some(_) => {}
                    None => self.take_over(now),
                }
                outgoing
            }
            Stage::Lying(voice) => {
                let Letter { bytes, from, to, mark } = voice.outbox.pop_front()?;
                out[..bytes.len()].copy_from_slice(&bytes);
                Some(Outgoing { len: bytes.len(), segment_bytes: None, from, to, mark })
            }
        }
    }

    fn notes(&mut self) -> Vec<Note> {
        core::mem::take(&mut self.notes)
    }
}

/// A frame that is nothing but integers: its type and its fields.
///
/// # Panics
/// Where one is no integer of 62 bits.
pub fn integers(fields: &[u64]) -> Vec<u8> {
    let mut bytes = vec![0; 8 * fields.len()];
    let mut out = Writer::new(&mut bytes);
    fields.iter().for_each(|field| out.varint(*field).expect("eight bytes hold each"));
    let len = out.written();
    bytes.truncate(len);
    bytes
}

/// STREAM with an offset and a length.
pub fn stream(id: u64, offset: u64, data: &[u8]) -> Vec<u8> {
    let mut frame = integers(&[0x0e, id, offset, data.len() as u64]);
    frame.extend_from_slice(data);
    frame
}

/// Says so many times what `make` gives for each, some at once.
pub struct Flood<F> {
    /// Packets in all.
    pub packets: u64,
    /// Packets a millisecond.
    pub at_once: u64,
    /// The payload of the nth.
    pub make: F,
    /// Packets that were sent.
    pub said: u64,
}

impl<F: FnMut(u64) -> Vec<u8>> Flood<F> {
    /// Twenty packets a millisecond.
    pub const fn new(packets: u64, make: F) -> Self {
        Self { packets, at_once: 20, make, said: 0 }
    }
}

impl<F: FnMut(u64) -> Vec<u8>> Lie for Flood<F> {
    fn act(&mut self, now: Instant, voice: &mut Voice) -> Option<Instant> {
        for _ in 0..self.at_once.min(self.packets - self.said) {
            voice.say(&(self.make)(self.said));
            self.said += 1;
        }
        (self.said < self.packets).then(|| now + Span::from_millis(1))
    }
}

/// A world with a liar in it that is over.
pub struct Played {
    /// It.
    pub log: Log,
    /// Whom it lied to.
    pub victim: NodeId,
    /// The most that the victim held.
    pub most: Holdings,
}

impl Played {
    /// Plays `lie` by `side` in a world of `setup`.
    pub fn new<L: Lie + 'static>(mut setup: Setup, side: Side, lie: L, trial: &mut Trial) -> Self {
        setup.client_tls.provider = &plain::ONE_SUITE[0];
        setup.habits[0].closes_after = None;
        let mut ready = setup.build();
        let [client, server] = ready.ends;
        let (liar, victim) = if side == Side::Client { (client, server) } else { (server, client) };
        replace(&mut ready.world, liar, |end| Liar::new(side, end, lie));
        let most = trial.watch(&mut ready, victim);
        let log = ready.world.log().clone();
        let is_lie = |entry: &&Entry| matches!(&entry.what, What::Noted { note: Note::Said(words), .. } if words == LIES);
        trial.bites(log.entries().iter().filter(is_lie).count());
        Self { log, victim, most }
    }

    /// Datagrams and bytes that the victim sent for each hundred that came.
    pub fn answered(&self) -> (u64, u64) {
        let (out, came) = (sent(&self.log, self.victim, |_| true), came(&self.log, self.victim, |_| true));
        (out.0 * 100 / came.0.max(1), out.1 * 100 / came.1.max(1))
    }

    /// The code that the victim closed with.
    pub fn told(&self) -> Option<u64> {
        self.log.entries().iter().find_map(|entry| match &entry.what {
            What::Noted { note: Note::Said(words), .. } => {
                u64::from_str_radix(words.strip_prefix("told 0x")?, 16).ok()
            }
            _ => None,
        })
    }
}
