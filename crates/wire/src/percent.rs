//! Percent-encoding: RFC 3986 section 2.1.

/// With each `%XX` as the byte that it stands for; what is no such triplet stays as it is.
pub fn percent_decoded(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let escaped = after.get(..2).filter(|_| *byte == b'%').and_then(|digits| {
            let digits = core::str::from_utf8(digits).ok()?; // Two bytes that are no text are no digits.
            u8::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'))
        });
        out.push(escaped.unwrap_or(*byte));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    out
}

#[cfg(test)]
mod tests;
