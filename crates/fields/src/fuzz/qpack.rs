//! Bodies of QPACK.

use super::{LIMITS, Line, borrow, own, within};
use crate::{
    FieldLine,
    qpack::{Decoder, Encoder, Fault, Limits, decode_static, encode_static},
    section::Outcome,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Plays to a decoder what a hostile encoder says. A byte's upper bit says whether a section or instructions follow, the
/// rest how many bytes of them; none abandons the stream.
pub fn fuzz_qpack_decoder(bytes: &[u8]) {
    let limits = Limits {
        table_bytes: 512,
        blocked_streams: 2,
        blocked_bytes: 512,
        decoder_stream_bytes: 64,
        ..Limits::default()
    };
    let mut decoder = Decoder::new(limits);
    let (mut rest, mut stream) = (bytes, 0);
    while let Some((head, tail)) = rest.split_first() {
        let (piece, tail) = tail.split_at(usize::from(head & 0x7f).min(tail.len()));
        rest = tail;
        let mut lines = Vec::new();
        let heard = match (head & 0x80, piece) {
            (_, []) => decoder.cancel(stream),
            (0, _) => decoder.read_instructions(piece),
            _ => {
                stream += 4;
                decoder.decode(stream, piece, LIMITS, &mut |line| lines.push(own(line))).map(drop)
            }
        };
        if let Err(fault) = heard {
            assert!(!fault.to_string().is_empty());
            return;
        }
        hold(&lines);
        while let Some(stream) = decoder.ready() {
            let mut lines = Vec::new();
            let Ok(outcome) = decoder.resume(stream, LIMITS, &mut |line| lines.push(own(line))) else {
                return;
            };
            assert!(outcome.is_some(), "what is ready can be decoded");
            hold(&lines);
        }
        if head & 1 == 0 {
            let mut answers = Vec::new();
            decoder.write_instructions(&mut answers);
            assert!(answers.len() <= 64 + 10 && !decoder.wants_to_write());
        }
        assert!(decoder.costs().0 <= 512 && decoder.costs().1 <= 512, "{:?}", decoder.costs());
    }
}

/// What was handed on is within its limits, and survives a section without a table.
fn hold(lines: &[Line]) {
    assert!(within(lines), "no more is handed on than the limits say");
    let (mut wire, mut again) = (Vec::new(), Vec::new());
    encode_static(lines.iter().map(borrow), &mut wire);
    let outcome = decode_static(&wire, LIMITS, &mut |line| again.push(own(line)));
    assert_eq!(outcome, Ok(Outcome::Complete));
    assert_eq!(lines, again);
}

/// Reads a program: numbers, of which there is an end.
struct Program<'a>(&'a [u8]);

impl Program<'_> {
    fn next(&mut self) -> usize {
        self.0.split_off_first().map_or(0, |byte| usize::from(*byte))
    }

    fn pick<'b>(&mut self, of: &[&'b [u8]]) -> &'b [u8] {
        of[self.next() % of.len()]
    }

    fn line(&mut self) -> Line {
        let name = self.pick(&NAMES);
        let mut value = self.pick(&VALUES).repeat(1 + self.next() % 3);
        value.push(b'a' + (self.next() % 5) as u8);
        (name.to_vec(), value, self.next() % 16 == 1)
    }
}

const NAMES: [&[u8]; 8] =
    [b":path", b":status", b"cookie", b"etag", b"x-a", b"x-b", b"", b"access-control-allow-headers"];
const VALUES: [&[u8]; 6] = [b"", b"/", b"v?1", b"0123456789abcdef", b"\xff\x00", b"text/html; charset=utf-8"];

/// What left, and what it says.
type Section = (Vec<u8>, Vec<Line>);

/// An encoder and a decoder with streams between them that lose nothing and keep no order among one another.
struct Pair {
    encoder: Encoder,
    decoder: Decoder,
    limits: Limits,
    /// What is under way: instructions, sections, answers.
    instructions: VecDeque<u8>,
    sections: BTreeMap<u64, VecDeque<Section>>,
    answers: VecDeque<u8>,
    /// Sections that the decoder has taken and that wait there.
    waiting: BTreeMap<u64, VecDeque<Vec<Line>>>,
    /// How many streams have been.
    streams: u64,
    ended: BTreeSet<u64>,
}

/// Plays a program to an encoder and a decoder of ours: whatever is delayed or given up, each section arrives as it left,
/// nobody commits a sin, and no more streams wait than may.
pub fn fuzz_qpack_pair(bytes: &[u8]) {
    let mut program = Program(bytes);
    let table_bytes = [0, 40, 100, 220, 512, 4_096][program.next() % 6];
    let limits = Limits {
        table_bytes,
        blocked_streams: program.next() % 5,
        blocked_bytes: 1 << 20,
        decoder_stream_bytes: 1 << 20,
        peer_table_bytes: [4_096, 300, 90][program.next() % 3],
        unacknowledged_sections: 1 + program.next() % 16,
        ..Limits::default()
    };
    let mut pair = Pair {
        encoder: Encoder::new(limits),
        decoder: Decoder::new(limits),
        limits,
        instructions: VecDeque::new(),
        sections: BTreeMap::new(),
        answers: VecDeque::new(),
        waiting: BTreeMap::new(),
        streams: 0,
        ended: BTreeSet::new(),
    };
    pair.step(&mut program);
    assert_eq!(pair.encoder.peer_allows(table_bytes as u64, limits.blocked_streams as u64), Ok(()));
    while !program.0.is_empty() {
        pair.step(&mut program);
    }
    pair.end();
}

