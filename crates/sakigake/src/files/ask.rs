//! A borrowed view of a request that every front can give.

use sakigake_semantics::{Fields, Request};
use std::borrow::Cow;

/// What the file service reads of a request.
pub struct Ask<'a> {
    /// `GET`, `HEAD`, ...: case matters.
    pub method: &'a [u8],
    /// Path and query as they came, still encoded.
    pub path: &'a [u8],
    /// The scheme of the request's target, where it names one; empty elsewhere.
    pub scheme: &'a [u8],
    /// The request's fields.
    pub fields: &'a dyn FieldSource,
}

/// Something that has field lines.
pub trait FieldSource {
    /// Calls `each` with the value of every line of that name (in lower case), in order.
    fn each(&self, name: &str, each: &mut dyn FnMut(&[u8]));

    /// Calls `each` with name and value of every line, in order.
    fn lines<'a>(&'a self, each: &mut dyn FnMut(&'a [u8], &'a [u8]));
}

/// What of a request decides about the answer beside its target, read in one pass over its fields.
#[derive(Default)]
pub(super) struct Wants<'a> {
    /// All lines of `accept-encoding`, joined. `None` where there is none, which is not the same as an empty one.
    pub(super) accept_encoding: Option<Cow<'a, [u8]>>,
    /// Whether there is a condition or a range, so that the answer may be another than 200.
    pub(super) is_conditional: bool,
}

impl<'a> Ask<'a> {
    pub(super) fn is_head(&self) -> bool {
        self.method == b"HEAD"
    }

    pub(super) fn wants(&self) -> Wants<'a> {
        let mut wants = Wants::default();
        self.fields.lines(&mut |name, value| match name {
            b"accept-encoding" => match &mut wants.accept_encoding {
                Some(list) => list.to_mut().extend([b", ", value].concat()),
                none => *none = Some(Cow::Borrowed(value)),
            },
            b"range" => wants.is_conditional = true,
            name if name.starts_with(b"if-") => wants.is_conditional = true,
            _ => {}
        });
        wants
    }

    /// A field that lists (RFC 9110 section 5.3): all its lines, joined by commas.
    pub(super) fn list(&self, name: &str) -> Option<Vec<u8>> {
        let mut joined: Option<Vec<u8>> = None;
        self.fields.each(name, &mut |value| match &mut joined {
            Some(list) => {
                list.extend_from_slice(b", ");
                list.extend_from_slice(value);
            }
            None => joined = Some(value.to_vec()),
        });
        joined
    }

    /// A field that has one value: nothing where it came twice, since then no value is the right one.
    pub(super) fn single(&self, name: &str) -> Option<Vec<u8>> {
        let mut values = 0;
        let mut first = None;
        self.fields.each(name, &mut |value| {
            values += 1;
            first.get_or_insert_with(|| value.trim_ascii().to_vec());
        });
        first.filter(|_| values == 1)
    }
}

impl<'a> From<&'a Request> for Ask<'a> {
    fn from(request: &'a Request) -> Self {
        Self {
            method: request.method(),
            path: request.path(),
            scheme: request.scheme(),
            fields: &request.fields,
        }
    }
}

impl<'a> From<&'a http::request::Parts> for Ask<'a> {
    fn from(parts: &'a http::request::Parts) -> Self {
        let path = parts.uri.path_and_query().map_or("", http::uri::PathAndQuery::as_str);
        Self {
            method: parts.method.as_str().as_bytes(),
            path: path.as_bytes(),
            scheme: parts.uri.scheme_str().unwrap_or_default().as_bytes(),
            fields: &parts.headers,
        }
    }
}

impl FieldSource for Fields {
    fn each(&self, name: &str, each: &mut dyn FnMut(&[u8])) {
        self.find_all(name.as_bytes()).for_each(each);
    }

    fn lines<'a>(&'a self, each: &mut dyn FnMut(&'a [u8], &'a [u8])) {
        self.iter().for_each(|line| each(line.name, line.value));
    }
}

impl FieldSource for http::HeaderMap {
    fn each(&self, name: &str, each: &mut dyn FnMut(&[u8])) {
        self.get_all(name).iter().for_each(|value| each(value.as_bytes()));
    }

    fn lines<'a>(&'a self, each: &mut dyn FnMut(&'a [u8], &'a [u8])) {
        self.iter().for_each(|(name, value)| each(name.as_str().as_bytes(), value.as_bytes()));
    }
}
