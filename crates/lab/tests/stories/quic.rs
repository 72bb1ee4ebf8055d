use sakigake_lab::{
    datagram::{
        Ending, Fault, Note, Over, What,
        nat::Rebinding,
        record,
        way::{Hole, Planned},
    },
    quic::{
        Front, Setup, Story,
        setup::{ABROAD, ELSEWHERE, SERVER},
        work::{Errand, Habits, Reading, Speech},
    },
};
use sakigake_quic::{
    endpoint::{Reply, Retry},
    frame::Frame,
    rules::{
        Epoch, Side,
        versions::{VERSION_1, VERSION_2},
    },
    streams::{Direction, Priority},
};
use sakigake_wire::{Instant, Span};

const MS: Span = Span::from_millis(1);

fn speech(bytes: u64) -> Speech {
    Speech { bytes, chunk_bytes: 16_384, ending: Ending::Finished }
}

fn errand(bytes: u64) -> Errand {
    let priority = Priority::default();
    Errand { at: Span::ZERO, direction: Direction::Bidirectional, priority, speech: speech(bytes) }
}

/// A client that asks once and gets so many bytes.
pub(crate) fn fetch(seed: u64, bytes: u64) -> Setup {
    let mut setup = Setup::new(seed);
    setup.habits[0] =
        Habits { errands: vec![errand(100)], closes_after: Some(Span::ZERO), ..Habits::default() };
    setup.habits[1] = Habits { replies: vec![speech(bytes)], expects: 1, ..Habits::default() };
    setup
}

/// Runs it; nothing may be wrong.
pub(crate) fn tell(setup: Setup) -> Story {
    let story = setup.run();
    assert_eq!(story.verdict.complaints, [""; 0]);
    story
}

/// When something was noted first, since the beginning.
fn when(story: &Story, is: impl Fn(&Note) -> bool) -> Option<Span> {
    story.log().entries().iter().find_map(|entry| match &entry.what {
        What::Noted { note, .. } if is(note) => Some(entry.at.since(Instant::default())),
        _ => None,
    })
}

pub(crate) fn complete(story: &Story) -> Span {
    when(story, |note| matches!(note, Note::Complete { connection: 0 })).expect("the client is done")
}

fn struck(story: &Story, fault: Fault) -> u64 {
    record::faults(story.log()).get(&fault).copied().unwrap_or(0)
}

#[test]
fn a_handshake_takes_one_round_trip_and_a_request_another() {
    let story = tell(fetch(1, 1_000));
    // The client is ready after 50 ms, and has its answer 50 ms later.
    assert_eq!(when(&story, |note| matches!(note, Note::Ready { .. })), Some(MS.times(50)));
    assert_eq!(complete(&story), MS.times(100));
}

#[test]
fn the_same_seed_gives_the_same_log() {
    let log = |seed| {
        let mut setup = fetch(seed, 50_000);
        setup.down.loss_ppm = 50_000;
        setup.run().log().digest()
    };
    assert_eq!(log(5), log(5));
    assert_ne!(log(5), log(6));
}

#[test]
fn a_transfer_survives_loss() {
    for seed in 1..=5 {
        let mut setup = fetch(seed, 1_000_000);
        (setup.up.loss_ppm, setup.down.loss_ppm) = (50_000, 50_000);
        let story = tell(setup);
        assert!(struck(&story, Fault::Lost) > 20);
    }
}

#[test]
fn a_handshake_survives_the_loss_of_any_of_its_datagrams() {
    for is_up in [true, false] {
        for mask in 1..16_u64 {
            let mut setup = fetch(mask, 5_000);
            let planned =
                (0..4).filter(|nth| mask >> nth & 1 == 1).map(|nth| Planned { nth, fault: Fault::Lost });
            let way = if is_up { &mut setup.up } else { &mut setup.down };
            way.planned = planned.collect();
            let story = tell(setup);
            assert!(struck(&story, Fault::Lost) >= 1);
            assert!(complete(&story) < Span::from_secs(40), "{}", complete(&story));
        }
    }
}

