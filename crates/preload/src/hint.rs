//! One hint: a resource that a page will want.

use crate::{
    Destination, Origin,
    link::{self, Link},
};
use core::fmt;
use sakigake_semantics::Priority;

/// A resource that a page will want, with what HTML lets a preload link say of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// A complete https URI, without fragment. A server's [`crate::Table`] takes a path with query too, on its own host.
    pub url: String,
    /// `as`.
    pub destination: Destination,
    /// `type`: a media type.
    pub content_type: Option<String>,
    /// `crossorigin`.
    pub crossorigin: Option<CrossOrigin>,
    /// `integrity`: digests as in HTML.
    pub integrity: Option<String>,
    /// `fetchpriority`.
    pub fetchpriority: FetchPriority,
    /// `imagesrcset`.
    pub imagesrcset: Option<String>,
    /// `imagesizes`.
    pub imagesizes: Option<String>,
    /// `media`: a media query list.
    pub media: Option<String>,
    /// `referrerpolicy`.
    pub referrerpolicy: Option<String>,
}

/// How a request crosses origins (HTML, "CORS settings attributes").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CrossOrigin {
    /// CORS, with credentials on the same origin alone.
    Anonymous,
    /// CORS, with credentials.
    UseCredentials,
}

/// What the author says of a resource's rank.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum FetchPriority {
    /// Nothing.
    #[default]
    Auto,
    /// Sooner than others of its kind.
    High,
    /// Later than others of its kind.
    Low,
}

/// Why a link makes no hint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dropped {
    /// `rel` has no `preload`, or `anchor` gives the link another subject.
    OtherRelation,
    /// `nonce`: a secret of one response, which this frame must not carry.
    Nonce,
    /// No `as`, or one that nobody here knows.
    Destination,
    /// The target is not a complete https URI.
    Url,
    /// The field value is malformed from here on.
    Malformed(link::Fault),
}

impl Hint {
    /// A hint with nothing said but where and what for.
    pub fn new(url: impl Into<String>, destination: Destination) -> Self {
        Self {
            url: url.into(),
            destination,
            content_type: None,
            crossorigin: None,
            integrity: None,
            fetchpriority: FetchPriority::Auto,
            imagesrcset: None,
            imagesizes: None,
            media: None,
            referrerpolicy: None,
        }
    }

    /// The hint that a link gives. The URI is brought to its normal form: lower-case host, no default port, a path.
    pub fn from_link(link: &Link) -> Result<Self, Dropped> {
        let is_ours = link.has_rel("preload") && link.find("anchor").is_none();
        is_ours.then_some(()).ok_or(Dropped::OtherRelation)?; // spec: preload-2-c
        link.find("nonce").is_none().then_some(()).ok_or(Dropped::Nonce)?; // spec: preload-profile-4-a
        let destination = link.find("as").and_then(Destination::of_as).ok_or(Dropped::Destination)?; // spec: preload-profile-8-i
        let (origin, target) = Origin::split(&link.target).ok_or(Dropped::Url)?; // spec: preload-2.1-a
        let own = |name: &str| link.find(name).filter(|value| !value.is_empty()).map(str::to_owned); // spec: preload-profile-7-c
        Ok(Self {
            url: origin.url(target),
            destination,
            content_type: own("type"),
            crossorigin: link.find("crossorigin").map(CrossOrigin::of), // spec: preload-profile-7-c
            integrity: own("integrity"),
            fetchpriority: link.find("fetchpriority").map_or(FetchPriority::Auto, FetchPriority::of),
            imagesrcset: own("imagesrcset"),
            imagesizes: own("imagesizes"),
            media: own("media"),
            referrerpolicy: own("referrerpolicy"),
        })
    }

    /// The link that says this hint; its `Display` is a field value.
    pub fn to_link(&self) -> Link {
        let mut parameters = vec![("rel", "preload".to_owned()), ("as", self.destination.name().to_owned())];
        let mut add =
            |name, value: Option<&str>| parameters.extend(value.map(|value| (name, value.to_owned())));
        add("type", self.content_type.as_deref());
        add("crossorigin", self.crossorigin.map(CrossOrigin::value));
        add("integrity", self.integrity.as_deref());
        add("fetchpriority", self.fetchpriority.value());
        add("imagesrcset", self.imagesrcset.as_deref());
        add("imagesizes", self.imagesizes.as_deref());
        add("media", self.media.as_deref());
        add("referrerpolicy", self.referrerpolicy.as_deref());
        Link { target: self.url.clone(), parameters }
    }

    /// How soon it is wanted; never sooner than the document.
    pub fn priority(&self) -> Priority {
        self.destination.priority(self.fetchpriority)
    }

    /// Where it stands among others: the best first, ties in the order in which they were given.
    pub fn rank(&self) -> impl Ord + Copy + use<> {
        (self.priority().urgency, self.destination)
    }

    /// Its origin and its path with query; `None` for a path alone.
    pub fn split_url(&self) -> Option<(Origin, &str)> {
        Origin::split(&self.url)
    }

    /// The same hint with a complete URI: one that is a path lies on `origin`. `None` when the result is none.
    #[must_use]
    pub fn on(mut self, origin: &Origin) -> Option<Self> {
        if self.url.starts_with('/') && !self.url.starts_with("//") {
            self.url = origin.url(&self.url);
        }
        let normal = self.split_url().map(|(origin, target)| origin.url(target))?;
        self.url = normal;
        Some(self)
    }
}

impl CrossOrigin {
    /// HTML's reading: what is not `use-credentials` is `anonymous`.
    pub fn of(value: &str) -> Self {
        if value.eq_ignore_ascii_case("use-credentials") { Self::UseCredentials } else { Self::Anonymous }
    }

    const fn value(self) -> &'static str {
        match self {
            Self::Anonymous => "",
            Self::UseCredentials => "use-credentials",
        }
    }
}

impl FetchPriority {
    /// HTML's reading: what is unknown is `auto`.
    pub fn of(value: &str) -> Self {
        match () {
            () if value.eq_ignore_ascii_case("high") => Self::High,
            () if value.eq_ignore_ascii_case("low") => Self::Low,
            () => Self::Auto,
        }
    }

    const fn value(self) -> Option<&'static str> {
        match self {
            Self::Auto => None,
            Self::High => Some("high"),
            Self::Low => Some("low"),
        }
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_link().fmt(f)
    }
}

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherRelation => f.write_str("not a preload link"),
            Self::Nonce => f.write_str("it has a nonce"),
            Self::Destination => f.write_str("its as is missing or unknown"),
            Self::Url => f.write_str("its target is not a complete https URI"),
            Self::Malformed(fault) => fault.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests;
