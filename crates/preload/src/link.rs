//! `Link` field values (RFC 8288 section 3): strict and bounded, so far as hints need them.

use core::fmt;

/// One link of a field value: its target as written, and those parameters that mean something here. Of a parameter that
/// comes twice, the first counts (RFC 8288 section 3.3 says so for `rel`, HTML for the rest).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// What stands between `<` and `>`.
    pub target: String,
    /// Names, one of [`PARAMETERS`], and values; empty where the parameter had none.
    pub parameters: Vec<(&'static str, String)>,
}

/// The parameters that are kept; unknown ones are skipped.
pub const PARAMETERS: [&str; 12] = [
    "rel",
    "as",
    "type",
    "crossorigin",
    "integrity",
    "fetchpriority",
    "imagesrcset",
    "imagesizes",
    "media",
    "referrerpolicy",
    "nonce",
    "anchor",
];

/// What bounds the reading of one field value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the value.
    pub value_bytes: usize,
    /// Links in it.
    pub links: usize,
    /// Parameters of one link, unknown ones too.
    pub parameters: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { value_bytes: 16_384, links: 64, parameters: 32 }
    }
}

/// Why a field value was not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// More bytes than the limit.
    ValueTooLong,
    /// More links than the limit.
    TooManyLinks,
    /// More parameters than the limit.
    TooManyParameters,
    /// A byte that is not printable ASCII, nor a space or a tab between parts.
    Byte,
    /// A link that does not begin with `<`, or has no `>`.
    Target,
    /// A parameter that has no name, or no value behind its `=`.
    Parameter,
    /// A quoted string without end.
    Quote,
    /// Something else than `;` or `,` behind a link or a parameter.
    Separator,
}

/// Reads a field value's links in order. What stood before a fault has been told.
pub fn parse(value: &[u8], limits: Limits, sink: &mut impl FnMut(Link)) -> Result<(), Fault> {
    if value.len() > limits.value_bytes {
        return Err(Fault::ValueTooLong);
    }
    let is_text = |byte: &u8| matches!(byte, b'\t' | 0x20..=0x7e);
    let text = str::from_utf8(value).ok().filter(|text| text.as_bytes().iter().all(is_text));
    let mut read = Read { rest: text.ok_or(Fault::Byte)? };
    let mut links = 0;
    loop {
        // Empty list elements mean nothing (RFC 9110 section 5.6.1.2).
        while read.space() || read.eat(',') {}
        if read.rest.is_empty() {
            return Ok(());
        }
        links += 1;
        if links > limits.links {
            return Err(Fault::TooManyLinks);
        }
        sink(read.link(limits.parameters)?);
    }
}

impl Link {
    /// The value of a parameter, one of [`PARAMETERS`].
    pub fn find(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| *known == name).map(|(_, value)| &value[..])
    }

    /// Whether `rel` has that relation, letters without case.
    pub fn has_rel(&self, relation: &str) -> bool {
        self.find("rel")
            .is_some_and(|rel| rel.split_ascii_whitespace().any(|r| r.eq_ignore_ascii_case(relation)))
    }
}

impl fmt::Display for Link {
    /// The link as a field value: tokens bare, `crossorigin` without a value where it is empty, all else quoted.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.target)?;
        for (name, value) in &self.parameters {
            write!(f, "; {name}")?;
            if value.is_empty() && *name == "crossorigin" {
                continue;
            }
            if sakigake_semantics::is_token(value.as_bytes()) {
                write!(f, "={value}")?;
            } else {
                write!(f, "=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))?;
            }
        }
        Ok(())
    }
}

/// What is left of a value.
struct Read<'a> {
    rest: &'a str,
}

impl<'a> Read<'a> {
    fn link(&mut self, parameters: usize) -> Result<Link, Fault> {
        self.eat('<').then_some(()).ok_or(Fault::Target)?;
        let (target, rest) = self.rest.split_once('>').ok_or(Fault::Target)?;
        self.rest = rest;
        if target.bytes().any(|byte| matches!(byte, b'<' | b' ' | b'\t' | b'"')) {
            return Err(Fault::Target);
        }
        let mut link = Link { target: target.to_owned(), parameters: Vec::new() };
        let mut seen = 0;
        loop {
            self.space();
            if self.rest.is_empty() || self.rest.starts_with(',') {
                return Ok(link);
            }
            self.eat(';').then_some(()).ok_or(Fault::Separator)?;
            self.space();
            if self.rest.is_empty() || self.rest.starts_with([',', ';']) {
                continue;
            }
            seen += 1;
            if seen > parameters {
                return Err(Fault::TooManyParameters);
            }
            let (name, value) = self.parameter()?;
            let known = PARAMETERS.iter().find(|known| known.eq_ignore_ascii_case(name));
            if let Some(known) = known.filter(|known| link.find(known).is_none()) {
                link.parameters.push((known, value));
            }
        }
    }

    fn parameter(&mut self) -> Result<(&'a str, String), Fault> {
        let name = self.token().ok_or(Fault::Parameter)?;
        // A `*` marks the extended form of RFC 8187, which no parameter here has; its value is a token all the same.
        self.space();
        if !self.eat('=') {
            return Ok((name, String::new()));
        }
        self.space();
        if self.eat('"') {
            return Ok((name, self.quoted()?));
        }
        let is_end = |byte: u8| matches!(byte, b' ' | b'\t' | b';' | b',' | b'"' | b'<' | b'>');
        let len = self.rest.bytes().position(is_end).unwrap_or(self.rest.len());
        let (value, rest) = self.rest.split_at(len);
        self.rest = rest;
        if value.is_empty() { Err(Fault::Parameter) } else { Ok((name, value.to_owned())) }
    }

    fn quoted(&mut self) -> Result<String, Fault> {
        let mut value = String::new();
        let mut chars = self.rest.char_indices();
        while let Some((at, char)) = chars.next() {
            match char {
                '"' => {
                    self.rest = &self.rest[at + 1..];
                    return Ok(value);
                }
                '\\' => value.push(chars.next().ok_or(Fault::Quote)?.1),
                _ => value.push(char),
            }
        }
        Err(Fault::Quote)
    }

    fn token(&mut self) -> Option<&'a str> {
        let is_part = |byte: u8| sakigake_semantics::is_token(&[byte]);
        let len = self.rest.bytes().position(|byte| !is_part(byte)).unwrap_or(self.rest.len());
        let (token, rest) = self.rest.split_at(len);
        self.rest = rest;
        (len > 0).then_some(token)
    }

    /// Skips spaces and tabs; whether there were any.
    fn space(&mut self) -> bool {
        let before = self.rest.len();
        self.rest = self.rest.trim_start_matches([' ', '\t']);
        self.rest.len() < before
    }

    fn eat(&mut self, char: char) -> bool {
        let rest = self.rest.strip_prefix(char);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ValueTooLong => "a link value is too long",
            Self::TooManyLinks => "a link value has too many links",
            Self::TooManyParameters => "a link has too many parameters",
            Self::Byte => "a link value has a byte that is not printable",
            Self::Target => "a link has no target",
            Self::Parameter => "a link's parameter has no name or no value",
            Self::Quote => "a link's quoted string has no end",
            Self::Separator => "a link's parts are not parted",
        })
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests;
