//! One fault, one alert: a byte that was changed in the pipe is found, and said.

use super::{Notebook, Scene, wire};
use crate::{
    log::{Note, What},
    pipe::{Fault, Side},
};

const BAD_RECORD_MAC: u8 = 20;
const CLOSE_NOTIFY: u8 = 0;
const FATAL: u8 = 2;

pub(super) fn check(scene: &Scene<'_>, notebook: &mut Notebook) {
    for side in [Side::Client, Side::Server] {
        let (records, _) = wire::records(scene.log, side);
        let alerts: Vec<_> = records.iter().filter_map(wire::Record::alert).collect();
        alerts.iter().for_each(|_| notebook.see());
        let fatal = alerts.iter().filter(|[level, _]| *level == FATAL).count();
        notebook.expect(fatal <= 1, || format!("the {side} sent {fatal} fatal alerts"));
    }
    let struck: Vec<(Side, Fault)> = scene
        .log
        .entries()
        .iter()
        .filter_map(|entry| match entry.what {
            What::Faulted { from, fault, .. } => Some((from, fault)),
            _ => None,
        })
        .collect();
    let [(speaker, Fault::Corrupt)] = struck[..] else { return };
    let planned = scene.link.faults.iter().filter(|planned| planned.fault == Fault::Corrupt);
    let [planned] = planned.filter(|planned| planned.from == speaker).collect::<Vec<_>>()[..] else { return };
    notebook.see();
    corrupted(scene, speaker, planned.at_byte as usize, notebook);
}

/// One byte of the speaker's was changed, and nothing else went wrong.
fn corrupted(scene: &Scene<'_>, speaker: Side, at: usize, notebook: &mut Notebook) {
    let (records, _) = wire::records(scene.log, speaker);
    let Some(record) = records.iter().find(|record| (record.start..record.end()).contains(&at)) else {
        return;
    };
    let Some(heard) = record.heard else { return };
    let within = at - record.start;
    let listener = wire::node(scene.log, speaker.peer());
    let found = |by| wire::notes(scene.log, by).any(|(_, note)| matches!(note, Note::Fault { .. }));
    let (answers, _) = wire::records(scene.log, speaker.peer());
    let closed = |record: &wire::Record| matches!(record.alert(), Some([level, what]) if level == FATAL || what == CLOSE_NOTIFY);
    if answers.iter().any(|answer| closed(answer) && answer.wrote < heard) {
        return; // Nobody listened any more, or nobody could say it.
    }
    if record.is_protected() && within >= wire::HEAD_BYTES {
        notebook
            .expect(found(listener), || format!("byte {at} of the {speaker} was changed, and nobody minded"));
        let said =
            answers.iter().filter_map(wire::Record::alert).any(|alert| alert == [FATAL, BAD_RECORD_MAC]);
        let ends = |note: &&Note| matches!(note, Note::Closed { .. } | Note::Fault { .. });
        let first = wire::notes(scene.log, listener).map(|(_, note)| note).find(ends);
        let closed_first = matches!(first, Some(Note::Closed { .. }));
        notebook.expect(said || closed_first, || {
            format!("byte {at} of the {speaker} was changed, and it was not bad_record_mac")
        });
        return;
    }
    // The version in a record's head counts for nothing while there are no keys.
    if record.is_protected() || !(1..3).contains(&within) {
        let complete = wire::notes(scene.log, listener).any(|(_, note)| matches!(note, Note::Complete));
        notebook
            .expect(!complete || found(None), || format!("byte {at} of the {speaker} was changed silently"));
    }
}
