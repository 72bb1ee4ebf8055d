//! The link as programs see it.
#![cfg(target_os = "linux")]

use std::{
    env,
    process::{Command, Output},
};

/// Runs the link with bash as its client; None when it cannot be made here.
fn link(options: &[&str], client: &str) -> Option<Output> {
    let output = Command::new(env!("CARGO_BIN_EXE_sakigake-link"))
        .args(options)
        .args(["--", "sleep", "60", "::", "bash", "-c", client])
        .output()
        .expect("the program was built");
    let why = String::from_utf8_lossy(&output.stderr);
    let is_missing = ["Permission denied", "Operation not permitted", "No such file"]
        .iter()
        .any(|sign| why.contains(sign));
    match output.status.code() {
        Some(77) => skip(&String::from_utf8_lossy(&output.stdout)),
        Some(125) if is_missing => skip(&format!("skipped: {why}")),
        _ => Some(output),
    }
}

fn skip<T>(why: &str) -> Option<T> {
    assert_ne!(env::var("SAKIGAKE_REQUIRE").as_deref(), Ok("all"), "{why}");
    println!("{}", why.trim());
    None
}

/// Connects where nobody listens: the refusal comes after one round trip. Prints each in microseconds.
const REFUSALS: &str = r#"for i in 1 2 3 4 5 6 7 8 9; do
    start=${EPOCHREALTIME/./}
    (exec 3<>/dev/tcp/10.77.0.1/9) 2>/dev/null
    echo $((${EPOCHREALTIME/./} - start))
done"#;

#[test]
fn a_round_trip_over_25_ms_each_way_takes_50_ms() {
    let Some(output) = link(&["--delay", "25ms"], REFUSALS) else { return };
    let text = String::from_utf8_lossy(&output.stdout);
    let mut times: Vec<u64> = text.lines().filter_map(|line| line.parse().ok()).collect();
    times.sort_unstable();
    assert_eq!(times.len(), 9, "{output:?}");
    // What else this machine does can only add to a round trip.
    assert!((50_000..75_000).contains(&times[0]), "the least of {times:?} microseconds");
}

#[test]
fn the_client_s_status_comes_back() {
    let Some(output) = link(&[], "exit 7") else { return };
    assert_eq!(output.status.code(), Some(7), "{output:?}");
}

#[test]
fn a_server_that_never_listens_is_reported() {
    let output = Command::new(env!("CARGO_BIN_EXE_sakigake-link"))
        .args(["--ready", "9", "--", "true", "::", "true"])
        .output()
        .expect("the program was built");
    match output.status.code() {
        Some(77) => skip::<()>(&String::from_utf8_lossy(&output.stdout)).unwrap_or(()),
        code => assert_eq!(code, Some(125), "{output:?}"),
    }
}
