//! The load of a page as an engine: it wants requests, takes responses, and knows when all is there.
//!
//! ```text
//!            wants()                head()          data()*             end()
//! Queued ------------> Requested ---------> Receiving ------> Receiving ------> Done
//!    |                     |                    |  failed()
//!    +---------------------+--------------------+-----------> Failed, Cancelled (nobody claimed it)
//! ```
//! The document's request is wanted from the first moment and waits for nothing. Hints become requests at once; what the page then
//! names joins them by address, destination, mode, credentials and integrity. The owner opens connections, decodes content codings (the
//! requests accept none by themselves), and resets the streams of what is cancelled.

use crate::{
    Destination, Url,
    scan::{self, By, Html, Mode, Resource},
};
use sakigake_semantics::Response;
use sakigake_wire::{Instant, Span};
use std::collections::{BTreeMap, VecDeque};

mod entry;
mod hint;
mod request;
mod summary;
#[cfg(test)]
mod tests;

pub use entry::{Call, Entry, Id, Refusal, State, Want, Wanted, Why};
pub use summary::{HintCount, Summary};

/// A page under way.
#[derive(Debug)]
pub struct Load {
    options: Options,
    started: Instant,
    completed: Option<Instant>,
    entries: Vec<Entry>,
    /// The entry for each use that the page has made.
    index: BTreeMap<Key, Id>,
    /// Wanted and not handed out yet.
    queue: Vec<Id>,
    cancels: VecDeque<Id>,
    /// Style sheets that are complete and of use, not scanned yet.
    unscanned: Vec<Id>,
    /// The scan of the document, and which entry brings it.
    html: Option<(Id, Html)>,
    /// The document's address after redirects.
    page: Url,
    hints: hint::Hints,
    /// Resources beyond the limits, or in the clear on a page that is not.
    refused: usize,
}

/// How a page is loaded.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Whether the hints of frames, and remembered ones, are followed.
    pub preload: bool,
    /// Whether the first 103 (Early Hints) to the document is followed.
    pub early_hints: bool,
    /// Whether only the document itself is wanted, as for a download: nothing is scanned and no hint is followed.
    pub is_single: bool,
    /// Whether a redirect is a response like any other, and not followed.
    pub keeps_redirects: bool,
    /// What bounds the load.
    pub limits: Limits,
}

/// What bounds a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Requests of one page, redirects and unused hints included.
    pub resources: usize,
    /// Imports within imports; the sheet that a page names is 0.
    pub import_depth: usize,
    /// Redirects one after the other.
    pub redirects: usize,
    /// What bounds the hints: their number, their frames, and the bodies that no use has claimed.
    pub hints: sakigake_preload::policy::Limits,
    /// What bounds each scan.
    pub scan: scan::Limits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            resources: 512,
            import_depth: 8,
            redirects: 10,
            hints: sakigake_preload::policy::Limits::default(),
            scan: scan::Limits::default(),
        }
    }
}

/// What must agree for a response to serve two uses (HTML, "consume a preloaded resource").
type Key = (Url, Destination, Mode, String);

impl Load {
    /// The load of the page at `url`, whose request is wanted at once.
    pub fn new(url: Url, options: Options, now: Instant) -> Self {
        Self::calling(url, Call::default(), options, now)
    }

    /// The same with another method than GET, or with a body. Redirects change both as browsers do.
    pub fn calling(url: Url, call: Call, options: Options, now: Instant) -> Self {
        let document = Resource::new(url.clone(), Destination::Document, By::Element);
        let mut load = Self {
            options,
            started: now,
            completed: None,
            entries: Vec::new(),
            index: BTreeMap::new(),
            queue: Vec::new(),
            cancels: VecDeque::new(),
            unscanned: Vec::new(),
            html: None,
            page: url,
            hints: hint::Hints::default(),
            refused: 0,
        };
        let id = load.add(document, Why::Document, now);
        load.entries[id.0].is_claimed = true;
        load.entries[id.0].call = call;
        load
    }

    /// The next thing to do; ask until there is none. The document comes first, then by priority.
    pub fn wants(&mut self, now: Instant) -> Option<Want> {
        if let Some(id) = self.cancels.pop_front() {
            return Some(Want::Cancel(id));
        }
        let urgency = |id: &Id| self.entries[id.0].resource.priority().urgency;
        let next = (0..self.queue.len()).min_by_key(|at| urgency(&self.queue[*at]))?;
        let id = self.queue.remove(next);
        let entry = &mut self.entries[id.0];
        entry.state = State::Requested;
        entry.requested = Some(now);
        Some(Want::Request(Box::new(Wanted {
            id,
            origin: entry.resource.url.origin().clone(),
            request: request::of(entry, &self.page, self.options.is_single),
            has_body: entry.call.has_body,
            why: entry.why,
        })))
    }

