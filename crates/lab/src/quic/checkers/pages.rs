//! Pages over HTTP/3: one that is said to be complete has everything, byte for byte; nobody is asked twice; and what a page does
//! not name is asked for where the server has hinted at it, and nowhere else.

use super::{Page, Scene, bytes::pairs};
use crate::{
    checkers::Notebook,
    datagram::{Note, What},
    log,
    quic::tape::Event,
    scenario::HOST,
};
use sakigake_quic::{frame::Frame, rules::Side};
use sakigake_wire::Instant;
use std::collections::{BTreeMap, BTreeSet};

/// What an end says of HTTP: when, on which of its connections.
fn said<'a>(scene: &'a Scene<'_>, side: Side) -> impl Iterator<Item = (Instant, usize, &'a log::Note)> {
    let end = scene.ends[usize::from(side == Side::Server)];
    scene.log.entries().iter().filter_map(move |entry| match &entry.what {
        What::Noted { node, note: Note::Web { connection, note } } if *node == end => {
            Some((entry.at, *connection, note))
        }
        _ => None,
    })
}

/// What came is what there is, and a page that is complete has all of it. No session found fault.
pub(super) fn check(scene: &Scene<'_>, notebook: &mut Notebook) {
    let Some(page) = &scene.expected.page else { return };
    let mut came: BTreeMap<usize, BTreeSet<&str>> = BTreeMap::new();
    for (_, connection, note) in said(scene, Side::Client) {
        match note {
            log::Note::Received { path, status, body } => {
                let there = page.content.get(path).map(|(_, body)| body.as_slice());
                let (expected, bytes) = there.map_or((404, &b"not here"[..]), |body| (200, body));
                notebook.expect((*status, body.as_slice()) == (expected, bytes), || {
                    format!(
                        "{path} came with {status} and {} bytes, not with {expected} and {}",
                        body.len(),
                        bytes.len()
                    )
                });
                let is_first = came.entry(connection).or_default().insert(path);
                notebook.expect(is_first, || format!("{path} came twice"));
            }
            log::Note::Complete => {
                let came = came.entry(connection).or_default();
                let needed = page.content.keys().filter(|path| *path == "/" || names(page, path).count() > 0);
                for path in needed.filter(|path| !came.contains(path.as_str())) {
                    notebook.complain(format!("the page is complete without {path}"));
                }
            }
            _ => continue,
        }
        notebook.see();
    }
    for side in [Side::Client, Side::Server] {
        for (_, connection, note) in said(scene, side) {
            if let log::Note::Said(what) = note {
                notebook.complain(format!("{side:?}, connection {connection}: {what}"));
            }
        }
    }
}

/// A client asks for each thing once on a connection, or once more where its early data was not taken; a server hears it once.
pub(super) fn requests(scene: &Scene<'_>, notebook: &mut Notebook) {
    let pairs = pairs(scene);
    let (mut asked, mut heard) = (BTreeMap::new(), BTreeMap::new());
    for (_, connection, note) in said(scene, Side::Client) {
        if let log::Note::Requested { request } = note {
            *asked.entry((connection, request)).or_insert(0_u32) += 1;
        }
    }
    for (_, connection, note) in said(scene, Side::Server) {
        let (log::Note::Asked { request }, Some(client)) = (note, pairs.get(&connection)) else { continue };
        notebook.see();
        let times = heard.entry((*client, request)).or_insert(0_u32);
        *times += 1;
        notebook.expect(*times == 1, || format!("{request} was heard {times} times of connection {client}"));
        notebook
            .expect(asked.contains_key(&(*client, request)), || format!("{request} was heard and not asked"));
    }
    let is_rejected = |connection: usize| {
        scene.log.entries().iter().any(|entry| {
            matches!(&entry.what, What::Noted { node, note: Note::Rejected { connection: of } }
                if *node == scene.ends[0] && *of == connection)
        })
    };
    for ((connection, request), times) in asked {
        let may = 1 + u32::from(times > 1 && is_rejected(connection));
        notebook.expect(times <= may, || format!("{request} was asked {times} times"));
    }
}

