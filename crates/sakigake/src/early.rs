//! What clients are told that do not know the PRELOAD frame (profile, point 12): the same hints in one 103 (Early Hints)
//! ahead of a document (RFC 8297), and in `link` fields on the document.

#[cfg(test)]
mod tests;

use sakigake_preload::table::Links;
use sakigake_semantics::{Fields, Request, Response};

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
        let navigates = request.fields.find(b"sec-fetch-mode") == Some(b"navigate");
        let may_precede = navigates && request.method == b"GET"; // spec: preload-profile-12-a
        Some(Self { links: may_be_document(&request.method).then(links)??, may_precede })
    }

    /// The 103, once. Its fields are those of a final response that is a document.
    pub(crate) fn interim(&mut self) -> Option<Response> {
        core::mem::take(&mut self.may_precede).then(|| {
            let mut interim = Response::new(103);
            self.say(&mut interim.fields);
            interim
        })
    }

    /// Adds the fields that are not there.
    pub(crate) fn say(&self, fields: &mut Fields) {
        let mut missing: Vec<&str> = self.links.iter().map(String::as_str).collect();
        let said = fields.find_all(b"link");
        said.for_each(|said| missing.retain(|value| value.as_bytes() != said));
        missing.into_iter().for_each(|value| fields.push(b"link", value.as_bytes()));
    }
}

/// Whether the answer to such a request may be a document.
pub(crate) fn may_be_document(method: &[u8]) -> bool {
    matches!(method, b"GET" | b"HEAD")
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
