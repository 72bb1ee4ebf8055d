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
use sakigake_page::Url;
use sakigake_page::rules::Rank;
use sakigake_page::scan::{Mode, Resource};
use sakigake_preload::table::Site;
use sakigake_preload::{CrossOrigin, Destination, FetchPriority, Hint};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use tree::Tree;

/// What a site needs, best first. The hints' URLs are paths with query on the site's own host.
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
        let announced: BTreeSet<&str> = host.iter().map(|hint| hint.url.as_str()).collect();
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

    /// What to [`set`](sakigake_preload::Table::set) in the table that frames are made from.
    pub fn site(&self) -> Site {
        let pages = self.pages.iter();
        let pages = pages.flat_map(|(name, hints)| paths(name).map(move |path| (path, hints.clone())));
        Site { hints: self.host.clone(), pages: pages.collect() }
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
    used.into_iter().filter_map(|used| hint(used.resource)).collect()
}

/// The hint for a resource, by its path on its own host; `None` where no `as` names what it is for.
fn hint(resource: &Resource) -> Option<Hint> {
    let destination = Destination::of_as(resource.destination.rule().preload?)?;
    Some(Hint {
        crossorigin: match resource.mode {
            Mode::NoCors => None,
            Mode::Anonymous => Some(CrossOrigin::Anonymous),
            Mode::Credentials => Some(CrossOrigin::UseCredentials),
        },
        integrity: (!resource.integrity.is_empty()).then(|| resource.integrity.clone()),
        // A script that holds nothing up has no other way to say so.
        fetchpriority: match resource.rank {
            Rank::High => FetchPriority::High,
            Rank::Low | Rank::Asynchronous | Rank::Idle => FetchPriority::Low,
            Rank::Auto => FetchPriority::Auto,
        },
        ..Hint::new(resource.url.target(), destination)
    })
}

/// The paths by which the page in a file is asked for: an index page has two.
fn paths(name: &[u8]) -> impl Iterator<Item = String> {
    let folder = name.strip_suffix(FRONT).filter(|folder| folder.is_empty() || folder.ends_with(b"/"));
    [Some(name), folder].into_iter().flatten().map(needs::encoded)
}
