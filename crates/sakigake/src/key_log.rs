//! Secrets in a file, for captures that are to be decrypted (RFC 9850). Only where a flag asks for it.

use sakigake_tls::KeyLogLine;
use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

/// A key log that is open for appending. A clone appends to the same file.
#[derive(Clone)]
pub struct KeyLogFile(Arc<Mutex<File>>);

impl KeyLogFile {
    /// Opens or makes the file; a new one is for its owner alone.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        Ok(Self(Arc::new(Mutex::new(file))))
    }

    /// Appends one line in one write, so that several processes may share the file.
    ///
    /// # Errors
    /// What the system says.
    pub fn write(&self, line: &KeyLogLine) -> io::Result<()> {
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(format!("{line}\n").as_bytes())
    }
}
