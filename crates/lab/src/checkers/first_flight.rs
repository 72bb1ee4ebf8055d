//! The server speaks first: SETTINGS and PRELOAD leave with its Finished, before the client's Finished is even written.

use super::{Notebook, Scene, frames, wire};
use crate::pipe::Side;

const SETTINGS: u8 = 4;
const PRELOAD: u8 = 0xf0;

pub(super) fn check(scene: &Scene<'_>, notebook: &mut Notebook) {
    if !scene.expected.has_hints {
        return;
    }
    let [client, server] = [Side::Client, Side::Server].map(|side| wire::records(scene.log, side).0);
    let Some(finished) = wire::finished(&server) else { return };
    let Ok(frames) = frames::frames(scene, Side::Server) else { return };
    notebook.see();
    let first = |kind| frames.iter().find(|frame| frame.kind == kind);
    let entries = scene.log.entries();
    for (name, kind) in [("SETTINGS", SETTINGS), ("PRELOAD", PRELOAD)] {
        let Some(frame) = first(kind) else {
            // An alert may have come instead.
            notebook.expect(!scene.is_sound(), || format!("there is no {name} with the server's Finished"));
            return;
        };
        notebook.see();
        let left = entries[frame.wrote].at;
        notebook.expect(left == finished.at, || {
            format!("{name} left at {left:?}, Finished at {:?}", finished.at)
        });
        if let Some(answer) = wire::finished(&client) {
            notebook
                .expect(frame.wrote < answer.wrote, || format!("{name} waited for the client's Finished"));
            let is_plain = scene.link.piece_bytes == 0 && scene.link.jitter.as_nanos() == 0;
            let is_plain = is_plain && scene.link.bits_per_s.is_none() && scene.is_sound();
            let came = frame.heard().is_some_and(|heard| heard < answer.wrote);
            notebook.expect(came || !is_plain, || {
                format!("{name} came after the client had written its Finished")
            });
        }
    }
    let order = frames.iter().map(|frame| frame.kind).take(3);
    let is_after = order.clone().next() == Some(SETTINGS);
    notebook.expect(is_after, || format!("the server's first frames are {:?}", order.collect::<Vec<_>>()));
}
