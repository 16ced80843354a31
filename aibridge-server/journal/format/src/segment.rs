//! Segments: which file each sequence number is read from.

use crate::header::FileName;
use crate::layout::Seed;
use crate::scan::Run;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// A file of the directory.
#[derive(Debug)]
pub struct StoredFile {
    /// The name in the directory.
    pub name: String,
    /// The seed of the checksums in the file.
    pub seed: Seed,
    /// The name as the header contains it.
    pub file_name: FileName,
    /// A damaged file is set aside when its valid frames are released; others are removed.
    damaged: AtomicBool,
    /// The bytes that count against the limits.
    bytes: AtomicU64,
}

impl StoredFile {
    /// A file with `bytes` bytes that count against the limits.
    pub fn new(name: String, seed: Seed, file_name: FileName, bytes: u64, is_damaged: bool) -> Arc<Self> {
        Arc::new(Self {
            name,
            seed,
            file_name,
            damaged: AtomicBool::new(is_damaged),
            bytes: AtomicU64::new(bytes),
        })
    }

    /// Whether the file is set aside instead of removed.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        self.damaged.load(Relaxed)
    }

    /// Records that damage was found in the file.
    pub fn set_damaged(&self) {
        self.damaged.store(true, Relaxed);
    }

    /// Counts `bytes` more against the limits.
    pub fn add(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Relaxed);
    }

    /// The bytes that count against the limits.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }
}

/// Consecutive frames of one file, from which their sequence numbers are read.
#[derive(Clone, Debug)]
pub struct Segment {
    /// The file that contains the frames.
    pub file: Arc<StoredFile>,
    /// The offset of a frame with a sequence number of at most `from`, at which reading may begin.
    pub offset: u64,
    /// The first sequence number.
    pub from: u64,
    /// The last sequence number.
    pub to: u64,
}

/// A part of a run that no file of a higher generation holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// The index of the file, and of the run in it.
    pub(crate) file: usize,
    pub(crate) run: usize,
    pub(crate) from: u64,
    pub(crate) to: u64,
}

/// Chooses for each sequence number the first of the files that has a valid frame of it. The files come highest
/// generation first, the parts are returned lowest sequence number first.
pub(crate) fn choose(files: &[&[Run]]) -> Vec<Part> {
    let mut chosen: Vec<Part> = Vec::new();
    for (file, runs) in files.iter().enumerate() {
        let mut parts = Vec::new();
        for (index, run) in runs.iter().enumerate() {
            let free = subtract((run.first, run.last), &chosen);
            parts.extend(free.into_iter().map(|(from, to)| Part { file, run: index, from, to }));
        }
        chosen.extend(parts);
        chosen.sort_unstable_by_key(|part| part.from);
    }
    chosen
}

/// The parts of a range of sequence numbers that are not in `taken`, which is sorted.
fn subtract((mut from, to): (u64, u64), taken: &[Part]) -> Vec<(u64, u64)> {
    let mut left = Vec::new();
    let overlapping = taken.partition_point(|part| part.to < from);
    for part in taken[overlapping..].iter().take_while(|part| part.from <= to) {
        if part.from > from {
            left.push((from, part.from - 1));
        }
        if part.to >= to {
            return left;
        }
        from = part.to + 1;
    }
    left.push((from, to));
    left
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;
    use proptest::prelude::*;

    fn run((first, len): (u64, u64)) -> Run {
        let digest = Digest::of(b"");
        Run { bytes: 0..0, first, last: first + len, previous: digest, link: digest }
    }

    proptest! {
        /// Compares the result with a search for each number alone.
        #[test]
        fn each_number_comes_from_the_first_file_that_has_it(
            files in prop::collection::vec(prop::collection::vec((0u64..40, 0u64..9), 0..4), 0..5)
        ) {
            let files: Vec<Vec<Run>> = files
                .into_iter()
                .map(|mut runs| {
                    runs.sort_unstable();
                    let mut next = 0;
                    runs.retain(|(first, len)| *first >= next && { next = first + len + 1; true });
                    runs.into_iter().map(run).collect()
                })
                .collect();
            let files: Vec<&[Run]> = files.iter().map(Vec::as_slice).collect();
            let parts = choose(&files);
            prop_assert!(parts.windows(2).all(|pair| pair[0].to < pair[1].from));
            for number in 0..60 {
                let expected = files.iter().enumerate().find_map(|(file, runs)| {
                    let run = runs.iter().position(|run| (run.first..=run.last).contains(&number))?;
                    Some((file, run))
                });
                let part = parts.iter().find(|part| (part.from..=part.to).contains(&number));
                prop_assert_eq!(part.map(|part| (part.file, part.run)), expected, "{}", number);
            }
        }
    }
}
