//! Who sees what passes, and sends it again, changed or from elsewhere; who lets it pass through his hands; and marks that nobody
//! on the way has set (RFC 9000 sections 21.1.2, 21.1.3, 21.10 and 21.11).

use super::{
    Attack,
    Stands::{Beside, Between as OnPath},
    Trial,
    between::{Between, Letter, Post, Scheme},
    trial::sent,
};
use crate::{
    datagram::{Ending, Log, Node, What},
    quic::{
        ID_BYTES, Setup, Story,
        setup::{ATTACKER, CLIENT, ELSEWHERE, SERVER},
        work::{Errand, Habits, Speech},
    },
    seed::Seed,
    world::NodeId,
};
use sakigake_quic::{
    frame::Frame,
    ids::IdSource,
    packet::{Door, FixedBit, Header, parse},
    recovery::acks::Mark,
    rules::Side,
    streams::{Direction, Priority},
};
use sakigake_wire::{Entropy, Instant, Span};

/// One of those whom every honest connection withstands, to be drawn for a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attacker {
    /// Everything comes four times.
    Copies,
    /// A changed copy comes before each datagram.
    ChangedFirst,
    /// One in five is changed.
    Changes,
    /// A copy of what the client says comes from the attacker's address.
    Elsewhere,
    /// Noise under the ids in use.
    Noise,
    /// All that is marked is marked CE.
    Marks,
    /// Copies that are marked CE.
    MarkedCopies,
}

impl Attacker {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Copies,
        Self::ChangedFirst,
        Self::Changes,
        Self::Elsewhere,
        Self::Noise,
        Self::Marks,
        Self::MarkedCopies,
    ];

    /// Whether bytes come that nobody sent and that no key protects: versions, tokens, ids.
    pub const fn spoils(self) -> bool {
        matches!(self, Self::ChangedFirst | Self::Changes)
    }

    /// A node that does it.
    pub fn node(self, seed: Seed) -> Box<dyn Node> {
        match self {
            Self::Copies => Box::new(Between::new(Copies)),
            Self::ChangedFirst => Box::new(Between::new(Changes(seed, false))),
            Self::Changes => Box::new(Between::new(Changes(seed, true))),
            Self::Elsewhere => Box::new(Between::new(Elsewhere)),
            Self::Noise => Box::new(Between::new(Noise(seed))),
            Self::Marks => Box::new(Between::new(Marks(Mark::Ce))),
            Self::MarkedCopies => Box::new(Between::new(MarkedCopies)),
        }
    }
}

const STRANGER: &str = "bytes to the attacker";
const CE: &str = "CE marks that were acknowledged";
const MS: Span = Span::from_millis(1);

