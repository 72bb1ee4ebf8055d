//! The pages below a folder, and a fingerprint of everything there.

use super::Limits;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What one walk saw.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// HTML files, by name below the folder, in order of their names.
    pub(super) pages: Vec<Vec<u8>>,
    /// Changes with every name, size, inode and time below the folder.
    pub(super) fingerprint: u64,
    pub(super) is_partial: bool,
    entries: usize,
}

impl Tree {
    /// Walks the folder. What is hidden is skipped as the file service skips it; links are not followed, so that no
    /// walk is endless (a page behind a link has no hints).
    pub(super) fn walk(root: &Path, limits: &Limits) -> io::Result<Self> {
        let mut tree = Self::default();
        let mut hasher = DefaultHasher::new();
        tree.folder(root, &mut Vec::new(), 0, limits, &mut hasher)?;
        tree.fingerprint = hasher.finish();
        Ok(tree)
    }

    fn folder(
        &mut self,
        folder: &Path,
        name: &mut Vec<u8>,
        depth: usize,
        limits: &Limits,
        hasher: &mut DefaultHasher,
    ) -> io::Result<()> {
        let room = limits.entries - self.entries;
        // One that vanished meanwhile changes the next walk's fingerprint.
        let mut entries: Vec<fs::DirEntry> = fs::read_dir(folder)?.flatten().take(room + 1).collect();
        if entries.len() > room {
            self.is_partial = true;
            entries.truncate(room);
        }
        self.entries += entries.len();
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let (own, Ok(metadata)) = (entry.file_name(), entry.metadata()) else { continue };
            let own = own.as_bytes();
            let stamp = (metadata.len(), metadata.ino(), metadata.mtime(), metadata.mtime_nsec());
            (depth, own, stamp).hash(hasher);
            if own.starts_with(b".") {
                continue;
            }
            let end = name.len();
            if end > 0 {
                name.push(b'/');
            }
            name.extend_from_slice(own);
            if metadata.is_dir() {
                match depth < limits.depth {
                    // A folder that may not be read has no pages that could be served.
                    true => _ = self.folder(&entry.path(), name, depth + 1, limits, hasher).is_ok(),
                    false => self.is_partial = true,
                }
            } else if metadata.is_file() && is_page(name) {
                match self.pages.len() < limits.pages {
                    true => self.pages.push(name.clone()),
                    false => self.is_partial = true,
                }
            }
            name.truncate(end);
        }
        Ok(())
    }
}

/// The page for what is not there is nobody's destination.
fn is_page(name: &[u8]) -> bool {
    let lower = name.to_ascii_lowercase();
    (lower.ends_with(b".html") || lower.ends_with(b".htm")) && name != b"404.html"
}
