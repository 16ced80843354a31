//! Caches the owners of objects that were recorded or looked up recently.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::mem;
use std::sync::Arc;

/// The owners in a full generation. An agent continues its latest response, so a few for each actor are enough. Two
/// full generations take about 5 MiB.
const GENERATION: usize = 16_384;

/// Owners by object, in two generations: a full generation becomes the older one, and the previous older one is dropped.
/// An entry is never stale, because the first owner of an object stays its owner.
#[derive(Default)]
pub(super) struct OwnerCache(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    recent: HashMap<Key, Arc<str>>,
    older: HashMap<Key, Arc<str>>,
}

/// The provider's configured name and the id of the object.
type Key = (Box<str>, Box<str>);

impl OwnerCache {
    /// Returns the owner of `object` at `provider`, if it is cached.
    pub(super) fn owner(&self, provider: &str, object: &str) -> Option<Arc<str>> {
        let key = key(provider, object);
        let Generations { recent, older } = &*self.0.lock();
        recent.get(&key).or_else(|| older.get(&key)).cloned()
    }

    /// Caches an owner that is recorded, or is about to be.
    pub(super) fn insert(&self, provider: &str, object: &str, owner: &str) {
        let Generations { recent, older } = &mut *self.0.lock();
        if recent.len() >= GENERATION {
            *older = mem::take(recent);
        }
        recent.insert(key(provider, object), owner.into());
    }

    /// Forgets an owner that could not be recorded.
    pub(super) fn remove(&self, provider: &str, object: &str) {
        let key = key(provider, object);
        let Generations { recent, older } = &mut *self.0.lock();
        recent.remove(&key);
        older.remove(&key);
    }
}

fn key(provider: &str, object: &str) -> Key {
    (provider.into(), object.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_keeps_the_latest_owners_and_stays_within_its_bound() {
        let cache = OwnerCache::default();
        for number in 0..3 * GENERATION {
            cache.insert("p", &number.to_string(), "ann");
            let Generations { recent, older } = &*cache.0.lock();
            assert!(recent.len() + older.len() <= 2 * GENERATION);
        }
        let newest = (3 * GENERATION - 1).to_string();
        assert_eq!(cache.owner("p", &newest).as_deref(), Some("ann"));
        assert_eq!(cache.owner("p", "0"), None);
        assert_eq!(cache.owner("q", &newest), None);
    }
}
