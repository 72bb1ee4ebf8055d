//! The pages that say that something is not as asked. Nothing of the request stands in them.

use super::{Body, Reply};
use sakigake_semantics::{Chunk, Fields, Response};

/// The reply of that status with its HTML page, without the body for HEAD.
pub fn reply(status: u16, head: bool) -> Reply {
    with(status, "text/html; charset=utf-8", Chunk::Owned(page(status).into_bytes()), head)
}

/// A reply of that status with a page of the site's own.
pub(super) fn with(status: u16, content_type: &str, page: Chunk, head: bool) -> Reply {
    let mut fields = Fields::new();
    fields.push(b"cache-control", b"no-cache");
    fields.push(b"x-content-type-options", b"nosniff");
    fields.push(b"content-type", content_type.as_bytes());
    fields.push(b"content-length", page.as_ref().len().to_string().as_bytes());
    let body = if head { Body::empty() } else { Body::bytes(page) };
    Reply { response: Response { status, fields }, body }
}

/// The HTML page for a status: a small one, that needs nothing else.
pub fn page(status: u16) -> String {
    let (_, title, text) = PAGES.iter().find(|row| row.0 == status).unwrap_or(&OTHER);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n<style>\n\
         :root {{ color-scheme: light dark; font: 18px/1.6 system-ui, sans-serif }}\n\
         body {{ max-width: 34rem; margin: 18vh auto; padding: 0 1.5rem }}\n\
         h1 {{ font-weight: 600; font-size: 1.6rem; margin: 0 0 .4rem }}\n\
         p {{ margin: 0 0 1rem }} small {{ opacity: .6 }}\n</style>\n\
         <h1>{title}</h1>\n<p>{text}</p>\n<small>{status} &middot; Sakigake</small>\n</html>\n"
    )
}

const OTHER: (u16, &str, &str) = (0, "Something went wrong", "The server could not answer this request.");

#[rustfmt::skip]
const PAGES: &[(u16, &str, &str)] = &[
    (301, "This page is a folder", "Its address ends in a slash."),
    (400, "This address is not valid", "It has parts that no file of this site can have."),
    (403, "This file may not be read", "The server itself lacks the right to open it."),
    (404, "Nothing here", "This site has no such page. <a href=\"/\">Its front page</a> may help."),
    (405, "Only reading here", "This site answers GET and HEAD, and nothing else."),
    (406, "Not in a form that you take", "The request refused every coding in which this file could be sent."),
    (412, "It has changed", "The file is not the version that the request asked for."),
    (414, "This address is too long", "No file of this site has such a name."),
    (416, "The file is not that long", "It has none of the bytes that the request asked for."),
    (425, "Too early", "What changes anything has to wait for the handshake. Asked again, it is answered."),
    (500, "Something went wrong", "The server could not read the file. Its log may say more."),
    (503, "Too much at a time", "The server reads as many files as it can. In a moment it may have time for this one."),
];
