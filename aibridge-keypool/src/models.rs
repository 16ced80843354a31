//! The cooldowns of single models of a key.

use crate::backoff::remaining;
use crate::probe::Probe;
use crate::{CoolingReason, Transitions};
use quanta::Instant;
use std::collections::HashMap;
use std::time::Duration;

/// The maximum number of models of one key with a cooldown of their own. Clients choose the model names, so the number
/// needs a bound.
pub(crate) const MODELS_MAX: usize = 64;

/// A cooldown of one key for one model, after a rate limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelCooldown {
    /// The model name of the walk.
    pub model: String,
    /// The remaining time; never zero.
    pub remaining: Duration,
}

/// The models of one key that cool, or whose probe is due.
#[derive(Debug, Default)]
pub(crate) struct ModelCooldowns {
    by_model: HashMap<Box<str>, Cooldown>,
    started: Transitions,
}

#[derive(Debug)]
struct Cooldown {
    until: Instant,
    probe: Probe,
}

impl ModelCooldowns {
    pub(crate) fn remaining(&self, model: &str, now: Instant) -> Duration {
        remaining(self.by_model.get(model).map(|cooldown| cooldown.until), now)
    }

    /// Starts or extends the cooldown of `model`; a longer running cooldown stays. Returns `false` if `model` is new and
    /// [`MODELS_MAX`] models are cooling.
    #[must_use]
    pub(crate) fn cool(&mut self, model: &str, now: Instant, until: Instant, probe: Probe) -> bool {
        let was_cooling = !self.remaining(model, now).is_zero();
        match self.by_model.get_mut(model) {
            Some(cooldown) => {
                cooldown.until = cooldown.until.max(until);
                cooldown.probe = probe;
            }
            None => {
                if self.by_model.len() >= MODELS_MAX {
                    self.by_model.retain(|_, cooldown| cooldown.until > now);
                }
                if self.by_model.len() >= MODELS_MAX {
                    return false;
                }
                self.by_model.insert(model.into(), Cooldown { until, probe });
            }
        }
        if !was_cooling && until > now {
            self.started.add_start(CoolingReason::RateLimited);
        }
        true
    }

    /// Removes the cooldown of `model` if it is over: the provider accepted the key for `model`.
    pub(crate) fn recover(&mut self, model: &str, now: Instant) {
        if self.by_model.get(model).is_some_and(|cooldown| cooldown.until <= now) {
            self.by_model.remove(model);
        }
    }

    /// Ends the cooldowns of all models.
    pub(crate) fn revive(&mut self) {
        self.by_model.clear();
    }

    /// The probe of `model`, if the model has cooled.
    pub(crate) fn probe(&mut self, model: &str) -> Option<&mut Probe> {
        if self.by_model.is_empty() {
            return None; // the common case: do not hash the name
        }
        self.by_model.get_mut(model).map(|cooldown| &mut cooldown.probe)
    }

    /// The models that cool, or whose probe is due (with zero remaining), in no order.
    pub(crate) fn all(&self, now: Instant) -> impl Iterator<Item = ModelCooldown> {
        self.by_model.iter().map(move |(model, cooldown)| ModelCooldown {
            model: model.as_ref().to_owned(),
            remaining: remaining(Some(cooldown.until), now),
        })
    }

    pub(crate) fn transitions(&self, now: Instant) -> Transitions {
        let running = self.by_model.values().filter(|cooldown| cooldown.until > now).count();
        self.started.with_running(running as u64)
    }
}
