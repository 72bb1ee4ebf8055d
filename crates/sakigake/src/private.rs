//! Files for this user alone, which appear whole or not at all.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};
use zeroize::Zeroizing;

/// A file of our own beside the one that is to appear; gone at the end, unless it was renamed.
pub(crate) struct Temporary {
    pub(crate) path: PathBuf,
    file: File,
}

impl Temporary {
    /// Writes it, with these permissions.
    pub(crate) fn write(beside: &Path, bytes: &[u8], mode: u32) -> io::Result<Self> {
        let mut path = beside.as_os_str().to_owned();
        path.push(format!(".{}.tmp", unique()));
        let path = PathBuf::from(path);
        // One of a process of the same number that was killed: nobody else writes under this name.
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&path)?;
        let mut temporary = Self { path, file };
        temporary.file.write_all(bytes)?;
        Ok(temporary)
    }

    /// What was written outlasts a loss of power.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    /// It takes the place of whatever stands at `path`.
    pub(crate) fn rename(&self, path: &Path) -> io::Result<()> {
        fs::rename(&self.path, path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path); // It was renamed, or nobody can remove it.
    }
}

/// Takes away what processes that were killed were about to write at a path; nobody may be writing there meanwhile.
pub(crate) fn sweep(path: &Path) -> io::Result<()> {
    let Some(name) = path.file_name() else { return Ok(()) };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let found = entry.file_name();
        let unique = found.as_encoded_bytes().strip_prefix(name.as_encoded_bytes());
        let unique = unique.and_then(|rest| rest.strip_prefix(b".")?.strip_suffix(b".tmp"));
        if unique.is_some_and(is_unique) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Whether [`unique`] gives such texts.
pub(crate) fn is_unique(text: &[u8]) -> bool {
    let mut numbers = text.split(|byte| *byte == b'-');
    let mut is_number =
        || numbers.next().is_some_and(|text| !text.is_empty() && text.iter().all(u8::is_ascii_digit));
    is_number() && is_number() && numbers.next().is_none()
}

/// A part of a file's name that no other file of ours has.
pub(crate) fn unique() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Makes a folder that nobody else may look into; one that is there already stays as it is.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Reads a file of at most `most_bytes`, unless it is another's or others may read it. None where there is none.
pub(crate) fn read(path: &Path, most_bytes: u64) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let metadata = file.metadata()?;
    let refuse = |why: String| Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return refuse(format!("it belongs to user {}", metadata.uid()));
    }
    if metadata.mode() & 0o077 != 0 {
        return refuse(format!("others may use it (mode {:o}): chmod 600", metadata.mode() & 0o7777));
    }
    if metadata.len() > most_bytes {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("it has over {most_bytes} bytes")));
    }
    // Room for all of it: what a vector leaves behind as it grows would not be erased.
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0) + 1));
    file.take(most_bytes).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}