#[test]
fn a_black_hole_of_ten_seconds_is_outlived() {
    let mut setup = fetch(3, 3_000_000);
    (setup.up.bits_per_s, setup.down.bits_per_s) = (Some(10_000_000), Some(10_000_000));
    let hole =
        Hole { from: Instant::default() + MS.times(700), until: Instant::default() + MS.times(10_700) };
    (setup.up.holes, setup.down.holes) = (vec![hole], vec![hole]);
    let story = tell(setup);
    assert!(struck(&story, Fault::Hole) > 2);
    assert!(complete(&story) > Span::from_secs(10) && complete(&story) < Span::from_secs(40));
}

#[test]
fn a_server_sends_no_more_than_thrice_to_somebody_who_does_not_answer() {
    let mut setup = fetch(4, 1_000);
    setup.completes = false;
    // The first datagram arrives, and nothing else ever does.
    setup.up.planned = (1..1_000).map(|nth| Planned { nth, fault: Fault::Lost }).collect();
    setup.up.holes = vec![Hole { from: Instant::from_nanos(1), until: Instant::from_nanos(u64::MAX) }];
    let story = tell(setup);
    let sent = story.log().entries().iter().filter_map(|entry| match &entry.what {
        What::Sent { from, bytes, .. } if *from == SERVER => Some(bytes.len()),
        _ => None,
    });
    let sent: usize = sent.sum();
    assert!(sent > 0 && sent <= 3 * 1_200, "{sent}");
}

#[test]
fn a_round_trip_may_take_forty_minutes_or_a_week_by_configuration_alone() {
    for rtt in [Span::from_secs(40 * 60), Span::from_secs(7 * 86_400)] {
        let mut setup = fetch(1, 100_000);
        (setup.up.delay, setup.down.delay) = (rtt.divided(2), rtt.divided(2));
        let handshake_ms = rtt.times(20).as_millis();
        setup.client_tls.limits.handshake_ms = handshake_ms;
        setup.server_tls.limits.handshake_ms = handshake_ms;
        for options in [&mut setup.client, &mut setup.server] {
            options.initial_rtt = rtt;
            options.max_idle_timeout_ms = handshake_ms;
        }
        let story = tell(setup);
        // Two for handshake and request, and slow start for the rest: 10 packets, 20, 40, ...
        let round_trips = complete(&story).as_nanos() / rtt.as_nanos();
        assert!((4..=6).contains(&round_trips), "{round_trips} round trips");
    }
}

/// Who had room for an acknowledgement alone filled the rest of the batch with stream data in pieces of that size.
#[test]
fn who_waits_for_window_says_nothing_in_small_pieces() {
    let mut setup = fetch(3, 400_000);
    setup.habits[0].errands = vec![errand(400_000)];
    (setup.up.bits_per_s, setup.down.bits_per_s) = (Some(6_000_000), Some(20_000_000));
    (setup.up.loss_ppm, setup.down.loss_ppm) = (50_000, 50_000);
    let story = tell(setup);
    let said = |packet: &sakigake_lab::quic::tape::Packet| {
        let len = |frame: Frame<'_>| match frame {
            Frame::Stream(frame) => frame.data.len(),
            _ => 0,
        };
        packet.frames().map(len).sum::<usize>()
    };
    let (small, large): (Vec<_>, Vec<_>) =
        story.tape.packets.iter().map(said).filter(|said| *said > 0).partition(|said| *said < 600);
    assert!(large.len() > 500 && small.len() < 40, "{} small, {} large", small.len(), large.len());
}

#[test]
fn a_nat_may_rebind_in_the_middle_of_a_transfer() {
    for outside in [None, Some(ABROAD.ip())] {
        for keeps_old in [false, true] {
            let mut setup = fetch(2, 2_000_000);
            (setup.up.bits_per_s, setup.down.bits_per_s) = (Some(10_000_000), Some(10_000_000));
            let at = Instant::default() + MS.times(400);
            setup.nat = Some(vec![Rebinding { at, outside, keeps_old }]);
            // Whose address it is that has changed nobody knows before the client says something.
            setup.client.keep_alive = Some(Span::from_secs(1));
            let story = tell(setup);
            assert_eq!(struck(&story, Fault::Rebound), 1);
        }
    }
}

