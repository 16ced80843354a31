//! The parts of an append outside of the lock: hashing, preparing a file for a large payload, requesting tasks.

use super::Journal;
use crate::log::{self, Admission, AppendError, AppendedFrame, Preparation};
use crate::options::Maintenance;
use crate::stats::count;
use aibridge_journal_format::{Digest, FrameHead};
use bytes::Bytes;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

impl Journal {
    pub(super) fn append_frame(
        &self,
        kind: u16,
        payload: Bytes,
        admission: &Admission<'_>,
    ) -> Result<AppendedFrame, AppendError> {
        let start = self.clock.now();
        let result = self.try_append(kind, payload, admission);
        let counters = &self.shared.counters;
        match &result {
            Ok(_) => {
                counters.appended(self.clock.now().duration_since(start));
                self.shared.appended.notify_one();
            }
            Err(AppendError::Full { .. } | AppendError::Unsynced(_)) => count(&counters.refused),
            Err(_) => count(&counters.failed_appends),
        }
        result
    }

    fn try_append(
        &self,
        kind: u16,
        payload: Bytes,
        admission: &Admission<'_>,
    ) -> Result<AppendedFrame, AppendError> {
        let length = u32::try_from(payload.len()).ok().filter(|_| payload.len() <= self.max_payload_bytes);
        let Some(length) = length else { return Err(AppendError::TooLarge(payload.len())) };
        // The slow parts of a large payload need no lock: its hash, and its write to a file that then takes over.
        let payload_hash = Digest::of(&payload);
        let (sequence, previous) = (0, payload_hash);
        let head = FrameHead { sequence, kind, unix_micros: unix_micros(), length, previous, payload_hash };
        let prepared = if payload.len() < self.large_payload_bytes {
            None
        } else {
            let preparation = self.shared.log.lock().check_large(head.frame_bytes(), admission)?;
            let Preparation { disk, numbers, file_bytes } = preparation;
            Some(log::prepare_with(&*disk, &numbers, file_bytes, &payload)?)
        };
        let (result, prepare, sync) = {
            let mut log = self.shared.log.lock();
            let result = log.append(head, payload, admission, prepared);
            (result, log.wants_preparation(), log.wants_sync())
        };
        if self.shared.maintenance == Maintenance::Thread && (prepare || sync) {
            self.shared.tasks.request(|wanted| {
                wanted.prepare |= prepare;
                wanted.sync |= sync;
            });
        }
        result
    }
}

fn unix_micros() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
