use super::*;

#[test]
fn a_time_has_three_digits_and_its_unit() {
    for (micros, expected) in
        [(0, "0us"), (999, "999us"), (1_000, "1.00ms"), (1_234_567, "1.23s"), (90_000_000, "90.00s")]
    {
        assert_eq!(time(Duration::from_micros(micros)), expected);
    }
}

#[test]
fn a_size_has_its_unit() {
    for (count, expected) in
        [(0.0, "0 B"), (1_023.0, "1023 B"), (1_536.0, "1.50 KiB"), (3.0 * 1_073_741_824.0, "3.00 GiB")]
    {
        assert_eq!(bytes(count), expected);
    }
}

#[test]
fn nothing_done_can_be_told_too() {
    let text = table(&Report::default());
    assert!(
        text.contains("requests: 0 started, 0 done, 0 succeeded, 0 failed, 0 errored, 0 timeout"),
        "{text}"
    );
    let object: serde_json::Value = serde_json::from_str(&json(&Report::default())).unwrap();
    assert_eq!(object["request_us"]["count"], 0);
}
