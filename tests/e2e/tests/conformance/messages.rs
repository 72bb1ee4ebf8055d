//! Messages that break a rule (section 8): RST_STREAM with PROTOCOL_ERROR, and the connection goes on.

use super::case::*;

/// A request of these lines alone.
fn only(lines: &[(&str, &str)]) -> Vec<u8> {
    frame(HEADERS, WHOLE, 1, &block(lines))
}

/// A good GET with these lines behind its pseudo-fields.
fn with(lines: &[(&str, &str)]) -> Vec<u8> {
    frame(HEADERS, WHOLE, 1, &request("GET", "/index.html", lines))
}

const METHOD: (&str, &str) = (":method", "GET");
const SCHEME: (&str, &str) = (":scheme", "https");
const AUTHORITY: (&str, &str) = (":authority", "www.saki.test");
const PATH: (&str, &str) = (":path", "/index.html");

#[test]
fn names_and_values_have_no_forbidden_byte() {
    let (server, _site) = site();
    let name = |name: &'static str| with(&[(name, "v")]);
    let value = |value: &'static str| with(&[("x-test", value)]);
    check(
        &server,
        &[
            case("8.2", "an upper-case name", &[&name("X-TEST")], Rst(PROTOCOL)), // spec: 9113-8.2-a
            case("8.2", "one upper-case letter", &[&name("x-tesT")], Rst(PROTOCOL)),
            case("8.2.1", "an empty name", &[&name("")], Rst(PROTOCOL)),
            case("8.2.1", "a space in a name", &[&name("x test")], Rst(PROTOCOL)), // spec: 9113-8.2.1-a
            case("8.2.1", "a control byte in a name", &[&name("x\x01")], Rst(PROTOCOL)),
            case("8.2.1", "a byte above 0x7e in a name", &[&name("x\u{e9}")], Rst(PROTOCOL)),
            case("8.2.1", "DEL in a name", &[&name("x\x7f")], Rst(PROTOCOL)),
            case("8.2.1", "a colon in a name", &[&name("x:y")], Rst(PROTOCOL)),
            case("8.2.1", "NUL in a value", &[&value("a\0b")], Rst(PROTOCOL)), // spec: 9113-8.2.1-b
            case("8.2.1", "CR in a value", &[&value("a\rb")], Rst(PROTOCOL)),
            case("8.2.1", "LF in a value", &[&value("a\nb: c")], Rst(PROTOCOL)),
            case("8.2.1", "a space first", &[&value(" a")], Rst(PROTOCOL)), // spec: 9113-8.2.1-c
            case("8.2.1", "a tab first", &[&value("\ta")], Rst(PROTOCOL)),
            case("8.2.1", "a space last", &[&value("a ")], Rst(PROTOCOL)),
            case("8.2.1", "a tab last", &[&value("a\t")], Rst(PROTOCOL)),
            case("8.2.1", "nothing but a space", &[&value(" ")], Rst(PROTOCOL)),
            case("8.2.1", "a space within, and bytes above 0x7e", &[&value("a \u{e9}")], Status(200)),
            case("8.2.1", "an empty value", &[&value("")], Status(200)),
            case(
                "8.2.1",
                "NUL in :path",
                &[&only(&[METHOD, SCHEME, AUTHORITY, (":path", "/\0")])],
                Rst(PROTOCOL),
            ),
        ],
    );
}

#[test]
fn fields_of_one_connection_do_not_cross() {
    let (server, _site) = site();
    let mut cases: Vec<Case> = [
        ("connection", "keep-alive"),
        ("connection", "close"),
        ("keep-alive", "timeout=5"),
        ("proxy-connection", "keep-alive"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "h2c"),
        ("te", "gzip"),
        ("te", "trailers, deflate;q=0.5"),
    ]
    .map(|line| case("8.2.2", line.0, &[&with(&[line])], Rst(PROTOCOL))) // spec: 9113-8.2.2-a 9113-8.2.2-b
    .into();
    cases.push(case("8.2.2", "te of trailers", &[&with(&[("te", "trailers")])], Status(200)));
    let trailers = frame(HEADERS, WHOLE, 1, &block(&[("connection", "close")]));
    cases.push(case("8.2.2", "in trailers", &[&post(1, &[]), &trailers], Rst(PROTOCOL)));
    check(&server, &cases);
}

