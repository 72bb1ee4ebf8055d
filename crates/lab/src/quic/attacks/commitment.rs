//! Peers that have us hold things for them: holes in streams, data that nobody acknowledges, streams (RFC 9000 sections 21.7 and
//! 21.8).

use super::{
    Attack,
    Stands::Client,
    Trial,
    liar::{Flood, Lie, Played, Voice, integers, stream},
    trial::sent,
};
use crate::{
    datagram::{Ending, Over},
    quic::{Setup, work::Speech},
};
use sakigake_quic::rules::Side;
use sakigake_wire::{Instant, Span};

const OUT: &str = "datagrams out for 100 in";
const HELD: &str = "bytes held";
const PIECES: &str = "pieces held";
const STREAMS: &str = "streams";
const SENT: &str = "packets remembered";
const BYTES: &str = "bytes sent";

/// They.
pub const ATTACKS: &[Attack] = &[
    Attack {
        section: "21.7",
        name: "every_second_byte",
        stands: Client,
        holds: "pieces are bounded by what they hold: more than 1,024 and one for each 64 bytes is INTERNAL_ERROR",
        bounds: &[(OUT, 60), (PIECES, 1_100), (HELD, 4_000)],
        play: |seed, trial| {
            let crumbs = |nth: u64| {
                (0..10).flat_map(|at| stream(4 * (nth % 16), 2 * (10 * (nth / 16) + at) + 1, &[7])).collect()
            };
            let played = play(seed, trial, Flood::new(4_000, crumbs));
            trial.expect(played.told() == Some(0x01), || format!("told {:x?}", played.told()));
        },
    },
    Attack {
        section: "21.7",
        name: "all_but_the_first_byte",
        stands: Client,
        holds: "what waits for the first byte of two streams is no more than the credit that was given, and kept in runs",
        bounds: &[(OUT, 60), (PIECES, 40), (HELD, 2 << 20)],
        play: |seed, trial| {
            let most = 1_000 * 1_048;
            let piece = move |nth: u64| stream(4 * (nth % 2), 1 + (nth / 2 * 1_000) % most, &[7; 1_000]);
            let played = play(seed, trial, Flood::new(3_000, piece));
            trial.expect(played.told().is_none(), || format!("told {:x?}", played.told()));
            trial.expect(played.most.early_bytes > 1 << 20, || "little was held".into());
        },
    },
    Attack {
        section: "21.7",
        name: "beyond_all_credit",
        stands: Client,
        holds: "a byte beyond the connection's credit is FLOW_CONTROL_ERROR",
        bounds: &[(OUT, 60), (PIECES, 10), (HELD, 10)],
        play: |seed, trial| {
            let far = |nth: u64| match nth {
                0..3 => stream(4 * nth, (1 << 20) - 1, &[7]),
                _ => vec![0x01, 0, 0, 0],
            };
            let played = play(seed, trial, Flood::new(100, far));
            trial.expect(played.told() == Some(0x03), || format!("told {:x?}", played.told()));
        },
    },
    Attack {
        section: "21.7",
        name: "nothing_is_acknowledged",
        stands: Client,
        holds: "64 answers of a megabyte: no more than the initial window and its probes ever leave, and the connection ends with the client's patience",
        bounds: &[(SENT, 80), (BYTES, 60_000), (STREAMS, 64)],
        play: |seed, trial| {
            let played = play_with(replies(seed, 64, 1_000_000), trial, Asks { streams: 64 });
            trial.measure(SENT, played.most.sent_packets as u64);
            trial.measure(STREAMS, played.most.streams as u64);
            trial.measure(BYTES, sent(&played.log, played.victim, |_| true).1);
            trial.expect_over(&played.log, played.victim, 0, |why| *why == Over::Idle);
        },
    },
    Attack {
        section: "21.8",
        name: "stream_four_million",
        stands: Client,
        holds: "STREAM_LIMIT_ERROR, and no stream was made",
        bounds: &[(OUT, 60), (STREAMS, 0)],
        play: |seed, trial| {
            let played = play_with(Setup::new(seed), trial, Flood::new(100, |_| stream(4_000_000, 0, &[7])));
            trial.measure(OUT, played.answered().0);
            trial.measure(STREAMS, played.most.streams as u64);
            trial.expect(played.told() == Some(0x04), || format!("told {:x?}", played.told()));
        },
    },
    Attack {
        section: "21.8",
        name: "all_streams_at_once",
        stands: Client,
        holds: "the last one that is allowed opens all before it, and no more than were granted",
        bounds: &[(OUT, 300), (STREAMS, 128 + 16)],
        play: |seed, trial| {
            let all = |_| [stream(4 * 127, 0, &[7]), stream(2 + 4 * 15, 0, &[7])].concat();
            let played = play_with(Setup::new(seed), trial, Flood::new(100, all));
            trial.measure(OUT, played.answered().0);
            trial.measure(STREAMS, played.most.streams as u64);
            trial.expect(played.told().is_none(), || format!("told {:x?}", played.told()));
        },
    },
    Attack {
        section: "21.8",
        name: "streams_reset_as_they_open",
        stands: Client,
        holds: "credit for new streams comes as old ones end on both sides, so that 128 live at most; beyond that STREAM_LIMIT_ERROR",
        bounds: &[(OUT, 110), (STREAMS, 128)],
        play: |seed, trial| {
            let churn = |nth: u64| {
                [stream(4 * nth, 0, &[7]), integers(&[0x04, 4 * nth, 0, 1]), integers(&[0x05, 4 * nth, 0])]
                    .concat()
            };
            let played = play_with(Setup::new(seed), trial, Flood { at_once: 1, ..Flood::new(1_000, churn) });
            trial.measure(OUT, played.answered().0);
            trial.measure(STREAMS, played.most.streams as u64);
            trial.expect(played.told().is_none_or(|code| code == 0x04), || {
                format!("told {:x?}", played.told())
            });
        },
    },
];

/// Plays a lie, and measures what was answered and what was held.
fn play<L: Lie + 'static>(seed: u64, trial: &mut Trial, lie: L) -> Played {
    let played = play_with(Setup::new(seed), trial, lie);
    trial.measure(OUT, played.answered().0);
    trial.measure(PIECES, played.most.early_pieces as u64);
    trial.measure(HELD, played.most.early_bytes as u64);
    played
}

fn play_with<L: Lie + 'static>(setup: Setup, trial: &mut Trial, lie: L) -> Played {
    Played::new(setup, Side::Client, lie, trial)
}

/// A server that says so much on each of so many streams.
pub(super) fn replies(seed: u64, streams: usize, bytes: u64) -> Setup {
    let mut setup = Setup::new(seed);
    let speech = Speech { bytes, chunk_bytes: 16_384, ending: Ending::Finished };
    setup.habits[1].replies = vec![speech; streams];
    setup.habits[1].expects = streams;
    setup
}

/// Asks on so many streams, acknowledges nothing, and says that it is still there.
struct Asks {
    streams: u64,
}

impl Lie for Asks {
    fn act(&mut self, now: Instant, voice: &mut Voice) -> Option<Instant> {
        if voice.acknowledges {
            voice.acknowledges = false;
            (0..self.streams)
                .for_each(|nth| voice.say(&[integers(&[0x0a | 1, 4 * nth, 1]), vec![7]].concat()));
            return Some(now + Span::from_secs(5));
        }
        voice.say(&[0x01, 0, 0, 0]);
        (now.since(Instant::default()) < Span::from_secs(100)).then(|| now + Span::from_secs(5))
    }
}
