//! What lies in a folder, for people and for programs.

mod html;
mod json;
#[cfg(test)]
mod tests;

pub(super) use html::{escape, is_invisible};
pub(super) use json::text as json_text;

use super::ask::Ask;
use super::asset::Outcome;
use super::conditions::{Verdict, judge};
use super::date::LAST_SECOND;
use super::path::{self, Target};
use super::tree::{self, Validators, fnv1a};
use super::weights::{self, Weight};
use super::{Body, Reply};
use rustix::fs::{AtFlags, Dir, FileType, Stat, statat};
use sakigake_semantics::{Chunk, Fields, Response};
use std::cmp::Ordering;
use std::ffi::CStr;
use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, SystemTime};

/// How folders are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listings {
    /// Names that a page has at most; it says so where there are more. All of a folder's are read while the worker
    /// waits.
    pub entries: usize,
}

impl Default for Listings {
    fn default() -> Self {
        Self { entries: 2000 }
    }
}

/// A folder as it was when it was read.
#[derive(Debug)]
pub(super) struct Listing {
    /// The names of the folders on the way, decoded.
    pub(super) segments: Vec<Vec<u8>>,
    pub(super) entries: Vec<Entry>,
    /// Whether there are more.
    pub(super) is_cut: bool,
    pub(super) sort: Sort,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: Vec<u8>,
    pub(super) is_folder: bool,
    /// Of a file.
    pub(super) bytes: u64,
    pub(super) modified: Option<SystemTime>,
}

/// By what a listing is sorted; folders come first in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sort {
    pub(super) key: Key,
    pub(super) is_descending: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Name,
    Size,
    Time,
}

