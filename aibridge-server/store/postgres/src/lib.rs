//! The store on a PostgreSQL server. `sink` writes records, `records` reads them, `heartbeat` closes interceptions of
//! crashed instances.
//!
//! `aibridge-store` uses this crate beside `aibridge-sqlite`. It needs a PostgreSQL server, so it has no example: the
//! tests of `aibridge-store` start one. The example of `aibridge-sqlite` uses the same interface.

mod authenticator;
mod command_session;
mod connector;
mod costs;
mod error;
mod heartbeat;
mod instances;
mod json_rows;
mod owners;
mod postgres_rollup;
mod reconnecting;
mod records;
mod schema;
mod session;
mod shared_connection;
mod sink;
mod statements;
mod store;
mod sweep;
mod tls;
mod token_rows;
mod tokens;

pub use costs::PostgresCosts;
pub use postgres_rollup::PostgresRollup;
pub use records::PostgresRecords;
pub use store::{KeyCooldown, PostgresStore};
pub use sweep::PostgresSweepBackend;
pub use tokens::PostgresTokens;
