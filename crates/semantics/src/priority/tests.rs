use super::*;

const fn priority(urgency: u8, incremental: bool) -> Priority {
    Priority { urgency, incremental }
}

#[test]
fn the_members_of_a_priority_are_read() {
    // spec: 9218-4.1-a
    // spec: 9218-4.2-a
    // spec: 9218-4-a
    for (text, expected) in [
        ("", priority(3, false)),
        ("u=0", priority(0, false)),
        ("u=7, i", priority(7, true)),
        ("i,u=1", priority(1, true)),
        ("i=?0, u=5", priority(5, false)),
        ("i=?1;x=1;y", priority(3, true)),
        ("u=1, u=2", priority(2, false)),
        ("u=8", priority(3, false)),
        ("u=-1", priority(3, false)),
        ("u=1.5, i", priority(3, true)),
        ("u=\"1\"", priority(3, false)),
        ("i=1", priority(3, false)),
        ("u=2, x-new=(1 \"a,b\" tok;q);z, i", priority(2, true)),
        ("u=2, bytes=:aGk=:, at=@1659578233, d=%\"%c3%bc\", t=a/b:c", priority(2, false)),
    ] {
        assert_eq!(Priority::parse(text.as_bytes()), expected, "{text:?}");
    }
}

#[test]
fn what_is_no_dictionary_is_the_default() {
    for text in [
        "u=1,",
        "u=1 i",
        "U=1",
        "u=",
        ",",
        "u=1, \"",
        "u=1, a=(1",
        "u=1, =",
        "u=1, a=(1\"b\")",
        "u=1;;",
        "u=1, a=:b",
    ] {
        assert_eq!(Priority::parse(text.as_bytes()), Priority::default(), "{text:?}");
    }
}

#[test]
fn several_lines_are_one_list() {
    let fields = Fields::from_iter([("priority", "u=1"), ("priority", "i")]);
    assert_eq!(Priority::of(&fields), Some(priority(1, true)));
    assert_eq!(Priority::of(&Fields::new()), None);
}

#[test]
fn every_priority_survives_its_own_text() {
    for urgency in 0..=7 {
        for incremental in [false, true] {
            let sample = priority(urgency, incremental);
            assert_eq!(Priority::parse(sample.to_string().as_bytes()), sample);
        }
    }
    assert_eq!(priority(1, true).to_string(), "u=1, i");
    assert_eq!(Priority::default().to_string(), "");
}

#[test]
fn a_response_overrides_what_it_names_and_nothing_else() {
    for (text, expected) in [
        ("", priority(1, true)),
        ("u=3", priority(3, true)),
        ("i=?0", priority(1, false)),
        ("u=6, i=?0", priority(6, false)),
        ("u=9, i=1", priority(1, true)),
        ("no dictionary", priority(1, true)),
    ] {
        let fields = Fields::from_iter([("priority", text)]);
        assert_eq!(priority(1, true).refined_by(&fields), expected, "{text:?}"); // spec: 9218-8-a
    }
    assert_eq!(priority(1, true).refined_by(&Fields::new()), priority(1, true));
}
