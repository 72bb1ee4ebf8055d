//! Ways to take a line of code away so that what is left still builds.

/// How the last resort calls itself: whoever comes by fails.
pub(super) const PANICS: &str = "panics";

/// A file without one of its lines' meaning.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mutant {
    /// How the line was taken away.
    pub(super) what: &'static str,
    pub(super) text: String,
}

/// The ways to take away line `number` (from 1), the plainest first: the line, its whole statement, then its condition or its
/// value.
pub(super) fn mutants(text: &str, number: usize) -> Vec<Mutant> {
    let lines: Vec<&str> = text.lines().collect();
    let Some(target) = target(&lines, number - 1) else { return Vec::new() };
    let (first, last) = statement(&lines, target);
    let whole: Vec<&str> = lines[first..=last].iter().map(|line| code(line)).collect();
    let whole = whole.join("\n");
    let mut mutants: Vec<Mutant> = Vec::new();
    let mut add = |what, first: usize, last: usize, new: String| {
        let text = replace(&lines, first, last, &new);
        if mutants.iter().all(|mutant| mutant.text != text) {
            mutants.push(Mutant { what, text });
        }
    };
    add("blanked", target, target, String::new());
    let line = code(lines[target]).trim();
    if line.starts_with('.') && line.ends_with(';') && unbalanced(line) == (0, 0) {
        add("call blanked", target, target, ";".into());
    }
    add("statement blanked", first, last, String::new());
    if !does_nothing(&whole) {
        let shapes = [conditions(&whole), arms(&whole, &lines, first), values(&whole), parts(&whole)];
        for (what, new) in shapes.into_iter().flatten() {
            add(what, first, last, new);
        }
        if let Some((first, last)) = around(&lines, first) {
            add("statement blanked", first, last, String::new());
        }
    }
    for (what, new) in panics(&whole) {
        add(what, first, last, new);
    }
    mutants
}

/// Whether the line passes something over: then nothing in its place would be the same.
fn does_nothing(whole: &str) -> bool {
    let value = whole.rsplit_once(" => ").map_or(whole, |(_, value)| value);
    matches!(value.trim().trim_end_matches(','), "{}" | "Ok(())" | "Ok(false)" | "continue")
}

/// The statement whose arguments line `at` is one of.
fn around(lines: &[&str], at: usize) -> Option<(usize, usize)> {
    let opens = |first: &usize| {
        let code = lines[*first..at].iter().map(|line| code(line)).collect::<Vec<_>>().join("\n");
        unbalanced(&code).1 > 0
    };
    let first = (0..at).rev().find(opens)?;
    code(lines[first]).trim_end().ends_with(['(', '[']).then(|| statement(lines, first))
}

/// The line itself, or the next one with code where the tag stands on a line of its own.
fn target(lines: &[&str], at: usize) -> Option<usize> {
    (at..lines.len()).find(|&at| !code(lines[at]).trim().is_empty())
}

/// The line without its comment. A slash in a string is followed by a quote sooner or later, which no comment of ours has.
fn code(line: &str) -> &str {
    match line.find("//") {
        Some(at) if !line[at..].contains('"') || line[..at].matches('"').count().is_multiple_of(2) => {
            &line[..at]
        }
        _ => line,
    }
}

fn replace(lines: &[&str], first: usize, last: usize, new: &str) -> String {
    let mut out: Vec<&str> = lines[..first].to_vec();
    out.push(new);
    // As many lines as before, so that what the compiler says names the right ones.
    out.extend(std::iter::repeat_n("", (last - first).saturating_sub(new.matches('\n').count())));
    out.extend(&lines[last + 1..]);
    out.join("\n") + "\n"
}

/// From the first to the last line of the statement, arm or field that line `at` belongs to.
fn statement(lines: &[&str], at: usize) -> (usize, usize) {
    let (mut first, mut last) = (at, at);
    loop {
        let all = lines[first..=last].iter().map(|line| code(line)).collect::<Vec<_>>();
        let (closers, openers) = unbalanced(&all.join("\n"));
        let head = all[0].trim_start();
        let tail = all[all.len() - 1].trim_end();
        let before = first.checked_sub(1).map(|at| code(lines[at]).trim_end()).unwrap_or_default();
        let begins_inside = closers > 0
            || [".", "?", "&&", "||", "=>", ")", "]"].iter().any(|start| head.starts_with(start))
            || [" =", "&&", "||", "=>"].iter().any(|end| before.ends_with(end));
        if begins_inside && first > 0 {
            first -= 1;
        } else if (openers > 0 || [" =", "&&", "||", "=>"].iter().any(|end| tail.ends_with(end)))
            && last + 1 < lines.len()
        {
            last += 1;
        } else {
            return (first, last);
        }
    }
}

