//! Fuzz bodies: whatever frames come, streams hand on the right bytes once and hold no more than their windows; and whatever
//! is lost, delayed or doubled between two ends of ours, everything arrives that was promised.

use super::{
    Chunk, CryptoStream, Direction, Heard, Limits, MOST_CONTROL_BYTES, Outgoing, PeerLimits, Piece, Priority,
    StreamFault, StreamId, Streams,
};
use sakigake_wire::{Instant, Reader, Span};
use std::collections::{BTreeMap, VecDeque};

/// The byte of a stream at an offset, the same whoever sends it.
fn byte(id: u64, at: u64) -> u8 {
    (at.wrapping_mul(31) ^ at >> 8 ^ id.wrapping_mul(101)) as u8
}

fn content(id: u64, offset: u64, len: u64) -> Vec<u8> {
    (0..len).map(|at| byte(id, offset.wrapping_add(at))).collect()
}

/// What an end heard of each stream.
#[derive(Debug, Default)]
struct Book(BTreeMap<StreamId, Entry>);

#[derive(Debug, Default)]
struct Entry {
    delivered: u64,
    unread: u64,
    end: Option<End>,
}

#[derive(Debug, PartialEq, Eq)]
enum End {
    Finished,
    Reset,
}

impl Book {
    fn hear(&mut self, heard: Heard<'_>) {
        match heard {
            Heard::Opened { id } => {
                assert!(self.0.insert(id, Entry::default()).is_none(), "{id:?} opens twice")
            }
            Heard::Data { id, bytes } => {
                let entry = self.0.entry(id).or_default();
                assert!(entry.end.is_none() && !bytes.is_empty());
                assert_eq!(bytes, content(id.number(), entry.delivered, bytes.len() as u64));
                entry.delivered += bytes.len() as u64;
                entry.unread += bytes.len() as u64;
            }
            Heard::Finished { id } => self.end(id, End::Finished),
            Heard::Reset { id, .. } => self.end(id, End::Reset),
            Heard::Stopped { .. } | Heard::Delivered { .. } | Heard::MayOpen { .. } => {}
        }
    }

    fn end(&mut self, id: StreamId, end: End) {
        let entry = self.0.entry(id).or_default();
        assert!(entry.end.is_none(), "{id:?} ends twice");
        entry.end = Some(end);
    }

    /// Everything that was heard and not read.
    fn read(&mut self, streams: &mut Streams) {
        for (id, entry) in &mut self.0 {
            streams.consume(*id, core::mem::take(&mut entry.unread));
        }
    }
}

fn small() -> Limits {
    Limits {
        bidirectional_streams: 4,
        unidirectional_streams: 4,
        initial_stream_window_bytes: 1_000,
        initial_connection_window_bytes: 2_500,
        stream_window_bytes: 4_000,
        connection_window_bytes: 8_000,
        fragments: 16,
        send_queue_bytes: 3_000,
        crypto_bytes: 4_096,
        crypto_fragments: 16,
    }
}

fn granted(limits: &Limits) -> PeerLimits {
    PeerLimits {
        data: limits.initial_connection_window_bytes,
        stream_data_bidi_local: limits.initial_stream_window_bytes,
        stream_data_bidi_remote: limits.initial_stream_window_bytes,
        stream_data_uni: limits.initial_stream_window_bytes,
        streams_bidi: limits.bidirectional_streams,
        streams_uni: limits.unidirectional_streams,
    }
}

/// A client that hears frames from anybody: five bytes each.
pub fn fuzz_stream_frames(bytes: &[u8]) {
    let mut streams = Streams::new(true, small());
    streams.grant(granted(&small()));
    let mut book = Book::default();
    for direction in Direction::ALL {
        if let Some(id) = streams.open(direction) {
            // A stream that was reset on the way takes nothing.
            streams.write(id, Chunk::Owned(content(id.number(), 0, 500))).expect("it was just opened");
        }
    }
    let mut reader = Reader::new(bytes);
    let mut sent = VecDeque::new();
    while let Ok([verb, number, high, low, len]) = reader.array::<5>() {
        let Some(id) = StreamId::new(u64::from(number % 24)) else { continue };
        let value = u64::from(u16::from_be_bytes([high, low])) % 4_096;
        if hear(&mut streams, (verb, id, value, u64::from(len)), &mut book).is_err() {
            return;
        }
        match verb >> 4 {
            0 => book.read(&mut streams),
            1 => streams.stop(id, value),
            2 => {
                // Nothing to reset is no harm here.
                let _ = streams.reset_at(id, value, u64::from(len));
            }
            3..8 => sent.extend(next(&mut streams, value as usize)),
            8 | 9 => {
                if let Some(frame) = sent.pop_back() {
                    streams.lost(&frame);
                }
            }
            10..12 => {
                if let Some(frame) = sent.pop_front() {
                    streams.acked(&frame, &mut |heard| book.hear(heard));
                }
            }
            _ => {}
        }
        assert!(streams.held.is_within(&small()), "{:?}", streams.held);
    }
}

