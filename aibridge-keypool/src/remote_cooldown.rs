//! The key states that gateway processes with the same keys share with each other.

use crate::models::ModelCooldown;
use crate::pool::KeyPool;
use crate::{CoolingReason, Fingerprint, KeyState};
use std::time::Duration;

/// The state of a key, or of one model of it, for other processes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedKeyState {
    /// The fingerprint of the key.
    pub fingerprint: Fingerprint,
    /// The model; `None` for the whole key.
    pub model: Option<String>,
    /// Whether walks offer the key.
    pub state: KeyState,
    /// Whether the provider accepted the key since its last cooldown. Always `false` for a model: a model that recovers
    /// is not shared any more.
    pub is_proven: bool,
}

impl KeyPool {
    /// The states to share with other processes: for each key in order, the whole key, then its models that cool or
    /// whose probe is due.
    pub fn shared_states(&self) -> Vec<SharedKeyState> {
        let now = self.now();
        let mut states = Vec::with_capacity(self.len());
        for slot in self.slots() {
            let health = slot.health.lock();
            let shared = |model, state, is_proven| SharedKeyState {
                fingerprint: slot.fingerprint.clone(),
                model,
                state,
                is_proven,
            };
            states.push(shared(None, health.state(None, now), health.is_proven()));
            states.extend(health.models(now).map(|ModelCooldown { model, remaining }| {
                let state = match remaining {
                    Duration::ZERO => KeyState::Valid,
                    _ => KeyState::Cooling { reason: CoolingReason::RateLimited, remaining },
                };
                shared(Some(model), state, false)
            }));
        }
        states
    }

    /// Applies a cooldown that another process reported: the key cools for `remaining`, for `model` or as a whole. A
    /// longer running cooldown stays. After the cooldown, the other process has 2 s to probe the key first.
    pub fn apply_remote_cooldown(
        &self,
        key: &Fingerprint,
        model: Option<&str>,
        reason: CoolingReason,
        remaining: Duration,
    ) {
        let now = self.now();
        for slot in self.slots().iter().filter(|slot| slot.fingerprint == *key) {
            slot.health.lock().apply_remote_cooldown(model, now, reason, remaining);
        }
    }

    /// Applies a recovery that another process reported: its probe after the cooldown succeeded.
    pub fn apply_remote_recovery(&self, key: &Fingerprint, model: Option<&str>) {
        let now = self.now();
        for slot in self.slots().iter().filter(|slot| slot.fingerprint == *key) {
            slot.health.lock().recover(model, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quanta::{Clock, Mock};
    use secrecy::ExposeSecret;
    use std::sync::Arc;

    const SECOND: Duration = Duration::from_secs(1);

    /// The pools of two processes with the same keys.
    fn two_pools() -> (KeyPool, KeyPool, Arc<Mock>) {
        let (clock, time) = Clock::mock();
        let pool = |clock: &Clock| KeyPool::new(vec!["sk-a".into(), "sk-b".into()], clock.clone());
        (pool(&clock).expect("a pool"), pool(&clock).expect("a pool"), time)
    }

    fn offered_keys(pool: &KeyPool) -> Vec<String> {
        secrets(pool.walk())
    }

    fn offered_keys_for(pool: &KeyPool, model: &str) -> Vec<String> {
        secrets(pool.walk_for(model))
    }

    fn secrets(mut walk: crate::Walker) -> Vec<String> {
        std::iter::from_fn(|| walk.next_key()).map(|key| key.secret().expose_secret().to_owned()).collect()
    }

    #[test]
    fn a_remote_cooldown_applies_here_and_the_other_process_probes_first() {
        let (remote, local, time) = two_pools();
        remote.walk().next_key().expect("a").rate_limited(Some(20 * SECOND));
        let shared = remote.shared_states().swap_remove(0);
        assert!(!shared.is_proven);
        local.apply_remote_cooldown(&shared.fingerprint, None, CoolingReason::RateLimited, 20 * SECOND);
        assert_eq!(local.shared_states()[0], shared);
        assert_eq!(offered_keys(&local), ["sk-b"]);

        time.increment(20 * SECOND);
        let key = remote.walk().next_key().expect("a");
        assert_eq!(offered_keys(&local), ["sk-b", "sk-a"], "last, while the other process probes it");
        key.succeeded();
        assert!(remote.shared_states()[0].is_proven);
        local.apply_remote_recovery(&shared.fingerprint, None);
        assert_eq!(offered_keys(&local), ["sk-a", "sk-b"]);
    }

    #[test]
    fn a_models_cooldown_is_shared_until_it_recovers() {
        let (remote, local, time) = two_pools();
        remote.walk_for("m").next_key().expect("a").rate_limited(Some(20 * SECOND));
        let shared = remote
            .shared_states()
            .into_iter()
            .find(|state| state.model.is_some())
            .expect("the state of a model");
        local.apply_remote_cooldown(
            &shared.fingerprint,
            shared.model.as_deref(),
            CoolingReason::RateLimited,
            20 * SECOND,
        );
        local.apply_remote_cooldown(
            &shared.fingerprint,
            shared.model.as_deref(),
            CoolingReason::RateLimited,
            10 * SECOND,
        );
        assert_eq!(local.shared_states(), remote.shared_states());
        assert_eq!(offered_keys_for(&local, "m"), ["sk-b"]);
        assert_eq!(offered_keys_for(&local, "n"), ["sk-a", "sk-b"]);

        time.increment(20 * SECOND);
        let key = remote.walk_for("m").next_key().expect("a");
        assert_eq!(offered_keys_for(&local, "m"), ["sk-b", "sk-a"], "the other process probes it first");
        key.succeeded();
        assert_eq!(remote.shared_states().len(), 2, "two keys");
        local.apply_remote_recovery(&shared.fingerprint, Some("m"));
        assert_eq!(offered_keys_for(&local, "m"), ["sk-a", "sk-b"]);
    }

    #[test]
    fn a_remote_probe_has_a_short_head_start() {
        let (_, local, time) = two_pools();
        let key = local.shared_states().swap_remove(0).fingerprint;
        local.apply_remote_cooldown(&key, None, CoolingReason::Rejected, 20 * SECOND);
        time.increment(22 * SECOND);
        assert_eq!(offered_keys(&local), ["sk-a", "sk-b"], "this walk probes it");
        assert_eq!(offered_keys(&local), ["sk-b", "sk-a"]);
    }

    #[test]
    fn shorter_and_late_reports_change_nothing() {
        let (_, local, _) = two_pools();
        let key = local.shared_states().swap_remove(0).fingerprint;
        local.walk().next_key().expect("a").rate_limited(Some(60 * SECOND));
        let before = local.shared_states();
        local.apply_remote_cooldown(&key, None, CoolingReason::Rejected, 20 * SECOND);
        local.apply_remote_recovery(&key, None);
        local.apply_remote_cooldown(&"unknown".to_owned().into(), None, CoolingReason::Rejected, 20 * SECOND);
        assert_eq!(local.shared_states(), before);
    }
}
