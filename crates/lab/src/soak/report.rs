//! What a soak came to, as it is printed.

use super::{Kind, Outcome};
use crate::{
    checkers::CHECKERS,
    datagram,
    pipe::Fault,
    quic::{self, attacks::paths::Attacker},
};
use core::fmt;
use std::collections::BTreeMap;

/// A run with fewer worlds may miss a fault by chance.
const WORLDS_FOR_ALL_FAULTS: u64 = 300;
/// The same of attackers, who are in one world of QUIC in five.
const WORLDS_FOR_ALL_ATTACKERS: u64 = 1_000;

/// What came of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    kinds: BTreeMap<Kind, Tally>,
    faults: BTreeMap<Fault, u64>,
    datagram_faults: BTreeMap<datagram::Fault, u64>,
    attackers: BTreeMap<Attacker, u64>,
    failures: Vec<Failure>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Tally {
    worlds: u64,
    ready: u64,
    requests: u64,
    bytes: u64,
    seen: BTreeMap<&'static str, u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Failure {
    seed: u64,
    kind: Kind,
    complaints: Vec<String>,
}

impl Report {
    pub(super) fn add(&mut self, seed: u64, kind: Kind, outcome: Outcome) {
        let tally = self.kinds.entry(kind).or_default();
        tally.worlds += 1;
        tally.ready += u64::from(outcome.is_ready);
        tally.requests += outcome.requests;
        tally.bytes += outcome.bytes;
        for (checker, seen) in outcome.verdict.seen {
            *tally.seen.entry(checker).or_default() += seen;
        }
        for fault in outcome.faults {
            *self.faults.entry(fault).or_default() += 1;
        }
        for (fault, count) in outcome.datagram_faults {
            *self.datagram_faults.entry(fault).or_default() += count;
        }
        if let Some(attacker) = outcome.attacker {
            *self.attackers.entry(attacker).or_default() += 1;
        }
        if !outcome.verdict.complaints.is_empty() {
            self.failures.push(Failure { seed, kind, complaints: outcome.verdict.complaints });
        }
    }

    /// Whether no world failed, and everything that should happen did.
    pub fn is_good(&self) -> bool {
        self.failures.is_empty() && self.gaps().is_empty()
    }

    fn worlds(&self) -> u64 {
        self.kinds.values().map(|tally| tally.worlds).sum()
    }

    /// Worlds of QUIC, whatever is said over it.
    fn datagram_worlds(&self) -> u64 {
        let worlds = |kind| self.kinds.get(&kind).map_or(0, |tally| tally.worlds);
        worlds(Kind::Quic) + worlds(Kind::Http3)
    }

    /// What a run of this size should have seen and did not.
    fn gaps(&self) -> Vec<String> {
        if self.worlds() < WORLDS_FOR_ALL_FAULTS {
            return Vec::new();
        }
        let has_pipes =
            self.kinds.keys().any(|kind| !matches!(kind, Kind::Replay | Kind::Quic | Kind::Http3));
        let faults = Fault::ALL.iter().filter(|fault| has_pipes && !self.faults.contains_key(fault));
        let mut gaps: Vec<String> = faults.map(|fault| format!("{fault:?} never struck")).collect();
        let datagram_worlds = self.datagram_worlds();
        let has_datagrams = datagram_worlds > 0;
        let faults = datagram::Fault::ALL.iter();
        let faults = faults.filter(|fault| has_datagrams && !self.datagram_faults.contains_key(fault));
        gaps.extend(faults.map(|fault| format!("no datagram was {fault:?}")));
        let attackers = Attacker::ALL.iter();
        let has_all = datagram_worlds >= WORLDS_FOR_ALL_ATTACKERS;
        let attackers = attackers.filter(|attacker| has_all && !self.attackers.contains_key(attacker));
        gaps.extend(attackers.map(|attacker| format!("no attacker did {attacker:?}")));
        for (kind, tally) in &self.kinds {
            let due = names(*kind).into_iter().filter(|name| is_due(*kind, name));
            let idle = due.filter(|name| tally.seen.get(name).is_none_or(|seen| *seen == 0));
            gaps.extend(idle.map(|name| format!("the checker of {name} saw nothing in {kind} worlds")));
        }
        gaps
    }
}

