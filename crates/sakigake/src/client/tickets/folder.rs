use super::{A_PLACE, Store, digest, is_fresh, is_kept};
use crate::private;
use sakigake_net::unix_secs;
use sakigake_tls as tls;
use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// Tickets in a folder of this user's (0700), a file each (0600), for processes that come later. A file's name tells its place
/// by a digest, and when the ticket came; two processes that want the same one do not both get it. Other files are let be.
#[derive(Debug)]
pub struct InFolder(PathBuf);

impl InFolder {
    /// Tickets in the folder at most; the oldest give way.
    pub const TICKETS: usize = 256;

    /// Makes the folder where there is none, and takes away what has expired in it.
    ///
    /// # Errors
    /// It cannot be made, it is another user's, or others may look into it.
    pub fn open(path: &Path) -> io::Result<Self> {
        private::make_folder(path)?;
        let metadata = fs::metadata(path)?;
        let refuse = |why: String| Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return refuse(format!("it belongs to user {}", metadata.uid()));
        }
        if metadata.mode() & 0o077 != 0 {
            return refuse(format!("others may use it (mode {:o}): chmod 700", metadata.mode() & 0o7777));
        }
        let folder = Self(path.to_owned());
        folder.sweep(unix_secs() * 1_000);
        Ok(folder)
    }

    /// Takes away what has expired, however long it was to live, what a clock that was ahead left behind, and what a process that
    /// was killed had begun.
    fn sweep(&self, unix_ms: u64) {
        let week_ms = u64::from(tls::MAX_TICKET_LIFETIME_SECS) * 1_000;
        let is_over = |name: &Name| {
            let age_ms = unix_ms.saturating_sub(name.received_unix_ms);
            age_ms >= if name.is_whole { week_ms } else { BEGUN_MS }
                || name.received_unix_ms > unix_ms.saturating_add(SKEW_MS)
        };
        self.remove(self.files().iter().filter(|name| is_over(name)));
    }

    /// All files of ours, the oldest first; none where the folder cannot be read.
    fn files(&self) -> Vec<Name> {
        let Ok(entries) = fs::read_dir(&self.0) else { return Vec::new() };
        let names = entries.filter_map(|entry| Name::of(entry.ok()?.file_name().to_str()?)); // Not of ours.
        let mut names: Vec<Name> = names.collect();
        names.sort_by_key(|name| (name.received_unix_ms, name.count));
        names
    }

    /// The tickets of a place, the oldest first.
    fn of_place(&self, place: &str) -> Vec<Name> {
        let place = digest(place);
        let mut names = self.files();
        names.retain(|name| name.is_whole && name.text.starts_with(&place));
        names
    }

    /// The ticket of that name, which is gone then: whoever takes the file away has it.
    fn claim(&self, name: &Name) -> Option<tls::Session> {
        let path = self.0.join(&name.text);
        let bytes = private::read(&path, MOST_BYTES); // What cannot be read is taken away all the same.
        fs::remove_file(&path).ok()?; // Somebody else was faster.
        tls::Session::from_bytes(&bytes.ok()??) // Nothing of ours.
    }

    fn remove<'a>(&self, names: impl Iterator<Item = &'a Name>) {
        for name in names {
            let _ = fs::remove_file(self.0.join(&name.text)); // Somebody else was faster.
        }
    }

    /// Takes away all but the newest `most` of those.
    fn trim(&self, names: &[Name], most: usize) {
        self.remove(names[..names.len().saturating_sub(most)].iter());
    }

    fn write(&self, place: &str, session: &tls::Session) -> Option<()> {
        let bytes = session.to_bytes()?;
        let name = format!("{}.{:013}.{}", digest(place), session.received_unix_ms, private::unique());
        let path = self.0.join(name);
        let written = private::Temporary::write(&path, &bytes, 0o600).ok()?; // No ticket then: a full handshake.
        written.rename(&path).ok()
    }
}

impl Store for InFolder {
    fn take(&self, place: &str, unix_ms: u64) -> Option<tls::Session> {
        let names = self.of_place(place);
        let mut sessions = names.iter().rev().filter_map(|name| self.claim(name));
        sessions.find(|session| is_fresh(session, unix_ms))
    }

    fn put(&self, place: &str, session: &tls::Session) {
        if is_kept(session) && self.write(place, session).is_some() {
            self.trim(&self.of_place(place), A_PLACE);
            self.trim(&self.files(), Self::TICKETS);
        }
    }

    fn forget(&self, place: &str, before_unix_ms: u64) {
        self.remove(self.of_place(place).iter().filter(|name| name.received_unix_ms < before_unix_ms));
    }
}

/// A name that [`InFolder::write`] gives, or what it writes first: the place's digest, when the ticket came, what no other file
/// of ours has.
struct Name {
    text: String,
    received_unix_ms: u64,
    /// The order in which one process wrote them.
    count: u64,
    is_whole: bool,
}

impl Name {
    fn of(text: &str) -> Option<Self> {
        let (whole, begun) = match text.strip_suffix(".tmp") {
            None => (text, None),
            Some(rest) => rest.rsplit_once('.').map(|(whole, unique)| (whole, Some(unique)))?,
        };
        let mut parts = whole.split('.');
        let (place, received, unique) = (parts.next()?, parts.next()?, parts.next()?);
        let is_ours = place.len() == 32
            && place.bytes().all(|byte| byte.is_ascii_hexdigit())
            && private::is_unique(unique.as_bytes())
            && begun.is_none_or(|unique| private::is_unique(unique.as_bytes()))
            && parts.next().is_none();
        let (_, count) = unique.split_once('-')?;
        // What is no number is no name of ours.
        is_ours.then_some(Self {
            text: text.to_owned(),
            received_unix_ms: received.parse().ok()?,
            count: count.parse().ok()?,
            is_whole: begun.is_none(),
        })
    }
}

/// Clocks may differ by so much.
const SKEW_MS: u64 = 300_000;

/// No process takes so long to write a ticket.
const BEGUN_MS: u64 = 60_000;

/// What is kept takes less.
const MOST_BYTES: u64 = 1 << 16;
