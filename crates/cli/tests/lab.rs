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
            let number = |name: &str| run[name].as_u64().expect("a number");
            (number("http"), text("start"), text("hints"), number("rtts"))
        })
        .collect();
    let mut expected = Vec::new();
    for (http, start, rtts) in
        [(2, "cold", [4, 4, 3]), (2, "warm", [3, 3, 2]), (3, "cold", [3, 3, 2]), (3, "warm", [2, 2, 1])]
    {
        for (hints, rtts) in ["none", "early-hints", "preload"].into_iter().zip(rtts) {
            expected.push((http, start.to_owned(), hints.to_owned(), rtts));
        }
    }
    assert_eq!(told, expected);
}
