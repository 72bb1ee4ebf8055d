//! What every server has to take.

use super::case::*;

#[test]
fn frames_of_each_type_are_taken() {
    let (server, _site) = site();
    let get_block = request("GET", "/index.html", &[]);
    let of_scheme = |scheme| {
        let lines = [
            (":method", "GET"),
            (":scheme", scheme),
            (":authority", "www.saki.test"),
            (":path", "/index.html"),
        ];
        block(&lines)
    };
    let halves = get_block.split_at(20);
    let thirds = halves.1.split_at(10);
    let goaway = [&[0; 4][..], &NO_ERROR.to_be_bytes()].concat();
    check(
        &server,
        &[
            case("3.4", "a request behind the preface", &[&get(1)], Status(200)),
            case("5.1", "PRIORITY on an idle stream", &[&priority(1, 0), &get(1)], Status(200)),
            case("5.1", "WINDOW_UPDATE on a half-closed stream", &[&get(1), &credit(1, 9)], Status(200)),
            case("5.1", "PRIORITY on a half-closed stream", &[&get(1), &priority(1, 0)], Status(200)),
            case("5.1", "RST_STREAM on a half-closed stream", &[&get(1), &rst(1, CANCEL)], Accepted),
            later("5.1", "PRIORITY on a closed stream", &[&get(1)], &[&priority(1, 0)], Accepted),
            later("5.1", "WINDOW_UPDATE on a closed stream", &[&get(1)], &[&credit(1, 9)], Accepted),
            later("5.1", "RST_STREAM on a closed stream", &[&get(1)], &[&rst(1, CANCEL)], Accepted),
            case(
                "8.3.1",
                "a scheme in capitals",
                &[&frame(HEADERS, WHOLE, 1, &of_scheme("HTTPS"))],
                Status(200),
            ),
            // RFC 9110 section 7.4.
            case("8.3.1", "another scheme", &[&frame(HEADERS, WHOLE, 1, &of_scheme("http"))], Status(421)), // spec: 9110-7.4-a
            case("6.1", "one DATA frame", &[&post(1, &[]), &last(1, b"x")], Status(405)),
            case("6.1", "several", &[&post(1, &[]), &data(1, b"x"), &last(1, b"y")], Status(405)),
            case(
                "6.1",
                "padded ones",
                &[&post(1, &[]), &frame(DATA, PADDED | END_STREAM, 1, b"\x02x\0\0")],
                Status(405),
            ),
            case(
                "6.1",
                "padding alone",
                &[&post(1, &[]), &frame(DATA, PADDED | END_STREAM, 1, b"\x02\0\0")],
                Status(405),
            ),
            case("6.2", "HEADERS", &[&get(1)], Status(200)),
            case(
                "6.2",
                "padded HEADERS",
                &[&frame(HEADERS, WHOLE | PADDED, 1, &[&[3], &get_block[..], &[0; 3]].concat())],
                Status(200),
            ),
            case(
                "6.2",
                "HEADERS with the old priority",
                &[&frame(HEADERS, WHOLE | WITH_PRIORITY, 1, &[&[0; 5], &get_block[..]].concat())],
                Status(200),
            ),
            case("6.3", "PRIORITY of the least weight", &[&frame(PRIORITY, 0, 1, &[0; 5])], Accepted),
            case("6.3", "of the most", &[&frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 255])], Accepted),
            case("6.3", "on another stream", &[&priority(3, 1)], Accepted),
            case("6.3", "exclusively", &[&frame(PRIORITY, 0, 3, &[0x80, 0, 0, 1, 9])], Accepted),
            case("6.4", "RST_STREAM", &[&post(1, &[]), &rst(1, CANCEL)], Accepted),
            case("6.5", "SETTINGS", &[&settings(&[(3, 100)])], Accepted),
            case("6.7", "PING", &[&frame(PING, 0, 0, &[1; 8])], Accepted),
            case("6.8", "GOAWAY", &[&get(1), &frame(GOAWAY, 0, 0, &goaway)], Status(200)),
            later("6.9", "WINDOW_UPDATE for the connection", &[&get(1)], &[&credit(0, 1)], Accepted),
            case("6.9", "WINDOW_UPDATE for a stream", &[&post(1, &[]), &credit(1, 1)], Accepted),
            case(
                "6.10",
                "CONTINUATION",
                &[&frame(HEADERS, END_STREAM, 1, halves.0), &frame(CONTINUATION, END_HEADERS, 1, halves.1)],
                Status(200),
            ),
            case(
                "6.10",
                "several CONTINUATION frames, one of them empty",
                &[
                    &frame(HEADERS, END_STREAM, 1, halves.0),
                    &frame(CONTINUATION, 0, 1, thirds.0),
                    &frame(CONTINUATION, 0, 1, &[]),
                    &frame(CONTINUATION, END_HEADERS, 1, thirds.1),
                ],
                Status(200),
            ),
            case(
                "7",
                "GOAWAY with an unknown code",
                &[&frame(GOAWAY, 0, 0, &[0, 0, 0, 0, 0, 0, 0, 255])],
                Accepted,
            ),
            case("7", "RST_STREAM with an unknown code", &[&post(1, &[]), &rst(1, 255)], Accepted), // spec: 9113-7-a
        ],
    );
}

#[test]
fn messages_are_answered() {
    let (server, _site) = site();
    let head = frame(HEADERS, WHOLE, 1, &request("HEAD", "/index.html", &[]));
    let missing = frame(HEADERS, WHOLE, 1, &request("GET", "/missing", &[]));
    let trailers = frame(HEADERS, WHOLE, 1, &block(&[("x-sum", "1")]));
    check(
        &server,
        &[
            case("8.1", "GET", &[&get(1)], Status(200)),
            case("8.1", "HEAD", &[&head], Status(200)),
            case("8.1", "GET of nothing", &[&missing], Status(404)),
            case("8.1", "POST", &[&post(1, &[]), &last(1, b"test")], Status(405)),
            case("8.1", "POST with trailers", &[&post(1, &[]), &data(1, b"x"), &trailers], Status(405)),
            case("8.1", "trailers alone", &[&post(1, &[]), &trailers], Status(405)),
            case(
                "8.1.1",
                "content-length that fits",
                &[&post(1, &[("content-length", "4")]), &data(1, b"te"), &last(1, b"st")],
                Status(405),
            ),
        ],
    );
}
