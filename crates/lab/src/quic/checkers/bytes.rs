//! Every byte once and in order, and a stream that was cut is never taken for a whole one: what one application hears is what the
//! other has written.

use super::Scene;
use crate::{
    checkers::Notebook,
    datagram::{Ending, Note, What},
    quic::{content, tape::peer},
    world::NodeId,
};
use sakigake_quic::rules::Side;
use std::collections::{BTreeMap, BTreeSet};

/// What was heard of a stream.
#[derive(Default)]
struct Ear {
    heard: u64,
    ending: Option<Ending>,
}

/// Which of the client's connections each of the server's is: they have a secret in common. A server may have had some that a
/// client knows nothing of, from copies of its packets.
pub(super) fn pairs(scene: &Scene<'_>) -> BTreeMap<usize, usize> {
    let secrets = |end: NodeId| {
        scene.log.entries().iter().filter_map(move |entry| match &entry.what {
            What::Noted { node, note: Note::Secret { connection, label, secret } } => {
                (*node == end && *label == "CLIENT_TRAFFIC_SECRET_0").then_some((secret, *connection))
            }
            _ => None,
        })
    };
    let clients: BTreeMap<_, _> = secrets(scene.ends[0]).collect();
    secrets(scene.ends[1]).filter_map(|(secret, server)| Some((server, *clients.get(secret)?))).collect()
}

pub(super) fn check(scene: &Scene<'_>, notebook: &mut Notebook) {
    let pairs = pairs(scene);
    let number = |side: Side, connection: usize| match side {
        Side::Client => Some(connection),
        Side::Server => pairs.get(&connection).copied(),
    };
    let mut ears: BTreeMap<(Side, usize, u64), Ear> = BTreeMap::new();
    let mut wrote = BTreeMap::new();
    let mut tossed = BTreeSet::new();
    for entry in scene.log.entries() {
        let What::Noted { node, note } = &entry.what else { continue };
        let Some(at) = scene.ends.iter().position(|end| end == node) else { continue };
        let side = [Side::Client, Side::Server][at];
        match note {
            Note::Wrote { connection, stream, bytes, ending } => {
                if let Some(connection) = number(side, *connection) {
                    wrote.insert((side, connection, *stream), (*bytes, *ending));
                }
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
        let Some(connection) = number(side, connection) else { continue };
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
