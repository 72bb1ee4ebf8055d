//! What somebody probably meant.

/// Words that other servers use, and ours.
const SYNONYMS: &[(&str, &str)] = &[
    ("autoindex", "listing"),
    ("brotli", "compress"),
    ("cert", "certificate"),
    ("certs", "certificate"),
    ("chain", "certificate"),
    ("day", "d"),
    ("days", "d"),
    ("dir", "folder"),
    ("directory", "folder"),
    ("document_root", "folder"),
    ("domain", "aliases"),
    ("encode", "compress"),
    ("gzip", "compress"),
    ("g", "GiB"),
    ("host", "hosts"),
    ("hour", "h"),
    ("hours", "h"),
    ("hr", "h"),
    ("k", "KiB"),
    ("logging", "log"),
    ("logs", "log"),
    ("m", "MiB"),
    ("min", "m"),
    ("mins", "m"),
    ("minute", "m"),
    ("minutes", "m"),
    ("names", "aliases"),
    ("path", "folder"),
    ("port", "listen"),
    ("private_key", "key"),
    ("public", "public_port"),
    ("root", "folder"),
    ("sec", "s"),
    ("second", "s"),
    ("seconds", "s"),
    ("secs", "s"),
    ("server", "hosts"),
    ("server_name", "aliases"),
    ("servers", "hosts"),
    ("site", "hosts"),
    ("sites", "hosts"),
    ("ssl_certificate", "certificate"),
    ("ssl_certificate_key", "key"),
    ("threads", "workers"),
    ("timeouts", "limits"),
    ("vhosts", "hosts"),
    ("zstd", "compress"),
];

/// Longer words are no mistyped ones.
const LONGEST: usize = 64;

/// How many slips a word of so many letters at most may have: in a short one, two make another word.
const SLIPS: [(usize, usize); 3] = [(4, 1), (8, 2), (LONGEST, 3)];

/// The one of `words` that is nearest to `word`, if any is near.
pub(super) fn nearest<'a>(word: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = plain(word);
    if word.chars().count() > LONGEST {
        return None;
    }
    let meant = SYNONYMS.iter().find(|(theirs, _)| *theirs == word).map(|(_, ours)| *ours);
    let near = |candidate: &'a str| {
        let far = match meant == Some(candidate) {
            true => 0,
            false => distance(&word, &plain(candidate)),
        };
        let len = candidate.chars().count();
        let most = SLIPS.iter().find(|(letters, _)| len.min(word.chars().count()) <= *letters);
        (far < len && most.is_none_or(|(_, most)| far <= *most)).then_some((far, candidate))
    };
    words.into_iter().filter_map(near).min_by_key(|(far, _)| *far).map(|(_, candidate)| candidate)
}

/// Case and the kind of dash do not tell words apart.
fn plain(word: &str) -> String {
    word.to_lowercase().replace(['-', '.', ' '], "_")
}

/// Letters to put in, take out, change, or swap with their neighbour (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let (mut older, mut old): (Vec<usize>, Vec<usize>) = (Vec::new(), (0..=b.len()).collect());
    for row in 1..=a.len() {
        let mut new = vec![row];
        for column in 1..=b.len() {
            let changed = old[column - 1] + usize::from(a[row - 1] != b[column - 1]);
            let mut least = changed.min(old[column] + 1).min(new[column - 1] + 1);
            let is_swap = row > 1 && column > 1 && a[row - 1] == b[column - 2] && a[row - 2] == b[column - 1];
            if is_swap {
                least = least.min(older[column - 2] + 1);
            }
            new.push(least);
        }
        older = std::mem::replace(&mut old, new);
    }
    old[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_the_four_slips() {
        for (a, b, far) in [
            ("", "", 0),
            ("key", "", 3),
            ("folder", "fodler", 1),
            ("listen", "lisen", 1),
            ("ab", "ba", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(a, b), far, "{a} {b}");
        }
    }

    #[test]
    fn a_mistyped_or_foreign_word_finds_ours_and_others_find_none() {
        let words = ["folder", "redirect", "certificate", "redirect_http"];
        for (word, ours) in [
            ("folderr", Some("folder")),
            ("Redirect-HTTP", Some("redirect_http")),
            ("root", Some("folder")),
            ("ssl_certificate", Some("certificate")),
            ("banana", None),
            ("fodlerr", Some("folder")),
            ("fdlrr", None),
            ("rediiectt", Some("redirect")),
            ("cretificaet", Some("certificate")),
            ("srettificate", Some("certificate")),
        ] {
            assert_eq!(nearest(word, words), ours, "{word}");
        }
        assert_eq!(nearest(&"folder".repeat(20), words), None);
        for (word, ours) in [("nope", None), ("hom", Some("home")), ("homes", Some("home")), ("hoems", None)]
        {
            assert_eq!(nearest(word, ["home"]), ours, "{word}");
        }
    }
}
