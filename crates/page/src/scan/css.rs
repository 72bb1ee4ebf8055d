//! What style names: a walk over cssparser's tokens that keeps no rules. An at-rule's prelude is never looked into; a block is,
//! unless its medium is not the screen.

use super::{By, media};
use cssparser::{ParseError, Parser, Token, UnicodeRange};

#[cfg(test)]
mod tests;

type Found<'f> = dyn FnMut(&str, By) + 'f;

/// [`sheet`] or [`attribute`].
pub(super) type Scan = fn(&str, &mut Found<'_>);

/// The deepest nesting of blocks and functions that is looked into; what lies deeper is skipped.
pub(super) const DEPTH: u8 = 32;

/// Reports all that a style sheet names, in order.
pub(super) fn sheet(text: &str, found: &mut Found<'_>) {
    let mut parser = parser(text);
    // Imports come before all rules but these (CSS Cascade 5, section 2).
    let mut may_import = true;
    while let Ok(token) = parser.next().cloned() {
        match token {
            Token::AtKeyword(name) if name.eq_ignore_ascii_case("import") => {
                let reference = import(&mut parser);
                if let Some(reference) = reference.filter(|_| may_import) {
                    found(&reference, By::Import);
                }
            }
            Token::AtKeyword(name) => {
                let has_block = at_rule(&mut parser, &name, found);
                let keeps = name.eq_ignore_ascii_case("charset") || name.eq_ignore_ascii_case("layer");
                may_import &= keeps && !has_block;
            }
            Token::CDO | Token::CDC => {}
            token => {
                may_import = false;
                value(&mut parser, token, found);
            }
        }
    }
}

/// Reports all that a `style` attribute names, in order.
pub(super) fn attribute(text: &str, found: &mut Found<'_>) {
    walk(&mut parser(text), found);
}

fn parser(text: &str) -> Parser<'_> {
    let mut parser = Parser::new(text);
    parser.set_nested_block_limit(DEPTH);
    parser
}

fn walk(parser: &mut Parser<'_>, found: &mut Found<'_>) {
    while let Ok(token) = parser.next().cloned() {
        match token {
            Token::AtKeyword(name) => {
                at_rule(parser, &name, found);
            }
            token => value(parser, token, found),
        }
    }
}

/// One token of a declaration or a selector, and all that is in it when it opens a block.
fn value(parser: &mut Parser<'_>, token: Token<'_>, found: &mut Found<'_>) {
    match token {
        Token::UnquotedUrl(reference) => found(&reference, By::Style),
        Token::Function(name) if name.eq_ignore_ascii_case("url") => {
            if let Some(reference) = nested(parser, first_address) {
                found(&reference, By::Style);
            }
        }
        Token::Function(name)
            if name.eq_ignore_ascii_case("image-set") || name.eq_ignore_ascii_case("-webkit-image-set") =>
        {
            if let Some(reference) = nested(parser, first_address) {
                found(&reference, By::Style);
            }
        }
        Token::Function(_)
        | Token::CurlyBracketBlock
        | Token::ParenthesisBlock
        | Token::SquareBracketBlock => {
            nested(parser, |parser| -> Option<()> {
                walk(parser, found);
                None
            });
        }
        _ => {}
    }
}

/// Goes through an at-rule but an import. Returns whether it had a block.
fn at_rule(parser: &mut Parser<'_>, name: &str, found: &mut Found<'_>) -> bool {
    let start = parser.position();
    let has_block = loop {
        match parser.next() {
            Ok(Token::CurlyBracketBlock) => break true,
            Ok(Token::Semicolon) | Err(_) => break false,
            Ok(_) => {}
        }
    };
    let prelude = parser.slice_from(start).trim_end_matches('{');
    let is_of_use = !name.eq_ignore_ascii_case("media") || media::applies(prelude);
    if has_block && is_of_use {
        if name.eq_ignore_ascii_case("font-face") {
            if let Some(reference) = nested(parser, font_face) {
                found(&reference, By::FontFace);
            }
        } else {
            nested(parser, |parser| -> Option<()> {
                walk(parser, found);
                None
            });
        }
    }
    has_block
}

