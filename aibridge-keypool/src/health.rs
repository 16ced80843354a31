//! The state of one key: its cooldowns, for all models and for single models, and their probes.

use crate::cooldown::{Cooldowns, MAX_COOLDOWN, RATE_LIMITED};
use crate::models::{ModelCooldown, ModelCooldowns};
use crate::probe::Probe;
use crate::{CoolingReason, KeyState, Transitions};
use quanta::Instant;
use std::time::Duration;

/// The state of one key. A `model` of `None` means the whole key: the request names no model.
#[derive(Debug, Default)]
pub(crate) struct Health {
    key: Cooldowns,
    probe: Probe,
    models: ModelCooldowns,
}

impl Health {
    /// The state of the key for requests to `model`.
    pub(crate) fn state(&self, model: Option<&str>, now: Instant) -> KeyState {
        let key = self.key.state(now);
        let of_model = model.map_or(Duration::ZERO, |model| self.models.remaining(model, now));
        match key {
            _ if of_model.is_zero() => key,
            KeyState::Cooling { remaining, .. } if remaining > of_model => key,
            _ => KeyState::Cooling { reason: CoolingReason::RateLimited, remaining: of_model },
        }
    }

    /// Whether a walk may use the valid key now, rather than leave it to the walk that probes it. The calling walk takes
    /// the probes that are due.
    pub(crate) fn admit(&mut self, model: Option<&str>, now: Instant) -> bool {
        let mut of_model = model.and_then(|model| self.models.probe(model));
        if self.probe.is_taken(now) || of_model.as_ref().is_some_and(|probe| probe.is_taken(now)) {
            return false;
        }
        self.probe.take(now);
        if let Some(probe) = &mut of_model {
            probe.take(now);
        }
        true
    }

    pub(crate) fn rate_limited(&mut self, model: Option<&str>, now: Instant, cooldown: Option<Duration>) {
        let until = now + cooldown.unwrap_or(RATE_LIMITED).min(MAX_COOLDOWN);
        if !model.is_some_and(|model| self.models.cool(model, now, until, Probe::due())) {
            self.key.rate_limited(now, until);
            self.probe = Probe::due();
        }
    }

    pub(crate) fn out_of_quota(&mut self, now: Instant) {
        self.key.out_of_quota(now);
        self.probe = Probe::due();
    }

    pub(crate) fn rejected(&mut self, now: Instant) {
        self.key.rejected(now);
        self.probe = Probe::due();
    }

    pub(crate) fn succeeded(&mut self, model: Option<&str>, now: Instant) {
        self.key.succeeded();
        self.recover(None, now);
        if model.is_some() {
            self.recover(model, now);
        }
    }

    /// Ends all cooldowns and probes at the request of an operator, so that the next request tries the key.
    pub(crate) fn revive(&mut self) {
        self.key.revive();
        self.models.revive();
        self.probe = Probe::default();
    }

    /// Ends the probe: the provider accepted the key, here or in another process, after the cooldown of `model` or of
    /// the whole key.
    pub(crate) fn recover(&mut self, model: Option<&str>, now: Instant) {
        match model {
            Some(model) => self.models.recover(model, now),
            None if self.key.state(now) == KeyState::Valid => self.probe = Probe::default(),
            None => {}
        }
    }

    /// Applies a cooldown that another process reported. That process probes the key first.
    pub(crate) fn apply_remote_cooldown(
        &mut self,
        model: Option<&str>,
        now: Instant,
        reason: CoolingReason,
        remaining: Duration,
    ) {
        let until = now + remaining.min(MAX_COOLDOWN);
        if let Some(model) = model
            && (self.models.remaining(model, now) >= remaining
                || self.models.cool(model, now, until, Probe::due_remotely(until)))
        {
            return;
        }
        let running = match self.key.state(now) {
            KeyState::Cooling { remaining, .. } => remaining,
            KeyState::Valid => Duration::ZERO,
        };
        if remaining > running {
            self.key.extend(now, reason, until);
            self.probe = Probe::due_remotely(until);
        }
    }

    /// Whether the provider accepted the key since its last cooldown for all models.
    pub(crate) fn is_proven(&self) -> bool {
        self.probe.is_passed()
    }

    /// The models that cool, or whose probe is due (with zero remaining), in no order.
    pub(crate) fn models(&self, now: Instant) -> impl Iterator<Item = ModelCooldown> {
        self.models.all(now)
    }

    pub(crate) fn transitions(&self, now: Instant) -> Transitions {
        self.key.transitions(now).plus(self.models.transitions(now))
    }
}