/// They.
pub const ATTACKS: &[Attack] = &[
    Attack {
        section: "21.1.2",
        name: "copies_of_everything",
        stands: Beside,
        holds: "a packet counts once, however often it comes",
        bounds: &[],
        play: |seed, trial| drop(unharmed(fetch(seed, 200_000), trial, Between::new(Copies))),
    },
    Attack {
        section: "21.1.2",
        name: "changed_copies_first",
        stands: Beside,
        holds: "nothing of a packet can be changed, and what was changed takes nothing from the packet that comes behind it",
        bounds: &[],
        play: |seed, trial| {
            drop(unharmed(fetch(seed, 200_000), trial, Between::new(Changes(Seed::new(seed), false))))
        },
    },
    Attack {
        section: "21.1.2",
        name: "datagrams_split_into_their_packets",
        stands: OnPath,
        holds: "how packets lie in datagrams makes no difference, but for those of a client with Initial packets",
        bounds: &[],
        play: |seed, trial| drop(unharmed(fetch(seed, 200_000), trial, Between::new(Splits))),
    },
    Attack {
        section: "21.1.3.1",
        name: "every_fifth_changed",
        stands: OnPath,
        holds: "what was changed is lost, and no more than that",
        bounds: &[],
        play: |seed, trial| {
            drop(unharmed(fetch(seed, 200_000), trial, Between::new(Changes(Seed::new(seed), true))))
        },
    },
    Attack {
        section: "21.1.3.1",
        name: "a_path_that_closes_behind_the_client",
        stands: OnPath,
        holds: "a client goes to a path without the attacker, and completes there",
        bounds: &[],
        play: |seed, trial| {
            let mut setup = fetch(seed, 2_000_000);
            (setup.up.bits_per_s, setup.down.bits_per_s) = (Some(10_000_000), Some(10_000_000));
            setup.habits[0].moves = vec![(MS.times(400), ELSEWHERE)];
            drop(unharmed(setup, trial, Between::new(Closes)));
        },
    },
    Attack {
        section: "21.1.3.2",
        name: "copies_from_elsewhere",
        stands: Beside,
        holds: "a copy behind its original moves nobody: no path begins, and nothing is sent there",
        bounds: &[(STRANGER, 0)],
        play: |seed, trial| {
            let (story, _) = unharmed(fetch(seed, 200_000), trial, Between::new(Elsewhere));
            trial.measure(STRANGER, to_attacker(&story));
        },
    },
    Attack {
        section: "21.1.3.3",
        name: "a_faster_way_for_a_while",
        stands: Beside,
        holds: "who wins each race and forwards both ways carries the connection, and cannot end it: when he stops it goes on where it was",
        bounds: &[],
        play: |seed, trial| {
            let mut setup = fetch(seed, 2_000_000);
            (setup.up.bits_per_s, setup.down.bits_per_s) = (Some(10_000_000), Some(10_000_000));
            let (story, _) = unharmed(setup, trial, Between::new(Faster::forwarding(true)));
            trial.expect(to_attacker(&story) > 100_000, || "the attacker carried little".into());
        },
    },
    Attack {
        section: "21.1.3.3",
        name: "a_faster_way_into_nothing",
        stands: Beside,
        holds: "who wins races and forwards nothing back is sent three times what came from there at most, and the connection comes back",
        bounds: &[(STRANGER, 100_000)],
        play: |seed, trial| {
            let mut setup = fetch(seed, 2_000_000);
            (setup.up.bits_per_s, setup.down.bits_per_s) = (Some(10_000_000), Some(10_000_000));
            let (story, _) = unharmed(setup, trial, Between::new(Faster::forwarding(false)));
            trial.measure(STRANGER, to_attacker(&story));
            trial.expect(to_attacker(&story) > 0, || "nobody was moved".into());
        },
    },
    Attack {
        section: "21.10",
        name: "everything_marked",
        stands: OnPath,
        holds: "CE on each packet makes a sender slow, and stops nobody",
        bounds: &[],
        play: |seed, trial| drop(unharmed(fetch(seed, 200_000), trial, Between::new(Marks(Mark::Ce)))),
    },
    Attack {
        section: "21.10",
        name: "marks_swapped",
        stands: OnPath,
        holds: "ECT(1) where ECT(0) was sent: marks count for nothing from then on, and none are sent",
        bounds: &[],
        play: |seed, trial| {
            let (story, _) = unharmed(fetch(seed, 400_000), trial, Between::new(Marks(Mark::Ect1)));
            let marks: Vec<Mark> = story.log().entries().iter().filter_map(marked_by_server).collect();
            let last = marks.get(marks.len().saturating_sub(50)..).unwrap_or_default();
            trial.expect(last.iter().all(|mark| *mark == Mark::NotEct), || {
                "marks were sent to the end".into()
            });
        },
    },
    Attack {
        section: "21.10",
        name: "marked_copies",
        stands: Beside,
        holds: "a mark counts with the packet that it came with: those of copies are not counted",
        bounds: &[(CE, 0)],
        play: |seed, trial| {
            let (story, _) = unharmed(fetch(seed, 200_000), trial, Between::new(MarkedCopies));
            let counts =
                story.tape.packets.iter().flat_map(|packet| packet.frames()).filter_map(
                    |frame| match frame {
                        Frame::Ack(ack) => ack.ecn.map(|ecn| ecn.ce),
                        _ => None,
                    },
                );
            trial.measure(CE, counts.max().unwrap_or(0));
        },
    },
    Attack {
        section: "21.11",
        name: "noise_under_the_right_id",
        stands: Beside,
        holds: "3 datagrams of noise for each that passes, to the ids in use: none is a packet, none a stateless reset",
        bounds: &[],
        play: |seed, trial| drop(unharmed(fetch(seed, 200_000), trial, Between::new(Noise(Seed::new(seed))))),
    },
];

