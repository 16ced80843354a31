//! Shares key cooldowns between gateways on one PostgreSQL database.

use aibridge_handler::runtime_config::RuntimeConfig;
use aibridge_keypool::{Fingerprint, KeyPool, KeyState, SharedKeyState};
use aibridge_store::{KeyCooldown, PostgresStore, StoreError};
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// The interval at which the pools are read. All gateways stop using a cooling key within a second.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// A cooldown is published again only if it became this much longer: the gateways read their clocks at different times.
const MIN_EXTENSION: Duration = Duration::from_millis(500);

/// A key, and the model for which it cools; `None` means all models.
type CoolingKey = (Fingerprint, Option<String>);

/// The end of each cooldown that this gateway published or applied.
type SharedCooldowns = HashMap<CoolingKey, Instant>;

/// Publishes the cooldowns of this gateway's keys and applies those of other gateways, as long as it is polled.
pub async fn run(store: PostgresStore, runtime_config: RuntimeConfig) {
    let mut shared = SharedCooldowns::new();
    loop {
        let has_changes = timeout(POLL_INTERVAL, store.cooldowns_changed()).await.is_ok();
        let snapshot = runtime_config.load();
        let pools = snapshot.providers.all().iter().filter_map(|provider| provider.key_failover().pool());
        let pools: Vec<KeyPool> = pools.cloned().collect();
        drop(snapshot);
        let published = publish(&store, &pools, &mut shared).await;
        let applied = if has_changes { apply(&store, &pools, &mut shared).await } else { Ok(()) };
        if let Err(error) = published.and(applied) {
            tracing::debug!(%error, "could not share key cooldowns; will retry"); // a new connection reads them again
        }
    }
}

/// Stores the changes of this gateway's keys.
async fn publish(
    store: &PostgresStore,
    pools: &[KeyPool],
    shared: &mut SharedCooldowns,
) -> Result<(), StoreError> {
    let states: Vec<SharedKeyState> = pools.iter().flat_map(KeyPool::shared_states).collect();
    for model in recovered_models(&states, shared) {
        store.publish_recovery(&model.0, model.1.as_deref()).await?;
        shared.remove(&model);
    }
    for SharedKeyState { fingerprint: key, model, state, is_proven } in states {
        let cooling = (key, model);
        match state {
            KeyState::Cooling { reason, remaining } => {
                let until = Instant::now() + remaining;
                if shared.get(&cooling).is_none_or(|end| *end + MIN_EXTENSION < until) {
                    let (key, model) = cooling.clone();
                    store.publish_cooldown(&KeyCooldown { key, model, reason, remaining }).await?;
                    shared.insert(cooling, until);
                }
            }
            KeyState::Valid if is_proven && shared.contains_key(&cooling) => {
                store.publish_recovery(&cooling.0, cooling.1.as_deref()).await?;
                shared.remove(&cooling);
            }
            KeyState::Valid => {}
        }
    }
    Ok(())
}

/// Returns the cooling models which the pool no longer reports: the provider accepted the key, or an operator revived it.
fn recovered_models(states: &[SharedKeyState], shared: &SharedCooldowns) -> Vec<CoolingKey> {
    let ended = shared.keys().filter(|(_, model)| model.is_some());
    let ended = ended.filter(|(key, model)| {
        let mut of_key = states.iter().filter(|state| state.fingerprint == *key).peekable();
        of_key.peek().is_some() && of_key.all(|state| state.model != *model)
    });
    ended.cloned().collect()
}

/// Applies the cooldowns of other gateways to this gateway's keys.
async fn apply(
    store: &PostgresStore,
    pools: &[KeyPool],
    shared: &mut SharedCooldowns,
) -> Result<(), StoreError> {
    let cooldowns = store.cooldowns().await?;
    for KeyCooldown { key, model, reason, remaining } in
        cooldowns.iter().filter(|one| !one.remaining.is_zero())
    {
        pools.iter().for_each(|pool| pool.apply_remote_cooldown(key, model.as_deref(), *reason, *remaining));
        let until = Instant::now() + *remaining;
        let cooling = (key.clone(), model.clone());
        shared.entry(cooling).and_modify(|end| *end = until.max(*end)).or_insert(until);
    }
    let is_over =
        |(key, model): &CoolingKey| cooldowns.iter().all(|one| one.key != *key || one.model != *model);
    for (key, model) in shared
        .extract_if(|cooling, until| *until <= Instant::now() && is_over(cooling))
        .map(|(cooling, _)| cooling)
    {
        pools.iter().for_each(|pool| pool.apply_remote_recovery(&key, model.as_deref()));
    }
    Ok(())
}