/// Hints come by PRELOAD frames on the server's control stream, behind its SETTINGS, or are remembered of such; nobody asks for
/// what nothing has named.
pub(super) fn hints(scene: &Scene<'_>, notebook: &mut Notebook) {
    let Some(page) = &scene.expected.page else { return };
    let frames = control_frames(scene, notebook);
    let (mut hinted, mut asked) = (BTreeSet::new(), BTreeMap::new());
    for (at, connection, note) in said(scene, Side::Client) {
        match note {
            log::Note::Hinted { taken } => {
                notebook.see();
                // What was learnt on one connection is remembered on the next ones.
                let is_said = frames.range(..=connection).any(|(_, frames)| frames.contains(&PRELOAD));
                notebook.expect(page.has_others || (page.has_hints && is_said), || {
                    format!("connection {connection} heard hints that nobody gave")
                });
                notebook.expect(page.follows || *taken == 0, || format!("{taken} hints were taken unasked"));
                if *taken > 0 {
                    hinted.insert(connection);
                }
            }
            log::Note::Requested { request } => {
                let Some(path) = request.strip_prefix("GET ").and_then(|rest| rest.strip_prefix(HOST)) else {
                    notebook.complain(format!("{request} is no request of a page"));
                    continue;
                };
                let mut named = names(page, path).filter_map(|by| asked.get(&(connection, by)));
                let is_due = path == "/"
                    || page.has_others
                    || hinted.contains(&connection)
                    || named.any(|by: &Instant| *by < at);
                notebook.expect(is_due, || format!("{path} was asked for, which nothing had named"));
                asked.entry((connection, path)).or_insert(at);
            }
            _ => {}
        }
    }
}

/// The resources that name a path.
fn names<'a>(page: &'a Page, path: &str) -> impl Iterator<Item = &'a str> {
    let by = |(_, body): &(String, Vec<u8>)| body.windows(path.len()).any(|part| part == path.as_bytes());
    page.content.iter().filter(move |(_, of)| by(of)).map(|(by, _)| by.as_str())
}

const SETTINGS: u64 = 0x04;
const PRELOAD: u64 = 0xf0;
/// The server's first unidirectional stream, which it opens for control.
const SERVERS_CONTROL: u64 = 3;

/// The types of the frames on the server's control stream, by the client's connection. They begin with SETTINGS.
fn control_frames(scene: &Scene<'_>, notebook: &mut Notebook) -> BTreeMap<usize, Vec<u64>> {
    let mut streams: BTreeMap<usize, BTreeMap<u64, u8>> = BTreeMap::new();
    for event in &scene.tape.events {
        let Event::Sent(index) = event else { continue };
        let packet = &scene.tape.packets[*index];
        for frame in packet.frames().filter(|_| packet.sender == Side::Server) {
            let Frame::Stream(frame) = frame else { continue };
            if frame.id == SERVERS_CONTROL {
                let bytes = streams.entry(packet.connection).or_default();
                bytes.extend((frame.offset..).zip(frame.data.iter().copied()));
            }
        }
    }
    let read = |(connection, bytes): (usize, BTreeMap<u64, u8>)| {
        let whole = (0..).zip(bytes).take_while(|(at, (offset, _))| at == offset);
        let bytes: Vec<u8> = whole.map(|(_, (_, byte))| byte).collect();
        let frames = types(&bytes);
        notebook.see();
        let is_first = frames.first().is_none_or(|first| *first == SETTINGS);
        notebook.expect(is_first, || format!("the server's control stream begins with {frames:x?}"));
        (connection, frames)
    };
    streams.into_iter().map(read).collect()
}

/// The types of frames that begin in a control stream's bytes.
fn types(bytes: &[u8]) -> Vec<u64> {
    let mut types = Vec::new();
    let Some((0, mut rest)) = varint(bytes) else { return types };
    while let Some((kind, behind)) = varint(rest) {
        types.push(kind);
        let Some((len, payload)) = varint(behind) else { break };
        let Some(next) = usize::try_from(len).ok().and_then(|len| payload.get(len..)) else { break };
        rest = next;
    }
    types
}

/// RFC 9000 section 16.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let first = *bytes.first()?;
    let (own, rest) = bytes.split_at_checked(1 << (first >> 6))?;
    let value = own[1..].iter().fold(u64::from(first & 0x3f), |value, byte| value << 8 | u64::from(*byte));
    Some((value, rest))
}

#[cfg(test)]
mod tests;
