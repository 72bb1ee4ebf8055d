//! Peers that keep us busy for nothing (RFC 9000 section 21.9): frames that each mean little, very often.

use super::{
    Attack,
    Stands::{Client, Server},
    Trial,
    liar::{Flood, Lie, Played, Voice, integers},
};
use crate::{datagram::Over, quic::Setup};
use sakigake_quic::{frame::Frame, rules::Side};
use sakigake_wire::{Instant, Span};

/// Packets of each flood: some hundred milliseconds of 20,000 a second.
const PACKETS: u64 = 4_000;
const OUT: &str = "datagrams out for 100 in";
const BYTES_OUT: &str = "bytes out for 100 in";
const SENT: &str = "packets remembered";
const RETIRING: &str = "ids being retired";
const RANGES: &str = "ranges of numbers";

/// They.
pub const ATTACKS: &[Attack] = &[
    Attack {
        section: "21.9",
        name: "a_flood_of_path_challenge",
        stands: Client,
        holds: "four wait for an answer at most, older ones get none, and answers keep to the congestion window; the connection goes on",
        bounds: &[(OUT, 110), (BYTES_OUT, 300), (SENT, 200)],
        play: |seed, trial| {
            let challenge = |nth: u64| [&[0x1a][..], &nth.to_be_bytes()].concat();
            let played = unimpressed(seed, trial, challenge);
            trial.measure(BYTES_OUT, played.answered().1);
        },
    },
    Attack {
        section: "21.9",
        name: "packets_full_of_path_challenge",
        stands: Client,
        holds: "the same: 130 challenges in a packet are answered by no more than four",
        bounds: &[(OUT, 500), (BYTES_OUT, 500), (SENT, 200)],
        play: |seed, trial| {
            let challenges = |nth: u64| {
                (0..130).flat_map(|at| [&[0x1a][..], &(nth * 130 + at).to_be_bytes()].concat()).collect()
            };
            let played = unimpressed(seed, trial, challenges);
            trial.measure(BYTES_OUT, played.answered().1);
        },
    },
    Attack {
        section: "21.9",
        name: "a_flood_of_new_connection_id",
        stands: Client,
        holds: "each retires the one before; whoever makes us owe more retirements than we remember is closed with CONNECTION_ID_LIMIT_ERROR",
        bounds: &[(OUT, 110), (RETIRING, 16)],
        play: |seed, trial| {
            let played = play(
                seed,
                trial,
                Side::Client,
                Silent(Flood::new(PACKETS, |nth| fresh_id(nth + 10, nth + 10))),
            );
            trial.measure(RETIRING, played.most.retiring as u64);
            // There is no id left to say it to.
            let is_it = |why: &Over| matches!(why, Over::Fault(why) if why.contains("TooManyRetirements"));
            trial.expect_over(&played.log, played.victim, 0, is_it);
        },
    },
    Attack {
        section: "21.9",
        name: "a_flood_of_new_connection_id_with_manners",
        stands: Client,
        holds: "the same with each retirement acknowledged: one RETIRE_CONNECTION_ID an id, and no more than 16 owed",
        bounds: &[(OUT, 110), (RETIRING, 16)],
        play: |seed, trial| {
            let lie = Flood { at_once: 1, ..Flood::new(400, |nth| fresh_id(nth + 10, nth + 10)) };
            let played = play(seed, trial, Side::Client, Slowly(lie, Span::from_millis(60)));
            trial.measure(RETIRING, played.most.retiring as u64);
            trial.expect(played.told().is_none(), || format!("told {:x?}", played.told()));
        },
    },
    Attack {
        section: "21.9",
        name: "a_flood_of_ping",
        stands: Client,
        holds: "acknowledged by every second packet or less often",
        bounds: &[(OUT, 60), (SENT, 300)],
        play: |seed, trial| drop(unimpressed(seed, trial, |_| vec![0x01, 0, 0, 0])),
    },
    Attack {
        section: "21.9",
        name: "a_flood_of_ping_that_nobody_acknowledges",
        stands: Client,
        holds: "what only acknowledges is not remembered for ever",
        bounds: &[(OUT, 60), (SENT, 1_500)],
        play: |seed, trial| {
            let played =
                play(seed, trial, Side::Client, Silent(Flood::new(PACKETS, |_| vec![0x01, 0, 0, 0])));
            trial.measure(SENT, played.most.sent_packets as u64);
        },
    },
    Attack {
        section: "21.9",
        name: "credit_by_the_byte",
        stands: Client,
        holds: "MAX_DATA and MAX_STREAMS that grow by one cost an acknowledgement for two packets",
        bounds: &[(OUT, 60), (SENT, 300)],
        play: |seed, trial| {
            let raise = |nth: u64| {
                [
                    integers(&[0x10, (3 << 20) + nth]),
                    integers(&[0x12, 200 + nth]),
                    integers(&[0x13, 200 + nth]),
                ]
                .concat()
            };
            drop(unimpressed(seed, trial, raise));
        },
    },
    Attack {
        section: "21.9",
        name: "complaints_of_missing_credit",
        stands: Client,
        holds: "DATA_BLOCKED and STREAMS_BLOCKED get nothing but acknowledgements",
        bounds: &[(OUT, 60), (SENT, 300)],
        play: |seed, trial| {
            let blocked =
                |nth: u64| [integers(&[0x14, nth]), integers(&[0x16, nth]), integers(&[0x17, nth])].concat();
            drop(unimpressed(seed, trial, blocked));
        },
    },
    Attack {
        section: "21.9",
        name: "a_flood_of_retire_connection_id",
        stands: Client,
        holds: "retiring what was never issued is PROTOCOL_VIOLATION",
        bounds: &[(OUT, 110), (SENT, 40)],
        play: |seed, trial| {
            let retire = |nth: u64| integers(&[0x19, nth + 100]);
            let played = play(seed, trial, Side::Client, Flood::new(PACKETS, retire));
            trial.measure(SENT, played.most.sent_packets as u64);
            trial.expect(played.told() == Some(0x0a), || format!("told {:x?}", played.told()));
        },
    },
    Attack {
        section: "21.9",
        name: "ids_retired_as_they_come",
        stands: Client,
        holds: "one NEW_CONNECTION_ID for one RETIRE_CONNECTION_ID, four ids at a time",
        bounds: &[(OUT, 160), (SENT, 40)],
        play: |seed, trial| {
            let played = play(seed, trial, Side::Client, Churn::default());
            trial.measure(SENT, played.most.sent_packets as u64);
            trial.expect(played.told().is_none(), || format!("told {:x?}", played.told()));
        },
    },
    Attack {
        section: "21.9",
        name: "every_second_number",
        stands: Client,
        holds: "ranges of received numbers are bounded, and so is what an ACK frame says",
        bounds: &[(OUT, 110), (RANGES, 64), (SENT, 300)],
        play: |seed, trial| {
            let played = play(seed, trial, Side::Client, Gaps(Flood::new(PACKETS, |_| vec![0x01, 0, 0, 0])));
            trial.measure(RANGES, played.most.ack_ranges as u64);
            trial.measure(SENT, played.most.sent_packets as u64);
            trial.expect(played.told().is_none(), || format!("told {:x?}", played.told()));
        },
    },
    Attack {
        section: "21.9",
        name: "crypto_in_crumbs",
        stands: Client,
        holds: "CRYPTO with holes is kept up to 1,024 pieces, then closed with CRYPTO_BUFFER_EXCEEDED",
        bounds: &[(OUT, 60), (SENT, 300)],
        play: |seed, trial| {
            let crumb = |nth: u64| [integers(&[0x06, 2 * nth + 1, 1]), vec![0]].concat();
            let played = play(seed, trial, Side::Client, Flood::new(PACKETS, crumb));
            trial.measure(SENT, played.most.sent_packets as u64);
            trial.expect(played.told() == Some(0x0d), || format!("told {:x?}", played.told()));
        },
    },
    Attack {
        section: "21.9",
        name: "packets_of_padding",
        stands: Client,
        holds: "what elicits nothing gets nothing",
        bounds: &[(OUT, 5), (SENT, 40)],
        play: |seed, trial| drop(unimpressed(seed, trial, |_| vec![0; 20])),
    },
    Attack {
        section: "21.9",
        name: "key_updates_one_after_the_other",
        stands: Client,
        holds: "an update before the last one was acknowledged is KEY_UPDATE_ERROR",
        bounds: &[(OUT, 110)],
        play: |seed, trial| {
            let played = play(seed, trial, Side::Client, Updates(PACKETS));
            let is_it = |why: &Over| matches!(why, Over::Fault(why) if why.contains("KeyUpdate"));
            trial.expect_over(&played.log, played.victim, 0, is_it);
        },
    },
    Attack {
        section: "21.9",
        name: "a_flood_of_new_token",
        stands: Server,
        holds: "a client acknowledges, and keeps one",
        bounds: &[(OUT, 60), (SENT, 300)],
        play: |seed, trial| {
            let token = |nth: u64| [&[0x07, 0x08][..], &nth.to_be_bytes()].concat();
            let played = play(seed, trial, Side::Server, Flood::new(PACKETS, token));
            trial.measure(SENT, played.most.sent_packets as u64);
            trial.expect(played.told().is_none(), || format!("told {:x?}", played.told()));
        },
    },
    Attack {
        section: "21.9",
        name: "a_flood_of_handshake_done",
        stands: Server,
        holds: "a client confirms once, and acknowledges",
        bounds: &[(OUT, 60), (SENT, 300)],
        play: |seed, trial| {
            let played = play(seed, trial, Side::Server, Flood::new(PACKETS, |_| vec![0x1e, 0, 0, 0]));
            trial.measure(SENT, played.most.sent_packets as u64);
            trial.expect(played.told().is_none(), || format!("told {:x?}", played.told()));
        },
    },
];

