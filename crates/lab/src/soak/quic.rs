//! Worlds of QUIC: two ends over ways that do all that ways do, with streams, resets, datagrams, key updates and moves.

use super::{
    Outcome,
    draw::{Tls, pick},
};
use crate::{
    datagram::{
        Ending, Note, Queue, Way, What,
        nat::Rebinding,
        record,
        way::{Bursts, Fault, Hole, Planned},
    },
    log,
    quic::{
        Front, Setup, Story,
        attacks::paths::Attacker,
        setup::{ABROAD, ELSEWHERE},
        work::{Errand, Habits, Reading, Speech},
    },
    seed::Seed,
};
use sakigake_quic::{
    connection::Options,
    endpoint::Retry,
    recovery::congestion::Algorithm,
    rules::versions::{VERSION_1, VERSION_2},
    streams::{Direction, Priority, StreamId},
};
use sakigake_wire::{Instant, Span};

/// Whoever is cut off for a while tries for longer than any cut here lasts.
const IDLE_MS: u64 = 590_000;

/// What came to be drawn later is drawn from a stream of its own, so that seeds of before name the same worlds; this one gives
/// nothing to those that failed before it was there.
const LATER: u64 = 0x6672_6f6e_7400_015c;
/// The same for attackers.
const ATTACKED: u64 = 0x6861_726d_0000_01d9;

/// Runs one world.
pub(super) fn run(seed: &mut Seed) -> Outcome {
    outcome(draw(seed).run())
}

/// What came of a story.
pub(super) fn outcome(story: Story) -> Outcome {
    let mut outcome = Outcome { verdict: story.verdict.clone(), ..Outcome::default() };
    outcome.attacker = story.attacker;
    outcome.datagram_faults = record::faults(story.log());
    let mut sides = 0;
    for entry in story.log().entries() {
        match &entry.what {
            What::Arrived { bytes, .. } => outcome.bytes += bytes.len() as u64,
            What::Noted { note: Note::Ready { .. }, .. } => sides += 1,
            What::Noted { note: Note::Wrote { .. }, .. } => outcome.requests += 1,
            What::Noted { note: Note::Web { note: log::Note::Requested { .. }, .. }, .. } => {
                outcome.requests += 1;
            }
            _ => {}
        }
    }
    outcome.is_ready = sides >= 2;
    outcome
}

/// A world.
pub(super) fn draw(seed: &mut Seed) -> Setup {
    let mut setup = Setup::new(seed.draw());
    let tls = Tls::draw(seed);
    let (client_alpn, server_alpn) = (setup.client_tls.alpn, setup.server_tls.alpn);
    setup.client_tls = tls.client;
    setup.server_tls = tls.server;
    (setup.client_tls.alpn, setup.server_tls.alpn) = (client_alpn, server_alpn);
    if seed.chance(300) {
        setup = setup.with_early_data();
        setup.dials = vec![Instant::default(); seed.between(2, 3) as usize];
    }
    let rtt = rtt(seed);
    (setup.up, setup.down) = (way(seed, rtt), way(seed, rtt));
    (setup.client, setup.server) = (options(seed), options(seed));
    setup.habits = habits(seed, &setup);
    if setup.habits[0].moves.is_empty() && seed.chance(200) {
        wander(seed, &mut setup);
    }
    setup.completes &= setup.habits[0].moves.is_empty() || !(setup.up.is_lossy() || setup.down.is_lossy());
    setup.spare_datagrams = 2_000;
    let mut later = Seed::new(setup.seed ^ LATER);
    setup.habits[1].is_early = later.chance(200);
    if later.chance(300) {
        stand_before(&mut later, &mut setup);
    }
    let mut attacked = Seed::new(setup.seed ^ ATTACKED);
    if attacked.chance(200) {
        setup.attacker = Some(pick(&mut attacked, &Attacker::ALL));
        // What an end sent is not what is lost on the way, so that nobody can tell who spoke in vain.
        setup.completes &= !setup.up.is_lossy() && !setup.down.is_lossy();
    }
    setup
}

/// An endpoint before the server's connections: it asks clients to show where they are, speaks other versions than they begin
/// with, gives tokens and takes them, or forgets everything in the middle.
fn stand_before(seed: &mut Seed, setup: &mut Setup) {
    let mut front = Front {
        retry: pick(seed, &[Retry::Never, Retry::Always, Retry::From(1)]),
        retry_secs: 3_600,
        gives_tokens: seed.chance(600),
        restarts: Vec::new(),
    };
    match seed.below(5) {
        // A token that is worth nothing when it comes back.
        0 => (front.retry, front.retry_secs) = (Retry::Always, 0),
        1 => {
            let [first, other] = pick(seed, &[[&VERSION_1, &VERSION_2], [&VERSION_2, &VERSION_1]]);
            setup.client.versions = vec![first, other];
            setup.server.versions = vec![other];
        }
        2 => {
            let restarts = 1 + seed.below(2);
            front.restarts =
                (0..restarts).map(|_| Instant::default() + seed.span(Span::from_secs(3))).collect();
            front.restarts.sort_unstable();
            setup.dials.extend((0..restarts).map(|_| Instant::default()));
            // Who waits for a server that has forgotten him hears of it when he asks.
            setup.client.keep_alive.get_or_insert(Span::from_secs(5));
            setup.habits[0].closes_after.get_or_insert(Span::ZERO);
        }
        _ if setup.nat.is_none() => setup.dials.push(Instant::default()),
        _ => {}
    }
    setup.front = Some(front);
}

