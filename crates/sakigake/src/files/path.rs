//! From a request's target to a name below the folder: what is decoded once, here, and what is refused.

#[cfg(test)]
mod tests;

use std::path::{Component, Path};

/// The longest path with its query that is looked at.
const TARGET_BYTES: usize = 8 * 1024;

/// A target that keeps all rules: names that can only lie below the folder.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target<'a> {
    segments: Vec<Vec<u8>>,
    /// Whether it ended in a slash, so that it means a folder.
    pub(super) slash: bool,
    query: Option<&'a [u8]>,
}

/// Why a target is not looked up at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// Not a path of RFC 3986, or one that tries to mean something else than it says: 400.
    Malformed,
    /// 414.
    TooLong,
    /// A name that the service does not show: 404, as if it were not there.
    Hidden,
}

/// Reads a target in origin-form. Each segment is decoded after the cut at slashes and never again, so that an encoded
/// slash cannot make a segment and a doubly encoded dot stays a percent sign.
pub(super) fn read(target: &[u8]) -> Result<Target<'_>, Refused> {
    if target.len() > TARGET_BYTES {
        return Err(Refused::TooLong);
    }
    let (path, query) = match target.iter().position(|&byte| byte == b'?') {
        Some(at) => (&target[..at], Some(&target[at + 1..])),
        None => (target, None),
    };
    if query.is_some_and(|query| !query.iter().all(u8::is_ascii_graphic)) {
        return Err(Refused::Malformed);
    }
    let path = path.strip_prefix(b"/").ok_or(Refused::Malformed)?;
    let mut segments: Vec<Vec<u8>> =
        path.split(|&byte| byte == b'/').map(decode).collect::<Result<_, _>>()?;
    let slash = segments.pop_if(|last| last.is_empty()).is_some();
    match segments.iter().enumerate().any(|(place, segment)| is_hidden(place, segment)) {
        true => Err(Refused::Hidden),
        false => Ok(Target { segments, slash, query }),
    }
}

/// The path of a target that needs no decoding and has nothing in it that would be refused for its bytes: then it is
/// its own key (see [`Target::key`]). No allocation.
pub(super) fn plain(target: &[u8]) -> Option<&[u8]> {
    let end = target.iter().position(|&byte| byte == b'?').unwrap_or(target.len());
    let (path, query) = target.split_at(end);
    let is_plain = |&byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'%' | b'#' | b'\\');
    let is_good =
        target.len() <= TARGET_BYTES && path.iter().all(is_plain) && query.iter().all(u8::is_ascii_graphic);
    is_good.then_some(path)
}

impl Target<'_> {
    /// The path, decoded, with its slashes: the same for all targets that mean the same, and never that of another.
    pub(super) fn key(&self) -> Vec<u8> {
        let mut key = Vec::new();
        for segment in &self.segments {
            key.push(b'/');
            key.extend_from_slice(segment);
        }
        if self.slash || key.is_empty() {
            key.push(b'/');
        }
        key
    }

    /// The name below the folder, without a leading slash: a folder's is its index page's. The site's own folder
    /// without a slash cannot be asked for.
    pub(super) fn file(&self) -> Vec<u8> {
        let mut file = self.segments.join(&b'/');
        if self.slash {
            if !file.is_empty() {
                file.push(b'/');
            }
            file.extend_from_slice(INDEX);
        }
        file
    }

    /// The same target with a slash after its path, encoded anew: a relative reference that begins with exactly one
    /// slash, so that it cannot name another host.
    pub(super) fn with_slash(&self) -> Vec<u8> {
        self.location(&self.segments, true)
    }

    /// The same without a slash after its path. `None` for the site's own folder.
    pub(super) fn without_slash(&self) -> Option<Vec<u8>> {
        (!self.segments.is_empty()).then(|| self.location(&self.segments, false))
    }

    /// The name below the folder and the location of the same target without `.html`; an index page's is its folder, and
    /// has no name of its own. `None` where it does not end in that.
    pub(super) fn without_html(&self) -> Option<(Option<Vec<u8>>, Vec<u8>)> {
        let (last, before) = self.segments.split_last().filter(|_| !self.slash)?;
        if last == INDEX {
            return Some((None, self.location(before, true)));
        }
        let stem = last.strip_suffix(b".html").filter(|stem| !stem.is_empty())?;
        let mut segments = before.to_vec();
        segments.push(stem.to_vec());
        Some((Some(segments.join(&b'/')), self.location(&segments, false)))
    }

    /// The name below the folder with `.html` behind it. `None` for the site's own folder.
    pub(super) fn with_html(&self) -> Option<Vec<u8>> {
        let name = self.segments.join(&b'/');
        (!name.is_empty()).then(|| [&name, &b".html"[..]].concat())
    }

    /// The names of the folders on the way, and of the last one.
    pub(super) fn segments(&self) -> &[Vec<u8>] {
        &self.segments
    }

    /// What follows the question mark.
    pub(super) fn query(&self) -> &[u8] {
        self.query.unwrap_or_default()
    }

    fn location(&self, segments: &[Vec<u8>], slash: bool) -> Vec<u8> {
        let mut location = Vec::new();
        for segment in segments {
            location.push(b'/');
            encode_all(segment, &mut location);
        }
        if slash {
            location.push(b'/');
        }
        if let Some(query) = self.query {
            location.push(b'?');
            location.extend_from_slice(query);
        }
        location
    }
}

