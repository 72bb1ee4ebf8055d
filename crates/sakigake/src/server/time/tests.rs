use super::*;
use sakigake_crypto::aws_lc::PROVIDER;
use sakigake_tls::server::Options;

fn config(unix_secs_at_start: u64) -> ServerConfig {
    let tls = Options { ask_certificate: true, unix_secs_at_start, ..Options::new(&PROVIDER) };
    ServerConfig { tls: tls.build().unwrap(), h2: None, h3: None, hints: None, trace: true }
}

#[test]
fn a_clock_that_is_off_is_set_right_and_a_little_is_let_be() {
    let session = Swap::new(config(1_000_000));
    let first = session.now();
    for same in [1_000_000, 1_000_060, 999_940] {
        assert!(Arc::ptr_eq(&session_now(&session, same), &first), "{same}");
    }
    for other in [1_086_400, 900_000] {
        let now = session_now(&session, other);
        assert_eq!((now.tls.unix_secs_at_start, now.trace), (other, true));
        assert!(Arc::ptr_eq(&now, &session.now()), "for all workers");
    }
}

#[test]
fn what_somebody_else_has_set_meanwhile_is_not_replaced() {
    let session = Swap::new(config(1));
    let before = session.now();
    session.set(config(2));
    session.replace(&before, config(3));
    assert_eq!(session.now().tls.unix_secs_at_start, 2);
}
