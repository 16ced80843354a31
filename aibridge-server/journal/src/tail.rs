//! The tail: the most recent frames, in memory.

use aibridge_journal_format::Frame;
use std::collections::VecDeque;

/// Consecutive frames up to the last appended one: for a reader that is close behind, and for writing them again after a
/// failed sync.
#[derive(Debug)]
pub(crate) struct Tail {
    frames: VecDeque<Frame>,
    bytes: u64,
    max: u64,
}

impl Tail {
    pub(crate) fn new(max: u64) -> Self {
        Self { frames: VecDeque::new(), bytes: 0, max }
    }

    /// Adds the next frame, and forgets the oldest ones that are beyond the limit and not from `pinned` on.
    pub(crate) fn push(&mut self, frame: Frame, pinned: u64) {
        self.bytes += frame.head.frame_bytes();
        self.frames.push_back(frame);
        self.shrink(pinned);
    }

    /// Forgets the oldest frames that are beyond the limit and not from `pinned` on.
    pub(crate) fn shrink(&mut self, pinned: u64) {
        while self.bytes > self.max
            && let Some(frame) = self.frames.pop_front_if(|frame| frame.head.sequence < pinned)
        {
            self.bytes -= frame.head.frame_bytes();
        }
    }

    /// Forgets the frames up to `through` that are not from `pinned` on.
    pub(crate) fn release(&mut self, through: u64, pinned: u64) {
        let is_released = |frame: &mut Frame| frame.head.sequence <= through && frame.head.sequence < pinned;
        while let Some(frame) = self.frames.pop_front_if(is_released) {
            self.bytes -= frame.head.frame_bytes();
        }
    }

    /// The frames from `sequence` on. `None` if it is older than what is kept.
    pub(crate) fn from(&self, sequence: u64) -> Option<impl Iterator<Item = &Frame>> {
        let first = self.frames.front()?.head.sequence;
        let skipped = usize::try_from(sequence.checked_sub(first)?).ok()?;
        Some(self.frames.iter().skip(skipped))
    }

    /// The first frame with this sequence number or a higher one.
    pub(crate) fn first_from(&self, sequence: u64) -> Option<&Frame> {
        let first = self.frames.front()?;
        let skipped = usize::try_from(sequence.saturating_sub(first.head.sequence)).ok()?;
        self.frames.get(skipped)
    }
}
