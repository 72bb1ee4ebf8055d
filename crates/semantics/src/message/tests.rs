use super::*;

#[test]
fn an_encoder_gets_the_pseudo_fields_first() {
    let request = Request::get("example.com", "/a?b").with("accept", "*/*");
    let lines: Vec<_> = request.lines().map(|line| (line.name, line.value)).collect();
    let expected: [(&[u8], &[u8]); 5] = [
        (b":method", b"GET"),
        (b":scheme", b"https"),
        (b":authority", b"example.com"),
        (b":path", b"/a?b"),
        (b"accept", b"*/*"),
    ];
    assert_eq!(lines, expected); // spec: 9113-8.3-a 9113-8.3.1-h
}

#[test]
fn an_empty_path_is_written_beside_a_scheme_that_is_not_https() {
    let request = Request::new("GET", "", "").with_part(Part::Scheme, b"urn");
    let lines: Vec<_> = request.lines().map(|line| (line.name, line.value)).collect();
    assert_eq!(lines, [(&b":method"[..], &b"GET"[..]), (b":scheme", b"urn"), (b":path", b"")]);
}

#[test]
fn a_status_is_written_in_three_digits() {
    for (status, digits) in [(100, b"100"), (204, b"204"), (999, b"999"), (1_000, b"500")] {
        assert_eq!(Response::new(status).lines().next().unwrap().value, digits);
    }
}
