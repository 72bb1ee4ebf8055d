//! A static file service over one folder: GET and HEAD with types, conditions and ranges (RFC 9110 sections 8, 13, 14),
//! and no way out of the folder.

mod ask;
mod body;
mod checks;
mod conditions;
mod pages;
mod path;
mod ranges;
mod tree;
mod types;

#[cfg(test)]
mod tests;

pub(crate) use checks::{conditions as check_conditions, range as check_range, target as check_target};

pub use ask::{Ask, FieldSource};
pub use body::{Body, PIECE_BYTES};
pub use pages::{page as error_page, reply as error_reply};
pub use types::content_type;

use conditions::{Verdict, judge};
use path::{Refused, Target};
use ranges::{Choice, Range};
use sakigake_semantics::{Chunk, Fields, Response};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;
use tree::{Found, Opened};

/// The files of one site. A clone is cheap: only the folder's name is kept, since a site generator may delete and
/// make the folder anew at any time.
#[derive(Clone, Debug)]
pub struct Files {
    root: Arc<Path>,
}

/// What goes back for one request. `date` is the front's to add; `content-length` is there whenever a body is due, for
/// HEAD too.
#[derive(Debug)]
pub struct Reply {
    /// Status and fields.
    pub response: Response,
    /// What follows them.
    pub body: Body,
}

impl Files {
    /// The files below `root`, which must be a folder that can be read now.
    pub fn new(root: impl Into<PathBuf>) -> io::Result<Self> {
        let root = std::path::absolute(root.into())?;
        tree::open_root(&root)?;
        Ok(Self { root: root.into() })
    }

    /// The folder, as an absolute path whose links are not resolved.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Answers one request as of `now`. It reads from the disk on the caller's thread: at most one small file.
    pub fn answer(&self, ask: &Ask<'_>, now: SystemTime) -> Reply {
        let head = ask.method == b"HEAD";
        if !head && ask.method != b"GET" {
            let mut reply = pages::reply(405, false);
            reply.response.fields.push(b"allow", b"GET, HEAD"); // spec: 9110-15.5.6-a
            return reply;
        }
        let target = match path::read(ask.path) {
            Ok(target) => target,
            Err(refused) => return self.refuse(refused, head),
        };
        match tree::find(&self.root, &target.file()) {
            Ok(Found::File(file)) => self.serve(ask, &target, file, now),
            Ok(Found::Folder) if !target.slash => redirect(&target, head),
            Ok(Found::Folder | Found::Nothing) => self.missing(head),
            Ok(Found::Forbidden) => pages::reply(403, head),
            Err(_) => pages::reply(500, head),
        }
    }

    /// The file that a request for `target` would get whole, and its length in bytes.
    pub(crate) fn open(&self, target: &[u8]) -> Option<(Body, u64)> {
        self.open_name(&relative_name(target)?)
    }

    /// The same by its name below the folder. `None` for all that is not a readable file.
    pub(crate) fn open_name(&self, name: &[u8]) -> Option<(Body, u64)> {
        match tree::find(&self.root, name) {
            Ok(Found::File(file)) => Some((Body::file(file.file, 0, file.len), file.len)),
            _ => None,
        }
    }

    fn refuse(&self, refused: Refused, head: bool) -> Reply {
        match refused {
            Refused::Malformed => pages::reply(400, head),
            Refused::TooLong => pages::reply(414, head),
            Refused::Hidden => self.missing(head),
        }
    }

    /// The site's own `404.html` where it has one, else ours.
    fn missing(&self, head: bool) -> Reply {
        let own = match tree::find(&self.root, b"404.html") {
            Ok(Found::File(file)) if file.len <= PIECE_BYTES as u64 => {
                Body::file(file.file, 0, file.len).whole()
            }
            _ => return pages::reply(404, head),
        };
        match own {
            Ok(bytes) => pages::with(404, bytes, head),
            Err(_) => pages::reply(404, head),
        }
    }

