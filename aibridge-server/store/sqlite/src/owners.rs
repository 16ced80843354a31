//! Owners of provider objects: lookup, and deletion by age.

use crate::connection::{self, BUSY_TIMEOUT};
use crate::error::refused;
use aibridge_store_core::{StoreError, storable};
use rusqlite::{Connection, OptionalExtension, params};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

const FIND: &str =
    "SELECT initiator_id FROM aibridge_object_owners WHERE provider_name = ?1 AND object_id = ?2";
const DELETE: &str = "DELETE FROM aibridge_object_owners WHERE (provider_name, object_id) IN ( \
    SELECT provider_name, object_id FROM aibridge_object_owners WHERE created_at < ?1 ORDER BY created_at LIMIT ?2)";

/// Number of rows that one turn of the projector deletes: about a millisecond, for which records wait.
pub(super) const BATCH: u64 = 64;

/// Time limit for a lookup of owners.
const LIMIT: Duration = Duration::from_secs(2);

/// Deletes at most [`BATCH`] rows recorded before `before`, and returns their number.
pub(super) fn delete(connection: &Connection, before: &str) -> rusqlite::Result<u64> {
    let deleted = connection.prepare_cached(DELETE)?.execute(params![before, BATCH as i64])?;
    Ok(deleted as u64)
}

/// Looks up owners on a connection of its own. Few requests name an object that this process has not cached, so one
/// lookup at a time is enough, and none keeps a thread waiting.
pub(super) struct Owners {
    path: PathBuf,
    reader: Arc<Mutex<Option<Connection>>>,
}

impl Owners {
    /// Creates the lookup without a connection; the first lookup opens it.
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, reader: Arc::default() }
    }

    /// The owner of each object in `ids` at `provider`, in the same order; `None` for an unknown object.
    pub(super) async fn find(
        &self,
        provider: &str,
        ids: &[String],
    ) -> Result<Vec<Option<String>>, StoreError> {
        let (path, provider, ids) = (self.path.clone(), provider.to_owned(), ids.to_vec());
        let finding = async {
            let mut reader = self.reader.clone().lock_owned().await;
            let found = spawn_blocking(move || {
                let connection = match reader.take() {
                    Some(connection) => connection,
                    None => connection::open_reader(&path, BUSY_TIMEOUT)?,
                };
                let found = find(&connection, &provider, &ids).map_err(refused)?;
                *reader = Some(connection); // dropped after an error, which the connection may have caused
                Ok(found)
            });
            found.await.unwrap_or_else(|error| Err(StoreError::Database(error.to_string())))
        };
        timeout(LIMIT, finding).await.unwrap_or(Err(StoreError::Timeout(LIMIT)))
    }

    /// Closes the connection, if there is one.
    pub(super) async fn close(&self) {
        drop(self.reader.lock().await.take());
    }
}

fn find(connection: &Connection, provider: &str, ids: &[String]) -> rusqlite::Result<Vec<Option<String>>> {
    let mut statement = connection.prepare_cached(FIND)?;
    ids.iter()
        .map(|id| statement.query_row([storable(provider), storable(id)], |row| row.get(0)).optional())
        .collect()
}
