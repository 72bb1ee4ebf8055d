use super::{
    plan,
    play::{Outcome, run},
    toy::Lcg,
};
use crate::rules::Side;
use sakigake_wire::Entropy;
use std::{collections::BTreeSet, fs, path::PathBuf};

/// Each input plays against both.
const SIDES: [(Side, &str); 2] =
    [(Side::Client, "tls_client_sequence"), (Side::Server, "tls_server_sequence")];

fn random(len: usize, seed: u64) -> Vec<u8> {
    let mut bytes = vec![0; len];
    Lcg(seed).fill(&mut bytes);
    bytes
}

/// What stands in a folder of seeds, in the order of names.
fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    paths.iter().map(|path| (name(path), fs::read(path).unwrap())).collect()
}

/// `run` asserts it; here is that there is something to assert.
#[test]
fn where_nobody_interferes_every_configuration_ends_well() {
    let mut plans = vec![vec![0; plan::BYTES]];
    for at in 0..plan::BYTES {
        for bits in 0..=u8::MAX {
            let mut plan = vec![0; plan::BYTES];
            plan[at] = bits;
            plans.push(plan);
        }
    }
    plans.extend((0..1_500).map(|seed| random(plan::BYTES, seed)));
    for (side, _) in SIDES {
        let ended = plans.iter().filter(|plan| run(side, plan).established).count();
        assert!(ended * 10 > plans.len() * 7, "{ended} of {} end well", plans.len());
    }
}

#[test]
fn steps_drawn_at_random_break_nothing() {
    // More for whoever has the time: SAKIGAKE_SEQUENCES=100000.
    let sequences = std::env::var_os("SAKIGAKE_SEQUENCES").and_then(|text| text.to_str()?.parse().ok());
    for seed in 0..sequences.unwrap_or(1_500) {
        let bytes = random(plan::BYTES + seed as usize % 120, seed);
        for (side, _) in SIDES {
            let result = std::panic::catch_unwind(|| run(side, &bytes));
            assert!(result.is_ok(), "{side:?}, sequence {seed}: {bytes:02x?}");
        }
    }
}

/// What inputs reach is worth what states they reach: all of them, among the seeds.
#[test]
fn seeds_reach_every_state() {
    for (side, target) in SIDES {
        let seeds = seeds(target);
        let (mut reached, mut faults, mut ended) = (BTreeSet::new(), BTreeSet::new(), 0);
        for (_, bytes) in &seeds {
            let Outcome { states, fault, established, .. } = run(side, bytes);
            reached.extend(states);
            ended += usize::from(established);
            faults
                .extend(fault.map(|fault| format!("{fault:?}").split(['(', ' ']).next().unwrap().to_owned()));
        }
        eprintln!(
            "{target}: {} seeds, {ended} established, {} states, {} faults",
            seeds.len(),
            reached.len(),
            faults.len()
        );
        eprintln!("  {reached:?}\n  {faults:?}");
        let missing: Vec<_> = expected(side).into_iter().filter(|state| !reached.contains(state)).collect();
        assert!(missing.is_empty(), "no seed of {target} reaches {missing:?}");
    }
}

/// The states of the matrix, but for those over QUIC, which has no records.
fn expected(side: Side) -> Vec<&'static str> {
    let matrix = include_str!(
        "../../handshake/tests/snapshots/sakigake_tls__handshake__tests__matrix__every_state_takes_its_messages_and_no_others.snap"
    );
    let prefix = if side == Side::Client { "client Await" } else { "server Await" };
    let names = matrix.lines().filter(|line| line.starts_with(prefix) && !line.contains(", over QUIC"));
    names.filter_map(|line| line.split(',').next()).collect()
}
