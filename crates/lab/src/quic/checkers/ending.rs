//! What should be done is done, by both ends, and nobody finds a fault where nobody forges.

use super::Scene;
use crate::{
    checkers::Notebook,
    datagram::{Note, Over, What},
};
use std::collections::BTreeSet;

pub(super) fn check(scene: &Scene<'_>, notebook: &mut Notebook) {
    let mut complete = [BTreeSet::new(), BTreeSet::new()];
    for entry in scene.log.entries() {
        let What::Noted { node, note } = &entry.what else { continue };
        let Some(at) = scene.ends.iter().position(|end| end == node) else { continue };
        match note {
            Note::Complete { connection } => drop(complete[at].insert(*connection)),
            // A client closes when all has come, which is when all of the server's has gone; what says so may be lost.
            Note::Over { connection, why: Over::Peer | Over::Idle } if at == 1 => {
                complete[1].insert(*connection);
            }
            Note::Over { why: Over::Fault(why), .. } if scene.expected.is_honest => {
                notebook.complain(format!("{node} found fault: {why}"));
            }
            Note::Over { why: Over::Reset, .. } if scene.expected.is_honest => {
                notebook.complain(format!("{node} was reset, and nobody had lost anything"));
            }
            Note::Over { .. } => {}
            _ => continue,
        }
        notebook.see();
    }
    if let Some(expected) = scene.expected.complete {
        let [client, server] = complete.map(|connections| connections.len());
        notebook.expect(client == expected, || format!("the client completed {client} of {expected}"));
        notebook.expect(server >= expected, || format!("the server completed {server} of {expected}"));
    }
}
