//! New costs of recorded usages, for the command line.

use crate::{StoreError, StoreOptions};
use aibridge_postgres::PostgresCosts;
use aibridge_sqlite::SqliteCosts;
use aibridge_store_core::CostUpdate;

/// Writes new costs to a store, on a connection of its own. Gateways on the same store may run. All methods block, and must
/// not be called from within a runtime.
pub struct Costs(Kind);

enum Kind {
    Sqlite(Box<SqliteCosts>),
    Postgres(Box<PostgresCosts>),
}

impl Costs {
    /// Opens the store.
    ///
    /// # Errors
    ///
    /// [`StoreError::Open`] and [`StoreError::NewerSchema`].
    pub fn open(options: &StoreOptions) -> Result<Self, StoreError> {
        Ok(Self(match options {
            StoreOptions::Sqlite(options) => Kind::Sqlite(Box::new(SqliteCosts::open(options)?)),
            StoreOptions::Postgres(options) => Kind::Postgres(Box::new(PostgresCosts::open(options)?)),
        }))
    }

    /// Writes the costs in one transaction, which should be short because gateways wait for it. Stored sums
    /// follow. Rows that retention has deleted meanwhile are left out.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`]. Nothing is written then.
    pub fn update(&mut self, updates: &[CostUpdate]) -> Result<(), StoreError> {
        match &mut self.0 {
            Kind::Sqlite(costs) => costs.update(updates),
            Kind::Postgres(costs) => costs.update(updates),
        }
    }
}
