//! Bodies whose bytes are made where they leave.

use super::raw::*;
use super::*;
use crate::Misuse;
use crate::frame::FrameHead;
use crate::rules::{ErrorCode, flag, kind};
use sakigake_semantics::{Cut, Source};

const END: u8 = flag::END_STREAM | flag::END_HEADERS;
const ONE: StreamId = StreamId(1);
const THREE: StreamId = StreamId(3);

/// Counts upwards, and fails in front of byte `last`.
#[derive(Debug)]
struct Count {
    at: u64,
    last: u64,
}

impl Source for Count {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Cut> {
        for byte in out {
            if self.at == self.last {
                return Err(Cut);
            }
            *byte = (self.at % 251) as u8;
            self.at += 1;
        }
        Ok(())
    }
}

fn count(from: u64, last: u64) -> Box<dyn Source> {
    Box::new(Count { at: from, last })
}

/// A server that was asked twice and began to answer, with so much credit for each stream.
fn asked(credit: u32) -> Connection {
    let mut server = raw_server(Limits::default());
    let settings = frame(kind::SETTINGS, 0, 0, &[&[0, 4][..], &credit.to_be_bytes()].concat());
    let gets = [1, 3].map(|stream| frame(kind::HEADERS, END, stream, GET)).concat();
    server.handle(ms(1), &[settings, gets].concat(), &mut |_| {}).unwrap();
    for stream in [ONE, THREE] {
        server.respond(stream, &Response::new(200), false).unwrap();
    }
    spoken(&mut server);
    server
}

/// All that leaves through a buffer of that size.
fn leaves(server: &mut Connection, size: usize) -> Vec<(FrameHead, Vec<u8>)> {
    let (mut all, mut out) = (Vec::new(), vec![0; size]);
    while let Some(len) = server.transmit(ms(1), &mut out) {
        all.extend_from_slice(&out[..len]);
    }
    let (mut frames, mut rest) = (Vec::new(), &all[..]);
    while let Some((head, later)) = rest.split_first_chunk() {
        let head = FrameHead::read(*head);
        let (payload, later) = later.split_at(head.length as usize);
        frames.push((head, payload.to_vec()));
        rest = later;
    }
    frames
}

/// The stream's DATA, and whether it ended.
fn body(frames: &[(FrameHead, Vec<u8>)], stream: StreamId) -> (Vec<u8>, bool) {
    let own =
        || frames.iter().filter(|(head, _)| head.kind == kind::DATA && u64::from(head.stream) == stream.0);
    let bytes = own().flat_map(|(_, payload)| payload.iter().copied()).collect();
    (bytes, own().any(|(head, _)| head.flags & flag::END_STREAM != 0))
}

fn counted(range: core::ops::Range<u64>) -> Vec<u8> {
    range.map(|at| (at % 251) as u8).collect()
}

#[test]
fn a_source_waits_without_memory_and_leaves_as_credit_goes() {
    let mut server = asked(1_000);
    server.send_from(ONE, count(0, u64::MAX), 60_000, true).unwrap();
    assert_eq!((server.queued(ONE), server.queued_bytes(), server.held_bytes()), (60_000, 60_000, 0));
    assert_eq!(body(&spoken(&mut server), ONE), (counted(0..1_000), false));
    assert!(server.queued(ONE) == 59_000 && !server.has_sent_end(ONE));
    assert_eq!(spoken(&mut server), [], "there is no credit");
    let credit = frame(kind::WINDOW_UPDATE, 0, 1, &59_000_u32.to_be_bytes());
    server.handle(ms(1), &credit, &mut |_| {}).unwrap();
    assert_eq!(body(&spoken(&mut server), ONE), (counted(1_000..60_000), true));
    assert!(server.queued_bytes() == 0 && server.has_sent_end(ONE));
}

#[test]
fn a_source_longer_than_memory_is_no_more_than_a_number() {
    let mut server = asked(1_000);
    server.send_from(ONE, count(0, u64::MAX), u64::MAX / 2, true).unwrap();
    assert_eq!((server.queued(ONE), server.room(ONE)), (u64::MAX / 2, 0));
    assert!(!server.runs_dry_within(usize::MAX, ONE), "it waits for credit first");
    assert_eq!(body(&spoken(&mut server), ONE), (counted(0..1_000), false));
    server.reset(ONE, 0);
    assert_eq!(server.queued_bytes(), 0);
}

