//! The request for a resource: what a browser would send, without anything that tells who asks.

use super::Entry;
use crate::{Destination, Url, scan::Mode};
use sakigake_semantics::{Fields, Part, Priority, Request};

/// The request for `entry` of the page at `page` (Fetch Metadata, RFC 9218 section 5). A single one is nobody's navigation.
pub(super) fn of(entry: &Entry, page: &Url, is_single: bool) -> Request {
    let resource = &entry.resource;
    let fields = if is_single { [("accept", "*/*")].into_iter().collect() } else { browser(entry, page) };
    let url = &resource.url;
    let request = Request::new(&entry.call.method, url.origin().authority(), url.target());
    Request { fields, ..request.with_part(Part::Scheme, url.origin().scheme().as_bytes()) }
}

fn browser(entry: &Entry, page: &Url) -> Fields {
    let resource = &entry.resource;
    let rule = resource.destination.rule();
    let is_document = resource.destination == Destination::Document;
    let url = &resource.url;
    let is_cors = resource.mode != Mode::NoCors;
    let mode = match (is_document, is_cors) {
        (true, _) => "navigate",
        (_, true) => "cors",
        _ => "no-cors",
    };
    let mut fields = Fields::new();
    fields.push(b"accept", rule.accept.as_bytes());
    fields.push(b"priority", priority(resource.priority()).as_bytes());
    fields.push(b"sec-fetch-dest", rule.fetch_dest.as_bytes());
    fields.push(b"sec-fetch-mode", mode.as_bytes());
    fields.push(b"sec-fetch-site", site(url, page, is_document).as_bytes());
    if is_document {
        fields.push(b"sec-fetch-user", b"?1");
    }
    if is_cors && !url.is_same_origin(page) {
        fields.push(b"origin", page.origin().to_string().as_bytes());
    }
    fields
}

/// `same-site` would need the public suffix list beyond one host; what is not known to be the same is `cross-site`.
fn site(url: &Url, page: &Url, is_document: bool) -> &'static str {
    let (here, there) = (page.origin(), url.origin());
    match () {
        () if is_document => "none",
        () if here == there => "same-origin",
        () if here.host == there.host && here.secure == there.secure => "same-site",
        () => "cross-site",
    }
}

fn priority(Priority { urgency, incremental }: Priority) -> String {
    let incremental = if incremental { ", i" } else { "" };
    format!("u={urgency}{incremental}")
}
