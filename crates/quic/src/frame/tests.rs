use super::{
    AckFrequency, ConnectionClose, Crypto, DataBlocked, Datagram, Direction, Frame, MaxData, MaxStreamData,
    MaxStreams, NewConnectionId, NewToken, PathChallenge, PathResponse, ResetStream, ResetStreamAt,
    RetireConnectionId, StopSending, Stream, StreamDataBlocked, StreamsBlocked, Terms, walk, write_ack,
};
use crate::{
    Fault,
    ids::ResetToken,
    rules::{Epoch, FRAMES, Side, frames::kind},
};
use sakigake_wire::{Full, Writer, varint_len};

/// Everything is agreed on, and a server sends.
const OPEN: Terms = Terms {
    sender: Side::Server,
    max_datagram_frame_size: 65_535,
    reset_stream_at: true,
    min_ack_delay_us: Some(1_000),
};

/// A frame of each kind as RFC 9000 section 19 (or the extension) draws it.
pub(crate) fn samples() -> Vec<(&'static str, Frame<'static>)> {
    let data: &[u8] = &[1, 2, 3];
    let stream = Stream { id: 5, offset: 0, data, fin: false, to_end: false };
    let transport = ConnectionClose { code: 0x0a, frame_type: Some(0x1e), reason: b"no" };
    let (both, one) = (Direction::Bidirectional, Direction::Unidirectional);
    let mut samples = vec![
        ("01", Frame::Ping),
        ("1e", Frame::HandshakeDone),
        ("1f", Frame::ImmediateAck),
        ("1c0a1e026e6f", Frame::ConnectionClose(transport)),
        (
            "1d4100026e6f",
            Frame::ConnectionClose(ConnectionClose { code: 0x100, frame_type: None, ..transport }),
        ),
        ("240541004bb80a", {
            Frame::ResetStreamAt(ResetStreamAt { id: 5, code: 0x100, final_size: 3_000, reliable_size: 10 })
        }),
        ("3103010203", Frame::Datagram(Datagram { data, to_end: false })),
        ("3100", Frame::Datagram(Datagram { data: &[], to_end: false })),
        ("40af070a800061a803", {
            Frame::AckFrequency(AckFrequency {
                sequence: 7,
                ack_eliciting_threshold: 10,
                requested_max_ack_delay_us: 25_000,
                reordering_threshold: 3,
            })
        }),
        ("0b0500", Frame::Stream(Stream { data: &[], fin: true, ..stream })),
    ];
    // These bytes are another stack's (neqo's tests of its frames).
    samples.extend([
        ("04523440777456", {
            Frame::ResetStream(ResetStream { id: 0x1234, code: 0x77, final_size: 0x3456 })
        }),
        ("053f4077", Frame::StopSending(StopSending { id: 63, code: 0x77 })),
        ("060103010203", Frame::Crypto(Crypto { offset: 1, data })),
        ("0703123456", Frame::NewToken(NewToken { token: &[0x12, 0x34, 0x56] })),
        ("0a0503010203", Frame::Stream(stream)),
        ("0f050103010203", Frame::Stream(Stream { offset: 1, fin: true, ..stream })),
        ("105234", Frame::MaxData(MaxData { maximum: 0x1234 })),
        ("11055234", Frame::MaxStreamData(MaxStreamData { id: 5, maximum: 0x1234 })),
        ("125234", Frame::MaxStreams(MaxStreams { direction: both, maximum: 0x1234 })),
        ("135234", Frame::MaxStreams(MaxStreams { direction: one, maximum: 0x1234 })),
        ("145234", Frame::DataBlocked(DataBlocked { maximum: 0x1234 })),
        ("15055234", Frame::StreamDataBlocked(StreamDataBlocked { id: 5, maximum: 0x1234 })),
        ("165234", Frame::StreamsBlocked(StreamsBlocked { direction: both, maximum: 0x1234 })),
        ("175234", Frame::StreamsBlocked(StreamsBlocked { direction: one, maximum: 0x1234 })),
        ("1852340002010209090909090909090909090909090909", {
            Frame::NewConnectionId(NewConnectionId {
                sequence: 0x1234,
                retire_prior_to: 0,
                id: &[1, 2],
                reset_token: ResetToken::new([9; 16]),
            })
        }),
        ("195234", Frame::RetireConnectionId(RetireConnectionId { sequence: 0x1234 })),
        ("1a0909090909090909", Frame::PathChallenge(PathChallenge { data: [9; 8] })),
        ("1b0909090909090909", Frame::PathResponse(PathResponse { data: [9; 8] })),
        ("1c80005678523403010203", {
            Frame::ConnectionClose(ConnectionClose { code: 0x5678, frame_type: Some(0x1234), reason: data })
        }),
    ]);
    samples
}