fn rtt(seed: &mut Seed) -> Span {
    match seed.below(5) {
        0 => Span::from_micros(seed.between(10, 1_000)),
        1 | 2 => Span::from_millis(seed.between(1, 100)),
        3 => Span::from_millis(50),
        _ => Span::from_millis(seed.between(100, 2_000)),
    }
}

/// One direction. A third are perfect but for their time.
fn way(seed: &mut Seed, rtt: Span) -> Way {
    let mut way = Way::after(rtt.divided(2));
    if seed.chance(500) {
        way.bits_per_s = Some(seed.between(300_000, 200_000_000));
        way.queue = match seed.below(3) {
            0 => Queue::Datagrams(seed.between(4, 40) as usize),
            1 => Queue::Bytes(seed.between(6_000, 200_000) as usize),
            _ => Queue::Bytes(usize::MAX),
        };
        way.mark_at = seed.chance(300).then(|| Queue::Bytes(seed.between(2_000, 30_000) as usize));
    }
    way.bleaches = seed.chance(100);
    if seed.chance(333) {
        return way;
    }
    way.jitter = if seed.chance(300) { rtt.divided(seed.between(2, 10)) } else { Span::ZERO };
    way.hold = rtt.divided(seed.between(1, 4));
    let mut ppm = |permille| if seed.chance(permille) { seed.between(1_000, 60_000) as u32 } else { 0 };
    way.loss_ppm = ppm(500);
    way.reorder_ppm = ppm(300);
    way.duplicate_ppm = ppm(200);
    way.corrupt_ppm = ppm(200);
    way.truncate_ppm = ppm(150);
    way.bursts = seed.chance(150).then(|| Bursts {
        begin_ppm: seed.between(1_000, 20_000) as u32,
        end_ppm: seed.between(150_000, 500_000) as u32,
        loss_ppm: seed.between(500_000, 1_000_000) as u32,
    });
    if seed.chance(250) {
        way.mtu_bytes = seed.between(1_200, 1_500) as usize;
    }
    if seed.chance(60) {
        let from = Instant::default() + seed.span(Span::from_secs(2));
        way.later_mtu = Some((from, seed.between(1_200, 1_300) as usize));
    }
    if seed.chance(150) {
        let from = Instant::default() + seed.span(Span::from_secs(3));
        way.holes.push(Hole { from, until: from + seed.span(Span::from_secs(6)) });
    }
    if seed.chance(60) {
        way.every = Some(seed.between(5, 20));
    }
    if seed.chance(300) {
        let fault = pick(seed, &Fault::PLANNABLE);
        way.planned = (0..seed.between(1, 3)).map(|_| Planned { nth: seed.below(12), fault }).collect();
    }
    way
}

fn options(seed: &mut Seed) -> Options {
    let mut options = Options {
        versions: pick(seed, &[vec![&VERSION_1, &VERSION_2], vec![&VERSION_2, &VERSION_1], vec![&VERSION_1]]),
        max_idle_timeout_ms: IDLE_MS,
        algorithm: pick(seed, &[Algorithm::NewReno, Algorithm::Cubic]),
        ecn: seed.chance(700),
        grease_quic_bit: seed.chance(500),
        reset_stream_at: seed.chance(500),
        max_datagram_frame_bytes: pick(seed, &[0, 400, 1_200, 65_535]),
        max_ack_delay_ms: pick(seed, &[25, 25, 5, 200]),
        ..Options::default()
    };
    let streams = &mut options.limits.streams;
    if seed.chance(400) {
        streams.initial_stream_window_bytes = seed.between(1_000, 60_000);
        streams.initial_connection_window_bytes = seed.between(1_000, 80_000);
        streams.stream_window_bytes = streams.initial_stream_window_bytes * seed.between(1, 8);
        streams.connection_window_bytes = streams.initial_connection_window_bytes * seed.between(1, 8);
    }
    if seed.chance(300) {
        streams.bidirectional_streams = seed.between(1, 6);
        streams.unidirectional_streams = seed.between(1, 6);
    }
    if seed.chance(300) {
        streams.send_queue_bytes = seed.between(200, 20_000);
    }
    options.limits.ids.active_ids = seed.between(2, 8) as usize;
    options
}

