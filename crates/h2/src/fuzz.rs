//! Fuzz bodies: whatever bytes come, an end of ours does not panic, stays within its limits, and sends whole frames.

use crate::frame::FrameHead;
use crate::rules::{PREFACE, kind};
use crate::{Config, Connection, DETAIL_BYTES, Limits, Tracer};
use sakigake_semantics::{Chunk, Event, Fields, Request, Response, StreamId};
use sakigake_semantics::{Origin, Origins, origin_frames};
use sakigake_wire::{Instant, Span};

/// A server, after a good beginning; the first byte says how the rest is cut and what its owner does.
pub fn fuzz_server(bytes: &[u8]) {
    let mut hello = PREFACE.to_vec();
    hello.extend_from_slice(&FrameHead::new(kind::SETTINGS, 0, 0, 0).bytes());
    hello.extend_from_slice(bytes.get(1..).unwrap_or_default());
    drive(Connection::server(config(), Instant::default()), bytes.first().copied().unwrap_or(0), &hello);
}

/// A client with three requests under way; the first byte as above.
pub fn fuzz_client(bytes: &[u8]) {
    let mut client = Connection::client(config(), Instant::default());
    for method in ["GET", "HEAD", "POST"] {
        let end = method != "POST";
        client.request(&Request::new(method, "example.org", "/"), end).expect("three streams are allowed");
    }
    let mut hello = FrameHead::new(kind::SETTINGS, 0, 0, 0).bytes().to_vec();
    hello.extend_from_slice(bytes.get(1..).unwrap_or_default());
    drive(client, bytes.first().copied().unwrap_or(0), &hello);
}

/// A tracer beside any bytes: the same frames whatever the split.
pub fn fuzz_trace(bytes: &[u8]) {
    let lines = |split: usize| {
        let mut tracer = Tracer::default();
        let mut all = Vec::new();
        for piece in bytes.chunks(split) {
            tracer.feed(piece, &mut |seen| {
                assert!(seen.detail.len() <= DETAIL_BYTES);
                all.push(seen.to_string());
            });
        }
        all
    };
    assert_eq!(lines(1), lines(usize::MAX));
}

/// An ORIGIN frame's payload: what is taken is bounded, keeps its form, and is taken again from what we would send of it.
pub fn fuzz_origin(bytes: &[u8]) {
    let mut origins = Origins::default();
    if !origins.take(bytes, 8) {
        return;
    }
    let set = origins.set().cloned().expect("a frame that counts begins the set");
    let members: Vec<Origin> = set.iter().cloned().collect();
    assert!(members.len() <= 8);
    assert!(members.iter().all(|origin| Origin::parse(origin.as_str().as_bytes()).as_ref() == Some(origin)));
    let mut again = Origins::default();
    assert!(again.take(&origin_frames(&members, 16_384).concat(), 8));
    assert_eq!(again.set(), Some(&set));
}

fn config() -> Config {
    let limits = Limits { streams: 8, closed_streams: 4, send_queue_bytes: 4_096, ..Limits::default() };
    Config { limits, preload: true, extended_connect: true, ..Config::default() }
}

fn drive(mut connection: Connection, habit: u8, input: &[u8]) {
    let mut now = Instant::default();
    let mut output = Vec::new();
    let size = usize::from(habit & 0x0f) * 37 + 1;
    for piece in input.chunks(size) {
        now += Span::from_millis(3);
        let mut asked = Vec::new();
        let mut read = Vec::new();
        let handled = connection.handle(now, piece, &mut |event| match event {
            Event::Request { stream, .. } => asked.push(stream),
            Event::Data { stream, bytes, .. } => read.push((stream, bytes.len())),
            _ => {}
        });
        for (stream, bytes) in read {
            connection.consume(now, stream, bytes);
        }
        for stream in asked {
            respond(&mut connection, stream, habit);
        }
        if habit & 0x80 == 0 {
            fetch(&mut connection, now, size, &mut output);
        }
        assert!(connection.streams.len() <= 16, "streams are bounded");
        assert!(connection.output.len() < 4 << 20, "output is bounded");
        if handled.is_err() {
            fetch(&mut connection, now, size, &mut output);
            assert!(connection.is_closed(), "a fault is the end");
        }
        if let Some(due) = connection.deadline().filter(|_| habit & 0x20 != 0) {
            assert!(due >= now || habit & 0x80 != 0 || due + Span::from_secs(1) > now);
            connection.expire(due.max(now));
        }
    }
    fetch(&mut connection, now, 4_096, &mut output);
    assert_whole_frames(&output);
}

/// What an owner may do with a request; none of it may fail in a way that matters.
fn respond(connection: &mut Connection, stream: StreamId, habit: u8) {
    // The stream may have ended within the same input, so every answer is legal here.
    let response = Response::new(200).with("a", "b");
    if connection.respond(stream, &response, habit & 0x10 != 0).is_err() || habit & 0x10 != 0 {
        return;
    }
    let sent = connection.send(stream, Chunk::Owned(vec![habit; 3_000]), habit & 0x40 != 0);
    assert_eq!(sent, Ok(()));
    if habit & 0x40 == 0 {
        let ended = connection.trailers(stream, &Fields::from_iter([("t", "v")]));
        assert_eq!(ended, Ok(()));
    }
}

fn fetch(connection: &mut Connection, now: Instant, size: usize, output: &mut Vec<u8>) {
    let mut out = vec![0; size];
    while let Some(len) = connection.transmit(now, &mut out) {
        assert!(len > 0 && len <= size);
        output.extend_from_slice(&out[..len]);
    }
}

fn assert_whole_frames(output: &[u8]) {
    let mut rest = output.strip_prefix(&PREFACE[..]).unwrap_or(output);
    while let Some((head, later)) = rest.split_first_chunk() {
        let head = FrameHead::read(*head);
        assert!(crate::rules::admit(&head, 16_384).is_ok(), "we keep the rules ourselves: {head:?}");
        rest = later.get(head.length as usize..).expect("whole frames leave");
    }
    assert!(rest.is_empty(), "whole heads leave");
}

#[cfg(test)]
mod tests;
