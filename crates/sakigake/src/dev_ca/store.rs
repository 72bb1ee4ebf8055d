//! The CA's files. `ca-key.pem` (0600) holds certificate and key and is the only truth; `ca.pem` is a copy of the
//! certificate for others.

use super::Error;
use crate::private::{self, Temporary};
use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

pub(super) const KEY_FILE: &str = "ca-key.pem";
pub(super) const CERTIFICATE_FILE: &str = "ca.pem";

/// Certificate and key together need less than 2 KB.
const FILE_BYTES: u64 = 64 * 1024;

pub(super) fn default_folder(variable: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf, Error> {
    // Relative paths are to be ignored there (XDG Base Directory Specification).
    let absolute = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    match (absolute("XDG_DATA_HOME"), absolute("HOME")) {
        (Some(data), _) => Ok(data.join("sakigake")),
        (None, Some(home)) => Ok(home.join(".local/share/sakigake")),
        (None, None) => Err(Error::NoHome),
    }
}

/// Makes the folder for this user alone, or checks the one that is there.
pub(super) fn prepare(folder: &Path) -> Result<(), Error> {
    let made = private::make_folder(folder);
    made.map_err(|source| Error::Io { doing: "make the folder", path: folder.into(), source })?;
    let metadata = fs::metadata(folder);
    let metadata = metadata.map_err(|source| Error::Io { doing: "look at", path: folder.into(), source })?;
    owned(folder, &metadata)?;
    // Whoever may write in it may put another key there.
    match metadata.mode() & 0o022 {
        0 => Ok(()),
        _ => Err(Error::Exposed { path: folder.into(), mode: metadata.mode() & 0o7777 }),
    }
}

/// Reads the key's file, unless it is another's or others may read it. `None` where there is none.
pub(super) fn read_private(path: &Path) -> Result<Option<String>, Error> {
    let failed = |source| Error::Io { doing: "read", path: path.into(), source };
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(failed)?,
    };
    let metadata = file.metadata().map_err(failed)?;
    owned(path, &metadata)?;
    if metadata.mode() & 0o077 != 0 {
        return Err(Error::Exposed { path: path.into(), mode: metadata.mode() & 0o7777 });
    }
    let mut text = String::new();
    file.take(FILE_BYTES).read_to_string(&mut text).map_err(failed)?;
    Ok(Some(text))
}

/// Writes the key's file where there is none. The file appears whole or not at all, and when another process was
/// faster, its file stays: a hard link, unlike a rename, refuses to replace.
pub(super) fn create_private(path: &Path, text: &str) -> Result<(), Error> {
    let failed = |source| Error::Io { doing: "write", path: path.into(), source };
    let temporary = written(path, text, 0o600).map_err(failed)?;
    match fs::hard_link(&temporary.path, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Ok(()) => Ok(()),
        // File systems without hard links: two that come at once may then end with the later one's key, but never
        // with half a file.
        Err(_) => temporary.rename(path).map_err(failed),
    }
}

/// Writes the certificate's file, unless it is there as it should be.
pub(super) fn publish(path: &Path, text: &str) -> Result<(), Error> {
    if fs::read_to_string(path).is_ok_and(|there| there == text) {
        return Ok(());
    }
    let failed = |source| Error::Io { doing: "write", path: path.into(), source };
    written(path, text, 0o644).and_then(|temporary| temporary.rename(path)).map_err(failed)
}

fn written(beside: &Path, text: &str, mode: u32) -> io::Result<Temporary> {
    let temporary = Temporary::write(beside, text.as_bytes(), mode)?;
    temporary.sync()?;
    Ok(temporary)
}

fn owned(path: &Path, metadata: &Metadata) -> Result<(), Error> {
    match metadata.uid() == rustix::process::geteuid().as_raw() {
        true => Ok(()),
        false => Err(Error::Foreign { path: path.into(), owner: metadata.uid() }),
    }
}
