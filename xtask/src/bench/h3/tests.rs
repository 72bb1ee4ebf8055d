use super::load;
use crate::bench::report::Loaded;

const OUTPUT: &str = r#"{"agreed":"TLS 1.3, TLS_AES_128_GCM_SHA256, x25519, ALPN h3","body_bytes":102400,"requests_a_second":20000.5,"seconds":0.005,"succeeded":100}"#;

#[test]
fn a_load_over_http3_that_went_well_is_read() {
    let expected = Loaded { wall_s: 0.005, requests_a_second: 20_000.5, cpu_us: 0.0 };
    assert_eq!(load::read(OUTPUT, 100, 1024), Ok(expected));
}

#[test]
fn a_load_with_a_missing_answer_or_a_missing_byte_does_not_count() {
    assert!(load::read(OUTPUT, 101, 1024).is_err());
    assert!(load::read(OUTPUT, 100, 1025).is_err());
    assert!(load::read("", 0, 0).is_err());
    let other = OUTPUT.replace("x25519", "X25519MLKEM768");
    assert!(load::read(&other, 100, 1024).is_err(), "other keys take other time");
}
