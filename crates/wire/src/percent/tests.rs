use super::percent_decoded;

#[test]
fn triplets_are_bytes_and_the_rest_is_itself() {
    for (text, bytes) in [
        ("", &b""[..]),
        ("us%65r", b"user"),
        ("%40%zz%", b"@%zz%"),
        ("%+1%4", b"%+1%4"),
        ("%ff%00", b"\xff\0"),
        ("%\u{e4}1", "%\u{e4}1".as_bytes()),
    ] {
        assert_eq!(percent_decoded(text), bytes, "{text}");
    }
}