fn hear(
    streams: &mut Streams,
    (verb, id, value, len): (u8, StreamId, u64, u64),
    book: &mut Book,
) -> Result<(), StreamFault> {
    let heard = &mut |heard: Heard<'_>| book.hear(heard);
    match verb & 0x0f {
        0..7 => streams.accept_stream(id, value, &content(id.number(), value, len), verb & 0x0f == 6, heard),
        7 => streams.accept_reset_stream(id, 1, value, heard),
        8 => streams.accept_reset_stream_at(id, 1, value, value.saturating_sub(len), heard),
        9 => streams.accept_stop_sending(id, value, heard),
        10 => streams.accept_max_stream_data(id, value, heard),
        11 => streams.accept_max_streams(id.direction(), value, heard),
        12 => streams.accept_stream_data_blocked(id, heard),
        13 => streams.accept_streams_blocked(value),
        _ => {
            streams.accept_max_data(value);
            Ok(())
        }
    }
}

fn next(streams: &mut Streams, room: usize) -> Option<Outgoing> {
    let control = streams.next_control(Instant::from_nanos(0), None, room);
    control.or_else(|| streams.next_piece(room).map(Outgoing::Stream))
}

/// A client that sends to a server over a path that the bytes decide; at the end the path is good, and all arrives.
pub fn fuzz_stream_pair(bytes: &[u8]) {
    let limits = small();
    let mut pair = Pair {
        client: Streams::new(true, limits.clone()),
        server: Streams::new(false, limits.clone()),
        heard: [Book::default(), Book::default()],
        up: VecDeque::new(),
        down: VecDeque::new(),
        written: BTreeMap::new(),
        now: 0,
    };
    pair.client.grant(granted(&limits));
    pair.server.grant(granted(&limits));
    for pair_of in bytes.chunks_exact(2) {
        pair.step(pair_of[0], pair_of[1]);
    }
    pair.finish();
}

/// A frame on its way: what it says, and a copy of its bytes.
type Flying = (Outgoing, Vec<u8>);

struct Pair {
    client: Streams,
    server: Streams,
    /// What the client and the server heard.
    heard: [Book; 2],
    up: VecDeque<Flying>,
    down: VecDeque<Flying>,
    /// How much the client wrote, and how that ended.
    written: BTreeMap<StreamId, (u64, Option<End>)>,
    now: u64,
}

impl Pair {
    fn step(&mut self, verb: u8, value: u8) {
        self.now += 1_000_000;
        let id = StreamId::of(true, Direction::ALL[usize::from(value & 1)], u64::from(value >> 1) % 6);
        match (verb % 16, id) {
            (0 | 1, Some(id)) => {
                let direction = id.direction();
                if let Some(id) = self.client.open(direction) {
                    self.written.insert(id, (0, None));
                    let priority = Priority { urgency: value % 8, incremental: value & 0x40 == 0 };
                    self.client.prioritize(id, priority);
                }
            }
            (2..5, Some(id)) => self.write(id, u64::from(value) * 3),
            (5, Some(id)) => self.end(id, End::Finished),
            (6, Some(id)) if value & 0x80 != 0 => self.end(id, End::Reset),
            (7..10, _) => {
                let room = usize::from(value) + MOST_CONTROL_BYTES;
                self.send(room);
            }
            (10, _) => self.lose(value),
            (11, _) => {
                // One overtakes the others.
                if let Some(last) = self.up.pop_back() {
                    self.up.push_front(last);
                }
            }
            (12, _) => {
                // One comes twice, which acknowledges it twice too.
                if let Some(first) = self.up.front().cloned() {
                    self.up.push_back(first);
                }
            }
            (13, _) => self.heard[1].read(&mut self.server),
            _ => self.arrive(),
        }
    }

    fn write(&mut self, id: StreamId, len: u64) {
        let Some((written, _)) = self.written.get_mut(&id) else { return };
        if self.client.write(id, Chunk::Owned(content(id.number(), *written, len))).is_ok() {
            *written += len;
        }
    }

    fn end(&mut self, id: StreamId, end: End) {
        let Some((written, ended)) = self.written.get_mut(&id) else { return };
        if ended.is_some() {
            return;
        }
        match end {
            End::Finished => self.client.finish(id),
            End::Reset => self.client.reset_at(id, 9, *written / 2),
        }
        .expect("a stream lives until it has ended");
        *ended = Some(end);
    }

