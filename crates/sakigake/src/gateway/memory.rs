//! What was in vain a moment ago.

use core::{hash::BuildHasher, time::Duration};
use std::collections::{VecDeque, hash_map::RandomState};
use tokio::time::Instant;

/// For how long it is remembered, and of how many addresses.
const MEMORY: Duration = Duration::from_secs(60);
const REMEMBERED: usize = 1_024;

/// Addresses by their hashes, the oldest first.
#[derive(Default)]
pub(super) struct Memory {
    noted: VecDeque<(u64, Instant)>,
    hasher: RandomState,
}

impl Memory {
    pub(super) fn note(&mut self, target: &str) {
        if self.noted.len() >= REMEMBERED {
            self.noted.pop_front();
        }
        self.noted.push_back((self.hasher.hash_one(target), Instant::now()));
    }

    pub(super) fn has(&mut self, target: &str) -> bool {
        while self.noted.front().is_some_and(|(_, since)| since.elapsed() >= MEMORY) {
            self.noted.pop_front();
        }
        let hash = self.hasher.hash_one(target);
        self.noted.iter().any(|(other, _)| *other == hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_too_many_and_one_too_old_are_forgotten() {
        let mut memory = Memory::default();
        (0..=REMEMBERED).for_each(|number| memory.note(&number.to_string()));
        assert!(!memory.has("0") && memory.has("1") && memory.has(&REMEMBERED.to_string()));
        tokio::time::advance(MEMORY / 2).await;
        memory.note("1");
        tokio::time::advance(MEMORY / 2).await;
        assert!(memory.has("1") && !memory.has("2") && memory.noted.len() == 1);
    }
}
