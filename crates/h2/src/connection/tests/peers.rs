//! Bytes that are not ours: what other implementations said, kept as they said it, against our ends.
//!
//! - `NGHTTP`: nghttp 1.52.0 asking for two URLs, caught by a socket that said SETTINGS and its receipt and nothing else.
//! - `PYTHON_CLIENT`, `PYTHON_SERVER`: the `h2` package for Python 4.4.1, its `data_to_send` after each call; the server
//!   had been asked for two resources by the package's own client.

use super::raw::{answer, spoken};
use super::*;
use crate::rules::kind;
use sakigake_semantics::FieldLine;

const NGHTTP: &str = "505249202a20485454502f322e300d0a0d0a534d0d0a0d0a00000c04000000000000030000006400040000ffff\
    00000502000000000300000000c800000502000000000500000000640000050200000000070000000000000005020000000009000000070000\
    000502000000000b000000030000003601250000000d0000000b0f8204022f7886418b089d5c0b8170dc65d7dc6f53032a2f2a907a8aaa69d2\
    9ac4c0576c4b8340884d833505b1649509013100001001250000000f0000000b0f8204022f7986c1c090bfbe000000040100000000";

const PYTHON_CLIENT: [&str; 8] = [
    // The preface and SETTINGS.
    "505249202a20485454502f322e300d0a0d0a534d0d0a0d0a00002a04000000000000010000100000020000000100040000ffff0005000040\
     00000800000000000300000064000600010000",
    // The receipt.
    "000000040100000000",
    // GET on stream 1.
    "000028010500000001828741882f91d35d055cf64d4485607fe470137a87afd2673d4b4e2f1f11831c11ff1f118324127f",
    // POST on stream 3 with padding and trailers.
    "00000d0104000000038387c0448362daffbf5c82087f00000a0008000000030368656c6c6f20000000000005000000000003776f726c64\
     00000d0105000000034088f2b127293aa2da7f82685f",
    // PING and WINDOW_UPDATE.
    "0000080600000000003132333435363738000004080000000000000186a0",
    // GET on stream 5 with the old priority fields.
    "00000f012500000005000000000f8287c344846283d537c2",
    // GET on stream 7, taken back.
    "0000090105000000078287c444846263d45f00000403000000000700000008",
    // GOAWAY.
    "0000080700000000000000000000000000",
];

const PYTHON_SERVER: [&str; 4] = [
    // SETTINGS.
    "00002a04000000000000010000100000020000000000040000ffff000500004000000800000000000300000064000600010000",
    // The receipt.
    "000000040100000000",
    // 103, 200 with a padded body on stream 1; 404 with trailers on stream 3.
    "00001f010400000001488208196d99fff8c2172211ff7f6a585a20aec2d071c9f6a0d10213ea82ff00000d010400000001887687afd2673d\
     4b4e2f5c816f00000d0009000000010768656c6c6f000000000000000000020104000000038dbf0000020000000000036e6f0000080105\
     000000034084f2b16a93810f",
    // PING and GOAWAY.
    "00000806000000000061626364656667680000080700000000000000000300000000",
];

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.bytes().filter_map(|byte| char::from(byte).to_digit(16)).map(|d| d as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// Feeds the bytes in pieces of that size; what was heard.
fn play(end: &mut Connection, bytes: &[u8], split: usize) -> Vec<Heard> {
    let mut log = Vec::new();
    for piece in bytes.chunks(split) {
        end.handle(ms(2), piece, &mut listen(&mut log)).expect("a peer that keeps the rules");
    }
    log
}

#[test]
fn a_server_understands_nghttp() {
    let request = |path: &str| {
        Request::get("127.0.0.1:37965", path)
            .with("accept", "*/*")
            .with("accept-encoding", "gzip, deflate")
            .with("user-agent", "nghttp2/1.52.0")
            .with("trailer-test", "1")
    };
    let plain = |request: Request| request.with_part(Part::Scheme, b"http");
    for split in [1, 10, 1_000] {
        let mut server = Connection::server(Config::default(), ms(1));
        spoken(&mut server);
        let log = play(&mut server, &hex(NGHTTP), split);
        let expected = [
            Heard::Settings,
            Heard::Request(13, plain(request("/x")), true),
            Heard::Request(15, plain(request("/y")), true),
        ];
        assert_eq!(log, expected);
        assert_eq!(spoken(&mut server).iter().filter(|(head, _)| head.kind == kind::SETTINGS).count(), 1); // spec: 9113-6.5.3-a
    }
}

#[test]
fn a_server_understands_pythons_h2() {
    let get = |path: &str| Request::get("example.org", path).with("user-agent", "python-h2");
    let post = Request::new("POST", "example.org", "/up")
        .with("user-agent", "python-h2")
        .with("content-length", "11");
    // The package marks short cookies as never to be indexed.
    let mut first = get("/a?b=c");
    first.fields.push_line(FieldLine { name: b"cookie", value: b"a=b; c=d", sensitive: true });
    let expected = [
        Heard::Settings,
        Heard::Request(1, first, true),
        Heard::Request(3, post, false),
        Heard::Data(3, b"hello world".to_vec(), false),
        Heard::Trailers(3, [("x-checksum", "42")].into_iter().collect()),
        Heard::Request(5, get("/long"), true),
        Heard::Request(7, Request::get("example.org", "/gone"), true),
        Heard::Reset(7, 8, false),
        Heard::GoAway(0, 0),
    ];
    for split in [1, 10, 1_000] {
        let mut server = Connection::server(Config::default(), ms(1));
        spoken(&mut server);
        let log = play(&mut server, &hex(&PYTHON_CLIENT.concat()), split);
        assert_eq!(log, expected);
        let echo = spoken(&mut server).into_iter().find(|(head, _)| head.kind == kind::PING);
        assert_eq!(echo.map(|(head, payload)| (head.flags, payload)), Some((1, b"12345678".to_vec()))); // spec: 9113-6.7-a
    }
}

#[test]
fn a_client_understands_pythons_h2() {
    for split in [1, 10, 1_000] {
        let mut client = Connection::client(Config::default(), ms(1));
        for path in ["/", "/2"] {
            client.request(&Request::get("example.org", path), true).unwrap();
        }
        spoken(&mut client);
        let log = play(&mut client, &hex(&PYTHON_SERVER.concat()), split);
        let expected = [
            Heard::Settings,
            Heard::Informational(1, 103),
            Heard::Response(
                1,
                Response::new(200).with("server", "python-h2").with("content-length", "5"),
                false,
            ),
            Heard::Data(1, b"hello".to_vec(), true),
            Heard::Finished(1),
            Heard::Response(3, Response::new(404).with("server", "python-h2"), false),
            Heard::Data(3, b"no".to_vec(), false),
            Heard::Trailers(3, [("x-end", "1")].into_iter().collect()),
            Heard::Finished(3),
            Heard::GoAway(3, 0),
        ];
        assert_eq!(log, expected);
        assert_eq!(answer(&mut client), super::raw::Answer::Nothing);
        assert!(client.is_closed());
    }
}