fn habits(seed: &mut Seed, setup: &Setup) -> [Habits; 2] {
    let most = match seed.below(4) {
        0 => 2_000,
        1 | 2 => 20_000,
        _ => 80_000,
    };
    let errands = [errands(seed, most), errands(seed, most)];
    let mut habits = [Habits::default(), Habits::default()];
    for (side, own) in habits.iter_mut().enumerate() {
        let theirs = &errands[1 - side];
        let bidirectional = |errand: &&Errand| errand.direction == Direction::Bidirectional;
        own.replies = theirs.iter().filter(bidirectional).map(|_| speech(seed, most)).collect();
        own.expects = theirs.len();
        own.errands = errands[side].clone();
        own.reading = match seed.below(4) {
            0 => Reading::Lumps(Span::from_millis(seed.between(1, 300))),
            _ => Reading::Eager,
        };
        own.stops = stops(seed, &errands, most);
        let options = if side == 0 { &setup.server } else { &setup.client };
        if options.max_datagram_frame_bytes > 0 && seed.chance(400) {
            own.datagrams = (0..seed.between(1, 20)).map(|_| seed.between(1, 390) as usize).collect();
        }
        if seed.chance(250) {
            own.updates = (0..seed.between(1, 3)).map(|_| seed.span(Span::from_secs(2))).collect();
            own.updates.sort_unstable();
        }
    }
    let [client, _] = &mut habits;
    client.closes_after = seed.chance(800).then(|| seed.span(Span::from_secs(1)));
    client.is_early = setup.habits[0].is_early;
    if seed.chance(200) {
        client.moves = vec![(seed.span(Span::from_secs(1)), ELSEWHERE)];
    }
    habits
}

/// Streams that one side opens, those that may be opened at once first.
fn errands(seed: &mut Seed, most: u64) -> Vec<Errand> {
    let count = pick(seed, &[0, 1, 1, 2, 3, 5, 9]);
    let mut errands: Vec<Errand> = (0..count)
        .map(|_| Errand {
            at: if seed.chance(600) { Span::ZERO } else { seed.span(Span::from_secs(2)) },
            direction: pick(seed, &Direction::ALL),
            priority: Priority { urgency: seed.below(8) as u8, incremental: seed.chance(500) },
            speech: speech(seed, most),
        })
        .collect();
    errands.sort_by_key(|errand| errand.at);
    errands
}

fn speech(seed: &mut Seed, most: u64) -> Speech {
    let bytes = if seed.chance(100) { 0 } else { seed.between(0, most) };
    let ending = match seed.below(10) {
        0 => Ending::Reset { reliable: 0 },
        1 => Ending::Reset { reliable: seed.between(0, bytes) },
        _ => Ending::Finished,
    };
    Speech { bytes, chunk_bytes: seed.between(100, 20_000) as usize, ending }
}

/// Streams of which not all is wanted, by their numbers.
fn stops(seed: &mut Seed, errands: &[Vec<Errand>; 2], most: u64) -> std::collections::BTreeMap<u64, u64> {
    let count = errands.iter().map(Vec::len).max().unwrap_or(0) as u64;
    let mut stops = std::collections::BTreeMap::new();
    for _ in 0..if seed.chance(250) { 2 } else { 0 } {
        let (is_clients, direction) = (seed.chance(500), pick(seed, &Direction::ALL));
        if let Some(id) = StreamId::of(is_clients, direction, seed.below(count.max(1))) {
            stops.insert(id.number(), seed.below(most));
        }
    }
    stops
}

/// A NAT that rebinds, once the handshake is over: before that nobody may move. Something is left to say then, and the client says
/// something from time to time, since nobody else can know where it is.
fn wander(seed: &mut Seed, setup: &mut Setup) {
    let start = Instant::default() + Span::from_secs(12);
    let draw = |seed: &mut Seed| Rebinding {
        at: start + seed.span(Span::from_secs(6)),
        outside: seed.chance(300).then_some(ABROAD.ip()),
        keeps_old: seed.chance(500),
    };
    let mut rebindings: Vec<Rebinding> = (0..seed.between(1, 2)).map(|_| draw(seed)).collect();
    rebindings.sort_by_key(|rebinding| rebinding.at);
    setup.nat = Some(rebindings);
    setup.dials.truncate(1);
    setup.client.keep_alive = Some(Span::from_millis(seed.between(500, 10_000)));
    for habits in &mut setup.habits {
        if let Some(errand) = habits.errands.last_mut() {
            errand.at = Span::from_secs(12) + seed.span(Span::from_secs(8));
        }
    }
    // Who is asked from time to time never falls silent by himself.
    setup.habits[0].closes_after.get_or_insert(Span::ZERO);
    // A path that loses what validates it is given up, and the server waits where the client was: perhaps to its end.
    setup.completes = !setup.up.is_lossy() && !setup.down.is_lossy();
}
