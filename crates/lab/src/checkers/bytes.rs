//! Every byte once and in order: what anybody says it received is what the other side had, and a body that was cut is
//! never taken for a whole one.

use super::{
    Notebook, Scene,
    wire::{self, APPLICATION_DATA},
};
use crate::{log::Note, node::pattern, pipe::Side};
use std::collections::BTreeSet;

pub(super) fn check(scene: &Scene<'_>, notebook: &mut Notebook) {
    let mut whole = BTreeSet::new();
    for (_, node, note) in scene.log.notes() {
        let outcome = match note {
            Note::Received { path, status, body } => {
                whole.insert(path.as_str());
                received(scene, path, *status, body)
            }
            Note::Abandoned { path, body } => abandoned(scene, path, body),
            Note::Uploaded { path, body, whole } => uploaded(scene, path, body, *whole),
            Note::Heard { bytes, whole, .. } => {
                let from_client = wire::node(scene.log, Side::Server) == Some(node);
                let speaker = if from_client { Side::Client } else { Side::Server };
                heard(scene, speaker, bytes, *whole)
            }
            _ => continue,
        };
        notebook.see();
        if let Err(what) = outcome {
            notebook.complain(what);
        }
    }
    for path in scene.expected.responses.iter().filter(|_| scene.is_sound()) {
        notebook.expect(whole.contains(path.as_str()), || format!("{path} never came over a sound pipe"));
    }
}

fn received(scene: &Scene<'_>, path: &str, status: u16, body: &[u8]) -> Result<(), String> {
    let (expected, content) = content(scene, path);
    match status == expected && body == content {
        true => Ok(()),
        false => Err(format!(
            "{path} came with {status} and {} bytes, not with {expected} and {}",
            body.len(),
            content.len()
        )),
    }
}

fn abandoned(scene: &Scene<'_>, path: &str, body: &[u8]) -> Result<(), String> {
    match content(scene, path).1.starts_with(body) {
        true => Ok(()),
        false => Err(format!("the {} bytes that came of {path} are not its first", body.len())),
    }
}

fn uploaded(scene: &Scene<'_>, path: &str, body: &[u8], whole: bool) -> Result<(), String> {
    let len = scene.expected.uploads.get(path).copied().unwrap_or(0);
    let is_right = pattern(path, len).starts_with(body) && (!whole || body.len() == len);
    match is_right {
        true => Ok(()),
        false => {
            Err(format!("{path} was sent with {len} bytes and heard with {}, whole: {whole}", body.len()))
        }
    }
}

/// Against what the speaker put into its records.
fn heard(scene: &Scene<'_>, speaker: Side, bytes: &[u8], whole: bool) -> Result<(), String> {
    let (records, _) = wire::records(scene.log, speaker);
    let mut said = Vec::new();
    for record in records.iter().filter(|record| record.is_protected()) {
        if let Some((APPLICATION_DATA, content)) = record.content() {
            said.extend_from_slice(content);
        }
    }
    match said.starts_with(bytes) && (!whole || said.len() == bytes.len()) {
        true => Ok(()),
        false => Err(format!(
            "the {speaker} said {} bytes, {} were heard, whole: {whole}",
            said.len(),
            bytes.len()
        )),
    }
}

fn content<'a>(scene: &Scene<'a>, path: &str) -> (u16, &'a [u8]) {
    match scene.expected.content.get(path) {
        Some((_, body)) => (200, body),
        None => (404, b"not here"),
    }
}
