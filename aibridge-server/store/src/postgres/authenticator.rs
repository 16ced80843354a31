use super::reader::Reader;
use super::token_rows;
use crate::token::TokenHash;
use crate::token_cache::TokenCache;
use crate::{Authenticated, StoreError};
use jiff::Timestamp;
use quanta::Clock;
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// How long a token that was good is taken for good while the database is away, if requests are to go on as long.
/// Nobody can revoke it meanwhile either.
const WHILE_AWAY: Duration = Duration::from_secs(60 * 60);

/// How often the known tokens are looked up again, whether or not anybody uses them: a token that was revoked a second
/// before the database went away is refused afterwards.
const LOOK_UP_EVERY: Duration = Duration::from_millis(500);

/// Tells whose token it is: from memory, or else from the database.
pub(super) struct Authenticator {
    cache: TokenCache,
    reader: Arc<Reader>,
    goes_on: bool,
}

impl Authenticator {
    /// `goes_on` says whether requests go on while the database is away.
    pub(super) fn new(reader: Arc<Reader>, clock: Clock, goes_on: bool) -> Self {
        Self { cache: TokenCache::new(clock), reader, goes_on }
    }

    pub(super) async fn authenticate(
        &self,
        token: &SecretString,
    ) -> Result<Option<Authenticated>, StoreError> {
        let Some(hash) = TokenHash::of(token) else { return Ok(None) };
        if let Some(who) = self.cache.get(&hash, Timestamp::now()) {
            return Ok(Some(who));
        }
        let asked_at = self.cache.now();
        match self.reader.ask(async |client| token_rows::find(client, &hash).await).await {
            Ok(found) => Ok(self.cache.admit(hash, found, asked_at, Timestamp::now())),
            Err(trouble) => {
                if self.cache.is_refused(&hash) {
                    return Ok(None);
                }
                let known = if self.goes_on && trouble.is_absence() {
                    self.cache.get_younger(WHILE_AWAY, &hash, Timestamp::now())
                } else {
                    None
                };
                known.map(Some).ok_or_else(|| StoreError::from(&trouble))
            }
        }
    }

    /// Forgets tokens that were revoked, as long as it is polled.
    pub(super) async fn forget_revoked(&self) {
        loop {
            sleep(LOOK_UP_EVERY).await;
            let known = self.cache.known();
            if known.is_empty() {
                continue;
            }
            let asked_at = self.cache.now();
            match self.reader.ask(async |client| token_rows::unrevoked(client, &known).await).await {
                Ok(good) => known
                    .iter()
                    .filter(|hash| !good.contains(*hash))
                    .for_each(|hash| self.cache.refuse(hash, asked_at)),
                Err(error) => tracing::debug!(%error, "the known tokens could not be looked up"),
            }
        }
    }
}
