//! What should be done is done, by both ends, and nobody finds a fault where nobody forges.
//!
//! There is one excuse, which the log has to prove: a connection became idle, and all that one of its ends sent since something of
//! it had arrived last, ten datagrams or more, was lost by chance. A burst can do that, since it ends with datagrams and not with time.

use super::Scene;
use crate::{
    checkers::Notebook,
    datagram::{Fault, Note, Over, What},
    quic::tape::Event,
};
use sakigake_quic::rules::Side;
use std::collections::{BTreeMap, BTreeSet};

/// Who sent fewer datagrams than that in vain has not tried.
const LEAST_TRIES: usize = 10;
/// What no end can do anything about. A datagram that is too large for its path is its sender's own doing.
const CHANCE: [Fault; 5] = [Fault::Lost, Fault::Burst, Fault::Hole, Fault::Corrupted, Fault::Truncated];

pub(super) fn check(scene: &Scene<'_>, notebook: &mut Notebook) {
    let mut complete = [BTreeSet::new(), BTreeSet::new()];
    let mut idle = BTreeSet::new();
    for entry in scene.log.entries() {
        let What::Noted { node, note } = &entry.what else { continue };
        let Some(at) = scene.ends.iter().position(|end| end == node) else { continue };
        match note {
            Note::Complete { connection } => drop(complete[at].insert(*connection)),
            // A client closes when all has come, which is when all of the server's has gone; what says so may be lost.
            Note::Over { connection, why: Over::Peer | Over::Idle } if at == 1 => {
                complete[1].insert(*connection);
            }
            Note::Over { connection, why: Over::Idle } => drop(idle.insert(*connection)),
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
        let dead = dead(scene);
        let excused =
            |connection: &&usize| !complete[0].contains(connection) && dead.contains_key(connection);
        let excused: Vec<usize> = idle.iter().filter(excused).copied().collect();
        let unheard = excused.iter().filter(|connection| !dead[connection]).count();
        let [client, server] = complete.map(|connections| connections.len());
        notebook.expect(client + excused.len() == expected, || {
            format!("the client completed {client} of {expected}")
        });
        notebook
            .expect(server + unheard >= expected, || format!("the server completed {server} of {expected}"));
    }
}

/// Connections one of whose ends spoke in vain to its end, by their number, and whether the server has ever heard of them.
fn dead(scene: &Scene<'_>) -> BTreeMap<usize, bool> {
    let struck = scene.log.entries().iter().filter_map(|entry| match &entry.what {
        What::Faulted { number, fault } if CHANCE.contains(fault) => Some(*number),
        _ => None,
    });
    let struck: BTreeSet<u64> = struck.collect();
    let mut heard = BTreeSet::new();
    let mut unheard: BTreeMap<(usize, Side), BTreeSet<u64>> = BTreeMap::new();
    for event in &scene.tape.events {
        match event {
            Event::Sent(index) => {
                let packet = &scene.tape.packets[*index];
                unheard.entry((packet.connection, packet.sender)).or_default().insert(packet.datagram);
            }
            Event::Received { packet, .. } => {
                let packet = &scene.tape.packets[*packet];
                heard.insert((packet.connection, packet.sender));
                unheard.remove(&(packet.connection, packet.sender));
            }
            Event::Out { .. } | Event::In { .. } => {}
        }
    }
    let in_vain = unheard
        .into_iter()
        .filter(|(_, datagrams)| datagrams.len() >= LEAST_TRIES && datagrams.is_subset(&struck));
    in_vain.map(|((connection, _), _)| (connection, heard.contains(&(connection, Side::Client)))).collect()
}
