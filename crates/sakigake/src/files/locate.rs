//! What a target means in the folder as it is now.

use super::path::Target;
use super::tree::{self, Found, Opened, find_in, folder_in};
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

/// Where a target leads.
pub(super) enum Place {
    /// To a file: the folder of the site, the file's name below it, and the file.
    File {
        root: OwnedFd,
        name: Vec<u8>,
        file: Opened,
    },
    /// To a folder without an index page.
    Folder {
        root: OwnedFd,
        folder: OwnedFd,
    },
    /// To another target.
    Elsewhere(Vec<u8>),
    Forbidden,
    Nothing,
}

/// Looks for the target itself, then, with clean URLs, for the page that it names, then for a folder.
pub(super) fn locate(root: &Path, target: &Target<'_>, clean_urls: bool) -> io::Result<Place> {
    let root = match tree::open_root(root) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Place::Nothing),
        root => root?,
    };
    let name = target.file();
    let is_folder = match find_in(&root, &name)? {
        Found::File(_) if clean_urls && let Some(location) = shorter(&root, target)? => {
            return Ok(Place::Elsewhere(location));
        }
        Found::File(file) => return Ok(Place::File { root, name, file }),
        Found::Forbidden => return Ok(Place::Forbidden),
        Found::Folder => !target.slash,
        Found::Nothing => false,
    };
    if clean_urls
        && !target.slash
        && let Some((name, file)) = page(&root, target)?
    {
        return Ok(Place::File { root, name, file });
    }
    if is_folder {
        // So that the page's relative links work.
        return Ok(Place::Elsewhere(target.with_slash()));
    }
    if !target.slash {
        return Ok(Place::Nothing);
    }
    if let Some(folder) = folder_in(&root, &target.segments().join(&b'/'))? {
        return Ok(Place::Folder { root, folder });
    }
    match (target.without_slash(), clean_urls && page(&root, target)?.is_some()) {
        (Some(location), true) => Ok(Place::Elsewhere(location)),
        _ => Ok(Place::Nothing),
    }
}

/// The page that a clean URL names.
fn page(root: &OwnedFd, target: &Target<'_>) -> io::Result<Option<(Vec<u8>, Opened)>> {
    let Some(name) = target.with_html() else { return Ok(None) };
    Ok(match find_in(root, &name)? {
        Found::File(file) => Some((name, file)),
        _ => None,
    })
}

/// The clean URL of a page. `None` where there is none, or where that means another file.
fn shorter(root: &OwnedFd, target: &Target<'_>) -> io::Result<Option<Vec<u8>>> {
    let Some((name, location)) = target.without_html() else { return Ok(None) };
    let is_taken = match name {
        Some(name) => matches!(find_in(root, &name)?, Found::File(_)),
        None => false,
    };
    Ok((!is_taken).then_some(location))
}
