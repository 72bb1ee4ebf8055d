//! DNS messages (RFC 1035 section 4), as far as one question and its answer need them.

use super::Record;
use sakigake_wire::Reader;

/// HTTPS (RFC 9460), CNAME, OPT (RFC 6891), and the class IN.
const HTTPS: u16 = 65;
const CNAME: u16 = 5;
const OPT: u16 = 41;
const IN: u16 = 1;

/// Bytes of an answer that may come in one datagram (RFC 6891 section 6.2.5; what no path fragments).
pub(super) const DATAGRAM_BYTES: u16 = 1_232;
/// Names that CNAMEs may lead through.
const CHAIN: usize = 8;

/// What a server says to a question.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// The name that has the records, after CNAMEs.
    pub(super) owner: String,
    pub(super) records: Vec<Record>,
    pub(super) ttl_secs: u32,
}

/// What is to be done with what came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Answer(Answer),
    /// It did not fit: the same by TCP.
    Truncated,
    /// The server could not say.
    Failed,
}

/// A question for a name's HTTPS records. `None` for what is no name.
pub(super) fn question(id: u16, name: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let recursion_desired = 0x0100_u16;
    for field in [id, recursion_desired, 1, 0, 0, 1] {
        bytes.extend_from_slice(&field.to_be_bytes());
    }
    let begin = bytes.len();
    for label in name.trim_end_matches('.').split('.') {
        let len = u8::try_from(label.len()).ok().filter(|len| (1..=63).contains(len))?;
        bytes.push(len);
        bytes.extend_from_slice(label.as_bytes());
    }
    bytes.push(0);
    if bytes.len() - begin > 255 {
        return None;
    }
    for field in [HTTPS, IN] {
        bytes.extend_from_slice(&field.to_be_bytes());
    }
    bytes.push(0); // The root owns OPT.
    for field in [OPT, DATAGRAM_BYTES, 0, 0, 0] {
        bytes.extend_from_slice(&field.to_be_bytes());
    }
    Some(bytes)
}

/// Reads an answer to the question `asked`. `None` for what is none, or answers something else: it is as if it had not come.
pub(super) fn answer(asked: &[u8], bytes: &[u8]) -> Option<Heard> {
    let mut reader = Reader::new(bytes);
    let (id, flags) = (reader.u16().ok()?, reader.u16().ok()?);
    let counts = [reader.u16().ok()?, reader.u16().ok()?, reader.u16().ok()?, reader.u16().ok()?];
    let is_answer = flags & 0xf800 == 0x8000; // QR, and an ordinary query.
    if !is_answer || asked.get(..2)? != id.to_be_bytes() || counts[0] != 1 {
        return None;
    }
    let (name_asked, end) = name(asked, 12)?;
    let (name_here, mut at) = name(bytes, 12)?;
    if name_here != name_asked || bytes.get(at..at + 4)? != asked.get(end..end + 4)? {
        return None;
    }
    at += 4;
    match flags {
        _ if flags & 0x0200 != 0 => return Some(Heard::Truncated),
        _ if !matches!(flags & 0x000f, 0 | 3) => return Some(Heard::Failed), // NXDOMAIN says that there is nothing.
        _ => {}
    }
    let mut rows = Vec::new();
    for _ in 0..counts[1] {
        let row = row(bytes, &mut at)?;
        rows.push(row);
    }
    Some(collect(bytes, rows, name_asked).map_or(Heard::Failed, Heard::Answer))
}

/// A resource record, and where its data is.
struct Row {
    owner: String,
    kind: u16,
    ttl_secs: u32,
    data: core::ops::Range<usize>,
}

fn row(bytes: &[u8], at: &mut usize) -> Option<Row> {
    let (owner, end) = name(bytes, *at)?;
    let mut reader = Reader::new(bytes.get(end..)?);
    let (kind, class, ttl_secs) = (reader.u16().ok()?, reader.u16().ok()?, reader.u32().ok()?);
    let len = usize::from(reader.u16().ok()?);
    let begin = end + 10;
    bytes.get(begin..begin + len)?;
    *at = begin + len;
    let kind = if class == IN { kind } else { 0 };
    Some(Row { owner, kind, ttl_secs, data: begin..begin + len })
}

/// The records of the name that the question leads to. `None` where one of them is malformed: then all are (RFC 9460 section 2.2).
fn collect(bytes: &[u8], rows: Vec<Row>, asked: String) -> Option<Answer> {
    let (mut owner, mut ttl_secs) = (asked, u32::MAX);
    for _ in 0..CHAIN {
        let Some(cname) = rows.iter().find(|row| row.kind == CNAME && row.owner == owner) else { break };
        ttl_secs = ttl_secs.min(cname.ttl_secs);
        (owner, _) = name(bytes, cname.data.start)?;
    }
    let mut records = Vec::new();
    for row in rows.iter().filter(|row| row.kind == HTTPS && row.owner == owner) {
        ttl_secs = ttl_secs.min(row.ttl_secs);
        records.push(Record::parse(&bytes[row.data.clone()])?); // spec: 9460-2.2-b
    }
    Some(Answer { owner, records, ttl_secs })
}

/// The name at `at`, in lower case and without a dot at its end, and where what follows begins. `None` for what is none, or no
/// host's: we could not dial it.
pub(super) fn name(bytes: &[u8], at: usize) -> Option<(String, usize)> {
    let (mut text, mut at, mut end, mut earliest) = (String::new(), at, None, at);
    loop {
        let len = *bytes.get(at)?;
        match len {
            0 => return Some((text, end.unwrap_or(at + 1))),
            1..=63 => {
                let label = bytes.get(at + 1..at + 1 + usize::from(len))?;
                let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
                if !label.iter().all(is_plain) || text.len() + label.len() >= 254 {
                    return None;
                }
                if !text.is_empty() {
                    text.push('.');
                }
                text.extend(label.iter().map(|byte| char::from(byte.to_ascii_lowercase())));
                at += 1 + usize::from(len);
            }
            0xc0.. => {
                let to = usize::from(len & 0x3f) << 8 | usize::from(*bytes.get(at + 1)?);
                end = end.or(Some(at + 2));
                // Each leads further to the front: there is an end of it.
                if to >= earliest {
                    return None;
                }
                (at, earliest) = (to, to);
            }
            _ => return None,
        }
    }
}
