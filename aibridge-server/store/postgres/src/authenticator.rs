//! Authentication of access tokens from the cache or the database.

use crate::shared_connection::SharedConnection;
use crate::token_rows;
use aibridge_store_core::StoreError;
use aibridge_tokens::{TokenCache, TokenHash, TokenIdentity};
use jiff::Timestamp;
use quanta::Clock;
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// Time for which an accepted token stays accepted while the database is unavailable, if requests are served
/// meanwhile. Nobody can revoke it during that time either.
const STALE_LIFETIME: Duration = Duration::from_secs(60 * 60);

/// Interval at which all accepted tokens are looked up again, used or not: a token that was revoked a second before
/// the database became unavailable must be refused.
const REFRESH_INTERVAL: Duration = Duration::from_millis(500);

/// Authenticates tokens from the cache, or else from the database.
pub(super) struct Authenticator {
    cache: TokenCache,
    shared: Arc<SharedConnection>,
    serves_when_unavailable: bool,
}

impl Authenticator {
    /// `serves_when_unavailable` is whether requests are served while the database is unavailable.
    pub(super) fn new(shared: Arc<SharedConnection>, clock: Clock, serves_when_unavailable: bool) -> Self {
        Self { cache: TokenCache::new(clock), shared, serves_when_unavailable }
    }

    pub(super) async fn authenticate(
        &self,
        token: &SecretString,
    ) -> Result<Option<TokenIdentity>, StoreError> {
        let Some(hash) = TokenHash::of(token) else { return Ok(None) };
        if let Some(identity) = self.cache.get(&hash, Timestamp::now()) {
            return Ok(Some(identity));
        }
        let started_at = self.cache.now();
        match self.shared.run(async |client| token_rows::find(client, &hash).await).await {
            Ok(found) => Ok(self.cache.admit(hash, found, started_at, Timestamp::now())),
            Err(error) => {
                if self.cache.is_refused(&hash) {
                    return Ok(None);
                }
                let known = if self.serves_when_unavailable && error.is_unavailable() {
                    self.cache.get_within(STALE_LIFETIME, &hash, Timestamp::now())
                } else {
                    None
                };
                known.map(Some).ok_or_else(|| StoreError::from(&error))
            }
        }
    }

    /// Refreshes the cache periodically: tokens that were revoked are refused from then on. Never returns.
    pub(super) async fn refresh(&self) {
        loop {
            sleep(REFRESH_INTERVAL).await;
            let known = self.cache.accepted();
            if known.is_empty() {
                continue;
            }
            let started_at = self.cache.now();
            match self.shared.run(async |client| token_rows::unrevoked(client, &known).await).await {
                Ok(good) => known
                    .iter()
                    .filter(|hash| !good.contains(*hash))
                    .for_each(|hash| self.cache.refuse(hash, started_at)),
                Err(error) => tracing::debug!(%error, "could not refresh the accepted tokens"),
            }
        }
    }
}