/// Plays a lie, and measures what was answered.
fn play<L: Lie + 'static>(seed: u64, trial: &mut Trial, side: Side, lie: L) -> Played {
    let played = Played::new(Setup::new(seed), side, lie, trial);
    trial.measure(OUT, played.answered().0);
    played
}

/// A client's flood that is no sin: the connection is there until the client falls silent.
fn unimpressed(seed: u64, trial: &mut Trial, make: impl FnMut(u64) -> Vec<u8> + 'static) -> Played {
    let played = play(seed, trial, Side::Client, Flood::new(PACKETS, make));
    trial.measure(SENT, played.most.sent_packets as u64);
    trial.expect_over(&played.log, played.victim, 0, |why| *why == Over::Idle);
    played
}

fn fresh_id(sequence: u64, retire_prior_to: u64) -> Vec<u8> {
    let mut frame = integers(&[0x18, sequence, retire_prior_to, 8]);
    frame.extend_from_slice(&(sequence << 8).to_be_bytes());
    frame.extend_from_slice(&u128::from(sequence).to_be_bytes());
    frame
}

/// Acknowledges nothing.
struct Silent<L>(L);

impl<L: Lie> Lie for Silent<L> {
    fn act(&mut self, now: Instant, voice: &mut Voice) -> Option<Instant> {
        voice.acknowledges = false;
        self.0.act(now, voice)
    }
}