/// The checkers of a kind.
fn names(kind: Kind) -> Vec<&'static str> {
    match kind {
        Kind::Replay => vec!["taken"],
        Kind::Quic | Kind::Http3 => {
            let all = quic::checkers::CHECKERS.iter().chain(&quic::checkers::OF_FRONTS);
            all.chain(&quic::checkers::OF_PAGES).map(|(name, _)| *name).collect()
        }
        Kind::Tls | Kind::H2 | Kind::Page => CHECKERS.iter().map(|(name, _)| *name).collect(),
    }
}

/// Whether a checker has something to see in worlds of a kind.
fn is_due(kind: Kind, checker: &str) -> bool {
    match checker {
        "pages" | "requests" | "hints" => kind == Kind::Http3,
        // What applications say there is for those of pages to read.
        "bytes" if kind == Kind::Http3 => false,
        // The fronts are those of QUIC's own worlds, and a few dozen pages may meet none that has forgotten anything.
        "retry" | "versions" | "resets" | "tokens" | "invalid tokens" => kind == Kind::Quic,
        _ if matches!(kind, Kind::Replay | Kind::Quic | Kind::Http3) => true,
        "frames" => kind != Kind::Tls,
        "first flight" => kind == Kind::Page,
        _ => true,
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let worlds = self.worlds();
        let ready: u64 = self.kinds.values().map(|tally| tally.ready).sum();
        let share = ready as f64 * 100.0 / worlds.max(1) as f64;
        writeln!(f, "{ready} of {worlds} worlds completed the handshake ({share:.1} %)")?;
        let count = |fault: &Fault| self.faults.get(fault).copied().unwrap_or(0);
        let faults: Vec<String> =
            Fault::ALL.iter().map(|fault| format!("{fault:?} {}", count(fault)).to_lowercase()).collect();
        writeln!(f, "faults: {}", faults.join(", "))?;
        if self.datagram_worlds() > 0 {
            let count = |fault: &datagram::Fault| self.datagram_faults.get(fault).copied().unwrap_or(0);
            let faults: Vec<String> = datagram::Fault::ALL
                .iter()
                .map(|fault| format!("{fault:?} {}", count(fault)).to_lowercase())
                .collect();
            writeln!(f, "datagrams: {}", faults.join(", "))?;
            let count = |attacker: &Attacker| self.attackers.get(attacker).copied().unwrap_or(0);
            let attackers: Vec<String> =
                Attacker::ALL.iter().map(|attacker| format!("{attacker:?} {}", count(attacker))).collect();
            writeln!(f, "attackers: {}", attackers.join(", ").to_lowercase())?;
        }
        for (kind, tally) in &self.kinds {
            let Tally { worlds, requests, bytes, seen, .. } = tally;
            let seen = seen.iter().filter(|(name, _)| is_due(*kind, name));
            let seen: Vec<String> = seen.map(|(name, seen)| format!("{name} {seen}")).collect();
            writeln!(
                f,
                "{kind}: {worlds} worlds, {requests} requests, {bytes} bytes; checked: {}",
                seen.join(", ")
            )?;
        }
        for gap in self.gaps() {
            writeln!(f, "missing: {gap}")?;
        }
        for Failure { seed, kind, complaints } in &self.failures {
            writeln!(f, "failed: sakigake lab soak --seed {seed} --worlds 1 --only {kind}")?;
            for complaint in complaints {
                writeln!(f, "    {complaint}")?;
            }
        }
        writeln!(f, "{} passed, {} failed", worlds - self.failures.len() as u64, self.failures.len())
    }
}
