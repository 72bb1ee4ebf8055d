use super::*;

fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
    lines
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
        .collect()
}

#[test]
fn fields_of_one_connection_stay_on_it() {
    for name in ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"] {
        assert_eq!(fields(&headers(&[(name, "x"), ("a", "b")])), [("a", "b")].into_iter().collect()); // spec: 9113-8.2.2-c
    }
    let named = headers(&[("connection", "X-One, two"), ("x-one", "1"), ("two", "2"), ("three", "3")]);
    assert_eq!(fields(&named), [("three", "3")].into_iter().collect()); // spec: 9113-8.2.2-d
}

#[test]
fn a_value_has_no_space_at_its_ends() {
    let padded = fields(&headers(&[("a", " \tb c\t "), ("d", " ")]));
    assert_eq!(padded, [("a", "b c"), ("d", "")].into_iter().collect()); // spec: 9113-8.2.1-c
}