impl Pair {
    fn step(&mut self, program: &mut Program<'_>) {
        match program.next() % 8 {
            0 | 1 => self.encode(program),
            2 => self.carry_instructions(program.next()),
            3 | 4 => self.carry_section(program.next()),
            5 => self.carry_answers(program.next()),
            6 => self.cancel(program.next() as u64),
            _ => {
                self.encoder.set_room(program.next() * 8);
                self.encoder.set_capacity(program.next() * 16);
            }
        }
        assert!(
            self.waiting.values().filter(|queue| !queue.is_empty()).count() <= self.limits.blocked_streams
        );
    }

    fn encode(&mut self, program: &mut Program<'_>) {
        let stream = match program.next() % 4 {
            0 => self.streams.saturating_sub(1),
            _ => self.streams,
        };
        self.streams = self.streams.max(stream + 1);
        if self.ended.contains(&stream) {
            return;
        }
        let lines: Vec<Line> = (0..program.next() % 6).map(|_| program.line()).collect();
        let mut wire = Vec::new();
        self.encoder.encode(stream, lines.iter().map(borrow), &mut wire);
        self.sections.entry(stream).or_default().push_back((wire, lines));
        self.instruct();
    }

    fn instruct(&mut self) {
        let mut instructions = Vec::new();
        self.encoder.write_instructions(&mut instructions);
        self.instructions.extend(instructions);
    }

    fn carry_instructions(&mut self, most: usize) {
        let piece: Vec<u8> = self.instructions.drain(..most.min(self.instructions.len())).collect();
        assert_eq!(self.decoder.read_instructions(&piece), Ok(()));
        while let Some(stream) = self.decoder.ready() {
            let mut lines = Vec::new();
            let outcome = self.decoder.resume(stream, WIDE, &mut |line| lines.push(own(line)));
            assert_eq!(outcome, Ok(Some(Outcome::Complete)));
            let sent = self.waiting.get_mut(&stream).and_then(VecDeque::pop_front);
            same(&lines, &sent.expect("it was put there when it began to wait"));
        }
        self.answer();
    }

    fn carry_section(&mut self, which: usize) {
        let streams = self.sections.len().max(1);
        let Some((stream, queue)) = self.sections.iter_mut().nth(which % streams) else { return };
        let Some((wire, sent)) = queue.pop_front() else {
            let stream = *stream;
            self.sections.remove(&stream);
            return;
        };
        let mut lines = Vec::new();
        match self.decoder.decode(*stream, &wire, WIDE, &mut |line| lines.push(own(line))) {
            Ok(Some(Outcome::Complete)) => same(&lines, &sent),
            Ok(None) => self.waiting.entry(*stream).or_default().push_back(sent),
            other => panic!("{other:?}"),
        }
        self.answer();
    }

    fn carry_answers(&mut self, most: usize) {
        let piece: Vec<u8> = self.answers.drain(..most.min(self.answers.len())).collect();
        assert_eq!(self.encoder.read_instructions(&piece), Ok::<(), Fault>(()));
    }

    fn cancel(&mut self, which: u64) {
        let stream = which % (self.streams + 1);
        if self.ended.insert(stream) {
            self.sections.remove(&stream);
            self.waiting.remove(&stream);
            assert_eq!(self.decoder.cancel(stream), Ok(()));
            self.answer();
        }
    }

    fn answer(&mut self) {
        let mut answers = Vec::new();
        self.decoder.write_instructions(&mut answers);
        self.answers.extend(answers);
    }

    /// Everything arrives; then nothing waits, and the encoder knows it.
    fn end(mut self) {
        self.instruct();
        while !self.sections.is_empty() {
            self.carry_section(0);
        }
        self.carry_instructions(usize::MAX);
        self.carry_answers(usize::MAX);
        assert!(self.waiting.values().all(VecDeque::is_empty) && self.decoder.ready().is_none());
        assert_eq!(self.encoder.costs(), (self.decoder.costs().0, 0));
    }
}

const WIDE: crate::section::Limits = crate::section::Limits { list_bytes: 1 << 20, lines: 1 << 10 };

/// Names, values and order are the same, and a secret stays one.
fn same(got: &[Line], sent: &[Line]) {
    assert_eq!(got.len(), sent.len());
    for (got, sent) in got.iter().zip(sent) {
        let (got, sent): (FieldLine<'_>, FieldLine<'_>) = (borrow(got), borrow(sent));
        assert_eq!((got.name, got.value), (sent.name, sent.value));
        assert!(got.sensitive || !sent.sensitive);
    }
}
