//! The cooldowns of single models of a key.

use crate::CoolingReason;
use crate::Transitions;
use crate::backoff::remaining;
use crate::probation::Probe;
use quanta::Instant;
use std::collections::HashMap;
use std::time::Duration;

/// How many models of one key cool at most: clients can name as many models as they like.
pub(crate) const MODELS_MAX: usize = 64;

/// A model of a key that cools for a rate limit of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelCooldown {
    /// The model, as the walks name it.
    pub model: String,
    /// For how much longer; never zero.
    pub remaining: Duration,
}

/// The models of one key that cool, or that have cooled and were not tried again.
#[derive(Debug, Default)]
pub(crate) struct Models {
    limited: HashMap<Box<str>, Limited>,
    began: Transitions,
}

#[derive(Debug)]
struct Limited {
    until: Instant,
    probation: Probe,
}

impl Models {
    pub(crate) fn remaining(&self, model: &str, now: Instant) -> Duration {
        remaining(self.limited.get(model).map(|limited| limited.until), now)
    }

    /// Cools `model` until then, unless it does so for longer. Returns whether there was room for it.
    #[must_use]
    pub(crate) fn cool(&mut self, model: &str, now: Instant, until: Instant, probation: Probe) -> bool {
        let was_cooling = !self.remaining(model, now).is_zero();
        match self.limited.get_mut(model) {
            Some(limited) => {
                limited.until = limited.until.max(until);
                limited.probation = probation;
            }
            None => {
                if self.limited.len() >= MODELS_MAX {
                    self.limited.retain(|_, limited| limited.until > now);
                }
                if self.limited.len() >= MODELS_MAX {
                    return false;
                }
                self.limited.insert(model.into(), Limited { until, probation });
            }
        }
        if !was_cooling && until > now {
            self.began.begin(CoolingReason::RateLimited);
        }
        true
    }

    /// The provider accepted the key for `model`, or does so in another process.
    pub(crate) fn succeeded(&mut self, model: &str, now: Instant) {
        if self.limited.get(model).is_some_and(|limited| limited.until <= now) {
            self.limited.remove(model);
        }
    }

    /// What is left of a cooldown of `model`: it has to be tried.
    pub(crate) fn probation(&mut self, model: &str) -> Option<&mut Probe> {
        if self.limited.is_empty() {
            return None; // as almost always
        }
        self.limited.get_mut(model).map(|limited| &mut limited.probation)
    }

    /// Those that cool, or have to be tried (then nothing remains), in no order.
    pub(crate) fn all(&self, now: Instant) -> impl Iterator<Item = ModelCooldown> {
        self.limited.iter().map(move |(model, limited)| ModelCooldown {
            model: model.as_ref().to_owned(),
            remaining: remaining(Some(limited.until), now),
        })
    }

    pub(crate) fn transitions(&self, now: Instant) -> Transitions {
        let running = self.limited.values().filter(|limited| limited.until > now).count();
        self.began.with_running(running as u64)
    }
}
