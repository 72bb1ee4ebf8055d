//! Fuzz body: whatever comes on whichever streams, an end of ours does not panic, stays within its limits, and keeps the rules
//! itself.

use crate::rules::{Place, admit, kind};
use crate::{Config, Connection, Departure, ErrorCode, Grease, Limits};
use sakigake_semantics::{Chunk, Cut, Event, Fields, Part, Priority, Request, Response, Source, StreamId};
use sakigake_wire::{
    Entropy, Instant, Reader, Span,
    tlv::{Cutter, Fate},
};
use std::{collections::BTreeMap, sync::Arc};

/// Either end; the first byte says which, and what its owner does. The rest is a play: a byte for an act and its stream, one for a
/// length, and as many bytes.
pub fn fuzz_connection(bytes: &[u8]) {
    let Some((habit, mut rest)) = bytes.split_first() else { return };
    let mut play = Play::new(*habit);
    while let [act, len, tail @ ..] = rest {
        let (payload, tail) = tail.split_at(tail.len().min(usize::from(*len)));
        rest = tail;
        play.act(*act, payload);
        play.check();
    }
    play.depart(u64::MAX);
    play.finish();
}

/// What is known of a stream from outside.
#[derive(Debug, Default)]
struct Seen {
    came: u64,
    used: u64,
    /// Nothing more may be handed in, and nothing more may leave.
    is_in_over: bool,
    is_out_over: bool,
    out: Vec<u8>,
    /// The engine has told its end.
    is_finished: bool,
}

struct Play {
    side: Connection,
    client: bool,
    habit: u8,
    now: Instant,
    streams: BTreeMap<u64, Seen>,
    is_closed: bool,
}

impl Play {
    fn new(habit: u8) -> Self {
        let client = habit & 1 != 0;
        let limits = Limits {
            send_queue_bytes: 4_096,
            header_block_bytes: 4_096,
            header_list_bytes: 4_096,
            waiting_bytes: 4_096,
            early_priorities: 4,
            ..Limits::default()
        };
        let config =
            Config { limits, extended_connect: true, preload: true, datagrams: true, ..Config::default() };
        let mut side =
            if client { Connection::client(Arc::new(config)) } else { Connection::server(Arc::new(config)) };
        if habit & 2 != 0 {
            side.grease(Grease::draw(&mut Plain(1)));
        }
        side.allow_peer_requests(64);
        let mut play =
            Self { side, client, habit, now: Instant::default(), streams: BTreeMap::new(), is_closed: false };
        if client {
            for method in ["GET", "HEAD", "CONNECT"] {
                let mut request = Request::new(method, "a.test:1", "/").with("x-a", "1");
                if method == "CONNECT" {
                    request = request.with_part(Part::Scheme, b"").with_part(Part::Path, b"");
                }
                play.side.request(&request, method != "CONNECT").expect("nothing limits them");
            }
        }
        play
    }

    fn act(&mut self, act: u8, payload: &[u8]) {
        self.now += Span::from_millis(u64::from(act & 3));
        let uni = if self.client { 3 } else { 2 };
        let stream = u64::from(act & 3) * 4 + if act & 4 == 0 { 0 } else { uni };
        match act >> 3 & 7 {
            0..=2 => self.bytes(stream, payload, false),
            3 => self.bytes(stream, payload, true),
            4 => self.ends(stream, payload),
            5 => {
                let datagram = self.side.handle_datagram(self.now, payload);
                self.is_closed |= datagram.is_err();
            }
            6 => self.owner(StreamId(stream), payload),
            _ => self.depart(u64::from(act) * 16),
        }
    }

