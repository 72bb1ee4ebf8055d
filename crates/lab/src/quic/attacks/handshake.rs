//! Who looks on while a handshake begins, and answers in the server's name (RFC 9000 sections 21.2, 21.5.2 and 21.12).

use super::{
    Attack,
    Stands::{Beside, Blind},
    Trial,
    between::{Between, Letter, Post, Scheme},
    paths::{fetch, unharmed},
    trial::{came, is_ready, over},
};
use crate::{
    datagram::{Entry, Over, What},
    plain,
    quic::{
        ID_BYTES, Setup, Story,
        setup::{CLIENT, SERVER},
    },
};
use core::net::SocketAddr;
use sakigake_quic::{
    packet::{Door, Draft, FixedBit, Header, Keys, Long, Number, parse, retry::Retry, version},
    rules::{
        Side,
        versions::{LongType, VERSION_1, VERSION_2, Version},
    },
};
use sakigake_wire::{Instant, Span, Writer};
use std::collections::BTreeSet;

const FORGED: &str = "forged datagrams";
const MS: &str = "milliseconds to the end";
const TOKENS: &str = "tokens shown";
const TOKEN_BYTES: &str = "bytes of a token";
const STRANGERS: &str = "datagrams to strangers";

/// They.
pub const ATTACKS: &[Attack] = &[
    Attack {
        section: "21.2",
        name: "version_negotiation_with_the_version_in_use",
        stands: Beside,
        holds: "ignored: no server that speaks a version negotiates another",
        bounds: &[(FORGED, 1)],
        play: |seed, trial| harmless(seed, trial, When::First, |seen| vec![seen.versions(&[&VERSION_1])]),
    },
    Attack {
        section: "21.2",
        name: "version_negotiation_behind_an_answer",
        stands: Beside,
        holds: "ignored: the server has answered",
        bounds: &[(FORGED, 1)],
        play: |seed, trial| harmless(seed, trial, When::Answered, |seen| vec![seen.versions(&[&VERSION_2])]),
    },
    Attack {
        section: "21.2",
        name: "version_negotiation_by_guess",
        stands: Blind,
        holds: "ignored: it does not name the client's ids",
        bounds: &[(FORGED, 1)],
        play: |seed, trial| {
            let guess = |seen: &Seen| Seen { dcid: vec![7; 16], ..seen.clone() }.versions(&[&VERSION_2]);
            harmless(seed, trial, When::First, move |seen| vec![guess(seen)]);
        },
    },
    Attack {
        section: "21.2",
        name: "retry_by_guess",
        stands: Blind,
        holds: "ignored: its tag shows that nobody saw the client's packet",
        bounds: &[(FORGED, 1)],
        play: |seed, trial| {
            let guess = |seen: &Seen| Seen { dcid: vec![7; 16], ..seen.clone() }.retry();
            harmless(seed, trial, When::First, move |seen| vec![guess(seen)]);
        },
    },
    Attack {
        section: "21.2",
        name: "retry_behind_an_answer",
        stands: Beside,
        holds: "ignored: the server has answered",
        bounds: &[(FORGED, 1)],
        play: |seed, trial| harmless(seed, trial, When::Answered, |seen| vec![seen.retry()]),
    },
    Attack {
        section: "21.2",
        name: "retry_in_time",
        stands: Beside,
        holds: "the handshake fails: the server's parameters know of no Retry (TRANSPORT_PARAMETER_ERROR), and nobody goes on",
        bounds: &[(FORGED, 1), (MS, 200)],
        play: |seed, trial| {
            fatal(seed, trial, |seen| vec![seen.retry()], |why| is_fault(why, "ConnectionIdMismatch"));
        },
    },
    Attack {
        section: "21.2",
        name: "close_in_time",
        stands: Beside,
        holds: "the handshake fails, at once and in no other way",
        bounds: &[(FORGED, 1), (MS, 200)],
        play: |seed, trial| {
            let close = |seen: &Seen| vec![seen.initial(Side::Server, &[0x1c, 0x02, 0, 0])];
            fatal(seed, trial, close, |why| is_fault(why, "Peer"));
        },
    },
    Attack {
        section: "21.2",
        name: "server_hello_of_somebody_else",
        stands: Beside,
        holds: "the handshake fails: TLS finds that it is none",
        bounds: &[(FORGED, 1), (MS, 200)],
        play: |seed, trial| {
            let hello = |seen: &Seen| vec![seen.initial(Side::Server, &[0x06, 0, 8, 2, 0, 0, 4, 3, 3, 0, 0])];
            fatal(seed, trial, hello, |why| is_fault(why, "Tls"));
        },
    },
    Attack {
        section: "21.1.1.3",
        name: "close_behind_the_handshake",
        stands: Beside,
        holds: "ignored by both sides: Initial and Handshake packets mean nothing any more",
        bounds: &[(FORGED, 4)],
        play: |seed, trial| {
            let close = |seen: &Seen| {
                let frame = [0x1c, 0x02, 0, 0];
                let both = [Side::Server, Side::Client].map(|side| seen.initial(side, &frame));
                let junk = [Side::Server, Side::Client].map(|side| seen.junk(side));
                both.into_iter().chain(junk).collect()
            };
            harmless(seed, trial, When::Later(Span::from_millis(160)), close);
        },
    },
    Attack {
        section: "21.5.2",
        name: "retries_full_of_requests",
        stands: Beside,
        holds: "a client says what stands in one token, to the server and to nobody else: what is longer than it keeps is no Retry, and a second one is none either",
        bounds: &[(FORGED, 11), (MS, 200), (TOKENS, 1), (TOKEN_BYTES, 900), (STRANGERS, 0)],
        play: |seed, trial| {
            let request =
                |bytes: usize| b"GET /delete?all=1 ".iter().copied().cycle().take(bytes).collect::<Vec<u8>>();
            let retries = move |seen: &Seen| {
                let lengths = core::iter::once(1_100).chain((0..10).map(|at| 900 - at));
                lengths.map(|bytes| seen.retry_with(&request(bytes))).collect()
            };
            let story =
                fails(fetch(seed, 10_000), trial, retries, |why| is_fault(why, "ConnectionIdMismatch"));
            let shown: BTreeSet<Vec<u8>> = story.log().entries().iter().filter_map(token_of_client).collect();
            trial.measure(TOKENS, shown.len() as u64);
            trial.measure(TOKEN_BYTES, shown.iter().map(Vec::len).max().unwrap_or(0) as u64);
            let strangers = story.log().entries().iter().filter(
                |entry| matches!(&entry.what, What::Sent { from, to, .. } if *from == CLIENT && *to != SERVER),
            );
            trial.measure(STRANGERS, strangers.count() as u64);
        },
    },
    Attack {
        section: "21.12",
        name: "version_negotiation_that_lies",
        stands: Beside,
        holds: "a client of version 2 that hears of version 1 alone gives up: it never goes on in version 1 by itself",
        bounds: &[(FORGED, 1), (MS, 200)],
        play: |seed, trial| {
            let mut setup = fetch(seed, 10_000);
            setup.client.versions = vec![&VERSION_2, &VERSION_1];
            setup.server.versions = vec![&VERSION_2, &VERSION_1];
            drop(fails(setup, trial, |seen| vec![seen.versions(&[&VERSION_1])], |why| *why == Over::Version));
        },
    },
];

