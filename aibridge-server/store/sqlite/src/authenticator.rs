//! Authentication of access tokens from the cache or the database.

use crate::error::refused;
use crate::job::JobReceiver;
use crate::token_rows;
use crate::worker::Worker;
use aibridge_store_core::StoreError;
use aibridge_tokens::{TokenCache, TokenHash, TokenIdentity, TokenRow};
use jiff::Timestamp;
use quanta::Clock;
use rusqlite::Connection;
use secrecy::SecretString;
use std::io;
use std::time::Duration;

/// Bound of the lookup queue. A lookup takes about ten microseconds, so a full queue is served within milliseconds;
/// further callers wait for room.
const QUEUE: usize = 256;

/// Time limit for the lookup of a token.
const LIMIT: Duration = Duration::from_secs(2);

type LookUp = Worker<TokenHash, Option<TokenRow>>;

/// Authenticates tokens from the cache, or else from the database, which a thread of its own reads.
pub(super) struct Authenticator {
    cache: TokenCache,
    reader: LookUp,
}

impl Authenticator {
    /// Starts the reader thread.
    pub(super) fn start(connection: Connection, clock: Clock) -> io::Result<Self> {
        let reader = Worker::start("aibridge-store-reader", QUEUE, |queue| read(connection, queue))?;
        Ok(Self { cache: TokenCache::new(clock), reader })
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
        let found = self.reader.submit(hash, LIMIT).await?;
        Ok(self.cache.admit(hash, found, started_at, Timestamp::now()))
    }

    pub(super) async fn stop(&self, limit: Duration) {
        self.reader.stop(limit).await;
    }
}

/// Serves lookups until the queue is closed. Each lookup is a read transaction that ends before the response is sent:
/// a long one would keep the write-ahead log from being reset.
fn read(connection: Connection, mut queue: JobReceiver<TokenHash, Option<TokenRow>>) {
    while let Some(jobs) = queue.blocking_next(QUEUE) {
        for job in jobs {
            if !job.is_abandoned() {
                let found = token_rows::find(&connection, &job.request).map_err(refused);
                job.respond(found);
            }
        }
    }
    if let Err((_, error)) = connection.close() {
        tracing::warn!(%error, "could not close the reader of the store cleanly");
    }
}
