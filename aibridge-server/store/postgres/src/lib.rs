//! The store on a PostgreSQL server. `sink` writes records, `records` reads them, `heartbeat` closes interceptions of
//! crashed instances.

mod authenticator;
mod command_session;
mod connector;
mod costs;
mod error;
mod heartbeat;
mod instances;
mod json_rows;
mod owners;
mod reconnecting;
mod records;
mod rollup;
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
pub use records::PostgresRecords;
pub use rollup::PostgresRollup;
pub use store::{KeyCooldown, PostgresStore};
pub use sweep::PostgresSweepBackend;
pub use tokens::PostgresTokens;
