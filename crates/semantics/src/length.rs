//! The length that a message declares, held against what comes.

use crate::{Fields, Malformed, Request, Response, rules::refuse_if};

/// Holds a body against its `content-length` (RFC 9113 section 8.1.1). The default allows any length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BodyLength {
    declared: Option<u64>,
    seen: u64,
    forbidden: bool,
}

impl BodyLength {
    /// What a request's body may be.
    pub fn of_request(request: &Request) -> Result<Self, Malformed> {
        if request.method() == b"CONNECT" {
            return Ok(Self::default());
        }
        Ok(Self { declared: parse(&request.fields)?, seen: 0, forbidden: false })
    }

    /// What the body of a final response to a request with `method` may be. A length in an answer to HEAD, or in a 304,
    /// tells what GET would have brought (RFC 9110 section 8.6); a tunnel has none (section 9.3.6).
    pub fn of_response(response: &Response, method: &[u8]) -> Result<Self, Malformed> {
        if method == b"CONNECT" && matches!(response.status, 200..=299) {
            return Ok(Self::default());
        }
        let declared = parse(&response.fields)?;
        let forbidden = method == b"HEAD" || matches!(response.status, 100..=199 | 204 | 304); // spec: 9113-8.1.1-b
        Ok(Self { declared: declared.filter(|_| !forbidden), seen: 0, forbidden })
    }

    /// The length that was declared for this body, in bytes.
    pub const fn declared(&self) -> Option<u64> {
        self.declared
    }

    /// Bytes that came so far.
    pub const fn seen(&self) -> u64 {
        self.seen
    }

    /// Counts `bytes` of data, padding left out.
    pub fn data(&mut self, bytes: usize) -> Result<(), Malformed> {
        self.seen = self.seen.saturating_add(bytes as u64);
        refuse_if(self.forbidden && bytes > 0, Malformed::BodyForbidden)?;
        refuse_if(self.declared.is_some_and(|declared| self.seen > declared), Malformed::BodyTooLong) // spec: 9113-8.1.1-a
    }

    /// The body is complete.
    pub fn end(&self) -> Result<(), Malformed> {
        refuse_if(self.declared.is_some_and(|declared| self.seen < declared), Malformed::BodyTooShort) // spec: 9113-8.1.1-a
    }
}

/// One number, or the same number several times, as lines or as a list (RFC 9110 section 8.6).
fn parse(fields: &Fields) -> Result<Option<u64>, Malformed> {
    let mut declared = None;
    for line in fields.find_all(b"content-length") {
        for element in line.split(|byte| *byte == b',') {
            let length = parse_number(element.trim_ascii())?;
            refuse_if(declared.is_some_and(|other| other != length), Malformed::ContentLength)?;
            declared = Some(length);
        }
    }
    Ok(declared)
}

fn parse_number(digits: &[u8]) -> Result<u64, Malformed> {
    refuse_if(digits.is_empty(), Malformed::ContentLength)?;
    digits.iter().try_fold(0_u64, |number, digit| {
        refuse_if(!digit.is_ascii_digit(), Malformed::ContentLength)?;
        let shifted = number.checked_mul(10).and_then(|number| number.checked_add(u64::from(digit - b'0')));
        shifted.ok_or(Malformed::ContentLength)
    })
}

#[cfg(test)]
mod tests;
