//! One request of a load: what it is for, how far it is, and what the owner is told of it.

use crate::{Destination, Origin, Url, scan::Resource};
use core::fmt;
use sakigake_preload::policy::HintId;
use sakigake_semantics::Request;
use sakigake_wire::Instant;

/// The number of a request within its load, from 0 for the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id(pub usize);

/// What a load wants done.
#[derive(Clone, Debug)]
pub enum Want {
    /// A request to send.
    Request(Box<Wanted>),
    /// A request that nobody needs any more: its stream may be reset. Nothing that comes for it counts.
    Cancel(Id),
}

/// A request to send.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Its number, for `head`, `data`, `end` and `failed`.
    pub id: Id,
    /// Where it goes.
    pub origin: Origin,
    /// The request, complete but for `user-agent` and what the owner adds.
    pub request: Request,
    /// Whether the owner has a body to send with it.
    pub has_body: bool,
    /// Why it is wanted.
    pub why: Why,
}

/// What is asked of the document's address: GET, unless the owner says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The method.
    pub method: Vec<u8>,
    /// Whether a body goes with it.
    pub has_body: bool,
}

/// Why a redirect is not followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It would be one more than the limit.
    TooMany,
    /// Its Location is no address that can be asked.
    NoAddress,
    /// It leads from https to this address in the clear.
    Downgrade(Url),
    /// The page has as many requests as it may have.
    PageFull,
}

/// Why a resource is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It is the page.
    Document,
    /// The server hinted it.
    Hint,
    /// Another resource names it.
    Discovery {
        /// The one that names it.
        parent: Id,
    },
    /// Another one led there.
    Redirect {
        /// The one that led there.
        from: Id,
    },
}

/// One request and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What was asked for.
    pub resource: Resource,
    /// With which method.
    pub call: Call,
    /// Why the redirect that came was not followed.
    pub refusal: Option<Refusal>,
    /// Why.
    pub why: Why,
    /// How far it is.
    pub state: State,
    /// The response's status, once it is there.
    pub status: Option<u16>,
    /// The response's media type, without parameters, in lower case.
    pub media_type: String,
    /// Bytes of the body so far.
    pub bytes: u64,
    /// Whether the page itself needs it; a hint for which this never comes true was wasted.
    pub is_claimed: bool,
    /// When it was known to be needed.
    pub known: Instant,
    /// When its request was handed out.
    pub requested: Option<Instant>,
    /// When its response began.
    pub first_byte: Option<Instant>,
    /// When it was over, however it ended.
    pub ended: Option<Instant>,
    /// Whether the page uses it, rather than preloads it only.
    pub(super) is_applied: bool,
    pub(super) import_depth: usize,
    pub(super) redirects: usize,
    pub(super) redirected_to: Option<Id>,
    /// The hint that asked for it, and its address there.
    pub(super) hint: Option<(HintId, String)>,
    pub(super) sheet: Vec<u8>,
}

/// How far a request is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Not handed out yet.
    Queued,
    /// Handed out.
    Requested,
    /// Its response began.
    Receiving,
    /// Complete, whatever its status.
    Done,
    /// It will not come, and why.
    Failed(String),
    /// Nobody claimed it.
    Cancelled,
}

impl Entry {
    pub(super) fn new(resource: Resource, why: Why, now: Instant) -> Self {
        Self {
            resource,
            call: Call::default(),
            refusal: None,
            why,
            state: State::Queued,
            status: None,
            media_type: String::new(),
            bytes: 0,
            is_claimed: false,
            known: now,
            requested: None,
            first_byte: None,
            ended: None,
            is_applied: false,
            import_depth: 0,
            redirects: 0,
            redirected_to: None,
            hint: None,
            sheet: Vec::new(),
        }
    }

    /// The request that its redirect led to.
    pub fn redirected_to(&self) -> Option<Id> {
        self.redirected_to
    }

    /// Whether it came by a hint rather than by the page.
    pub fn is_hint(&self) -> bool {
        self.why == Why::Hint
    }

    /// Whether nothing more will come.
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Done | State::Failed(_) | State::Cancelled)
    }

    pub(super) fn is_sheet(&self) -> bool {
        self.resource.destination == Destination::Style
            && self.status.is_some_and(|status| (200..300).contains(&status))
            && matches!(self.media_type.as_str(), "" | "text/css")
    }
}

impl Default for Call {
    fn default() -> Self {
        Self { method: b"GET".to_vec(), has_body: false }
    }
}

impl Call {
    /// What a redirect of that status makes of it (RFC 9110 section 15.4; Fetch, "HTTP-redirect fetch").
    pub(super) fn redirected(&self, status: u16) -> Self {
        let becomes_get = match status {
            301 | 302 => self.method == b"POST", // spec: 9110-15.4.2-a
            303 => self.method != b"GET" && self.method != b"HEAD", // spec: 9110-15.4.4-a
            _ => false,                          // spec: 9110-15.4.8-a
        };
        if becomes_get { Self::default() } else { self.clone() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany => f.write_str("too many redirects"),
            Self::NoAddress => f.write_str("a redirect to no address that can be asked"),
            Self::Downgrade(url) => {
                write!(f, "a redirect from https to {url}, in the clear, is not followed")
            }
            Self::PageFull => f.write_str("a redirect beyond the page's limit"),
        }
    }
}
