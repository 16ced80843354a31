//! What several processes with the same keys tell each other about them.

use crate::{CoolingReason, KeyPool, KeyState};
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
    /// Whether it is offered.
    pub state: KeyState,
    /// Whether the provider accepted it since it last cooled.
    pub is_proven: bool,
}

impl KeyPool {
    /// What there is to tell about each key, in order.
    pub fn news(&self) -> Vec<KeyNews> {
        let now = self.now();
        let news = self.slots().iter().map(|slot| KeyNews {
            fingerprint: slot.fingerprint.clone(),
            state: slot.cooldowns.lock().state(now),
            is_proven: slot.probation.lock().is_passed(),
        });
        news.collect()
    }

    /// Another process saw the key cool: it cools here too, for `remaining`, unless it does so for longer anyhow. When
    /// that is over, the other process has a moment to try it first.
    pub fn cool_from_elsewhere(&self, key: &Fingerprint, reason: CoolingReason, remaining: Duration) {
        let now = self.now();
        for slot in self.slots().iter().filter(|slot| slot.fingerprint == *key) {
            let mut cooldowns = slot.cooldowns.lock();
            let already = match cooldowns.state(now) {
                KeyState::Cooling { remaining, .. } => remaining,
                KeyState::Valid => Duration::ZERO,
            };
            if remaining > already {
                cooldowns.heard(now, reason, remaining);
                slot.probation.lock().begin_elsewhere(now + remaining);
            }
        }
    }

    /// Another process tried the key after its cooldown, and the provider accepted it.
    pub fn recovered_elsewhere(&self, key: &Fingerprint) {
        let now = self.now();
        for slot in self.slots().iter().filter(|slot| slot.fingerprint == *key) {
            if slot.cooldowns.lock().state(now) == KeyState::Valid {
                slot.probation.lock().pass();
            }
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
        let mut walk = pool.walk();
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
        here.cool_from_elsewhere(&news.fingerprint, CoolingReason::RateLimited, 20 * SECOND);
        assert_eq!(here.news()[0], news);
        assert_eq!(hints(&here), ["sk-b"]);

        time.increment(20 * SECOND);
        let key = there.walk().next_key().expect("a");
        assert_eq!(hints(&here), ["sk-b", "sk-a"], "only if there is no other");
        key.succeeded();
        assert!(there.news()[0].is_proven);
        here.recovered_elsewhere(&news.fingerprint);
        assert_eq!(hints(&here), ["sk-a", "sk-b"]);
    }

    #[test]
    fn nobody_waits_long_for_a_trial_elsewhere() {
        let (_, here, time) = two();
        let key = here.news().swap_remove(0).fingerprint;
        here.cool_from_elsewhere(&key, CoolingReason::Rejected, 20 * SECOND);
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
        here.cool_from_elsewhere(&key, CoolingReason::Rejected, 20 * SECOND);
        here.recovered_elsewhere(&key);
        here.cool_from_elsewhere(&"unknown".to_owned().into(), CoolingReason::Rejected, 20 * SECOND);
        assert_eq!(here.news(), before);
    }
}