#[test]
fn chunks_and_sources_leave_in_their_order_and_trailers_behind() {
    for size in [10, 100, 1_009, 4_096] {
        let mut server = asked(65_535);
        server.send(ONE, Chunk::Owned(counted(0..700)), false).unwrap();
        server.send_from(ONE, count(700, 2_000), 1_300, false).unwrap();
        server.send_from(ONE, count(2_000, 2_000), 0, false).unwrap();
        server.send(ONE, Chunk::Owned(counted(2_000..2_500)), false).unwrap();
        server.send_from(ONE, count(2_500, 9_000), 500, false).unwrap();
        assert_eq!((server.queued(ONE), server.held_bytes()), (3_000, 1_200));
        server.trailers(ONE, &Fields::default()).unwrap();
        assert_eq!(server.send_from(ONE, count(0, 1), 1, true), Err(crate::Misuse::Order));
        let frames = leaves(&mut server, size);
        let bytes = body(&frames, ONE).0;
        let last = frames.last().map(|(head, _)| (head.kind, head.flags & flag::END_STREAM));
        assert!(bytes == counted(0..3_000), "{size}");
        assert_eq!(last, Some((kind::HEADERS, flag::END_STREAM)));
        assert_eq!((server.queued_bytes(), server.held_bytes()), (0, 0));
    }
}

#[test]
fn an_empty_source_may_end_a_body() {
    let mut server = asked(1_000);
    server.send_from(ONE, count(0, 0), 0, true).unwrap();
    assert_eq!(body(&spoken(&mut server), ONE), (vec![], true));
}

#[test]
fn a_source_that_is_cut_ends_its_stream_and_no_other() {
    for size in [10, 64, 1_009, 4_096] {
        let mut server = asked(65_535);
        server.send_from(ONE, count(0, 3_000), 5_000, false).unwrap();
        server.send(ONE, Chunk::Owned(vec![0; 300]), true).unwrap();
        server.send_from(THREE, count(0, 5_000), 5_000, true).unwrap();
        let frames = leaves(&mut server, size);
        let mut told = Vec::new();
        server.tell(&mut |event| {
            if let Event::Reset { stream, code, untouched } = event {
                told.push((stream, code, untouched));
            }
        });
        let internal = ErrorCode::InternalError.wire();
        assert_eq!(told, [(ONE, u64::from(internal), false)]);
        let (bytes, ended) = body(&frames, ONE);
        assert!(!ended && bytes.len() <= 3_000 && bytes == counted(0..bytes.len() as u64), "{size}");
        let reset = frames.iter().find(|(head, _)| head.kind == kind::RST_STREAM).expect("it is told");
        assert_eq!((reset.0.stream, &reset.1[..]), (1, &internal.to_be_bytes()[..]));
        assert_eq!(body(&frames, THREE), (counted(0..5_000), true), "{size}");
        assert_eq!((server.queued_bytes(), server.held_bytes()), (0, 0));
        // The connection's credit is that of the bytes which left.
        server.handle(ms(2), &frame(kind::HEADERS, END, 5, GET), &mut |_| {}).unwrap();
        server.respond(StreamId(5), &Response::new(200), false).unwrap();
        server.send_from(StreamId(5), count(0, u64::MAX), 100_000, true).unwrap();
        let sent = body(&spoken(&mut server), StreamId(5)).0.len();
        assert_eq!(sent, 65_535 - 5_000 - bytes.len());
    }
}

#[test]
fn nothing_follows_the_end_of_a_body() {
    // spec: 9113-5.1-h
    let mut server = asked(100);
    server.send_from(ONE, count(0, 8), 8, true).unwrap();
    assert_eq!(server.send_from(ONE, count(8, 16), 8, true), Err(Misuse::Order));
    server.send(THREE, Chunk::Owned(b"all".to_vec()), true).unwrap();
    assert_eq!(server.send_from(THREE, count(0, 8), 8, true), Err(Misuse::Order));
}
