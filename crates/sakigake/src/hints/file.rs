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

use super::SiteHints;
use crate::files::relative_name;
use sakigake_page::Url;
use sakigake_preload::Hint;
use sakigake_preload::link::{self, Link};
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
        let said = links(line, origin).map_err(mistake)?;
        match &page {
            Some(page) => hints.pages.entry(page.clone()).or_default().extend(said),
            None => hints.host.extend(said),
        }
    }
    Ok(hints)
}

/// The links of one `Link` value, resolved, each by its path on `origin`.
fn links(line: &str, origin: &Url) -> Result<Vec<Hint>, String> {
    let mut links = Vec::new();
    link::parse(line.as_bytes(), link::Limits::default(), &mut |link| links.push(link))
        .map_err(|fault| format!("{fault}; a hint looks like `</style.css>; rel=preload; as=style`"))?;
    links.into_iter().map(|link| resolved(link, origin)).collect()
}

fn resolved(mut link: Link, origin: &Url) -> Result<Hint, String> {
    let target = std::mem::take(&mut link.target);
    let url = origin.join(&target).ok_or_else(|| format!("`{target}` is not an address"))?;
    if !url.is_same_origin(origin) {
        return Err(format!("`{target}` is of another origin than {}", origin.origin()));
    }
    if url.target().starts_with("//") {
        // Written as a path it would name another host.
        return Err(format!("`{target}` is a path that begins with two slashes"));
    }
    link.target = url.to_string();
    let hint = Hint::from_link(&link).map_err(|dropped| format!("`{target}`: {dropped}"))?;
    Ok(Hint { url: url.target().into(), ..hint })
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.why)
    }
}

impl std::error::Error for Mistake {}
