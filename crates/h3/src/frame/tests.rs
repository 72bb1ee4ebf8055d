use super::*;

#[test]
fn an_integer_is_all_there_is() {
    // spec: 9114-7.1-a
    assert_eq!(integer(&[0x40, 0x07]), Ok(7));
    for payload in [&[][..], &[0x40], &[7, 7]] {
        assert_eq!(integer(payload), Err(Fault::FrameLength));
    }
}
