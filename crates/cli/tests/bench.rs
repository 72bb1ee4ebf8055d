//! `bench` as a person meets it.

use std::process::Command;

#[test]
fn where_nobody_listens_the_error_is_all_that_is_told() {
    let url = "https://127.0.0.1:1/"; // No server of anybody's takes that port.
    let run = |options: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sakigake"));
        command.args(["bench", "-k", url]).args(options).output().expect("it runs")
    };
    for options in [&["-n", "3", "-c", "2"][..], &["-D", "30"], &["-D", "30", "--http3"]] {
        let output = run(options);
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!((output.status.code(), out.as_ref()), (Some(1), ""), "{err}");
        assert!(err.starts_with(&format!("sakigake: {url}: ")) && err.contains("refused"), "{err}");
        assert_eq!(err.lines().count(), 1, "{err}");
    }
    let object = run(&["--json"]).stdout;
    assert!(String::from_utf8_lossy(&object).contains("refused"), "programs read an object in any case");
}
