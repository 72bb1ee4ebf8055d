//! What a server says without a connection: each answer smaller than what it answers, and given for a reason alone. One checker a
//! kind, so that none of them goes unseen.

use super::Scene;
use crate::{
    checkers::Notebook,
    datagram::{Fault, Note, What},
    quic::{Front, attacks::paths::Attacker, tape::Event},
};
use sakigake_quic::{
    endpoint::{Reply, Retry},
    rules::{Epoch, Side},
};
use std::collections::{BTreeMap, BTreeSet};

/// Sees every answer of a kind, and says of it what is said of all.
fn each(scene: &Scene<'_>, notebook: &mut Notebook, kind: Reply) -> u64 {
    let mut count = 0;
    for entry in scene.log.entries() {
        if let What::Noted { note: Note::Answered { reply, bytes, asked_bytes }, .. } = &entry.what
            && *reply == kind
        {
            notebook.see();
            notebook.expect(bytes.len() < *asked_bytes, || {
                format!("{reply:?} of {} bytes for {asked_bytes}", bytes.len())
            });
            count += 1;
        }
    }
    count
}

/// Whether some bit that an answer goes by may have been flipped on its way.
pub(super) fn is_spoiled(scene: &Scene<'_>) -> bool {
    let spoils =
        |what: &What| matches!(what, What::Faulted { fault: Fault::Corrupted | Fault::Truncated, .. });
    scene.expected.attacker.is_some_and(Attacker::spoils)
        || scene.log.entries().iter().any(|entry| spoils(&entry.what))
}

/// Where each client has to come back with a token, no connection says anything to one that did not (RFC 9000 section 8.1.2).
pub(super) fn retry(scene: &Scene<'_>, notebook: &mut Notebook) {
    let count = each(scene, notebook, Reply::Retry);
    let retry = scene.expected.front.as_ref().map(|front| front.retry);
    notebook.expect(count == 0 || retry != Some(Retry::Never), || "Retry, which nobody was to get".into());
    if retry != Some(Retry::Always) {
        return;
    }
    let mut shown = BTreeSet::new();
    for event in &scene.tape.events {
        match event {
            Event::Received { packet, .. } if scene.tape.packets[*packet].has_token => {
                shown.insert(scene.tape.packets[*packet].connection);
            }
            Event::Sent(index) if scene.tape.packets[*index].sender == Side::Server => {
                let connection = scene.tape.packets[*index].connection;
                notebook.expect(shown.contains(&connection), || {
                    format!("connection {connection} was answered, and had shown no token")
                });
            }
            _ => {}
        }
    }
}

/// A server names its versions to who speaks none of them, and to nobody else (RFC 9000 section 6.1).
pub(super) fn versions(scene: &Scene<'_>, notebook: &mut Notebook) {
    let count = each(scene, notebook, Reply::VersionNegotiation);
    let is_due = scene.expected.refuses_version || is_spoiled(scene);
    notebook.expect(count == 0 || is_due, || "Version Negotiation for a version that is spoken".into());
}

/// Who lost a connection says so (RFC 9000 section 10.3). Whether it was right to is judged at the other end: one that is open is
/// reset by a restart alone, and one that is over does not hear it.
pub(super) fn resets(scene: &Scene<'_>, notebook: &mut Notebook) {
    each(scene, notebook, Reply::StatelessReset);
}

/// A client's first packet shows the token of an earlier connection, and then nobody asks it for another one (RFC 9000 section
/// 8.1.3).
pub(super) fn tokens(scene: &Scene<'_>, notebook: &mut Notebook) {
    let mut came = BTreeMap::new();
    for packet in &scene.tape.packets {
        if packet.sender == Side::Client && packet.epoch == Epoch::Initial {
            came.entry(packet.connection).or_insert(packet.has_token);
        }
    }
    let known = came.values().filter(|has_token| **has_token).count();
    (0..known).for_each(|_| notebook.see());
    let is_retry =
        |what: &What| matches!(what, What::Noted { note: Note::Answered { reply: Reply::Retry, .. }, .. });
    let has_asked = scene.log.entries().iter().any(|entry| is_retry(&entry.what));
    notebook.expect(!has_asked || known < came.len() || is_spoiled(scene), || {
        "Retry, where every client came with a token".into()
    });
}

/// A Retry's token that is not good ends the attempt, since the client takes no second Retry (RFC 9000 section 8.1.2).
pub(super) fn invalid_tokens(scene: &Scene<'_>, notebook: &mut Notebook) {
    let count = each(scene, notebook, Reply::InvalidToken);
    notebook.expect(count == 0 || may_refuse(scene), || "INVALID_TOKEN for a token that is good".into());
}

/// Whether some token may be no good.
pub(super) fn may_refuse(scene: &Scene<'_>) -> bool {
    // Who forgot a connection in its handshake takes its token for that of another one.
    let is_short = |front: &Front| front.retry_secs == 0 || !front.restarts.is_empty();
    scene.expected.front.as_ref().is_some_and(is_short) || is_spoiled(scene)
}
