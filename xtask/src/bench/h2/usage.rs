//! What a server's processes used, as `/proc` tells it.

use std::{fs, time::Duration};

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

/// CPU time of a process, all its threads: those that are over too.
pub(super) fn cpu(process: u32) -> Result<Duration, String> {
    // The scheduler's own count of the threads that live has nanoseconds; the other is in hundredths of a second.
    let path = format!("/proc/{process}/task");
    let threads = fs::read_dir(&path).map_err(|error| format!("{path}: {error}"))?;
    let mut sum = 0;
    for thread in threads.flatten() {
        let Ok(text) = fs::read_to_string(thread.path().join("schedstat")) else { continue };
        sum += first_number(&text).ok_or("schedstat begins with no number")?;
    }
    Ok(Duration::from_nanos(sum))
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