/// The address of an import whose at-keyword was read, when its medium is the screen.
fn import(parser: &mut Parser<'_>) -> Option<String> {
    let reference = match parser.next().cloned() {
        Ok(Token::QuotedString(text) | Token::UnquotedUrl(text)) => Some(text.as_ref().to_owned()),
        Ok(Token::Function(name)) if name.eq_ignore_ascii_case("url") => nested(parser, first_address),
        Ok(Token::Semicolon) | Err(_) => return None,
        Ok(_) => None,
    };
    let start = parser.position();
    while let Ok(token) = parser.next() {
        match token {
            Token::Semicolon => break,
            // `@import` takes no block: the rule is void (CSS Syntax 3, section 5.4.2).
            Token::CurlyBracketBlock => return None,
            _ => {}
        }
    }
    let conditions = parser.slice_from(start).trim_end_matches(';');
    reference.filter(|_| import_applies(conditions))
}

/// Whether what follows an import's address lets it be of use: layer and supports always do, media decide.
fn import_applies(conditions: &str) -> bool {
    let last = conditions.rsplit(')').next().unwrap_or("").trim();
    let media = if last.is_empty() && conditions.contains("supports(") { "" } else { conditions.trim() };
    media::applies(media.strip_prefix("layer").map_or(media, |_| last))
}

/// The address that a face is loaded from: of the last `src`, the first that is not an Embedded OpenType file, unless
/// the face is only for characters beyond ASCII.
fn font_face(parser: &mut Parser<'_>) -> Option<String> {
    let mut chosen = None;
    let mut is_for_ascii = true;
    while let Ok(token) = parser.next().cloned() {
        let Token::Ident(name) = token else { continue };
        if parser.expect_colon().is_err() {
            continue;
        }
        if name.eq_ignore_ascii_case("src") {
            chosen = source(parser).or(chosen);
        } else if name.eq_ignore_ascii_case("unicode-range") {
            is_for_ascii = has_ascii(parser);
        }
    }
    chosen.filter(|_| is_for_ascii)
}

/// Reads to the declaration's end.
fn source(parser: &mut Parser<'_>) -> Option<String> {
    let mut chosen: Option<String> = None;
    while let Ok(token) = parser.next().cloned() {
        let reference = match token {
            Token::Semicolon => break,
            Token::UnquotedUrl(text) => Some(text.as_ref().to_owned()),
            Token::Function(name) if name.eq_ignore_ascii_case("url") => nested(parser, first_address),
            _ => None,
        };
        chosen = chosen.or(reference.filter(|reference| !reference.contains(".eot")));
    }
    chosen
}

/// Reads to the declaration's end.
fn has_ascii(parser: &mut Parser<'_>) -> bool {
    let mut has = false;
    loop {
        match parser.try_parse(UnicodeRange::parse) {
            Ok(range) => has |= range.start <= 0x7e && range.end >= 0x20,
            Err(_) => match parser.next() {
                Ok(Token::Comma) => {}
                Ok(Token::Semicolon) | Err(_) => return has,
                Ok(_) => has = true,
            },
        }
    }
}

/// The first string or `url()` in a function.
fn first_address(parser: &mut Parser<'_>) -> Option<String> {
    while let Ok(token) = parser.next().cloned() {
        match token {
            Token::QuotedString(text) | Token::UnquotedUrl(text) => return Some(text.as_ref().to_owned()),
            Token::Function(name) if name.eq_ignore_ascii_case("url") => {
                return nested(parser, first_address);
            }
            _ => {}
        }
    }
    None
}

/// Runs `body` on the block that the last token opened; `None` too when it lies too deep, and then the rest of what
/// encloses it goes as well, since the parser has lost where it ends.
fn nested<T>(parser: &mut Parser<'_>, body: impl FnOnce(&mut Parser<'_>) -> Option<T>) -> Option<T> {
    let mut result = None;
    let read: Result<(), ParseError<()>> = parser.parse_nested_block(|parser| {
        result = body(parser);
        while parser.next().is_ok() {}
        Ok(())
    });
    if read.is_err() {
        while parser.next().is_ok() {}
    }
    result
}
