//! The state of one key: cooldowns for all models and for single ones, and what has to be tried after them.

use crate::cooldown::{Cooldowns, MAX_COOLDOWN, RATE_LIMITED};
use crate::models::Models;
use crate::probation::Probe;
use crate::{CoolingReason, KeyState, ModelCooldown, Transitions};
use quanta::Instant;
use std::time::Duration;

/// One key's state. Wherever a model is `None`, a request names none: it is about the whole key.
#[derive(Debug, Default)]
pub(crate) struct Health {
    whole: Cooldowns,
    probation: Probe,
    models: Models,
}

impl Health {
    /// Whether the key is offered to requests for `model`.
    pub(crate) fn state(&self, model: Option<&str>, now: Instant) -> KeyState {
        let whole = self.whole.state(now);
        let limited = model.map_or(Duration::ZERO, |model| self.models.remaining(model, now));
        match whole {
            _ if limited.is_zero() => whole,
            KeyState::Cooling { remaining, .. } if remaining > limited => whole,
            _ => KeyState::Cooling { reason: CoolingReason::RateLimited, remaining: limited },
        }
    }

    /// Whether a walk may use the key now, which does not cool. What has to be tried first is then for this walk to try.
    pub(crate) fn admits(&mut self, model: Option<&str>, now: Instant) -> bool {
        let mut of_model = model.and_then(|model| self.models.probation(model));
        if self.probation.is_taken(now) || of_model.as_ref().is_some_and(|probation| probation.is_taken(now))
        {
            return false;
        }
        self.probation.take(now);
        if let Some(probation) = &mut of_model {
            probation.take(now);
        }
        true
    }

    pub(crate) fn rate_limited(&mut self, model: Option<&str>, now: Instant, cooldown: Option<Duration>) {
        let until = now + cooldown.unwrap_or(RATE_LIMITED).min(MAX_COOLDOWN);
        if !model.is_some_and(|model| self.models.cool(model, now, until, Probe::due())) {
            self.whole.rate_limited(now, until);
            self.probation = Probe::due();
        }
    }

    pub(crate) fn out_of_quota(&mut self, now: Instant) {
        self.whole.out_of_quota(now);
        self.probation = Probe::due();
    }

    pub(crate) fn rejected(&mut self, now: Instant) {
        self.whole.rejected(now);
        self.probation = Probe::due();
    }

    pub(crate) fn succeeded(&mut self, model: Option<&str>, now: Instant) {
        self.whole.succeeded();
        self.recovered(None, now);
        if model.is_some() {
            self.recovered(model, now);
        }
    }

    /// The key was accepted after the cooldown of `model`, or of the whole key, here or by another process.
    pub(crate) fn recovered(&mut self, model: Option<&str>, now: Instant) {
        match model {
            Some(model) => self.models.succeeded(model, now),
            None if self.whole.state(now) == KeyState::Valid => self.probation = Probe::default(),
            None => {}
        }
    }

    /// Another process saw the key cool. It tries the key first when that is over.
    pub(crate) fn cool_from_elsewhere(
        &mut self,
        model: Option<&str>,
        now: Instant,
        reason: CoolingReason,
        remaining: Duration,
    ) {
        let until = now + remaining.min(MAX_COOLDOWN);
        if let Some(model) = model
            && (self.models.remaining(model, now) >= remaining
                || self.models.cool(model, now, until, Probe::due_elsewhere(until)))
        {
            return;
        }
        let already = match self.whole.state(now) {
            KeyState::Cooling { remaining, .. } => remaining,
            KeyState::Valid => Duration::ZERO,
        };
        if remaining > already {
            self.whole.extend(now, reason, until);
            self.probation = Probe::due_elsewhere(until);
        }
    }

    /// Whether the provider accepted the key since it last cooled for all models.
    pub(crate) fn is_proven(&self) -> bool {
        self.probation.is_passed()
    }

    /// The models that cool, or have to be tried (then nothing remains), in no order.
    pub(crate) fn models(&self, now: Instant) -> impl Iterator<Item = ModelCooldown> {
        self.models.all(now)
    }

    pub(crate) fn transitions(&self, now: Instant) -> Transitions {
        self.whole.transitions(now).plus(self.models.transitions(now))
    }
}
