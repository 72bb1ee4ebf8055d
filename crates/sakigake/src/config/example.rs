//! The table of keys, written out: as a file to begin with, and as documentation.

use super::keys::{KEYS, Key, Section};
use std::fmt::Write as _;

/// A file with every key, each with what it means. As it is it serves the folder in which it stands; every `#` that stands
/// before a key without a blank may be taken away.
pub fn example() -> String {
    let mut out = String::from(
        "# Every key that there is. Those that begin with # are not in force; their values are examples.\n\
         # `sakigake check sakigake.toml` tells what is wrong, `sakigake run sakigake.toml` serves.\n",
    );
    for section in Section::ALL.into_iter().filter(|section| *section != Section::Host) {
        push(&mut out, &format!("\n# {}", section.meaning()));
        if section != Section::Top {
            // The table's header does no harm where all its keys are out of force.
            push(&mut out, section.header());
        }
        section.keys().for_each(|key| show(key, &mut out));
    }
    push(&mut out, &format!("\n# {}", Section::Host.meaning()));
    push(&mut out, "[hosts.\"localhost\"]");
    let is_redirects = |key: &&Key| ["redirect", "permanent"].contains(&key.name);
    Section::Host.keys().filter(|key| !is_redirects(key)).for_each(|key| show(key, &mut out));
    push(&mut out, "\n# A host that sends its visitors elsewhere.");
    push(&mut out, "#[hosts.\"old.test\"]");
    Section::Host.keys().filter(is_redirects).for_each(|key| show(key, &mut out));
    out
}

fn show(key: &Key, out: &mut String) {
    let default = match key.default.strip_prefix('(').and_then(|default| default.strip_suffix(')')) {
        Some(words) => format!("[default: {words}]"),
        None => format!("[default: {}]", key.default),
    };
    push(out, "");
    for line in wrapped(&format!("{} {default}", key.meaning)) {
        push(out, &format!("# {line}"));
    }
    let mark = if key.name == "folder" { "" } else { "#" };
    push(out, &format!("{mark}{} = {}", key.name, key.example));
}

/// Markdown: a table a section.
pub fn reference() -> String {
    let mut out = String::new();
    for section in Section::ALL.into_iter().chain([Section::Clients]) {
        let title = if section == Section::Top {
            "Top of the file".into()
        } else {
            format!("`{}`", section.header())
        };
        push(&mut out, &format!("### {title}\n\n{}\n", section.meaning()));
        push(&mut out, "| key | takes | default | meaning |\n| --- | --- | --- | --- |");
        for key in section.keys() {
            let default = match key.default.strip_prefix('(').and_then(|default| default.strip_suffix(')')) {
                Some(words) => words.to_owned(),
                None => format!("`{}`", key.default),
            };
            let takes = key.kind.words().replace('|', "\\|");
            push(&mut out, &format!("| `{}` | {takes} | {default} | {} |", key.name, key.meaning));
        }
        push(&mut out, "");
    }
    debug_assert!(
        KEYS.iter().all(|key| key.section == Section::Clients || Section::ALL.contains(&key.section))
    );
    out.trim_end().to_owned() + "\n"
}

fn push(out: &mut String, line: &str) {
    writeln!(out, "{line}").expect("a String takes everything");
}

/// Lines of a width that people read well.
fn wrapped(text: &str) -> Vec<String> {
    const WIDTH: usize = 96;
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is always one");
        if line.is_empty() {
            line.push_str(word);
        } else if line.len() + 1 + word.len() > WIDTH {
            lines.push(word.into());
        } else {
            line.push(' ');
            line.push_str(word);
        }
    }
    lines
}
