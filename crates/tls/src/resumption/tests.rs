use super::*;
use crate::fuzz::fuzz_session;

fn session() -> Session {
    Session {
        server_name: "example.com".into(),
        suite: 0x1302,
        secret: Secret::new(&[7; 48]),
        ticket: vec![3; 300],
        ticket_age_add: 0x1234_5678,
        lifetime_secs: 3_600,
        received_unix_ms: 1_780_272_000_123,
        authenticated_unix_secs: 1_780_271_999,
        alpn: Some(b"h2".to_vec()),
        chain: vec![vec![1; 400], vec![2; 70]].into(),
        max_early_data: 16_384,
        kept: b"hints".to_vec(),
        client_certificates: [9; 32],
        verdict: Verdict::default(),
        transport: Transport::default(),
    }
}

#[test]
fn a_session_outlives_the_process() {
    let bare = Session { alpn: None, chain: Arc::default(), ..session() };
    for session in [session(), bare] {
        let bytes = session.to_bytes().unwrap();
        assert_eq!(Session::from_bytes(&bytes), Some(session));
        fuzz_session(&bytes);
    }
}

#[test]
fn no_part_of_a_session_and_no_changed_one_is_read_as_it_or_panics() {
    let bytes = session().to_bytes().unwrap();
    for len in 0..bytes.len() {
        assert_eq!(Session::from_bytes(&bytes[..len]), None, "{len} bytes");
    }
    assert_eq!(Session::from_bytes(&[&bytes[..], &[0]].concat()), None);
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_ne!(Session::from_bytes(&changed), Some(session()), "bit {bit}");
        fuzz_session(&changed);
    }
}

#[test]
fn what_is_too_long_is_not_written() {
    let fits = |session: Session| session.to_bytes().is_some();
    assert!(fits(Session { ticket: vec![0; 65_535], ..session() }));
    assert!(!fits(Session { ticket: vec![0; 65_536], ..session() }));
    assert!(!fits(Session { server_name: "a".repeat(256), ..session() }));
    assert!(!fits(Session { alpn: Some(vec![0; 256]), ..session() }));
    assert!(fits(Session { chain: vec![vec![0; (1 << 20) - 3]].into(), ..session() }));
    assert!(!fits(Session { chain: vec![vec![0; (1 << 20) - 2]].into(), ..session() }));
}

#[test]
fn the_age_on_the_wire_counts_milliseconds_and_wraps() {
    // spec: 9846-4.3.11.1-b
    let session = Session { ticket_age_add: u32::MAX - 4, ..session() };
    let at = |ms: u64| session.obfuscated_age(session.received_unix_ms + ms);
    assert_eq!([at(0), at(4), at(5), at(1_005)], [u32::MAX - 4, u32::MAX, 0, 1_000]);
    assert_eq!(
        session.obfuscated_age(session.received_unix_ms - 1),
        u32::MAX - 4,
        "a clock that was set back"
    );
}

#[test]
fn what_a_clock_that_was_ahead_wrote_is_not_fresh() {
    let fresh = |change: &dyn Fn(&mut Session)| {
        let mut session = session();
        change(&mut session);
        session.is_fresh(1_780_272_001_000, 604_800)
    };
    assert!(fresh(&|_| {}));
    assert!(fresh(&|session| session.received_unix_ms += 300_000), "clocks differ a little");
    assert!(!fresh(&|session| session.received_unix_ms += 302_000));
    assert!(!fresh(&|session| session.authenticated_unix_secs += 303));
}

#[test]
fn nothing_printed_tells_the_key() {
    let printed = format!("{:?}", session());
    assert!(printed.contains("example.com") && !printed.contains("7, 7") && !printed.contains("3, 3"));
}