/// A client that asks once and gets so many bytes.
pub(super) fn fetch(seed: u64, bytes: u64) -> Setup {
    let mut setup = Setup::new(seed);
    let speech = |bytes| Speech { bytes, chunk_bytes: 16_384, ending: Ending::Finished };
    let (at, direction, priority) = (Span::ZERO, Direction::Bidirectional, Priority::default());
    let errand = Errand { at, direction, priority, speech: speech(100) };
    setup.habits[0] =
        Habits { errands: vec![errand], closes_after: Some(Span::from_millis(200)), ..Habits::default() };
    setup.habits[1] = Habits { replies: vec![speech(bytes)], expects: 1, ..Habits::default() };
    setup.spare_datagrams = 2_000;
    setup
}

/// All that the checkers want of an honest world holds, though somebody does that.
pub(super) fn unharmed(setup: Setup, trial: &mut Trial, attacker: impl Node + 'static) -> (Story, NodeId) {
    let mut ready = setup.build();
    let node = ready.stand_between(|_| Box::new(attacker));
    let story = ready.run();
    trial.take(story.verdict.complaints.clone());
    trial.bites(usize::from(has_bitten(story.log(), node)));
    (story, node)
}

/// Whether letters left a node otherwise than they came.
pub(crate) fn has_bitten(log: &Log, node: NodeId) -> bool {
    let entries = log.entries().iter();
    let left = entries.clone().filter_map(|entry| match &entry.what {
        What::Sent { by, from, to, mark, bytes, .. } if *by == node => Some((*from, *to, *mark, bytes)),
        _ => None,
    });
    let came = entries.filter_map(|entry| match &entry.what {
        What::Arrived { at, from, to, mark, bytes, .. } if *at == node => Some((*from, *to, *mark, bytes)),
        _ => None,
    });
    !left.eq(came)
}

fn to_attacker(story: &Story) -> u64 {
    let ends = story.log().entries().iter().filter_map(|entry| match &entry.what {
        What::Sent { by, from, .. } if *from == SERVER => Some(*by),
        _ => None,
    });
    ends.take(1).map(|server| sent(story.log(), server, |to| to == ATTACKER).1).sum()
}

fn marked_by_server(entry: &crate::datagram::Entry) -> Option<Mark> {
    match &entry.what {
        // What the server itself sent, not what was made of it.
        What::Sent { from, to, mark, bytes, .. }
            if *from == SERVER && *to == CLIENT && bytes.len() > 1_000 =>
        {
            Some(*mark)
        }
        _ => None,
    }
}

struct Copies;

impl Scheme for Copies {
    fn pass(&mut self, now: Instant, letter: Letter, post: &mut Post) {
        for after in [Span::ZERO, MS, MS.times(10), MS.times(150)] {
            post.send(now + after, letter.clone());
        }
    }
}

/// A bit of each is another, in a copy before it, or in every fifth itself.
struct Changes(Seed, bool);

impl Scheme for Changes {
    fn pass(&mut self, now: Instant, letter: Letter, post: &mut Post) {
        let mut changed = letter.clone();
        let at = self.0.below(letter.bytes.len() as u64) as usize;
        changed.bytes[at] ^= 1 << self.0.below(8);
        match self.1 {
            true if self.0.below(5) == 0 => post.send(now, changed),
            true => post.send(now, letter),
            false => {
                post.send(now, changed);
                post.send(now, letter);
            }
        }
    }
}

