use super::*;

fn lines(code: &str, number: usize) -> Vec<String> {
    let text = format!("fn f() {{\n{code}\n}}\n");
    mutants(&text, number + 1)
        .into_iter()
        .map(|mutant| mutant.text.lines().collect::<Vec<_>>().join("|"))
        .collect()
}

#[test]
fn the_line_alone_goes_first() {
    for (code, number, expected) in [
        ("    a();\n    b(); // spec: 1-a\n    c();", 2, "fn f() {|    a();||    c();|}"),
        ("    // spec: 1-a\n    b();", 1, "fn f() {|    // spec: 1-a||}"),
    ] {
        assert_eq!(lines(code, number)[0], expected);
    }
}

#[test]
fn what_stands_on_several_lines_goes_whole() {
    for (code, number) in [
        ("    refuse_if(\n        a,\n        b,\n    )?; // spec: 1-a", 4),
        ("    refuse_if(\n        a, // spec: 1-a\n        b,\n    )?;", 2),
        ("    let x = a\n        .b()\n        .c()?; // spec: 1-a", 3),
        ("    let x =\n        a && b; // spec: 1-a", 2),
        ("    if a { // spec: 1-a\n        b();\n    }", 1),
    ] {
        let whole = "fn f() {".to_owned() + &"|".repeat(code.lines().count()) + "|}";
        assert!(lines(code, number).contains(&whole), "{code}: {:#?}", lines(code, number));
    }
}

#[test]
fn what_cannot_go_keeps_its_shape() {
    for (code, expected) in [
        ("    if a == b || c {\n    }", "    if false && (a == b || c) {|    }"),
        ("    if a == b || c {\n    }", "    if true || (a == b || c) {|    }"),
        ("    if let Some(a) = b && c {\n    }", "    if false && let Some(a) = b && c {|    }"),
        ("    Some(a) if a > 1 => return Err(b),", "    Some(a) if false && (a > 1) => return Err(b),"),
        ("    Some(a) => return Err(b),", "    Some(a) if false => return Err(b),"),
        ("    Some(a) => return Err(b),", "    Some(a) => {},"),
        ("    _ => false,", "    _ => true,"),
        ("    Row { id: max::A, max: 1_000, fault: B },", "    Row { id: max::A, max: 1001, fault: B },"),
        (
            "    let left = a.checked_sub(b).ok_or(Fault::C)?;",
            "    let left = a.checked_sub(b).unwrap_or_default();",
        ),
        ("    let left = a(b)?;", "    let left = Default::default();"),
        ("    let left = a > b;", "    let left = true;"),
        ("    refuse_if(a, b)", "Ok(())"),
        ("        urgency: a(b),", "        urgency: Default::default(),"),
        ("    1 => Ok(a),\n    _ => Err(b),", "    1 => Err(b),|    _ => Err(b),"),
        ("    let best = usable().find(fits);", "    let best = usable().find(|_| true);"),
        (
            "    let hello = offer.hello(&shares, cookie);",
            "    let hello = offer.hello(&shares, Default::default());",
        ),
        ("    let salt = derive(b\"derived\", x);", "    let salt = derive(b\"~erived\", x);"),
        (
            "    let Some(rule) = frame(kind) else { return Ok(()) };",
            "    let Some(rule) = frame(kind) else { panic!() };",
        ),
    ] {
        let whole = format!("fn f() {{|{expected}|}}");
        assert!(lines(code, 1).contains(&whole), "{code}: {:#?}", lines(code, 1));
    }
}

#[test]
fn a_comment_is_no_code() {
    for (line, expected) in [
        ("a(); // spec: 1-a", "a(); "),
        ("a(\"https://b\");", "a(\"https://b\");"),
        ("a(\"b\"); // c", "a(\"b\"); "),
        ("// a", ""),
    ] {
        assert_eq!(code(line), expected);
    }
}

#[test]
fn the_file_keeps_its_lines() {
    let text = "fn f() {\n    a(\n        b,\n    )?; // spec: 1-a\n}\n";
    for mutant in mutants(text, 4) {
        assert_eq!(mutant.text.lines().count(), text.lines().count(), "{}: {}", mutant.what, mutant.text);
    }
}

#[test]
fn what_says_the_same_is_no_mutant() {
    for (code, same) in [
        ("    _ => false,", "    _ => Default::default(),"),
        ("    let a = b();\n    return None;", "    let a = b();|    return Default::default();"),
    ] {
        let number = code.lines().count();
        let same = format!("fn f() {{|{same}|}}");
        assert!(!lines(code, number).contains(&same), "{code}: {:#?}", lines(code, number));
    }
}

#[test]
fn a_number_in_a_text_is_none() {
    let found = lines("    Bad(\"SHA-1\".into())", 1);
    assert!(found.iter().all(|text| !text.contains("SHA-2")), "{found:#?}");
}

#[test]
fn the_last_call_of_a_chain_goes_without_its_semicolon() {
    let found = lines("    let a = b\n        .min(c);", 2);
    assert!(found.contains(&"fn f() {|    let a = b|;|}".to_owned()), "{found:#?}");
}