/// What was seen of a handshake.
#[derive(Clone)]
struct Seen {
    version: &'static Version,
    dcid: Vec<u8>,
    scid: Vec<u8>,
    client: SocketAddr,
    server: SocketAddr,
}

/// When the attacker speaks.
#[derive(Clone, Copy)]
enum When {
    /// Before the server has got the client's first packet.
    First,
    /// Right behind the server's first answer.
    Answered,
    /// So long after the beginning.
    Later(Span),
}

/// Forges, once.
struct Forger<F> {
    when: When,
    forge: F,
    seen: Option<Seen>,
    is_done: bool,
}

impl Seen {
    fn letter(&self, to: Side, bytes: Vec<u8>) -> Letter {
        let (from, to) =
            if to == Side::Client { (self.server, self.client) } else { (self.client, self.server) };
        Letter { bytes, from, to, mark: sakigake_quic::recovery::acks::Mark::NotEct }
    }

    fn versions(&self, versions: &[&Version]) -> Letter {
        let numbers: Vec<u32> = versions.iter().map(|version| version.number).collect();
        let written = write(|out| version::write(out, &self.dcid, &self.scid, &numbers, 0));
        self.letter(Side::Client, written)
    }

    fn retry(&self) -> Letter {
        self.retry_with(b"go there")
    }

    fn retry_with(&self, token: &[u8]) -> Letter {
        let retry = Retry { version: self.version, dcid: &self.scid, scid: &[9; ID_BYTES], token };
        let written = write(|out| retry.write(out, &plain::PROVIDER.suites[0], &self.dcid, 0));
        self.letter(Side::Client, written)
    }

    /// An Initial packet as `sender` would have sent it, number 5.
    fn initial(&self, sender: Side, frames: &[u8]) -> Letter {
        let suite = &plain::PROVIDER.suites[0];
        let mut keys = Keys::initial(suite, self.version, &self.dcid, sender).send;
        let (dcid, scid) = if sender == Side::Client {
            (&self.dcid[..], &self.scid[..])
        } else {
            (&self.scid[..], &[9; ID_BYTES][..])
        };
        let header = Long { version: self.version, kind: LongType::Initial, dcid, scid, token: &[] };
        let mut bytes = vec![0; 1_200];
        let number = Number::with_len(5, 4).expect("5 is a number");
        let draft = Draft::long(&mut Writer::new(&mut bytes), &header, number).expect("there is room");
        let at = draft.payload_at();
        bytes[at..at + frames.len()].copy_from_slice(frames);
        let most = draft.most_payload(bytes.len());
        draft.seal(&mut keys, &mut bytes, most).expect("one packet");
        let to = if sender == Side::Client { Side::Server } else { Side::Client };
        self.letter(to, bytes)
    }

