//! Keys as text: a line each, so that people can move them from one server to another.

use core::fmt::Write as _;
use sakigake_crypto::Secret;
use sakigake_tls::{KeyRing, TicketKey};
use std::io;
use zeroize::Zeroizing;

const HEAD: &str = "# The keys of a server's tickets: name, secret, seals from, seals until, opens until.\n";

/// The keys that a text holds; empty lines and those that begin with `#` are passed over.
pub(super) fn read(text: &[u8]) -> io::Result<Vec<TicketKey>> {
    let wrong = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
    let text = core::str::from_utf8(text).map_err(|_| wrong("it is no text".into()))?;
    let lines = text.lines().zip(1..).filter(|(line, _)| !line.is_empty() && !line.starts_with('#'));
    let keys = lines.map(|(line, number)| key(line).ok_or_else(|| wrong(format!("line {number} is no key"))));
    let keys: Vec<TicketKey> = keys.collect::<Result<_, _>>()?;
    match keys.len() <= KeyRing::MOST_KEYS {
        true => Ok(keys),
        false => Err(wrong(format!("it holds over {} keys", KeyRing::MOST_KEYS))),
    }
}

/// The text that holds these keys.
pub(super) fn write<'a>(keys: impl Iterator<Item = &'a TicketKey>) -> Zeroizing<Vec<u8>> {
    // Room for all of it: what a string leaves behind as it grows would not be erased.
    let mut text = Zeroizing::new(String::with_capacity(HEAD.len() + KeyRing::MOST_KEYS * LINE_BYTES));
    text.push_str(HEAD);
    for key in keys {
        write_hex(&key.name, &mut text);
        text.push(' ');
        write_hex(key.secret.as_ref(), &mut text);
        let TicketKey { from_unix_secs, until_unix_secs, opens_until_unix_secs, .. } = key;
        writeln!(text, " {from_unix_secs} {until_unix_secs} {opens_until_unix_secs}")
            .expect("a String takes everything");
    }
    Zeroizing::new(core::mem::take(&mut *text).into_bytes())
}

fn key(line: &str) -> Option<TicketKey> {
    let mut words = line.split(' ');
    let mut name = [0; TicketKey::NAME_BYTES];
    read_hex(words.next()?, &mut name)?;
    let secret = words.next()?;
    if secret.len() != 2 * TicketKey::SECRET_BYTES {
        return None;
    }
    let mut is_read = None;
    let secret = Secret::filled(TicketKey::SECRET_BYTES, |out| is_read = read_hex(secret, out));
    is_read?;
    let mut number = || words.next()?.parse::<u64>().ok(); // What is no number is no key.
    let [from_unix_secs, until_unix_secs, opens_until_unix_secs] = [number()?, number()?, number()?];
    let key = TicketKey { name, secret, from_unix_secs, until_unix_secs, opens_until_unix_secs };
    let seals_secs = until_unix_secs.checked_sub(from_unix_secs)?; // A key seals before it ends,
    let opens_secs = opens_until_unix_secs.checked_sub(until_unix_secs)?; // and opens what it sealed.
    let is_right = (1..=MOST_SECS).contains(&seals_secs) && opens_secs <= MOST_SECS;
    (is_right && words.next().is_none()).then_some(key)
}

fn write_hex(bytes: &[u8], out: &mut String) {
    for byte in bytes {
        write!(out, "{byte:02x}").expect("a String takes everything");
    }
}

fn read_hex(text: &str, out: &mut [u8]) -> Option<()> {
    let digits = text.as_bytes();
    if digits.len() != 2 * out.len() || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    for (byte, pair) in out.iter_mut().zip(digits.chunks(2)) {
        *byte = u8::from_str_radix(core::str::from_utf8(pair).ok()?, 16).ok()?; // They are digits.
    }
    Some(())
}

/// A key that served for longer would not be turned at all.
const MOST_SECS: u64 = 31 * 86_400;

/// Two hexadecimal strings, three numbers.
const LINE_BYTES: usize = 2 * (TicketKey::NAME_BYTES + TicketKey::SECRET_BYTES) + 5 + 3 * 20;
