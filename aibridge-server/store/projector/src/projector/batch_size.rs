//! How much one transaction stores: little while the projector is close behind, more while it is not.

use std::time::Duration;

/// Payload of the frames that one transaction stores while the projector is close behind, unless a single frame has more: a
/// large prompt delays nobody else's records by more than itself.
const BATCH_BYTES: usize = 256 << 10;

/// Payload of the frames that one transaction stores while the projector is far behind: nobody waits then, and each transaction
/// costs a round trip and a commit. Bounds the memory of a batch, too.
const MAX_BATCH_BYTES: usize = 8 << 20;

/// Duration of a transaction from which on the next one is smaller. Deletions and callers that wait for the database have
/// their turn between two transactions, and a slow server or network gets no transaction that it cannot finish.
const LONG_BATCH: Duration = Duration::from_secs(1);

/// The size of the next batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct BatchSize {
    bytes: usize,
}

impl Default for BatchSize {
    fn default() -> Self {
        Self { bytes: BATCH_BYTES }
    }
}

impl BatchSize {
    /// Payload of the frames of the next batch.
    pub(super) fn bytes(self) -> usize {
        self.bytes
    }

    /// A batch of this size was stored in `took`. `is_behind`: further frames were there when it was read.
    pub(super) fn adapt(&mut self, is_behind: bool, took: Duration) {
        self.bytes = match is_behind {
            false => BATCH_BYTES,
            true if took > LONG_BATCH => self.bytes / 2,
            true if took < LONG_BATCH / 2 => self.bytes * 2,
            true => self.bytes,
        };
        self.bytes = self.bytes.clamp(BATCH_BYTES, MAX_BATCH_BYTES);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_grow_while_the_projector_is_behind_and_the_database_is_fast() {
        let (short, medium, long) =
            (Duration::from_millis(1), Duration::from_millis(600), Duration::from_millis(1001));
        let mut size = BatchSize::default();
        let mut sizes = |steps: &[(bool, Duration)]| {
            for (is_behind, took) in steps {
                size.adapt(*is_behind, *took);
            }
            size.bytes() >> 10
        };
        assert_eq!(sizes(&[]), 256);
        assert_eq!(sizes(&[(true, short)]), 512);
        assert_eq!(sizes(&[(true, short); 20]), 8192, "the limit");
        assert_eq!(sizes(&[(true, medium); 3]), 8192);
        assert_eq!(sizes(&[(true, long)]), 4096);
        assert_eq!(sizes(&[(true, long); 20]), 256, "it does not become smaller");
        assert_eq!(sizes(&[(true, short), (true, short)]), 1024);
        assert_eq!(sizes(&[(false, short)]), 256, "close behind");
    }
}
