//! What a site chooses about its files.

use super::encode::Compress;
use super::listing::Listings;
use super::pattern::Pattern;
use super::{CacheLimits, path};
use std::io;
use std::path::PathBuf;
use std::str::FromStr;

/// How files are served. The default serves each as it lies in the folder or coded beside it, keeps small ones in memory,
/// and has the folder's `404.html` for what is not there.
#[derive(Clone, Debug)]
pub struct Options {
    /// What may be kept in memory.
    pub cache: CacheLimits,
    /// Whether `app.js.zst`, `app.js.br` and `app.js.gz` are sent for `app.js` to those who take them, where they are not
    /// older than it.
    pub precompressed: bool,
    /// Whether what can be made shorter is compressed while it is sent.
    pub compress: Option<Compress>,
    /// Whether a folder without an index page shows what lies in it.
    pub listings: Option<Listings>,
    /// Pages for answers that are errors: the first that fits is sent.
    pub error_pages: Vec<ErrorPage>,
    /// Field lines to add.
    pub fields: Vec<FieldRule>,
    /// Whether `/about` is `about.html`, and `/about.html` and `/about/` lead there.
    pub clean_urls: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cache: CacheLimits::default(),
            precompressed: true,
            compress: None,
            listings: None,
            error_pages: vec![ErrorPage { statuses: Statuses::One(404), page: "404.html".into() }],
            fields: Vec::new(),
            clean_urls: false,
        }
    }
}

/// A page for some errors; the status stays what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorPage {
    /// For which errors.
    pub statuses: Statuses,
    /// A file of at most [`super::PIECE_BYTES`]: below the folder where the path is relative, anywhere where it is
    /// absolute. While it cannot be read, the built-in page is sent.
    pub page: PathBuf,
}

/// Errors by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statuses {
    /// That one, such as 404.
    One(u16),
    /// All that begin with that digit, such as 5.
    Class(u8),
}

impl Statuses {
    pub(super) fn has(self, status: u16) -> bool {
        match self {
            Self::One(one) => one == status,
            Self::Class(class) => u16::from(class) == status / 100,
        }
    }
}

/// `404`, `4xx`, `5xx`: an error's number, or a class of them.
impl FromStr for Statuses {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match (text, text.parse()) {
            ("4xx", _) => Ok(Self::Class(4)),
            ("5xx", _) => Ok(Self::Class(5)),
            (_, Ok(status @ 400..=599)) if text.len() == 3 => Ok(Self::One(status)),
            _ => Err("neither the number of an error nor 4xx nor 5xx"),
        }
    }
}

/// A field line to add to the answers for some files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldRule {
    /// Which: `*` stands for any number of any bytes, `*.woff2` is held against a file's name, and a pattern with a slash
    /// against the whole path. `*` alone is for every answer, errors too (but `cache-control`, which only files get).
    pub pattern: String,
    /// The field's name, in lower case.
    pub name: String,
    /// Its value. For `cache-control` the first rule that fits replaces `no-cache`.
    pub value: String,
}

/// Fields that say what the server itself knows better.
pub(crate) const OURS: &[&str] = &[
    "accept-ranges",
    "connection",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "date",
    "etag",
    "keep-alive",
    "last-modified",
    "location",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// A rule that has been looked at.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) pattern: Pattern,
    pub(super) name: String,
    pub(super) value: String,
}

impl Options {
    /// The rules for fields.
    ///
    /// # Errors
    /// A name or value that no field can have, or a field that is not the site's to set.
    pub(super) fn rules(&self) -> io::Result<Vec<Rule>> {
        let rule = |rule: &FieldRule| {
            check_field(&rule.name, &rule.value)?;
            let (name, value) = (rule.name.clone(), rule.value.clone());
            Ok(Rule { pattern: Pattern::new(&rule.pattern), name, value })
        };
        self.fields.iter().map(rule).collect()
    }

    /// # Errors
    /// An error page whose path can never be one below the folder.
    pub(super) fn check_pages(&self) -> io::Result<()> {
        let is_good = |page: &ErrorPage| page.page.is_absolute() || path::is_below(&page.page);
        match self.error_pages.iter().find(|page| !is_good(page)) {
            None => Ok(()),
            Some(wrong) => {
                let why = format!("{:?} does not lie in the folder: give its absolute path", wrong.page);
                Err(io::Error::new(io::ErrorKind::InvalidInput, why))
            }
        }
    }
}

/// Whether a site may add that line.
///
/// # Errors
/// As `InvalidInput`: a name or value that no field can have, or a field that is not the site's to set.
pub(crate) fn check_field(name: &str, value: &str) -> io::Result<()> {
    let is_lower = !name.bytes().any(|byte| byte.is_ascii_uppercase()); // spec: 9113-8.2-b
    let is_name = is_lower && http::HeaderName::from_bytes(name.as_bytes()).is_ok();
    let is_value = http::HeaderValue::from_str(value).is_ok() && value.trim() == value;
    let wrong = match () {
        () if !is_name => "is no field name in lower case",
        () if OURS.contains(&name) => "is not a field to set here",
        () if !is_value => "has a value that no field can have",
        () => return Ok(()),
    };
    Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{name:?} {wrong}")))
}
