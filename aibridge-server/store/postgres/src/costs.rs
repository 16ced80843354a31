//! New costs of recorded usages in a PostgreSQL store.

use crate::command_session::CommandSession;
use crate::error::PgError;
use aibridge_store_core::{CostUpdate, PostgresOptions, StoreError};
use std::time::Duration;
use tokio::time::timeout;

/// Time limit for the connection, and for each statement.
const LIMIT: Duration = Duration::from_secs(30);

const UPDATE: &str = "UPDATE aibridge_token_usages u \
    SET cost_nano_usd = n.cost, cost_status = n.status, price_id = n.price \
    FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::text[]) AS n (interception, id, cost, status, price) \
    WHERE u.interception_id = n.interception AND u.id = n.id";

/// Writes new costs to a PostgreSQL store: a connection, and a runtime for it. Must not be called from within a runtime.
pub struct PostgresCosts(CommandSession);

impl PostgresCosts {
    /// Opens the store.
    pub fn open(options: &PostgresOptions) -> Result<Self, StoreError> {
        CommandSession::open(options, LIMIT).map(Self)
    }

    /// Writes the costs in one transaction.
    pub fn update(&self, updates: &[CostUpdate]) -> Result<(), StoreError> {
        let interceptions: Vec<_> = updates.iter().map(|update| update.interception_id).collect();
        let ids: Vec<_> = updates.iter().map(|update| update.id).collect();
        let costs: Vec<_> = updates.iter().map(|update| update.cost_nano_usd).collect();
        let statuses: Vec<_> = updates.iter().map(|update| update.cost_status).collect();
        let prices: Vec<_> = updates.iter().map(|update| update.price_id.as_deref()).collect();
        let written = async {
            let values: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
                [&interceptions, &ids, &costs, &statuses, &prices];
            let writing = timeout(LIMIT, self.0.client().execute(UPDATE, &values));
            writing.await.map_err(|_| PgError::TimedOut(LIMIT))??;
            Ok::<_, PgError>(())
        };
        self.0.wait(written)
    }
}
