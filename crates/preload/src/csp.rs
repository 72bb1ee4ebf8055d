//! Content-Security-Policy (CSP Level 3, section 6.7), so far as it decides on a hinted resource.

use crate::{Destination, Origin};

/// All policies of one document; each must allow. The default allows everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Csp {
    policies: Vec<Vec<Directive>>,
    document: Option<Origin>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Directive {
    name: String,
    sources: Vec<String>,
}

/// Bytes of one field value that are looked at; a longer one forbids every hint.
pub const VALUE_BYTES: usize = 65_536;

impl Csp {
    /// The policies in a document's `content-security-policy` field values (not its report-only ones).
    pub fn parse<'a>(document: &Origin, values: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut policies = Vec::new();
        for value in values {
            let text = str::from_utf8(value).ok().filter(|text| text.len() <= VALUE_BYTES);
            // What cannot be read is taken for the strictest policy.
            policies.extend(text.unwrap_or("default-src 'none'").split(',').map(policy));
        }
        Self { policies, document: Some(document.clone()) }
    }

    /// Whether a resource may be used. Nonces and digests in a policy allow nothing here: whether an element carries one
    /// is not known to a hint.
    pub fn allows(&self, destination: Destination, url: &str) -> bool {
        if self.policies.is_empty() {
            return true;
        }
        let (Some(document), Some((origin, target))) = (&self.document, Origin::split(url)) else {
            return false;
        };
        self.policies.iter().all(|policy| {
            let governing =
                FETCH_DIRECTIVES.iter().find(|row| row.0 == destination).into_iter().flat_map(|row| row.1);
            let mut named =
                governing.filter_map(|name| policy.iter().find(|directive| directive.name == *name));
            let Some(directive) = named.next() else { return true };
            let is_strict = destination == Destination::Script && directive.has("'strict-dynamic'");
            !is_strict && directive.sources.iter().any(|source| matches(source, document, &origin, target))
        })
    }
}

/// The directives that govern a destination: the first that a policy has decides.
const FETCH_DIRECTIVES: [(Destination, &[&str]); 8] = [
    (Destination::Style, &["style-src-elem", "style-src", "default-src"]),
    (Destination::Font, &["font-src", "default-src"]),
    (Destination::Script, &["script-src-elem", "script-src", "default-src"]),
    (Destination::Fetch, &["connect-src", "default-src"]),
    (Destination::Image, &["img-src", "default-src"]),
    (Destination::Audio, &["media-src", "default-src"]),
    (Destination::Video, &["media-src", "default-src"]),
    (Destination::Track, &["media-src", "default-src"]),
];

impl Directive {
    fn has(&self, source: &str) -> bool {
        self.sources.iter().any(|known| known.eq_ignore_ascii_case(source))
    }
}

/// A policy's directives; of two with one name the first counts.
fn policy(text: &str) -> Vec<Directive> {
    let mut directives: Vec<Directive> = Vec::new();
    for part in text.split(';') {
        let mut words = part.split_ascii_whitespace();
        let Some(name) = words.next().map(str::to_ascii_lowercase) else { continue };
        let is_fetch = FETCH_DIRECTIVES.iter().any(|row| row.1.contains(&&name[..]));
        if is_fetch && !directives.iter().any(|directive| directive.name == name) {
            directives.push(Directive { name, sources: words.map(str::to_owned).collect() });
        }
    }
    directives
}

/// Whether a source expression matches an https URI (CSP Level 3, section 6.7.2.8).
fn matches(source: &str, document: &Origin, origin: &Origin, target: &str) -> bool {
    if source.eq_ignore_ascii_case("'self'") {
        return origin == document;
    }
    if source.starts_with('\'') {
        return false;
    }
    if source == "*" || source.eq_ignore_ascii_case("https:") || source.eq_ignore_ascii_case("http:") {
        return true;
    }
    let rest = match source.split_once("://") {
        Some((scheme, rest)) if ["http", "https"].iter().any(|s| s.eq_ignore_ascii_case(scheme)) => rest,
        Some(_) => return false,
        None => source,
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    };
    host_matches(host, origin.host()) && port_matches(port, origin.port()) && path_matches(path, target)
}

fn host_matches(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some("") => true,
        Some(suffix) if suffix.starts_with('.') => {
            let start = host.len().checked_sub(suffix.len()).filter(|start| *start > 0);
            start.and_then(|start| host.get(start..)).is_some_and(|end| end.eq_ignore_ascii_case(suffix))
        }
        Some(_) => false,
        None => pattern.eq_ignore_ascii_case(host),
    }
}

/// Without a port, the default one; 80 covers 443, since a policy for http covers https.
fn port_matches(pattern: Option<&str>, port: u16) -> bool {
    match pattern {
        None => port == 443,
        Some("*") => true,
        Some(number) => number.parse() == Ok(port) || (number == "80" && port == 443),
    }
}

/// A path that ends with a slash covers what lies below it, any other covers itself.
fn path_matches(pattern: &str, target: &str) -> bool {
    let path = target.split('?').next().unwrap_or(target);
    match pattern {
        "" | "/" => true,
        _ if pattern.ends_with('/') => path.starts_with(pattern),
        _ => path == pattern,
    }
}

#[cfg(test)]
mod tests;