/// Answers a GET or HEAD for a folder that is open, below the open root.
///
/// # Errors
/// The folder cannot be read.
pub(super) fn answer(
    ask: &Ask<'_>,
    target: &Target<'_>,
    root: &OwnedFd,
    folder: &OwnedFd,
    limits: Listings,
    extra: &Fields,
) -> io::Result<Outcome> {
    let listing = Listing::read(target, root, folder, limits)?;
    let is_json = wants_json(ask.list("accept").as_deref());
    let (content_type, text) = match is_json {
        true => ("application/json", json::page(&listing)),
        false => ("text/html; charset=utf-8", html::page(&listing)),
    };
    let tag = format!("W/\"{:016x}\"", fnv1a(text.bytes()));
    let validators = Validators { tag, modified: None, strong: false, is_time_strong: false };
    let mut fields = Fields::new();
    if extra.find(b"cache-control").is_none() {
        fields.push(b"cache-control", b"no-cache");
    }
    fields.push(b"etag", validators.tag.as_bytes());
    fields.push(b"vary", b"accept");
    extra.iter().for_each(|line| fields.push(line.name, line.value));
    let (status, body) = match judge(ask, &validators) {
        Verdict::Failed => return Ok(Outcome::Failed),
        Verdict::NotModified => (304, Body::empty()),
        Verdict::Whole | Verdict::Ranges(_) => {
            fields.push(b"x-content-type-options", b"nosniff");
            if !is_json && extra.find(b"content-security-policy").is_none() {
                fields.push(b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'");
            }
            fields.push(b"content-type", content_type.as_bytes());
            fields.push(b"content-length", text.len().to_string().as_bytes());
            let text = Chunk::Owned(text.into_bytes());
            (200, if ask.is_head() { Body::empty() } else { Body::bytes(text) })
        }
    };
    Ok(Outcome::Reply(Reply { response: Response { status, fields }, body }))
}

/// Whether `accept` likes JSON better than a page.
fn wants_json(accept: Option<&[u8]>) -> bool {
    let Some(accept) = accept else { return false };
    // The most specific range that fits counts (RFC 9110 section 12.5.1).
    let weight = |ranges: [&[u8]; 3]| -> Weight {
        let said = |range: &[u8]| {
            weights::members(accept)
                .find(|(name, _)| name.eq_ignore_ascii_case(range))
                .map(|(_, weight)| weight)
        };
        ranges.into_iter().find_map(said).unwrap_or(0)
    };
    weight([b"application/json", b"application/*", b"*/*"]) > weight([b"text/html", b"text/*", b"*/*"])
}

impl Listing {
    /// Reads a folder. Hidden names, what is neither file nor folder, and links to what lies outside are left out.
    fn read(target: &Target<'_>, root: &OwnedFd, folder: &OwnedFd, limits: Listings) -> io::Result<Self> {
        let mut listing = Self {
            segments: target.segments().to_vec(),
            entries: Vec::new(),
            is_cut: false,
            sort: Sort::read(target.query()),
        };
        let mut reads = limits.entries.saturating_mul(READS_AN_ENTRY);
        for entry in Dir::read_from(folder)? {
            let entry = entry?;
            if reads == 0 || listing.entries.len() == limits.entries {
                listing.is_cut = true;
                break;
            }
            reads -= 1;
            let Some(entry) = listing.look(entry.file_name(), root, folder) else { continue };
            listing.entries.push(entry);
        }
        let sort = listing.sort;
        listing.entries.sort_unstable_by(|a, b| sort.compare(a, b));
        Ok(listing)
    }

    fn look(&self, name: &CStr, root: &OwnedFd, folder: &OwnedFd) -> Option<Entry> {
        let bytes = name.to_bytes();
        if bytes.starts_with(b".") {
            return None;
        }
        // What vanished in the meantime, or may not be looked at, is left out.
        let stat = statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        let stat = match FileType::from_raw_mode(stat.st_mode) {
            FileType::Symlink => {
                let mut way = self.segments.clone();
                way.push(bytes.to_vec());
                tree::stat_beneath(root, &way.join(&b'/'))?
            }
            _ => stat,
        };
        Entry::of(bytes, &stat)
    }
}

/// Names that are read for each that may be shown: hidden ones count too.
const READS_AN_ENTRY: usize = 4;

impl Entry {
    fn of(name: &[u8], stat: &Stat) -> Option<Self> {
        let is_folder = match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => true,
            FileType::RegularFile => false,
            _ => return None,
        };
        let bytes = if is_folder { 0 } else { u64::try_from(stat.st_size).ok()? }; // No file has a negative size.
        // Before 1970 and after 9999 there is no time to show.
        let seconds = u64::try_from(stat.st_mtime).ok().filter(|&seconds| seconds <= LAST_SECOND);
        let modified =
            seconds.and_then(|seconds| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)));
        Some(Self { name: name.to_vec(), is_folder, bytes, modified })
    }

    /// The reference from the folder's page. `None` for a name that no request can have.
    pub(super) fn href(&self) -> Option<String> {
        if !path::may_be_asked_for(&self.name) {
            return None;
        }
        // The dot keeps a colon in the name from making a scheme.
        let mut href = b"./".to_vec();
        path::encode_all(&self.name, &mut href);
        if self.is_folder {
            href.push(b'/');
        }
        String::from_utf8(href).ok() // Encoded, it is ASCII.
    }
}

impl Sort {
    /// Reads `sort=name|size|time&order=asc|desc`; anything else is as if it were not there.
    pub(super) fn read(query: &[u8]) -> Self {
        let mut sort = Self { key: Key::Name, is_descending: false };
        for part in query.split(|&byte| byte == b'&') {
            match part {
                b"sort=name" => sort.key = Key::Name,
                b"sort=size" => sort.key = Key::Size,
                b"sort=time" => sort.key = Key::Time,
                b"order=asc" => sort.is_descending = false,
                b"order=desc" => sort.is_descending = true,
                _ => {}
            }
        }
        sort
    }

    fn compare(self, a: &Entry, b: &Entry) -> Ordering {
        let folded = |entry: &Entry| entry.name.to_ascii_lowercase();
        let by_name = || folded(a).cmp(&folded(b)).then_with(|| a.name.cmp(&b.name));
        let by_key = match self.key {
            Key::Name => by_name(),
            Key::Size => a.bytes.cmp(&b.bytes).then_with(by_name),
            Key::Time => a.modified.cmp(&b.modified).then_with(by_name),
        };
        let by_key = if self.is_descending { by_key.reverse() } else { by_key };
        b.is_folder.cmp(&a.is_folder).then(by_key)
    }
}
