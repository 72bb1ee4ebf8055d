//! Frames on streams that are idle, half closed or closed, and numbers of streams (section 5).

use super::case::*;

#[test]
fn idle_streams_take_headers_and_priority_alone() {
    let (server, _site) = site();
    check(
        &server,
        &[
            case("5.1", "DATA", &[&data(1, b"x")], GoAway(PROTOCOL)), // spec: 9113-5.1-b
            case("5.1", "RST_STREAM", &[&rst(1, CANCEL)], GoAway(PROTOCOL)),
            case("5.1", "WINDOW_UPDATE", &[&credit(1, 100)], GoAway(PROTOCOL)),
            case("5.1", "CONTINUATION", &[&frame(CONTINUATION, END_HEADERS, 1, &[])], GoAway(PROTOCOL)),
            case("5.1", "DATA on an even stream", &[&data(2, b"x")], GoAway(PROTOCOL)),
            case("5.1", "WINDOW_UPDATE on an even stream", &[&credit(2, 1)], GoAway(PROTOCOL)),
        ],
    );
}

#[test]
fn nothing_of_a_message_follows_its_end() {
    let (server, _site) = site();
    let trailers = frame(HEADERS, WHOLE, 1, &block(&[("x", "y")]));
    let ended = [post(1, &[]), last(1, b"x")].concat();
    check(
        &server,
        &[
            case("5.1", "DATA behind END_STREAM", &[&get(1), &data(1, b"x")], Rst(STREAM_CLOSED)), // spec: 9113-5.1-c
            case("5.1", "HEADERS", &[&get(1), &get(1)], Rst(STREAM_CLOSED)),
            case("5.1", "trailers", &[&get(1), &trailers], Rst(STREAM_CLOSED)),
            case(
                "5.1",
                "CONTINUATION",
                &[&get(1), &frame(CONTINUATION, END_HEADERS, 1, &[])],
                GoAway(PROTOCOL),
            ),
            case("5.1", "DATA behind the last DATA", &[&ended, &data(1, b"x")], Rst(STREAM_CLOSED)),
            case(
                "5.1",
                "DATA behind trailers",
                &[&post(1, &[]), &trailers, &data(1, b"x")],
                Rst(STREAM_CLOSED),
            ),
            later("5.1", "DATA on a closed stream", &[&get(1)], &[&data(1, b"x")], GoAway(STREAM_CLOSED)), // spec: 9113-5.1-e
            later("5.1", "HEADERS on a closed stream", &[&get(1)], &[&get(1)], GoAway(STREAM_CLOSED)),
            later(
                "5.1",
                "CONTINUATION on a closed stream",
                &[&get(1)],
                &[&frame(CONTINUATION, END_HEADERS, 1, &[])],
                GoAway(PROTOCOL),
            ),
            case(
                "5.1",
                "DATA behind RST_STREAM",
                &[&post(1, &[]), &rst(1, CANCEL), &data(1, b"x")],
                Rst(STREAM_CLOSED),
            ), // spec: 9113-5.1-f
            case(
                "5.1",
                "HEADERS behind RST_STREAM",
                &[&post(1, &[]), &rst(1, CANCEL), &get(1)],
                Rst(STREAM_CLOSED),
            ),
            case(
                "5.1",
                "CONTINUATION behind RST_STREAM",
                &[&post(1, &[]), &rst(1, CANCEL), &frame(CONTINUATION, END_HEADERS, 1, &[])],
                GoAway(PROTOCOL),
            ),
            case(
                "5.1",
                "WINDOW_UPDATE, PRIORITY, RST_STREAM behind RST_STREAM", // spec: 9113-5.4.2-b
                &[&post(1, &[]), &rst(1, CANCEL), &credit(1, 1), &priority(1, 0), &rst(1, CANCEL)],
                Accepted,
            ),
        ],
    );
}

