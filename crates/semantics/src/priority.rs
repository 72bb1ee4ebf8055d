//! Priorities (RFC 9218): how soon a response is wanted, and its field value.

use crate::Fields;
use core::fmt;

/// How soon a response is wanted (RFC 9218 section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Priority {
    /// From 0, most urgent, to 7.
    pub urgency: u8,
    /// Whether the response is of use piece by piece, so that it may share the connection with its equals.
    pub incremental: bool,
}

impl Default for Priority {
    fn default() -> Self {
        Self { urgency: 3, incremental: false }
    }
}

impl Priority {
    /// The least urgent urgency.
    pub const LAST: u8 = 7;

    /// Reads a `priority` field value, or a PRIORITY_UPDATE frame's. Unknown members are skipped; a value out of range or
    /// of another type counts as absent; what is not a dictionary at all (RFC 9651 section 4.2.2) is the default.
    pub fn parse(value: &[u8]) -> Self {
        Said::parse(value).over(Self::default())
    }

    /// Reads a section's `priority` lines, joined as one list; `None` when there are none.
    pub fn of(fields: &Fields) -> Option<Self> {
        Said::of(fields).map(|said| said.over(Self::default()))
    }

    /// What a server makes of a client's priority by its response's `priority` lines: it overrides what it names, and nothing
    /// else (RFC 9218 section 8).
    #[must_use]
    pub fn refined_by(self, response: &Fields) -> Self {
        Said::of(response).map_or(self, |said| said.over(self)) // spec: 9218-8-a
    }
}

impl fmt::Display for Priority {
    /// A `priority` field value without what is default: `u=1, i`, or nothing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let urgency = (self.urgency != Self::default().urgency).then_some(self.urgency.min(Self::LAST));
        match (urgency, self.incremental) {
            (Some(urgency), true) => write!(f, "u={urgency}, i"),
            (Some(urgency), false) => write!(f, "u={urgency}"),
            (None, true) => f.write_str("i"),
            (None, false) => Ok(()),
        }
    }
}

/// The members that a field value names, each where it has a value that counts.
#[derive(Default)]
struct Said {
    urgency: Option<u8>,
    incremental: Option<bool>,
}

impl Said {
    fn parse(value: &[u8]) -> Self {
        let mut read = Dictionary { rest: value.trim_ascii() };
        let mut said = Self::default();
        loop {
            match read.member() {
                Some(Some((b"u", value))) => said.urgency = value.urgency(), // spec: 9218-4.1-a
                Some(Some((b"i", value))) => said.incremental = value.boolean(), // spec: 9218-4.2-a
                Some(Some(_)) => {}                                          // spec: 9218-4-a
                Some(None) => return said,
                None => return Self::default(),
            }
        }
    }

    fn of(fields: &Fields) -> Option<Self> {
        let mut lines = fields.find_all(b"priority");
        let first = lines.next()?;
        let rest: Vec<_> = lines.collect();
        if rest.is_empty() {
            return Some(Self::parse(first));
        }
        Some(Self::parse(&[&[first], &rest[..]].concat().join(&b", "[..])))
    }

    fn over(self, before: Priority) -> Priority {
        Priority {
            urgency: self.urgency.unwrap_or(before.urgency),
            incremental: self.incremental.unwrap_or(before.incremental),
        }
    }
}

/// Whether a structured field is the boolean true, whatever its parameters (RFC 9651 section 4.2).
pub(crate) fn is_true(value: &[u8]) -> bool {
    let mut read = Dictionary { rest: value.trim_ascii() };
    let is_true = matches!(read.bare_item(), Some(Value::Boolean(true)));
    is_true && read.parameters().is_some() && read.rest.is_empty()
}

/// A member's value, as far as anybody here asks.
enum Value {
    Integer(i64),
    Boolean(bool),
    Other,
}

impl Value {
    fn urgency(&self) -> Option<u8> {
        match self {
            Self::Integer(number) => u8::try_from(*number).ok().filter(|urgency| *urgency <= Priority::LAST),
            Self::Boolean(_) | Self::Other => None,
        }
    }

