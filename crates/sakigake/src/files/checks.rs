//! What must hold for any input (see [`crate::fuzz`]).

use super::coding::{Accepted, CODINGS, Coding};
use super::listing::{escape, json_text};
use super::ranges::Choice;
use super::tree::Validators;
use super::{Ask, conditions, path, ranges};
use sakigake_semantics::Request;

pub(crate) fn target(bytes: &[u8]) {
    let Ok(target) = path::read(bytes) else { return };
    let file = target.file();
    // What is found without being decoded is found under the same key.
    if let Some(plain) = path::plain(bytes) {
        assert_eq!(plain, target.key());
    }
    for segment in file.split(|&byte| byte == b'/') {
        assert!(!segment.is_empty() && !segment.contains(&0) && !segment.contains(&b'\\'));
        assert!(!segment.starts_with(b".") || segment == b".well-known");
    }
    let location = target.with_slash();
    assert!(location.starts_with(b"/") && !location.starts_with(b"//"));
    assert!(location.iter().all(u8::is_ascii_graphic));
}

pub(crate) fn range(bytes: &[u8]) {
    for len in [0, 1, 1000, u64::MAX] {
        let sent = match ranges::read(bytes).map(|wanted| ranges::choose(wanted, len)) {
            None | Some(Choice::Whole | Choice::Unsatisfiable) => continue,
            Some(Choice::One(one)) => vec![one],
            Some(Choice::Many(many)) => many,
        };
        assert!(sent.iter().all(|range| range.first <= range.last && range.last < len));
        assert!(sent.iter().map(|range| u128::from(range.len())).sum::<u128>() <= u128::from(len));
    }
}

pub(crate) fn conditions(bytes: &[u8]) {
    let tag = "\"0000000000000000\"".into();
    let validators = Validators { tag, modified: None, strong: true, is_time_strong: true };
    for name in ["if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range", "range"]
    {
        let fields = [(name.as_bytes(), bytes), (b"range", b"bytes=0-")].into_iter().collect();
        let request = Request { fields, ..Request::get("", "/") };
        conditions::judge(&Ask::from(&request), &validators);
    }
}

pub(crate) fn accept_encoding(bytes: &[u8]) {
    let accepted = Accepted::read(Some(bytes));
    let weights = CODINGS.map(|coding| accepted.weight(coding));
    assert!(weights.iter().all(|&weight| weight <= 1000) && accepted.weight(Coding::Identity) <= 1000);
    // What is refused at the end was refused.
    let refused = Accepted::read(Some(&[bytes, b",identity;q=0,zstd;q=0,br;q=0,gzip;q=0"].concat()));
    assert!(
        CODINGS.iter().all(|&coding| refused.weight(coding) == 0) && refused.weight(Coding::Identity) == 0
    );
    // What is not named is taken only where everything is.
    if !bytes.contains(&b'*') && !bytes.to_ascii_lowercase().windows(2).any(|two| two == b"br") {
        assert_eq!(accepted.weight(Coding::Brotli), 0);
    }
}

pub(crate) fn listed_name(bytes: &[u8]) {
    let text = escape(bytes);
    assert!(!text.contains(['<', '>', '"', '\'']) && !text.chars().any(super::listing::is_invisible));
    let mut rest = text.as_str();
    while let Some((_, entity)) = rest.split_once('&') {
        let known = ["amp;", "lt;", "gt;", "quot;", "#39;"];
        rest = known.iter().find_map(|known| entity.strip_prefix(known)).expect("an entity of ours");
    }
    let text = json_text(bytes);
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).expect("a string");
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        assert!(character != '"' && character >= ' ' && character != '<');
        if character == '\\' {
            assert!(matches!(characters.next(), Some('"' | '\\' | 'u')));
        }
    }
    let mut href = Vec::new();
    path::encode_all(bytes, &mut href);
    assert!(href.iter().all(|byte| byte.is_ascii_graphic() && !b"\"'<>&?#/".contains(byte)));
}
