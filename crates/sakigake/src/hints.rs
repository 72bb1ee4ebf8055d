//! A site's hints, read from its own HTML and CSS: what to announce before anybody asked (the host's set), and what more
//! a page needs once it is asked for (a page's set).

mod file;
mod needs;
mod tree;
mod watch;

#[cfg(test)]
mod tests;

pub use file::{Mistake, parse as parse_file};
pub use watch::{Source, Watch};

use crate::files::{Files, relative_name};
use needs::{Need, Needs};
use sakigake_page::rules::Rank;
use sakigake_page::scan::{Mode, Resource};
use sakigake_page::{Destination, Url};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io;
use tree::Tree;

/// One resource that is worth a `Link` with `rel=preload`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// Path and query, with the leading slash, as a request names it.
    pub target: String,
    /// What it is for: one that `as` can name.
    pub destination: Destination,
    /// How it is fetched: `crossorigin`.
    pub mode: Mode,
    /// `integrity`; empty when there is none.
    pub integrity: String,
    /// `fetchpriority`.
    pub rank: Rank,
    /// How many pages need it; 0 when a file of hints named it.
    pub pages: usize,
}

/// What a site needs, best first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SiteHints {
    /// What `/` needs and what at least half of the pages need: known before any request.
    pub host: Vec<Hint>,
    /// By file below the folder, what its page needs beyond the host's set. Pages that need no more are not there.
    pages: BTreeMap<Vec<u8>, Vec<Hint>>,
    /// Pages that were read.
    pub page_count: usize,
    /// Whether a limit left something unread.
    pub is_partial: bool,
}

/// What bounds the reading of a site.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Files and folders that are looked at.
    pub entries: usize,
    /// Folders in folders.
    pub depth: usize,
    /// HTML files that are read.
    pub pages: usize,
    /// Bytes of one HTML or CSS file; longer ones are not read.
    pub file_bytes: u64,
    /// Bytes of all HTML and CSS files.
    pub total_bytes: u64,
    /// Style sheets that import each other in a row.
    pub imports: usize,
    /// Hints of one page, and of the host.
    pub hints: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: 50_000,
            depth: 24,
            pages: 5_000,
            file_bytes: 1 << 20,
            total_bytes: 64 << 20,
            imports: 8,
            hints: 64,
        }
    }
}

impl SiteHints {
    /// Reads all pages of a site that is reached under `origin` (`https://host[:port]`): links that name this origin in
    /// full count as the site's own.
    ///
    /// # Errors
    /// The folder itself cannot be read. A file below it that cannot is as if it were not there.
    pub fn read(files: &Files, origin: &Url, limits: &Limits) -> io::Result<Self> {
        Ok(Self::of(&Tree::walk(files.root(), limits)?, files, origin, limits))
    }

    fn of(tree: &Tree, files: &Files, origin: &Url, limits: &Limits) -> Self {
        let mut needs = Needs::new(files, origin, limits);
        let pages: Vec<(&[u8], Vec<Need>)> =
            tree.pages.iter().map(|page| (page.as_slice(), needs.of_page(page))).collect();
        let is_partial = tree.is_partial || needs.is_partial;
        let mut use_of: BTreeMap<&Url, Used<'_>> = BTreeMap::new();
        // The front page first, so that its order decides among equals.
        let front_first =
            pages.iter().filter(|page| page.0 == FRONT).chain(pages.iter().filter(|page| page.0 != FRONT));
        for (page, needs) in front_first {
            for Need { resource, depth } in needs {
                let next = use_of.len();
                let used = use_of.entry(&resource.url).or_insert(Used {
                    resource,
                    pages: 0,
                    is_front: false,
                    depth: *depth,
                    place: next,
                });
                used.pages += 1;
                used.is_front |= *page == FRONT;
            }
        }
        let is_hosts = |used: &Used<'_>| used.is_front || used.pages * 2 >= pages.len();
        let host = ranked(use_of.values().filter(|used| is_hosts(used)), limits);
        let announced: BTreeSet<&str> = host.iter().map(|hint| hint.target.as_str()).collect();
        let mut extra = BTreeMap::new();
        for (page, needs) in &pages {
            let used = needs.iter().filter_map(|need| use_of.get(&need.resource.url));
            let more = ranked(used.filter(|used| !announced.contains(used.resource.url.target())), limits);
            if !more.is_empty() {
                extra.insert(page.to_vec(), more);
            }
        }
        Self { host, pages: extra, page_count: pages.len(), is_partial }
    }

    /// What the page that a request's path names needs beyond the host's set.
    pub fn for_page(&self, path: &[u8]) -> &[Hint] {
        relative_name(path).and_then(|name| self.pages.get(&name)).map_or(&[], Vec::as_slice)
    }
}

const FRONT: &[u8] = b"index.html";

struct Used<'a> {
    resource: &'a Resource,
    pages: usize,
    is_front: bool,
    depth: usize,
    /// In order of appearance.
    place: usize,
}

/// By use, then by the profile's order; among equals first what a browser would learn of last, since a hint saves it the
/// most; then as the pages name them.
fn ranked<'a>(used: impl Iterator<Item = &'a Used<'a>>, limits: &Limits) -> Vec<Hint> {
    let mut used: Vec<&Used<'_>> = used.collect();
    used.sort_by_key(|used| {
        let urgency = used.resource.priority().urgency;
        (Reverse(used.pages), urgency, Reverse(used.depth), used.resource.destination, used.place)
    });
    used.truncate(limits.hints);
    used.into_iter().map(|used| Hint::new(used.resource, used.pages)).collect()
}

impl Hint {
    fn new(resource: &Resource, pages: usize) -> Self {
        Self {
            target: resource.url.target().into(),
            destination: resource.destination,
            mode: resource.mode,
            integrity: resource.integrity.clone(),
            rank: resource.rank,
            pages,
        }
    }

    /// The `Link` value (RFC 8288 section 3) with the complete URI that the PRELOAD frame asks for. `origin` is
    /// `https://host[:port]` without a slash at its end; with an empty one the target is relative, for a `Link` field.
    pub fn link(&self, origin: &str) -> String {
        let destination = self.destination.rule().preload.unwrap_or("fetch");
        let mut link = format!("<{origin}{}>; rel=preload; as={destination}", self.target);
        link.push_str(match self.mode {
            Mode::NoCors => "",
            Mode::Anonymous => "; crossorigin",
            Mode::Credentials => "; crossorigin=use-credentials",
        });
        link.push_str(match self.rank {
            Rank::High => "; fetchpriority=high",
            Rank::Low => "; fetchpriority=low",
            Rank::Auto | Rank::Asynchronous | Rank::Idle => "",
        });
        if !self.integrity.is_empty() {
            write!(link, "; integrity=\"{}\"", self.integrity).expect("a String takes everything");
        }
        link
    }

    /// RFC 9218 urgency of its request.
    pub fn urgency(&self) -> u8 {
        self.destination.priority(self.rank).urgency
    }
}
