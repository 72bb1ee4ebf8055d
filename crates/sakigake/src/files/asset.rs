//! One version of a file, ready to be sent: what is the same for everybody who asks is made once.

use super::ask::{Ask, Wants};
use super::conditions::{Verdict, judge};
use super::ranges::{self, Choice, Range};
use super::tree::{Opened, Stamp, Validators};
use super::{Body, Reply};
use sakigake_semantics::{Chunk, Fields, Response};
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

/// A version of a file.
pub(super) struct Asset {
    /// Absolute.
    pub(super) path: PathBuf,
    pub(super) stamp: Stamp,
    content_type: &'static str,
    plain: Form,
}

/// A representation: the bytes that go out, and the answer to whoever asks for all of them.
struct Form {
    validators: Validators,
    source: Source,
    whole: Response,
}

enum Source {
    Bytes(Arc<[u8]>),
    File(Arc<File>, u64),
}

/// What comes of a request for a file that is there.
pub(super) enum Outcome {
    Reply(Reply),
    /// 412.
    Failed,
    /// 416, with the length in bytes.
    Unsatisfiable(u64),
}

impl Asset {
    /// Takes what was opened; into memory where it has at most `most` bytes.
    pub(super) fn new(
        path: PathBuf,
        content_type: &'static str,
        file: Opened,
        most: usize,
        now: SystemTime,
    ) -> io::Result<Self> {
        let bytes = if file.len <= most as u64 { file.whole()? } else { None };
        let source = match bytes {
            Some(bytes) => Source::Bytes(bytes.into()),
            None => Source::File(file.file.clone(), file.len),
        };
        let plain = Form::new(file.stamp.validators(now), source, content_type);
        Ok(Self { path, stamp: file.stamp, content_type, plain })
    }

    /// Whether all of it is in memory, in at most `most` bytes, and its next change will show.
    pub(super) fn may_be_kept(&self, most: usize, now: SystemTime) -> bool {
        let Source::Bytes(bytes) = &self.plain.source else { return false };
        bytes.len() <= most && self.stamp.is_still(now)
    }

    /// Bytes that it takes, in memory.
    pub(super) fn cost(&self) -> usize {
        let bytes = match &self.plain.source {
            Source::Bytes(bytes) => bytes.len(),
            Source::File(..) => 0,
        };
        bytes + self.path.as_os_str().len() + self.plain.whole.fields.size() + OVERHEAD_BYTES
    }

    /// Answers a GET or HEAD.
    pub(super) fn answer(&self, ask: &Ask<'_>, wants: &Wants<'_>) -> Outcome {
        let form = &self.plain;
        match wants.is_conditional {
            false => form.all(ask),
            true => form.judged(ask, self.content_type),
        }
    }
}

/// What the parts of an entry take beside their bytes, roughly.
const OVERHEAD_BYTES: usize = 512;

impl Form {
    fn new(validators: Validators, source: Source, content_type: &str) -> Self {
        let mut form = Self { validators, source, whole: Response::new(200) };
        let mut fields = form.part_fields();
        fields.push(b"content-type", content_type.as_bytes());
        fields.push(b"content-length", form.source.len().to_string().as_bytes());
        form.whole.fields = fields;
        form
    }

    /// The whole of it.
    fn all(&self, ask: &Ask<'_>) -> Outcome {
        // spec: 9110-9.3.2-a
        let body = if ask.is_head() { Body::empty() } else { self.source.body() };
        Outcome::Reply(Reply { response: self.whole.clone(), body })
    }

    /// What the conditions and ranges leave of it.
    fn judged(&self, ask: &Ask<'_>, content_type: &str) -> Outcome {
        let len = self.source.len();
        let choice = match judge(ask, &self.validators) {
            Verdict::Failed => return Outcome::Failed,
            Verdict::NotModified => {
                let response = Response { status: 304, fields: self.version_fields() };
                return Outcome::Reply(Reply { response, body: Body::empty() });
            }
            Verdict::Whole => return self.all(ask),
            Verdict::Ranges(wanted) => ranges::choose(wanted, len),
        };
        let mut fields = self.part_fields();
        let mut body = Body::empty();
        match choice {
            Choice::Whole => return self.all(ask),
            Choice::Unsatisfiable => return Outcome::Unsatisfiable(len),
            Choice::One(range) => {
                fields.push(b"content-type", content_type.as_bytes());
                fields.push(b"content-range", range.content_range(len).as_bytes()); // spec: 9110-15.3.7.1-a
                self.source.push(&mut body, range);
            }
            Choice::Many(many) => {
                let boundary = self.validators.boundary();
                fields.push(b"content-type", format!("multipart/byteranges; boundary={boundary}").as_bytes());
                self.multipart(&mut body, &many, content_type, &boundary);
            }
        }
        fields.push(b"content-length", body.len().expect("parts of known length").to_string().as_bytes());
        Outcome::Reply(Reply { response: Response { status: 206, fields }, body })
    }

    /// What 304 has too.
    fn version_fields(&self) -> Fields {
        let mut fields = Fields::new();
        fields.push(b"cache-control", b"no-cache");
        fields.push(b"etag", self.validators.tag.as_bytes());
        if let Some(modified) = &self.validators.modified {
            fields.push(b"last-modified", httpdate::fmt_http_date(*modified).as_bytes());
        }
        fields
    }

    /// What 200 and 206 have in common.
    fn part_fields(&self) -> Fields {
        let mut fields = self.version_fields();
        fields.push(b"accept-ranges", b"bytes");
        fields.push(b"x-content-type-options", b"nosniff");
        fields
    }

    /// RFC 9110 section 14.6.
    fn multipart(&self, body: &mut Body, ranges: &[Range], content_type: &str, boundary: &str) {
        for range in ranges {
            let head = format!(
                "\r\n--{boundary}\r\ncontent-type: {content_type}\r\ncontent-range: {}\r\n\r\n", // spec: 9110-15.3.7.2-a
                range.content_range(self.source.len())
            );
            body.push_bytes(Chunk::Owned(head.into_bytes()));
            self.source.push(body, *range);
        }
        body.push_bytes(Chunk::Owned(format!("\r\n--{boundary}--\r\n").into_bytes()));
    }
}

impl Source {
    /// Bytes.
    fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File(_, len) => *len,
        }
    }

    fn body(&self) -> Body {
        match self {
            Self::Bytes(bytes) => Body::bytes(Chunk::Shared(bytes.clone())),
            Self::File(file, len) => Body::file(file.clone(), 0, *len),
        }
    }

    fn push(&self, body: &mut Body, range: Range) {
        match self {
            Self::Bytes(bytes) => body.push_part(bytes.clone(), range.first, range.len()),
            Self::File(file, _) => body.push_file(file.clone(), range.first, range.len()),
        }
    }
}
