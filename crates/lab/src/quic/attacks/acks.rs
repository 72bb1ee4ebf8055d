//! Peers whose acknowledgements and credit are not what they are for: acknowledged before it came, or as if most were lost (RFC
//! 9000 sections 21.4 and 21.6).

use super::{
    Attack,
    Stands::Client,
    Trial,
    commitment::replies,
    liar::{Lie, Played, Voice, integers},
    trial::sent,
};
use crate::datagram::Over;
use sakigake_quic::{frame::Frame, rules::Side};
use sakigake_wire::{Instant, Span};

const BYTES: &str = "bytes sent";
const OUT: &str = "datagrams out for 100 in";
const SENT: &str = "packets remembered";

/// They.
pub const ATTACKS: &[Attack] = &[
    Attack {
        section: "21.4",
        name: "acknowledged_before_it_left",
        stands: Client,
        holds: "a number that was never used is PROTOCOL_VIOLATION",
        bounds: &[(BYTES, 60_000)],
        play: |seed, trial| {
            let played = play(seed, trial, Optimist { ahead: 1_000, streams: 1, largest: 0 });
            trial.measure(BYTES, sent(&played.log, played.victim, |_| true).1);
            trial.expect(played.told() == Some(0x0a), || format!("told {:x?}", played.told()));
        },
    },
    Attack {
        section: "21.4",
        name: "acknowledged_without_a_look",
        stands: Client,
        holds: "of five megabytes the first 300 kB at most leave before a number was left out, and its acknowledgement is PROTOCOL_VIOLATION",
        bounds: &[(BYTES, 300_000)],
        play: |seed, trial| {
            let played = play(seed, trial, Optimist { ahead: 0, streams: 1, largest: 0 });
            trial.measure(BYTES, sent(&played.log, played.victim, |_| true).1);
            trial.expect(played.told() == Some(0x0a), || format!("told {:x?}", played.told()));
        },
    },
    Attack {
        section: "21.6",
        name: "acknowledged_as_if_most_were_lost",
        stands: Client,
        holds: "the window shrinks to two packets, what is remembered with it, and the connection ends with the client's patience",
        bounds: &[(OUT, 1_200), (SENT, 1_100)],
        play: |seed, trial| {
            let played = play(seed, trial, Forgetful::default());
            trial.measure(OUT, played.answered().0);
            trial.measure(SENT, played.most.sent_packets as u64);
            trial.expect_over(&played.log, played.victim, 0, |why| *why == Over::Idle);
        },
    },
    Attack {
        section: "21.6",
        name: "a_window_opened_by_the_byte",
        stands: Client,
        holds: "a byte of credit costs a datagram each way, and nothing is remembered of it",
        bounds: &[(OUT, 210), (SENT, 40)],
        play: |seed, trial| {
            let mut setup = replies(seed, 1, 5_000_000);
            setup.client.limits.streams.initial_stream_window_bytes = 0;
            let played = Played::new(setup, Side::Client, Miser { credit: 0 }, trial);
            trial.measure(OUT, played.answered().0);
            trial.measure(SENT, played.most.sent_packets as u64);
            trial.expect_over(&played.log, played.victim, 0, |why| *why == Over::Idle);
        },
    },
];

fn play<L: Lie + 'static>(seed: u64, trial: &mut Trial, lie: L) -> Played {
    let mut setup = replies(seed, 1, 5_000_000);
    let streams = &mut setup.client.limits.streams;
    (streams.initial_stream_window_bytes, streams.initial_connection_window_bytes) = (8 << 20, 8 << 20);
    Played::new(setup, Side::Client, lie, trial)
}

/// Asks on the stream 0.
fn ask(voice: &mut Voice) {
    voice.say(&[integers(&[0x0b, 0, 1]), vec![7]].concat());
}

/// Acknowledges all up to `ahead` beyond what came, whether it came or not.
struct Optimist {
    ahead: u64,
    streams: u64,
    largest: u64,
}

impl Lie for Optimist {
    fn act(&mut self, _: Instant, voice: &mut Voice) -> Option<Instant> {
        voice.acknowledges = false;
        (0..self.streams).for_each(|_| ask(voice));
        None
    }

    fn hear(&mut self, _: Instant, _: &Frame<'_>, voice: &mut Voice) {
        let Some(last) = voice.heard.highest() else { return };
        let largest = last.end - 1 + self.ahead;
        if largest > self.largest && voice.told.is_none() {
            self.largest = largest;
            voice.say(&integers(&[0x02, largest, 0, 0, largest]));
        }
    }
}

/// Acknowledges one packet in ten.
#[derive(Default)]
struct Forgetful {
    heard: u64,
    until: Instant,
}

impl Lie for Forgetful {
    fn act(&mut self, now: Instant, voice: &mut Voice) -> Option<Instant> {
        voice.acknowledges = false;
        self.until = now + Span::from_secs(60);
        ask(voice);
        None
    }

    fn hear(&mut self, now: Instant, frame: &Frame<'_>, voice: &mut Voice) {
        let Some(last) = voice.heard.highest().filter(|_| matches!(frame, Frame::Stream(_))) else { return };
        self.heard += 1;
        if self.heard.is_multiple_of(10) && now < self.until {
            voice.say(&integers(&[0x02, last.end - 1, 0, 0, 0]));
        }
    }
}

/// Gives credit for one byte more, twenty times a second.
struct Miser {
    credit: u64,
}

impl Lie for Miser {
    fn act(&mut self, now: Instant, voice: &mut Voice) -> Option<Instant> {
        if self.credit == 0 {
            ask(voice);
        }
        self.credit += 1;
        voice.say(&integers(&[0x11, 0, self.credit]));
        (self.credit < 1_000).then(|| now + Span::from_millis(50))
    }
}