#[test]
fn a_client_may_go_elsewhere() {
    let mut setup = fetch(2, 2_000_000);
    (setup.up.bits_per_s, setup.down.bits_per_s) = (Some(10_000_000), Some(10_000_000));
    setup.habits[0].moves = vec![(MS.times(300), ELSEWHERE)];
    let story = tell(setup);
    let is_there = |packet: &&sakigake_lab::quic::tape::Packet| {
        packet.sender == Side::Server && packet.addresses.1.ip() == ELSEWHERE.ip()
    };
    assert!(story.tape.packets.iter().filter(is_there).count() > 100);
}

#[test]
fn keys_are_updated_by_both_sides_under_loss() {
    let mut setup = fetch(9, 3_000_000);
    (setup.up.bits_per_s, setup.down.bits_per_s) = (Some(10_000_000), Some(10_000_000));
    (setup.up.loss_ppm, setup.down.loss_ppm) = (20_000, 20_000);
    setup.habits[0].updates = (1..=3).map(|at| MS.times(at * 500)).collect();
    setup.habits[1].updates = (1..=3).map(|at| MS.times(at * 500 + 100)).collect();
    let story = tell(setup);
    let most = story.tape.packets.iter().map(|packet| packet.updates).max();
    assert!(most >= Some(3), "{most:?} updates");
}

#[test]
fn a_ticket_lets_a_request_leave_with_the_first_flight() {
    let mut setup = fetch(1, 1_000).with_early_data();
    setup.habits[0].closes_after = Some(MS.times(200));
    setup.dials = vec![Instant::default(), Instant::default() + Span::from_secs(20)];
    let story = tell(setup);
    let early = story.tape.packets.iter().filter(|packet| packet.epoch == Epoch::ZeroRtt).count();
    assert!(early > 0, "nothing left early");
    let second = |note: &Note| matches!(note, Note::Complete { connection: 1 });
    // The server of this story answers when it knows whom.
    assert_eq!(when(&story, second), Some(Span::from_millis(20_100)));
}

#[test]
fn small_windows_and_a_slow_reader_hold_a_sender_back_and_no_more() {
    let mut setup = fetch(1, 300_000);
    setup.habits[0].reading = Reading::Lumps(MS.times(30));
    let streams = &mut setup.client.limits.streams;
    (streams.initial_stream_window_bytes, streams.initial_connection_window_bytes) = (10_000, 12_000);
    (streams.stream_window_bytes, streams.connection_window_bytes) = (20_000, 24_000);
    setup.spare_datagrams = 1_000;
    tell(setup);
}

#[test]
fn marks_slow_a_sender_down_before_anything_is_lost() {
    let mut setup = fetch(1, 3_000_000);
    setup.down.bits_per_s = Some(20_000_000);
    setup.down.mark_at = Some(sakigake_lab::datagram::Queue::Bytes(40_000));
    setup.down.queue = sakigake_lab::datagram::Queue::Bytes(250_000);
    let story = tell(setup);
    assert!(struck(&story, Fault::Marked) > 0);
    assert_eq!(struck(&story, Fault::Overflowed), 0);
}

#[test]
fn silence_ends_a_connection() {
    let mut setup = fetch(1, 1_000);
    setup.habits[0].closes_after = None;
    let story = tell(setup);
    let is_idle = |note: &Note| matches!(note, Note::Over { why: Over::Idle, .. });
    let at = when(&story, is_idle).expect("somebody gives up");
    assert!(at >= Span::from_secs(30) && at < Span::from_secs(31), "{at}");
}

/// A server with an endpoint before it, and the client's errand.
fn fronted(seed: u64, front: Front) -> Setup {
    let mut setup = fetch(seed, 20_000);
    setup.front = Some(front);
    setup
}

