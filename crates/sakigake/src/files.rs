//! A static file service over one folder: GET and HEAD with types, codings, conditions and ranges (RFC 9110 sections 8,
//! 12, 13, 14), and no way out of the folder.

mod ask;
mod asset;
mod body;
mod cache;
mod checks;
mod coding;
mod conditions;
mod date;
mod encode;
mod form;
mod listing;
mod locate;
mod options;
mod pages;
mod path;
mod pattern;
mod ranges;
mod tree;
mod types;
mod weights;

#[cfg(test)]
mod tests;

pub(crate) use checks::{
    accept_encoding as check_accept_encoding, conditions as check_conditions,
    listed_name as check_listed_name, range as check_range, target as check_target,
};
pub(crate) use date::date;

pub use ask::{Ask, FieldSource};
pub(crate) use body::OpenFiles;
pub use body::{Body, PIECE_BYTES};
pub use cache::Limits as CacheLimits;
pub use encode::Compress;
pub use listing::Listings;
pub use options::{ErrorPage, FieldRule, Options, Statuses};
pub(crate) use options::{OURS, check_field};
pub use pages::{page as error_page, reply as error_reply};
pub use types::content_type;

use ask::Wants;
use asset::{Asset, Outcome, Survey};
use cache::{Caches, Look};
use encode::Encoders;
use form::Head;
use locate::{Place, locate};
use options::Rule;
use path::{Refused, Target};
use sakigake_semantics::{Chunk, Fields, Response};
use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
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
    options: Options,
    rules: Vec<Rule>,
    encoders: Option<Encoders>,
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
    ///
    /// # Errors
    /// The folder cannot be read; or, as `InvalidInput`, a choice that cannot be.
    pub fn with(root: impl Into<PathBuf>, options: Options) -> io::Result<Self> {
        let root = std::path::absolute(root.into())?;
        tree::open_root(&root)?;
        options.check_pages()?;
        let (rules, caches) = (options.rules()?, Caches::new(options.cache));
        let encoders = options.compress.map(Encoders::new);
        Ok(Self { shared: Arc::new(Shared { root, options, rules, encoders, caches }) })
    }

    /// The folder, as an absolute path whose links are not resolved.
    pub fn root(&self) -> &Path {
        &self.shared.root
    }

    /// Answers one request as of `now`. It reads from the disk on the caller's thread: at most one small file with its
    /// coded forms, or one folder's names.
    pub fn answer(&self, ask: &Ask<'_>, now: SystemTime) -> Reply {
        let head = ask.is_head();
        if !head && ask.method != b"GET" {
            let mut reply = self.error(405, false, now);
            reply.response.fields.push(b"allow", b"GET, HEAD"); // spec: 9110-15.5.6-a
            return reply;
        }
        let wants = ask.wants();
        let key = path::plain(ask.path);
        let look = key.map(|key| self.shared.caches.look(key, now));
        if let Some(Look::Hit(asset)) = &look {
            return self.send(ask, asset.answer(ask, &wants, now), now);
        }
        let target = match path::read(ask.path) {
            Ok(target) => target,
            Err(Refused::Malformed) => return self.error(400, head, now),
            Err(Refused::TooLong) => return self.error(414, head, now),
            Err(Refused::Hidden) => return self.error(404, head, now),
        };
        let key = target.key();
        let outcome = match look.unwrap_or_else(|| self.shared.caches.look(&key, now)) {
            Look::Hit(asset) => Ok(asset.answer(ask, &wants, now)),
            Look::Aged(asset) => self.seek(ask, &wants, &target, &key, Some(asset), now),
            Look::Miss => self.seek(ask, &wants, &target, &key, None, now),
        };
        match outcome {
            Ok(outcome) => self.send(ask, outcome, now),
            Err(status) => self.error(status, head, now),
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

    /// Looks for a target in the folder; an error is a status. `kept` is what was there a while ago.
    fn seek(
        &self,
        ask: &Ask<'_>,
        wants: &Wants<'_>,
        target: &Target<'_>,
        key: &[u8],
        kept: Option<Arc<Asset>>,
        now: SystemTime,
    ) -> Result<Outcome, u16> {
        let options = &self.shared.options;
        let place = locate(self.root(), target, options.clean_urls).map_err(|_| 500_u16)?;
        if let Place::File { root, name, file } = place {
            let asset = self.take(&root, &name, file, key, kept, now).map_err(|_| 500_u16)?;
            return Ok(asset.answer(ask, wants, now));
        }
        if kept.is_some() {
            self.shared.caches.forget(key);
        }
        match (place, options.listings) {
            (Place::Elsewhere(location), _) => Ok(Outcome::Reply(self.redirect(&location, ask.is_head()))),
            (Place::Folder { root, folder }, Some(limits)) => {
                let extra = self.extra(key);
                listing::answer(ask, target, &root, &folder, limits, &extra).map_err(|_| 500)
            }
            (Place::Forbidden, _) => Err(403),
            _ => Err(404),
        }
    }

    /// The version that is there now: what was kept, where it is the same.
    fn take(
        &self,
        root: &OwnedFd,
        name: &[u8],
        file: Opened,
        key: &[u8],
        kept: Option<Arc<Asset>>,
        now: SystemTime,
    ) -> io::Result<Arc<Asset>> {
        let Shared { options, caches, encoders, .. } = &*self.shared;
        let path = self.root().join(OsStr::from_bytes(name));
        let content_type = types::content_type(name);
        let survey = match options.precompressed && !types::is_compressed(content_type) {
            true => Survey::with_stored(file, root, name),
            false => Survey::of(file),
        };
        let most = caches.limits().file_bytes;
        let asset = match kept.filter(|kept| kept.is_of(&path, &survey) && kept.may_be_kept(most, now)) {
            Some(kept) => kept,
            None => {
                let head = Head::new(content_type, self.extra(&[b"/", name].concat()));
                Arc::new(Asset::new(path, head, survey, encoders.as_ref(), PIECE_BYTES, now)?)
            }
        };
        match asset.may_be_kept(most, now) {
            true => caches.keep(key, &asset, now),
            false => caches.forget(key),
        }
        Ok(asset)
    }

    fn send(&self, ask: &Ask<'_>, outcome: Outcome, now: SystemTime) -> Reply {
        let (status, len) = match outcome {
            Outcome::Reply(reply) => return reply,
            Outcome::NotAcceptable => (406, None),
            Outcome::Failed => (412, None),
            Outcome::Unsatisfiable(len) => (416, Some(len)),
        };
        let mut reply = self.error(status, ask.is_head(), now);
        let fields = &mut reply.response.fields;
        if let Some(len) = len {
            fields.push(b"content-range", format!("bytes */{len}").as_bytes()); // spec: 9110-15.5.17-a
        }
        if status == 406 {
            fields.push(b"vary", b"accept-encoding");
        }
        reply
    }

    /// The site's own page for that status where it has one that can be read, else ours.
    fn error(&self, status: u16, head: bool, now: SystemTime) -> Reply {
        let mut pages = self.shared.options.error_pages.iter().filter(|page| page.statuses.has(status));
        let own = pages.find_map(|page| {
            let asset = self.page(&page.page, now)?;
            let (bytes, content_type) = asset.content()?;
            Some(pages::with(status, content_type, Chunk::Shared(bytes.clone()), head))
        });
        let mut reply = own.unwrap_or_else(|| pages::reply(status, head));
        self.add_to_all(&mut reply);
        reply
    }

    /// A page's file, which is kept as others are: under a key that no request has.
    fn page(&self, page: &Path, now: SystemTime) -> Option<Arc<Asset>> {
        let caches = &self.shared.caches;
        let key = [b"\0", page.as_os_str().as_bytes()].concat();
        let kept = match caches.look(&key, now) {
            Look::Hit(asset) => return Some(asset),
            Look::Aged(asset) => Some(asset),
            Look::Miss => None,
        };
        let found = match page.is_absolute() {
            true => tree::find_anywhere(page),
            false => tree::find(self.root(), page.as_os_str().as_bytes()),
        };
        let Ok(Found::File(file)) = found else {
            caches.forget(&key);
            return None;
        };
        let (path, survey) = (self.root().join(page), Survey::of(file));
        let asset = match kept.filter(|kept| kept.is_of(&path, &survey)) {
            Some(kept) => kept,
            None => {
                let head = Head::new(types::content_type(page.as_os_str().as_bytes()), Fields::new());
                // One that cannot be read is as one that is not there.
                Arc::new(Asset::new(path, head, survey, None, PIECE_BYTES, now).ok()?)
            }
        };
        if asset.may_be_kept(caches.limits().file_bytes, now) {
            caches.keep(&key, &asset, now);
        }
        Some(asset)
    }

    /// 301 and not 308: HTTP/1.0 knows it, and only GET and HEAD come here, whose method neither changes.
    fn redirect(&self, location: &[u8], head: bool) -> Reply {
        let mut reply = pages::reply(301, head);
        reply.response.fields.push(b"location", location);
        self.add_to_all(&mut reply);
        reply
    }

    /// What the site adds for the file or folder of that path. Of `cache-control` the first rule counts.
    fn extra(&self, path: &[u8]) -> Fields {
        let mut extra = Fields::new();
        for rule in self.shared.rules.iter().filter(|rule| rule.pattern.matches(path)) {
            let is_second = rule.name == "cache-control" && extra.find(b"cache-control").is_some();
            if !is_second {
                extra.push(rule.name.as_bytes(), rule.value.as_bytes());
            }
        }
        extra
    }

    /// What the site adds to whatever it says.
    fn add_to_all(&self, reply: &mut Reply) {
        for rule in self.shared.rules.iter().filter(|rule| rule.pattern.is_all()) {
            if rule.name != "cache-control" {
                reply.response.fields.push(rule.name.as_bytes(), rule.value.as_bytes());
            }
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