/// The server refuses POST at once, with END_STREAM. What the client does wrong afterwards is told all the same.
#[test]
fn an_early_answer_hides_no_later_fault() {
    let (server, _site) = site();
    let five = post(1, &[("content-length", "5")]);
    let section = |flags, lines: &[(&str, &str)]| frame(HEADERS, flags, 1, &block(lines));
    let open = post(1, &[]);
    check(
        &server,
        &[
            later("8.1.1", "too little", &[&five], &[&last(1, b"four")], Rst(PROTOCOL)),
            later("8.1.1", "too much", &[&five], &[&data(1, b"sixsix")], Rst(PROTOCOL)),
            later(
                "8.1.1",
                "too much in several",
                &[&five],
                &[&data(1, b"abc"), &data(1, b"def")],
                Rst(PROTOCOL),
            ),
            later("8.1.1", "trailers too early", &[&five], &[&section(WHOLE, &[("x", "y")])], Rst(PROTOCOL)),
            later(
                "8.1",
                "trailers that end nothing",
                &[&open],
                &[&section(END_HEADERS, &[("x", "y")])],
                Rst(PROTOCOL),
            ),
            later(
                "8.1",
                "a pseudo-field in trailers",
                &[&open],
                &[&section(WHOLE, &[(":path", "/")])],
                Rst(PROTOCOL),
            ),
            later(
                "8.2.1",
                "an upper-case trailer",
                &[&open],
                &[&section(WHOLE, &[("X", "y")])],
                Rst(PROTOCOL),
            ),
            later(
                "5.1",
                "DATA behind END_STREAM",
                &[&open],
                &[&last(1, b""), &data(1, b"x")],
                GoAway(STREAM_CLOSED),
            ),
            later(
                "5.1",
                "HEADERS behind END_STREAM",
                &[&open],
                &[&last(1, b""), &get(1)],
                GoAway(STREAM_CLOSED),
            ),
            later("6.9", "WINDOW_UPDATE by 0", &[&open], &[&credit(1, 0)], Rst(PROTOCOL)),
            later("6.1", "padding", &[&open], &[&frame(DATA, PADDED, 1, &[9, 0])], GoAway(PROTOCOL)),
            later(
                "4.3",
                "a broken block",
                &[&open],
                &[&frame(HEADERS, WHOLE, 1, &[0x80])],
                GoAway(COMPRESSION),
            ),
            later("8.1", "nothing wrong at all", &[&five], &[&data(1, b"fi"), &last(1, b"ves")], Accepted),
        ],
    );
}

#[test]
fn numbers_of_streams_grow_and_are_odd() {
    let (server, _site) = site();
    check(
        &server,
        &[
            case("5.1.1", "an even number", &[&get(2)], GoAway(PROTOCOL)), // spec: 9113-5.1.1-a
            case("5.1.1", "a lower number", &[&get(5), &get(3)], GoAway(PROTOCOL)), // spec: 9113-5.1.1-b 9113-5.1.1-d
            case("5.1.1", "the highest", &[&get(0x7fff_ffff)], Accepted),
            case("5.1.1", "the highest, then another", &[&get(0x7fff_ffff), &get(1)], GoAway(PROTOCOL)),
        ],
    );
}

#[test]
fn streams_beyond_what_was_announced_are_refused() {
    let (server, _site) = site();
    let opened: Vec<u8> = (0..128).flat_map(|number| post(number * 2 + 1, &[])).collect();
    let freed = [last(1, b""), post(259, &[])].concat();
    check(
        &server,
        &[
            case("5.1.2", "as many as announced", &[&opened], Accepted),
            case("5.1.2", "one more", &[&opened, &post(257, &[])], RstOn(257, REFUSED)), // spec: 9113-5.1.2-a 9113-8.7-a
            later("5.1.2", "one more when one has ended", &[&opened], &[&freed], Accepted),
        ],
    );
}

#[test]
fn a_stream_does_not_depend_on_itself() {
    let (server, _site) = site();
    let depends = |on: u32| {
        let payload = [&on.to_be_bytes()[..], &[255], &request("GET", "/index.html", &[])].concat();
        frame(HEADERS, WHOLE | WITH_PRIORITY, 1, &payload)
    };
    check(
        &server,
        &[
            case("5.3", "HEADERS", &[&depends(1)], Rst(PROTOCOL)), // spec: 9113-5.3-b
            case("5.3", "exclusively", &[&depends(0x8000_0001)], Rst(PROTOCOL)),
            case("5.3", "HEADERS of another", &[&depends(3)], Status(200)),
            case("5.3", "PRIORITY", &[&post(1, &[]), &priority(1, 1)], Rst(PROTOCOL)),
            case("5.3", "PRIORITY, exclusively", &[&post(1, &[]), &priority(1, 0x8000_0001)], Rst(PROTOCOL)),
            case("5.3", "PRIORITY on an idle stream", &[&priority(1, 1)], GoAway(PROTOCOL)),
            case("5.3", "PRIORITY of another", &[&post(1, &[]), &priority(1, 3)], Accepted),
        ],
    );
}
