//! Nobody acknowledges what has not come to it (RFC 9000 section 13.1).

use super::Scene;
use crate::{
    checkers::Notebook,
    quic::tape::{Event, space},
};
use core::ops::Range;
use sakigake_quic::{frame::Frame, rules::Side};
use std::collections::BTreeMap;

/// Numbers, in ranges that do not touch each other.
#[derive(Default)]
struct Cover(BTreeMap<u64, u64>);

impl Cover {
    fn add(&mut self, number: u64) {
        if self.has(&(number..number + 1)) {
            return;
        }
        let (mut start, mut end) = (number, number + 1);
        if let Some((before, until)) = self.0.range(..=number).next_back()
            && *until == number
        {
            start = *before;
        }
        if let Some(until) = self.0.remove(&end) {
            end = until;
        }
        self.0.insert(start, end);
    }

    fn has(&self, range: &Range<u64>) -> bool {
        self.0.range(..=range.start).next_back().is_some_and(|(_, end)| *end >= range.end)
    }
}

pub(super) fn check(scene: &Scene<'_>, notebook: &mut Notebook) {
    let mut came: BTreeMap<(usize, Side, u8), Cover> = BTreeMap::new();
    for event in &scene.tape.events {
        match event {
            Event::Received { packet, .. } => {
                let packet = &scene.tape.packets[*packet];
                came.entry((packet.connection, packet.sender, space(packet.epoch)))
                    .or_default()
                    .add(packet.number);
            }
            Event::Sent(index) => {
                let packet = &scene.tape.packets[*index];
                let from = crate::quic::tape::peer(packet.sender);
                let came = came.entry((packet.connection, from, space(packet.epoch))).or_default();
                for frame in packet.frames() {
                    let Frame::Ack(ack) = frame else { continue };
                    notebook.see();
                    for range in ack.ranges().filter(|range| !came.has(range)) {
                        notebook.complain(format!(
                            "{:?} acknowledged {range:?}, which had not come",
                            packet.sender
                        ));
                    }
                }
            }
            Event::Out { .. } | Event::In { .. } => {}
        }
    }
}