/// Brackets that close what was opened before, and those that stay open.
fn unbalanced(code: &str) -> (usize, usize) {
    let (mut closers, mut open, mut in_string, mut escaped) = (0, 0usize, false, false);
    for c in code.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            _ if in_string => {}
            '(' | '[' | '{' => open += 1,
            ')' | ']' | '}' if open == 0 => closers += 1,
            ')' | ']' | '}' => open -= 1,
            _ => {}
        }
    }
    (closers, open)
}

/// A condition that never holds; then one that always does.
fn conditions(whole: &str) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    for keyword in ["if ", "while "] {
        let Some(at) = position(whole, keyword) else { continue };
        let after = at + keyword.len();
        let Some(len) = whole[after..].find(" {").or_else(|| whole[after..].find(" =>")) else { continue };
        let (before, condition, rest) = (&whole[..after], &whole[after..after + len], &whole[after + len..]);
        let never = match condition.contains("let ") {
            true => format!("{before}false && {condition}{rest}"),
            false => format!("{before}false && ({condition}){rest}"),
        };
        found.push(("condition never holds", never));
        if !condition.contains("let ") {
            found.push(("condition always holds", format!("{before}true || ({condition}){rest}")));
        }
    }
    found
}

/// A keyword that is not the end of a longer word.
fn position(text: &str, keyword: &str) -> Option<usize> {
    let is_whole = |at: &usize| !text[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
    text.match_indices(keyword).map(|(at, _)| at).find(is_whole)
}

/// An arm of a match that is never taken, or gives nothing, or what its neighbour gives.
fn arms(whole: &str, lines: &[&str], first: usize) -> Vec<(&'static str, String)> {
    let Some(at) = whole.find(" => ") else { return Vec::new() };
    let pattern = &whole[..at];
    let mut found = Vec::new();
    if !pattern.contains(" if ") {
        found.push(("arm never taken", format!("{pattern} if false{}", &whole[at..])));
    }
    let old = whole[at + 4..].trim().trim_end_matches(',');
    for value in ["{}", "Ok(())", "Ok(Default::default())", "Default::default()", "None", "false", "true"] {
        if !is_same(old, value) {
            found.push(("arm without value", format!("{pattern} => {value},")));
        }
    }
    let neighbours = [first.checked_sub(1), Some(first + 1)];
    for neighbour in neighbours.into_iter().flatten().filter_map(|at| lines.get(at)) {
        if let Some((_, value)) =
            code(neighbour).trim_end().strip_suffix(',').and_then(|arm| arm.split_once(" => "))
        {
            found.push(("arm like its neighbour", format!("{pattern} => {value},")));
        }
    }
    found
}

/// Whether `new` says in other words what `old` says.
fn is_same(old: &str, new: &str) -> bool {
    old == new || (new == "Default::default()" && matches!(old, "false" | "None" | "0" | "&[]"))
}

/// A part of an expression is gone: a predicate, the last argument, a byte of a constant.
fn parts(whole: &str) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    for call in [".find(", ".filter(", ".any(", ".all(", ".is_some_and(", ".is_none_or(", ".position("] {
        let Some(at) = whole.find(call).map(|at| at + call.len()) else { continue };
        let Some(len) = closing(&whole[at..]) else { continue };
        for predicate in ["|_| false", "|_| true"] {
            found.push(("predicate gone", format!("{}{predicate}{}", &whole[..at], &whole[at + len..])));
        }
    }
    if let (Some(comma), Some(end)) = (whole.rfind(", "), whole.rfind(')'))
        && comma < end
    {
        found.push(("argument gone", format!("{}, Default::default(){}", &whole[..comma], &whole[end..])));
    }
    if let Some(at) = whole.find("b\"").map(|at| at + 2)
        && whole[at..].starts_with(|c: char| c.is_ascii_alphanumeric())
    {
        found.push(("constant changed", format!("{}~{}", &whole[..at], &whole[at + 1..])));
    }
    if let Some((start, end)) = last_number(whole)
        && let Ok(number) = whole[start..end].replace('_', "").parse::<u64>()
    {
        found.push(("number changed", format!("{}{}{}", &whole[..start], number + 1, &whole[end..])));
    }
    found
}