const FRONT: Front = Front { retry: Retry::Never, retry_secs: 10, gives_tokens: false, restarts: Vec::new() };

fn answers(story: &Story, kind: Reply) -> usize {
    let is = |what: &What| matches!(what, What::Noted { note: Note::Answered { reply, .. }, .. } if *reply == kind);
    story.log().entries().iter().filter(|entry| is(&entry.what)).count()
}

#[test]
fn who_has_to_show_where_he_is_comes_back_with_a_token() {
    let story = tell(fronted(1, Front { retry: Retry::Always, ..FRONT }));
    // ClientHello comes in two datagrams, each of which is answered.
    assert_eq!(answers(&story, Reply::Retry), 2);
    // One round trip more than without.
    assert!(complete(&story) >= MS.times(150) && complete(&story) < MS.times(250));
}

#[test]
fn who_was_here_before_shows_a_token_and_is_not_asked_again() {
    let mut setup = fronted(1, Front { retry: Retry::Always, gives_tokens: true, ..FRONT });
    setup.habits[0].closes_after = Some(MS.times(300));
    setup.dials = vec![Instant::default(), Instant::default() + Span::from_secs(5)];
    let story = tell(setup);
    assert_eq!(answers(&story, Reply::Retry), 2, "the first connection's alone");
    assert_eq!(story.verdict.seen["tokens"], 1);
}

#[test]
fn a_token_that_came_too_late_ends_the_attempt() {
    let mut setup = fronted(1, Front { retry: Retry::Always, retry_secs: 0, ..FRONT });
    (setup.up.delay, setup.down.delay) = (Span::from_secs(1), Span::from_secs(1));
    let story = tell(setup);
    assert!(answers(&story, Reply::InvalidToken) > 0);
    assert!(when(&story, |note| matches!(note, Note::Over { why: Over::InvalidToken, .. })).is_some());
}

#[test]
fn a_client_comes_back_in_a_version_that_the_server_speaks() {
    let mut setup = fronted(1, FRONT);
    setup.client.versions = vec![&VERSION_1, &VERSION_2];
    setup.server.versions = vec![&VERSION_2];
    let story = tell(setup);
    assert!(answers(&story, Reply::VersionNegotiation) > 0);
    assert!(when(&story, |note| matches!(note, Note::Over { why: Over::Version, .. })).is_some());
}

#[test]
fn a_server_that_has_forgotten_a_connection_says_so_and_the_client_begins_anew() {
    let mut setup = fronted(1, Front { restarts: vec![Instant::default() + MS.times(250)], ..FRONT });
    setup.down.bits_per_s = Some(400_000);
    setup.dials = vec![Instant::default(); 2];
    let story = tell(setup);
    assert!(answers(&story, Reply::StatelessReset) > 0);
    assert!(when(&story, |note| matches!(note, Note::Over { connection: 0, why: Over::Reset })).is_some());
    assert!(when(&story, |note| matches!(note, Note::Complete { connection: 1 })).is_some());
}

/// Worlds in which a server that spoke before the handshake was over fell silent for good once.
#[test]
fn a_server_speaks_before_it_knows_whom_it_speaks_to() {
    for seed in [
        1_656_534_153_056_732_212,
        15_639_245_678_970_769_260,
        517_720_466_767_192_565,
        9_690_731_079_032_414_403,
        11_928_977_495_069_827_854,
    ] {
        let mut setup = sakigake_lab::soak::quic_world(seed);
        setup.habits[1].is_early = true;
        tell(setup);
    }
    let mut setup = fetch(1, 20_000);
    setup.habits[1].errands = vec![errand(5_000)];
    setup.habits[1].is_early = true;
    setup.habits[0].expects = 1;
    let story = tell(setup);
    // Its bytes come with its first flight.
    let heard = when(&story, |note| matches!(note, Note::Heard { stream: 1, .. }));
    assert_eq!(heard, Some(MS.times(50)));
}
