//! Bounds the label values that clients choose.

use parking_lot::RwLock;
use std::collections::HashSet;

/// The label of all names beyond the bound.
pub(crate) const OTHER: &str = "other";

/// The longest name with its own label, in bytes. Every scrape repeats the label.
const MAX_LENGTH: usize = 128;

/// The first names that were used, up to a bound. Names are never removed, so no series ends before the process.
pub(crate) struct LabelNames {
    capacity: usize,
    known: RwLock<HashSet<Box<str>>>,
}

impl LabelNames {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, known: RwLock::default() }
    }

    /// Returns the label of `name`: itself, or [`OTHER`].
    pub(crate) fn label<'a>(&self, name: &'a str) -> &'a str {
        {
            let known = self.known.read();
            if known.contains(name) {
                return name;
            }
            if known.len() >= self.capacity || name.len() > MAX_LENGTH {
                return OTHER;
            }
        }
        let mut known = self.known.write();
        if known.len() < self.capacity {
            known.insert(name.into());
        }
        if known.contains(name) { name } else { OTHER }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_names_have_their_own_labels() {
        let names = LabelNames::new(2);
        assert_eq!(["a", "b", "a", "c", "b"].map(|name| names.label(name)), ["a", "b", "a", OTHER, "b"]);
    }

    #[test]
    fn long_names_share_the_other_label() {
        let names = LabelNames::new(1);
        let long = "x".repeat(MAX_LENGTH + 1);
        assert_eq!([long.as_str(), "a"].map(|name| names.label(name)), [OTHER, "a"]);
    }
}
