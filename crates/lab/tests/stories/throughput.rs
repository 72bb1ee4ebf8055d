//! How fast a file comes over a link that loses some of it: a table, so that each change of it is looked at.

use crate::quic::{complete, fetch, tell};
use sakigake_lab::datagram::Queue;
use sakigake_quic::recovery::congestion::Algorithm;
use sakigake_wire::Span;

const FILE_BYTES: u64 = 3_000_000;
const BITS_PER_S: u64 = 20_000_000;

/// The goodput of one file, from the client's first datagram to the file's last byte, in bits a second.
fn goodput(algorithm: Algorithm, loss_ppm: u32, rtt: Span) -> f64 {
    let mut setup = fetch(7, FILE_BYTES);
    (setup.up.delay, setup.down.delay) = (rtt.divided(2), rtt.divided(2));
    (setup.up.bits_per_s, setup.down.bits_per_s) = (Some(BITS_PER_S), Some(BITS_PER_S));
    // What is under way in a round trip, and 40 datagrams at least.
    let queue_bytes = (BITS_PER_S / 8 * rtt.as_millis() / 1_000).max(40 * 1_500);
    setup.down.queue = Queue::Bytes(queue_bytes as usize);
    setup.down.loss_ppm = loss_ppm;
    setup.server.algorithm = algorithm;
    setup.spare_datagrams = 2_000;
    let took = complete(&tell(setup));
    FILE_BYTES as f64 * 8.0 / (took.as_nanos() as f64 / 1e9)
}

#[test]
fn a_file_comes_as_fast_as_loss_and_distance_allow() {
    let mut table = format!(
        "{} MB over {} Mbit/s with a queue of a round trip, goodput in Mbit/s\n\n",
        FILE_BYTES / 1_000_000,
        BITS_PER_S / 1_000_000
    );
    let rtts = [10, 50, 200].map(Span::from_millis);
    table += "controller   loss    10 ms    50 ms   200 ms\n";
    for (name, algorithm) in [("NewReno", Algorithm::NewReno), ("CUBIC", Algorithm::Cubic)] {
        for (loss, loss_ppm) in [("0 %", 0), ("0.1 %", 1_000), ("1 %", 10_000), ("3 %", 30_000)] {
            let row = rtts.map(|rtt| format!("{:9.2}", goodput(algorithm, loss_ppm, rtt) / 1e6));
            table += &format!("{name:10} {loss:>6}{}\n", row.concat());
        }
    }
    insta::assert_snapshot!(table);
}
