//! The keys under which a server seals its tickets: in memory, or in a file that several servers share. They change daily, and
//! are destroyed when the last of their tickets has expired.

mod lines;

use crate::{Swap, private};
use sakigake_crypto::aws_lc::PROVIDER;
use sakigake_net::{SystemEntropy, unix_secs};
use sakigake_tls::{KeyRing, Rotation, TicketKeys};
use sakigake_wire::Entropy;
use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Weak},
    thread,
    time::Duration,
};
use zeroize::Zeroizing;

/// How often the time is looked at: a machine that slept has missed a longer sleep's end.
const LOOK: Duration = Duration::from_secs(600);

/// A file of keys is far smaller.
const FILE_BYTES: u64 = 64 * 1_024;

/// The keys, shared by all workers.
pub struct Keys {
    ring: Swap<KeyRing>,
    file: Option<PathBuf>,
}

impl Keys {
    /// Keys that nobody else knows, gone when the process ends. A thread turns them.
    ///
    /// # Errors
    /// The system has no thread to give.
    pub fn in_memory() -> io::Result<Arc<Self>> {
        Self::start(None, |_| {})
    }

    /// Keys of a file, which is made where there is none: for this user alone (0600). Servers that share it take each other's
    /// tickets, and each looks what the others have made of it; `warn` hears when that fails, which ends resumption within a day.
    /// Who writes locks a file beside it, of the same name with `.lock` behind it.
    ///
    /// # Errors
    /// It cannot be read or written, others may read it, it holds something else, or the system has no thread to give.
    pub fn in_file(path: &Path, warn: impl Fn(io::Error) + Send + 'static) -> io::Result<Arc<Self>> {
        Self::start(Some(path.to_owned()), warn)
    }

    fn start(file: Option<PathBuf>, warn: impl Fn(io::Error) + Send + 'static) -> io::Result<Arc<Self>> {
        let suite = PROVIDER.suites.first().expect("the provider has suites");
        let keys = Arc::new(Self { ring: Swap::new(KeyRing::new(suite, Vec::new())), file });
        keys.turn(unix_secs())?;
        let shared = Arc::downgrade(&keys);
        let attend = move || {
            loop {
                thread::sleep(LOOK);
                let Some(keys) = Weak::upgrade(&shared) else { return };
                if let Err(error) = keys.turn(unix_secs()) {
                    warn(error);
                }
            }
        };
        thread::Builder::new().name("tickets".into()).spawn(attend)?;
        Ok(keys)
    }

    /// Destroys keys whose time is over and draws one where none is for now; of a file, takes over what it holds.
    fn turn(&self, unix_secs: u64) -> io::Result<()> {
        let ring = self.ring.now();
        match &self.file {
            Some(path) => self.ring.set(turn_file(path, &ring, unix_secs)?),
            None if ring.is_due(unix_secs, Rotation::default()) => self.ring.set(turned(&ring, unix_secs)),
            None => {}
        }
        Ok(())
    }
}

/// By the system's clock, which the keys are turned by: what sessions count from their start stands still while a machine
/// sleeps.
impl TicketKeys for Keys {
    fn seal(&self, _: u64, text: &[u8], entropy: &mut dyn Entropy) -> Option<Vec<u8>> {
        self.ring.now().seal(unix_secs(), text, entropy)
    }

    fn is_sealing(&self, _: u64) -> bool {
        self.ring.now().is_sealing(unix_secs())
    }

    fn open(&self, _: u64, ticket: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        self.ring.now().open(unix_secs(), ticket)
    }
}

impl core::fmt::Debug for Keys {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Keys").field("file", &self.file).finish_non_exhaustive()
    }
}

fn turned(ring: &KeyRing, unix_secs: u64) -> KeyRing {
    ring.turned(unix_secs, Rotation::default(), &mut SystemEntropy)
}

/// What the file holds, after what is due was done to it.
fn turn_file(path: &Path, like: &KeyRing, unix_secs: u64) -> io::Result<KeyRing> {
    // Where it is a link, what it leads to is what servers share.
    let found = path.canonicalize();
    let path = found.as_deref().unwrap_or(path); // It is yet to be made, or reading it will tell.
    match read(path, like) {
        Ok((ring, _)) if !ring.is_due(unix_secs, Rotation::default()) => return Ok(ring),
        // Another server may just have written over what we had opened.
        Err(error) if error.kind() != io::ErrorKind::InvalidData => return Err(error),
        _ => {}
    }
    // Of two servers that come at once one draws the key, and the other takes it over.
    let _locked = lock(path)?;
    private::sweep(path)?;
    let (ring, old_len) = read(path, like)?;
    if !ring.is_due(unix_secs, Rotation::default()) {
        return Ok(ring);
    }
    let ring = turned(&ring, unix_secs);
    let old = old_len.map(|len| OpenOptions::new().write(true).open(path).map(|file| (file, len)));
    let old = old.transpose()?;
    let new = private::Temporary::write(path, &lines::write(ring.keys()), 0o600)?;
    new.sync()?;
    new.rename(path)?;
    File::open(folder_of(path))?.sync_all()?; // Before the old one is spoilt: a loss of power must not bring it back.
    if let Some((file, len)) = old {
        // What the file system keeps of the old keys beside is beyond us, and so it is where this fails.
        let _ = blot(file, len);
    }
    Ok(ring)
}

/// The keys of a file, and its length; no file, no keys.
fn read(path: &Path, like: &KeyRing) -> io::Result<(KeyRing, Option<usize>)> {
    let text = private::read(path, FILE_BYTES)?;
    let keys = text.as_ref().map(|text| lines::read(text)).transpose()?;
    Ok((like.with_keys(keys.unwrap_or_default()), text.map(|text| text.len())))
}

/// Held until the file is closed. It is one of our own, for this user alone, so that nobody else can hold us up.
fn lock(path: &Path) -> io::Result<File> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(name)?;
    file.lock()?;
    Ok(file)
}

/// Writes over a file that has no name any more; by another name somebody may use it.
fn blot(mut file: File, len: usize) -> io::Result<()> {
    if file.metadata()?.nlink() > 0 {
        return Ok(());
    }
    file.write_all(&vec![0; len])?;
    file.sync_all()
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests;
