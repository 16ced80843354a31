//! The common part of both databases: the [`tables`] and their [`migrations`], the [batches](Batch) of rows to write,
//! the rows and filters of [queries](query), the loop of the [`retention`], options and errors.

mod batch;
mod cost_update;
mod error;
pub mod migrations;
mod options;
pub mod payload;
pub mod query;
pub mod retention;
mod statement;
mod storable;
pub mod tables;

pub use batch::{Batch, Rejected};
pub use cost_update::CostUpdate;
pub use error::StoreError;
pub use options::{Durability, Heartbeat, JournalOptions, Options, PostgresOptions, StoreOptions, Tls};
pub use statement::insert;
pub use storable::storable;
