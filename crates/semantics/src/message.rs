use crate::{FieldLine, Fields};

/// A request's control data (RFC 9110 section 6.2) and fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `HEAD`, ...: case matters.
    pub method: Vec<u8>,
    /// `https`; empty for CONNECT.
    pub scheme: Vec<u8>,
    /// Host and port; from `host` where the request had no `:authority`.
    pub authority: Vec<u8>,
    /// Path and query; empty for CONNECT.
    pub path: Vec<u8>,
    /// Extended CONNECT's `:protocol` (RFC 8441).
    pub protocol: Option<Vec<u8>>,
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

/// A section under assembly: takes lines as a decoder yields them, remembers the first broken rule, and never makes the
/// decoder stop (its table must stay in step).
#[derive(Debug)]
pub struct Assembly {
    kind: Kind,
    malformed: Option<Malformed>,
    request: Request,
    status: Option<u16>,
}

/// Why a message is malformed (RFC 9113 section 8.1.1, RFC 9114 section 4.1.2): one variant a sin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// A field name with an upper-case letter or a byte that no name may have.
    Name,
}

impl Assembly {
    /// An empty section.
    pub fn new(kind: Kind) -> Self {
        Self { kind, malformed: None, request: Request::default(), status: None }
    }

    /// Takes the next line.
    pub fn push(&mut self, line: FieldLine<'_>) {
        self.request.fields.push_line(line);
    }

    /// The whole message, or what was wrong with it.
    pub fn finish(self) -> Result<Message, Malformed> {
        match (self.malformed, self.kind) {
            (Some(malformed), _) => Err(malformed),
            (None, Kind::Request) => Ok(Message::Request(self.request)),
            (None, Kind::Response) => Ok(Message::Response(Response {
                status: self.status.unwrap_or(0),
                fields: self.request.fields,
            })),
            (None, Kind::Trailers) => Ok(Message::Trailers(self.request.fields)),
        }
    }
}

/// Holds a body against its `content-length` (RFC 9113 section 8.1.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BodyLength {
    declared: Option<u64>,
    seen: u64,
}
