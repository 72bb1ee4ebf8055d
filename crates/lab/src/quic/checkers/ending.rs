//! What should be done is done, by both ends, and nobody finds a fault where nobody forges.
//!
//! There are excuses, which the log has to prove. A connection became idle, and all that one of its ends sent since something of
//! it had arrived last, ten datagrams or more, was lost by chance: a burst can do that, since it ends with datagrams and not with
//! time. Who only answers speaks as often as it is asked, ever more seldom: of those half as many are enough, where they go on
//! for a third of the silence, as those of an end do that doubles its time each time. Or it had begun when the server forgot all
//! connections. Or it was refused where its token may have been no good. Or a bit was flipped on the way of what says which versions
//! there are, and the handshake showed that to the client, who ends it.

use super::{Scene, front};
use crate::{
    checkers::Notebook,
    datagram::{Fault, Note, Over, What},
    quic::tape::{Event, Packet},
};
use sakigake_quic::rules::Side;
use sakigake_wire::Instant;
use std::collections::{BTreeMap, BTreeSet};

/// Who sent fewer datagrams than that in vain has not tried.
const LEAST_TRIES: usize = 10;
/// The same for those that go on for a third of the silence.
const LEAST_LATE_TRIES: usize = 5;
/// What no end can do anything about. A datagram that is too large for its path is its sender's own doing.
const CHANCE: [Fault; 5] = [Fault::Lost, Fault::Burst, Fault::Hole, Fault::Corrupted, Fault::Truncated];

pub(super) fn check(scene: &Scene<'_>, notebook: &mut Notebook) {
    let mut complete = [BTreeSet::new(), BTreeSet::new()];
    let (mut idle, mut refused, mut reacted) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
    let (mut restarted, mut has_given_up, mut misled) = (None, false, BTreeSet::new());
    for entry in scene.log.entries() {
        let What::Noted { node, note } = &entry.what else { continue };
        let Some(at) = scene.ends.iter().position(|end| end == node) else { continue };
        match note {
            Note::Complete { connection } => drop(complete[at].insert(*connection)),
            // A client closes when all has come, which is when all of the server's has gone; what says so may be lost.
            Note::Over { connection, why: why @ (Over::Peer | Over::Idle) } if at == 1 => {
                has_given_up |= *why == Over::Idle;
                complete[1].insert(*connection);
            }
            Note::Restarted => restarted = Some(entry.at),
            Note::Over { connection, why: Over::InvalidToken } if front::may_refuse(scene) => {
                refused.insert(*connection);
            }
            Note::Over { why: Over::InvalidToken, .. } if scene.expected.is_honest => {
                notebook.complain(format!("{node} was refused for a token that was good"));
            }
            Note::Over { connection, why: Over::Version } => {
                reacted.insert(*connection);
                let is_due = scene.expected.refuses_version || !scene.expected.is_honest;
                notebook.expect(is_due || front::is_spoiled(scene), || {
                    format!("{node} was told of other versions, and its own is spoken")
                });
            }
            Note::Over { connection, why: Over::Idle } => drop(idle.entry(*connection).or_insert(entry.at)),
            // What led the client to another version was not what the server had said (RFC 9368 section 4): it finds out.
            Note::Over { connection, why: Over::Fault(why) }
                if is_downgrade(why) && front::is_spoiled(scene) =>
            {
                if at == 0 {
                    misled.insert(*connection);
                }
            }
            Note::Over { why: Over::Fault(why), .. } if scene.expected.is_honest => {
                notebook.complain(format!("{node} found fault: {why}"));
            }
            Note::Over { why: Over::Reset, .. }
                if scene.expected.is_honest && restarted.is_none() && !has_given_up =>
            {
                notebook.complain(format!("{node} was reset, and nobody had lost anything"));
            }
            // What a server has given up it does not know any more.
            Note::Over { .. } => has_given_up |= at == 1,
            _ => continue,
        }
        notebook.see();
    }
    if let Some(expected) = scene.expected.complete {
        let dead = dead(scene, &idle);
        let forgotten = restarted.map(|at| begun_before(scene, at)).unwrap_or_default();
        let in_vain = idle.keys().copied().filter(|connection| dead.contains_key(connection));
        let refused = refused.into_iter();
        // Those that a server may have begun, and need not have completed.
        let cut: BTreeSet<usize> = refused.chain(forgotten).collect();
        let mut excused: BTreeSet<usize> = in_vain.chain(cut.iter().copied()).collect();
        excused.retain(|connection| !complete[0].contains(connection) && !reacted.contains(connection));
        // And those that it never heard of.
        let is_unheard = |connection: &&usize| dead.get(connection) != Some(&true);
        let unheard = cut.len() + excused.difference(&cut).filter(is_unheard).count();
        // Nothing protects the list of versions: where a bit of it was flipped a client may find none of its own, and gives up.
        let clients = scene.tape.packets.iter().filter(|packet| packet.sender == Side::Client);
        let begun = clients.map(|packet| packet.connection + 1).max().unwrap_or(0);
        let has_given_up = reacted.len().saturating_sub(begun.saturating_sub(expected));
        let misled = if front::is_spoiled(scene) { has_given_up + misled.len() } else { 0 };
        let [client, server] = complete.map(|connections| connections.len());
        notebook.expect(client + excused.len() + misled == expected, || {
            format!("the client completed {client} of {expected}")
        });
        notebook.expect(server + unheard + misled >= expected, || {
            format!("the server completed {server} of {expected}")
        });
    }
}

