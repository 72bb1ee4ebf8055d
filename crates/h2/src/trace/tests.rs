use super::*;
use crate::{Config, Connection};
use sakigake_semantics::Request;
use sakigake_wire::Instant;

fn lines(bytes: &[u8], split: usize) -> Vec<String> {
    let mut tracer = Tracer::default();
    let mut all = Vec::new();
    for piece in bytes.chunks(split) {
        tracer.feed(piece, &mut |seen| all.push(seen.to_string()));
    }
    all
}

#[test]
fn a_trace_reads_as_the_rfc_spells_it_in_any_split() {
    let mut client = Connection::client(Config { preload: true, ..Config::default() }, Instant::default());
    let stream = client.request(&Request::get("a", "/"), true).unwrap();
    client.reset(stream, 8);
    client.close(11);
    let mut out = [0; 1_000];
    let len = client.transmit(Instant::default(), &mut out).expect("it has much to say");
    for split in [1, 5, 24, 1_000] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(lines(&out[..len], split).join("\n"));
        }
    }
}

#[test]
fn a_server_direction_has_no_preface() {
    let mut server = Connection::server(Config::default(), Instant::default());
    server.preload(b"block").unwrap();
    let mut out = [0; 1_000];
    let len = server.transmit(Instant::default(), &mut out).unwrap();
    for split in [1, 1_000] {
        let seen = lines(&out[..len], split);
        assert!(seen[0].starts_with("SETTINGS length=24 MAX_CONCURRENT_STREAMS=128 "), "{seen:?}");
        assert_eq!(seen[1], "PRELOAD length=5");
    }
}

#[test]
fn whatever_passes_by_is_named_and_bounded() {
    let unknown = FrameHead::new(0x77, 0xff, 3, 20_000).bytes();
    let bytes = [&unknown[..], &[0; 20_000], &FrameHead::new(kind::PING, 1, 0, 8).bytes(), &[0; 8]].concat();
    assert_eq!(lines(&bytes, 999), ["frame 0x77 stream=3 length=20000", "PING length=8 ACK"]);
    let mut tracer = Tracer::default();
    tracer.feed(&bytes[..15_000], &mut |_| panic!("the frame is not over"));
    assert_eq!(tracer.detail.len(), DETAIL_BYTES);
}
