//! Which of many are for a host: what is asked of thousands of hosts with each connection does not look at all of them.

use std::collections::BTreeMap;

/// Numbers of those who have names, by name and by what a wildcard stands before.
#[derive(Default)]
pub(super) struct Names {
    exact: BTreeMap<String, Vec<usize>>,
    wild: BTreeMap<String, Vec<usize>>,
}

impl Names {
    /// Of the lists of names of all of them, in their order.
    pub(super) fn of<'a>(lists: impl Iterator<Item = &'a [String]>) -> Self {
        let mut names = Self::default();
        for (number, list) in lists.enumerate() {
            for name in list {
                let (map, key) = match name.strip_prefix("*.") {
                    Some(parent) => (&mut names.wild, parent),
                    None => (&mut names.exact, name.as_str()),
                };
                let numbers = map.entry(key.to_owned()).or_default();
                if numbers.last() != Some(&number) {
                    numbers.push(number);
                }
            }
        }
        names
    }

    /// Those that have the host's own name, in their order.
    pub(super) fn exact(&self, host: &str) -> &[usize] {
        self.exact.get(host).map_or(&[], Vec::as_slice)
    }

    /// Those that have a wildcard for the host's first label, in their order.
    pub(super) fn wild(&self, host: &str) -> &[usize] {
        let parent = host.split_once('.').filter(|(label, _)| !label.is_empty()).map(|(_, parent)| parent);
        parent.and_then(|parent| self.wild.get(parent)).map_or(&[], Vec::as_slice)
    }

    /// Both, in their order.
    pub(super) fn all(&self, host: &str) -> Vec<usize> {
        let (exact, wild) = (self.exact(host), self.wild(host));
        if wild.is_empty() {
            return exact.to_vec(); // In order, and none twice.
        }
        let mut numbers = [exact, wild].concat();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }
}

#[cfg(test)]
mod tests;
