//! What a server's processes used, as `/proc` tells it.

use std::{collections::BTreeMap, fs, time::Duration};

/// Bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Memory {
    /// In memory, files that are mapped included.
    pub(super) resident: u64,
    /// Of that, what no file is behind: heaps and stacks.
    pub(super) anonymous: u64,
}

impl Memory {
    /// The growth since `before`, shared out.
    pub(super) fn each_beyond(self, before: Self, count: usize) -> Self {
        let each = |after: u64, before: u64| after.saturating_sub(before) / count as u64;
        Self {
            resident: each(self.resident, before.resident),
            anonymous: each(self.anonymous, before.anonymous),
        }
    }
}

/// `root`, its children, and theirs.
pub(super) fn family(root: u32) -> Vec<u32> {
    let mut all = vec![root];
    let mut at = 0;
    while let Some(parent) = all.get(at) {
        // A thread that is over has no children any more.
        let threads = fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten().flatten();
        let children = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
        let ids: Vec<u32> = children
            .flat_map(|text| text.split_whitespace().flat_map(str::parse).collect::<Vec<_>>())
            .collect();
        all.extend(ids);
        at += 1;
    }
    all
}

/// CPU time of a process, all its threads, in nanoseconds: those that are over too. The ticks of `/proc/PID/stat` are
/// hundredths of a second.
#[cfg(target_os = "linux")]
pub(super) fn cpu(process: u32) -> Result<Duration, String> {
    use nix::{time::ClockId, unistd::Pid};
    let clock = ClockId::pid_cpu_clock_id(Pid::from_raw(process.cast_signed()));
    let time = clock.and_then(ClockId::now);
    time.map(Duration::from).map_err(|error| format!("the CPU clock of process {process}: {error}"))
}

#[cfg(not(target_os = "linux"))]
pub(super) fn cpu(_: u32) -> Result<Duration, String> {
    Err("the CPU clock of another process: only Linux has one".into())
}

/// CPU time that these processes took since `before`. One that ended took its time along, and what is left is not all.
pub(super) fn cpu_since(
    before: &BTreeMap<u32, Duration>,
    after: &BTreeMap<u32, Duration>,
) -> Result<Duration, String> {
    if let Some(process) = before.keys().find(|process| !after.contains_key(process)) {
        return Err(format!("process {process} ended under the load"));
    }
    let took = after.iter().map(|(process, cpu)| {
        cpu.saturating_sub(before.get(process).copied().unwrap_or_default()) // Who began since had none.
    });
    Ok(took.sum())
}

pub(super) fn memory(process: u32) -> Result<Memory, String> {
    let path = format!("/proc/{process}/status");
    let text = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    let bytes = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(first_number).map(|kib| kib * 1024).ok_or_else(|| format!("{path} has no {name}"))
    };
    Ok(Memory { resident: bytes("VmRSS:")?, anonymous: bytes("RssAnon:")? })
}

fn first_number(text: &str) -> Option<u64> {
    text.split_whitespace().next()?.parse().ok()
}
