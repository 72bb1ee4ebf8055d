use super::*;
use crate::{quic::tape::Packet, world::Stopped};
use sakigake_preload::block;
use sakigake_quic::{
    frame::Frame,
    rules::{Epoch, Side},
};
use sakigake_wire::Reader;

const RTTS: [Span; 3] = [Span::from_millis(1), Span::from_millis(50), Span::from_secs(1)];

fn rtts(course: &Course) -> u64 {
    match run(course) {
        Ok(run) => run.rtts,
        Err(failure) => panic!("{course:?}: {failure}"),
    }
}

#[test]
fn every_cell_of_the_table_holds_at_any_distance() {
    for rtt in RTTS {
        for (start, cells) in [
            (Start::Cold, [(Hints::None, 3), (Hints::Ignored, 3), (Hints::Early, 3), (Hints::Preload, 2)]),
            (Start::Warm, [(Hints::None, 2), (Hints::Ignored, 2), (Hints::Early, 2), (Hints::Preload, 1)]),
        ] {
            for (hints, expected) in cells {
                assert_eq!(
                    rtts(&Course::new(rtt, hints, start, 1)),
                    expected,
                    "{hints:?} {start:?} at {rtt}"
                );
            }
        }
    }
}

#[test]
fn who_resumes_without_early_data_needs_as_long_as_a_stranger_and_so_does_who_sent_it_in_vain() {
    let rtt = Span::from_millis(50);
    let warm = |hints, early| rtts(&Course { early, ..Course::new(rtt, hints, Start::Warm, 1) });
    // spec: 9114-7.2.4.2-b
    for early in [Early::None, Early::Rejected, Early::Reconfigured] {
        assert_eq!(warm(Hints::None, early), 3, "{early:?}");
        assert_eq!(warm(Hints::Preload, early), 2, "{early:?}");
    }
}

#[test]
fn no_checker_complains_of_a_page() {
    for hints in [Hints::None, Hints::Preload] {
        for (start, early) in
            [(Start::Cold, Early::None), (Start::Warm, Early::Taken), (Start::Warm, Early::Rejected)]
        {
            let course = Course { early, ..Course::new(Span::from_millis(50), hints, start, 1) };
            let story = run(&course).expect("it loads").log;
            assert_eq!(story.stopped, Stopped::Idle, "{course:?}");
            assert!(story.verdict.complaints.is_empty(), "{course:?}: {:?}", story.verdict.complaints);
        }
    }
}

/// What a side says on a stream until then, by its STREAM frames in 1-RTT packets.
fn said(story: &Story, sender: Side, stream: u64, until: Instant) -> Vec<u8> {
    let is_said =
        |packet: &&Packet| packet.sender == sender && packet.epoch == Epoch::OneRtt && packet.at <= until;
    let mut said = Vec::new();
    for packet in story.tape.packets.iter().filter(is_said) {
        for frame in packet.frames() {
            if let Frame::Stream(frame) = frame
                && frame.id == stream
                && frame.offset as usize == said.len()
            {
                said.extend_from_slice(frame.data);
            }
        }
    }
    said
}

/// The frames of a control stream, its type before them.
fn frames(said: &[u8]) -> Vec<(u64, Vec<u8>)> {
    let mut reader = Reader::new(said);
    assert_eq!(reader.varint(), Ok(0), "a control stream");
    let mut frames = Vec::new();
    while !reader.is_empty() {
        let (kind, len) = (reader.varint().expect("a type"), reader.varint().expect("a length"));
        frames.push((kind, reader.take(len as usize).expect("whole").to_vec()));
    }
    frames
}

#[test]
fn settings_and_the_frame_leave_in_the_servers_first_flight() {
    // spec: preload-profile-2-a
    let rtt = Span::from_millis(50);
    let story = run(&Course::new(rtt, Hints::Preload, Start::Cold, 1)).expect("it loads").log;
    let first_flight = Instant::default() + Span::from_millis(25);
    let frames = frames(&said(&story, Side::Server, 3, first_flight));
    let kinds: Vec<u64> = frames.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, [0x04, 0xf0]);
    let block = &frames[1].1;
    assert_eq!(block[..2], [0, 0], "it refers to no entry");
    let reading = block::read(block, block::Limits::default()).expect("it reads");
    assert_eq!(reading.hints.len(), 16);
    assert!(reading.hints.iter().all(|hint| hint.url.starts_with("https://www.saki.test/")));
}

#[test]
fn who_goes_on_with_the_same_hints_is_not_told_them_again() {
    // spec: preload-profile-10-a
    let course = Course::new(Span::from_millis(50), Hints::Preload, Start::Warm, 1);
    let story = run(&course).expect("it loads").log;
    let end = Instant::default() + Span::from_secs(60);
    let frames = frames(&said(&story, Side::Server, 3, end));
    assert!(frames.iter().all(|(kind, _)| *kind != 0xf0), "{frames:x?}");
}

