use super::load;
use crate::bench::{
    report::{Loaded, Spread},
    usage,
};
use std::time::Duration;

const OUTPUT: &str = "\
starting benchmark...
TLS Protocol: TLSv1.3
Cipher: TLS_AES_128_GCM_SHA256
Server Temp Key: X25519 253 bits
Application protocol: h2
progress: 100% done

finished in 512.06ms, 195289.51 req/s, 214.36MB/s
requests: 100000 total, 100000 started, 100000 done, 100000 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 100000 2xx, 0 3xx, 0 4xx, 0 5xx
";

#[test]
fn a_load_that_went_well_is_read() {
    let expected = Loaded { wall_s: 0.51206, requests_a_second: 195_289.51, cpu_us: 0.0 };
    assert_eq!(load::read(OUTPUT, 100_000), Ok(expected));
}

#[test]
fn a_load_with_a_missing_answer_or_another_cipher_does_not_count() {
    assert!(load::read(OUTPUT, 100_001).is_err());
    assert!(load::read(&OUTPUT.replace("AES_128", "AES_256"), 100_000).is_err());
    assert!(load::read("", 0).is_err());
}

#[test]
fn the_median_of_an_even_number_lies_between() {
    let spread = Spread::of([4.0, 1.0, 2.0, 3.0].into_iter());
    assert_eq!(spread, Spread { median: 2.5, min: 1.0, max: 4.0 });
}

#[test]
fn a_process_has_used_some_time_and_memory() {
    let this = std::process::id();
    assert_eq!(usage::family(this).first(), Some(&this));
    let before = usage::cpu(this).expect("it lives");
    assert!(!before.is_zero());
    assert!(
        usage::memory(this).is_ok_and(|memory| memory.resident >= memory.anonymous && memory.anonymous > 0)
    );
}

#[test]
fn the_time_of_a_thread_that_ended_counts() {
    let this = std::process::id();
    let before = usage::cpu(this).expect("it lives");
    let worked = std::thread::spawn(|| {
        let (begin, mut sum) = (std::time::Instant::now(), 0_u64);
        while begin.elapsed() < Duration::from_millis(20) {
            sum = std::hint::black_box(sum + 1);
        }
        let own = std::fs::read_to_string("/proc/thread-self/schedstat").expect("it lives");
        own.split_whitespace().next().and_then(|text| text.parse().ok()).expect("a number")
    });
    let worked = Duration::from_nanos(worked.join().expect("it only counts"));
    assert!(usage::cpu(this).expect("it lives") - before >= worked);
}

#[test]
fn what_began_under_a_load_counts_and_what_ended_is_an_error() {
    let times = |rows: &[(u32, u64)]| rows.iter().map(|&(id, us)| (id, Duration::from_micros(us))).collect();
    let before = times(&[(1, 10), (2, 20)]);
    let took = |rows| usage::cpu_since(&before, &times(rows)).map(|took| took.as_micros());
    assert_eq!(took(&[(1, 11), (2, 25), (3, 100)]), Ok(106));
    assert!(took(&[(1, 11), (3, 100)]).is_err_and(|why| why.contains("process 2")));
}
