//! What a resource is for, and what follows from that: one table.

use sakigake_semantics::Priority;

/// What a resource is for (Fetch, "request destination"), so far as pages name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Destination {
    /// The page itself.
    Document,
    /// A style sheet, imported ones too.
    Style,
    /// A script, module or not.
    Script,
    /// A font face.
    Font,
    /// A picture: in the text, of the style, the page's icon.
    Image,
    /// Sound.
    Audio,
    /// A film.
    Video,
    /// Subtitles of a film.
    Track,
    /// The web application manifest.
    Manifest,
    /// What a script will fetch; preloads say `fetch`, `sec-fetch-dest` says `empty`.
    Fetch,
}

/// A row: how a destination is spelled, asked for, and ranked.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The destination that the row is about.
    pub destination: Destination,
    /// As `as` spells it on a preload link; `None` where no preload may name it.
    pub preload: Option<&'static str>,
    /// The value of `sec-fetch-dest`.
    pub fetch_dest: &'static str,
    /// The value of `accept`.
    pub accept: &'static str,
    /// RFC 9218 urgency and incremental, before `fetchpriority` moves them.
    pub priority: Priority,
}

/// What the author said of a resource's rank, and what the page's structure says of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rank {
    /// Nothing was said.
    #[default]
    Auto,
    /// `fetchpriority=high`.
    High,
    /// `fetchpriority=low`.
    Low,
    /// A script that does not hold the parser (`async`).
    Asynchronous,
    /// Of no use to this rendering: print style, an alternate style, a picture far below.
    Idle,
}

impl Destination {
    /// Its row.
    pub fn rule(self) -> &'static Rule {
        RULES.iter().find(|rule| rule.destination == self).expect("every destination has a row")
    }

    /// What a preload's `as` names; `None` for what must be dropped.
    pub fn of_preload(value: &str) -> Option<Self> {
        let value = value.trim();
        RULES
            .iter()
            .find(|rule| rule.preload.is_some_and(|name| name.eq_ignore_ascii_case(value)))
            .map(|rule| rule.destination)
    }

    /// How soon it is wanted. Nothing ranks above the document.
    pub fn priority(self, rank: Rank) -> Priority {
        let Priority { urgency, incremental } = self.rule().priority;
        let urgency = match rank {
            Rank::Auto => urgency,
            Rank::High => urgency.saturating_sub(1),
            Rank::Low => urgency + 1,
            Rank::Asynchronous => 4,
            Rank::Idle => 6,
        };
        Priority { urgency: if self == Self::Document { 0 } else { urgency.clamp(1, 7) }, incremental }
    }

    /// One word for lists and pictures.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fetch => "fetch",
            _ => self.rule().fetch_dest,
        }
    }
}

const fn row(
    destination: Destination,
    preload: Option<&'static str>,
    fetch_dest: &'static str,
    accept: &'static str,
    urgency: u8,
    incremental: bool,
) -> Rule {
    Rule { destination, preload, fetch_dest, accept, priority: Priority { urgency, incremental } }
}

const HTML: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
const PICTURES: &str = "image/avif,image/webp,image/svg+xml,image/*,*/*;q=0.8";

/// The order and the ranks are those of the PRELOAD profile, point 7.
pub const RULES: &[Rule] = &[
    row(Destination::Document, None, "document", HTML, 0, true),
    row(Destination::Style, Some("style"), "style", "text/css,*/*;q=0.1", 1, false),
    row(Destination::Font, Some("font"), "font", "*/*", 2, false),
    row(Destination::Script, Some("script"), "script", "*/*", 2, false),
    row(Destination::Fetch, Some("fetch"), "empty", "*/*", 4, false),
    row(Destination::Image, Some("image"), "image", PICTURES, 5, true),
    row(Destination::Audio, Some("audio"), "audio", "*/*", 5, true),
    row(Destination::Video, Some("video"), "video", "*/*", 5, true),
    row(Destination::Track, Some("track"), "track", "*/*", 5, false),
    row(Destination::Manifest, None, "manifest", "*/*", 5, false),
];
