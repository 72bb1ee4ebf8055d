//! Which files a choice is for, by name.

#[cfg(test)]
mod tests;

/// A name with `*` for any number of any bytes. Without a slash it is held against the last part of a path alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern(Vec<u8>);

impl Pattern {
    pub(super) fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// Whether it is for everything, so that it is for answers without a file too.
    pub(super) fn is_all(&self) -> bool {
        self.0 == b"*"
    }

    /// Holds it against a decoded path, which begins with a slash. It takes at most the product of both lengths.
    pub(super) fn matches(&self, path: &[u8]) -> bool {
        match self.0.contains(&b'/') {
            true => matches(&self.0, path),
            false => matches(&self.0, path.rsplit(|&byte| byte == b'/').next().unwrap_or(path)),
        }
    }
}

/// Goes on greedily, and comes back to the last star only.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&byte) if byte == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}
