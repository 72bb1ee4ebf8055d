use super::*;

#[test]
fn a_line_reads_as_other_tools_expect_it() {
    let line = KeyLogLine::other(EXPORTER_SECRET, [0xa5; 32], &Secret::new(&[0, 1, 0xfe]));
    assert_eq!(line.to_string(), format!("EXPORTER_SECRET {} 0001fe", "a5".repeat(32)));
}

#[test]
fn debug_output_keeps_the_secret() {
    let line = KeyLogLine::other(EXPORTER_SECRET, [0; 32], &Secret::new(&[0xab; 32]));
    assert_eq!(format!("{line:?}"), "KeyLogLine(EXPORTER_SECRET)");
}
