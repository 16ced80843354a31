use super::error::Trouble;
use super::{PostgresStore, connector};
use crate::StoreError;
use aibridge_keypool::{CoolingReason, Fingerprint};
use std::time::Duration;
use tokio_postgres::Client;

/// Told at the commit, so that who reads then finds the row. A little longer is no news: clocks and networks differ.
const COOL: &str = "INSERT INTO aibridge_key_cooldowns AS c (fingerprint, reason, until) \
    VALUES ($1, $2, now() + make_interval(secs => $3)) \
    ON CONFLICT (fingerprint) DO UPDATE SET reason = EXCLUDED.reason, until = EXCLUDED.until \
    WHERE c.until + interval '250 ms' < EXCLUDED.until";
const RECOVERED: &str = "DELETE FROM aibridge_key_cooldowns WHERE fingerprint = $1 AND until <= now()";
const ALL: &str = "SELECT fingerprint, reason, greatest(extract(epoch FROM until - now()), 0)::float8 \
    FROM aibridge_key_cooldowns";
/// What nobody tried again for a day is forgotten.
const FORGET: &str = "DELETE FROM aibridge_key_cooldowns WHERE until < now() - interval '1 day'";

const RATE_LIMITED: &str = "rate_limited";
const REJECTED: &str = "rejected";

/// A provider's key that cools, or has cooled and was not accepted by the provider since.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyCooldown {
    /// Which key.
    pub key: Fingerprint,
    /// Why.
    pub reason: CoolingReason,
    /// For how much longer; zero if its time is up.
    pub remaining: Duration,
}

/// What the instances on a database tell each other about the keys of providers.
impl PostgresStore {
    /// Tells all instances that a key cools. A longer cooldown that is known already is kept.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`].
    pub async fn cool(&self, cooldown: &KeyCooldown) -> Result<(), StoreError> {
        let KeyCooldown { key, reason, remaining } = cooldown;
        let reason = match reason {
            CoolingReason::RateLimited => RATE_LIMITED,
            CoolingReason::Rejected => REJECTED,
        };
        self.ask(async |client| {
            let seconds = remaining.as_secs_f64();
            let new = client.execute(COOL, &[&key.as_str(), &reason, &seconds]).await? > 0;
            client.execute(FORGET, &[]).await?;
            if new { tell(client).await } else { Ok(()) }
        })
        .await
    }

    /// Tells all instances that the provider accepted a key whose cooldown is over.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`].
    pub async fn recovered(&self, key: &Fingerprint) -> Result<(), StoreError> {
        self.ask(async |client| {
            let known = client.execute(RECOVERED, &[&key.as_str()]).await? > 0;
            if known { tell(client).await } else { Ok(()) }
        })
        .await
    }

    /// What any instance told and is not over.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`].
    pub async fn cooldowns(&self) -> Result<Vec<KeyCooldown>, StoreError> {
        self.ask(async |client| {
            let rows = client.query(ALL, &[]).await?;
            rows.iter()
                .map(|row| {
                    let reason = match row.try_get(1)? {
                        REJECTED => CoolingReason::Rejected,
                        _ => CoolingReason::RateLimited,
                    };
                    let remaining = Duration::try_from_secs_f64(row.try_get(2)?).unwrap_or_default();
                    Ok(KeyCooldown { key: row.try_get::<_, String>(0)?.into(), reason, remaining })
                })
                .collect()
        })
        .await
    }

    /// Waits until there may be something new: an instance told, or the connection that listens was made anew.
    pub async fn cooldown_news(&self) {
        self.parts.news.notified().await;
    }

    async fn ask<T>(
        &self,
        question: impl AsyncFnOnce(&Client) -> Result<T, Trouble>,
    ) -> Result<T, StoreError> {
        self.parts.reader.ask(question).await.map_err(|trouble| StoreError::from(&trouble))
    }
}

async fn tell(client: &Client) -> Result<(), Trouble> {
    Ok(client.batch_execute(connector::NOTIFY).await?)
}
