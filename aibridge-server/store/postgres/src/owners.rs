//! Owners of provider objects: lookup and deletion by age. `statements` writes them.

use crate::error::PgError;
use aibridge_store_core::storable;
use jiff::Timestamp;
use std::borrow::Cow;
use std::collections::HashMap;
use tokio_postgres::Client;

const FIND: &str = "SELECT object_id, initiator_id FROM aibridge_object_owners \
    WHERE provider_name = $1 AND object_id = ANY ($2)";
const DELETE: &str = "DELETE FROM aibridge_object_owners o USING ( \
        SELECT provider_name, object_id FROM aibridge_object_owners WHERE created_at < $1 \
        ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED \
    ) old WHERE o.provider_name = old.provider_name AND o.object_id = old.object_id";

/// Number of rows that one transaction deletes.
pub(super) const BATCH: u64 = 512;

/// The owner of each object in `ids` at `provider`, in the same order; `None` for an unknown object.
pub(super) async fn find(
    client: &Client,
    provider: &str,
    ids: &[String],
) -> Result<Vec<Option<String>>, PgError> {
    let stored: Vec<Cow<'_, str>> = ids.iter().map(|id| storable(id)).collect();
    let stored: Vec<&str> = stored.iter().map(Cow::as_ref).collect();
    let rows = client.query(FIND, &[&&*storable(provider), &stored]).await?;
    let mut owners = HashMap::new();
    for row in &rows {
        owners.insert(row.try_get::<_, String>(0)?, row.try_get::<_, String>(1)?);
    }
    Ok(stored.into_iter().map(|id| owners.get(id).cloned()).collect())
}

/// Deletes at most [`BATCH`] rows recorded before `before`, and returns their number.
pub(super) async fn delete(client: &Client, before: Timestamp) -> Result<u64, PgError> {
    Ok(client.execute(DELETE, &[&before, &(BATCH as i64)]).await?)
}