struct Splits;

impl Scheme for Splits {
    fn pass(&mut self, now: Instant, letter: Letter, post: &mut Post) {
        let side = if letter.from == SERVER { Side::Client } else { Side::Server };
        let door = Door { side, id_bytes: ID_BYTES, fixed_bit: FixedBit::Ignored };
        let mut rest = &letter.bytes[..];
        while let Ok(packet) = parse(rest, &door) {
            // A server takes no small datagram with an Initial packet.
            if side == Side::Server && matches!(packet.header, Header::Initial { .. }) {
                break;
            }
            let (piece, behind) = rest.split_at(packet.len.min(rest.len()));
            post.send(now, letter.with(piece.to_vec()));
            rest = behind;
        }
        post.send(now, letter.with(rest.to_vec()));
    }
}

/// Nothing passes any more on the client's first path.
struct Closes;

impl Scheme for Closes {
    fn pass(&mut self, now: Instant, letter: Letter, post: &mut Post) {
        let is_first_path = [letter.from, letter.to].contains(&CLIENT);
        if !is_first_path || now.since(Instant::default()) < MS.times(300) {
            post.send(now, letter);
        }
    }
}

struct Elsewhere;

impl Scheme for Elsewhere {
    fn pass(&mut self, now: Instant, letter: Letter, post: &mut Post) {
        let copy = letter.readdressed(ATTACKER, letter.to);
        let is_clients = letter.to == SERVER;
        post.send(now, letter);
        if is_clients {
            post.send(now, copy);
        }
    }
}

/// For a while the client's packets come from the attacker's address before they come from the client's.
struct Faster {
    forwards: bool,
    raced: u64,
}

impl Faster {
    const fn forwarding(forwards: bool) -> Self {
        Self { forwards, raced: 0 }
    }
}

impl Scheme for Faster {
    fn pass(&mut self, now: Instant, letter: Letter, post: &mut Post) {
        let since = now.since(Instant::default());
        if letter.to == ATTACKER {
            if self.forwards {
                post.send(now, letter.readdressed(SERVER, CLIENT));
            }
            return;
        }
        // Nobody moves before the handshake is confirmed.
        let most = if self.forwards { u64::MAX } else { 10 };
        let races = since > MS.times(300) && since < MS.times(900) && self.raced < most;
        if letter.from == CLIENT && races {
            self.raced += 1;
            post.send(now, letter.readdressed(ATTACKER, SERVER));
            return post.send(now + MS.times(5), letter);
        }
        post.send(now, letter);
    }
}

struct Marks(Mark);

impl Scheme for Marks {
    fn pass(&mut self, now: Instant, letter: Letter, post: &mut Post) {
        let mark = if letter.mark == Mark::NotEct { Mark::NotEct } else { self.0 };
        post.send(now, Letter { mark, ..letter });
    }
}

struct MarkedCopies;

impl Scheme for MarkedCopies {
    fn pass(&mut self, now: Instant, letter: Letter, post: &mut Post) {
        let copy = Letter { mark: Mark::Ce, ..letter.clone() };
        post.send(now, letter);
        post.send(now, copy);
    }
}

struct Noise(Seed);

impl Scheme for Noise {
    fn pass(&mut self, now: Instant, letter: Letter, post: &mut Post) {
        if letter.bytes[0] & 0x80 == 0 {
            for _ in 0..3 {
                let mut bytes = vec![0; self.0.between(22, 80) as usize];
                self.0.fill(&mut bytes);
                // The longest id that anybody here has; of a datagram that was cut short, what is left of it.
                let known = letter.bytes.len().min(1 + IdSource::ID_BYTES);
                bytes[..known].copy_from_slice(&letter.bytes[..known]);
                post.send(now, letter.with(bytes));
            }
        }
        post.send(now, letter);
    }
}
