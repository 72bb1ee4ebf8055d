//! Flow control (sections 5.2, 6.9): what a running server sends under small windows, and windows out of range.

use super::case::*;
use sakigake_e2e::{Raw, Server};
use sakigake_h2 as h2;
use sakigake_session::ServerConfig;
use std::time::Duration;

fn large(stream: u32) -> Vec<u8> {
    frame(HEADERS, WHOLE, stream, &request("GET", "/large", &[]))
}

/// The body's bytes that came on a stream.
fn body(raw: &Raw, stream: u32) -> usize {
    let frames = raw.frames();
    frames.iter().filter(|frame| frame.kind == DATA && frame.stream == stream).map(|f| f.payload.len()).sum()
}

/// Reads until that many bytes of the body came, and a little longer: no more may follow.
fn expect(raw: &mut Raw, stream: u32, bytes: usize) {
    raw.read_until("the window's worth", |raw| body(raw, stream) >= bytes);
    while raw.read(Duration::from_millis(50)) != sakigake_e2e::Reading::Nothing {}
    assert_eq!(body(raw, stream), bytes);
}

#[test]
fn windows_out_of_range_are_errors() {
    let (server, _site) = site();
    let most = 0x7fff_ffff;
    // The connection's window is at 2^31-1 already.
    check(
        &server,
        &[
            case("6.9", "by 0, for the connection", &[&credit(0, 0)], GoAway(PROTOCOL)), // spec: 9113-6.9-b
            case("6.9", "by 0, for a stream", &[&post(1, &[]), &credit(1, 0)], Rst(PROTOCOL)), // spec: 9113-6.9-a
            case(
                "6.9",
                "by 0, but for the reserved bit",
                &[&post(1, &[]), &credit(1, 0x8000_0000)],
                Rst(PROTOCOL),
            ),
            case("6.9.1", "the connection's above 2^31-1", &[&credit(0, 1)], GoAway(FLOW_CONTROL)), // spec: 9113-6.9.1-a
            case("6.9.1", "a stream's above 2^31-1", &[&post(1, &[]), &credit(1, most)], Rst(FLOW_CONTROL)), // spec: 9113-6.9.1-b
            case(
                "6.9.1",
                "in two steps",
                &[&post(1, &[]), &credit(1, most - 65_535), &credit(1, 1)],
                Rst(FLOW_CONTROL),
            ),
            case("6.9.1", "a stream's at 2^31-1", &[&post(1, &[]), &credit(1, most - 65_535)], Accepted),
            case(
                "6.9.2",
                "by SETTINGS",
                &[&post(1, &[]), &credit(1, most - 65_535), &settings(&[(4, 65_536)])],
                GoAway(FLOW_CONTROL),
            ), // spec: 9113-6.9.2-b
        ],
    );
}

#[test]
fn no_more_leaves_than_the_window_takes() {
    let (server, _site) = site();
    let mut raw = begun(&server, &[(4, 1)]);
    raw.send(&large(1));
    expect(&mut raw, 1, 1);
    raw.send(&credit(1, 999));
    expect(&mut raw, 1, 1_000); // spec: 9113-6.9.1-c
    // A larger initial window counts for the stream that is there (section 6.9.2).
    raw.send(&settings(&[(4, 501)]));
    expect(&mut raw, 1, 1_500); // spec: 9113-6.9.2-a
    // A smaller one makes it negative: 1500 bytes have left of 201 + 999.
    raw.send(&settings(&[(4, 201)]));
    raw.send(&credit(1, 299));
    expect(&mut raw, 1, 1_500); // spec: 9113-6.9.2-c
    raw.send(&credit(1, 11));
    expect(&mut raw, 1, 1_510);
}

#[test]
fn the_last_of_two_settings_in_a_frame_counts() {
    let (server, _site) = site();
    let mut raw = begun(&server, &[(4, 100), (4, 3)]);
    raw.send(&large(1));
    expect(&mut raw, 1, 3);
}

#[test]
fn a_frame_is_no_larger_than_its_taker_said() {
    let (server, _site) = site();
    for max in [16_384, 20_000] {
        let mut raw = begun(&server, &[(4, 0x7fff_ffff), (5, max)]);
        raw.send(&large(1));
        raw.read_until("the whole file", |raw| raw.has_end(1));
        assert!(raw.frames().iter().all(|frame| frame.payload.len() <= max as usize)); // spec: 9113-4.2-c
    }
}

/// The site under other limits.
fn limited(limits: h2::Limits) -> (Server, sakigake_e2e::Scratch) {
    let (server, site) = site();
    let before = server.session.now();
    server.session.set(ServerConfig {
        tls: before.tls.clone(),
        h2: Some(h2::Config { limits, ..h2::Config::default() }),
        h3: None,
        hints: None,
        trace: false,
    });
    (server, site)
}

#[test]
fn data_beyond_a_window_is_an_error() {
    let (server, _site) = limited(h2::Limits { initial_stream_window_bytes: 1_000, ..h2::Limits::default() });
    check(
        &server,
        &[
            case("6.9.1", "as much as the window", &[&post(1, &[]), &last(1, &[0; 1_000])], Accepted),
            case("6.9.1", "one byte more", &[&post(1, &[]), &last(1, &[0; 1_001])], Rst(FLOW_CONTROL)), // spec: 9113-6.9-c
            case(
                "6.9.1",
                "in two",
                &[&post(1, &[]), &data(1, &[0; 999]), &last(1, &[0; 2])],
                Rst(FLOW_CONTROL),
            ),
            case(
                "6.9.1",
                "padding counts",
                &[&post(1, &[]), &frame(DATA, PADDED, 1, &[&[200][..], &[0; 1_000]].concat())],
                Rst(FLOW_CONTROL),
            ),
        ],
    );
}

#[test]
fn credit_comes_back_for_what_nobody_reads() {
    let limits = h2::Limits { initial_connection_window_bytes: 65_535, ..h2::Limits::default() };
    let (server, _site) = limited(limits);
    let mut raw = begun(&server, &[]);
    let mut window: u32 = 65_535;
    // A file reads nothing, so that each client is told to stop: of the connection's credit nothing is lost, be it for what
    // came before, or for what it had sent by the time that it was told.
    for stream in (1..).step_by(2).take(100) {
        raw.send(&post(stream, &[]));
        raw.send(&data(stream, &[0; 1_000]));
        raw.read_until("the end of it", |raw| raw.has(RST_STREAM, stream)); // spec: 9113-8.1-e
        raw.send(&data(stream, &[0; 1_000])); // spec: 9113-6.9-d
        window -= 2_000;
        while window < 2_000 {
            raw.read_until("credit", |raw| raw.has(WINDOW_UPDATE, 0));
            for frame in raw.take_frames().iter().filter(|f| f.kind == WINDOW_UPDATE && f.stream == 0) {
                let increment = u32::from_be_bytes(*frame.payload.first_chunk().expect("an increment"));
                assert!(increment > 0);
                window += increment;
            }
        }
    }
    raw.send(&frame(PING, 0, 0, b"the end."));
    raw.read_until("the echo", |raw| has_echo(raw, b"the end."));
    assert_eq!(goaway(&raw.frames()), None);
}
