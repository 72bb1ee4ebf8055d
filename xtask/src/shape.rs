//! Long tails: no file over 1,000 lines of logic, no function over 100 lines but tables.

use crate::{
    root,
    source::{self, Source},
};

const FILE_LINES: usize = 1_000;
const FUNCTION_LINES: usize = 100;
const LISTED: usize = 8;

struct Function {
    lines: usize,
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
    let is_long = |function: &&Function| function.lines > FUNCTION_LINES && !function.is_table;
    let long_functions = functions.iter().filter(is_long).map(|function| function.at.clone());
    let long: Vec<String> = long_files.chain(long_functions).collect();
    if long.is_empty() { Ok(()) } else { Err(format!("too long: {}", long.join(", "))) }
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
        found.push(Function {
            lines: logic_lines(&body.join("\n")),
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

/// A match whose arms are mostly one line each is a table, however long.
fn is_table(body: &[&str]) -> bool {
    let arms = body.iter().filter(|line| line.contains(" => ") && line.ends_with(',')).count();
    arms * 10 >= body.len() * 7
}

#[cfg(test)]
mod tests;
