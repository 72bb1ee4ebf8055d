//! What HTML and CSS name: every resource that a browser would ask for to show the page, in the order of the text.
//!
//! Left out, since no browser asks for them then: what lies in comments, in `template` and in `noscript` (scripting is on),
//! data blocks (`script` of another type), `nomodule` scripts, and what a script would name. Left out too: `iframe`, `object`
//! and `embed`, which hold other pages.

use crate::{Destination, Url, rules::Rank};
use sakigake_semantics::Priority;

mod css;
mod html;
mod media;
mod names;
mod srcset;

pub use html::Html;
pub use media::Viewport;

/// Something that a page names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Where it is.
    pub url: Url,
    /// What it is for.
    pub destination: Destination,
    /// Whether it is fetched across origins, and with what.
    pub mode: Mode,
    /// Its `integrity`, as written; empty when there is none.
    pub integrity: String,
    /// What the page said of its rank.
    pub rank: Rank,
    /// How the page named it.
    pub by: By,
    /// Marks of a script.
    pub script: ScriptKind,
    /// Whether the page asks for it only when it comes into view.
    pub is_lazy: bool,
}

/// What names a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// An element's attribute: `img src`, `script src`, `link rel=stylesheet`, ...
    Element,
    /// `link rel=preload` or `rel=modulepreload`: no use by itself.
    Preload,
    /// `url()` in style.
    Style,
    /// `@import`.
    Import,
    /// `@font-face`.
    FontFace,
}

/// When a script runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScriptKind {
    /// It is none, or it holds the parser.
    #[default]
    Classic,
    /// `async`, module or not.
    Async,
    /// `defer`.
    Defer,
    /// `type=module`.
    Module,
}

/// The request's mode and credentials (HTML, "CORS settings attributes").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// `no-cors`, with credentials.
    #[default]
    NoCors,
    /// `cors`, with credentials on the same origin alone.
    Anonymous,
    /// `cors`, with credentials everywhere.
    Credentials,
}

/// What bounds a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Resources that one document or style sheet may name; the rest is not seen.
    pub resources: usize,
    /// Bytes of HTML kept while a tag, a style or a script is not complete; past them the scan of that document ends.
    pub pending_bytes: usize,
    /// Bytes of a style sheet that are looked at.
    pub css_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { resources: 1_024, pending_bytes: 1 << 20, css_bytes: 1 << 20 }
    }
}

/// What a whole HTML document names, by the default limits.
pub fn html(bytes: &[u8], base: &Url) -> Vec<Resource> {
    let mut found = Vec::new();
    let mut scan = Html::new(base.clone(), Limits::default());
    scan.feed(bytes, &mut |resource| found.push(resource));
    scan.finish(&mut |resource| found.push(resource));
    found
}

/// What a whole style sheet names, by the default limits.
pub fn css(bytes: &[u8], base: &Url) -> Vec<Resource> {
    css_within(bytes, base, &Limits::default())
}

/// What a whole style sheet names.
pub fn css_within(bytes: &[u8], base: &Url, limits: &Limits) -> Vec<Resource> {
    let text = String::from_utf8_lossy(bytes.get(..limits.css_bytes).unwrap_or(bytes));
    let mut found = Vec::new();
    css::sheet(&text, &mut |reference, by| {
        if found.len() < limits.resources {
            found.extend(base.join(reference).map(|url| Resource::of_style(url, by)));
        }
    });
    found
}

/// Whether a list of media queries holds on the screen that the client pretends to have.
pub(crate) fn media_applies(queries: &str) -> bool {
    media::applies(queries)
}

/// What that screen takes of a `srcset`.
pub(crate) fn choose_image<'a>(srcset: &'a str, sizes: &str) -> Option<&'a str> {
    srcset::choose(srcset, sizes, None)
}

impl Mode {
    /// What a `crossorigin` attribute says.
    pub(crate) fn read(crossorigin: Option<&str>) -> Self {
        match crossorigin {
            None => Self::NoCors,
            Some(value) if value.trim().eq_ignore_ascii_case("use-credentials") => Self::Credentials,
            Some(_) => Self::Anonymous,
        }
    }
}

impl Resource {
    /// A plain use of `url`, fetched without CORS and with nothing said about it.
    pub fn new(url: Url, destination: Destination, by: By) -> Self {
        Self {
            url,
            destination,
            mode: Mode::NoCors,
            integrity: String::new(),
            rank: Rank::Auto,
            by,
            script: ScriptKind::Classic,
            is_lazy: false,
        }
    }

    /// How soon it is wanted.
    pub fn priority(&self) -> Priority {
        self.destination.priority(self.rank)
    }

    fn of_style(url: Url, by: By) -> Self {
        match by {
            By::Import => Self::new(url, Destination::Style, by),
            // Fonts are always fetched by CORS (CSS Fonts 4, section 4.8).
            By::FontFace => Self { mode: Mode::Anonymous, ..Self::new(url, Destination::Font, by) },
            _ => Self::new(url, Destination::Image, by),
        }
    }
}

impl core::fmt::Display for Resource {
    /// `style https://host/a.css u=1` and what else is not plain.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Priority { urgency, incremental } = self.priority();
        write!(f, "{} {} u={urgency}", self.destination.name(), self.url)?;
        let marks = [
            (incremental, "i"),
            (self.mode == Mode::Anonymous, "anonymous"),
            (self.mode == Mode::Credentials, "use-credentials"),
            (self.by == By::Preload, "preload"),
            (self.by == By::Style, "url()"),
            (self.by == By::Import, "@import"),
            (self.by == By::FontFace, "@font-face"),
            (self.script == ScriptKind::Async, "async"),
            (self.script == ScriptKind::Defer, "defer"),
            (self.script == ScriptKind::Module, "module"),
            (self.is_lazy, "lazy"),
        ];
        for (_, mark) in marks.iter().filter(|(is_set, _)| *is_set) {
            write!(f, ", {mark}")?;
        }
        if !self.integrity.is_empty() {
            write!(f, ", integrity={}", self.integrity)?;
        }
        Ok(())
    }
}
