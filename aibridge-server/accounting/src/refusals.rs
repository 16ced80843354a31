//! The last refusals of each user, which the user may read.

use aibridge_budgets::Refusal;
use jiff::Timestamp;
use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};

/// The most refusals that are kept for a user.
const MAX_PER_USER: usize = 10;

/// The most users whose refusals are kept. At this many, all are forgotten.
const MAX_USERS: usize = 10_000;

/// A refused request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecentRefusal {
    /// The time of the refusal.
    pub at: Timestamp,
    /// The budget that refused.
    pub refusal: Refusal,
}

/// The last refusals, by user.
#[derive(Debug, Default)]
pub(crate) struct RecentRefusals(Mutex<HashMap<String, VecDeque<RecentRefusal>>>);

impl RecentRefusals {
    pub(crate) fn add(&self, user: &str, refusal: &Refusal, at: Timestamp) {
        let mut users = self.0.lock();
        if users.len() >= MAX_USERS && !users.contains_key(user) {
            users.clear();
        }
        let recent = users.entry(user.to_owned()).or_default();
        recent.truncate(MAX_PER_USER - 1);
        recent.push_front(RecentRefusal { at, refusal: refusal.clone() });
    }

    /// The refusals of a user, the latest first.
    pub(crate) fn of(&self, user: &str) -> Vec<RecentRefusal> {
        self.0.lock().get(user).map(|recent| recent.iter().cloned().collect()).unwrap_or_default()
    }
}