#[test]
fn pseudo_fields_are_known_single_and_first() {
    let (server, _site) = site();
    let trailers = |lines: &[(&str, &str)]| [post(1, &[]), frame(HEADERS, WHOLE, 1, &block(lines))].concat();
    check(
        &server,
        &[
            case(
                "8.3",
                "an unknown one",
                &[&only(&[METHOD, SCHEME, AUTHORITY, PATH, (":test", "x")])],
                Rst(PROTOCOL),
            ),
            case(
                "8.3",
                "one without a name",
                &[&only(&[METHOD, SCHEME, AUTHORITY, PATH, (":", "x")])],
                Rst(PROTOCOL),
            ),
            case(
                "8.3",
                ":status in a request",
                &[&only(&[METHOD, SCHEME, AUTHORITY, PATH, (":status", "200")])],
                Rst(PROTOCOL),
            ), // spec: 9113-8.3-c
            case(
                "8.3",
                "in upper case",
                &[&only(&[(":METHOD", "GET"), SCHEME, AUTHORITY, PATH])],
                Rst(PROTOCOL),
            ),
            case(
                "8.3",
                "behind a regular field",
                &[&only(&[METHOD, SCHEME, AUTHORITY, ("x", "y"), PATH])],
                Rst(PROTOCOL),
            ), // spec: 9113-8.3-b
            case("8.3", ":path twice", &[&only(&[METHOD, SCHEME, AUTHORITY, PATH, PATH])], Rst(PROTOCOL)), // spec: 9113-8.3-d
            case("8.3", ":method twice", &[&only(&[METHOD, METHOD, SCHEME, AUTHORITY, PATH])], Rst(PROTOCOL)),
            case("8.3", ":scheme twice", &[&only(&[METHOD, SCHEME, SCHEME, AUTHORITY, PATH])], Rst(PROTOCOL)),
            case(
                "8.3",
                ":authority twice",
                &[&only(&[METHOD, SCHEME, AUTHORITY, AUTHORITY, PATH])],
                Rst(PROTOCOL),
            ),
            case("8.3", "in trailers", &[&trailers(&[(":method", "GET")])], Rst(PROTOCOL)), // spec: 9113-8.1-a
            case("8.3", ":status in trailers", &[&trailers(&[(":status", "200")])], Rst(PROTOCOL)),
            case("8.3", "an unknown one in trailers", &[&trailers(&[(":test", "x")])], Rst(PROTOCOL)),
            case("8.3.1", "in any order", &[&only(&[PATH, AUTHORITY, SCHEME, METHOD])], Status(200)),
            case("8.3.1", "no :method", &[&only(&[SCHEME, AUTHORITY, PATH])], Rst(PROTOCOL)), // spec: 9113-8.3.1-a
            case("8.3.1", "no :scheme", &[&only(&[METHOD, AUTHORITY, PATH])], Rst(PROTOCOL)), // spec: 9113-8.3.1-b
            case("8.3.1", "no :path", &[&only(&[METHOD, SCHEME, AUTHORITY])], Rst(PROTOCOL)), // spec: 9113-8.3.1-c
            case(
                "8.3.1",
                "an empty :method",
                &[&only(&[(":method", ""), SCHEME, AUTHORITY, PATH])],
                Rst(PROTOCOL),
            ),
            case(
                "8.3.1",
                "an empty :scheme",
                &[&only(&[METHOD, (":scheme", ""), AUTHORITY, PATH])],
                Rst(PROTOCOL),
            ),
            case(
                "8.3.1",
                "an empty :path",
                &[&only(&[METHOD, SCHEME, AUTHORITY, (":path", "")])],
                Rst(PROTOCOL),
            ), // spec: 9113-8.3.1-f
            case(
                "8.3.1",
                "an empty :authority",
                &[&only(&[METHOD, SCHEME, (":authority", ""), PATH])],
                Rst(PROTOCOL),
            ),
            case(
                "8.3.1",
                "a :path without a slash",
                &[&only(&[METHOD, SCHEME, AUTHORITY, (":path", "index.html")])],
                Rst(PROTOCOL),
            ),
            case(
                "8.3.1",
                "a :path of a whole URL",
                &[&only(&[METHOD, SCHEME, AUTHORITY, (":path", "https://a/")])],
                Rst(PROTOCOL),
            ),
            case(
                "8.3.1",
                "a :path with a space",
                &[&only(&[METHOD, SCHEME, AUTHORITY, (":path", "/a b")])],
                Rst(PROTOCOL),
            ),
            case(
                "8.3.1",
                "the asterisk of GET",
                &[&only(&[METHOD, SCHEME, AUTHORITY, (":path", "*")])],
                Rst(PROTOCOL),
            ),
            case(
                "8.3.1",
                "a :method that is no token",
                &[&only(&[(":method", "GE T"), SCHEME, AUTHORITY, PATH])],
                Rst(PROTOCOL),
            ),
            case("8.3.1", "no line at all", &[&frame(HEADERS, WHOLE, 1, &[])], Rst(PROTOCOL)),
        ],
    );
}