    /// Bytes of the peer's, cut small where the habit says so; then the owner answers.
    fn bytes(&mut self, stream: u64, payload: &[u8], fin: bool) {
        let seen = self.streams.entry(stream).or_default();
        if seen.is_in_over {
            return;
        }
        seen.is_in_over = fin;
        seen.came += payload.len() as u64;
        let size = if self.habit & 4 == 0 { payload.len().max(1) } else { 3 };
        let mut pieces: Vec<(&[u8], bool)> = payload.chunks(size).map(|piece| (piece, false)).collect();
        match pieces.last_mut() {
            Some(last) => last.1 = fin,
            None => pieces.push((&[], fin)),
        }
        let (mut asked, mut read, mut finished) = (Vec::new(), Vec::new(), Vec::new());
        for (piece, fin) in pieces {
            let mut heard = |event: Event<'_>| match event {
                Event::Request { stream, .. } => asked.push(stream),
                Event::Data { stream, bytes, .. } => read.push((stream, bytes.len())),
                Event::Finished { stream } => finished.push(stream),
                _ => {}
            };
            let handled = self.side.handle(self.now, StreamId(stream), piece, fin, &mut heard);
            self.is_closed |= handled.is_err();
        }
        for (stream, bytes) in read {
            self.side.consume(stream, bytes);
        }
        for stream in finished {
            self.streams.entry(stream.0).or_default().is_finished = true;
        }
        for stream in asked {
            self.respond(stream);
        }
    }

    fn ends(&mut self, stream: u64, payload: &[u8]) {
        let code = payload.first().map_or(0x10c, |byte| u64::from(*byte) + 0x100);
        let seen = self.streams.entry(stream).or_default();
        let ended = if payload.len() & 1 == 0 && !seen.is_in_over {
            seen.is_in_over = true;
            self.side.reset_heard(self.now, StreamId(stream), code, &mut |_| ())
        } else {
            self.side.stop_heard(self.now, StreamId(stream), code, &mut |_| ())
        };
        self.is_closed |= ended.is_err();
    }

    /// What an owner may do with a request. The stream may have ended in the meantime, so everything is legal.
    fn respond(&mut self, stream: StreamId) {
        let side = &mut self.side;
        if self.habit & 8 != 0 {
            let _ = side.respond(stream, &Response::new(103).with("link", "</a>"), false);
        }
        if side.respond(stream, &Response::new(200).with("x-a", "1"), self.habit & 16 != 0).is_err() {
            return;
        }
        let _ = side.send(stream, Chunk::Owned(vec![7; 1_500]), false);
        let _ =
            side.send_from(stream, Box::new(Short(2_000)), 1_999 + u64::from(self.habit >> 5 & 1) * 2, false);
        let _ = side.trailers(stream, &Fields::from_iter([("x-sum", "1")]));
    }

    fn owner(&mut self, stream: StreamId, payload: &[u8]) {
        let side = &mut self.side;
        match payload.first().map_or(0, |byte| byte % 9) {
            0 => side.reset(stream, ErrorCode::RequestCancelled),
            1 => side.prioritise(stream, Priority { urgency: 1, incremental: true }),
            2 => side.drain(self.now, None),
            3 => side.expire(self.now),
            4 => _ = side.preload(payload),
            5 => _ = side.send_datagram(stream, payload),
            6 => _ = side.send(stream, Chunk::Owned(payload.to_vec()), true),
            7 => _ = side.announce_origins(),
            _ => _ = side.request(&Request::get("a.test", "/").with("x-b", "2"), true),
        }
        side.tell(&mut |_| ());
    }

    /// Does what the engine says, with so much room on each stream.
    fn depart(&mut self, room: u64) {
        let mut count = 0;
        while let Some(departure) = self.side.depart(self.now, &mut |_| room) {
            count += 1;
            assert!(count < 10_000, "it comes to an end");
            match departure {
                Departure::Bytes { stream, chunk, fin } => {
                    let seen = self.streams.entry(stream.0).or_default();
                    assert!(!seen.is_out_over, "nothing follows an end");
                    assert!(chunk.as_ref().len() as u64 <= room, "there is room for what leaves");
                    seen.out.extend_from_slice(chunk.as_ref());
                    seen.is_out_over = fin;
                }
                Departure::Reset { stream, .. } => {
                    let seen = self.streams.entry(stream.0).or_default();
                    assert!(!seen.is_out_over, "an end is final");
                    seen.is_out_over = true;
                    seen.out.clear();
                }
                Departure::Stop { stream, .. } => self.streams.entry(stream.0).or_default().is_in_over = true,
                Departure::Consumed { stream, bytes } => {
                    let seen = self.streams.entry(stream.0).or_default();
                    seen.used += bytes;
                    assert!(seen.used <= seen.came, "nothing is used that did not come");
                }
                Departure::Prioritize { .. } | Departure::Datagram { .. } => {}
                Departure::Close { .. } => {
                    assert!(self.is_closed, "for a fault alone");
                    assert!(self.side.depart(self.now, &mut |_| u64::MAX).is_none(), "it is the last word");
                }
            }
        }
        let streams = &mut self.streams;
        self.side.tell(&mut |event| {
            if let Event::Finished { stream } = event {
                streams.entry(stream.0).or_default().is_finished = true;
            }
        });
    }

    fn check(&self) {
        let side = &self.side;
        assert_eq!(side.has_given_up(), self.is_closed, "a fault is the end");
        let outputs = || side.exchanges.values().map(|exchange| &exchange.output);
        assert_eq!(side.queued, outputs().map(|output| output.queued()).sum::<u64>());
        assert_eq!(side.held, outputs().map(|output| output.held()).sum::<usize>());
        let heads = side.exchanges.values().filter(|exchange| exchange.began.is_some()).count();
        assert_eq!((side.heads, side.heads_due.is_some()), (heads, heads > 0), "who waits is known");
        let waiting: usize = side.exchanges.values().map(|exchange| exchange.held.len()).sum();
        assert_eq!(side.waiting_bytes, waiting);
        assert!(waiting <= 4_096, "what waits is bounded");
    }

    /// What left keeps the rules for those who read it.
    fn finish(&self) {
        for (stream, seen) in &self.streams {
            let is_used = seen.used == seen.came || !seen.is_finished || self.is_closed;
            assert!(is_used, "stream {stream}: all that came was used: {} of {}", seen.used, seen.came);
            let (place, bytes) = match stream & 3 {
                0 => (Place::Request, &seen.out[..]),
                own if (own == 2) == self.client && own & 2 != 0 => {
                    let mut reader = Reader::new(&seen.out);
                    if reader.varint() != Ok(0) {
                        continue;
                    }
                    (Place::Control, reader.rest())
                }
                _ => continue,
            };
            let (mut cutter, mut rest, mut kinds) = (Cutter::default(), bytes, Vec::new());
            let mut look = |kind, len| {
                kinds.push(kind);
                admit(kind, len, place, self.client).map(|_| Fate::Skip)
            };
            let walked = cutter.next(&mut rest, &mut look).map(|_| ());
            assert_eq!(walked, Ok(()), "stream {stream}");
            let first = if place == Place::Control { kind::SETTINGS } else { kind::HEADERS };
            assert!(kinds.first().is_none_or(|kind| *kind == first), "stream {stream}: {kinds:?}");
            // What the peer stopped was cut off, and what was never fetched is not there.
            let is_whole = cutter.is_between() || self.is_closed || !seen.is_out_over;
            assert!(is_whole, "stream {stream} ends within a frame");
        }
    }
}

/// A source of so many bytes.
#[derive(Debug)]
struct Short(usize);

impl Source for Short {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Cut> {
        self.0 = self.0.checked_sub(out.len()).ok_or(Cut)?;
        out.fill(9);
        Ok(())
    }
}

/// Chance that is the same each time.
struct Plain(u64);

impl Entropy for Plain {
    fn fill(&mut self, out: &mut [u8]) {
        for byte in out {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = (self.0 >> 56) as u8;
        }
    }
}

#[cfg(test)]
mod tests;
