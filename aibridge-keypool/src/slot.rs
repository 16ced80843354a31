//! One key of a pool with its state. Pools that contain the same key share its slot.

use crate::counts::{Counters, KeyCounts};
use crate::health::Health;
use crate::models::ModelCooldown;
use crate::{Fingerprint, KeyState, hint};
use parking_lot::Mutex;
use quanta::Instant;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

/// A key and its state.
pub(crate) struct Slot {
    pub(crate) secret: SecretString,
    pub(crate) hint: String,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) health: Mutex<Health>,
    pub(crate) counters: Counters,
}

/// The state of a key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyStatus {
    /// The masked key, see [`hint`].
    pub hint: String,
    /// The state for all models that have no cooldown of their own.
    pub state: KeyState,
    /// The models that have a cooldown of their own, by name.
    pub models: Vec<ModelCooldown>,
    /// The counts since the process started or the key was configured.
    pub counts: KeyCounts,
}

impl Slot {
    pub(crate) fn new(secret: SecretString) -> Self {
        let hint = hint(secret.expose_secret());
        let fingerprint = Fingerprint::of(&secret);
        let (health, counters) = Default::default();
        Self { secret, hint, fingerprint, health, counters }
    }

    pub(crate) fn status(&self, now: Instant) -> KeyStatus {
        let health = self.health.lock();
        let mut models: Vec<_> = health.models(now).filter(|model| !model.remaining.is_zero()).collect();
        models.sort_unstable_by(|one, other| one.model.cmp(&other.model));
        KeyStatus {
            hint: self.hint.clone(),
            state: health.state(None, now),
            models,
            counts: self.counters.read(),
        }
    }

    /// Compares in constant time for secrets of equal length.
    pub(crate) fn has_secret_of(&self, other: &Self) -> bool {
        self.secret.expose_secret().as_bytes().ct_eq(other.secret.expose_secret().as_bytes()).into()
    }
}
