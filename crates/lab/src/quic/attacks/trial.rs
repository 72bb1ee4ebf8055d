//! What came of an attack: what was measured, and what did not hold.

use crate::{
    datagram::{Log, Node, Note, Over, What, World},
    quic::{Anybody, setup::Ready},
    world::{NodeId, Stopped},
};
use core::net::SocketAddr;
use sakigake_quic::connection::Holdings;
use sakigake_wire::{Instant, Span};
use std::collections::BTreeMap;

/// What one world showed.
#[derive(Debug, Default)]
pub struct Trial {
    measured: BTreeMap<&'static str, u64>,
    complaints: Vec<String>,
}

/// How often the ends are asked what they hold.
const LOOK_EVERY: Span = Span::from_millis(5);
/// All attacks are over by then, and whoever was left alone has given up.
const LONGEST: Span = Span::from_secs(400);
const STEPS: usize = 200_000;

impl Trial {
    /// Something is wrong unless `holds`.
    pub fn expect(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.complaints.push(what());
        }
    }

    /// So much of something there was; of several measures the largest counts.
    pub fn measure(&mut self, what: &'static str, amount: u64) {
        let most = self.measured.entry(what).or_default();
        *most = amount.max(*most);
    }

    /// The attack has to have happened: so many of the attacker's datagrams arrived.
    pub fn bites(&mut self, count: usize) {
        self.expect(count > 0, || "the attack did not happen".into());
    }

    /// All complaints of the checkers are this trial's.
    pub fn take(&mut self, complaints: Vec<String>) {
        self.complaints.extend(complaints);
    }

    /// Held against its bounds.
    pub(super) fn judge(self, bounds: &[(&'static str, u64)]) -> Vec<String> {
        let Self { measured, mut complaints } = self;
        for (what, most) in bounds {
            match measured.get(what) {
                None => complaints.push(format!("nobody measured {what}")),
                Some(amount) if amount > most => complaints.push(format!("{amount} {what}, not {most}")),
                Some(_) => {}
            }
        }
        let unbounded = measured.keys().filter(|what| bounds.iter().all(|(bounded, _)| bounded != *what));
        complaints.extend(unbounded.map(|what| format!("{what} has no bound")));
        complaints
    }

    /// Runs a world, and looks at what `victim` holds all the while: the most of it, all its connections together.
    pub fn watch(&mut self, ready: &mut Ready, victim: NodeId) -> Holdings {
        let mut most = Holdings::default();
        let end = ready.world.now() + LONGEST;
        while ready.world.now() < end {
            match ready.world.run(LOOK_EVERY, STEPS) {
                Stopped::OutOfTime => {}
                Stopped::Idle => return most,
                stopped @ Stopped::OutOfSteps => {
                    self.expect(false, || format!("the world stopped {stopped:?}"));
                    return most;
                }
            }
            if let Some(end) = ready.world.node(victim).end() {
                end.live().for_each(|connection| most = most.max(connection.holdings()));
            }
        }
        self.expect(false, || "the world did not come to rest".into());
        most
    }

    /// How a node's connection ended.
    pub fn expect_over(
        &mut self,
        log: &Log,
        node: NodeId,
        connection: usize,
        is_right: impl Fn(&Over) -> bool,
    ) {
        let over = over(log, node, connection);
        self.expect(over.as_ref().is_some_and(|(_, why)| is_right(why)), || format!("{node} ended {over:?}"));
    }
}

/// When and why a node's connection was over.
pub fn over(log: &Log, node: NodeId, connection: usize) -> Option<(Instant, Over)> {
    log.entries().iter().find_map(|entry| match &entry.what {
        What::Noted { node: by, note: Note::Over { connection: which, why } } => {
            (*by == node && *which == connection).then(|| (entry.at, why.clone()))
        }
        _ => None,
    })
}

/// Datagrams and bytes that a node sent where `is_there`.
pub fn sent(log: &Log, node: NodeId, is_there: impl Fn(SocketAddr) -> bool) -> (u64, u64) {
    let sizes = log.entries().iter().filter_map(|entry| match &entry.what {
        What::Sent { by, to, bytes, .. } if *by == node && is_there(*to) => Some(bytes.len() as u64),
        _ => None,
    });
    sizes.fold((0, 0), |(count, sum), bytes| (count + 1, sum + bytes))
}

/// Datagrams and bytes that came to a node from where `is_there`.
pub fn came(log: &Log, node: NodeId, is_there: impl Fn(SocketAddr) -> bool) -> (u64, u64) {
    let sizes = log.entries().iter().filter_map(|entry| match &entry.what {
        What::Arrived { at, from, bytes, .. } if *at == node && is_there(*from) => Some(bytes.len() as u64),
        _ => None,
    });
    sizes.fold((0, 0), |(count, sum), bytes| (count + 1, sum + bytes))
}

/// Whether a node finished a handshake.
pub fn is_ready(log: &Log, node: NodeId) -> bool {
    let is_it =
        |what: &What| matches!(what, What::Noted { node: by, note: Note::Ready { .. } } if *by == node);
    log.entries().iter().any(|entry| is_it(&entry.what))
}

/// Puts somebody in an end's place, who may make use of it.
///
/// # Panics
/// Where nobody honest is in that place.
pub fn replace<N: Node + 'static>(
    world: &mut World<Anybody>,
    place: NodeId,
    make: impl FnOnce(Box<crate::quic::End>) -> N,
) {
    let node = world.node_mut(place);
    let nobody = Anybody::Attacker(Box::new(super::between::Between::new(super::between::Watch)));
    let Anybody::End(end) = core::mem::replace(node, nobody) else { panic!("an end has that place") };
    *node = Anybody::Attacker(Box::new(make(end)));
}
