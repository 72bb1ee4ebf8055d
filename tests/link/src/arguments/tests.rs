//! What the command line may say.

use super::*;

fn read(line: &str) -> Result<Arguments, String> {
    Arguments::read(line.split_whitespace().map(str::to_owned))
}

#[test]
fn a_full_line_is_understood() {
    let read = read(
        "--delay 25ms --jitter 500us --rate 20mbit --queue 25 --loss 1% --seed 7 --ready 8443 -- serve a :: get b",
    );
    let shape = Shape {
        delay: Duration::from_millis(25),
        jitter: Duration::from_micros(500),
        bits_per_s: Some(20_000_000),
        queue_packets: 25,
        loss: 0.01,
        seed: 7,
    };
    let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(
        read,
        Ok(Arguments { shape, ready: Some(8443), server: words("serve a"), client: words("get b") })
    );
}

#[test]
fn nonsense_is_named() {
    let table = [
        ("--delay 25 -- a :: b", "--delay cannot be 25"),
        ("--delay -1ms -- a :: b", "--delay cannot be -1ms"),
        ("--loss 101% -- a :: b", "--loss cannot be 101%"),
        ("--rate 0mbit -- a :: b", "--rate cannot be 0mbit"),
        ("--speed 9 -- a :: b", "there is no option --speed"),
        ("--delay", "--delay needs a value"),
        ("a :: b", "there is no option a"),
        ("", "there is no -- with commands behind it"),
        ("-- a b", ":: between the two commands is missing"),
        ("-- a ::", "there must be a command before and after ::"),
    ];
    for (line, why) in table {
        assert_eq!(read(line), Err(why.to_owned()), "{line}");
    }
}
