//! What strings mean: times, sizes, addresses, names. Each says what it had expected.

#[cfg(test)]
mod tests;

use crate::files::{OURS, Statuses};
use sakigake_net::loopback;
use sakigake_semantics::is_token;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Why a string is not what it should be; the second part goes beside the caret.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong(pub(super) String, pub(super) String);

fn wrong<T>(what: impl Into<String>, label: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong(what.into(), label.into()))
}

const TIMES: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
const SIZES: [(&str, u64); 9] = [
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
];

/// `"30s"`, `"1.5h"`, `"250 ms"`: milliseconds.
pub(super) fn duration(text: &str) -> Result<u64, Wrong> {
    measure(text, &TIMES, "a time", "ms, s, m, h or d", "30s")
}

/// `"64 KiB"`, `"1.5MB"`: bytes. The case of the unit does not matter.
pub(super) fn size(text: &str) -> Result<u64, Wrong> {
    measure(text, &SIZES, "a size", "B, KiB, MiB, GiB, kB, MB or GB", "64 KiB")
}

fn measure(
    text: &str,
    units: &[(&str, u64)],
    noun: &str,
    allowed: &str,
    example: &str,
) -> Result<u64, Wrong> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = (&text[..split], text[split..].trim());
    let Some(number) = decimal(number) else {
        return wrong(
            format!("\"{text}\" is not {noun}"),
            format!("write a number and its unit, such as \"{example}\""),
        );
    };
    if unit.is_empty() {
        return wrong(format!("{noun} needs its unit"), format!("{allowed}, such as \"{example}\""));
    }
    let Some((_, size)) = units.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)) else {
        let near = super::nearest::nearest(unit, units.iter().map(|(name, _)| *name));
        let near = near.map_or(String::new(), |near| format!("did you mean `{near}`? "));
        return wrong(format!("`{unit}` is not a unit of {noun}"), format!("{near}there are {allowed}"));
    };
    let (whole, thousandths) = number;
    let total =
        whole.checked_mul(*size).and_then(|total| total.checked_add(thousandths.checked_mul(*size)? / 1_000));
    total.map_or_else(|| wrong(format!("\"{text}\" is too large"), ""), Ok)
}

/// A number, and thousandths; further digits are not taken.
fn decimal(text: &str) -> Option<(u64, u64)> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let is_short = !part.is_empty() && part.len() <= 3;
    let part = is_short.then(|| format!("{part:0<3}"))?;
    Some((whole.parse().ok()?, part.parse().ok()?)) // What is no number is told by `None`.
}

/// `"127.0.0.1:80"`, `"[::1]:80"`; `"localhost:80"` and `"*:80"` are two addresses each.
pub(super) fn addresses(text: &str) -> Result<Vec<SocketAddr>, Wrong> {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Ok(vec![address]);
    }
    if text.parse::<Ipv6Addr>().is_ok() {
        return wrong(format!("\"{text}\" has no port"), format!("write \"[{text}]:443\""));
    }
    if is_number(text) {
        return wrong(
            format!("\"{text}\" is a port without an address"),
            format!("write \"*:{text}\" or \"localhost:{text}\""),
        );
    }
    let Some((host, port)) = text.rsplit_once(':') else {
        return wrong(format!("\"{text}\" has no port"), format!("write \"{text}:443\""));
    };
    let Ok(number) = port.parse::<u16>() else {
        return wrong(format!("`{port}` is not a port"), "a port is a number from 0 to 65535");
    };
    match host {
        "localhost" => Ok(loopback(number).into()),
        "*" => Ok([IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)]
            .map(|ip| SocketAddr::new(ip, number))
            .into()),
        "" => {
            wrong(format!("\"{text}\" has no address"), format!("write \"*{text}\" or \"localhost{text}\""))
        }
        _ if host.parse::<Ipv6Addr>().is_ok() => wrong(
            format!("\"{text}\" is not clear"),
            format!("an IPv6 address stands in brackets: \"[{host}]:{port}\""),
        ),
        _ => wrong(
            format!("`{host}` is not an IP address"),
            "a server listens on an address of this machine, not on a name: `*` is all of them",
        ),
    }
}

/// The same, but one address alone.
pub(super) fn address(text: &str) -> Result<SocketAddr, Wrong> {
    match addresses(text)?.as_slice() {
        [address, ..] if text.starts_with("localhost") => Ok(*address),
        [address] => Ok(*address),
        _ => wrong(
            format!("\"{text}\" is several addresses"),
            "one is wanted here, such as \"127.0.0.1:9090\"",
        ),
    }
}

/// A host's name in lower case: labels, or an IP address without brackets; `*.` may stand before it.
pub(super) fn host_name(text: &str) -> Result<String, Wrong> {
    let name = text.to_ascii_lowercase();
    if text.is_empty() {
        return wrong("a host needs a name", "such as \"example.com\"");
    }
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(&name);
    if let Ok(ip) = bare.parse::<IpAddr>() {
        return Ok(ip.to_string());
    }
    if name.contains("://") {
        let rest = name.split("://").nth(1).unwrap_or_default();
        return wrong(
            format!("\"{text}\" is an address, not a name"),
            format!("write \"{}\"", rest.split('/').next().unwrap_or_default()),
        );
    }
    if let Some((host, port)) = name.rsplit_once(':') {
        return wrong(
            format!("a host's name has no port: `:{port}`"),
            format!("write \"{host}\"; ports stand in `listen`"),
        );
    }
    if !name.is_ascii() {
        return wrong(
            format!("\"{text}\" is beyond ASCII"),
            "write the name as it is asked for, beginning with `xn--`",
        );
    }
    if name == "*" {
        return wrong("`*` is not a name", "a host for all other names has `default = true`");
    }
    let labels = name.strip_prefix("*.").unwrap_or(&name);
    let labels = labels.strip_suffix('.').unwrap_or(labels);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    match labels.len() <= 253 && labels.split('.').all(is_label) {
        true => Ok(name.strip_suffix('.').unwrap_or(&name).into()),
        false if labels.contains('*') => wrong(
            format!("\"{text}\" is not a host's name"),
            "`*` may stand for the first label alone: \"*.example.com\"",
        ),
        false => wrong(
            format!("\"{text}\" is not a host's name"),
            "labels of letters, digits and `-`, with dots between them",
        ),
    }
}

/// A field's name and value (RFC 9110 section 5), and none that the server itself answers for.
pub(super) fn field_name(text: &str) -> Result<String, Wrong> {
    let name = text.to_ascii_lowercase();
    if !is_token(name.as_bytes()) {
        return wrong(format!("\"{text}\" is not a field's name"), "letters, digits and `-`");
    }
    match OURS.contains(&name.as_str()) {
        true => wrong(format!("`{name}` is the server's own to say"), ""),
        false => Ok(name),
    }
}

/// The value.
pub(super) fn field_value(text: &str) -> Result<String, Wrong> {
    let is_fine = |byte: u8| byte == b'\t' || (b' '..=b'~').contains(&byte);
    match text.bytes().all(is_fine) && text.trim_matches([' ', '\t']) == text {
        true => Ok(text.into()),
        false => wrong("this cannot be a field's value", "one line, without blanks around it"),
    }
}

/// Statuses of errors: `404`, `4xx`, `5xx`.
pub(super) fn error_status(text: &str) -> Result<Statuses, Wrong> {
    let what = || {
        Wrong(
            format!("`{text}` is not the status of an error"),
            "a number from 400 to 599, 4xx or 5xx".into(),
        )
    };
    text.parse().map_err(|_| what())
}
