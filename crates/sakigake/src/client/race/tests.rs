use super::*;
use std::sync::{Arc, Mutex};

const SLOW: u64 = 10_000;

/// Races addresses that answer, or refuse, after so many milliseconds; gives who won when, and when each was tried.
async fn run(plan: &[(&str, u64, bool)]) -> (Result<String, String>, u64, Vec<(String, u64)>) {
    let start = time::Instant::now();
    let tried = Arc::new(Mutex::new(Vec::new()));
    let addresses: Vec<SocketAddr> =
        plan.iter().map(|(text, ..)| text.parse().expect("an address")).collect();
    let connect = |address: SocketAddr| {
        let (_, after_ms, answers) = *plan
            .iter()
            .find(|(text, ..)| text.parse() == Ok(address))
            .expect("only given addresses are tried");
        let at = u64::try_from(start.elapsed().as_millis()).expect("it is short");
        tried.lock().expect("nobody panicked").push((address.to_string(), at));
        async move {
            time::sleep(Duration::from_millis(after_ms)).await;
            if answers { Ok(()) } else { Err(io::ErrorKind::ConnectionRefused.into()) }
        }
    };
    let won = race(&addresses, connect).await;
    let took = u64::try_from(start.elapsed().as_millis()).expect("it is short");
    let tried = tried.lock().expect("nobody panicked").clone();
    (won.map(|((), address)| address.to_string()).map_err(|error| error.to_string()), took, tried)
}

#[tokio::test(start_paused = true)]
async fn a_blackhole_costs_a_quarter_of_a_second_and_a_refusal_nothing() {
    type Plan = &'static [(&'static str, u64, bool)];
    let cases: [(Plan, &str, u64); 4] = [
        (&[("[::1]:1", SLOW, true), ("127.0.0.1:1", 20, true)], "127.0.0.1:1", 270), // spec: 8305-5-a
        (&[("[::1]:1", 0, false), ("127.0.0.1:1", 20, true)], "127.0.0.1:1", 20),    // spec: 8305-5-b
        (&[("[::1]:1", 300, true), ("127.0.0.1:1", 100, true)], "[::1]:1", 300),
        (&[("[::1]:1", 200, true), ("127.0.0.1:1", 0, true)], "[::1]:1", 200),
    ];
    for (plan, winner, took) in cases {
        let (won, at, _) = run(plan).await;
        assert_eq!((won.as_deref(), at), (Ok(winner), took), "{plan:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_families_take_turns_from_the_first_on() {
    let plan: Vec<_> =
        ["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "1.1.1.2:1"].map(|text| (text, SLOW, false)).into();
    let (won, _, tried) = run(&plan).await;
    let order: Vec<_> = tried.iter().map(|(address, at)| (address.as_str(), *at)).collect(); // spec: 8305-4-a
    let expected =
        [("[::1]:1", 0), ("1.1.1.1:1", 250), ("[::2]:1", 500), ("1.1.1.2:1", 750), ("[::3]:1", 1_000)];
    assert_eq!(order, expected);
    let words = won.expect_err("nobody answers");
    assert!(words.starts_with("[::1]:1: ") && words.ends_with("and 2 addresses more"), "{words}");
}

#[tokio::test(start_paused = true)]
async fn no_address_is_an_error_and_so_are_too_many() {
    assert_eq!(run(&[]).await.0, Err("the name has no address".to_owned()));
    let names: Vec<String> = (0..=ADDRESSES).map(|last| format!("1.1.1.{last}:1")).collect();
    let plan: Vec<_> = names.iter().map(|name| (name.as_str(), 0, false)).collect();
    assert_eq!(run(&plan).await.2.len(), ADDRESSES);
}
