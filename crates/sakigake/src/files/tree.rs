//! Opening a file below the folder and nowhere else.
//!
//! A check of the canonical path before the open can be raced: whoever may write in the folder puts a link there in
//! between. So the kernel does it in one step: `openat2` with `RESOLVE_BENEATH` follows links inside the folder and
//! refuses each step that would leave it. Where that call is missing, the path is walked folder by folder and no link
//! is followed at all, which is as safe and serves less.

#[cfg(test)]
mod tests;

use rustix::fs::{Mode, OFlags, Stat, openat};
#[cfg(target_os = "linux")]
use rustix::fs::{ResolveFlags, openat2};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// What lies at a name.
pub(super) enum Found {
    File(Opened),
    Folder,
    /// Nothing, or something that is neither file nor folder, or what lies outside.
    Nothing,
    /// Something that this process may not read.
    Forbidden,
}

/// An open regular file, and what it was when it was opened.
pub(super) struct Opened {
    pub(super) file: Arc<File>,
    /// Bytes.
    pub(super) len: u64,
    /// As the file was when it was opened.
    pub(super) stamp: Stamp,
}

/// What a file system says of one version of a file. Two that are equal are the same version, unless both are younger
/// than the file system's clock can tell apart: see [`Stamp::is_still`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    len: u64,
    modified: Time,
    changed: Time,
}

/// Seconds since 1970 and nanoseconds.
type Time = (i64, i64);

/// By what a client knows a version of a file (RFC 9110 section 8.8).
#[derive(Clone, Debug)]
pub(super) struct Validators {
    /// With its quotes, and `W/` where it is weak.
    pub(super) tag: String,
    /// In whole seconds, never later than now.
    pub(super) modified: Option<SystemTime>,
    /// Whether the tag is strong.
    pub(super) strong: bool,
    /// Whether the time is: no other form of the file may have the same one (RFC 9110 section 8.8.1).
    pub(super) is_time_strong: bool,
}

/// Opens the folder itself; a link to it is followed.
pub(super) fn open_root(root: &Path) -> io::Result<OwnedFd> {
    Ok(rustix::fs::open(root, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?)
}

/// Opens what `name` means below `root`.
pub(super) fn find(root: &Path, name: &[u8]) -> io::Result<Found> {
    match open_root(root) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Found::Nothing),
        root => find_in(&root?, name),
    }
}

/// The same below a folder that is open.
pub(super) fn find_in(root: &OwnedFd, name: &[u8]) -> io::Result<Found> {
    open_beneath(root, name, HOW).map_or_else(judge, look)
}

/// Opens a folder below one that is open; the empty name is that one itself. `None` for all that is no folder.
pub(super) fn folder_in(root: &OwnedFd, name: &[u8]) -> io::Result<Option<OwnedFd>> {
    let name = if name.is_empty() { b"." } else { name };
    match open_beneath(root, name, HOW | OFlags::DIRECTORY) {
        Ok(folder) => Ok(Some(folder)),
        Err(errno) => judge(errno).map(|_| None),
    }
}

/// What a link leads to below the open folder. `None` where it leads nowhere or out.
pub(super) fn stat_beneath(root: &OwnedFd, name: &[u8]) -> Option<Stat> {
    let target = open_beneath(root, name, OFlags::PATH | OFlags::CLOEXEC).ok()?; // Why does not matter: it is not shown.
    rustix::fs::fstat(target).ok()
}

/// Opens a file that the site's owner named, wherever it lies.
pub(super) fn find_anywhere(path: &Path) -> io::Result<Found> {
    rustix::fs::open(path, HOW, Mode::empty()).map_or_else(judge, look)
}

fn look(file: OwnedFd) -> io::Result<Found> {
    let file = File::from(file);
    let metadata = file.metadata()?;
    Ok(match (metadata.is_file(), metadata.is_dir()) {
        (true, _) => {
            Found::File(Opened { file: Arc::new(file), len: metadata.len(), stamp: Stamp::of(&metadata) })
        }
        (_, true) => Found::Folder,
        _ => Found::Nothing,
    })
}

/// What a file is opened with: a pipe or a device must not block the open.
const HOW: OFlags = OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

#[cfg(target_os = "linux")]
fn open_beneath(root: &OwnedFd, name: &[u8], how: OFlags) -> Result<OwnedFd, Errno> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    // The kernel gives up with EAGAIN when something was renamed while it looked for a way out.
    for _ in 0..8 {
        match openat2(root, OsStr::from_bytes(name), how, Mode::empty(), resolve) {
            Err(Errno::AGAIN) => {}
            // Kernels before 5.6, and sandboxes that do not know the call.
            Err(Errno::NOSYS | Errno::PERM) => return walk(root, name, how),
            opened => return opened,
        }
    }
    walk(root, name, how)
}

#[cfg(not(target_os = "linux"))]
fn open_beneath(root: &OwnedFd, name: &[u8], how: OFlags) -> Result<OwnedFd, Errno> {
    walk(root, name, how)
}

