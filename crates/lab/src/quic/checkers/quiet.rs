//! Traffic ends when there is nothing to say: datagrams are bounded by what is transferred.

use super::Scene;
use crate::{
    checkers::Notebook,
    datagram::{Note, What},
    log,
    quic::tape::Event,
};

/// Payload bytes that a datagram carries at least on the average, what is lost and acknowledged counted in.
const LEAST_YIELD_BYTES: u64 = 200;

pub(super) fn check(scene: &Scene<'_>, notebook: &mut Notebook) {
    let is_out = |event: &&Event| matches!(event, Event::Out { .. });
    let datagrams = scene.tape.events.iter().filter(is_out).count() as u64;
    let heard = scene.log.entries().iter().filter_map(|entry| match &entry.what {
        What::Noted { note: Note::Heard { bytes, .. }, .. } => Some(bytes.len() as u64),
        What::Noted { note: Note::Web { note: log::Note::Received { body, .. }, .. }, .. } => {
            Some(body.len() as u64)
        }
        _ => None,
    });
    let heard: u64 = heard.sum();
    notebook.see();
    let may = scene.expected.spare_datagrams + heard / LEAST_YIELD_BYTES;
    notebook.expect(datagrams <= may, || format!("{datagrams} datagrams for {heard} bytes, {may} would do"));
}