/// Takes its time.
struct Slowly<L>(L, Span);

impl<L: Lie> Lie for Slowly<L> {
    fn act(&mut self, now: Instant, voice: &mut Voice) -> Option<Instant> {
        self.0.act(now, voice).map(|_| now + self.1)
    }
}

/// Leaves a number out between any two.
struct Gaps<F>(Flood<F>);

impl<F: FnMut(u64) -> Vec<u8>> Lie for Gaps<F> {
    fn act(&mut self, now: Instant, voice: &mut Voice) -> Option<Instant> {
        for _ in 0..20 {
            self.0.said += 1;
            voice.number += 1;
            voice.say(&(self.0.make)(0));
        }
        (self.0.said < self.0.packets).then(|| now + Span::from_millis(1))
    }
}

/// New keys for each packet.
struct Updates(u64);

impl Lie for Updates {
    fn act(&mut self, now: Instant, voice: &mut Voice) -> Option<Instant> {
        for _ in 0..20 {
            voice.say(&[0x01, 0, 0, 0]);
            voice.renew();
            self.0 -= 1;
        }
        (self.0 > 0).then(|| now + Span::from_millis(1))
    }
}

/// Retires each id that it is given.
#[derive(Default)]
struct Churn {
    retired: u64,
}

impl Lie for Churn {
    fn act(&mut self, _: Instant, voice: &mut Voice) -> Option<Instant> {
        (1..4).for_each(|sequence| voice.say(&integers(&[0x19, sequence])));
        None
    }

    fn hear(&mut self, _: Instant, frame: &Frame<'_>, voice: &mut Voice) {
        if let Frame::NewConnectionId(fresh) = frame
            && self.retired < 1_000
        {
            self.retired += 1;
            voice.say(&integers(&[0x19, fresh.sequence]));
        }
    }
}
