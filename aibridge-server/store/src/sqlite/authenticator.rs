use super::token_rows;
use super::worker::Worker;
use crate::job::JobReceiver;
use crate::token::TokenHash;
use crate::token_cache::TokenCache;
use crate::{StoreError, TokenIdentity, TokenRow};
use jiff::Timestamp;
use quanta::Clock;
use rusqlite::Connection;
use secrecy::SecretString;
use std::io;
use std::time::Duration;

/// How many requests may wait for a look-up. One takes some ten microseconds, so that a full queue is gone within
/// milliseconds; what comes beyond it waits outside.
const QUEUE: usize = 256;

/// How long a request waits to learn whose token it carries.
const LIMIT: Duration = Duration::from_secs(2);

type LookUp = Worker<TokenHash, Option<TokenRow>>;

/// Tells whose token it is: from memory, or else from the database, which is read on a thread of its own.
pub(super) struct Authenticator {
    cache: TokenCache,
    reader: LookUp,
}

impl Authenticator {
    /// Starts the thread.
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

/// Each look-up is a read transaction of its own, over before the answer is sent: a long one would keep the
/// write-ahead log from being emptied.
fn read(connection: Connection, mut queue: JobReceiver<TokenHash, Option<TokenRow>>) {
    while let Some(jobs) = queue.blocking_next(QUEUE) {
        for job in jobs {
            if !job.is_abandoned() {
                let found = token_rows::find(&connection, &job.request).map_err(StoreError::from);
                job.respond(found);
            }
        }
    }
    if let Err((_, error)) = connection.close() {
        tracing::warn!(%error, "the store's reader was not closed cleanly");
    }
}