/// Frames that go on to their packet's end.
fn endless() -> Vec<(&'static str, Frame<'static>)> {
    let data: &[u8] = &[1, 2, 3];
    let stream = Stream { id: 5, offset: 0, data, fin: true, to_end: true };
    vec![
        ("00000000", Frame::Padding(4)),
        ("0905010203", Frame::Stream(stream)), // neqo's too
        ("0c0540ff010203", Frame::Stream(Stream { offset: 255, fin: false, ..stream })),
        ("30010203", Frame::Datagram(Datagram { data, to_end: true })),
        ("30", Frame::Datagram(Datagram { data: &[], to_end: true })),
    ]
}

#[test]
fn every_frame_reads_as_drawn_and_writes_so_again() {
    for (hex, frame) in samples().into_iter().chain(endless()) {
        let bytes = unhex(hex);
        assert_eq!(frames(&bytes), Ok(vec![frame.clone()]), "{hex}");
        assert_eq!(written(&frame), bytes, "{hex}");
        assert_eq!(frame.rule().name, crate::rules::frames::name(frame.kind()));
    }
}

#[test]
fn every_row_of_the_table_has_a_sample() {
    let acks = [unhex("023f000005"), unhex("033f000005010203")];
    let kinds: Vec<u64> = samples().into_iter().chain(endless()).map(|(_, frame)| frame.kind()).collect();
    for rule in &FRAMES {
        let is_seen = kinds.iter().any(|kind| (rule.first..=rule.last).contains(kind));
        assert!(is_seen || rule.first == kind::ACK, "{}", rule.name);
    }
    assert!(acks.iter().all(|ack| frames(ack).is_ok()));
}

#[test]
fn a_frame_that_ends_early_is_refused_wherever_it_is_cut() {
    let acks = ["023f0a01050203", "033f0a01050203010203"].map(unhex);
    for bytes in samples().into_iter().map(|(hex, _)| unhex(hex)).chain(acks) {
        assert!(frames(&bytes).is_ok());
        for len in 1..bytes.len() {
            let fault = frames(&bytes[..len]).expect_err("cut");
            assert!(matches!(fault, Fault::FrameEndsEarly { .. }), "{fault:?}"); // spec: 9000-12.4-q
            assert_eq!(fault.code(), 0x07);
        }
    }
}

#[test]
fn a_frame_that_does_not_fit_leaves_nothing_behind() {
    for (hex, frame) in samples().into_iter().chain(endless()) {
        for room in 0..hex.len() / 2 {
            let mut out = vec![0; room];
            let mut writer = Writer::new(&mut out);
            assert!(matches!(frame.write(&mut writer), Err(Full(_))), "{hex} in {room}");
            assert_eq!(writer.written(), 0);
        }
    }
}

