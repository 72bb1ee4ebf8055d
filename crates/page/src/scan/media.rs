//! Media queries, as far as they decide whether a resource is of use on an ordinary screen (Media Queries 4). What is
//! not understood counts as true: a resource too many costs less than one too few.

/// The screen that the client pretends to have, since a page load without one still has to choose pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Viewport;

impl Viewport {
    /// Its width in CSS pixels; one of them is one device pixel.
    pub const WIDTH: f64 = 1_280.0;
    /// Its height in CSS pixels.
    pub const HEIGHT: f64 = 720.0;
}

/// Whether a comma-separated list of queries holds on the screen; the empty list does.
pub(super) fn applies(queries: &str) -> bool {
    queries.trim().is_empty() || queries.split(',').any(query)
}

/// A length of CSS in pixels.
pub(super) fn pixels(length: &str) -> Option<f64> {
    let length = length.trim().to_ascii_lowercase();
    let units = [
        ("px", 1.0),
        ("rem", 16.0),
        ("em", 16.0),
        ("vw", Viewport::WIDTH / 100.0),
        ("vh", Viewport::HEIGHT / 100.0),
    ];
    let (number, unit) = units
        .iter()
        .find_map(|(name, unit)| length.strip_suffix(name).map(|number| (number, *unit)))
        .or_else(|| (length == "0").then_some(("0", 1.0)))?;
    let number: f64 = number.trim().parse().ok()?;
    (number.is_finite() && number >= 0.0).then_some(number * unit)
}

fn query(query: &str) -> bool {
    let query = query.trim().to_ascii_lowercase();
    match query.strip_prefix("not ") {
        Some(rest) => !rest.split(" and ").all(holds),
        None => query.strip_prefix("only ").unwrap_or(&query).split(" and ").all(holds),
    }
}

fn holds(part: &str) -> bool {
    let part = part.trim();
    let Some(inner) = part.strip_prefix('(') else {
        return !matches!(
            part,
            "print" | "speech" | "aural" | "tty" | "tv" | "braille" | "embossed" | "handheld"
        );
    };
    let (feature, value) = inner.trim_end_matches(')').split_once(':').unwrap_or((inner, ""));
    let value = value.trim();
    let at_least = |size: f64| pixels(value).is_none_or(|bound| size >= bound);
    let at_most = |size: f64| pixels(value).is_none_or(|bound| size <= bound);
    match feature.trim() {
        "min-width" => at_least(Viewport::WIDTH),
        "max-width" => at_most(Viewport::WIDTH),
        "min-height" => at_least(Viewport::HEIGHT),
        "max-height" => at_most(Viewport::HEIGHT),
        "orientation" => value == "landscape",
        "prefers-color-scheme" => value == "light",
        "prefers-reduced-motion" => value == "no-preference",
        _ => true,
    }
}
