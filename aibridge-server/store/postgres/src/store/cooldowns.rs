//! Key cooldowns that the instances on a database share.

use super::PostgresStore;
use crate::connector;
use crate::error::PgError;
use aibridge_keypool::{CoolingReason, Fingerprint};
use aibridge_store_core::StoreError;
use std::time::Duration;
use tokio_postgres::Client;

/// The notification is sent at the commit, so that its receivers find the row. A slightly longer cooldown is not a
/// change, because clocks and networks differ.
const COOL: &str = "INSERT INTO aibridge_key_cooldowns AS c (fingerprint, model, reason, until) \
    VALUES ($1, $2, $3, now() + make_interval(secs => $4)) \
    ON CONFLICT (fingerprint, model) DO UPDATE SET reason = EXCLUDED.reason, until = EXCLUDED.until \
    WHERE c.until + interval '250 ms' < EXCLUDED.until";
const RECOVERED: &str =
    "DELETE FROM aibridge_key_cooldowns WHERE fingerprint = $1 AND model = $2 AND until <= now()";
const ALL: &str = "SELECT fingerprint, model, reason, greatest(extract(epoch FROM until - now()), 0)::float8 \
    FROM aibridge_key_cooldowns";
/// Deletes the cooldown of a key after a day without an attempt, and that of a model after a minute: clients can name
/// many models, and any instance may try a model by then.
const FORGET: &str = "DELETE FROM aibridge_key_cooldowns WHERE until < now() - interval '1 day' \
    OR model <> '' AND until < now() - interval '1 minute'";

const RATE_LIMITED: &str = "rate_limited";
const QUOTA: &str = "quota";
const REJECTED: &str = "rejected";

/// A cooldown of a provider key. It is deleted when the provider accepts the key.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyCooldown {
    /// The fingerprint of the key.
    pub key: Fingerprint,
    /// The model that the cooldown applies to; `None` for all models. A NUL, which PostgreSQL cannot store, is read
    /// back as U+FFFD.
    pub model: Option<String>,
    /// The reason of the cooldown.
    pub reason: CoolingReason,
    /// The remaining time; zero if the cooldown is over.
    pub remaining: Duration,
}

/// Exchange of key cooldowns between the instances on a database.
impl PostgresStore {
    /// Publishes a cooldown to all instances. An existing longer cooldown of the key is kept.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`].
    pub async fn publish_cooldown(&self, cooldown: &KeyCooldown) -> Result<(), StoreError> {
        let KeyCooldown { key, model, reason, remaining } = cooldown;
        let model = model_column(model.as_deref());
        let reason = match reason {
            CoolingReason::RateLimited => RATE_LIMITED,
            CoolingReason::Quota => QUOTA,
            CoolingReason::Rejected => REJECTED,
        };
        self.run(async |client| {
            let seconds = remaining.as_secs_f64();
            let new = client.execute(COOL, &[&key.as_str(), &model, &reason, &seconds]).await? > 0;
            client.execute(FORGET, &[]).await?;
            if new { notify(client).await } else { Ok(()) }
        })
        .await
    }

    /// Publishes that the provider accepted a key after its cooldown, for `model` or for all models.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`].
    pub async fn publish_recovery(&self, key: &Fingerprint, model: Option<&str>) -> Result<(), StoreError> {
        let model = model_column(model);
        self.run(async |client| {
            let known = client.execute(RECOVERED, &[&key.as_str(), &model]).await? > 0;
            if known { notify(client).await } else { Ok(()) }
        })
        .await
    }

    /// All published cooldowns, including those that are over and whose key was not accepted since.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`].
    pub async fn cooldowns(&self) -> Result<Vec<KeyCooldown>, StoreError> {
        self.run(async |client| {
            let rows = client.query(ALL, &[]).await?;
            rows.iter()
                .map(|row| {
                    let model: String = row.try_get(1)?;
                    let reason = match row.try_get(2)? {
                        REJECTED => CoolingReason::Rejected,
                        QUOTA => CoolingReason::Quota,
                        _ => CoolingReason::RateLimited,
                    };
                    Ok(KeyCooldown {
                        key: row.try_get::<_, String>(0)?.into(),
                        model: (!model.is_empty()).then_some(model),
                        reason,
                        remaining: Duration::try_from_secs_f64(row.try_get(3)?).unwrap_or_default(),
                    })
                })
                .collect()
        })
        .await
    }

    /// Waits until cooldowns may have changed: an instance published a change, or the listening connection was opened
    /// again.
    pub async fn cooldowns_changed(&self) {
        self.parts.cooldowns_changed.notified().await;
    }

    async fn run<T>(
        &self,
        request: impl AsyncFnOnce(&Client) -> Result<T, PgError>,
    ) -> Result<T, StoreError> {
        self.parts.shared.run(request).await.map_err(|error| StoreError::from(&error))
    }
}

/// The value of the column `model`. An empty model name is stored as U+FFFD, because the empty text stands for all
/// models.
fn model_column(model: Option<&str>) -> String {
    match model {
        None => String::new(),
        Some("") => "\u{fffd}".to_owned(),
        Some(model) => model.replace('\0', "\u{fffd}"),
    }
}

async fn notify(client: &Client) -> Result<(), PgError> {
    Ok(client.batch_execute(connector::NOTIFY).await?)
}
