//! The objects and arrays around a position in a JSON text: one bit per level, without a limit.

/// A stack of levels, the outermost first.
#[derive(Default)]
pub(crate) struct Nesting {
    depth: usize,
    /// The innermost levels, with the last in the lowest bit: 1 for an object, 0 for an array.
    bits: u64,
    /// Full words of outer levels.
    outer: Vec<u64>,
}

const WORD: usize = u64::BITS as usize;

impl Nesting {
    /// The number of levels.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    /// Whether the innermost level is an object.
    pub(crate) fn in_object(&self) -> bool {
        self.bits & 1 == 1
    }

    /// Enters an object or an array.
    pub(crate) fn push(&mut self, object: bool) {
        if self.depth != 0 && self.depth.is_multiple_of(WORD) {
            self.outer.push(self.bits);
        }
        self.bits = self.bits << 1 | u64::from(object);
        self.depth += 1;
    }

    /// Leaves the innermost level.
    pub(crate) fn pop(&mut self) {
        self.depth -= 1;
        self.bits = match self.outer.pop_if(|_| self.depth != 0 && self.depth.is_multiple_of(WORD)) {
            Some(word) => word,
            None => self.bits >> 1,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pops_levels_in_reverse_order(levels in proptest::collection::vec(any::<bool>(), 0..300)) {
            let mut nesting = Nesting::default();
            for &level in &levels {
                nesting.push(level);
                prop_assert_eq!(nesting.in_object(), level);
            }
            prop_assert_eq!(nesting.depth(), levels.len());
            for &level in levels.iter().rev() {
                prop_assert_eq!(nesting.in_object(), level);
                nesting.pop();
            }
            prop_assert_eq!(nesting.depth(), 0);
        }
    }
}