    fn boolean(&self) -> Option<bool> {
        match self {
            Self::Boolean(truth) => Some(*truth),
            Self::Integer(_) | Self::Other => None,
        }
    }
}

/// A reader of structured dictionaries, and of what they are made of (RFC 9651 section 4.2.2). `None` anywhere: this is not one.
struct Dictionary<'a> {
    rest: &'a [u8],
}

impl<'a> Dictionary<'a> {
    /// The next member, or `Some(None)` at the end.
    fn member(&mut self) -> Option<Option<(&'a [u8], Value)>> {
        if self.rest.is_empty() {
            return Some(None);
        }
        let key = self.key()?;
        let value = if self.eat(b'=') { self.item_or_list()? } else { Value::Boolean(true) };
        self.parameters()?;
        self.rest = self.rest.trim_ascii_start();
        if !self.rest.is_empty() {
            self.eat(b',').then_some(())?;
            self.rest = self.rest.trim_ascii_start();
            (!self.rest.is_empty()).then_some(())?;
        }
        Some(Some((key, value)))
    }

    fn item_or_list(&mut self) -> Option<Value> {
        if !self.eat(b'(') {
            return self.bare_item();
        }
        loop {
            while self.eat(b' ') {}
            if self.eat(b')') {
                return Some(Value::Other);
            }
            self.bare_item()?;
            self.parameters()?;
            matches!(self.rest.first(), Some(b' ' | b')')).then_some(())?;
        }
    }

    fn parameters(&mut self) -> Option<()> {
        while self.eat(b';') {
            while self.eat(b' ') {}
            self.key()?;
            if self.eat(b'=') {
                self.bare_item()?;
            }
        }
        Some(())
    }

    fn bare_item(&mut self) -> Option<Value> {
        match *self.rest.first()? {
            b'?' => {
                self.rest = &self.rest[1..];
                let truth = self.eat(b'1');
                (truth || self.eat(b'0')).then_some(Value::Boolean(truth))
            }
            b'"' => self.quoted(1),
            b'%' => self.quoted(2),
            b':' => {
                self.rest = &self.rest[1..];
                self.take_while(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte));
                self.eat(b':').then_some(Value::Other)
            }
            b'@' => {
                self.rest = &self.rest[1..];
                self.number().map(|_| Value::Other)
            }
            b'-' | b'0'..=b'9' => self.number(),
            b'*' | b'A'..=b'Z' | b'a'..=b'z' => {
                self.take_while(|byte| crate::is_token(&[byte]) || byte == b':' || byte == b'/');
                Some(Value::Other)
            }
            _ => None,
        }
    }

    /// A string behind its opening quote of `opening` bytes.
    fn quoted(&mut self, opening: usize) -> Option<Value> {
        self.rest = self.rest.get(opening..)?;
        loop {
            let (byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            match byte {
                b'"' => return Some(Value::Other),
                b'\\' => self.rest = self.rest.get(1..)?,
                0x20..=0x7e => {}
                _ => return None,
            }
        }
    }

    fn number(&mut self) -> Option<Value> {
        let negative = self.eat(b'-');
        let digits = self.take_while(|byte| byte.is_ascii_digit());
        (1..=15).contains(&digits.len()).then_some(())?;
        if self.eat(b'.') {
            let fraction = self.take_while(|byte| byte.is_ascii_digit());
            return (1..=3).contains(&fraction.len()).then_some(Value::Other);
        }
        let number = digits.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0'));
        Some(Value::Integer(if negative { -number } else { number }))
    }

    fn key(&mut self) -> Option<&'a [u8]> {
        let start = matches!(self.rest.first(), Some(b'a'..=b'z' | b'*'));
        let key =
            self.take_while(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.' | b'*'));
        start.then_some(key)
    }

    fn take_while(&mut self, keep: impl Fn(u8) -> bool) -> &'a [u8] {
        let len = self.rest.iter().position(|byte| !keep(*byte)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(len);
        self.rest = rest;
        taken
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.rest.first() == Some(&byte);
        self.rest = &self.rest[usize::from(found)..];
        found
    }
}

#[cfg(test)]
mod tests;
