//! Compares the responses of `/readyz` with the outcomes of requests over time.

use super::probe;
use parking_lot::Mutex;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

/// The time between two requests to `/readyz`.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// The length of one slot of the timeline.
const SLOT: Duration = Duration::from_millis(500);

/// The number of consecutive slots in which `/readyz` must contradict all requests to count as wrong. A shorter
/// contradiction is the delay of its cache.
const WRONG_SLOTS: usize = 4;

/// The responses of one slot.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    ready: u32,
    unready: u32,
    served: u32,
    refused: u32,
}

/// The responses of one gateway over time.
pub(super) struct Timeline {
    began: Instant,
    slots: Mutex<Vec<Slot>>,
}

impl Timeline {
    pub(super) fn new() -> Self {
        Self { began: Instant::now(), slots: Mutex::default() }
    }

    /// Records that a request that began at `at` was served.
    pub(super) fn note_served(&self, at: Instant) {
        self.note(at, |slot| slot.served += 1);
    }

    /// Records that a request was refused now.
    pub(super) fn note_refused(&self) {
        self.note(Instant::now(), |slot| slot.refused += 1);
    }

    fn note(&self, at: Instant, change: impl FnOnce(&mut Slot)) {
        let number = (at.saturating_duration_since(self.began).as_millis() / SLOT.as_millis()) as usize;
        let mut slots = self.slots.lock();
        if slots.len() <= number {
            slots.resize(number + 1, Slot::default());
        }
        change(&mut slots[number]);
    }

    /// The times at which `/readyz` contradicted the requests, with descriptions.
    pub(super) fn contradictions(&self) -> Vec<String> {
        let slots = self.slots.lock();
        let windows = slots.windows(WRONG_SLOTS).enumerate();
        let found = windows.filter_map(|(number, window)| {
            let wrong = if window.iter().all(Slot::is_ready_and_refuses) {
                "ready, and all requests were refused"
            } else if window.iter().all(Slot::is_unready_and_serves) {
                "unready, and all requests were served"
            } else {
                return None;
            };
            Some(format!("/readyz was {wrong}, {:?} after the start", SLOT * number as u32))
        });
        found.collect()
    }
}

impl Slot {
    fn is_ready_and_refuses(&self) -> bool {
        self.ready > 0 && self.unready == 0 && self.refused > 0 && self.served == 0
    }

    fn is_unready_and_serves(&self) -> bool {
        self.unready > 0 && self.ready == 0 && self.served > 0 && self.refused == 0
    }
}

/// Requests `/readyz` of the gateway at `address` repeatedly until the task is aborted.
pub(super) fn watch(timeline: Arc<Timeline>, address: watch::Receiver<Option<SocketAddr>>) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            let gateway = *address.borrow();
            let response = match gateway {
                Some(gateway) => probe::get(gateway, "/readyz").await.ok(),
                None => None,
            };
            if let Some((status, _)) = response {
                timeline.note(Instant::now(), |slot| match status {
                    200 => slot.ready += 1,
                    _ => slot.unready += 1,
                });
            }
            sleep(POLL_INTERVAL).await;
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contradictions(slot: Slot, count: usize) -> usize {
        let timeline = Timeline::new();
        *timeline.slots.lock() = vec![slot; count];
        timeline.contradictions().len()
    }

    #[test]
    fn a_lasting_contradiction_is_found() {
        let refuses = Slot { refused: 3, ..Slot::default() };
        let serves = Slot { served: 3, ..Slot::default() };
        assert_eq!(contradictions(Slot { ready: 5, ..refuses }, WRONG_SLOTS), 1);
        assert_eq!(contradictions(Slot { ready: 5, ..refuses }, WRONG_SLOTS - 1), 0);
        assert_eq!(contradictions(Slot { unready: 5, ..refuses }, 9), 0);
        assert_eq!(contradictions(Slot { unready: 5, ..serves }, WRONG_SLOTS), 1);
        assert_eq!(contradictions(Slot { ready: 5, ..serves }, 9), 0);
        assert_eq!(contradictions(Slot { unready: 5, served: 1, ..refuses }, 9), 0);
    }
}