#[test]
fn weeks_away_and_warm_for_forty_minutes() {
    let (week, minutes) = (Span::from_secs(7 * 86_400), Span::from_secs(40 * 60));
    for (rtt, start, hints, expected) in [
        (week, Start::Cold, Hints::None, 3),
        (week, Start::Cold, Hints::Early, 3),
        (week, Start::Cold, Hints::Preload, 2),
        (minutes, Start::Warm, Hints::None, 2),
        (minutes, Start::Warm, Hints::Early, 2),
        (minutes, Start::Warm, Hints::Preload, 1),
    ] {
        assert_eq!(rtts(&Course::new(rtt, hints, start, 1)), expected, "{hints:?} {start:?} at {rtt}");
    }
}

/// The median and the 90th percentile of so many loads where one datagram in twenty is lost, in nanoseconds.
fn lossy(hints: Hints, start: Start, worlds: u64) -> [u64; 2] {
    let course = Course { loss_ppm: 50_000, ..Course::new(Span::from_millis(50), hints, start, 0) };
    let times = times(&course, worlds).unwrap_or_else(|failure| panic!("{course:?}: {failure}"));
    [times.len() / 2, times.len() * 9 / 10].map(|at| times[at].as_nanos())
}

#[test]
fn loss_does_not_make_hints_a_burden() {
    for start in [Start::Cold, Start::Warm] {
        let [without, with] = [Hints::None, Hints::Preload].map(|hints| lossy(hints, start, 100));
        assert!(with[0] <= without[0] && with[1] <= without[1], "{start:?}: {with:?}, {without:?} without");
    }
}

/// When a side's handshake was complete.
fn ready_at(story: &Story, end: NodeId) -> Instant {
    let is_ready = |entry: &&datagram::Entry| matches!(entry.what, What::Noted { node, note: Note::Ready { .. } } if node == end);
    story.log().entries().iter().find(is_ready).expect("it is complete").at
}

#[test]
fn no_chain_is_so_long_that_the_frame_makes_the_handshake_slower() {
    // spec: preload-profile-5-e
    let rtt = Span::from_millis(50);
    let mut saved = 0;
    for chain_bytes in (0..9_000).step_by(300) {
        let course = |hints| Course { chain_bytes, ..Course::new(rtt, hints, Start::Cold, 1) };
        let [without, with] =
            [Hints::None, Hints::Preload].map(|hints| run(&course(hints)).expect("it loads"));
        for end in [NodeId(0), NodeId(1)] {
            assert_eq!(ready_at(&with.log, end), ready_at(&without.log, end), "{chain_bytes}");
        }
        assert!(with.log.verdict.complaints.is_empty(), "{chain_bytes}: {:?}", with.log.verdict.complaints);
        assert!(with.rtts <= without.rtts, "{chain_bytes}");
        saved += without.rtts - with.rtts;
        // What was begun in the first flight was said in it.
        let first_flight = Instant::default() + Span::from_millis(25);
        let said = said(&with.log, Side::Server, 3, first_flight);
        if !said.is_empty() {
            frames(&said);
        }
    }
    // All of them but for chains that leave room for some hints and not for all.
    assert!(saved >= 25, "{saved} of 30");
}

#[test]
fn the_frame_keeps_to_the_clients_first_credit() {
    // spec: preload-profile-5-e
    let mut hints = Vec::new();
    for credit_bytes in [700, 1_000, 1_400, 4_000] {
        let course = Course::new(Span::from_millis(50), Hints::Preload, Start::Cold, 1);
        let story = run(&Course { credit_bytes, ..course }).expect("it loads").log;
        let said = said(&story, Side::Server, 3, Instant::default() + Span::from_millis(25));
        assert!(said.len() as u64 <= credit_bytes, "{} of {credit_bytes}", said.len());
        let frames = frames(&said);
        let reading = block::read(&frames[1].1, block::Limits::default()).expect("it reads");
        hints.push(reading.hints.len());
    }
    assert!(hints.is_sorted() && hints[0] > 0 && hints[0] < 16 && hints[3] == 16, "{hints:?}");
}

#[test]
fn a_host_that_asks_who_its_clients_are_says_nothing_before_it_knows() {
    // spec: preload-profile-4-b
    let course = Course::new(Span::from_millis(50), Hints::Preload, Start::Cold, 1);
    let story = run(&Course { asks_clients: true, ..course }).expect("it loads").log;
    let said = |until| frames(&said(&story, Side::Server, 3, until));
    let kinds =
        |frames: Vec<(u64, Vec<u8>)>| -> Vec<u64> { frames.into_iter().map(|(kind, _)| kind).collect() };
    let known = ready_at(&story, NodeId(1));
    assert_eq!(kinds(said(Instant::default() + Span::from_millis(25))), [0x04]);
    assert_eq!(kinds(said(known)), [0x04, 0xf0]);
}
