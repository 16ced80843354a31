//! What both databases of a store have in common: the [`tables`] and their [`migrations`], the [rows that records
//! become](Batch), the rows and filters of [queries](query), the loop of the [`retention`], options and errors.

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
