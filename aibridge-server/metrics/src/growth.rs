//! Counts that somebody else keeps, as counters of ours that never go down.

use std::collections::HashMap;
use std::hash::Hash;

/// The last reading of each count.
pub(crate) struct Growth<K>(HashMap<K, u64>);

impl<K> Default for Growth<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Hash + Eq> Growth<K> {
    /// What `count` has grown by since it was read last. If it is less than it was, it began anew at zero.
    pub(crate) fn since_last(&mut self, key: K, count: u64) -> u64 {
        let last = self.0.insert(key, count).unwrap_or(0);
        count.checked_sub(last).unwrap_or(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_that_begins_anew_goes_on_growing() {
        let mut growth = Growth::default();
        let grown = [2, 5, 5, 1, 4].map(|count| growth.since_last("a", count));
        assert_eq!(grown, [2, 3, 0, 1, 3]);
        assert_eq!(growth.since_last("b", 7), 7);
    }
}
