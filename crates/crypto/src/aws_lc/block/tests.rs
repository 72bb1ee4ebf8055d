use super::AES_128_BLOCK;

#[test]
fn aes_128_is_the_standards_own() {
    // FIPS 197 appendix C.1: key 00 01 .. 0f, plaintext 00 11 .. ff.
    let key: Vec<u8> = (0..16).collect();
    let plain: [u8; 16] = core::array::from_fn(|at| 0x11 * at as u8);
    let sealed = 0x69c4_e0d8_6a7b_0430_d8cd_b780_70b4_c55a_u128.to_be_bytes();
    let key = (AES_128_BLOCK.key)(&key);
    let mut block = plain;
    key.encrypt(&mut block);
    assert_eq!(block, sealed);
    key.decrypt(&mut block);
    assert_eq!(block, plain);
}
