//! The handover: the records of recently appended frames, passed in memory from the recorder to the projector.

use aibridge_recorder::Record;
use parking_lot::Mutex;
use std::collections::BTreeMap;

/// The most bytes of frames whose records are kept. The projector decodes the payloads of other frames.
const MAX_BYTES: usize = 2 << 20;

/// The bytes that a frame counts for in addition to its payload: small records take more memory than their JSON.
const FRAME_BYTES: usize = 1 << 10;

/// The records of recently appended frames, so that a projector that is close behind need not decode them. If the projector
/// reads a frame before its records are put here, they stay until the next call of [`Handover::take`].
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

#[cfg(test)]
mod tests {
    use super::*;
    use aibridge_recorder::ObjectOwner;
    use jiff::Timestamp;

    fn records(id: u64) -> Vec<Record> {
        let owner = ObjectOwner {
            provider_name: "openai".to_owned(),
            object_id: id.to_string(),
            initiator_id: "ada".to_owned(),
            created_at: Timestamp::UNIX_EPOCH,
        };
        vec![Record::Owner(owner)]
    }

    #[test]
    fn a_frame_is_handed_over_once_and_earlier_ones_are_forgotten() {
        let handover = Handover::default();
        for sequence in [3, 1, 2, 5] {
            handover.put(sequence, records(sequence), 10);
        }
        assert_eq!(handover.take(2), Some(records(2)));
        assert_eq!(handover.take(2), None);
        assert_eq!(handover.take(1), None, "the projector is past this frame");
        assert_eq!(handover.take(4), None, "this frame has no records");
        assert_eq!(handover.take(5), Some(records(5)));
        assert_eq!(handover.recent.lock().bytes, 0);
    }

    #[test]
    fn a_full_handover_takes_nothing_until_the_projector_has_read() {
        let handover = Handover::default();
        handover.put(1, records(1), MAX_BYTES - FRAME_BYTES);
        handover.put(2, records(2), 0);
        assert_eq!(handover.take(2), None);
        handover.put(3, records(3), 0);
        assert_eq!(handover.take(3), Some(records(3)));
    }
}
