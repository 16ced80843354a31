use super::error::PgError;
use super::{PostgresStore, connector};
use crate::StoreError;
use aibridge_keypool::{CoolingReason, Fingerprint};
use std::time::Duration;
use tokio_postgres::Client;

/// Notified at the commit, so that whoever reads then finds the row. A slightly longer cooldown is no news: clocks and
/// networks differ.
const COOL: &str = "INSERT INTO aibridge_key_cooldowns AS c (fingerprint, model, reason, until) \
    VALUES ($1, $2, $3, now() + make_interval(secs => $4)) \
    ON CONFLICT (fingerprint, model) DO UPDATE SET reason = EXCLUDED.reason, until = EXCLUDED.until \
    WHERE c.until + interval '250 ms' < EXCLUDED.until";
const RECOVERED: &str =
    "DELETE FROM aibridge_key_cooldowns WHERE fingerprint = $1 AND model = $2 AND until <= now()";
const ALL: &str = "SELECT fingerprint, model, reason, greatest(extract(epoch FROM until - now()), 0)::float8 \
    FROM aibridge_key_cooldowns";
/// A key that nobody tried again for a day is forgotten; a model of a key, of which clients can name many, after a minute:
/// by then any instance may try it.
const FORGET: &str = "DELETE FROM aibridge_key_cooldowns WHERE until < now() - interval '1 day' \
    OR model <> '' AND until < now() - interval '1 minute'";

const RATE_LIMITED: &str = "rate_limited";
const QUOTA: &str = "quota";
const REJECTED: &str = "rejected";

/// A provider's key that cools, or has cooled and was not accepted by the provider since.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyCooldown {
    /// The key.
    pub key: Fingerprint,
    /// The model that it cools for; `None` for all. A NUL, which PostgreSQL does not store, is read back as U+FFFD.
    pub model: Option<String>,
    /// Why it cools.
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

    /// Tells all instances that the provider accepted a key, for `model` or as a whole, whose cooldown is over.
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

    /// What any instance told and is not over.
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

    /// Waits until there may be something new: an instance told, or the connection that listens was made anew.
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

/// The column `model`. A model without a name is one as well: it is kept apart from the whole key.
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