    /// A response began. Informational ones change nothing here; [`Load::interim`] takes them.
    pub fn head(&mut self, now: Instant, id: Id, response: &Response) {
        let follows = !self.options.keeps_redirects;
        let Some(entry) = self.open(id).filter(|_| response.status >= 200) else { return };
        if entry.first_byte.is_some() {
            return;
        }
        entry.state = State::Receiving;
        entry.first_byte = Some(now);
        entry.status = Some(response.status);
        entry.media_type = media_type(response);
        if follows
            && matches!(response.status, 301 | 302 | 303 | 307 | 308)
            && let Some(location) = response.fields.find(b"location")
        {
            let target = entry.resource.url.join(&String::from_utf8_lossy(location));
            return self.redirect(now, id, response.status, target);
        }
        let entry = &self.entries[id.0];
        let is_html = matches!(entry.media_type.as_str(), "" | "text/html" | "application/xhtml+xml");
        if entry.resource.destination == Destination::Document {
            self.page = entry.resource.url.clone();
            let scans = is_html && !self.options.is_single;
            self.html = scans.then(|| (id, Html::new(self.page.clone(), self.options.limits.scan)));
            self.heed_policy(now, response);
        }
    }

    /// Bytes of a body came, decoded.
    pub fn data(&mut self, now: Instant, id: Id, bytes: &[u8]) {
        let css_bytes = self.options.limits.scan.css_bytes;
        let Some(entry) = self.open(id).filter(|entry| entry.state == State::Receiving) else { return };
        entry.bytes = entry.bytes.saturating_add(bytes.len() as u64);
        if entry.is_sheet() {
            let room = css_bytes.saturating_sub(entry.sheet.len());
            entry.sheet.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        }
        let is_claimed = entry.is_claimed;
        let is_beyond = self.is_beyond(id, bytes.len());
        if !is_claimed {
            if is_beyond {
                self.cancel(now, id);
            }
            return;
        }
        if let Some((document, mut html)) = self.html.take() {
            if document == id {
                html.feed(bytes, &mut |resource| self.discover(now, resource, id));
                self.html = Some((document, html));
                return self.settle(now);
            }
            self.html = Some((document, html));
        }
    }

    /// A response is complete.
    pub fn end(&mut self, now: Instant, id: Id) {
        let Some(entry) = self.open(id).filter(|entry| entry.state == State::Receiving) else { return };
        entry.state = State::Done;
        entry.ended = Some(now);
        if entry.is_applied {
            self.unscanned.push(id);
        }
        self.note_end(id);
        if let Some((document, mut html)) = self.html.take() {
            if document == id {
                html.finish(&mut |resource| self.discover(now, resource, id));
            } else {
                self.html = Some((document, html));
            }
        }
        self.settle(now);
    }

    /// A request did not succeed: no connection, a reset stream, a broken certificate.
    pub fn failed(&mut self, now: Instant, id: Id, why: &str) {
        let Some(entry) = self.open(id) else { return };
        entry.state = State::Failed(why.to_owned());
        entry.ended = Some(now);
        self.queue.retain(|queued| *queued != id);
        self.note_end(id);
        if let Some((document, mut html)) = self.html.take() {
            if document == id {
                // What came of the document is shown, and what it names belongs to it.
                html.finish(&mut |resource| self.discover(now, resource, id));
            } else {
                self.html = Some((document, html));
            }
        }
        self.settle(now);
    }

    /// Whether the page and all that it needs is there, or will not come.
    pub fn is_complete(&self) -> bool {
        self.completed.is_some()
    }

    /// Whether a response is the one that its request led to, rather than a redirect on the way.
    pub fn is_final(&self, id: Id) -> bool {
        self.entries.get(id.0).is_some_and(|entry| entry.redirected_to.is_none())
    }

    /// The document: the last of the requests that its redirects made of the first one.
    pub fn document(&self) -> Id {
        let mut id = Id(0);
        // A redirect always leads to a later entry, so this ends.
        while let Some(next) = self.entries[id.0].redirected_to {
            id = next;
        }
        id
    }

    /// All requests so far, in the order in which they became known; the document is the first.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The page's address, after redirects.
    pub fn page(&self) -> &Url {
        &self.page
    }

    /// When the load began.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// From the start to the page's last byte; `None` while it is under way.
    pub fn duration(&self) -> Option<Span> {
        self.completed.map(|completed| completed.since(self.started))
    }

    /// An entry that is not over.
    fn open(&mut self, id: Id) -> Option<&mut Entry> {
        let is_complete = self.completed.is_some();
        self.entries.get_mut(id.0).filter(|entry| !is_complete && !entry.is_over())
    }

    fn is_full(&self) -> bool {
        self.entries.len() >= self.options.limits.resources
    }

    fn add(&mut self, resource: Resource, why: Why, now: Instant) -> Id {
        let id = Id(self.entries.len());
        // What a hint leads to becomes a use of the page only when the page joins it.
        let is_use = match why {
            Why::Hint => false,
            Why::Redirect { from } => self.entries[from.0].is_claimed,
            Why::Document | Why::Discovery { .. } => true,
        };
        if is_use {
            self.index.insert(key(&resource), id);
        }
        self.entries.push(Entry::new(resource, why, now));
        self.queue.push(id);
        id
    }

