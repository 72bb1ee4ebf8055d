use super::*;

#[test]
fn base64_gives_the_bytes() {
    let texts = [
        ("", ""),
        ("Zg==", "f"),
        ("Zm8=", "fo"),
        ("Zm9v", "foo"),
        ("Zm9vYg==", "foob"),
        ("Zm9vYmFy", "foobar"),
    ];
    for (text, bytes) in texts {
        assert_eq!(base64(text).as_deref(), Some(bytes.as_bytes()), "{text}"); // RFC 4648 section 10
    }
    assert_eq!(base64("Zm9v!"), None);
}

#[test]
fn a_list_of_timestamps_has_items_and_nothing_behind_them() {
    assert_eq!(items(&[0, 6, 0, 4, 5, 6, 7, 8]), Some(vec![vec![5, 6, 7, 8]]));
    for wrong in [&[0, 0][..], &[0, 2, 0, 0], &[0, 3, 0, 1, 9, 0], &[0, 3, 0, 2, 9], &[]] {
        assert_eq!(items(wrong), None, "{wrong:?}");
    }
}
