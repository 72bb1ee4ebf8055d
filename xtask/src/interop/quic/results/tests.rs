//! Rows as they are kept.

use super::*;

#[test]
fn a_row_comes_back_as_it_was_kept() {
    for (outcome, ..) in OUTCOMES {
        let row = Row::new("retry", "quinn", "aioquic", *outcome, "a token\tof\n68 bytes");
        assert_eq!(row.note, "a token of 68 bytes");
        assert_eq!(Row::read(&row.line()), Some(row));
    }
    for line in ["", "retry\tquinn", "retry\tquinn\taioquic\tmaybe\tday\tabc\tnote"] {
        assert_eq!(Row::read(line), None, "{line:?}");
    }
}

#[test]
fn the_page_has_a_cell_for_each_run_and_names_what_failed() {
    let row = |outcome, note| Row::new("retry", OURS, "quinn", outcome, note);
    let page = |rows| Results { file: None, rows }.section();
    assert!(page(vec![row(Outcome::Passed, "")]).contains("| retry | "));
    assert!(page(vec![row(Outcome::Passed, "")]).contains(" yes |"));
    assert!(page(vec![row(Outcome::Passed, "")]).contains("1 passed, 0 failed, 0 are lacked"));
    let failed = page(vec![row(Outcome::Failed, "no Retry packet is seen")]);
    assert!(failed.contains("- retry, sakigake to quinn: no Retry packet is seen"), "{failed}");
}