    /// The page names something: joined with what is under way, or asked for.
    fn discover(&mut self, now: Instant, resource: Resource, parent: Id) {
        let import_depth = self.entries[parent.0].import_depth + usize::from(resource.by == By::Import);
        let is_in_the_clear = self.page.origin().secure && !resource.url.origin().secure;
        if is_in_the_clear || import_depth > self.options.limits.import_depth {
            self.refused += 1;
            return;
        }
        let is_applied = resource.by != By::Preload;
        let known = self.index.get(&key(&resource)).copied();
        let id = match known.or_else(|| self.join(&resource)) {
            Some(id) => id,
            None if self.is_full() => {
                self.refused += 1;
                return;
            }
            None => self.add(resource, Why::Discovery { parent }, now),
        };
        self.claim(id, is_applied, import_depth);
    }

    /// The page needs it, and all that it leads to.
    fn claim(&mut self, id: Id, is_applied: bool, import_depth: usize) {
        let mut next = Some(id);
        // As many turns as there were redirects at most, since none leads back to an earlier entry.
        while let Some(id) = next {
            let entry = &mut self.entries[id.0];
            if !entry.is_claimed {
                entry.is_claimed = true;
                entry.import_depth = import_depth;
            }
            if is_applied && !entry.is_applied {
                entry.is_applied = true;
                if entry.state == State::Done {
                    self.unscanned.push(id);
                }
            }
            next = entry.redirected_to;
        }
    }

    fn redirect(&mut self, now: Instant, id: Id, status: u16, target: Option<Url>) {
        let entry = &self.entries[id.0];
        let redirects = entry.redirects + 1;
        let is_downgrade = |url: &Url| entry.resource.url.origin().secure && !url.origin().secure;
        let refusal = match &target {
            _ if redirects > self.options.limits.redirects => Some(Refusal::TooMany),
            None => Some(Refusal::NoAddress),
            Some(url) if is_downgrade(url) => Some(Refusal::Downgrade(url.clone())), // spec: 9110-15.4-a
            _ if self.is_full() => Some(Refusal::PageFull),
            Some(_) => None,
        };
        let url = match (target, refusal) {
            (Some(url), None) => url,
            (_, refusal) => {
                let refusal = refusal.unwrap_or(Refusal::NoAddress);
                self.cancels.push_back(id);
                let why = refusal.to_string();
                self.entries[id.0].refusal = Some(refusal);
                return self.failed(now, id, &why);
            }
        };
        let call = entry.call.redirected(status);
        let (is_claimed, is_applied, depth) = (entry.is_claimed, entry.is_applied, entry.import_depth);
        let resource = Resource { url, ..entry.resource.clone() };
        if resource.destination == Destination::Document {
            self.page = resource.url.clone(); // Hints of the new origin may come before its response.
        }
        let to = self.add(resource, Why::Redirect { from: id }, now);
        self.entries[to.0].redirects = redirects;
        self.entries[to.0].call = call;
        self.entries[to.0].hint = self.entries[id.0].hint.clone();
        self.entries[id.0].redirected_to = Some(to);
        if is_claimed {
            self.claim(to, is_applied, depth);
        }
    }

    /// Scans what became scannable, until nothing more does; then sees whether the page is complete.
    fn settle(&mut self, now: Instant) {
        while let Some(id) = self.unscanned.pop() {
            let entry = &mut self.entries[id.0];
            let sheet = core::mem::take(&mut entry.sheet);
            let base = entry.resource.url.clone();
            for resource in scan::css_within(&sheet, &base, &self.options.limits.scan) {
                self.discover(now, resource, id);
            }
        }
        let is_open = |entry: &Entry| entry.is_claimed && !entry.is_over();
        if self.completed.is_none() && self.html.is_none() && !self.entries.iter().any(is_open) {
            self.close_hints(now);
            self.completed = Some(now);
        }
    }

    fn cancel(&mut self, now: Instant, id: Id) {
        let entry = &mut self.entries[id.0];
        if entry.is_over() {
            return;
        }
        if entry.state != State::Queued {
            self.cancels.push_back(id);
        }
        entry.state = State::Cancelled;
        entry.ended = Some(now);
        entry.sheet = Vec::new();
        self.queue.retain(|queued| *queued != id);
    }
}

fn key(resource: &Resource) -> Key {
    (resource.url.clone(), resource.destination, resource.mode, resource.integrity.clone())
}

fn media_type(response: &Response) -> String {
    let value = response.fields.find(b"content-type").unwrap_or_default();
    let value = String::from_utf8_lossy(value).to_ascii_lowercase();
    value.split(';').next().unwrap_or("").trim().to_owned()
}
