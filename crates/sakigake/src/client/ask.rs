//! What a client is asked for: an address, and what is to go with the request.

use super::{Keep, coding};
use sakigake_page::{Origin, Url, load};
use sakigake_semantics::{Fields, Part, Request, is_token};
use std::sync::Arc;

/// Sent where nobody says otherwise.
const USER_AGENT: &str = concat!("sakigake/", env!("CARGO_PKG_VERSION"));

/// What a client is asked for.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Where it is.
    pub url: Url,
    /// The request's method.
    pub method: Vec<u8>,
    /// Field lines instead of, or beside, our own.
    pub fields: Vec<Line>,
    /// The request's body.
    pub body: Option<Arc<[u8]>>,
    /// How many redirects are followed one after the other; `None` where one is a response like any other.
    pub redirects: Option<usize>,
    /// Whether content codings are asked for and undone. A page's always are.
    pub is_decoded: bool,
    /// What is kept of a page's exchanges, for an archive.
    pub keep: Keep,
}

/// A field line that the user asked for. Names are in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// To be sent, instead of ours of that name.
    Send(Vec<u8>, Vec<u8>),
    /// Ours of that name is not to be sent.
    Omit(Vec<u8>),
}

/// Fields that go to the asked origin alone, wherever redirects lead.
const CREDENTIALS: [&[u8]; 4] = [b"authorization", b"cookie", b"host", b"proxy-authorization"];
/// Fields that say nothing about this request: they go with every one.
const COMMON: [&[u8]; 3] = [b"user-agent", b"accept-language", b"accept-encoding"];
/// Fields that tell of a body.
const CONTENT: [&[u8]; 5] =
    [b"content-type", b"content-length", b"content-encoding", b"content-language", b"content-location"];
/// Methods whose requests say that they have no body.
const EXPECT_BODY: [&[u8]; 3] = [b"POST", b"PUT", b"PATCH"];

impl Ask {
    /// `GET url`, with as many redirects as a page may have.
    pub fn get(url: Url) -> Self {
        let redirects = Some(load::Limits::default().redirects);
        Self {
            url,
            method: b"GET".to_vec(),
            fields: Vec::new(),
            body: None,
            redirects,
            is_decoded: false,
            keep: Keep::Nothing,
        }
    }

    pub(super) fn call(&self) -> load::Call {
        load::Call { method: self.method.clone(), has_body: self.body.is_some() }
    }

    /// The request as it leaves: ours of the load, with what was asked for. `is_document` for the document and what its
    /// redirects lead to, `cookies` what the load has of them.
    pub(super) fn complete(
        &self,
        request: &mut Request,
        origin: &Origin,
        (is_document, has_body): (bool, bool),
        cookies: Option<Vec<u8>>,
    ) {
        let is_home = origin == self.url.origin();
        let applies = |name: &[u8]| match () {
            () if CREDENTIALS.contains(&name) => is_home, // spec: 9110-15.4-b
            () if CONTENT.contains(&name) => is_document && has_body,
            () => is_home || is_document || COMMON.contains(&name),
        };
        let mut own = core::mem::take(&mut request.fields);
        own.push(b"user-agent", USER_AGENT.as_bytes());
        if self.is_decoded {
            own.push(b"accept-encoding", coding::ACCEPTED.as_bytes());
        }
        let lines = || self.fields.iter().filter(|line| applies(line.name()));
        let mut fields = Fields::new();
        for line in own.iter().filter(|line| !lines().any(|asked| asked.name() == line.name)) {
            fields.push(line.name, line.value);
        }
        for line in lines() {
            match line {
                Line::Send(name, value) if name == b"host" => request.control.set(Part::Authority, value), // spec: 9113-8.3.1-i
                Line::Send(name, _) if name == b"content-length" || name == b"cookie" => {}
                Line::Send(name, value) => fields.push(name, value),
                Line::Omit(_) => {}
            }
        }
        let given = lines().filter_map(|line| match line {
            Line::Send(name, value) if name == b"cookie" => Some(value.clone()),
            _ => None,
        });
        let all: Vec<Vec<u8>> = given.chain(cookies).collect();
        if !all.is_empty() {
            fields.push(b"cookie", &all.join(&b"; "[..]));
        }
        match (&self.body, is_document && has_body) {
            (Some(body), true) => fields.push(b"content-length", body.len().to_string().as_bytes()),
            _ if EXPECT_BODY.contains(&request.method()) => fields.push(b"content-length", b"0"),
            _ => {}
        }
        request.fields = fields;
    }
}

impl Line {
    /// Reads `Name: value`, `Name:` (ours of that name is left out) or `Name;` (sent without a value). `None` for what no
    /// message may carry.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, value) = match (text.split_once(':'), text.trim().strip_suffix(';')) {
            (Some((name, value)), _) => (name, Some(value.trim())),
            (None, Some(name)) => (name, None),
            (None, None) => return None,
        };
        let name = name.trim().to_ascii_lowercase().into_bytes(); // spec: 9113-8.2-b
        let is_value = |value: &str| value.bytes().all(|byte| byte == b'\t' || byte >= b' ' && byte != 0x7f);
        match value {
            _ if !is_token(&name) => None,
            Some("") => Some(Self::Omit(name)),
            Some(value) => is_value(value).then(|| Self::Send(name, value.into())),
            None => Some(Self::Send(name, Vec::new())),
        }
    }

    /// The field's name.
    pub fn name(&self) -> &[u8] {
        match self {
            Self::Send(name, _) | Self::Omit(name) => name,
        }
    }
}

#[cfg(test)]
mod tests;
