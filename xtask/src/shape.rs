//! Long tails: no file over 1,000 lines of logic, no function over 100 lines but tables. In QUIC, where every stack has its
//! huge send function, no function over 60, and no part that takes the connection.

use crate::{
    root,
    source::{self, Source},
};

const FILE_LINES: usize = 1_000;
const FUNCTION_LINES: usize = 100;
const LISTED: usize = 8;

/// Where functions are shorter, and where one type alone decides.
const QUIC: &str = "crates/quic/src/";
const QUIC_FUNCTION_LINES: usize = 60;
const QUIC_OWNER: &str = "crates/quic/src/connection";

struct Function {
    lines: usize,
    most: usize,
    at: String,
    is_table: bool,
}

/// Lists the longest files and functions, and fails on those that are too long.
pub(crate) fn check() -> Result<(), String> {
    let sources = source::all(&root(), &["crates", "xtask"])?;
    let logic: Vec<&Source> = sources.iter().filter(|source| !source.is_test()).collect();
    let mut files: Vec<(usize, String)> =
        logic.iter().map(|source| (logic_lines(&source.text), source.path.display().to_string())).collect();
    let mut functions: Vec<Function> = logic.iter().flat_map(|source| functions(source)).collect();
    files.sort_by(|a, b| b.cmp(a));
    functions.sort_by_key(|function| core::cmp::Reverse(function.lines));
    println!("{} files of logic, {} functions; the longest:", files.len(), functions.len());
    for (lines, path) in files.iter().take(LISTED) {
        println!("  {lines:5} lines  {path}");
    }
    for function in functions.iter().take(LISTED) {
        println!(
            "  {:5} lines  {}{}",
            function.lines,
            function.at,
            if function.is_table { " (table)" } else { "" }
        );
    }
    let long_files = files.iter().filter(|(lines, _)| *lines > FILE_LINES).map(|(_, path)| path.clone());
    let is_long = |function: &&Function| function.lines > function.most && !function.is_table;
    let long_functions = functions.iter().filter(is_long).map(|function| function.at.clone());
    let long: Vec<String> = long_files.chain(long_functions).collect();
    if !long.is_empty() {
        return Err(format!("too long: {}", long.join(", ")));
    }
    let knowing: Vec<String> = logic.iter().flat_map(|source| takes_connection(source)).collect();
    if knowing.is_empty() {
        Ok(())
    } else {
        Err(format!("parts that know the connection: {}", knowing.join(", ")))
    }
}

/// Lines of a part of QUIC that name the connection's type.
fn takes_connection(source: &Source) -> Vec<String> {
    let path = source.path.display().to_string();
    if !path.starts_with(QUIC) || path.starts_with(QUIC_OWNER) {
        return Vec::new();
    }
    let named = source.text.lines().enumerate().filter(|(_, line)| {
        // A variant of that name has an index in brackets, not the connection.
        let code = line.split("//").next().unwrap_or_default().replace("Connection(", "");
        let mut words = code.split(|c: char| !c.is_alphanumeric() && c != '_');
        words.any(|word| word == "Connection")
    });
    named.map(|(index, _)| format!("{path}:{}", index + 1)).collect()
}

/// Lines that are neither blank nor comment.
fn logic_lines(text: &str) -> usize {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}

/// The functions of a file: from the line with `fn` to the line that closes at the same depth (rustfmt's layout).
fn functions(source: &Source) -> Vec<Function> {
    let lines: Vec<&str> = source.text.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        let indent = line.len() - line.trim_start().len();
        let closes = |line: &&str| line.len() == indent + 1 && line.trim_start() == "}";
        let Some(len) = lines[start..].iter().position(closes) else { continue };
        let declares_only = lines[start..start + len]
            .iter()
            .take_while(|line| !line.ends_with('{'))
            .any(|l| l.ends_with(';'));
        if declares_only {
            continue;
        }
        let body = &lines[start..=start + len];
        let is_quic = source.path.starts_with(QUIC);
        found.push(Function {
            lines: logic_lines(&body.join("\n")),
            most: if is_quic { QUIC_FUNCTION_LINES } else { FUNCTION_LINES },
            at: format!("{}:{} {name}", source.path.display(), start + 1),
            is_table: is_table(body),
        });
    }
    found
}

fn function_name(line: &str) -> Option<&str> {
    let trimmed = line.trim_start();
    let (before, after) = trimmed.split_once("fn ")?;
    let is_declaration = before
        .split_whitespace()
        .all(|word| word.starts_with("pub") || ["const", "async", "unsafe", "extern"].contains(&word));
    let name_len = after.find(|c: char| !c.is_alphanumeric() && c != '_')?;
    (is_declaration && name_len > 0).then(|| &after[..name_len])
}

/// A match whose arms are mostly one line each, or patterns one below the other, is a table, however long.
fn is_table(body: &[&str]) -> bool {
    let is_arm = |line: &&&str| line.contains(" => ") && line.ends_with(',');
    let is_pattern = |line: &&&str| line.trim_start().starts_with("| ");
    let arms = body.iter().filter(|line| is_arm(line) || is_pattern(line)).count();
    arms * 10 >= body.len() * 7
}

#[cfg(test)]
mod tests;
