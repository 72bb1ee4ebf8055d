//! `lab` as a person meets it.

use std::process::Command;

#[test]
fn the_page_takes_as_many_round_trips_as_the_profile_says() {
    let output = Command::new(env!("CARGO_BIN_EXE_sakigake")).args(["lab", "page", "--json"]).output();
    let output = output.expect("it runs");
    assert!(output.status.success(), "{output:?}");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let runs = report["runs"].as_array().expect("a list").iter();
    let told: Vec<_> = runs
        .map(|run| {
            let text = |name: &str| run[name].as_str().expect("text").to_owned();
            (text("start"), text("hints"), run["rtts"].as_u64().expect("a number"))
        })
        .collect();
    let told: Vec<_> = told.iter().map(|(start, hints, rtts)| (&start[..], &hints[..], *rtts)).collect();
    let expected = [("cold", "none", 4), ("cold", "preload", 3), ("warm", "none", 3), ("warm", "preload", 2)];
    assert_eq!(told, expected);
}
