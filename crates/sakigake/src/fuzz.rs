//! What hostile bytes may reach here, as bodies for a fuzzer: each holds what must hold for any input.

#[cfg(test)]
mod tests;

use crate::{client, config::Config, files, hints};
use std::path::Path;

/// A target that is accepted names something below the folder, by plain segments, and its redirect names this host.
pub fn fuzz_target(bytes: &[u8]) {
    files::check_target(bytes);
}

/// Whatever ranges are asked for, no more is sent than the file has, and no byte before its start or after its end.
pub fn fuzz_range(bytes: &[u8]) {
    files::check_range(bytes);
}

/// Whatever codings a client names, what it refuses is refused and what it does not name is not sent.
pub fn fuzz_accept_encoding(bytes: &[u8]) {
    files::check_accept_encoding(bytes);
}

/// No name of a file can be more than text in a listing, whether as a page or as JSON.
pub fn fuzz_listed_name(bytes: &[u8]) {
    files::check_listed_name(bytes);
}

/// Conditions never panic, whatever the fields hold.
pub fn fuzz_conditions(bytes: &[u8]) {
    files::check_conditions(bytes);
}

/// Whatever an Alt-Svc field says, what is read of it can be dialled.
pub fn fuzz_alt_svc(bytes: &[u8]) {
    client::check_alt_svc(bytes);
}

/// Whatever a name server answers, what is read of it can be dialled.
pub fn fuzz_https_records(bytes: &[u8]) {
    client::check_https_records(bytes);
}

/// A hint that a file holds is written as one that reads the same.
pub fn fuzz_hints(bytes: &[u8]) {
    let origin = sakigake_page::Url::parse("https://a.test/").expect("an address");
    let Ok(hints) = hints::parse_file(&String::from_utf8_lossy(bytes), &origin) else { return };
    for hint in &hints.host {
        let again = hints::parse_file(&hint.to_string(), &origin).expect("our own writing");
        assert_eq!(again.host, std::slice::from_ref(hint));
    }
}

/// A configuration file is read, or told what is wrong with it at places that it has, in text that drives no terminal.
pub fn fuzz_config(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Err(report) = Config::parse("f", &text, Path::new("/srv")) else { return };
    assert!(!report.mistakes.is_empty());
    for mistake in &report.mistakes {
        let first = mistake.first.iter().map(|(at, _)| at);
        for at in mistake.at.iter().chain(first) {
            assert!(at.start <= at.end && at.end <= text.len(), "{at:?} of {}", text.len());
        }
    }
    let shown = report.render(false);
    assert!(shown.chars().all(|character| character == '\n' || !character.is_control()), "{shown:?}");
    let bound = (text.len() + 1).min(100) * 8_192 + text.len() * 16;
    assert!(shown.len() <= bound, "{} bytes of {}", shown.len(), text.len());
}
