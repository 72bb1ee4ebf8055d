//! What leaves, and how much of it at a time.

use super::*;

#[derive(Debug)]
struct Counting {
    next: u8,
    left: usize,
}

impl Source for Counting {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Cut> {
        self.left = self.left.checked_sub(out.len()).ok_or(Cut)?;
        for byte in out {
            (*byte, self.next) = (self.next, self.next.wrapping_add(1));
        }
        Ok(())
    }
}

#[test]
fn a_body_leaves_by_reference_and_holds_nobody_else_up() {
    let mut server = server_with(2, Limits::default());
    let body: Arc<[u8]> = Arc::from(vec![7; 100_000]);
    for stream in [StreamId(0), StreamId(4)] {
        server.respond(stream, &Response::new(200), false).unwrap();
        server.send(stream, Chunk::Shared(body.clone()), true).unwrap();
        assert_eq!((server.queued(stream), server.room(stream)), (100_000, 0));
    }
    assert_eq!((server.queued_bytes(), server.held_bytes()), (200_000, 200_000));
    // The first stream has room for the head alone.
    let mut first = |stream: StreamId| if stream.0 == 0 { 99_999 } else { u64::MAX };
    let all: Vec<Departure> = core::iter::from_fn(|| server.depart(NOW, &mut first)).collect();
    let lens = [bytes_of(&all, 0).0.len(), bytes_of(&all, 4).0.len()];
    assert_eq!(lens, [10, 100_010]);
    let shares = |departure: &&Departure| matches!(departure, Departure::Bytes { chunk: Chunk::Shared(same), .. } if Arc::ptr_eq(same, &body));
    assert_eq!(all.iter().filter(shares).count(), 1);
    assert!(server.has_sent_end(StreamId(4)) && !server.has_sent_end(StreamId(0)));
    let rest = departures(&mut server);
    assert_eq!(bytes_of(&rest, 0), (vec![7; 100_000], true));
    let mut news = Heards::new();
    server.tell(&mut |event| news.push(say(event)));
    assert_eq!(news, ["4: finished", "0: finished"]);
    assert_eq!((server.queued_bytes(), server.held_bytes(), server.open_streams()), (0, 0, 0));
}

#[test]
fn a_source_is_asked_when_there_is_room() {
    let mut server = server_with(1, Limits::default());
    let stream = StreamId(0);
    server.respond(stream, &Response::new(200), false).unwrap();
    let whole = server.room(stream);
    server.send_from(stream, Box::new(Counting { next: 0, left: 40_000 }), 40_000, false).unwrap();
    assert_eq!((server.queued(stream), server.held_bytes(), server.room(stream)), (40_000, 0, whole));
    assert_eq!(
        bytes_of(&core::iter::from_fn(|| server.depart(NOW, &mut |_| 4_095)).collect::<Vec<_>>(), 0).0.len(),
        10
    );
    let Some(Departure::Bytes { chunk, fin: false, .. }) = server.depart(NOW, &mut |_| 5_000) else {
        panic!()
    };
    assert_eq!(chunk.as_ref().len(), 5_000);
    server.trailers(stream, &Fields::from_iter([("x-sum", "1")])).unwrap();
    let (bytes, fin) = bytes_of(&departures(&mut server), 0);
    let counted: Vec<u8> = (5_000..40_000_u32).map(|number| number as u8).collect();
    assert_eq!((&bytes[..35_000], fin), (&counted[..], true));
}

#[test]
fn a_source_that_breaks_resets_its_stream() {
    let mut server = server_with(2, Limits::default());
    server.respond(StreamId(0), &Response::new(200), false).unwrap();
    server.send_from(StreamId(0), Box::new(Counting { next: 0, left: 10 }), 40_000, true).unwrap();
    server.respond(StreamId(4), &Response::new(200), true).unwrap();
    let all = departures(&mut server);
    assert!(
        all.iter()
            .any(|departure| matches!(departure, Departure::Reset { stream: StreamId(0), code: 0x102 }))
    );
    assert_eq!(bytes_of(&all, 4).0, hex(OK));
    let mut news = Heards::new();
    server.tell(&mut |event| note(&mut news, event));
    assert_eq!(news, ["0: reset 0x102 false"]);
    assert_eq!(server.queued_bytes(), 0);
}

#[test]
fn who_filled_a_queue_hears_of_room() {
    let mut server = server_with(1, Limits { send_queue_bytes: 4_000, ..Limits::default() });
    let stream = StreamId(0);
    server.respond(stream, &Response::new(200), false).unwrap();
    for _ in 0..2 {
        server.send(stream, Chunk::Owned(vec![1; 1_900]), false).unwrap();
    }
    assert_eq!(server.send(stream, Chunk::Owned(vec![1; 1_900]), false), Err(Misuse::Full));
    let mut left = 2_000;
    while let Some(departure) = server.depart(NOW, &mut |_| left) {
        if let Departure::Bytes { chunk, .. } = departure {
            left -= chunk.as_ref().len() as u64;
        }
    }
    assert!(!server.has_news());
    departures(&mut server);
    let mut news = Heards::new();
    server.tell(&mut |event| news.push(say(event)));
    assert_eq!(news, ["0: writable"]);
}

#[test]
fn what_was_used_of_a_stream_is_told() {
    let mut server = Connection::server(Arc::default());
    departures(&mut server);
    let bytes = hex(&format!("{GET} 40 21 02 aaaa 00 05 6161616161 01 02 0000"));
    for byte in bytes.chunks(1) {
        server.handle(NOW, StreamId(0), byte, false, &mut |_| ()).unwrap();
    }
    server.handle(NOW, StreamId(2), &hex("00 04 00"), false, &mut |_| ()).unwrap();
    let used = |server: &mut Connection| -> Vec<(u64, u64)> {
        let told = |departure| match departure {
            Departure::Consumed { stream, bytes } => Some((stream.0, bytes)),
            _ => None,
        };
        departures(server).into_iter().filter_map(told).collect()
    };
    assert_eq!(used(&mut server), [(0, bytes.len() as u64 - 5), (2, 3)], "all but the body");
    server.consume(StreamId(0), 5);
    assert_eq!(used(&mut server), [(0, 5)]);
}

#[test]
fn a_fault_is_the_last_word() {
    let mut server = server_with(1, Limits::default());
    server.respond(StreamId(0), &Response::new(200), false).unwrap();
    assert_eq!(server.handle(NOW, StreamId(2), &hex("00 07"), false, &mut |_| ()), Ok(()));
    let fault = server.handle(NOW, StreamId(2), &hex("01 00"), false, &mut |_| ());
    assert_eq!(fault, Err(Fault::MissingSettings));
    assert!(!server.is_closed() && server.has_given_up());
    assert!(matches!(departures(&mut server)[..], [Departure::Close { code: 0x10a }]));
    assert!(server.is_closed());
    assert_eq!(server.handle(NOW, StreamId(8), &hex(GET), true, &mut |_| panic!("nothing counts")), Ok(()));
}
