use super::{A_PLACE, Store, digest, is_fresh};
use crate::private;
use sakigake_tls as tls;
use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// Tickets in a folder of this user's (0700), a file each (0600), for processes that come later. A file's name tells its place
/// by a digest, and when the ticket came; two processes that want the same one do not both get it.
#[derive(Debug)]
pub struct InFolder(PathBuf);

impl InFolder {
    /// Tickets in the folder at most; the oldest give way.
    pub const TICKETS: usize = 256;

    /// Makes the folder where there is none.
    ///
    /// # Errors
    /// It cannot be made, it is another user's, or others may look into it.
    pub fn open(path: &Path) -> io::Result<Self> {
        private::make_folder(path)?;
        let metadata = fs::metadata(path)?;
        let is_ours = metadata.uid() == rustix::process::geteuid().as_raw() && metadata.mode() & 0o077 == 0;
        match is_ours {
            true => Ok(Self(path.to_owned())),
            false => {
                let why = format!("others may use it (mode {:o}): chmod 700", metadata.mode() & 0o7777);
                Err(io::Error::new(io::ErrorKind::PermissionDenied, why))
            }
        }
    }

    /// The names of files that begin with `start`, the oldest first; none where the folder cannot be read.
    fn names(&self, start: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(&self.0) else { return Vec::new() };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()); // Not of ours.
        let mut names: Vec<String> = names.filter(|name| name.starts_with(start)).collect();
        names.sort_by(|one, other| age(one).cmp(&age(other)));
        names
    }

    /// The ticket of that name, which is gone then: whoever takes the file away has it.
    fn claim(&self, name: &str) -> Option<tls::Session> {
        let path = self.0.join(name);
        let bytes = private::read(&path, MOST_BYTES); // What cannot be read is taken away all the same.
        fs::remove_file(&path).ok()?; // Somebody else was faster.
        tls::Session::from_bytes(&bytes.ok()??) // Nothing of ours.
    }

    /// Takes away all but the newest `most` of those names.
    fn trim(&self, names: &[String], most: usize) {
        for name in &names[..names.len().saturating_sub(most)] {
            let _ = fs::remove_file(self.0.join(name)); // Somebody else was faster.
        }
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
        let names = self.names(&digest(place));
        let mut sessions = names.iter().rev().filter_map(|name| self.claim(name));
        sessions.find(|session| is_fresh(session, unix_ms))
    }

    fn put(&self, place: &str, session: &tls::Session) {
        if self.write(place, session).is_some() {
            self.trim(&self.names(&digest(place)), A_PLACE);
            self.trim(&self.names(""), Self::TICKETS);
        }
    }

    fn forget(&self, place: &str) {
        self.trim(&self.names(&digest(place)), 0);
    }
}

/// The part of a name by which files are ordered: when the ticket came, and the order in which it was written.
fn age(name: &str) -> (&str, u64) {
    let mut parts = name.split('.').skip(1);
    let received = parts.next().unwrap_or_default();
    let count = parts.next().and_then(|unique| unique.rsplit('-').next()?.parse().ok());
    (received, count.unwrap_or(0)) // What is not of ours is as good as old.
}

/// A server's chain takes the most of it.
const MOST_BYTES: u64 = 1 << 21;
