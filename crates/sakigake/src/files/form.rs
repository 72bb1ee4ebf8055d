//! One representation of a file: the bytes that go out, and the answers that have them (RFC 9110 section 3.2).

use super::ask::{Ask, Wants};
use super::asset::Outcome;
use super::coding::Coding;
use super::conditions::{Verdict, judge};
use super::ranges::{self, Choice, Range};
use super::tree::{Opened, Validators};
use super::{Body, Reply, types};
use sakigake_semantics::{Chunk, Fields, Response};
use std::fs::File;
use std::io;
use std::sync::Arc;

/// What all forms of a file have in common.
pub(super) struct Head {
    pub(super) content_type: &'static str,
    /// Field lines that the site adds.
    pub(super) extra: Fields,
    /// Whether the form depends on what the client takes.
    pub(super) is_negotiated: bool,
}

/// The bytes, and the answer to whoever asks for all of them.
pub(super) struct Form {
    coding: Coding,
    validators: Validators,
    source: Source,
    whole: Response,
}

/// Where the bytes come from.
pub(super) enum Source {
    /// They lie in a file, and here.
    Bytes(Arc<[u8]>),
    /// They lie in a file.
    File(Arc<File>, u64),
    /// They were compressed here.
    Made(Arc<[u8]>),
    /// They are compressed as they go: the owner adds the body.
    Stream,
}

impl Head {
    pub(super) fn new(content_type: &'static str, extra: Fields) -> Self {
        Self { content_type, extra, is_negotiated: false }
    }

    /// Whether another coding may be made of the file and is worth it (RFC 9111 section 5.2.2.6).
    pub(super) fn may_be_transformed(&self) -> bool {
        let is_kept = |value: &[u8]| {
            value
                .split(|&byte| byte == b',')
                .any(|part| part.trim_ascii().eq_ignore_ascii_case(b"no-transform"))
        };
        types::is_compressible(self.content_type) && !self.extra.find_all(b"cache-control").any(is_kept)
    }
}

impl Form {
    pub(super) fn new(head: &Head, coding: Coding, mut validators: Validators, source: Source) -> Self {
        // A form may be as old as its file to the second, and then the time says nothing of which it is.
        validators.is_time_strong &= !head.is_negotiated; // spec: 9110-8.8.1-a
        let mut form = Self { coding, validators, source, whole: Response::new(200) };
        let mut fields = form.part_fields(head);
        fields.push(b"content-type", head.content_type.as_bytes());
        if let Some(len) = form.source.len() {
            fields.push(b"content-length", len.to_string().as_bytes());
        }
        form.whole.fields = fields;
        form
    }

    pub(super) fn coding(&self) -> Coding {
        self.coding
    }

    pub(super) fn source(&self) -> &Source {
        &self.source
    }

    /// Bytes; as many as can be where nobody knows.
    pub(super) fn len(&self) -> u64 {
        self.source.len().unwrap_or(u64::MAX)
    }

    /// All bytes, where they are in memory.
    pub(super) fn bytes(&self) -> Option<&Arc<[u8]>> {
        match &self.source {
            Source::Bytes(bytes) | Source::Made(bytes) => Some(bytes),
            Source::File(..) | Source::Stream => None,
        }
    }

    /// Bytes that it takes in memory.
    pub(super) fn cost(&self) -> usize {
        self.bytes().map_or(0, |bytes| bytes.len()) + self.whole.fields.size()
    }

    /// Answers a GET or HEAD.
    pub(super) fn answer(&self, ask: &Ask<'_>, wants: &Wants<'_>, head: &Head) -> Outcome {
        match wants.is_conditional {
            false => self.all(ask),
            true => self.judged(ask, head),
        }
    }

    /// The whole of it.
    fn all(&self, ask: &Ask<'_>) -> Outcome {
        // spec: 9110-9.3.2-a
        let body = if ask.is_head() { Body::empty() } else { self.source.body() };
        Outcome::Reply(Reply { response: self.whole.clone(), body })
    }

