//! What the arguments ask a client for.

use super::failure::Ended;
use crate::arguments::FetchArguments;
use sakigake::client::{Ask, Cause, Keep, Line, basic};
use sakigake_page::Url;
use sakigake_wire::percent_decoded;
use std::{
    fs,
    io::{self, Read},
};

/// What a form's data are, and JSON.
const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

pub(super) fn of(arguments: &FetchArguments) -> Result<Ask, Ended> {
    let (url, user) = address(&arguments.url)?;
    let user = arguments.user.as_ref().map(|user| user.clone().into_bytes()).or(user);
    let mut ask = Ask::get(url);
    ask.body = body(arguments)?.map(Into::into);
    ask.method = match (&arguments.method, arguments.head, &ask.body) {
        (Some(method), ..) => method.clone().into_bytes(),
        (None, true, _) => b"HEAD".to_vec(),
        (None, false, Some(_)) => b"POST".to_vec(),
        (None, false, None) => b"GET".to_vec(),
    };
    ask.redirects = (arguments.location || !arguments.is_single()).then_some(arguments.max_redirs);
    ask.is_decoded = arguments.compressed;
    ask.keep = match (&arguments.har, arguments.har_bodies) {
        (None, _) => Keep::Nothing,
        (Some(_), false) => Keep::Heads,
        (Some(_), true) => Keep::Bodies,
    };
    let own = defaults(arguments, user, ask.body.is_some());
    let is_replaced = |line: &&Line| arguments.header.iter().any(|given| given.name() == line.name());
    ask.fields = own.iter().filter(|line| !is_replaced(line)).chain(&arguments.header).cloned().collect();
    Ok(ask)
}

/// Fields that other options than -H stand for.
fn defaults(arguments: &FetchArguments, user: Option<Vec<u8>>, has_body: bool) -> Vec<Line> {
    let line = |name: &str, value: &str| Line::Send(name.into(), value.into());
    let mut lines: Vec<Line> = arguments.user_agent.iter().map(|value| line("user-agent", value)).collect();
    lines.extend(user.map(|user| line("authorization", &basic(&user))));
    match (arguments.json.is_empty(), has_body) {
        (false, _) => lines.extend([line("accept", JSON), line("content-type", JSON)]),
        (true, true) => lines.push(line("content-type", FORM)),
        (true, false) => {}
    }
    lines
}

/// Where it is, and the user and password that stood there.
fn address(text: &str) -> Result<(Url, Option<Vec<u8>>), Ended> {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme) => (scheme, rest),
        _ => ("https", text),
    };
    let end = rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len());
    let (user, rest) = match rest[..end].rfind('@') {
        Some(at) => (Some(credentials(&rest[..at])), &rest[at + 1..]),
        None => (None, rest),
    };
    // From here on without what nobody should see.
    let spelled = format!("{scheme}://{rest}");
    if !scheme.eq_ignore_ascii_case("https") {
        let why = format_args!("{spelled}: only https is spoken here; write https://");
        return Err(Ended::new(Cause::UnsupportedProtocol, why));
    }
    let Some(url) = Url::parse(&spelled) else {
        let why = format_args!("{spelled:?} is not a URL such as https://localhost:8443/");
        return Err(Ended::new(Cause::UrlMalformat, why));
    };
    Ok((url, user))
}

/// What may stand before a colon (RFC 3986 section 3.1).
fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// What a URL says of a user: percent-decoded each, with a colon between.
fn credentials(userinfo: &str) -> Vec<u8> {
    let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
    [percent_decoded(user), percent_decoded(password)].join(&b':')
}

/// The data of all options together: a form's joined by `&`, JSON one after the other.
fn body(arguments: &FetchArguments) -> Result<Option<Vec<u8>>, Ended> {
    let mut body: Option<Vec<u8>> = None;
    let kinds =
        [(&arguments.data, true, "&"), (&arguments.data_binary, false, "&"), (&arguments.json, false, "")];
    for (values, is_stripped, between) in kinds {
        for value in values {
            let mut piece = piece(value)?;
            if is_stripped && value.starts_with('@') {
                piece.retain(|byte| !matches!(byte, b'\r' | b'\n' | 0));
            }
            match &mut body {
                Some(body) => body.extend(between.bytes().chain(piece)),
                None => body = Some(piece),
            }
        }
    }
    Ok(body)
}

/// A value as it stands, or what the file holds that it names.
fn piece(value: &str) -> Result<Vec<u8>, Ended> {
    match value.strip_prefix('@') {
        None => Ok(value.as_bytes().to_vec()),
        Some("-") => {
            let mut bytes = Vec::new();
            let read = io::stdin().lock().read_to_end(&mut bytes);
            read.map(|_| bytes).map_err(|error| Ended::unread("standard input", &error))
        }
        Some(path) => fs::read(path).map_err(|error| Ended::unread(path, &error)),
    }
}

#[cfg(test)]
mod tests;
