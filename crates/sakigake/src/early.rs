//! What clients are told that do not know the PRELOAD frame (profile, point 12): the same hints in one 103 (Early Hints)
//! ahead of a document (RFC 8297), and in `link` fields on the document.

#[cfg(test)]
mod tests;

use sakigake_preload::table::Links;
use sakigake_semantics::{Fields, Http, Request, Response, StreamId};

/// One request's share of it.
#[derive(Clone, Debug)]
pub(crate) struct Early {
    links: Links,
    /// A 103 may still leave: somebody navigates there, and none has left.
    may_precede: bool,
}

impl Early {
    /// For a request that may be answered by a document; `links` gives what is to be said.
    pub(crate) fn of(request: &Request, links: impl FnOnce() -> Option<Links>) -> Option<Self> {
        let mode = request.fields.find(b"sec-fetch-mode");
        let may_precede = mode == Some(b"navigate") && request.method() == b"GET"; // spec: preload-profile-12-a
        Some(Self { links: may_be_document(request.method(), mode).then(links)??, may_precede })
    }

    /// Whether it leaves half of the header list that the client takes (RFC 9113 section 6.5.2) to what has to be said.
    pub(crate) fn fits(&self, header_list_bytes: u64) -> bool {
        let bytes: usize = self.links.iter().map(|value| "link".len() + value.len() + 32).sum();
        bytes as u64 <= header_list_bytes / 2
    }

    /// Sends the 103, once; how many hints left in it.
    pub(crate) fn precede(&mut self, stream: StreamId, http: &mut dyn Http) -> usize {
        let Some(interim) = self.interim() else { return 0 };
        // A stream that is gone wants nothing; its reset is on its way to us.
        http.respond(stream, &interim, false).map_or(0, |()| self.links.len()) // spec: 8297-2-a
    }

    /// The 103, once. Its fields are those of a final response that is a document.
    fn interim(&mut self) -> Option<Response> {
        core::mem::take(&mut self.may_precede).then(|| {
            let mut interim = Response::new(103);
            self.say(&mut interim.fields);
            interim
        })
    }

    /// Adds to a document the fields that it does not have, whether a 103 came before it or not: "Typically, a server will
    /// include the header fields sent in a 103 (Early Hints) response in the final response as well", and those of the 103 "do
    /// not replace the header fields on the final response" (RFC 8297 section 2). A cache keeps the final response's alone, and
    /// who passes responses on may drop a 103. Over HTTP/2 a field that was in the 103 costs one byte here.
    pub(crate) fn say(&self, fields: &mut Fields) {
        let mut missing: Vec<&str> = self.links.iter().map(String::as_str).collect();
        let said = fields.find_all(b"link");
        said.for_each(|said| missing.retain(|value| value.as_bytes() != said));
        missing.into_iter().for_each(|value| fields.push(b"link", value.as_bytes()));
    }
}

/// Whether the answer to a request of this method and `sec-fetch-mode` may be a document that somebody goes to. Who says no
/// mode may be an older browser.
pub(crate) fn may_be_document(method: &[u8], mode: Option<&[u8]>) -> bool {
    matches!(method, b"GET" | b"HEAD") && mode.is_none_or(|mode| mode == b"navigate")
}

/// Whether a response is a document, by its status and `content-type`.
pub(crate) fn is_document(status: u16, content_type: Option<&[u8]>) -> bool {
    let essence = content_type.and_then(|value| value.split(|byte| *byte == b';').next());
    status == 200 && essence.is_some_and(|essence| essence.trim_ascii().eq_ignore_ascii_case(b"text/html"))
}

/// The same of a whole response.
pub(crate) fn is_document_head(response: &Response) -> bool {
    is_document(response.status, response.fields.find(b"content-type"))
}