#[test]
fn no_flipped_bit_panics() {
    for (hex, _) in samples().into_iter().chain(endless()) {
        let mut bytes = unhex(hex);
        for bit in 0..8 * bytes.len() {
            bytes[bit / 8] ^= 1 << (bit % 8);
            for epoch in Epoch::ALL {
                let count = walk(&bytes, epoch, OPEN).count();
                assert!((1..=bytes.len()).contains(&count));
            }
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

#[test]
fn a_frame_is_barred_from_packets_that_the_table_does_not_name() {
    for (hex, frame) in samples().into_iter().chain(endless()) {
        for epoch in Epoch::ALL {
            let bytes = unhex(hex);
            let mut walk = walk(&bytes, epoch, OPEN);
            let expected = match frame.rule().epochs.allows(epoch) {
                true => Ok(frame.clone()),
                false => Err(Fault::BarredFrame { frame: frame.kind(), epoch }), // spec: 9000-12.4-n
            };
            assert_eq!(walk.next(), Some(expected));
            assert_eq!(walk.next(), None);
        }
    }
}

#[test]
fn acknowledgements_and_confirmations_are_barred_from_early_data() {
    for hex in ["0200000000", "060000", "1e", "070101", "1b0909090909090909", "1900"] {
        let bytes = unhex(hex);
        let fault = walk(&bytes, Epoch::ZeroRtt, OPEN).find_map(Result::err).expect("barred");
        let barred = Fault::BarredFrame { frame: u64::from(bytes[0]), epoch: Epoch::ZeroRtt };
        assert_eq!(fault, barred); // spec: 9000-12.5-m
        assert_eq!(fault.code(), 0x0a);
    }
}

#[test]
fn a_type_is_written_in_as_few_bytes_as_it_takes() {
    for (hex, frame) in
        [("4001", 0x01), ("80000001", 0x01), ("c000000000000006000000", 0x06), ("800000af", 0xaf)]
    {
        assert_eq!(frames(&unhex(hex)), Err(Fault::LongFrameType { frame })); // spec: 9000-12.4-o
    }
    assert_eq!(Fault::LongFrameType { frame: 1 }.code(), 0x0a);
}

#[test]
fn a_packet_without_frames_is_a_fault() {
    assert_eq!(frames(&[]), Err(Fault::EmptyPacket)); // spec: 9000-12.4-m
}

#[test]
fn an_unknown_type_ends_the_walk() {
    for (hex, frame) in [("0121", 0x21), ("014040", 0x40), ("01c0000000ffffffff", 0xffff_ffff)] {
        let bytes = unhex(hex);
        let mut walk = walk(&bytes, Epoch::OneRtt, OPEN);
        assert_eq!(walk.next(), Some(Ok(Frame::Ping)));
        assert_eq!(walk.next(), Some(Err(Fault::UnknownFrame { frame }))); // spec: 9000-12.4-p
        assert_eq!(walk.next(), None);
    }
}

#[test]
fn an_extension_that_we_did_not_offer_is_unknown() {
    for (hex, _) in samples() {
        let bytes = unhex(hex);
        let read = walk(&bytes, Epoch::OneRtt, Terms::plain(Side::Server)).next().expect("a frame");
        match hex.get(..2) {
            Some("24") => assert_eq!(read, Err(Fault::UnknownFrame { frame: 0x24 })),
            Some("40") => assert_eq!(read, Err(Fault::UnknownFrame { frame: 0xaf })),
            Some("1f") => assert_eq!(read, Err(Fault::UnknownFrame { frame: 0x1f })),
            Some("31") => assert_eq!(read, Err(Fault::UnexpectedDatagram)), // spec: 9221-3-a
            _ => assert!(read.is_ok(), "{hex}"),
        }
    }
}

#[test]
fn a_datagram_frame_may_be_as_large_as_we_said() {
    for (size, hex, fits) in [
        (5, "3103010203", true),
        (4, "3103010203", false), // spec: 9221-3-b
        (4, "30010203", true),
        (3, "30010203", false),
    ] {
        let terms = Terms { max_datagram_frame_size: size, ..OPEN };
        let bytes = unhex(hex);
        let read = walk(&bytes, Epoch::OneRtt, terms).next().expect("a frame");
        assert_eq!(read.is_ok(), fits, "{hex} with {size}");
        assert!(fits || read == Err(Fault::DatagramTooLarge));
    }
}

#[test]
fn a_client_neither_hands_out_tokens_nor_confirms() {
    let terms = Terms { sender: Side::Client, ..OPEN };
    for (hex, frame) in [("0703123456", 0x07), ("1e", 0x1e)] {
        let bytes = unhex(hex);
        let read = walk(&bytes, Epoch::OneRtt, terms).next();
        assert_eq!(read, Some(Err(Fault::FrameOfServers { frame }))); // spec: 9000-19.7-n 9000-19.20-m
    }
    for (hex, frame) in samples().into_iter().filter(|(_, frame)| !frame.rule().is_of_servers) {
        let bytes = unhex(hex);
        assert_eq!(walk(&bytes, Epoch::OneRtt, terms).next(), Some(Ok(frame)));
    }
}

#[test]
fn values_out_of_bounds_are_refused() {
    let stream = |frame| Fault::StreamOffsetTooLarge { frame };
    let streams = |frame| Fault::StreamCountTooLarge { frame };
    let refused: &[(&str, Fault)] = &[
        ("06ffffffffffffffff0101", Fault::CryptoOffsetTooLarge), // spec: 9000-19.6-m
        ("0700", Fault::EmptyToken),                             // spec: 9000-19.7-m
        ("0e00ffffffffffffffff0101", stream(0x0e)),              // spec: 9000-19.8-m
        ("0c00fffffffffffffffe0102", stream(0x0c)),
        ("12d000000000000001", streams(0x12)), // spec: 9000-19.11-m 9000-4.6-m
        ("13d000000000000001", streams(0x13)),
        ("16d000000000000001", streams(0x16)), // spec: 9000-19.14-m
        ("17d000000000000001", streams(0x17)),
        ("18000000", Fault::ConnectionIdLength), // spec: 9000-19.15-m
        ("18000015", Fault::ConnectionIdLength),
        ("180001", Fault::RetirePriorToAhead),       // spec: 9000-19.15-n
        ("2405000405", Fault::ReliableSizeTooLarge), // spec: rsa-4-m
        ("40af0000403e00", Fault::RequestedAckDelay), // spec: ackfreq-4-m
        ("40af000080fa000000", Fault::RequestedAckDelay),
    ];
    for (hex, fault) in refused {
        assert_eq!(frames(&unhex(hex)), Err(fault.clone()), "{hex}");
    }
}

#[test]
fn values_at_their_bounds_are_taken() {
    for hex in [
        "06ffffffffffffffff00",
        "06fffffffffffffffe0101",
        "0e00fffffffffffffffe0101",
        "12d000000000000000",
        "17d000000000000000",
        "2405000404",
        "40af000043e800",     // 1,000 microseconds, as agreed
        "40af000080f9fc1800", // 2^14 - 1 milliseconds
    ] {
        assert!(frames(&unhex(hex)).is_ok(), "{hex}");
    }
    let longest = format!("18000014{}{}", "0a".repeat(20), "09".repeat(16));
    assert!(frames(&unhex(&longest)).is_ok());
}

#[test]
fn padding_counts_as_one_run() {
    let bytes = unhex("00000001000000");
    let expected = vec![Frame::Padding(3), Frame::Ping, Frame::Padding(3)];
    assert_eq!(frames(&bytes), Ok(expected));
}

/// RFC 9001, appendix A.2: the client's Initial packet, whole.
#[test]
fn the_rfcs_client_initial_is_a_crypto_frame_and_padding() {
    let crypto = "060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e868\
                  04fe3a47f06a2b69484c00000413011302010000c000000010000e00000b6578\
                  616d706c652e636f6dff01000100000a00080006001d00170018001000070005\
                  04616c706e000500050100000000003300260024001d00209370b2c9caa47fba\
                  baf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b000302030400\
                  0d0010000e0403050306030203080408050806002d00020101001c0002400100\
                  3900320408ffffffffffffffff05048000ffff07048000ffff08011001048000\
                  75300901100f088394c8f03e51570806048000ffff";
    let mut bytes = unhex(crypto);
    let len = bytes.len();
    bytes.resize(1_162, 0);
    let mut walk = walk(&bytes, Epoch::Initial, Terms::plain(Side::Client));
    let Some(Ok(Frame::Crypto(Crypto { offset: 0, data }))) = walk.next() else { panic!("CRYPTO") };
    assert_eq!(data.len(), 0xf1);
    assert_eq!(walk.next(), Some(Ok(Frame::Padding(1_162 - len))));
    assert_eq!(walk.next(), None);
}

/// RFC 9001, appendix A.3: the server's Initial packet, whole.
#[test]
fn the_rfcs_server_initial_is_an_ack_and_a_crypto_frame() {
    let bytes = unhex(
        "02000000000600405a020000560303eefce7f7b37ba1d1632e96677825ddf739\
         88cfc79825df566dc5430b9a045a1200130100002e00330024001d00209d3c94\
         0d89690b84d08a60993c144eca684d1081287c834d5311bcf32bb9da1a002b00\
         020304",
    );
    let mut walk = walk(&bytes, Epoch::Initial, Terms::plain(Side::Server));
    let Some(Ok(Frame::Ack(ack))) = walk.next() else { panic!("ACK") };
    assert!(ack.ranges().eq(core::iter::once(0..1)));
    let Some(Ok(Frame::Crypto(crypto))) = walk.next() else { panic!("CRYPTO") };
    assert_eq!((crypto.offset, crypto.data.len()), (0, 0x5a));
    assert_eq!(walk.next(), None);
    let mut out = vec![0; bytes.len()];
    let mut writer = Writer::new(&mut out);
    write_ack(&mut writer, core::iter::once(0..1), 0, None).expect("fits");
    crypto.write(&mut writer).expect("fits");
    assert_eq!(out, bytes);
}

#[test]
fn what_fits_is_what_can_be_written() {
    for room in 0..200 {
        for (id, offset) in [(0, 0), (0, 10), (70, 0), (70, 20_000), (1 << 30, 1 << 30)] {
            let data = [7; 300];
            let stream = Stream { id, offset, data: &data, fin: false, to_end: false };
            let fits = |len: usize| Frame::Stream(Stream { data: &data[..len], ..stream });
            let most = (0..data.len()).rev().find(|len| written_in(&fits(*len), room).is_some());
            assert_eq!(
                Stream::fit(room, id, offset, 300),
                most.map(|len| len as u64),
                "{id} {offset} in {room}"
            );
            let crypto = |len: usize| Frame::Crypto(Crypto { offset, data: &data[..len] });
            let most = (1..data.len()).rev().find(|len| written_in(&crypto(*len), room).is_some());
            assert_eq!(Crypto::fit(room, offset, 300), most.unwrap_or(0) as u64, "{offset} in {room}");
        }
    }
    // Where the length takes two bytes, and where it takes four.
    for room in (60..80).chain(16_380..16_400) {
        let len = Stream::fit(room, 4, 0, u64::MAX).expect("it fits");
        let frame = |len| 2 + varint_len(len) + len as usize;
        assert!(frame(len) <= room && frame(len + 1) > room, "{room}");
    }
    assert_eq!(Stream::fit(1_200, 4, 0, 5), Some(5));
    assert_eq!(Stream::fit(3, 4, 0, 0), Some(0));
}

#[test]
fn a_head_and_its_bytes_make_the_frame() {
    let stream = Stream { id: 4, offset: 9, data: b"abc", fin: true, to_end: false };
    let mut out = [0; 16];
    let mut writer = Writer::new(&mut out);
    Stream { data: b"", ..stream }.write_head(&mut writer, 3).expect("fits");
    writer.put(b"abc").expect("fits");
    let len = writer.written();
    assert_eq!(out[..len], written(&Frame::Stream(stream)));
}

#[test]
fn the_applications_reason_stays_within_1_rtt() {
    let close = ConnectionClose { code: 0x100, frame_type: None, reason: b"secret" };
    for epoch in [Epoch::Initial, Epoch::Handshake] {
        let shown = close.disclosed_in(epoch);
        assert_eq!(shown.kind(), kind::CONNECTION_CLOSE);
        assert_eq!(shown.code, 0x0c); // spec: 9000-10.2.3-n
        assert_eq!(shown.reason, b""); // spec: 9000-10.2.3-m
    }
    assert_eq!(close.disclosed_in(Epoch::OneRtt), close);
    let transport = ConnectionClose { frame_type: Some(0), ..close };
    assert_eq!(transport.disclosed_in(Epoch::Initial), transport);
}

#[test]
fn a_reason_is_cut_between_characters() {
    let reason = "né".repeat(50);
    let close = ConnectionClose { code: 0x0a, frame_type: Some(0), reason: reason.as_bytes() };
    for room in 4..200 {
        let cut = close.shortened(room);
        assert!(core::str::from_utf8(cut.reason).is_ok());
        assert!(written_in(&Frame::ConnectionClose(cut), room).is_some(), "{room}");
        assert!(cut.reason.len() + 8 >= room.min(reason.len()), "{room}: {}", cut.reason.len());
    }
    assert_eq!(close.shortened(1_200), close);
}

fn frames(bytes: &[u8]) -> Result<Vec<Frame<'_>>, Fault> {
    walk(bytes, Epoch::OneRtt, OPEN).collect()
}

fn written(frame: &Frame<'_>) -> Vec<u8> {
    written_in(frame, 2_048).expect("2,048 bytes hold each sample")
}

fn written_in(frame: &Frame<'_>, room: usize) -> Option<Vec<u8>> {
    let mut out = vec![0; room];
    let mut writer = Writer::new(&mut out);
    frame.write(&mut writer).ok()?;
    let len = writer.written();
    out.truncate(len);
    Some(out)
}

fn unhex(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(|digit| *digit != b' ').collect();
    let pair = |pair: &[u8]| {
        let digits = core::str::from_utf8(pair).expect("hexadecimal digits");
        u8::from_str_radix(digits, 16).expect("hexadecimal digits")
    };
    digits.chunks(2).map(pair).collect()
}
