//! Rows as cases say them and as the table has them.

use super::*;

fn line(case: &str, side: &str, outcome: &str) -> String {
    format!("{case}\tquiche\t{side}\t{outcome}\t0.30\t19 files\tby Alt-Svc\tseen\tpassed over\tno cmake")
}

#[test]
fn a_row_comes_back_as_it_was_kept() {
    for (outcome, word) in OUTCOMES {
        let row = Row::of_case(&line("loads", "client", word)).expect("a row");
        assert_eq!(row.outcome, *outcome);
        assert_eq!(Row::read(&row.cells.join("\t")), Ok(row));
    }
    for wrong in ["", "loads\tquiche", &line("loads", "sideways", "ok"), &line("loads", "client", "maybe")] {
        assert!(Row::of_case(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn the_table_says_what_was_shown_or_why_not() {
    let section = |outcome| {
        let mut rows = Rows(Vec::new());
        rows.renew(vec![Row::of_case(&line("loads", "server", outcome)).expect("a row")], true);
        rows.section()
    };
    assert!(
        section("ok")
            .contains("| 0.30 | serves `sakigake fetch` | 19 files | by Alt-Svc | seen | passed over |")
    );
    assert!(section("skipped").contains("| skipped: no cmake | | | |"));
    assert!(section("FAILED").contains("| **FAILED**: no cmake | | | |"));
    assert!(section("FAILED").contains("0 passed, 1 failed, 0 skipped"));
}

#[test]
fn a_run_of_one_case_leaves_the_others_rows() {
    let row = |case, outcome| Row::of_case(&line(case, "client", outcome)).expect("a row");
    let mut rows = Rows(vec![row("first", "ok"), row("second", "ok")]);
    rows.renew(vec![row("second", "FAILED")], false);
    let outcomes: Vec<Outcome> = rows.0.iter().map(|row| row.outcome).collect();
    assert_eq!(outcomes, [Outcome::Passed, Outcome::Failed]);
    rows.renew(vec![row("second", "ok")], true);
    assert_eq!(rows.0.len(), 1);
}