#[test]
fn the_authority_is_one_and_good() {
    let (server, _site) = site();
    let named = |authority: &'static str| only(&[METHOD, SCHEME, (":authority", authority), PATH]);
    let hosted = |hosts: &[(&'static str, &'static str)]| only(&[&[METHOD, SCHEME, PATH], hosts].concat());
    check(
        &server,
        &[
            case("8.3.1", "host alone", &[&hosted(&[("host", "www.saki.test")])], Status(200)),
            case("8.3.1", "host the same", &[&with(&[("host", "WWW.saki.test:443")])], Status(200)),
            case("8.3.1", "another host", &[&with(&[("host", "other.saki.test")])], Rst(PROTOCOL)), // spec: 9113-8.3.1-e
            case("8.3.1", "another port", &[&with(&[("host", "www.saki.test:8443")])], Rst(PROTOCOL)),
            case(
                "8.3.1",
                "two hosts",
                &[&hosted(&[("host", "www.saki.test"), ("host", "www.saki.test")])],
                Rst(PROTOCOL),
            ),
            case("8.3.1", "neither", &[&hosted(&[])], Rst(PROTOCOL)), // spec: 9114-4.3.1-a
            case("8.3.1", "user information", &[&named("me@www.saki.test")], Rst(PROTOCOL)), // spec: 9113-8.3.1-g
            case(
                "8.3.1",
                "user information in host",
                &[&hosted(&[("host", "me@www.saki.test")])],
                Rst(PROTOCOL),
            ),
            case("8.3.1", "a space", &[&named("www saki.test")], Rst(PROTOCOL)),
            case("8.3.1", "a port that is no number", &[&named("www.saki.test:https")], Rst(PROTOCOL)),
            case("8.3.1", "a port alone", &[&named(":443")], Rst(PROTOCOL)),
            case("8.3.1", "a path", &[&named("www.saki.test/x")], Rst(PROTOCOL)),
        ],
    );
}

#[test]
fn data_adds_up_to_content_length() {
    let (server, _site) = site();
    let length = |value: &'static str| post(1, &[("content-length", value)]);
    let twice = |first: &'static str, second: &'static str| {
        post(1, &[("content-length", first), ("content-length", second)])
    };
    let trailers = frame(HEADERS, WHOLE, 1, &block(&[("x", "y")]));
    let bodiless = frame(HEADERS, WHOLE, 1, &request("POST", "/", &[("content-length", "1")]));
    let none = frame(HEADERS, WHOLE, 1, &request("POST", "/", &[("content-length", "0")]));
    check(
        &server,
        &[
            case("8.1.1", "too little", &[&length("5"), &last(1, b"four")], Rst(PROTOCOL)), // spec: 9113-8.1.1-a
            case("8.1.1", "too much", &[&length("3"), &last(1, b"four")], Rst(PROTOCOL)), // spec: 9113-8.1.1-d
            case("8.1.1", "too much, and no end", &[&length("3"), &data(1, b"four")], Rst(PROTOCOL)),
            case(
                "8.1.1",
                "too little in two",
                &[&length("5"), &data(1, b"te"), &last(1, b"st")],
                Rst(PROTOCOL),
            ),
            case(
                "8.1.1",
                "too much in two",
                &[&length("3"), &data(1, b"te"), &last(1, b"st")],
                Rst(PROTOCOL),
            ),
            case("8.1.1", "none at all", &[&bodiless], Rst(PROTOCOL)),
            case("8.1.1", "none, as it says", &[&none], Status(405)),
            case(
                "8.1.1",
                "too little before trailers",
                &[&length("5"), &data(1, b"x"), &trailers],
                Rst(PROTOCOL),
            ),
            case(
                "8.1.1",
                "what it says, before trailers",
                &[&length("1"), &data(1, b"x"), &trailers],
                Status(405),
            ),
            case(
                "8.1.1",
                "padding does not count",
                &[&length("4"), &frame(DATA, PADDED | END_STREAM, 1, b"\x01abc\0")],
                Rst(PROTOCOL),
            ),
            case("8.1.1", "two that differ", &[&twice("4", "5"), &last(1, b"four")], Rst(PROTOCOL)),
            case("8.1.1", "two that agree", &[&twice("4", "4"), &last(1, b"four")], Status(405)),
            case("8.1.1", "a list that agrees", &[&length("4, 4"), &last(1, b"four")], Status(405)),
            case("8.1.1", "no number", &[&length("four"), &last(1, b"four")], Rst(PROTOCOL)),
            case("8.1.1", "a sign", &[&length("+4"), &last(1, b"four")], Rst(PROTOCOL)),
            case("8.1.1", "less than nothing", &[&length("-1"), &last(1, b"")], Rst(PROTOCOL)),
            case("8.1.1", "an empty value", &[&length(""), &last(1, b"")], Rst(PROTOCOL)),
            case("8.1.1", "beyond 64 bits", &[&length("18446744073709551616"), &last(1, b"")], Rst(PROTOCOL)),
        ],
    );
}

