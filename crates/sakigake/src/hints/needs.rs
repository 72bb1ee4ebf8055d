//! What a page needs, with the imports, fonts and images of its style sheets.

use super::Limits;
use crate::files::Files;
use sakigake_page::rules::Rank;
use sakigake_page::scan::{self, Resource};
use sakigake_page::{Destination, Url};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// Something that a page needs.
pub(super) struct Need {
    pub(super) resource: Resource,
    /// How many files the page's own one has to be followed by until this is known: 0 for what the HTML names.
    pub(super) depth: usize,
}

/// Reads files and remembers what each names, since pages share style sheets.
pub(super) struct Needs<'a> {
    files: &'a Files,
    origin: &'a Url,
    limits: &'a Limits,
    sheets: BTreeMap<Url, Rc<[Resource]>>,
    exists: BTreeMap<Url, bool>,
    bytes: u64,
    pub(super) is_partial: bool,
}

impl<'a> Needs<'a> {
    pub(super) fn new(files: &'a Files, origin: &'a Url, limits: &'a Limits) -> Self {
        let (sheets, exists) = (BTreeMap::new(), BTreeMap::new());
        Self { files, origin, limits, sheets, exists, bytes: 0, is_partial: false }
    }

    /// What the page in that file needs, in the order in which a browser learns of it.
    pub(super) fn of_page(&mut self, page: &[u8]) -> Vec<Need> {
        let Some(base) = address(self.origin, page) else { return Vec::new() };
        let Some(html) = self.read(page) else { return Vec::new() };
        let mut found = Found::default();
        let mut sheets = Vec::new();
        for resource in scan::html(&html, &base) {
            self.take(resource, &mut found, &mut sheets);
        }
        // Level by level, as they would be fetched.
        for _ in 0..self.limits.imports {
            found.depth += 1;
            for sheet in std::mem::take(&mut sheets) {
                for resource in self.named_by(&sheet).iter() {
                    self.take(resource.clone(), &mut found, &mut sheets);
                }
            }
        }
        self.is_partial |= !sheets.is_empty();
        found.needs
    }

    fn take(&mut self, resource: Resource, found: &mut Found, sheets: &mut Vec<Url>) {
        if !is_worth_it(&resource)
            || !resource.url.is_same_origin(self.origin)
            || !self.is_there(&resource.url)
        {
            return;
        }
        if found.urls.insert(resource.url.clone()) {
            if resource.destination == Destination::Style {
                sheets.push(resource.url.clone());
            }
            found.needs.push(Need { resource, depth: found.depth });
        }
    }

    /// What a style sheet names itself.
    fn named_by(&mut self, sheet: &Url) -> Rc<[Resource]> {
        if let Some(known) = self.sheets.get(sheet) {
            return known.clone();
        }
        let name = crate::files::relative_name(sheet.target().as_bytes());
        let css = name.and_then(|name| self.read(&name)).unwrap_or_default();
        let named: Rc<[Resource]> = scan::css(&css, sheet).into();
        self.sheets.insert(sheet.clone(), named.clone());
        named
    }

    fn is_there(&mut self, url: &Url) -> bool {
        if let Some(&known) = self.exists.get(url) {
            return known;
        }
        let is_there = self.files.open(url.target().as_bytes()).is_some();
        self.exists.insert(url.clone(), is_there);
        is_there
    }

    /// A file's bytes, within the limits; nothing where it cannot be read.
    fn read(&mut self, name: &[u8]) -> Option<Vec<u8>> {
        let (body, len) = self.files.open_name(name)?;
        if len > self.limits.file_bytes || self.bytes + len > self.limits.total_bytes {
            self.is_partial = true;
            return None;
        }
        self.bytes += len;
        body.whole().ok() // Unreadable, or cut while it was read: the next walk sees the change.
    }
}

#[derive(Default)]
struct Found {
    needs: Vec<Need>,
    depth: usize,
    urls: BTreeSet<Url>,
}

/// Only what every visitor's browser fetches at once, and by a destination that preloads know.
fn is_worth_it(resource: &Resource) -> bool {
    use Destination::{Font, Image, Script, Style};
    let is_known = matches!(resource.destination, Style | Script | Font | Image);
    is_known && !resource.is_lazy && resource.rank != Rank::Idle
}

/// Where the page in a file is found: an index page at its folder.
fn address(origin: &Url, page: &[u8]) -> Option<Url> {
    let folder = page.strip_suffix(super::FRONT).filter(|path| path.is_empty() || path.ends_with(b"/"));
    origin.join(&encoded(folder.unwrap_or(page)))
}

/// A name below the folder as a path.
pub(super) fn encoded(name: &[u8]) -> String {
    let mut encoded = String::from("/");
    for &byte in name {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}