    /// A Handshake packet that nobody can open.
    fn junk(&self, sender: Side) -> Letter {
        let mut letter = self.initial(sender, &[1, 0, 0, 0]);
        letter.bytes[0] = letter.bytes[0] & 0x0f | 0xe0;
        letter
    }
}

fn write<E: core::fmt::Debug>(body: impl FnOnce(&mut Writer<'_>) -> Result<(), E>) -> Vec<u8> {
    let mut bytes = vec![0; 1_200];
    let mut out = Writer::new(&mut bytes);
    body(&mut out).expect("there is room");
    let len = out.written();
    bytes.truncate(len);
    bytes
}

impl<F: FnMut(&Seen) -> Vec<Letter>> Forger<F> {
    const fn new(when: When, forge: F) -> Self {
        Self { when, forge, seen: None, is_done: false }
    }

    fn forge(&mut self, now: Instant, post: &mut Post) {
        let Some(seen) = self.seen.as_ref().filter(|_| !self.is_done) else { return };
        self.is_done = true;
        (self.forge)(seen).into_iter().for_each(|letter| post.send(now, letter));
    }
}

impl<F: FnMut(&Seen) -> Vec<Letter>> Scheme for Forger<F> {
    fn pass(&mut self, now: Instant, letter: Letter, post: &mut Post) {
        let door = Door { side: Side::Server, id_bytes: ID_BYTES, fixed_bit: FixedBit::Ignored };
        let is_first = self.seen.is_none();
        if let (true, Ok(packet)) = (is_first, parse(&letter.bytes, &door))
            && let Header::Initial { version, dcid, scid, .. } = packet.header
        {
            let (dcid, scid) = (dcid.to_vec(), scid.to_vec());
            self.seen = Some(Seen { version, dcid, scid, client: letter.from, server: letter.to });
            match self.when {
                When::First => self.forge(now, post),
                When::Later(after) => post.next = Some(now + after),
                When::Answered => {}
            }
        }
        let is_answer = self.seen.as_ref().is_some_and(|seen| seen.server == letter.from);
        post.send(now, letter);
        if is_answer && matches!(self.when, When::Answered) {
            self.forge(now, post);
        }
    }

    fn act(&mut self, now: Instant, post: &mut Post) -> Option<Instant> {
        self.forge(now, post);
        None
    }
}

/// Nobody is harmed.
fn harmless(seed: u64, trial: &mut Trial, when: When, forge: impl FnMut(&Seen) -> Vec<Letter> + 'static) {
    let (story, node) = unharmed(fetch(seed, 200_000), trial, Between::new(Forger::new(when, forge)));
    trial.measure(FORGED, forged(&story, node));
}

/// The client's handshake fails, and in no other way than that.
fn fatal(
    seed: u64,
    trial: &mut Trial,
    forge: impl FnMut(&Seen) -> Vec<Letter> + 'static,
    is_right: impl Fn(&Over) -> bool,
) {
    drop(fails(fetch(seed, 10_000), trial, forge, is_right));
}

fn fails(
    setup: Setup,
    trial: &mut Trial,
    forge: impl FnMut(&Seen) -> Vec<Letter> + 'static,
    is_right: impl Fn(&Over) -> bool,
) -> Story {
    let mut ready = Setup { completes: false, is_honest: false, ..setup }.build();
    let client = ready.ends[0];
    let node = ready.stand_between(|_| Box::new(Between::new(Forger::new(When::First, forge))));
    let story = ready.run();
    // The tape takes the server's connection, which no client began, for a part of the client's.
    let is_confused = |what: &String| what.starts_with("numbers: ") || what.starts_with("keys: ");
    trial.take(story.verdict.complaints.iter().filter(|what| !is_confused(what)).cloned().collect());
    trial.expect(!is_ready(story.log(), client), || "the client went on".into());
    trial.expect_over(story.log(), client, 0, is_right);
    let end = over(story.log(), client, 0).map(|(at, _)| at.since(Instant::default()).as_millis());
    trial.measure(MS, end.unwrap_or(u64::MAX));
    trial.measure(FORGED, forged(&story, node));
    story
}

/// The token that a datagram of the client's shows.
fn token_of_client(entry: &Entry) -> Option<Vec<u8>> {
    let What::Sent { from, bytes, .. } = &entry.what else { return None };
    let door = Door { side: Side::Server, id_bytes: ID_BYTES, fixed_bit: FixedBit::Ignored };
    match parse(bytes, &door).ok()?.header {
        Header::Initial { token, .. } if *from == CLIENT && !token.is_empty() => Some(token.to_vec()),
        _ => None,
    }
}

/// Datagrams that were nobody's but the attacker's.
fn forged(story: &Story, node: crate::world::NodeId) -> u64 {
    let (out, came) =
        (super::trial::sent(story.log(), node, |_| true).0, came(story.log(), node, |_| true).0);
    out - came
}

fn is_fault(why: &Over, word: &str) -> bool {
    matches!(why, Over::Fault(why) if why.contains(word))
}
