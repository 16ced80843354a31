//! The handover: the records of recently appended frames, passed in memory from the recorder to the projector.

use aibridge_recorder::Record;
use parking_lot::Mutex;
use std::collections::BTreeMap;

/// The most bytes of frames whose records are kept. The projector decodes the payloads of other frames.
const MAX_BYTES: usize = 2 << 20;

/// The bytes that a frame counts for in addition to its payload: small records take more memory than their JSON.
const FRAME_BYTES: usize = 1 << 10;

/// The records of recently appended frames, so that a projector that is close behind need not decode them.
#[derive(Default)]
pub(crate) struct Handover {
    recent: Mutex<Recent>,
}

#[derive(Default)]
struct Recent {
    /// By sequence number.
    frames: BTreeMap<u64, Entry>,
    bytes: usize,
}

struct Entry {
    records: Vec<Record>,
    bytes: usize,
}

impl Handover {
    /// Keeps the records of the frame `sequence`, if there is room. `bytes` is the length of its payload.
    pub(crate) fn put(&self, sequence: u64, records: Vec<Record>, bytes: usize) {
        let bytes = bytes + FRAME_BYTES;
        let mut recent = self.recent.lock();
        if recent.bytes + bytes <= MAX_BYTES {
            recent.bytes += bytes;
            recent.frames.insert(sequence, Entry { records, bytes });
        }
    }

    /// Removes and returns the records of a frame; `None` if they were not kept. Also removes those of earlier frames: the
    /// projector reads in order.
    pub(crate) fn take(&self, sequence: u64) -> Option<Vec<Record>> {
        let mut recent = self.recent.lock();
        while let Some(first) = recent.frames.first_entry()
            && *first.key() <= sequence
        {
            let (found, entry) = first.remove_entry();
            recent.bytes -= entry.bytes;
            if found == sequence {
                return Some(entry.records);
            }
        }
        None
    }
}
