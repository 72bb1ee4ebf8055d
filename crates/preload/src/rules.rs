//! What hints are for: their names, order and priorities (PRELOAD profile, points 5 and 7).

use crate::FetchPriority;
use sakigake_semantics::Priority;

/// What a hinted resource is for: the values of `as` that are known here. Any other drops the hint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Destination {
    /// A style sheet.
    Style,
    /// A font face.
    Font,
    /// A script, module or not.
    Script,
    /// What a script will fetch.
    Fetch,
    /// A picture.
    Image,
    /// Sound.
    Audio,
    /// A film.
    Video,
    /// Subtitles of a film.
    Track,
}

/// A row: a destination, its `as`, its urgency before `fetchpriority` moves it, and whether a part of it is of use.
type Row = (Destination, &'static str, u8, bool);

/// In the order in which hints of one urgency are sent and requested.
pub const DESTINATIONS: [Row; 8] = [
    (Destination::Style, "style", 1, false),
    (Destination::Font, "font", 2, false),
    (Destination::Script, "script", 2, false),
    (Destination::Fetch, "fetch", 4, false),
    (Destination::Image, "image", 5, true),
    (Destination::Audio, "audio", 5, true),
    (Destination::Video, "video", 5, true),
    (Destination::Track, "track", 5, false),
];

/// The document's own priority; no hint ranks above it.
pub const DOCUMENT: Priority = Priority { urgency: 0, incremental: true };

/// Urgency of a script that holds nothing up, where the page says so.
pub const ASYNC_SCRIPT_URGENCY: u8 = 4;

impl Destination {
    fn row(self) -> &'static Row {
        DESTINATIONS.iter().find(|row| row.0 == self).expect("every destination has a row")
    }

    /// What an `as` names, letters without case.
    pub fn of_as(value: &str) -> Option<Self> {
        DESTINATIONS.iter().find(|row| row.1.eq_ignore_ascii_case(value)).map(|row| row.0)
    }

    /// Its `as`.
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// How soon it is wanted. Nothing but the document has urgency 0.
    pub fn priority(self, fetchpriority: FetchPriority) -> Priority {
        let (_, _, urgency, incremental) = *self.row();
        let moved = match fetchpriority {
            FetchPriority::Auto => urgency,
            FetchPriority::High => urgency.saturating_sub(1), // spec: preload-profile-7-b
            FetchPriority::Low => urgency + 1,                // spec: preload-profile-7-b
        };
        Priority { urgency: moved.clamp(DOCUMENT.urgency + 1, Priority::LAST), incremental } // spec: preload-profile-7-a
    }
}
