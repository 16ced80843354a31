//! New costs of recorded usages in a SQLite store.

use crate::connection;
use crate::error::refused;
use aibridge_store_core::{CostUpdate, Options, StoreError};
use rusqlite::{Connection, TransactionBehavior, params};
use std::time::Duration;

/// Time for which a transaction waits while gateways write, as for access tokens.
const BUSY: Duration = Duration::from_secs(10);

const UPDATE: &str = "UPDATE aibridge_token_usages SET cost_nano_usd = ?3, cost_status = ?4, price_id = ?5 \
    WHERE interception_id = ?1 AND id = ?2";

/// Writes new costs to a SQLite store, on a connection of its own.
pub struct SqliteCosts {
    connection: Connection,
}

impl SqliteCosts {
    /// Opens the store.
    pub fn open(options: &Options) -> Result<Self, StoreError> {
        Ok(Self { connection: connection::open_writer(options, BUSY)?.1 })
    }

    /// Writes the costs in one transaction.
    pub fn update(&mut self, updates: &[CostUpdate]) -> Result<(), StoreError> {
        self.write(updates).map_err(refused)
    }

    fn write(&mut self, updates: &[CostUpdate]) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for CostUpdate { interception_id, id, cost_nano_usd, cost_status, price_id } in updates {
            let (interception, id) = (interception_id.to_string(), id.to_string());
            let row = params![interception, id, cost_nano_usd, cost_status, price_id];
            transaction.prepare_cached(UPDATE)?.execute(row)?;
        }
        transaction.commit()
    }
}
