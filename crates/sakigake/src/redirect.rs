//! Answers that send a client elsewhere: a whole host to another address, and plain HTTP to HTTPS.

#[cfg(test)]
mod tests;

use crate::files::{self, Ask, Body, Reply, error_reply};
use core::fmt;
use sakigake_page::Url;
use sakigake_semantics::{Fields, Response};
use std::io;

/// Where a host's requests are sent, with their paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// Scheme and authority, and perhaps a path that stands before the request's.
    base: String,
    is_permanent: bool,
    /// Lines that every answer gets.
    fields: Vec<(String, String)>,
}

/// This is no address to send anybody to: `http` or `https`, a host, and at most a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoAddress(pub String);

impl Redirect {
    /// For ever, to `address`: the request's path and query follow the address's own path.
    ///
    /// # Errors
    /// [`NoAddress`].
    pub fn to(address: &str) -> Result<Self, NoAddress> {
        let url = Url::parse(address).filter(|_| !address.contains(['?', '#']));
        let text = url.ok_or_else(|| NoAddress(address.to_owned()))?.to_string();
        Ok(Self { base: text.trim_end_matches('/').to_owned(), is_permanent: true, fields: Vec::new() })
    }

    /// The same, for now: clients ask here again.
    #[must_use]
    pub fn for_now(self) -> Self {
        Self { is_permanent: false, ..self }
    }

    /// The same with one more field line on every answer, such as `strict-transport-security`.
    ///
    /// # Errors
    /// `InvalidInput`: a name (in lower case) or value that no field can have, or a field that the server itself says.
    pub fn with_field(mut self, name: &str, value: &str) -> io::Result<Self> {
        files::check_field(name, value)?;
        self.fields.push((name.into(), value.into()));
        Ok(self)
    }

    /// The answer to one request, with the redirect's own lines.
    pub(crate) fn answer(&self, ask: &Ask<'_>) -> Reply {
        let mut reply = self.bare(ask);
        for (name, value) in &self.fields {
            reply.response.fields.push(name.as_bytes(), value.as_bytes());
        }
        reply
    }

    /// The answer to one request. GET and HEAD get a status that every client knows (301, 302), other methods one that
    /// keeps the method (308, 307).
    fn bare(&self, ask: &Ask<'_>) -> Reply {
        let head = ask.method == b"HEAD";
        if !ask.path.starts_with(b"/") || !ask.path.iter().all(|byte| byte.is_ascii_graphic()) {
            return error_reply(400, head);
        }
        let status = match (head || ask.method == b"GET", self.is_permanent) {
            (true, true) => 301,
            (true, false) => 302,
            (false, true) => 308,
            (false, false) => 307,
        };
        let mut fields = Fields::new();
        fields.push(b"location", &[self.base.as_bytes(), ask.path].concat());
        fields.push(b"content-length", b"0");
        Reply { response: Response { status, fields }, body: Body::empty() }
    }
}

impl fmt::Display for NoAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not an address such as https://example.com", self.0)
    }
}

impl std::error::Error for NoAddress {}
