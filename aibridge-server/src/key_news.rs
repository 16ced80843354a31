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

/// A key and the model that it cools for; no model stands for the whole key.
type Cooling = (Fingerprint, Option<String>);

/// Until when keys cool, as far as all gateways know.
type Known = HashMap<Cooling, Instant>;

/// Tells what this gateway finds out about its keys, and heeds what others do, as long as it is polled.
pub async fn share(store: PostgresStore, current: Current) {
    let mut known = Known::new();
    loop {
        let hears = timeout(LOOK, store.cooldowns_changed()).await.is_ok();
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
    let news: Vec<KeyNews> = pools.iter().flat_map(KeyPool::news).collect();
    for model in working_models(&news, known) {
        store.publish_recovery(&model.0, model.1.as_deref()).await?;
        known.remove(&model);
    }
    for KeyNews { fingerprint: key, model, state, is_proven } in news {
        let cooling = (key, model);
        match state {
            KeyState::Cooling { reason, remaining } => {
                let until = Instant::now() + remaining;
                if known.get(&cooling).is_none_or(|known| *known + SLACK < until) {
                    let (key, model) = cooling.clone();
                    store.publish_cooldown(&KeyCooldown { key, model, reason, remaining }).await?;
                    known.insert(cooling, until);
                }
            }
            KeyState::Valid if is_proven && known.contains_key(&cooling) => {
                store.publish_recovery(&cooling.0, cooling.1.as_deref()).await?;
                known.remove(&cooling);
            }
            KeyState::Valid => {}
        }
    }
    Ok(())
}

/// Models of this gateway's keys whose cooldown is over, and which have left the news: the provider accepted the key.
fn working_models(news: &[KeyNews], known: &Known) -> Vec<Cooling> {
    let now = Instant::now();
    let over = known.iter().filter(|((_, model), until)| model.is_some() && **until <= now);
    let over = over.map(|(cooling, _)| cooling).filter(|(key, model)| {
        let mut of_key = news.iter().filter(|news| news.fingerprint == *key).peekable();
        of_key.peek().is_some() && of_key.all(|news| news.model != *model)
    });
    over.cloned().collect()
}

async fn hear(store: &PostgresStore, pools: &[KeyPool], known: &mut Known) -> Result<(), StoreError> {
    let cooldowns = store.cooldowns().await?;
    for KeyCooldown { key, model, reason, remaining } in
        cooldowns.iter().filter(|one| !one.remaining.is_zero())
    {
        pools.iter().for_each(|pool| pool.cool_from_elsewhere(key, model.as_deref(), *reason, *remaining));
        let until = Instant::now() + *remaining;
        let cooling = (key.clone(), model.clone());
        known.entry(cooling).and_modify(|known| *known = until.max(*known)).or_insert(until);
    }
    let is_over = |(key, model): &Cooling| cooldowns.iter().all(|one| one.key != *key || one.model != *model);
    for (key, model) in known
        .extract_if(|cooling, until| *until <= Instant::now() && is_over(cooling))
        .map(|(cooling, _)| cooling)
    {
        pools.iter().for_each(|pool| pool.recovered_elsewhere(&key, model.as_deref()));
    }
    Ok(())
}
