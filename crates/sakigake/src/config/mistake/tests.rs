use super::*;

fn shown(text: &str, at: Range<usize>) -> String {
    let report = Report::new("f.toml", text, vec![Mistake::new(at, "wrong").label("here")]);
    report.render(false)
}

/// The line and the one with the carets, without the gutter.
fn lines(text: &str, at: Range<usize>) -> (String, String) {
    let shown = shown(text, at);
    let mut lines =
        shown.lines().skip(1).map(|line| line.split_once("| ").map_or("", |(_, line)| line).to_owned());
    (lines.next().unwrap_or_default(), lines.next().unwrap_or_default())
}

#[test]
fn the_caret_stands_under_the_span_whatever_stands_before_it() {
    for (text, word, before, carets) in [
        ("key = 1", "key", 0, 3),
        ("a = 1\n  key = 1\n", "key", 2, 3),
        ("a = 1\r\nkey = 1\r\n", "key", 0, 3),
        ("\tkey = 1", "key", 4, 3),
        ("ab\tkey = 1", "key", 4, 3),
        ("\"ü\" = key", "key", 6, 3),
        ("\"先駆け\" = key", "key", 11, 3),
        ("先 = 1", "先", 0, 2),
        ("\"e\u{301}\" = key", "key", 6, 3),
        ("\"\u{1b}[31m\" = key", "key", 10, 3),
    ] {
        let start = text.find(word).expect("it is there");
        let (_, marks) = lines(text, start..start + word.len());
        assert_eq!(marks, format!("{}{} here", " ".repeat(before), "^".repeat(carets)), "{text:?}");
    }
}

#[test]
fn the_place_is_counted_in_lines_and_characters() {
    let text = "a = 1\r\n\"ü\"\t= key\r\n";
    let at = text.find("key").expect("it is there");
    assert!(shown(text, at..at + 3).starts_with("f.toml:2:7: error: wrong\n"), "{}", shown(text, at..at + 3));
}

#[test]
fn an_end_of_file_an_empty_file_and_a_span_beyond_have_a_caret_too() {
    for (text, at) in
        [("", 0..0), ("a = ", 4..4), ("a = \n", 5..5), ("a", 7..9), ("ü", 1..1), ("a\nb\n", 1..2)]
    {
        assert!(shown(text, at.clone()).contains("^ here"), "{text:?} {at:?}");
    }
}

#[test]
fn a_long_line_is_cut_around_its_caret() {
    let text = format!("a = \"{}\" # key {}", "x".repeat(300), "y".repeat(300));
    let start = text.find("key").expect("it is there");
    let (line, marks) = lines(&text, start..start + 3);
    assert!(line.len() < 140 && line.starts_with("...") && line.ends_with("..."), "{line}");
    assert_eq!(line.find("key"), marks.find("^^^ here"), "{line}\n{marks}");
}

#[test]
fn nothing_in_a_file_drives_the_terminal() {
    let text = "\u{1b}]0;x\u{7} \u{202e} = 1";
    let shown = shown(text, 0..1);
    assert!(
        shown.chars().all(|character| character == '\n' || (character >= ' ' && character != '\u{202e}'))
    );
    let coloured = Report::new("f", text, vec![Mistake::new(0..1, "wrong")]).render(true);
    assert!(coloured.contains("\u{1b}[1;31m") && !coloured.contains("\u{1b}]0"));
}

#[test]
fn many_mistakes_are_counted_but_not_all_shown() {
    let text = "x\n".repeat(200);
    let mistakes = (0..200).map(|line| Mistake::new(line * 2..line * 2 + 1, format!("wrong {line}")));
    let shown = Report::new("f", &text, mistakes.collect()).render(false);
    assert!(shown.contains("wrong 99\n") && !shown.contains("wrong 100\n"));
    assert!(shown.ends_with("200 mistakes; 100 of them are not shown\n"));
}
