//! Tells records and messages of both directions to an owner that wants to print them.

use super::Event;
use crate::{
    record::{Boundary, HEADER_BYTES},
    rules::{ContentType, Side},
    trace,
};
use core::fmt;

/// What was sent and not told yet; beyond that it is forgotten.
const WAITING_RECORDS: usize = 256;

/// One thing to print: [`fmt::Display`] gives it in lines that end with a newline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traced<'a> {
    /// A record.
    Record {
        /// Who sent it.
        sender: Side,
        /// Its header.
        header: [u8; 5],
        /// The inner type and content of a protected one.
        opened: Option<(ContentType, &'a [u8])>,
    },
    /// A handshake message, header included.
    Message {
        /// Who sent it.
        sender: Side,
        /// All of it.
        bytes: &'a [u8],
    },
    /// An alert in a plain record; a protected one stands in [`Traced::Record`].
    Alert {
        /// Who sent it.
        sender: Side,
        /// Level and description.
        bytes: &'a [u8],
    },
}

/// Both directions of a connection.
pub(super) struct Tracer {
    sent: Direction,
    received: Direction,
    waiting: Vec<Record>,
}

/// Puts messages together from one side's records.
struct Direction {
    sender: Side,
    boundary: Boundary,
    message: Vec<u8>,
}

struct Record {
    header: [u8; HEADER_BYTES],
    kind: ContentType,
    content: Vec<u8>,
    protected: bool,
}

impl Tracer {
    pub(super) fn new(side: Side) -> Self {
        let direction = |sender| Direction { sender, boundary: Boundary::default(), message: Vec::new() };
        Self { sent: direction(side), received: direction(side.peer()), waiting: Vec::new() }
    }

    /// Notes a record that leaves, until the owner can be told.
    pub(super) fn sends(&mut self, record: &[u8], kind: ContentType, content: &[u8], protected: bool) {
        let Some(header) = record.first_chunk().copied() else { return };
        if self.waiting.len() < WAITING_RECORDS {
            self.waiting.push(Record { header, kind, content: content.to_vec(), protected });
        }
    }

    /// Tells what has left.
    pub(super) fn tell(&mut self, heard: &mut impl FnMut(Event<'_>)) {
        for record in core::mem::take(&mut self.waiting) {
            self.sent.tell(&record, heard);
        }
    }

    /// Tells a record that came.
    pub(super) fn receives(
        &mut self,
        header: [u8; HEADER_BYTES],
        kind: ContentType,
        content: &[u8],
        protected: bool,
        heard: &mut impl FnMut(Event<'_>),
    ) {
        self.received.tell(&Record { header, kind, content: content.to_vec(), protected }, heard);
    }
}

impl Direction {
    fn tell(&mut self, record: &Record, heard: &mut impl FnMut(Event<'_>)) {
        let sender = self.sender;
        let opened = record.protected.then_some((record.kind, &record.content[..]));
        heard(Event::Traced(Traced::Record { sender, header: record.header, opened }));
        match record.kind {
            ContentType::ALERT if !record.protected => {
                heard(Event::Traced(Traced::Alert { sender, bytes: &record.content }));
            }
            ContentType::HANDSHAKE => self.tell_messages(&record.content, heard),
            _ => {}
        }
    }

    fn tell_messages(&mut self, content: &[u8], heard: &mut impl FnMut(Event<'_>)) {
        let mut rest = content;
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(self.boundary.take(rest));
            self.message.extend_from_slice(piece);
            rest = after;
            if self.boundary.is_aligned() {
                let bytes = core::mem::take(&mut self.message);
                heard(Event::Traced(Traced::Message { sender: self.sender, bytes: &bytes }));
            }
        }
    }
}

impl fmt::Display for Traced<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&match self {
            Self::Record { sender, header, opened } => trace::record(*sender, *header, *opened),
            Self::Message { sender, bytes } => trace::message(*sender, bytes),
            Self::Alert { sender, bytes } => trace::alert(*sender, bytes),
        })
    }
}
