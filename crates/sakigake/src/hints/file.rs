//! A file of hints, written by hand, instead of what the pages say.
//!
//! One `Link` value a line, as a field would carry it; `#` begins a comment line; a line `[/path/]` says that what follows
//! belongs to that page and not to the host:
//!
//! ```text
//! # what every page needs
//! </style.css>; rel=preload; as=style
//! </font.woff2>; rel=preload; as=font; crossorigin
//! [/shop/]
//! </shop/cart.js>; rel=preload; as=script; fetchpriority=low
//! ```

use super::{Hint, SiteHints};
use crate::files::relative_name;
use sakigake_page::rules::Rank;
use sakigake_page::scan::Mode;
use sakigake_page::{Destination, Url};
use std::fmt;

/// What is wrong with a file of hints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong there.
    pub why: String,
}

/// Reads a file of hints for a site at `origin`.
///
/// # Errors
/// The first line that is no hint: a hint that is silently dropped would be missed for long.
pub fn parse(text: &str, origin: &Url) -> Result<SiteHints, Mistake> {
    let mut hints = SiteHints::default();
    let mut page: Option<Vec<u8>> = None;
    for (number, line) in text.lines().map(str::trim).enumerate() {
        let mistake = |why: String| Mistake { line: number + 1, why };
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(path) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            let name = relative_name(path.as_bytes());
            page = Some(
                name.ok_or_else(|| mistake(format!("`{path}` is not the path of a page of this site")))?,
            );
            continue;
        }
        let hint = link(line, origin).map_err(mistake)?;
        match &page {
            Some(page) => hints.pages.entry(page.clone()).or_default().push(hint),
            None => hints.host.push(hint),
        }
    }
    Ok(hints)
}

/// One `Link` value (RFC 8288 section 3).
fn link(line: &str, origin: &Url) -> Result<Hint, String> {
    let (target, mut rest) = line
        .strip_prefix('<')
        .and_then(|line| line.split_once('>'))
        .ok_or("a hint looks like `</style.css>; rel=preload; as=style`")?;
    let url = origin.join(target).ok_or_else(|| format!("`{target}` is not an address"))?;
    if !url.is_same_origin(origin) {
        return Err(format!("`{target}` is of another origin than {}", origin.origin()));
    }
    let (mut is_preload, mut destination) = (false, None);
    let (mut mode, mut rank, mut integrity) = (Mode::NoCors, Rank::Auto, String::new());
    while let Some((name, value, after)) = parameter(rest)? {
        rest = after;
        match (name.as_str(), value.as_str()) {
            ("rel", value) => is_preload = value.split_ascii_whitespace().any(|rel| rel == "preload"),
            ("as", value) => {
                let known = Destination::of_preload(value);
                destination = Some(known.ok_or_else(|| format!("`as={value}` is not known"))?);
            }
            ("crossorigin", "" | "anonymous") => mode = Mode::Anonymous,
            ("crossorigin", "use-credentials") => mode = Mode::Credentials,
            ("fetchpriority", "high") => rank = Rank::High,
            ("fetchpriority", "low") => rank = Rank::Low,
            ("fetchpriority", "auto") => rank = Rank::Auto,
            ("integrity", value) if !value.contains(['"', '\\']) => integrity = value.into(),
            ("nonce", _) => return Err("a nonce is one visitor's alone, and hints go to all".into()),
            (name, value) => return Err(format!("`{name}={value}` is not supported here")),
        }
    }
    match (is_preload, destination) {
        (false, _) => Err("`rel=preload` is missing".into()),
        (true, None) => Err("`as` is missing".into()),
        (true, Some(destination)) => {
            Ok(Hint { target: url.target().into(), destination, mode, integrity, rank, pages: 0 })
        }
    }
}

/// The next parameter: its name in lower case, its value without quotes, and what follows.
fn parameter(rest: &str) -> Result<Option<(String, String, &str)>, String> {
    let rest = rest.trim_start();
    if rest.is_empty() {
        return Ok(None);
    }
    let rest = rest.strip_prefix(';').ok_or("one link a line: a semicolon was expected")?.trim_start();
    let end = rest.find(['=', ';']).unwrap_or(rest.len());
    let name = rest[..end].trim().to_ascii_lowercase();
    let Some(value) = rest[end..].strip_prefix('=').map(str::trim_start) else {
        return Ok(Some((name, String::new(), &rest[end..])));
    };
    if let Some(quoted) = value.strip_prefix('"') {
        let (value, after) = quoted.split_once('"').ok_or("a quote is not closed")?;
        return Ok(Some((name, value.into(), after)));
    }
    let end = value.find(';').unwrap_or(value.len());
    Ok(Some((name, value[..end].trim().into(), &value[end..])))
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.why)
    }
}

impl std::error::Error for Mistake {}
