//! The limits of stored bytes: one for starts, and a reserve that only ends may use.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The limits, and the bytes that are reserved for ends. The log counts the stored bytes, and admits frames under its lock.
#[derive(Debug)]
pub(crate) struct Space {
    max: u64,
    reserve: u64,
    reserved: Arc<AtomicU64>,
}

/// The bytes that are reserved for the end of an accepted start. Dropping it releases the unused rest.
#[derive(Debug)]
pub struct Reservation {
    bytes: u64,
    reserved: Arc<AtomicU64>,
}

impl Space {
    pub(crate) fn new(max: u64, reserve: u64) -> Self {
        Self { max, reserve, reserved: Arc::default() }
    }

    pub(crate) fn max(&self) -> u64 {
        self.max
    }

    pub(crate) fn reserved(&self) -> u64 {
        self.reserved.load(Relaxed)
    }

    /// Whether `bytes` may be stored now besides `used`, by a start that reserves `end` bytes.
    pub(crate) fn admits_start(&self, used: u64, bytes: u64, end: u64) -> bool {
        let stored = used.saturating_add(bytes);
        stored <= self.max && stored.saturating_add(self.reserved()).saturating_add(end) <= self.limit()
    }

    /// Whether `bytes` may be stored now besides `used`, by the owner of the reservation. More than was reserved is
    /// admitted as long as no other start has reserved it.
    pub(crate) fn admits_end(&self, used: u64, bytes: u64, reservation: &Reservation) -> bool {
        let others = self.reserved() - reservation.bytes;
        bytes <= reservation.bytes || used.saturating_add(bytes).saturating_add(others) <= self.limit()
    }

    /// Reserves what [`Self::admits_start`] has admitted.
    pub(crate) fn reserve(&self, bytes: u64) -> Reservation {
        self.reserved.fetch_add(bytes, Relaxed);
        Reservation { bytes, reserved: Arc::clone(&self.reserved) }
    }

    fn limit(&self) -> u64 {
        self.max.saturating_add(self.reserve)
    }
}

impl Reservation {
    /// The bytes that are reserved. A frame takes [`FRAME_OVERHEAD`](crate::FRAME_OVERHEAD) bytes more than its payload.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Subtracts bytes that were stored.
    pub(crate) fn consume(&mut self, bytes: u64) {
        let consumed = bytes.min(self.bytes);
        self.bytes -= consumed;
        self.reserved.fetch_sub(consumed, Relaxed);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.reserved.fetch_sub(self.bytes, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_leaves_room_for_the_ends_of_others() {
        let space = Space::new(1000, 500);
        assert!(space.admits_start(900, 100, 500));
        assert!(!space.admits_start(901, 100, 0), "over the limit of starts");
        let reservation = space.reserve(400);
        assert!(!space.admits_start(1000, 0, 101), "the reserve is taken");
        assert!(space.admits_start(1000, 0, 100));
        drop(reservation);
        assert!(space.admits_start(1000, 0, 500));
    }

    #[test]
    fn an_end_has_what_it_reserved_and_what_nobody_reserved() {
        let space = Space::new(1000, 500);
        let (mut first, second) = (space.reserve(100), space.reserve(300));
        assert!(space.admits_end(1_000_000, 100, &first), "reserved, however full it is");
        assert!(space.admits_end(1000, 200, &first));
        assert!(!space.admits_end(1000, 201, &first), "that is the room of the second");
        first.consume(60);
        assert_eq!((first.bytes(), space.reserved()), (40, 340));
        first.consume(60);
        assert_eq!((first.bytes(), space.reserved()), (0, 300));
        drop((first, second));
        assert_eq!(space.reserved(), 0);
    }
}
