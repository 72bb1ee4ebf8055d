use super::*;

/// The lines that a stream's bytes give, in pieces of so many.
fn lines(stream: u64, bytes: &[u8], piece: usize) -> Vec<String> {
    let (mut tracer, mut lines) = (Tracer::default(), Vec::new());
    for piece in bytes.chunks(piece) {
        tracer.feed(StreamId(stream), piece, &mut |seen| lines.push(seen.to_string()));
    }
    lines
}

#[test]
fn frames_are_told_a_line_each_whatever_the_split() {
    let control =
        [0x00, 0x04, 0x0d, 0x01, 0x50, 0x00, 0x07, 0x10, 0x08, 0x01, 0x21, 0x01, 0x33, 0x01, 0x06, 0x00];
    let expected = [
        "stream=2 control",
        "SETTINGS stream=2 length=13 QPACK_MAX_TABLE_CAPACITY=4096 QPACK_BLOCKED_STREAMS=16 \
         ENABLE_CONNECT_PROTOCOL=1 0x21=1 H3_DATAGRAM=1 MAX_FIELD_SECTION_SIZE=0",
    ];
    for piece in 1..control.len() {
        assert_eq!(lines(2, &control, piece), expected, "{piece}");
    }
    let request = [&[0x01, 0x02, 0, 0, 0x00, 0x40, 0x80][..], &[7; 128], &[0x21, 0x00]].concat();
    let expected =
        ["HEADERS stream=4 length=2", "DATA stream=4 length=128", "frame 0x21 (reserved) stream=4 length=0"];
    for piece in 1..request.len() {
        assert_eq!(lines(4, &request, piece), expected, "{piece}");
    }
}

#[test]
fn what_a_frame_says_by_itself_is_told() {
    let goaway = [0x00, 0x07, 0x01, 0x08];
    assert_eq!(lines(3, &goaway, 4), ["stream=3 control", "GOAWAY stream=3 length=1 id=8"]);
    let update = [0x00, 0x80, 0x0f, 0x07, 0x00, 0x04, 0x00, b'u', b'=', b'1'];
    assert_eq!(lines(2, &update, 3)[1], "PRIORITY_UPDATE stream=2 length=4 of=0 \"u=1\"");
    assert_eq!(lines(7, &[0x02, 0x3f, 0xe1, 0x1f], 1), ["stream=7 QPACK encoder"]);
    assert_eq!(lines(7, &[0x21, 0x01], 1), ["stream=7 type 0x21 (reserved)"]);
}

#[test]
fn so_many_streams_are_followed_and_those_that_ended_make_room() {
    let mut tracer = Tracer::default();
    let mut count = 0;
    let mut feed = |tracer: &mut Tracer, stream: u64| {
        let before = count;
        tracer.feed(StreamId(stream), &[0x00, 0x00], &mut |_| count += 1);
        count > before
    };
    assert!((0..1_024).all(|number| feed(&mut tracer, 4 * number)));
    assert!(!feed(&mut tracer, 4 * 1_024));
    assert!(feed(&mut tracer, 0), "one that is followed goes on");
    tracer.forget(StreamId(0));
    assert!(feed(&mut tracer, 4 * 1_024));
}
