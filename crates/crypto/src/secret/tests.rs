use super::*;

#[test]
fn a_secret_keeps_what_it_was_given_on_both_sides_of_the_inline_bound() {
    for len in [0, 1, 32, 63, 64, 65, 1184] {
        let bytes: Vec<u8> = (0..len).map(|index| index as u8).collect();
        let secret = Secret::new(&bytes);
        assert_eq!(secret.as_ref(), bytes);
        assert_eq!(secret.clone(), secret);
        assert_eq!(format!("{secret:?}"), format!("Secret({len} bytes)"));
    }
}

#[test]
fn secrets_differ_in_content_or_length() {
    assert_ne!(Secret::new(&[1, 2, 3]), Secret::new(&[1, 2, 4]));
    assert_ne!(Secret::new(&[1, 2, 3]), Secret::new(&[1, 2, 3, 0]));
    assert!(equal(&[], &[]));
}
