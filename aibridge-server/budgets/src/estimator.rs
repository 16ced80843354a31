//! Estimates the cost of a request from earlier ones.

use crate::Subject;
use aibridge_prices::NanoUsd;
use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

/// The most means that are kept. At this many, those not used since the last cleanup are removed.
const MAX_MEANS: usize = 20_000;

/// The weight of a new cost in the mean is one part in `DECAY`.
const DECAY: i64 = 4;

/// Decaying means of what requests cost, for each session and for each actor and model. Two keys with the same hash
/// share a mean, which makes the estimate less accurate but breaks nothing.
#[derive(Debug)]
pub(crate) struct Estimator {
    hasher: RandomState,
    means: HashMap<u64, Mean>,
}

#[derive(Debug, Clone, Copy)]
struct Mean {
    nano: i64,
    is_recent: bool,
}

/// The means that a request contributes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MeanKeys {
    session: Option<u64>,
    actor_and_model: u64,
}

impl Estimator {
    pub(crate) fn new() -> Self {
        Self { hasher: RandomState::new(), means: HashMap::new() }
    }

    pub(crate) fn keys(&self, subject: &Subject<'_>, session: Option<&str>) -> MeanKeys {
        MeanKeys {
            session: session.map(|session| self.hasher.hash_one((0, subject.user, session))),
            actor_and_model: self.hasher.hash_one((1, subject.user, subject.model)),
        }
    }

    /// The mean cost of the session, else of the actor and model; zero if neither is known.
    pub(crate) fn usual(&self, keys: MeanKeys) -> NanoUsd {
        let session = keys.session.and_then(|session| self.means.get(&session));
        let mean = session.or_else(|| self.means.get(&keys.actor_and_model));
        mean.map_or(NanoUsd::ZERO, |mean| NanoUsd::new(mean.nano))
    }

    /// Adds the cost of a request to its means.
    pub(crate) fn record(&mut self, keys: MeanKeys, cost: NanoUsd) {
        for key in keys.session.into_iter().chain([keys.actor_and_model]) {
            if self.means.len() >= MAX_MEANS && !self.means.contains_key(&key) {
                self.remove_unused();
            }
            let mean = self.means.entry(key).or_insert(Mean { nano: cost.get(), is_recent: true });
            mean.nano = mean.nano.saturating_add((cost.get().saturating_sub(mean.nano)) / DECAY);
            mean.is_recent = true;
        }
    }

    /// Removes the means that were not used since the last cleanup, or all if all were.
    fn remove_unused(&mut self) {
        self.means.retain(|_, mean| std::mem::take(&mut mean.is_recent));
        if self.means.len() >= MAX_MEANS {
            self.means.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefers_the_session_and_forgets_slowly() {
        let mut estimator = Estimator::new();
        let subject = Subject { user: "alice", model: "gpt", ..Subject::default() };
        let (one, two) = (estimator.keys(&subject, Some("1")), estimator.keys(&subject, Some("2")));
        assert_eq!(estimator.usual(one), NanoUsd::ZERO);
        estimator.record(one, NanoUsd::new(100));
        assert_eq!(estimator.usual(one), NanoUsd::new(100));
        assert_eq!(estimator.usual(two), NanoUsd::new(100), "by actor and model");
        estimator.record(one, NanoUsd::new(500));
        assert_eq!(estimator.usual(one), NanoUsd::new(200));
        let other = Subject { user: "bob", model: "gpt", ..Subject::default() };
        assert_eq!(estimator.usual(estimator.keys(&other, Some("1"))), NanoUsd::ZERO);
    }

    #[test]
    fn keeps_a_bounded_number_of_means() {
        let mut estimator = Estimator::new();
        for session in 0..3 * MAX_MEANS {
            let keys = estimator.keys(&Subject::default(), Some(&session.to_string()));
            estimator.record(keys, NanoUsd::new(1));
            assert!(estimator.means.len() <= MAX_MEANS);
        }
    }
}
