//! Staples as the runner's flags have them: base64 of what goes over the wire.

use crate::{
    End,
    flags::{Set, Words},
};
use sakigake_tls::Staples;
use sakigake_wire::Reader;

const OCSP: &str = "-ocsp-response";
const TIMESTAMPS: &str = "-signed-cert-timestamps";

/// Those of a credential.
pub(crate) fn of(words: &Words) -> Result<Staples, End> {
    let last = |name| words.get(name).and_then(|values| values.last()).map(String::as_str);
    staples(last(OCSP), last(TIMESTAMPS))
}

/// Those that a case expects from its peer, as far as it says.
pub(crate) fn are_expected(flags: &Set, heard: &Staples) -> Result<bool, End> {
    let (ocsp, timestamps) =
        (flags.text("-expect-ocsp-response"), flags.text("-expect-signed-cert-timestamps"));
    let expected = staples(ocsp, timestamps)?;
    let is_right = |is_told: bool, is: bool| !is_told || is;
    Ok(is_right(ocsp.is_some(), expected.ocsp == heard.ocsp)
        && is_right(timestamps.is_some(), expected.scts == heard.scts))
}

fn staples(ocsp: Option<&str>, timestamps: Option<&str>) -> Result<Staples, End> {
    let failed = |what: &str| End::Failed(format!("staples: {what}"));
    let decoded = |text: &str| base64(text).ok_or_else(|| failed("no base64"));
    let ocsp = ocsp.map(decoded).transpose()?;
    let list = timestamps.map(decoded).transpose()?;
    let scts = match list {
        Some(list) => items(&list).ok_or_else(|| failed("no list of timestamps"))?,
        None => Vec::new(),
    };
    Ok(Staples { ocsp, scts })
}

/// The items of a list (RFC 6962 section 3.3): none of them is empty, nor is the list.
fn items(list: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut reader = Reader::new(list);
    let mut rest = reader.vector_u16().ok()?;
    let mut items = Vec::new();
    while !rest.is_empty() {
        items.push(rest.vector_u16().ok()?.rest().to_vec());
    }
    let is_sound = reader.is_empty() && !items.is_empty() && items.iter().all(|item| !item.is_empty());
    is_sound.then_some(items)
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let value = |byte: u8| ALPHABET.iter().position(|letter| *letter == byte);
    let digits: Vec<usize> = text.trim_end_matches('=').bytes().map(value).collect::<Option<_>>()?;
    let bytes = |group: &[usize]| {
        let bits = group.iter().fold(0, |bits, digit| (bits << 6) | digit) << (6 * (4 - group.len()));
        [bits >> 16, bits >> 8, bits].map(|byte| byte as u8)[..group.len() - 1].to_vec()
    };
    Some(digits.chunks(4).flat_map(bytes).collect())
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#[cfg(test)]
mod tests;