    fn serve(&self, ask: &Ask<'_>, target: &Target<'_>, file: Opened, now: SystemTime) -> Reply {
        let validators = file.validators(now);
        let mut fields = Fields::new();
        fields.push(b"cache-control", b"no-cache");
        fields.push(b"etag", validators.tag.as_bytes());
        if let Some(modified) = &validators.modified {
            fields.push(b"last-modified", httpdate::fmt_http_date(*modified).as_bytes());
        }
        let choice = match judge(ask, &validators) {
            Verdict::NotModified => {
                return Reply { response: Response { status: 304, fields }, body: Body::empty() };
            }
            Verdict::Failed => return pages::reply(412, ask.method == b"HEAD"),
            Verdict::Whole => Choice::Whole,
            Verdict::Ranges(wanted) => ranges::choose(wanted, file.len),
        };
        fields.push(b"accept-ranges", b"bytes");
        fields.push(b"x-content-type-options", b"nosniff");
        let kind = types::content_type(target.name());
        let (status, body) = match choice {
            Choice::Whole => {
                fields.push(b"content-type", kind.as_bytes());
                (200, Body::file(file.file, 0, file.len))
            }
            Choice::One(range) => {
                fields.push(b"content-type", kind.as_bytes());
                fields.push(b"content-range", range.content_range(file.len).as_bytes()); // spec: 9110-15.3.7.1-a
                (206, Body::file(file.file, range.first, range.len()))
            }
            Choice::Many(many) => {
                let boundary = validators.boundary();
                fields.push(b"content-type", format!("multipart/byteranges; boundary={boundary}").as_bytes());
                (206, multipart(&file, &many, kind, &boundary))
            }
            Choice::Unsatisfiable => return unsatisfiable(file.len),
        };
        finish(status, fields, body, ask.method == b"HEAD")
    }
}

/// The file's name below the folder that a request for `target` means; `None` for what is never served.
pub(crate) fn relative_name(target: &[u8]) -> Option<Vec<u8>> {
    path::read(target).ok().map(|target| target.file()) // Why it is refused does not matter here.
}

/// Adds the length, and turns a small body into bytes, so that head and body can leave together.
fn finish(status: u16, mut fields: Fields, body: Body, head: bool) -> Reply {
    fields.push(b"content-length", body.len().to_string().as_bytes());
    let body = match (head, body.len() <= PIECE_BYTES as u64) {
        (true, _) => Body::empty(), // spec: 9110-9.3.2-a
        (false, false) => body,
        (false, true) => match body.whole() {
            Ok(bytes) => Body::bytes(Chunk::Owned(bytes)),
            Err(_) => return pages::reply(500, false),
        },
    };
    Reply { response: Response { status, fields }, body }
}

/// To the same place with a slash at its end, so that the page's relative links work. 301 and not 308: HTTP/1.0 knows
/// it, and only GET and HEAD come here, whose method neither changes.
fn redirect(target: &Target<'_>, head: bool) -> Reply {
    let mut reply = pages::reply(301, head);
    reply.response.fields.push(b"location", &target.with_slash());
    reply
}

fn unsatisfiable(len: u64) -> Reply {
    let mut reply = pages::reply(416, false);
    reply.response.fields.push(b"content-range", format!("bytes */{len}").as_bytes()); // spec: 9110-15.5.17-a
    reply
}

/// RFC 9110 section 14.6.
fn multipart(file: &Opened, ranges: &[Range], kind: &str, boundary: &str) -> Body {
    let mut body = Body::empty();
    for range in ranges {
        let head = format!(
            "\r\n--{boundary}\r\ncontent-type: {kind}\r\ncontent-range: {}\r\n\r\n", // spec: 9110-15.3.7.2-a
            range.content_range(file.len)
        );
        body.push_bytes(Chunk::Owned(head.into_bytes()));
        body.push_file(file.file.clone(), range.first, range.len());
    }
    body.push_bytes(Chunk::Owned(format!("\r\n--{boundary}--\r\n").into_bytes()));
    body
}
