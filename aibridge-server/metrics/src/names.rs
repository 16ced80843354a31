//! Label values that clients can invent, kept within bounds.

use parking_lot::RwLock;
use std::collections::HashSet;

/// What all names beyond the known ones are called.
pub(crate) const OTHER: &str = "other";

/// A longer name is never told apart: it would be in every scrape.
const LONGEST: usize = 128;

/// The names that are told apart: the first so many. None is ever forgotten, so that no series ends while the process
/// lives.
pub(crate) struct Names {
    at_most: usize,
    known: RwLock<HashSet<Box<str>>>,
}

impl Names {
    pub(crate) fn new(at_most: usize) -> Self {
        Self { at_most, known: RwLock::default() }
    }

    /// What `name` is called in labels.
    pub(crate) fn label<'a>(&self, name: &'a str) -> &'a str {
        {
            let known = self.known.read();
            if known.contains(name) {
                return name;
            }
            if known.len() >= self.at_most || name.len() > LONGEST {
                return OTHER;
            }
        }
        let mut known = self.known.write();
        if known.len() < self.at_most {
            known.insert(name.into());
        }
        if known.contains(name) { name } else { OTHER }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_names_are_told_apart() {
        let names = Names::new(2);
        assert_eq!(["a", "b", "a", "c", "b"].map(|name| names.label(name)), ["a", "b", "a", OTHER, "b"]);
    }

    #[test]
    fn absurdly_long_names_take_no_room() {
        let names = Names::new(1);
        let long = "x".repeat(LONGEST + 1);
        assert_eq!([long.as_str(), "a"].map(|name| names.label(name)), [OTHER, "a"]);
    }
}
