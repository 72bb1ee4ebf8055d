//! Nobody sends more than it was granted: of a stream, of all streams, of streams (RFC 9000 section 4).

use super::{Grants, Scene};
use crate::{
    checkers::Notebook,
    quic::tape::{Event, Packet, peer},
};
use sakigake_quic::{
    frame::{Direction, Frame},
    rules::Side,
};
use std::collections::BTreeMap;

/// What one side of a connection may send, and has.
struct Account {
    grants: Grants,
    streams: BTreeMap<u64, (u64, u64)>,
    used: u64,
}

impl Account {
    /// Takes what was sent of a stream up to `end`.
    fn spend(&mut self, sender: Side, stream: u64, end: u64) -> Result<(), String> {
        let is_own = (stream & 1 == 1) == (sender == Side::Server);
        let most = self.grants.streams[usize::from(stream & 2 != 0)];
        if is_own && stream >> 2 >= most {
            return Err(format!("{sender:?} opened stream {stream}, of {most} that it may"));
        }
        let (used, may) = self.streams.entry(stream).or_insert((0, self.grants.stream_data));
        self.used += end.saturating_sub(*used);
        *used = end.max(*used);
        if *used > *may {
            return Err(format!("{sender:?} sent {used} bytes of stream {stream}, of {may}"));
        }
        match self.used > self.grants.data {
            true => Err(format!("{sender:?} sent {} bytes, of {}", self.used, self.grants.data)),
            false => Ok(()),
        }
    }

    fn grant(&mut self, frame: &Frame<'_>) {
        match frame {
            Frame::MaxData(frame) => self.grants.data = self.grants.data.max(frame.maximum),
            Frame::MaxStreamData(frame) => {
                let (_, may) = self.streams.entry(frame.id).or_insert((0, self.grants.stream_data));
                *may = frame.maximum.max(*may);
            }
            Frame::MaxStreams(frame) => {
                let may = &mut self.grants.streams[usize::from(frame.direction == Direction::Unidirectional)];
                *may = frame.maximum.max(*may);
            }
            _ => {}
        }
    }
}

pub(super) fn check(scene: &Scene<'_>, notebook: &mut Notebook) {
    let mut accounts: BTreeMap<(usize, Side), Account> = BTreeMap::new();
    let mut account = |packet: &Packet, side: Side, act: &mut dyn FnMut(&mut Account, &Packet)| {
        // What a side may send the other one grants.
        let grants = scene.expected.grants[peer(side) as usize];
        let new = || Account { grants, streams: BTreeMap::new(), used: 0 };
        act(accounts.entry((packet.connection, side)).or_insert_with(new), packet);
    };
    for event in &scene.tape.events {
        match event {
            Event::Sent(index) => {
                let packet = &scene.tape.packets[*index];
                if scene.tape.is_void(packet) {
                    continue;
                }
                account(packet, packet.sender, &mut |account, packet| {
                    for frame in packet.frames() {
                        let (stream, end) = match frame {
                            Frame::Stream(frame) => (frame.id, frame.offset + frame.data.len() as u64),
                            Frame::ResetStream(frame) => (frame.id, frame.final_size),
                            Frame::ResetStreamAt(frame) => (frame.id, frame.final_size),
                            _ => continue,
                        };
                        notebook.see();
                        if let Err(what) = account.spend(packet.sender, stream, end) {
                            notebook.complain(what);
                        }
                    }
                });
            }
            Event::Received { packet, .. } => {
                let packet = &scene.tape.packets[*packet];
                account(packet, peer(packet.sender), &mut |account, packet| {
                    packet.frames().for_each(|frame| account.grant(&frame));
                });
            }
            Event::Out { .. } | Event::In { .. } => {}
        }
    }
}
