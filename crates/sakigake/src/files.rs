//! A static file service over one folder: GET and HEAD with types, conditions and ranges (RFC 9110 sections 8, 13, 14),
//! and no way out of the folder.

mod ask;
mod asset;
mod body;
mod cache;
mod checks;
mod conditions;
mod date;
mod options;
mod pages;
mod path;
mod ranges;
mod tree;
mod types;

#[cfg(test)]
mod tests;

pub(crate) use checks::{conditions as check_conditions, range as check_range, target as check_target};

pub(crate) use date::date;

pub use ask::{Ask, FieldSource};
pub use body::{Body, PIECE_BYTES};
pub use cache::Limits as CacheLimits;
pub use options::Options;
pub use pages::{page as error_page, reply as error_reply};
pub use types::content_type;

use ask::Wants;
use asset::{Asset, Outcome};
use cache::{Caches, Look};
use path::{Refused, Target};
use sakigake_semantics::Response;
use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;
use tree::{Found, Opened};

/// The files of one site. A clone is cheap, and shares what is kept in memory. The folder is not held open, since a site
/// generator may delete and make it anew at any time.
#[derive(Clone)]
pub struct Files {
    shared: Arc<Shared>,
}

struct Shared {
    root: PathBuf,
    caches: Caches,
}

/// What goes back for one request. `date` is the front's to add; `content-length` is there whenever a body is due whose
/// length is known, for HEAD too.
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
        Self::with(root, Options::default())
    }

    /// The same, with choices.
    pub fn with(root: impl Into<PathBuf>, options: Options) -> io::Result<Self> {
        let root = std::path::absolute(root.into())?;
        tree::open_root(&root)?;
        Ok(Self { shared: Arc::new(Shared { root, caches: Caches::new(options.cache) }) })
    }

    /// The folder, as an absolute path whose links are not resolved.
    pub fn root(&self) -> &Path {
        &self.shared.root
    }

    /// Answers one request as of `now`. It reads from the disk on the caller's thread: at most one small file.
    pub fn answer(&self, ask: &Ask<'_>, now: SystemTime) -> Reply {
        if !ask.is_head() && ask.method != b"GET" {
            let mut reply = pages::reply(405, false);
            reply.response.fields.push(b"allow", b"GET, HEAD"); // spec: 9110-15.5.6-a
            return reply;
        }
        let wants = ask.wants();
        let key = path::plain(ask.path);
        let look = key.map(|key| self.shared.caches.look(key, now));
        if let Some(Look::Hit(asset)) = &look {
            return self.send(ask, &wants, asset);
        }
        let target = match path::read(ask.path) {
            Ok(target) => target,
            Err(refused) => return self.refuse(refused, ask.is_head()),
        };
        let key = target.key();
        match look.unwrap_or_else(|| self.shared.caches.look(&key, now)) {
            Look::Hit(asset) => self.send(ask, &wants, &asset),
            Look::Aged(asset) => self.seek(ask, &wants, &target, &key, Some(asset), now),
            Look::Miss => self.seek(ask, &wants, &target, &key, None, now),
        }
    }

    /// The file that a request for `target` would get whole, and its length in bytes.
    pub(crate) fn open(&self, target: &[u8]) -> Option<(Body, u64)> {
        self.open_name(&relative_name(target)?)
    }

    /// The same by its name below the folder. `None` for all that is not a readable file.
    pub(crate) fn open_name(&self, name: &[u8]) -> Option<(Body, u64)> {
        match tree::find(self.root(), name) {
            Ok(Found::File(file)) => Some((Body::file(file.file, 0, file.len), file.len)),
            _ => None,
        }
    }

    /// Looks for a target in the folder. `kept` is what was there a while ago.
    fn seek(
        &self,
        ask: &Ask<'_>,
        wants: &Wants<'_>,
        target: &Target<'_>,
        key: &[u8],
        kept: Option<Arc<Asset>>,
        now: SystemTime,
    ) -> Reply {
        let name = target.file();
        let found = tree::find(self.root(), &name);
        let caches = &self.shared.caches;
        if let (Ok(Found::File(file)), Some(asset)) = (&found, &kept)
            && file.stamp == asset.stamp
            && file.stamp.is_still(now)
        {
            caches.keep(key, asset, now);
            return self.send(ask, wants, asset);
        }
        if kept.is_some() {
            caches.forget(key);
        }
        let head = ask.is_head();
        match found {
            Ok(Found::File(file)) => match self.take(&name, target, file, now) {
                Ok(asset) => {
                    let asset = Arc::new(asset);
                    if asset.may_be_kept(caches.limits().file_bytes, now) {
                        caches.keep(key, &asset, now);
                    }
                    self.send(ask, wants, &asset)
                }
                Err(_) => pages::reply(500, head),
            },
            Ok(Found::Folder) if !target.slash => redirect(target, head),
            Ok(Found::Folder | Found::Nothing) => self.missing(head),
            Ok(Found::Forbidden) => pages::reply(403, head),
            Err(_) => pages::reply(500, head),
        }
    }

    fn take(&self, name: &[u8], target: &Target<'_>, file: Opened, now: SystemTime) -> io::Result<Asset> {
        let path = self.root().join(OsStr::from_bytes(name));
        let most = PIECE_BYTES;
        Asset::new(path, types::content_type(target.name()), file, most, now)
    }

    fn send(&self, ask: &Ask<'_>, wants: &Wants<'_>, asset: &Asset) -> Reply {
        match asset.answer(ask, wants) {
            Outcome::Reply(reply) => reply,
            Outcome::Failed => pages::reply(412, ask.is_head()),
            Outcome::Unsatisfiable(len) => unsatisfiable(len),
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
        let own = match tree::find(self.root(), b"404.html") {
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
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Files").field("root", &self.shared.root).finish_non_exhaustive()
    }
}

/// The file's name below the folder that a request for `target` means; `None` for what is never served.
pub(crate) fn relative_name(target: &[u8]) -> Option<Vec<u8>> {
    path::read(target).ok().map(|target| target.file()) // Why it is refused does not matter here.
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
