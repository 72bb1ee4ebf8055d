//! Extended CONNECT and datagrams.

use super::*;

/// Written down from aioquic 1.7: a WebSocket's extended CONNECT with a frame behind it, its answer, both sides' SETTINGS.
const WEBSOCKET: &str = "01350000cf2f00b95d8749c87a3f87f058d072752a7fd750841ae92a13518460938d3f2f084148b782c68393a952\
                         b772d8831eaf0231330007810568656c6c6f";
const WEBSOCKET_ANSWER: &str = "01030000d9000481026f6b";
const AIOQUIC_SETTINGS: &str = "0004100150000710080121013301ab60374201";

/// A connection that knows extended CONNECT and datagrams, behind what aioquic says of itself.
fn tunnelling(client: bool, limits: Limits) -> Connection {
    let config = Arc::new(Config { extended_connect: true, datagrams: true, limits, ..Config::default() });
    let mut side = if client { Connection::client(config) } else { Connection::server(config) };
    let control = if client { 3 } else { 2 };
    side.handle(NOW, StreamId(control), &hex(AIOQUIC_SETTINGS), false, &mut |_| ()).unwrap();
    departures(&mut side);
    side
}

fn websocket() -> Request {
    Request::new("CONNECT", "a.test", "/chat").with_part(sakigake_semantics::Part::Protocol, b"websocket")
}

fn sent_datagrams(side: &mut Connection) -> Vec<Vec<u8>> {
    let sent = |departure| match departure {
        Departure::Datagram { bytes } => Some(bytes),
        _ => None,
    };
    departures(side).into_iter().filter_map(sent).collect()
}

#[test]
fn a_websocket_of_aioquic_is_a_tunnel() {
    // spec: 9220-3-b
    let config = Config { extended_connect: true, ..Config::default() };
    let said = |mut side: Connection, control| bytes_of(&departures(&mut side), control).0;
    assert!(said(Connection::server(Arc::new(config.clone())), 3).ends_with(&[0x08, 0x01, 0x21, 0x00]));
    assert!(!said(Connection::client(Arc::new(config)), 2).ends_with(&[0x08, 0x01, 0x21, 0x00]));
    let mut server = tunnelling(false, Limits::default());
    let mut heards = Heards::new();
    let mut hear = |event: Event<'_>| {
        if let Event::Request { request, .. } = &event {
            assert_eq!((request.protocol(), request.scheme()), (Some(&b"websocket"[..]), &b"https"[..]));
        }
        note(&mut heards, event);
    };
    server.handle(NOW, StreamId(0), &hex(WEBSOCKET), false, &mut hear).unwrap();
    assert_eq!(heards, ["0: request /chat false", "0: 7 bytes false"]);
    server.respond(StreamId(0), &Response::new(200), false).unwrap();
    server.send(StreamId(0), Chunk::Owned(b"\x81\x02ok".to_vec()), true).unwrap();
    assert_eq!(bytes_of(&departures(&mut server), 0), (hex(WEBSOCKET_ANSWER), true));
    // Who did not say that it understands such a request finds it malformed.
    let (heards, outcome, mut plain) = plays(false, &[(0, WEBSOCKET, false)]);
    assert_eq!((heards, outcome), (vec![], Ok(())));
    let resets = |departure: &Departure| matches!(departure, Departure::Reset { code: 0x10e, .. });
    assert!(departures(&mut plain).iter().any(resets));
}

#[test]
fn a_client_asks_for_a_tunnel_once_it_may() {
    // spec: 9220-3-c
    let mut client = Connection::client(Arc::default());
    assert_eq!(client.request(&websocket(), false), Err(Misuse::Protocol));
    let mut client = tunnelling(true, Limits::default());
    let stream = client.request(&websocket(), false).unwrap();
    let mut heards = Heards::new();
    let mut hear = |event: Event<'_>| note(&mut heards, event);
    client.handle(NOW, stream, &hex(WEBSOCKET_ANSWER), true, &mut hear).unwrap();
    assert_eq!(heards, ["0: response 200 false", "0: 4 bytes true"]);
    assert_eq!(client.send(stream, Chunk::Owned(vec![1]), false), Ok(()), "our direction is open");
    let stream = client.request(&websocket(), false).unwrap();
    client.handle(NOW, stream, &hex(OK), false, &mut |_| ()).unwrap();
    let fault = client.handle(NOW, stream, &hex("01 02 0000"), false, &mut |_| ());
    assert_eq!(fault, Err(Fault::MessageOrder), "DATA alone");
}

