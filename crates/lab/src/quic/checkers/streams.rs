//! What stands in STREAM frames is what the sender has to say, sent again or not, and a stream has one end (RFC 9000 sections 2.2
//! and 4.5). Where nobody knows beforehand what it has to say, it says the same whenever it says it.

use super::Scene;
use crate::{
    checkers::Notebook,
    quic::{content, tape::Event},
};
use sakigake_quic::frame::Frame;
use std::collections::BTreeMap;

pub(super) fn check(scene: &Scene<'_>, notebook: &mut Notebook) {
    // The final size, once it is told, and what was sent so far.
    let mut ends: BTreeMap<_, (Option<u64>, u64)> = BTreeMap::new();
    let mut said: BTreeMap<_, BTreeMap<u64, u8>> = BTreeMap::new();
    for event in &scene.tape.events {
        let Event::Sent(index) = event else { continue };
        let packet = &scene.tape.packets[*index];
        if scene.tape.is_void(packet) {
            continue;
        }
        for frame in packet.frames() {
            let (stream, end, is_final) = match frame {
                Frame::Stream(frame) => {
                    let is_right = match scene.expected.page.is_some() {
                        false => content::is_right(packet.sender, frame.id, frame.offset, frame.data),
                        true => {
                            let stream =
                                said.entry((packet.connection, packet.sender, frame.id)).or_default();
                            repeats(stream, frame.offset, frame.data)
                        }
                    };
                    notebook.expect(is_right, || {
                        format!(
                            "{:?} sent wrong bytes of stream {} at {}",
                            packet.sender, frame.id, frame.offset
                        )
                    });
                    (frame.id, frame.offset + frame.data.len() as u64, frame.fin)
                }
                Frame::ResetStream(frame) => (frame.id, frame.final_size, true),
                Frame::ResetStreamAt(frame) => (frame.id, frame.final_size, true),
                _ => continue,
            };
            notebook.see();
            let (last, most) = ends.entry((packet.connection, packet.sender, stream)).or_default();
            *most = end.max(*most);
            if is_final {
                let before = *last.get_or_insert(end);
                notebook.expect(before == end, || format!("stream {stream} ends at {before} and at {end}"));
            }
            notebook.expect(last.is_none_or(|last| *most <= last), || {
                format!("stream {stream} goes on to {most} behind its end")
            });
        }
    }
}

/// Whether what was said there before is what is said now.
fn repeats(said: &mut BTreeMap<u64, u8>, offset: u64, data: &[u8]) -> bool {
    let mut places = (offset..).zip(data);
    places.all(|(at, byte)| *said.entry(at).or_insert(*byte) == *byte)
}
