//! What hostile bytes may reach here, as bodies for a fuzzer: each holds what must hold for any input.

#[cfg(test)]
mod tests;

use crate::{files, hints};

/// A target that is accepted names something below the folder, by plain segments, and its redirect names this host.
pub fn fuzz_target(bytes: &[u8]) {
    files::check_target(bytes);
}

/// Whatever ranges are asked for, no more is sent than the file has, and no byte before its start or after its end.
pub fn fuzz_range(bytes: &[u8]) {
    files::check_range(bytes);
}

/// Conditions never panic, whatever the fields hold.
pub fn fuzz_conditions(bytes: &[u8]) {
    files::check_conditions(bytes);
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