/// Whether a connection ended since its version is not what honest negotiation comes to, as either end says it.
fn is_downgrade(why: &str) -> bool {
    why == "Fault(VersionNegotiation)" || why.starts_with("Peer { code: 17, frame_type: Some")
}

/// Connections that a client had begun by then.
fn begun_before(scene: &Scene<'_>, at: Instant) -> BTreeSet<usize> {
    let is_before = |packet: &&Packet| packet.sender == Side::Client && packet.at <= at;
    scene.tape.packets.iter().filter(is_before).map(|packet| packet.connection).collect()
}

/// Connections one of whose ends spoke in vain to its end, by their number, and whether the server has ever heard of them. Some
/// became idle: when.
fn dead(scene: &Scene<'_>, idle: &BTreeMap<usize, Instant>) -> BTreeMap<usize, bool> {
    let struck = scene.log.entries().iter().filter_map(|entry| match &entry.what {
        What::Faulted { number, fault } if CHANCE.contains(fault) => Some(*number),
        _ => None,
    });
    let struck: BTreeSet<u64> = struck.collect();
    let mut heard = BTreeSet::new();
    let mut unheard: BTreeMap<(usize, Side), BTreeMap<u64, Instant>> = BTreeMap::new();
    for event in &scene.tape.events {
        match event {
            Event::Sent(index) => {
                let packet = &scene.tape.packets[*index];
                unheard
                    .entry((packet.connection, packet.sender))
                    .or_default()
                    .insert(packet.datagram, packet.at);
            }
            Event::Received { packet, .. } => {
                let packet = &scene.tape.packets[*packet];
                heard.insert((packet.connection, packet.sender));
                unheard.remove(&(packet.connection, packet.sender));
            }
            Event::Out { .. } | Event::In { .. } => {}
        }
    }
    let has_tried = |connection: &usize, datagrams: &BTreeMap<u64, Instant>| {
        let ends = datagrams.values().next().zip(datagrams.values().next_back()).zip(idle.get(connection));
        let is_late =
            ends.is_some_and(|((first, last), over)| last.since(*first).times(3) >= over.since(*first));
        datagrams.len() >= if is_late { LEAST_LATE_TRIES } else { LEAST_TRIES }
    };
    let in_vain = unheard.into_iter().filter(|((connection, _), datagrams)| {
        has_tried(connection, datagrams) && datagrams.keys().all(|datagram| struck.contains(datagram))
    });
    in_vain.map(|((connection, _), _)| (connection, heard.contains(&(connection, Side::Client)))).collect()
}
