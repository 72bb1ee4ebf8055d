//! `qpack TABLE_BYTES BLOCKED_STREAMS < SET`: encodes the sections of a set, for another program to decode.
//!
//! A set has a line a field, name and value with a tab between them, and an empty line behind each section. What comes out
//! is a stream's number in eight bytes, a length in four, and so many bytes, again and again; stream 0 is the encoder's.
//! The decoder acknowledges at once.

use sakigake_fields::{
    FieldLine,
    qpack::{Decoder, Encoder, Limits},
    section,
};
use std::{
    error::Error,
    io::{self, Read, Write},
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1).map(|word| word.parse::<usize>());
    let mut next = || words.next().ok_or("Usage: qpack TABLE_BYTES BLOCKED_STREAMS < SET");
    let (table_bytes, blocked_streams) = (next()??, next()??);
    let limits = Limits { table_bytes, peer_table_bytes: table_bytes, blocked_streams, ..Limits::default() };
    let (mut encoder, mut decoder) = (Encoder::new(limits), Decoder::new(limits));
    encoder.peer_allows(table_bytes as u64, blocked_streams as u64)?;

    let (mut set, mut out) = (String::new(), Vec::new());
    io::stdin().read_to_string(&mut set)?;
    let sections =
        set.trim().split("\n\n").map(|section| section.lines().filter_map(|line| line.split_once('\t')));
    for (stream, section) in (1..).zip(sections) {
        let (mut wire, mut instructions, mut answers) = (Vec::new(), Vec::new(), Vec::new());
        let lines = section.map(|(name, value)| FieldLine::new(name.as_bytes(), value.as_bytes()));
        encoder.encode(stream, lines, &mut wire);
        encoder.write_instructions(&mut instructions);
        // A section that may wait does: it leaves before the instructions.
        record(stream, &wire, &mut out);
        record(0, &instructions, &mut out);
        decoder.read_instructions(&instructions)?;
        let limits = section::Limits { list_bytes: 1 << 20, lines: 1 << 10 };
        if decoder.decode(stream, &wire, limits, &mut |_| ())?.is_none() {
            return Err("a section waits whose instructions have come".into());
        }
        decoder.write_instructions(&mut answers);
        encoder.read_instructions(&answers)?;
    }
    io::stdout().write_all(&out)?;
    Ok(())
}

fn record(stream: u64, bytes: &[u8], out: &mut Vec<u8>) {
    if !bytes.is_empty() {
        out.extend_from_slice(&stream.to_be_bytes());
        out.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
        out.extend_from_slice(bytes);
    }
}
