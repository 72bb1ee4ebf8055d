//! An end of ours against bytes that a test writes by hand.

use super::*;
use crate::frame::FrameHead;
use crate::rules::{self, kind};

/// `GET https://a/` in the static table's words.
pub(super) const GET: &[u8] = &[0x82, 0x87, 0x84, 0x41, 0x01, b'a'];
/// `POST https://a/`.
pub(super) const POST: &[u8] = &[0x83, 0x87, 0x84, 0x41, 0x01, b'a'];
/// `:status: 200`.
pub(super) const OK: &[u8] = &[0x88];

/// A frame as bytes.
pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = FrameHead::new(kind, flags, stream, payload.len()).bytes().to_vec();
    out.extend_from_slice(payload);
    out
}

/// A server that has heard a raw client's preface and empty SETTINGS; what it said is thrown away.
pub(super) fn raw_server(limits: Limits) -> Connection {
    let mut server = Connection::server(Config { limits, ..Config::default() }, ms(1));
    spoken(&mut server);
    let hello =
        [&rules::PREFACE[..], &frame(kind::SETTINGS, 0, 0, &[]), &frame(kind::SETTINGS, 1, 0, &[])].concat();
    server.handle(ms(1), &hello, &mut |_| {}).expect("a good beginning");
    spoken(&mut server);
    server
}

/// A client that has heard a raw server's empty SETTINGS.
pub(super) fn raw_client(limits: Limits) -> Connection {
    let mut client = Connection::client(Config { limits, ..Config::default() }, ms(1));
    spoken(&mut client);
    let hello = [frame(kind::SETTINGS, 0, 0, &[]), frame(kind::SETTINGS, 1, 0, &[])].concat();
    client.handle(ms(1), &hello, &mut |_| {}).expect("a good beginning");
    spoken(&mut client);
    client
}

/// Everything that waits to leave, as frames.
pub(super) fn spoken(connection: &mut Connection) -> Vec<(FrameHead, Vec<u8>)> {
    let mut all = Vec::new();
    let mut out = [0; 4_096];
    while let Some(len) = connection.transmit(ms(1), &mut out) {
        all.extend_from_slice(&out[..len]);
    }
    let mut rest = all.strip_prefix(&rules::PREFACE[..]).unwrap_or(&all);
    let mut frames = Vec::new();
    while let Some((head, later)) = rest.split_first_chunk() {
        let head = FrameHead::read(*head);
        let (payload, later) = later.split_at(head.length as usize);
        frames.push((head, payload.to_vec()));
        rest = later;
    }
    assert!(rest.is_empty(), "whole frames leave");
    frames
}

/// How an end of ours answered what was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Not at all.
    Nothing,
    /// GOAWAY with this code.
    GoAway(u32),
    /// RST_STREAM on this stream with this code.
    Rst(u32, u32),
}

/// The first answer among the frames.
pub(super) fn answer(connection: &mut Connection) -> Answer {
    let last4 = |payload: &[u8]| u32::from_be_bytes(*payload.last_chunk().expect("four bytes of a code"));
    let found = spoken(connection).into_iter().find_map(|(head, payload)| match head.kind {
        kind::GOAWAY => Some(Answer::GoAway(last4(&payload))),
        kind::RST_STREAM => Some(Answer::Rst(head.stream, last4(&payload))),
        _ => None,
    });
    found.unwrap_or(Answer::Nothing)
}

/// Feeds bytes; the answer, and the fault that `handle` gave.
pub(super) fn feed(connection: &mut Connection, bytes: &[u8]) -> (Answer, Option<Fault>) {
    let fault = connection.handle(ms(2), bytes, &mut |_| {}).err();
    (answer(connection), fault)
}