const INDEX: &[u8] = b"index.html";

/// Whether a relative path has plain names alone, so that it cannot lead above where it starts.
pub(super) fn is_below(path: &Path) -> bool {
    let mut names = path.components().peekable();
    names.peek().is_some() && names.all(|name| matches!(name, Component::Normal(_)))
}

/// Empty names (`//`) are hidden because no file has one; dotfiles because they are seldom meant for the public.
/// `/.well-known/` is (RFC 8615), what begins with a dot below it is not.
fn is_hidden(place: usize, segment: &[u8]) -> bool {
    segment.is_empty() || (segment.starts_with(b".") && !(place == 0 && segment == b".well-known"))
}

/// One segment, percent-decoded.
fn decode(segment: &[u8]) -> Result<Vec<u8>, Refused> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.iter();
    while let Some(&byte) = rest.next() {
        let byte = match byte {
            b'%' => {
                let mut digit = || rest.next().and_then(|&digit| char::from(digit).to_digit(16));
                let (high, low) = (digit().ok_or(Refused::Malformed)?, digit().ok_or(Refused::Malformed)?);
                u8::try_from(high * 16 + low).expect("two hexadecimal digits make a byte")
            }
            // RFC 3986 lets nothing else stand unencoded; of its own set only the fragment's mark cannot come.
            byte if !byte.is_ascii_graphic() || byte == b'#' => return Err(Refused::Malformed),
            byte => byte,
        };
        // No file's name has a slash or NUL; a backslash is a separator elsewhere; controls are never meant.
        if matches!(byte, b'/' | b'\\' | 0..=0x1f | 0x7f) {
            return Err(Refused::Malformed);
        }
        bytes.push(byte);
    }
    // A client resolves dot segments before it sends (RFC 3986 section 5.2.4): one that arrives is an attempt.
    match bytes.as_slice() {
        b"." | b".." => Err(Refused::Malformed),
        _ => Ok(bytes),
    }
}

/// Whether a request can name it: what is left out of listings otherwise, or has no link.
pub(super) fn may_be_asked_for(name: &[u8]) -> bool {
    !name.iter().any(|byte| matches!(byte, b'/' | b'\\' | 0..=0x1f | 0x7f))
}

/// One segment, percent-encoded.
pub(super) fn encode_all(segment: &[u8], out: &mut Vec<u8>) {
    segment.iter().for_each(|&byte| encode(byte, out));
}

/// What RFC 3986 calls pchar stays, but for the ampersand and quotes, which would only need care elsewhere.
fn encode(byte: u8, out: &mut Vec<u8>) {
    match byte {
        b'a'..=b'z'
        | b'A'..=b'Z'
        | b'0'..=b'9'
        | b'-'
        | b'.'
        | b'_'
        | b'~'
        | b'!'
        | b'$'
        | b'('
        | b')'
        | b'*'
        | b'+'
        | b','
        | b';'
        | b'='
        | b':'
        | b'@' => out.push(byte),
        _ => {
            const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
            out.extend([b'%', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
    }
}
