//! What the command line may say.

use super::*;

fn read(line: &str) -> Result<Arguments, String> {
    Arguments::read(line.split_whitespace().map(str::to_owned))
}

#[test]
fn a_full_line_is_understood() {
    let read = read(
        "--delay 25ms --jitter 500us --rate 20mbit --queue 25 --loss 1% --burst 3 --seed 7 --drop-to-server 2,3 \
         --outages 5s,2s --rebind-port 1s,5s --capture a.pcap --ready-udp 8443 -- serve a :: get b",
    );
    let shape = Shape {
        delay: Duration::from_millis(25),
        jitter: Duration::from_micros(500),
        bits_per_s: Some(20_000_000),
        queue_packets: 25,
        loss: 0.01,
        burst_packets: 3,
        seed: 7,
    };
    let second = Duration::from_secs(1);
    let plan = Plan {
        drops_to_server: vec![2, 3],
        outages: Some(Outages { on: 5 * second, off: 2 * second }),
        rebind: Some(Rebind { first: second, every: 5 * second, what: Rebound::Port }),
    };
    let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(
        read,
        Ok(Arguments {
            shape,
            plan,
            capture: Some("a.pcap".into()),
            ready: Some(Port::Udp(8443)),
            server: words("serve a"),
            client: words("get b")
        })
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
        ("--outages 5s -- a :: b", "--outages cannot be 5s"),
        ("--drop-to-server 2,x -- a :: b", "--drop-to-server cannot be 2,x"),
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
