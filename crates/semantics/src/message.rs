use crate::{Control, FieldLine, Fields, Part};

/// A request's control data (RFC 9110 section 6.2) and fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Method, scheme, authority, path and protocol.
    pub control: Control,
    /// Everything else.
    pub fields: Fields,
}

/// A response's status and fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// Three digits, 100 to 999.
    pub status: u16,
    /// Everything else.
    pub fields: Fields,
}

/// What a field section is to be: it decides which pseudo-fields are due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A request's section.
    Request,
    /// A response's section, final or not.
    Response,
    /// A section after the body, without pseudo-fields.
    Trailers,
}

/// A section that kept all rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// It was a request's.
    Request(Request),
    /// It was a response's.
    Response(Response),
    /// It came after a body.
    Trailers(Fields),
}

impl Request {
    /// A request over https without fields.
    pub fn new(method: impl AsRef<[u8]>, authority: impl AsRef<[u8]>, path: impl AsRef<[u8]>) -> Self {
        let control = Control::default().with(Part::Method, method).with(Part::Scheme, "https");
        Self {
            control: control.with(Part::Authority, authority).with(Part::Path, path),
            fields: Fields::new(),
        }
    }

    /// `GET https://{authority}{path}`.
    pub fn get(authority: &str, path: &str) -> Self {
        Self::new("GET", authority, path)
    }

    /// The same request with one field line more; the name is in lower case.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.push(name.as_bytes(), value.as_bytes());
        self
    }

    /// The same request with another part.
    #[must_use]
    pub fn with_part(mut self, part: Part, value: &[u8]) -> Self {
        self.control.set(part, value);
        self
    }

    /// `GET`, `HEAD`, ...: case matters.
    pub fn method(&self) -> &[u8] {
        self.control.method()
    }

    /// `https`; empty for CONNECT.
    pub fn scheme(&self) -> &[u8] {
        self.control.part(Part::Scheme)
    }

    /// Host and port; from `host` where the request had no `:authority`.
    pub fn authority(&self) -> &[u8] {
        self.control.part(Part::Authority)
    }

    /// Path and query; empty for CONNECT.
    pub fn path(&self) -> &[u8] {
        self.control.path()
    }

    /// Extended CONNECT's `:protocol` (RFC 8441).
    pub fn protocol(&self) -> Option<&[u8]> {
        Some(self.control.part(Part::Protocol)).filter(|protocol| !protocol.is_empty())
    }

    /// What an encoder writes: the pseudo-fields that there are, then the fields (RFC 9113 section 8.3).
    pub fn lines(&self) -> impl Iterator<Item = FieldLine<'_>> + Clone {
        let pseudo = [
            (&b":method"[..], self.method()),
            (b":scheme", self.scheme()),
            (b":authority", self.authority()), // spec: 9113-8.3.1-h
            (b":path", self.path()),
            (b":protocol", self.control.part(Part::Protocol)),
        ];
        // Whoever names a scheme names a path, even the empty one of a scheme that is not HTTP's.
        let has_path = !self.scheme().is_empty();
        let is_present =
            move |(name, value): &(&[u8], &[u8])| !value.is_empty() || has_path && *name == b":path";
        let present = pseudo.into_iter().filter(is_present);
        present.map(|(name, value)| FieldLine::new(name, value)).chain(self.fields.iter()) // spec: 9113-8.3-a
    }
}

impl Response {
    /// A response without fields.
    pub const fn new(status: u16) -> Self {
        Self { status, fields: Fields::new() }
    }

    /// The same response with one field line more; the name is in lower case.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.push(name.as_bytes(), value.as_bytes());
        self
    }

    /// Whether another response follows on the same stream (RFC 9110 section 15.2).
    pub const fn is_informational(&self) -> bool {
        matches!(self.status, 100..=199)
    }

    /// What an encoder writes: `:status`, then the fields. A status above 999 goes out as 999's neighbour, 500, since
    /// three digits are all there is.
    pub fn lines(&self) -> impl Iterator<Item = FieldLine<'_>> + Clone {
        let digits = STATUS_DIGITS.get(usize::from(self.status)).unwrap_or(&STATUS_DIGITS[500]);
        core::iter::once(FieldLine::new(b":status", digits)).chain(self.fields.iter())
    }
}

/// Each status in three digits.
static STATUS_DIGITS: [[u8; 3]; 1000] = {
    let mut digits = [[0; 3]; 1000];
    let mut status = 0;
    while status < 1000 {
        digits[status] =
            [b'0' + (status / 100) as u8, b'0' + (status / 10 % 10) as u8, b'0' + (status % 10) as u8];
        status += 1;
    }
    digits
};

#[cfg(test)]
mod tests;