/// One folder after the other, no link followed.
fn walk(root: &OwnedFd, name: &[u8], last: OFlags) -> Result<OwnedFd, Errno> {
    let mut folder = None;
    let mut names = name.split(|&byte| byte == b'/').peekable();
    while let Some(name) = names.next() {
        let is_last = names.peek().is_none();
        let how = if is_last { last } else { HOW | OFlags::DIRECTORY };
        let parent = folder.as_ref().unwrap_or(root);
        let opened = openat(parent, OsStr::from_bytes(name), how | OFlags::NOFOLLOW, Mode::empty())?;
        if is_last {
            return Ok(opened);
        }
        folder = Some(opened);
    }
    Err(Errno::NOENT)
}

fn judge(errno: Errno) -> io::Result<Found> {
    match errno {
        // XDEV: a step would have left the folder. LOOP: a link where none is followed. NXIO: a socket.
        Errno::NOENT | Errno::NOTDIR | Errno::NAMETOOLONG | Errno::LOOP | Errno::XDEV | Errno::NXIO => {
            Ok(Found::Nothing)
        }
        Errno::ACCESS => Ok(Found::Forbidden),
        errno => Err(errno.into()),
    }
}

impl Opened {
    /// All of it. `None` where it changed while it was read, so that what was read may be of two versions.
    pub(super) fn whole(&self) -> io::Result<Option<Vec<u8>>> {
        let mut bytes = vec![0; usize::try_from(self.len).map_err(io::Error::other)?];
        match self.file.read_exact_at(&mut bytes, 0) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        }
        Ok((Stamp::of(&self.file.metadata()?) == self.stamp).then_some(bytes))
    }
}

impl Stamp {
    /// What lies at that path now; `None` for all that cannot be looked at.
    pub(super) fn at(path: &Path) -> Option<Self> {
        std::fs::metadata(path).ok().map(|metadata| Self::of(&metadata)) // Why not does not matter: it is not the same.
    }

    fn of(m: &Metadata) -> Self {
        Self {
            device: m.dev(),
            inode: m.ino(),
            len: m.len(),
            modified: (m.mtime(), m.mtime_nsec()),
            changed: (m.ctime(), m.ctime_nsec()),
        }
    }

    /// Whether the other was written no earlier.
    pub(super) fn is_covered_by(&self, other: &Self) -> bool {
        self.modified <= other.modified
    }

    /// Two writes may fall into one tick of the file system's clock and leave the same stamp. Once a second has passed
    /// no write can do so any more.
    pub(super) fn is_still(&self, now: SystemTime) -> bool {
        [self.modified, self.changed].into_iter().all(|time| {
            let age = system_time(time).and_then(|time| now.duration_since(time).ok()); // None: from the future.
            age.is_some_and(|age| age >= Duration::from_secs(1))
        })
    }

    /// The tag is a hash of size, inode, and both times in nanoseconds: the inode tells a file that was moved here from
    /// the one it replaced, the time of the last change cannot be set back as the time of the last write can, and the
    /// hash keeps inodes to ourselves. Until the file is still the tag is weak.
    ///
    /// `mark` stands in it for a form of the file that has other bytes, and `same` says whether that form's bytes are
    /// sure to be the same each time.
    pub(super) fn validators(&self, now: SystemTime, mark: &str, same: bool) -> Validators {
        let stamps = [self.len as i64, self.inode as i64, self.modified.0, self.modified.1];
        let stamps = stamps.into_iter().chain([self.changed.0, self.changed.1]);
        let hash = fnv1a(stamps.flat_map(i64::to_be_bytes));
        let strong = same && self.is_still(now);
        Validators {
            tag: format!("{}\"{hash:016x}{mark}\"", if strong { "" } else { "W/" }),
            modified: system_time(self.modified).and_then(|time| whole_seconds(time.min(now))), // spec: 9110-8.8.2.1-a
            strong,
            is_time_strong: strong,
        }
    }
}

impl Validators {
    /// Between the parts of a multipart body: what follows from the tag does not stand in the file by chance.
    pub(super) fn boundary(&self) -> String {
        let tag = self.tag.trim_start_matches("W/").trim_matches('"');
        format!("sakigake-{tag}")
    }
}

/// `None` before 1970 and for what no clock says.
fn system_time((seconds, nanoseconds): Time) -> Option<SystemTime> {
    let since = Duration::new(seconds.try_into().ok()?, nanoseconds.try_into().ok()?);
    SystemTime::UNIX_EPOCH.checked_add(since)
}

/// HTTP's dates have no fractions, and the two must compare equal.
fn whole_seconds(time: SystemTime) -> Option<SystemTime> {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).ok()?; // None before 1970: no date then.
    Some(SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs()))
}

/// FNV-1a, 64 bits: it need not withstand an enemy, who could only fool himself.
pub(super) fn fnv1a(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
