//! What a position in a JSON text lies in: a bit for each level, without a limit.

/// Levels, from the outermost in.
#[derive(Default)]
pub(super) struct Nest {
    depth: usize,
    /// The innermost levels, the last in the lowest bit: 1 for an object, 0 for an array.
    bits: u64,
    /// Full words of outer levels.
    outer: Vec<u64>,
}

const WORD: usize = u64::BITS as usize;

impl Nest {
    /// How many levels there are.
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// Whether the innermost is an object.
    pub(super) fn in_object(&self) -> bool {
        self.bits & 1 == 1
    }

    /// Goes in.
    pub(super) fn push(&mut self, object: bool) {
        if self.depth != 0 && self.depth.is_multiple_of(WORD) {
            self.outer.push(self.bits);
        }
        self.bits = self.bits << 1 | u64::from(object);
        self.depth += 1;
    }

    /// Goes out of the innermost.
    pub(super) fn pop(&mut self) {
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
        fn remembers_every_level(levels in proptest::collection::vec(any::<bool>(), 0..300)) {
            let mut nest = Nest::default();
            for &level in &levels {
                nest.push(level);
                prop_assert_eq!(nest.in_object(), level);
            }
            prop_assert_eq!(nest.depth(), levels.len());
            for &level in levels.iter().rev() {
                prop_assert_eq!(nest.in_object(), level);
                nest.pop();
            }
            prop_assert_eq!(nest.depth(), 0);
        }
    }
}
