//! Reads a site's hints again when its files change. It looks every second or so, without the system's notices: they
//! differ everywhere, are lost on network folders, and a walk is cheap beside what a change costs anyway.

use super::tree::Tree;
use super::{Limits, SiteHints, file};
use crate::files::Files;
use sakigake_page::Url;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread;
use std::time::{Duration, Instant};

/// Where hints come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// The site's HTML and CSS.
    Site(Limits),
    /// A file of hints (see [`super::parse_file`]).
    File(PathBuf),
}

/// A site's hints as of now. Dropping it ends the watch.
#[derive(Debug)]
pub struct Watch {
    current: Arc<RwLock<Arc<SiteHints>>>,
    /// Its end is what the thread waits for.
    _stop: Sender<()>,
}

impl Watch {
    /// Reads the hints and goes on looking for changes. `origin` is `https://host[:port]`. `notice` hears, on the watch's
    /// own thread, of each change that was taken and of each that could not be.
    ///
    /// # Errors
    /// The folder or the file of hints cannot be read, or the file holds what is no hint. Later such faults leave the
    /// hints as they were.
    pub fn start(
        files: Files,
        origin: Url,
        source: Source,
        notice: impl Fn(io::Result<&SiteHints>) + Send + 'static,
    ) -> io::Result<Self> {
        let site = Site { files, origin, source };
        let (mut mark, hints) = site.look(None);
        let current = Arc::new(RwLock::new(Arc::new(hints.unwrap_or_else(|| Ok(SiteHints::default()))?)));
        let (stop, stopped) = channel::<()>();
        let shared = current.clone();
        thread::Builder::new().name("hints".into()).spawn(move || {
            let mut pause = PAUSE;
            while stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                let began = Instant::now();
                let (seen, hints) = site.look(Some(mark));
                mark = seen;
                match hints {
                    None => {}
                    Some(Err(error)) => notice(Err(error)),
                    Some(Ok(hints)) => {
                        let hints = Arc::new(hints);
                        let mut current = shared.write().unwrap_or_else(PoisonError::into_inner);
                        let before = std::mem::replace(&mut *current, hints.clone());
                        drop(current);
                        // Most changes of a site change none of its hints.
                        if before != hints {
                            notice(Ok(&hints));
                        }
                    }
                }
                // A large tree is looked at less often, so that the watch takes a twentieth of one core at most.
                pause = PAUSE.max(began.elapsed() * 20);
            }
        })?;
        Ok(Self { current, _stop: stop })
    }

    /// The hints as of the last look.
    pub fn now(&self) -> Arc<SiteHints> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

const PAUSE: Duration = Duration::from_secs(1);

struct Site {
    files: Files,
    origin: Url,
    source: Source,
}

impl Site {
    /// A mark of what lies there now and, where it is another than the one known, the hints or why there are none.
    /// What changes while it is read changes the next mark.
    fn look(&self, known: Option<u64>) -> (u64, Option<io::Result<SiteHints>>) {
        match &self.source {
            Source::Site(limits) => match Tree::walk(self.files.root(), limits) {
                Err(_) if known == Some(UNREADABLE) => (UNREADABLE, None),
                Err(error) => (UNREADABLE, Some(Err(error))),
                Ok(tree) if known == Some(tree.fingerprint) => (tree.fingerprint, None),
                Ok(tree) => {
                    (tree.fingerprint, Some(Ok(SiteHints::of(&tree, &self.files, &self.origin, limits))))
                }
            },
            Source::File(path) => match fs::read(path) {
                Err(_) if known == Some(UNREADABLE) => (UNREADABLE, None),
                Err(error) => (UNREADABLE, Some(Err(error))),
                Ok(text) => {
                    let mut hasher = DefaultHasher::new();
                    text.hash(&mut hasher);
                    let mark = hasher.finish();
                    (mark, (known != Some(mark)).then(|| self.read_file(&text)))
                }
            },
        }
    }

    fn read_file(&self, text: &[u8]) -> io::Result<SiteHints> {
        let invalid = |error: Box<dyn std::error::Error + Send + Sync>| {
            io::Error::new(io::ErrorKind::InvalidData, error)
        };
        let text = str::from_utf8(text).map_err(|error| invalid(error.into()))?;
        file::parse(text, &self.origin).map_err(|mistake| invalid(mistake.into()))
    }
}

/// The mark of what cannot be read.
const UNREADABLE: u64 = 0;
