use super::*;
use crate::{
    Url,
    load::{Options, Want},
};

fn ms(millis: u64) -> Instant {
    Instant::default() + Span::from_millis(millis)
}

#[test]
fn times_add_up_and_a_page_knows_who_asked_for_what() {
    let url = Url::parse("https://a.test/?q=1&r").expect("a test's address is one");
    let mut load = Load::new(url, Options::default(), ms(1_000));
    let Some(Want::Request(document)) = load.wants(ms(1_000)) else { panic!("the document is wanted") };
    let response = Response::new(200).with("content-type", "text/html").with("set-cookie", "c=d; Path=/");
    load.head(ms(1_130), document.id, &response);
    load.data(ms(1_130), document.id, b"<img src=x.png>");
    load.end(ms(1_140), document.id);
    let Some(Want::Request(image)) = load.wants(ms(1_140)) else { panic!("the image is wanted") };
    load.failed(ms(1_150), image.id, "it broke");
    let line = Line {
        number: 0,
        address: [127, 0, 0, 1].into(),
        resolved: ms(1_010),
        connected: ms(1_040),
        ready: ms(1_090),
        is_new: true,
    };
    let exchange = Exchange {
        protocol: "HTTP/2",
        request: document.request.with("cookie", "a=b; e=f"),
        request_bytes: 0,
        request_body: None,
        response: Some(response),
        coded_bytes: 15,
        body: Some(vec![0xff, 0]),
        line: Some(line),
    };
    let exchanges = [(document.id, exchange)].into();
    let text = archive(&load, &exchanges, 1_700_000_000_250_000_000);
    let archive: Value = serde_json::from_str(&text).expect("it is JSON");
    let (log, entry) = (&archive["log"], &archive["log"]["entries"][0]);
    let timings = json!({
        "blocked": 0.0, "dns": 10.0, "connect": 80.0, "ssl": 50.0, "send": 0.0, "wait": 40.0, "receive": 10.0,
    });
    assert_eq!((&entry["timings"], &entry["time"]), (&timings, &json!(140.0)));
    assert_eq!(entry["startedDateTime"], "2023-11-14T22:13:20.250Z");
    assert_eq!(
        entry["request"]["queryString"],
        json!([{"name": "q", "value": "1"}, {"name": "r", "value": ""}])
    );
    assert_eq!(entry["request"]["cookies"][1], json!({"name": "e", "value": "f"}));
    assert_eq!(entry["response"]["cookies"], json!([{"name": "c", "value": "d"}]));
    assert_eq!(entry["response"]["content"]["text"], "/wA=");
    assert_eq!(log["pages"][0]["pageTimings"], json!({"onContentLoad": 140.0, "onLoad": 150.0}));
    let failed = &log["entries"][1];
    assert_eq!(failed["_initiator"], json!({"type": "parser", "url": "https://a.test/?q=1&r"}));
    assert_eq!(
        (&failed["response"]["status"], &failed["response"]["_error"]),
        (&json!(0), &json!("it broke"))
    );
    assert_eq!(failed["timings"]["dns"], json!(-1.0));
}

#[test]
fn dates_are_those_of_the_calendar() {
    for (secs, expected) in [
        (0, "1970-01-01T00:00:00.000Z"),
        (951_782_400, "2000-02-29T00:00:00.000Z"),
        (1_709_164_800, "2024-02-29T00:00:00.000Z"),
        (4_107_542_399, "2100-02-28T23:59:59.000Z"),
        (4_107_542_400, "2100-03-01T00:00:00.000Z"),
    ] {
        assert_eq!(date(secs * 1_000_000_000), expected);
    }
}

#[test]
fn what_was_sent_is_told_as_far_as_it_was_kept() {
    let told = |media_type: &str, body: Option<&[u8]>| {
        post_data(&Exchange {
            protocol: "HTTP/2",
            request: Request::get("a.test", "/").with("content-type", media_type),
            request_bytes: 5,
            request_body: body.map(<[u8]>::to_vec),
            response: None,
            coded_bytes: 0,
            body: None,
            line: None,
        })
    };
    let form = "application/x-www-form-urlencoded; charset=utf-8";
    let field = |name: &str, value: &str| json!({ "name": name, "value": value });
    assert_eq!(
        told(form, Some(b"a=1&b=x+y%26z&c&&=d")),
        json!({
            "mimeType": form,
            "params": [field("a", "1"), field("b", "x y&z"), field("c", ""), field("", "d")],
            "text": "a=1&b=x+y%26z&c&&=d",
        })
    );
    assert_eq!(
        told("application/json", Some(b"{\"a\":1}")),
        json!({ "mimeType": "application/json", "params": [], "text": "{\"a\":1}" })
    );
    assert_eq!(
        told("a/b", Some(&[0xff, 0])),
        json!({ "mimeType": "a/b", "params": [], "text": "/wA=", "_encoding": "base64" })
    );
    assert_eq!(told("a/b", None)["comment"], "the body was not kept");
}
