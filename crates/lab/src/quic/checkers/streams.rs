//! What stands in STREAM frames is what the sender has to say, sent again or not, and a stream has one end (RFC 9000 sections 2.2
//! and 4.5).

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
    for event in &scene.tape.events {
        let Event::Sent(index) = event else { continue };
        let packet = &scene.tape.packets[*index];
        if scene.tape.is_void(packet) {
            continue;
        }
        for frame in packet.frames() {
            let (stream, end, is_final) = match frame {
                Frame::Stream(frame) => {
                    let is_right = content::is_right(packet.sender, frame.id, frame.offset, frame.data);
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
