//! Every byte once and in order, and a stream that was cut is never taken for a whole one: what one application hears is what the
//! other has written.

use super::Scene;
use crate::{
    checkers::Notebook,
    datagram::{Ending, Note, What},
    quic::{content, tape::peer},
};
use sakigake_quic::rules::Side;
use std::collections::{BTreeMap, BTreeSet};

/// What was heard of a stream.
#[derive(Default)]
struct Ear {
    heard: u64,
    ending: Option<Ending>,
}

pub(super) fn check(scene: &Scene<'_>, notebook: &mut Notebook) {
    let mut ears: BTreeMap<(Side, usize, u64), Ear> = BTreeMap::new();
    let mut wrote = BTreeMap::new();
    let mut tossed = BTreeSet::new();
    for entry in scene.log.entries() {
        let What::Noted { node, note } = &entry.what else { continue };
        let Some(at) = scene.ends.iter().position(|end| end == node) else { continue };
        let side = [Side::Client, Side::Server][at];
        match note {
            Note::Wrote { connection, stream, bytes, ending } => {
                wrote.insert((side, *connection, *stream), (*bytes, *ending));
            }
            Note::Heard { connection, stream, bytes } => {
                notebook.see();
                let ear = ears.entry((side, *connection, *stream)).or_default();
                let is_right = content::is_right(peer(side), *stream, ear.heard, bytes);
                notebook.expect(is_right && ear.ending.is_none(), || {
                    format!(
                        "{side:?} heard {} bytes of stream {stream} at {}, which are others",
                        bytes.len(),
                        ear.heard
                    )
                });
                ear.heard += bytes.len() as u64;
            }
            Note::Ended { connection, stream, ending } => {
                let ear = ears.entry((side, *connection, *stream)).or_default();
                let before = ear.ending.replace(*ending);
                notebook.expect(before.is_none(), || format!("{side:?} heard stream {stream} end twice"));
            }
            Note::Tossed { bytes, .. } => drop(tossed.insert((side, bytes))),
            Note::Caught { bytes, .. } => {
                notebook.see();
                let is_known = tossed.contains(&(peer(side), bytes));
                notebook.expect(is_known, || format!("{side:?} heard a datagram that nobody sent"));
            }
            _ => {}
        }
    }
    for ((side, connection, stream), ear) in ears {
        // Ends number their connections alike where each reaches the server once; else nothing can be said.
        let said = wrote.get(&(peer(side), connection, stream));
        match (ear.ending, said) {
            (Some(Ending::Finished), Some((bytes, Ending::Finished))) => {
                notebook.see();
                notebook.expect(ear.heard == *bytes, || {
                    format!("{side:?} heard {} of {bytes} bytes of stream {stream} as the whole", ear.heard)
                });
            }
            (Some(Ending::Finished), said) => {
                notebook
                    .complain(format!("{side:?} heard stream {stream} whole, of which {said:?} was written"));
            }
            (_, Some((bytes, Ending::Finished))) => {
                notebook
                    .expect(ear.heard <= *bytes, || format!("{side:?} heard more than there is of {stream}"));
            }
            (ending, Some((_, Ending::Reset { reliable }))) => {
                let is_cut = ending.is_some() && ear.heard < *reliable;
                notebook.expect(!is_cut, || {
                    format!("{side:?} heard {} of {reliable} bytes of {stream}", ear.heard)
                });
            }
            _ => {}
        }
    }
}