    fn send(&mut self, room: usize) {
        if let Some(frame) = self.next(true, room) {
            self.up.push_back(frame);
        }
        if let Some(frame) = self.next(false, room) {
            self.down.push_back(frame);
        }
    }

    fn next(&mut self, is_client: bool, room: usize) -> Option<Flying> {
        let streams = if is_client { &mut self.client } else { &mut self.server };
        let rtt = Some(Span::from_millis(10));
        let control = streams.next_control(Instant::from_nanos(self.now), rtt, room);
        let frame = control.or_else(|| streams.next_piece(room).map(Outgoing::Stream))?;
        let mut bytes = Vec::new();
        if let Outgoing::Stream(piece) = &frame {
            bytes.resize(piece.len as usize, 0);
            assert!(streams.fill(piece, &mut bytes));
        }
        Some((frame, bytes))
    }

    fn lose(&mut self, value: u8) {
        if value & 1 == 0 {
            if let Some((frame, _)) = self.up.pop_front() {
                self.client.lost(&frame);
            }
        } else if let Some((frame, _)) = self.down.pop_front() {
            self.server.lost(&frame);
        }
    }

    /// What was sent first arrives, and its sender learns of that.
    fn arrive(&mut self) {
        let [client_book, server_book] = &mut self.heard;
        if let Some((frame, bytes)) = self.up.pop_front() {
            accept(&mut self.server, &frame, &bytes, server_book);
            self.client.acked(&frame, &mut |heard| client_book.hear(heard));
        }
        if let Some((frame, bytes)) = self.down.pop_front() {
            accept(&mut self.client, &frame, &bytes, client_book);
            self.server.acked(&frame, &mut |heard| server_book.hear(heard));
        }
    }

    fn finish(&mut self) {
        let ids: Vec<StreamId> = self.written.keys().copied().collect();
        ids.iter().for_each(|id| self.end(*id, End::Finished));
        for _ in 0..100_000 {
            self.heard[1].read(&mut self.server); // What nobody reads holds up what comes after it.
            self.send(500);
            if self.up.is_empty() && self.down.is_empty() {
                break;
            }
            self.arrive();
        }
        for (id, (written, end)) in &self.written {
            let entry = self.heard[1].0.get(id).unwrap_or_else(|| panic!("{id:?} was never heard of"));
            let least = if *end == Some(End::Finished) { *written } else { *written / 2 };
            assert!((least..=*written).contains(&entry.delivered), "{id:?}: {entry:?} of {written}, {end:?}");
            assert!(entry.end == *end, "{id:?}: {:?} instead of {end:?}", entry.end);
        }
        assert!(self.server.held.is_empty());
    }
}

fn accept(streams: &mut Streams, frame: &Outgoing, bytes: &[u8], book: &mut Book) {
    let heard = &mut |heard: Heard<'_>| book.hear(heard);
    match *frame {
        Outgoing::Stream(Piece { id, offset, fin, .. }) => {
            streams.accept_stream(id, offset, bytes, fin, heard)
        }
        Outgoing::ResetStream { id, code, final_size } => {
            streams.accept_reset_stream(id, code, final_size, heard)
        }
        Outgoing::ResetStreamAt { id, code, final_size, reliable_size } => {
            streams.accept_reset_stream_at(id, code, final_size, reliable_size, heard)
        }
        Outgoing::StopSending { id, code } => streams.accept_stop_sending(id, code, heard),
        Outgoing::MaxStreamData { id, limit } => streams.accept_max_stream_data(id, limit, heard),
        Outgoing::MaxStreams { direction, limit } => streams.accept_max_streams(direction, limit, heard),
        Outgoing::StreamDataBlocked { id, .. } => streams.accept_stream_data_blocked(id, heard),
        Outgoing::StreamsBlocked { limit, .. } => streams.accept_streams_blocked(limit),
        Outgoing::MaxData { limit } => {
            streams.accept_max_data(limit);
            Ok(())
        }
        Outgoing::DataBlocked { .. } => Ok(()),
    }
    .expect("an end of ours keeps the rules");
}

/// CRYPTO frames from anybody: three bytes each.
pub fn fuzz_crypto_stream(bytes: &[u8]) {
    let mut stream = CryptoStream::new(&small());
    let mut delivered = 0;
    for frame in bytes.chunks_exact(3) {
        let offset = u64::from(u16::from_be_bytes([frame[0], frame[1]])) % 8_192;
        let data = content(0, offset, frame[2].into());
        let mut deliver = |bytes: &[u8]| {
            assert_eq!(bytes, content(0, delivered, bytes.len() as u64));
            delivered += bytes.len() as u64;
        };
        if stream.accept(offset, &data, &mut deliver).is_err() {
            return;
        }
    }
    assert_eq!(stream.delivered(), delivered);
}

#[cfg(test)]
mod tests;