    /// What the conditions and ranges leave of it.
    fn judged(&self, ask: &Ask<'_>, head: &Head) -> Outcome {
        let verdict = judge(ask, &self.validators);
        let (choice, len) = match (verdict, self.source.exact_len()) {
            (Verdict::Failed, _) => return Outcome::Failed,
            (Verdict::NotModified, _) => {
                let response = Response { status: 304, fields: self.version_fields(head) };
                return Outcome::Reply(Reply { response, body: Body::empty() });
            }
            // Parts of what may be other bytes next time would be of use to nobody.
            (Verdict::Whole, _) | (Verdict::Ranges(_), None) => return self.all(ask),
            (Verdict::Ranges(wanted), Some(len)) => (ranges::choose(wanted, len), len),
        };
        let mut fields = self.part_fields(head);
        let mut body = Body::empty();
        match choice {
            Choice::Whole => return self.all(ask),
            Choice::Unsatisfiable => return Outcome::Unsatisfiable(len),
            Choice::One(range) => {
                fields.push(b"content-type", head.content_type.as_bytes());
                fields.push(b"content-range", range.content_range(len).as_bytes()); // spec: 9110-15.3.7.1-a
                self.source.push(&mut body, range);
            }
            Choice::Many(many) => {
                let boundary = self.validators.boundary();
                fields.push(b"content-type", format!("multipart/byteranges; boundary={boundary}").as_bytes());
                self.multipart(&mut body, &many, len, head.content_type, &boundary);
            }
        }
        fields.push(b"content-length", body.len().expect("parts of a file").to_string().as_bytes());
        Outcome::Reply(Reply { response: Response { status: 206, fields }, body })
    }

    /// What 304 has too.
    fn version_fields(&self, head: &Head) -> Fields {
        let mut fields = Fields::new();
        if head.extra.find(b"cache-control").is_none() {
            fields.push(b"cache-control", b"no-cache");
        }
        fields.push(b"etag", self.validators.tag.as_bytes()); // spec: 9110-8.8.3-a
        if let Some(modified) = &self.validators.modified {
            fields.push(b"last-modified", httpdate::fmt_http_date(*modified).as_bytes());
        }
        if head.is_negotiated {
            fields.push(b"vary", b"accept-encoding"); // spec: 9110-12.5.5-a
        }
        head.extra.iter().for_each(|line| fields.push(line.name, line.value));
        fields
    }

    /// What 200 and 206 have in common.
    fn part_fields(&self, head: &Head) -> Fields {
        let mut fields = self.version_fields(head);
        if self.source.exact_len().is_some() {
            fields.push(b"accept-ranges", b"bytes");
        }
        fields.push(b"x-content-type-options", b"nosniff");
        if self.coding != Coding::Identity {
            fields.push(b"content-encoding", self.coding.name().as_bytes()); // spec: 9110-8.4-a
        }
        fields
    }

    /// RFC 9110 section 14.6.
    fn multipart(&self, body: &mut Body, ranges: &[Range], len: u64, content_type: &str, boundary: &str) {
        for range in ranges {
            let head = format!(
                "\r\n--{boundary}\r\ncontent-type: {content_type}\r\ncontent-range: {}\r\n\r\n", // spec: 9110-15.3.7.2-a
                range.content_range(len)
            );
            body.push_bytes(Chunk::Owned(head.into_bytes()));
            self.source.push(body, *range);
        }
        body.push_bytes(Chunk::Owned(format!("\r\n--{boundary}--\r\n").into_bytes()));
    }
}

impl Source {
    /// An open file; into memory where it has at most `most` bytes.
    pub(super) fn of(file: &Opened, most: usize) -> io::Result<Self> {
        let bytes = if file.len <= most as u64 { file.whole()? } else { None };
        Ok(match bytes {
            Some(bytes) => Self::Bytes(bytes.into()),
            None => Self::File(file.file.clone(), file.len),
        })
    }

    /// Bytes, where anybody knows.
    fn len(&self) -> Option<u64> {
        match self {
            Self::Bytes(bytes) | Self::Made(bytes) => Some(bytes.len() as u64),
            Self::File(_, len) => Some(*len),
            Self::Stream => None,
        }
    }

    /// Bytes, where they are the same each time.
    fn exact_len(&self) -> Option<u64> {
        match self {
            Self::Bytes(_) | Self::File(..) => self.len(),
            Self::Made(_) | Self::Stream => None,
        }
    }

    fn body(&self) -> Body {
        match self {
            Self::Bytes(bytes) | Self::Made(bytes) => Body::bytes(Chunk::Shared(bytes.clone())),
            Self::File(file, len) => Body::file(file.clone(), 0, *len),
            Self::Stream => Body::empty(),
        }
    }

    fn push(&self, body: &mut Body, range: Range) {
        match self {
            Self::Bytes(bytes) | Self::Made(bytes) => body.push_part(bytes.clone(), range.first, range.len()),
            Self::File(file, _) => body.push_file(file.clone(), range.first, range.len()),
            Self::Stream => {}
        }
    }
}
