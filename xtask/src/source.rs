//! Rust files, as text.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A Rust file of the workspace.
pub(crate) struct Source {
    /// Relative to the root.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

impl Source {
    /// Whether it holds tests alone.
    pub(crate) fn is_test(&self) -> bool {
        let text = self.path.to_string_lossy();
        text.starts_with("tests/")
            || text.contains("/tests/")
            || text.ends_with("/tests.rs")
            || text.contains("/benches/")
    }
}

/// Every Rust file below `folders` of the root, in order.
pub(crate) fn all(root: &Path, folders: &[&str]) -> Result<Vec<Source>, String> {
    let mut paths = Vec::new();
    for folder in folders {
        collect(&root.join(folder), &mut paths)?;
    }
    paths.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Source { path: path.strip_prefix(root).unwrap_or(&path).to_owned(), text })
    };
    paths.into_iter().map(read).collect()
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) -> Result<(), String> {
    if !folder.exists() {
        return Ok(());
    }
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for entry in entries {
        let path = entry.map_err(|error| format!("{}: {error}", folder.display()))?.path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            collect(&path, into)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
    Ok(())
}
