//! Gateways on one database tell each other which keys cool.

use crate::current::Current;
use aibridge_keypool::{Fingerprint, KeyNews, KeyPool, KeyState};
use aibridge_store::{KeyCooldown, PostgresStore, StoreError};
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// How often the pools are looked at. A key that cools is left alone by all gateways within a second.
const LOOK: Duration = Duration::from_millis(200);

/// What is told and heard anew counts only if it is this much longer: clocks are read at different times.
const SLACK: Duration = Duration::from_millis(500);

/// Until when keys cool, as far as all gateways know.
type Known = HashMap<Fingerprint, Instant>;

/// Tells what this gateway finds out about its keys, and heeds what others do, as long as it is polled.
pub async fn share(store: PostgresStore, current: Current) {
    let mut known = Known::new();
    loop {
        let hears = timeout(LOOK, store.cooldown_news()).await.is_ok();
        let in_force = current.load();
        let pools = in_force.providers.all().iter().filter_map(|provider| provider.key_failover().pool());
        let pools: Vec<KeyPool> = pools.cloned().collect();
        drop(in_force);
        let told = tell(&store, &pools, &mut known).await;
        let heard = if hears { hear(&store, &pools, &mut known).await } else { Ok(()) };
        if let Err(error) = told.and(heard) {
            tracing::debug!(%error, "no news about keys can be exchanged"); // a new connection asks again
        }
    }
}

async fn tell(store: &PostgresStore, pools: &[KeyPool], known: &mut Known) -> Result<(), StoreError> {
    for KeyNews { fingerprint: key, state, is_proven } in pools.iter().flat_map(KeyPool::news) {
        match state {
            KeyState::Cooling { reason, remaining } => {
                let until = Instant::now() + remaining;
                if known.get(&key).is_none_or(|known| *known + SLACK < until) {
                    store.cool(&KeyCooldown { key: key.clone(), reason, remaining }).await?;
                    known.insert(key, until);
                }
            }
            KeyState::Valid if is_proven && known.contains_key(&key) => {
                store.recovered(&key).await?;
                known.remove(&key);
            }
            KeyState::Valid => {}
        }
    }
    Ok(())
}

async fn hear(store: &PostgresStore, pools: &[KeyPool], known: &mut Known) -> Result<(), StoreError> {
    let cooldowns = store.cooldowns().await?;
    for KeyCooldown { key, reason, remaining } in cooldowns.iter().filter(|one| !one.remaining.is_zero()) {
        pools.iter().for_each(|pool| pool.cool_from_elsewhere(key, *reason, *remaining));
        let until = Instant::now() + *remaining;
        known.entry(key.clone()).and_modify(|known| *known = until.max(*known)).or_insert(until);
    }
    let is_over = |key: &Fingerprint| cooldowns.iter().all(|cooldown| cooldown.key != *key);
    for key in known.extract_if(|key, until| *until <= Instant::now() && is_over(key)).map(|(key, _)| key) {
        pools.iter().for_each(|pool| pool.recovered_elsewhere(&key));
    }
    Ok(())
}