#[test]
fn datagrams_of_aioquic_find_their_stream() {
    let mut server = tunnelling(false, Limits::default());
    server.handle(NOW, StreamId(0), &hex(WEBSOCKET), false, &mut |_| ()).unwrap();
    assert_eq!(server.handle_datagram(NOW, &hex("0070696e67")), Ok(Some((StreamId(0), &b"ping"[..]))));
    server.send_datagram(StreamId(0), b"pong").unwrap();
    assert_eq!(sent_datagrams(&mut server), [hex("00706f6e67")]);
    let mut client = tunnelling(true, Limits::default());
    for _ in 0..70 {
        client.request(&websocket(), false).unwrap();
    }
    client.send_datagram(StreamId(276), b"").unwrap();
    assert_eq!(sent_datagrams(&mut client), [hex("4045")]);
    assert_eq!(client.handle_datagram(NOW, &hex("40 45 01")), Ok(Some((StreamId(276), &[1][..]))));
}

#[test]
fn datagrams_that_cannot_be_end_the_connection() {
    // spec: 9297-2.1-a
    // spec: 9297-2.1-d
    for bytes in ["", "40", "d0 00 00 00 00 00 00 00"] {
        let mut server = tunnelling(false, Limits::default());
        assert_eq!(server.handle_datagram(NOW, &hex(bytes)), Err(Fault::Datagram), "{bytes}");
        assert!(matches!(departures(&mut server)[..], [Departure::Close { code: 0x33 }]));
    }
    let mut server = tunnelling(false, Limits::default());
    assert_eq!(server.handle_datagram(NOW, &hex("cf ff ff ff ff ff ff ff")), Ok(None));
    server.allow_peer_requests(5);
    assert_eq!(server.handle_datagram(NOW, &[4]), Ok(None));
    let fault = server.handle_datagram(NOW, &[5]);
    assert_eq!((fault, Fault::DatagramStream.code()), (Err(Fault::DatagramStream), ErrorCode::IdError));
}

#[test]
fn datagrams_belong_to_requests_that_know_them() {
    // spec: 9297-2-a
    // spec: 9297-2-b
    // spec: 9297-2.1-c
    let mut server = tunnelling(false, Limits::default());
    for (stream, bytes, fin) in [(0, GET, false), (4, WEBSOCKET, true)] {
        server.handle(NOW, StreamId(stream), &hex(bytes), fin, &mut |_| ()).unwrap();
    }
    assert_eq!(server.send_datagram(StreamId(0), b"x"), Err(Misuse::Order));
    for bytes in [[0, 7], [1, 7], [2, 7]] {
        assert_eq!(
            server.handle_datagram(NOW, &bytes),
            Ok(None),
            "it knows none; it is over; it is not there"
        );
    }
    let mut news = Heards::new();
    server.tell(&mut |event| note(&mut news, event));
    assert_eq!(news, ["0: reset 0x33 false"]);
    let ended =
        |departure: &Departure| matches!(departure, Departure::Stop { stream: StreamId(0), code: 0x33 });
    assert_eq!(departures(&mut server).iter().filter(|departure| ended(departure)).count(), 1);
    assert_eq!(server.handle_datagram(NOW, &[0, 7]), Ok(None), "it is gone");
}

#[test]
fn datagrams_leave_when_both_sides_take_them() {
    // spec: 9297-2.1.1-b
    // spec: 9297-2.1-b
    for (ours, theirs, wanted) in [
        (true, "33 01", Ok(())),
        (false, "33 01", Err(Misuse::Protocol)),
        (true, "33 00", Err(Misuse::Protocol)),
    ] {
        let config = Config { extended_connect: true, datagrams: ours, ..Config::default() };
        let mut client = Connection::client(Arc::new(config));
        assert_eq!(client.settings().h3_datagram, ours);
        client
            .handle(NOW, StreamId(3), &hex(&format!("00 04 04 08 01 {theirs}")), false, &mut |_| ())
            .unwrap();
        let stream = client.request(&websocket(), false).unwrap();
        assert_eq!(client.send_datagram(stream, b"x"), wanted, "{ours} {theirs}");
        client.send(stream, Chunk::Owned(vec![]), true).unwrap();
        assert!(client.send_datagram(stream, b"x").is_err(), "our direction is over");
        assert_eq!(client.handle_datagram(NOW, &[]).is_ok(), !ours, "they count for who takes them");
    }
    let limits = Limits { datagram_queue_bytes: 10, ..Limits::default() };
    let mut client = tunnelling(true, limits);
    let stream = client.request(&websocket(), false).unwrap();
    assert_eq!(client.send_datagram(stream, &[0; 10]), Err(Misuse::Full));
    assert_eq!(client.send_datagram(stream, &[0; 9]), Ok(()));
    assert_eq!(client.send_datagram(stream, &[]), Err(Misuse::Full));
    assert_eq!(sent_datagrams(&mut client).len(), 1);
    assert_eq!(client.send_datagram(stream, &[0; 9]), Ok(()));
}