#[test]
fn a_message_is_one_section_a_body_and_trailers() {
    let (server, _site) = site();
    let section = |flags| frame(HEADERS, flags, 1, &block(&[("x", "y")]));
    let again = frame(HEADERS, END_HEADERS, 1, &request("POST", "/", &[]));
    check(
        &server,
        &[
            case(
                "8.1",
                "trailers without END_STREAM",
                &[&post(1, &[]), &section(END_HEADERS)],
                Rst(PROTOCOL),
            ), // spec: 9113-8.1-c
            case(
                "8.1",
                "behind DATA",
                &[&post(1, &[]), &data(1, b"x"), &section(END_HEADERS)],
                Rst(PROTOCOL),
            ),
            case("8.1", "a second request", &[&post(1, &[]), &again], Rst(PROTOCOL)),
            case("8.1.1", "and the connection goes on", &[&post(1, &[]), &again, &get(3)], Rst(PROTOCOL)), // spec: 9113-8.1.1-c
        ],
    );
}

#[test]
fn connect_has_an_authority_and_nothing_else() {
    let (server, _site) = site();
    let connect = |lines: &[(&str, &str)]| {
        frame(HEADERS, END_HEADERS, 1, &block(&[&[(":method", "CONNECT")], lines].concat()))
    };
    let target = (":authority", "www.saki.test:443");
    let trailers = frame(HEADERS, WHOLE, 1, &block(&[("x", "y")]));
    check(
        &server,
        &[
            case("8.5", "with :scheme", &[&connect(&[target, SCHEME])], Rst(PROTOCOL)), // spec: 9113-8.5-a
            case("8.5", "with :path", &[&connect(&[target, PATH])], Rst(PROTOCOL)),
            case("8.5", "with both", &[&connect(&[target, SCHEME, PATH])], Rst(PROTOCOL)),
            case("8.5", "without :authority", &[&connect(&[])], Rst(PROTOCOL)),
            case("8.5", "without a port", &[&connect(&[AUTHORITY])], Rst(PROTOCOL)), // spec: 9113-8.5-b
            case(
                "8.5",
                "with an empty port",
                &[&connect(&[(":authority", "www.saki.test:")])],
                Rst(PROTOCOL),
            ),
            case("8.5", "with trailers", &[&connect(&[target]), &trailers], Rst(PROTOCOL)), // spec: 9113-8.5-c
            case("8.5", "that nobody serves", &[&connect(&[target])], Accepted),
            case(
                "8441-3",
                "with :protocol, which nobody announced",
                &[&connect(&[(":protocol", "websocket"), SCHEME, PATH, target])],
                Rst(PROTOCOL),
            ),
            case(
                "8441-4",
                ":protocol of GET",
                &[&only(&[METHOD, SCHEME, AUTHORITY, PATH, (":protocol", "websocket")])],
                Rst(PROTOCOL),
            ),
        ],
    );
}

#[test]
fn a_section_too_large_is_reset_and_the_connection_goes_on() {
    let (server, _site) = site();
    let piece = "v".repeat(4_000);
    let lines: Vec<(&str, &str)> = (0..17).map(|_| ("x-large", &piece[..])).collect();
    let large = request("GET", "/index.html", &lines[..15]);
    let many: Vec<(&str, &str)> = (0..400).map(|_| ("x", "y")).collect();
    let cut = |block: &[u8]| {
        let mut pieces: Vec<&[u8]> = block.chunks(16_000).collect();
        let end = pieces.pop().expect("some");
        let mut all = frame(HEADERS, END_STREAM, 1, pieces[0]);
        pieces[1..].iter().for_each(|piece| all.extend(frame(CONTINUATION, 0, 1, piece)));
        all.extend(frame(CONTINUATION, END_HEADERS, 1, end));
        all
    };
    // A short block that is long when it is decoded: one entry of the table, many times.
    let mut bomb = request("GET", "/index.html", &[]);
    bomb.extend([0x40, 1, b'n']);
    string(&[b'v'; 3_900], &mut bomb);
    bomb.extend([0xbe; 100]);
    check(
        &server,
        &[
            case("10.5.1", "just below the limit", &[&cut(&large)], Status(200)),
            case(
                "10.5.1",
                "too many lines",
                &[&frame(HEADERS, WHOLE, 1, &request("GET", "/", &many)), &get(3)],
                Rst(CALM),
            ),
            case("10.5.1", "a bomb", &[&frame(HEADERS, WHOLE, 1, &bomb), &get(3)], Rst(CALM)),
            case("10.5.1", "above what a block may be", &[&cut(&request("GET", "/", &lines))], GoAway(CALM)),
        ],
    );
}
