//! Conversion of counts that other components keep into Prometheus counters, which never decrease.

use aibridge_provider::CircuitName;
use std::collections::HashMap;
use std::hash::Hash;

/// The last values of all counts that a scrape reads.
#[derive(Default)]
pub(crate) struct Readings {
    /// Key state transitions, by provider and reason.
    pub(crate) transitions: LastValues<(String, &'static str)>,
    /// Counts of the journal, by name.
    pub(crate) journal: LastValues<&'static str>,
    /// Circuits that opened, by provider and circuit.
    pub(crate) trips: LastValues<(String, CircuitName)>,
}

/// The last value of each count, by key.
pub(crate) struct LastValues<K>(HashMap<K, u64>);

impl<K> Default for LastValues<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Hash + Eq> LastValues<K> {
    /// Returns the increase of `count` since the last call. A lower count means that counting restarted at zero.
    pub(crate) fn increase(&mut self, key: K, count: u64) -> u64 {
        let last = self.0.insert(key, count).unwrap_or(0);
        count.checked_sub(last).unwrap_or(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restarted_count_keeps_increasing() {
        let mut values = LastValues::default();
        let increases = [2, 5, 5, 1, 4].map(|count| values.increase("a", count));
        assert_eq!(increases, [2, 3, 0, 1, 3]);
        assert_eq!(values.increase("b", 7), 7);
    }
}
