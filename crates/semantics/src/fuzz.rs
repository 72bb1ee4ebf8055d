//! Fuzz bodies: they hold what must be true of any bytes.

use crate::{Assembly, FieldLine, Kind, Message, Priority};

/// Any lines make a message or a sin, and a message survives its own lines.
pub fn fuzz_assembly(bytes: &[u8]) {
    let (first, rest) = bytes.split_first().unwrap_or((&0, &[]));
    let kind = [Kind::Request, Kind::Response, Kind::Trailers][usize::from(first & 3) % 3];
    let mut assembly = Assembly::new(kind, first & 4 != 0);
    for line in rest.split(|byte| *byte == b'\n') {
        let colon = line.iter().skip(1).position(|byte| *byte == b':').map_or(line.len(), |at| at + 1);
        assembly.push(FieldLine::new(&line[..colon], line.get(colon + 1..).unwrap_or_default()));
    }
    let Ok(message) = assembly.finish() else { return };
    let mut again = Assembly::new(kind, first & 4 != 0);
    match &message {
        Message::Request(request) => request.lines().for_each(|line| again.push(line)),
        Message::Response(response) => response.lines().for_each(|line| again.push(line)),
        Message::Trailers(fields) => fields.iter().for_each(|line| again.push(line)),
    }
    assert_eq!(again.finish(), Ok(message), "a message survives its own lines");
}

/// Any bytes are a priority, and that survives its own text.
pub fn fuzz_priority(bytes: &[u8]) {
    let priority = Priority::parse(bytes);
    assert!(priority.urgency <= Priority::LAST);
    assert_eq!(Priority::parse(priority.to_string().as_bytes()), priority);
}
