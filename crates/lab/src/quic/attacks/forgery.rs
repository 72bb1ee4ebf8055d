//! Who has an end send to somebody else: amplification, and requests in an end's name (RFC 9000 sections 21.3 and 21.5).

use super::{
    Attack,
    Stands::{Blind, Client},
    Trial,
    between::{Between, Letter, Post, Scheme},
    commitment::replies,
    liar::{Lie, Played, Voice, integers},
    paths::fetch,
    trial::{came, is_ready, sent},
};
use crate::{
    datagram::Over,
    quic::{
        Setup,
        setup::{SERVER, VICTIM},
    },
};
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use sakigake_quic::{frame::Frame, rules::Side};
use sakigake_wire::{Instant, Span};

const TIMES: &str = "bytes to the victim for 100 in its name";
const DATAGRAMS: &str = "datagrams to the victim";
const PATHS: &str = "paths";
const RETIRING: &str = "ids being retired";

/// They.
pub const ATTACKS: &[Attack] = &[
    Attack {
        section: "21.3",
        name: "client_hellos_in_anothers_name",
        stands: Blind,
        holds: "the victim is sent three times what came in its name at most, and nothing once the server's patience is over",
        bounds: &[(TIMES, 300), (DATAGRAMS, 40)],
        play: |seed, trial| {
            let setup = Setup { completes: false, ..fetch(seed, 10_000) };
            let mut ready = setup.build();
            let server = ready.ends[1];
            ready.stand_between(|_| Box::new(Between::new(InAnothersName)));
            let story = ready.run();
            trial.take(story.verdict.complaints.clone());
            let log = story.log();
            let (out, came) =
                (sent(log, server, |to| to == VICTIM), came(log, server, |from| from == VICTIM));
            trial.bites(out.0 as usize);
            trial.measure(TIMES, out.1 * 100 / came.1.max(1));
            trial.measure(DATAGRAMS, out.0);
            trial.expect(!is_ready(log, server), || "the handshake came to an end".into());
        },
    },
    Attack {
        section: "21.5.4",
        name: "a_move_to_a_victim",
        stands: Client,
        holds: "with a megabyte under way: three times what came in the victim's name at most, until validation fails; then the connection is back where it was",
        bounds: &[(TIMES, 300), (DATAGRAMS, 12), (PATHS, 3), (RETIRING, 4)],
        play: |seed, trial| {
            let played = play(seed, trial, Moves { victims: 1, said: 0 });
            let (out, came) = (
                sent(&played.log, played.victim, |to| to == VICTIM),
                came(&played.log, played.victim, |from| from == VICTIM),
            );
            trial.measure(TIMES, out.1 * 100 / came.1.max(1));
            trial.measure(DATAGRAMS, out.0);
            trial.expect_over(&played.log, played.victim, 0, |why| *why == Over::Idle);
        },
    },
    Attack {
        section: "21.5.4",
        name: "moves_to_a_thousand_victims",
        stands: Client,
        holds: "five paths at a time, and each victim is sent three times what came in its name at most",
        bounds: &[(TIMES, 300), (PATHS, 5), (RETIRING, 16)],
        play: |seed, trial| {
            let played = play(seed, trial, Moves { victims: 1_000, said: 0 });
            for nth in 0..1_000 {
                let victim = victim(nth);
                let (out, came) = (
                    sent(&played.log, played.victim, |to| to == victim),
                    came(&played.log, played.victim, |from| from == victim),
                );
                trial.measure(TIMES, out.1 * 100 / came.1.max(1));
            }
        },
    },
];

fn play<L: Lie + 'static>(seed: u64, trial: &mut Trial, lie: L) -> Played {
    let played = Played::new(replies(seed, 1, 1_000_000), Side::Client, lie, trial);
    trial.measure(PATHS, played.most.paths as u64);
    trial.measure(RETIRING, played.most.retiring as u64);
    played
}

/// The nth victim; the first is the one that has a name.
fn victim(nth: u64) -> SocketAddr {
    match nth {
        0 => VICTIM,
        _ => SocketAddr::new(IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7)), 1_000 + nth as u16),
    }
}

/// All that the client says is the victim's, as far as anybody can see.
struct InAnothersName;

impl Scheme for InAnothersName {
    fn pass(&mut self, now: Instant, letter: Letter, post: &mut Post) {
        if letter.to == SERVER {
            post.send(now, letter.readdressed(VICTIM, SERVER));
        }
    }
}

/// Asks for much, then moves to one victim after the other.
struct Moves {
    victims: u64,
    said: u64,
}

impl Lie for Moves {
    fn act(&mut self, now: Instant, voice: &mut Voice) -> Option<Instant> {
        if self.said == 0 {
            voice.say(&[integers(&[0x0b, 0, 1]), vec![7]].concat());
        } else {
            voice.acknowledges = false; // Nobody at a victim's address does.
            voice.say_from(victim(self.said - 1), &[0x01, 0, 0, 0]);
        }
        self.said += 1;
        (self.said <= self.victims).then(|| now + Span::from_millis(2))
    }

    /// At home it answers: whether it is still there is asked too.
    fn hear(&mut self, _: Instant, frame: &Frame<'_>, voice: &mut Voice) {
        if let Frame::PathChallenge(challenge) = frame {
            voice.say(&[&[0x1b][..], &challenge.data].concat());
        }
    }
}
