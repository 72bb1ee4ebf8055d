use super::*;

fn request(lengths: &[&str]) -> Request {
    lengths.iter().fold(Request::new("POST", "a.example", "/"), |request, length| {
        request.with("content-length", length)
    })
}

#[test]
fn a_length_is_one_number_however_often_it_is_said() {
    for (lengths, expected) in [
        (&[][..], Ok(None)),
        (&["0"], Ok(Some(0))),
        (&["42"], Ok(Some(42))),
        (&["42", "42"], Ok(Some(42))),
        (&["42, 42,42"], Ok(Some(42))),
        (&["18446744073709551615"], Ok(Some(u64::MAX))),
        (&["18446744073709551616"], Err(Malformed::ContentLength)),
        (&["42", "43"], Err(Malformed::ContentLength)),
        (&["42, 43"], Err(Malformed::ContentLength)),
        (&["42,"], Err(Malformed::ContentLength)),
        (&[""], Err(Malformed::ContentLength)),
        (&["+1"], Err(Malformed::ContentLength)),
        (&["0x1"], Err(Malformed::ContentLength)),
    ] {
        assert_eq!(BodyLength::of_request(&request(lengths)).map(|l| l.declared()), expected, "{lengths:?}");
    }
}

#[test]
fn data_is_held_against_the_length() {
    // spec: 9113-8.1.1-a
    let mut length = BodyLength::of_request(&request(&["5"])).unwrap();
    assert_eq!(length.data(4), Ok(()));
    assert_eq!(length.end(), Err(Malformed::BodyTooShort));
    assert_eq!(length.data(1), Ok(()));
    assert_eq!((length.end(), length.seen()), (Ok(()), 5));
    assert_eq!(length.data(1), Err(Malformed::BodyTooLong));
}

#[test]
fn a_response_without_a_body_may_tell_a_length() {
    // spec: 9113-8.1.1-b
    for (method, status) in [(&b"HEAD"[..], 200), (b"GET", 304), (b"GET", 204)] {
        let response = Response::new(status).with("content-length", "9");
        let mut length = BodyLength::of_response(&response, method).unwrap();
        assert_eq!((length.end(), length.data(0)), (Ok(()), Ok(())));
        assert_eq!(length.data(1), Err(Malformed::BodyForbidden));
    }
    let tunnel = Response::new(200).with("content-length", "9");
    let mut length = BodyLength::of_response(&tunnel, b"CONNECT").unwrap();
    assert_eq!((length.data(100), length.end()), (Ok(()), Ok(())));
}
