//! What was written into a world's one pipe, cut into TLS records.

use crate::{
    log::{Log, Note, What},
    pipe::Side,
    world::NodeId,
};
use sakigake_wire::Instant;

pub(crate) const CHANGE_CIPHER_SPEC: u8 = 20;
pub(crate) const ALERT: u8 = 21;
pub(crate) const HANDSHAKE: u8 = 22;
pub(crate) const APPLICATION_DATA: u8 = 23;
pub(crate) const HEAD_BYTES: usize = 5;
pub(crate) const TAG_BYTES: usize = 16;
pub(crate) const FINISHED: u8 = 20;

/// A record as its side wrote it.
pub(crate) struct Record {
    /// Where it begins in all that the side wrote.
    pub(crate) start: usize,
    /// The log's entry in which its last byte was written.
    pub(crate) wrote: usize,
    pub(crate) at: Instant,
    /// The log's entry in which its last byte arrived.
    pub(crate) heard: Option<usize>,
    pub(crate) head: [u8; HEAD_BYTES],
    pub(crate) body: Vec<u8>,
}

impl Record {
    pub(crate) fn end(&self) -> usize {
        self.start + HEAD_BYTES + self.body.len()
    }

    pub(crate) fn is_protected(&self) -> bool {
        self.head[0] == APPLICATION_DATA
    }

    /// Content type and content, readable as the plain provider leaves them; none when there is no type.
    pub(crate) fn content(&self) -> Option<(u8, &[u8])> {
        if !self.is_protected() {
            return Some((self.head[0], &self.body));
        }
        let inner = self.body.get(..self.body.len().checked_sub(TAG_BYTES)?)?;
        let at = inner.iter().rposition(|byte| *byte != 0)?;
        Some((inner[at], &inner[..at]))
    }

    /// An alert's level and description.
    pub(crate) fn alert(&self) -> Option<[u8; 2]> {
        match self.content()? {
            (ALERT, content) => content.try_into().ok(),
            _ => None,
        }
    }
}

/// All that a side wrote, in records, and how many bytes are left over.
pub(crate) fn records(log: &Log, side: Side) -> (Vec<Record>, usize) {
    let mut records: Vec<Record> = Vec::new();
    let mut waiting: Vec<u8> = Vec::new();
    let (mut start, mut arrived, mut next_heard) = (0, 0, 0);
    for (index, entry) in log.entries().iter().enumerate() {
        match &entry.what {
            What::Wrote { from, bytes, .. } if *from == side => {
                waiting.extend_from_slice(bytes);
                let mut at = 0;
                while let Some(head) = waiting[at..].first_chunk::<HEAD_BYTES>() {
                    let len = usize::from(u16::from_be_bytes([head[3], head[4]]));
                    let Some(body) = waiting[at + HEAD_BYTES..].get(..len) else { break };
                    let (head, body) = (*head, body.to_vec());
                    records.push(Record { start, wrote: index, at: entry.at, heard: None, head, body });
                    start += HEAD_BYTES + len;
                    at += HEAD_BYTES + len;
                }
                waiting.drain(..at);
            }
            What::Arrived { from, bytes, .. } if *from == side => {
                arrived += bytes.len();
                while let Some(record) = records.get_mut(next_heard).filter(|record| record.end() <= arrived)
                {
                    record.heard = Some(index);
                    next_heard += 1;
                }
            }
            _ => {}
        }
    }
    (records, waiting.len())
}

/// Who is at a side of the pipe.
pub(crate) fn node(log: &Log, side: Side) -> Option<NodeId> {
    log.entries().iter().find_map(|entry| match entry.what {
        What::Dialled { from, to, .. } => Some(if side == Side::Client { from } else { to }),
        _ => None,
    })
}

/// What somebody noted, with the log's entry for it.
pub(crate) fn notes(log: &Log, by: Option<NodeId>) -> impl Iterator<Item = (usize, &Note)> {
    log.entries().iter().enumerate().filter_map(move |(index, entry)| match &entry.what {
        What::Noted { node, note } if by.is_none_or(|by| by == *node) => Some((index, note)),
        _ => None,
    })
}

/// The record that carries a side's Finished.
pub(crate) fn finished(records: &[Record]) -> Option<&Record> {
    let mut messages = Messages::default();
    let mut protected = records.iter().filter(|record| record.is_protected());
    protected.find(|record| match record.content() {
        Some((HANDSHAKE, content)) => messages.take(content).iter().any(|(kind, _)| *kind == FINISHED),
        _ => false,
    })
}

/// Handshake messages out of the content of records.
#[derive(Default)]
pub(crate) struct Messages(Vec<u8>);

impl Messages {
    /// The messages that end in `content`: type and body.
    pub(crate) fn take(&mut self, content: &[u8]) -> Vec<(u8, Vec<u8>)> {
        self.0.extend_from_slice(content);
        let mut messages = Vec::new();
        while let Some([kind, high, middle, low]) = self.0.first_chunk().copied() {
            let len = u32::from_be_bytes([0, high, middle, low]) as usize;
            let Some(body) = self.0.get(4..4 + len) else { break };
            messages.push((kind, body.to_vec()));
            self.0.drain(..4 + len);
        }
        messages
    }

    /// Whether the last message has not ended.
    pub(crate) fn is_within(&self) -> bool {
        !self.0.is_empty()
    }
}