/// Where the last decimal literal stands that is no part of a word or of a text.
fn last_number(whole: &str) -> Option<(usize, usize)> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut end = whole.len();
    while let Some(last) = whole[..end].rfind(is_word) {
        let before = whole[..last].char_indices().rfind(|(_, c)| !is_word(*c));
        let start = before.map_or(0, |(at, c)| at + c.len_utf8());
        if whole[start..].starts_with(|c: char| c.is_ascii_digit())
            && whole[..start].matches('"').count().is_multiple_of(2)
        {
            return Some((start, last + 1));
        }
        end = start;
    }
    None
}

/// The last resort. It shows that the tests come by, no more.
fn panics(whole: &str) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    if let Some((before, _)) =
        whole.split_once(" else {").filter(|(before, _)| position(before, "let ").is_some())
    {
        found.push((PANICS, format!("{before} else {{ panic!() }};")));
    }
    if let Some((pattern, _)) = whole.split_once(" => ") {
        found.push((PANICS, format!("{pattern} => panic!(),")));
    }
    if let Some(at) = position(whole, "return ").filter(|_| whole.trim_end().ends_with(';')) {
        found.push((PANICS, format!("{}panic!();", &whole[..at])));
    }
    let panics = "if true { panic!() }";
    if let (Some(_), Some((name, value))) = (position(whole, "let "), whole.trim_end().split_once(" = "))
        && let Some(value) = value.strip_suffix(';')
    {
        found.push((PANICS, format!("{name} = {{ {panics} {value} }};")));
    }
    if !whole.trim_end().ends_with([';', '{', ',']) {
        found.push((PANICS, format!("{{ {panics} {whole} }}")));
    }
    found
}

/// The value alone is gone.
fn values(whole: &str) -> Vec<(&'static str, String)> {
    let trimmed = whole.trim_end();
    let mut found = Vec::new();
    for check in [".ok_or(", ".ok_or_else(", ".map_err("] {
        let Some(at) = whole.find(check) else { continue };
        let Some(len) = closing(&whole[at + check.len()..]) else { continue };
        let rest = &whole[at + check.len() + len + 1..];
        let rest = rest.strip_prefix('?').unwrap_or(rest);
        found.push(("check passed over", format!("{}.unwrap_or_default(){rest}", &whole[..at])));
        found.push(("check panics", format!("{}.ok().unwrap(){rest}", &whole[..at])));
        found.push(("check panics", format!("{}.unwrap(){rest}", &whole[..at])));
    }
    if let (Some(_), Some(at)) =
        (position(whole, "let "), whole.find(" = ").filter(|_| trimmed.ends_with(';')))
    {
        for value in ["Default::default()", "false", "true"] {
            found.push(("value gone", format!("{} = {value};", &whole[..at])));
        }
    } else if let Some(rest) = position(whole, "return ").filter(|_| trimmed.ends_with(';')) {
        let old = whole[rest + "return ".len()..].trim_end().trim_end_matches(';');
        if !is_same(old, "Default::default()") {
            found.push(("value gone", format!("{}return Default::default();", &whole[..rest])));
        }
    } else if let (Some(at), true) = (whole.find(": "), trimmed.ends_with(',')) {
        for value in ["Default::default()", "&[]"] {
            found.push(("field gone", format!("{}: {value},", &whole[..at])));
        }
    } else if !trimmed.ends_with([';', '{', ',', '}']) {
        for value in ["Ok(())", "Ok(Default::default())", "Default::default()", "None", "false", "true"] {
            if !is_same(trimmed.trim_start(), value) {
                found.push(("value gone", value.to_owned()));
            }
        }
    }
    found
}

/// Where the bracket closes that was opened just before.
fn closing(text: &str) -> Option<usize> {
    let mut open = 1usize;
    text.char_indices().find_map(|(at, c)| {
        open = match c {
            '(' => open + 1,
            ')' => open - 1,
            _ => open,
        };
        (open == 0).then_some(at)
    })
}

#[cfg(test)]
mod tests;
