//! What several processes with the same keys tell each other about them.

use crate::{CoolingReason, KeyPool, KeyState, ModelCooldown};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use std::fmt;
use std::time::Duration;

/// Names a key without telling it: half of a SHA-256 of it. It is the same wherever the key is the same.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(String);

/// Mixed in, so that it is not the hash that another program would make of the key.
const DOMAIN: &[u8] = b"aibridge key fingerprint\0";

impl Fingerprint {
    pub(crate) fn of(secret: &SecretString) -> Self {
        let hash = Sha256::new().chain_update(DOMAIN).chain_update(secret.expose_secret()).finalize();
        Self(hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect())
    }

    /// 32 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Fingerprint {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What other processes want to know of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyNews {
    /// Which key.
    pub fingerprint: Fingerprint,
    /// The model that the rest is about; `None` for the whole key. A model that works again is not in the news.
    pub model: Option<String>,
    /// Whether it is offered.
    pub state: KeyState,
    /// Whether the provider accepted it since it last cooled.
    pub is_proven: bool,
}

impl KeyPool {
    /// What other processes should know: of each key in order, first about the whole key, then about its models that cool
    /// or have to be tried.
    pub fn news(&self) -> Vec<KeyNews> {
        let now = self.now();
        let mut news = Vec::with_capacity(self.len());
        for slot in self.slots() {
            let health = slot.health.lock();
            let about = |model, state, is_proven| KeyNews {
                fingerprint: slot.fingerprint.clone(),
                model,
                state,
                is_proven,
            };
            news.push(about(None, health.state(None, now), health.is_proven()));
            news.extend(health.models(now).map(|ModelCooldown { model, remaining }| {
                let state = match remaining {
                    Duration::ZERO => KeyState::Valid,
                    _ => KeyState::Cooling { reason: CoolingReason::RateLimited, remaining },
                };
                about(Some(model), state, false)
            }));
        }
        news
    }

    /// Another process saw the key cool, for `model` or as a whole: it cools here too, for `remaining`, unless it does
    /// so for longer anyhow. When that is over, the other process has a moment to try it first.
    pub fn cool_from_elsewhere(
        &self,
        key: &Fingerprint,
        model: Option<&str>,
        reason: CoolingReason,
        remaining: Duration,
    ) {
        let now = self.now();
        for slot in self.slots().iter().filter(|slot| slot.fingerprint == *key) {
            slot.health.lock().cool_from_elsewhere(model, now, reason, remaining);
        }
    }

    /// Another process tried the key after its cooldown, and the provider accepted it.
    pub fn recovered_elsewhere(&self, key: &Fingerprint, model: Option<&str>) {
        let now = self.now();
        for slot in self.slots().iter().filter(|slot| slot.fingerprint == *key) {
            slot.health.lock().recovered(model, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quanta::{Clock, Mock};
    use std::sync::Arc;

    const SECOND: Duration = Duration::from_secs(1);

    /// Two processes with the same keys.
    fn two() -> (KeyPool, KeyPool, Arc<Mock>) {
        let (clock, time) = Clock::mock();
        let pool = |clock: &Clock| KeyPool::new(vec!["sk-a".into(), "sk-b".into()], clock.clone());
        (pool(&clock).expect("a pool"), pool(&clock).expect("a pool"), time)
    }

    fn hints(pool: &KeyPool) -> Vec<String> {
        secrets(pool.walk())
    }

    fn hints_for(pool: &KeyPool, model: &str) -> Vec<String> {
        secrets(pool.walk_for(model))
    }

    fn secrets(mut walk: crate::Walker) -> Vec<String> {
        std::iter::from_fn(|| walk.next_key()).map(|key| key.secret().expose_secret().to_owned()).collect()
    }

    #[test]
    fn a_fingerprint_names_a_key_and_does_not_tell_it() {
        let (one, other, _) = two();
        assert_eq!(one.news(), other.news());
        let [first, second] = &one.news()[..] else { panic!("two keys") };
        assert_ne!(first.fingerprint, second.fingerprint);
        assert_eq!(first.fingerprint.as_str().len(), 32);
        assert_ne!(first.fingerprint.as_str(), &format!("{:x}", Sha256::digest("sk-a"))[..32]);
    }

    #[test]
    fn what_cools_there_cools_here_and_is_tried_there_first() {
        let (there, here, time) = two();
        there.walk().next_key().expect("a").rate_limited(Some(20 * SECOND));
        let news = there.news().swap_remove(0);
        assert!(!news.is_proven);
        here.cool_from_elsewhere(&news.fingerprint, None, CoolingReason::RateLimited, 20 * SECOND);
        assert_eq!(here.news()[0], news);
        assert_eq!(hints(&here), ["sk-b"]);

        time.increment(20 * SECOND);
        let key = there.walk().next_key().expect("a");
        assert_eq!(hints(&here), ["sk-b", "sk-a"], "only if there is no other");
        key.succeeded();
        assert!(there.news()[0].is_proven);
        here.recovered_elsewhere(&news.fingerprint, None);
        assert_eq!(hints(&here), ["sk-a", "sk-b"]);
    }

    #[test]
    fn a_model_cools_there_and_here_and_leaves_the_news_when_it_works() {
        let (there, here, time) = two();
        there.walk_for("m").next_key().expect("a").rate_limited(Some(20 * SECOND));
        let news = there.news().into_iter().find(|news| news.model.is_some()).expect("news of a model");
        here.cool_from_elsewhere(
            &news.fingerprint,
            news.model.as_deref(),
            CoolingReason::RateLimited,
            20 * SECOND,
        );
        here.cool_from_elsewhere(
            &news.fingerprint,
            news.model.as_deref(),
            CoolingReason::RateLimited,
            10 * SECOND,
        );
        assert_eq!(here.news(), there.news());
        assert_eq!(hints_for(&here, "m"), ["sk-b"]);
        assert_eq!(hints_for(&here, "n"), ["sk-a", "sk-b"]);

        time.increment(20 * SECOND);
        let key = there.walk_for("m").next_key().expect("a");
        assert_eq!(hints_for(&here, "m"), ["sk-b", "sk-a"], "it is tried there first");
        key.succeeded();
        assert_eq!(there.news().len(), 2, "two keys");
        here.recovered_elsewhere(&news.fingerprint, Some("m"));
        assert_eq!(hints_for(&here, "m"), ["sk-a", "sk-b"]);
    }

    #[test]
    fn nobody_waits_long_for_a_trial_elsewhere() {
        let (_, here, time) = two();
        let key = here.news().swap_remove(0).fingerprint;
        here.cool_from_elsewhere(&key, None, CoolingReason::Rejected, 20 * SECOND);
        time.increment(22 * SECOND);
        assert_eq!(hints(&here), ["sk-a", "sk-b"], "this walk tries it");
        assert_eq!(hints(&here), ["sk-b", "sk-a"]);
    }

    #[test]
    fn shorter_and_late_news_change_nothing() {
        let (_, here, _) = two();
        let key = here.news().swap_remove(0).fingerprint;
        here.walk().next_key().expect("a").rate_limited(Some(60 * SECOND));
        let before = here.news();
        here.cool_from_elsewhere(&key, None, CoolingReason::Rejected, 20 * SECOND);
        here.recovered_elsewhere(&key, None);
        here.cool_from_elsewhere(&"unknown".to_owned().into(), None, CoolingReason::Rejected, 20 * SECOND);
        assert_eq!(here.news(), before);
    }
}
