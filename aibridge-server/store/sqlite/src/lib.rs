//! The store in one SQLite file. `sink` writes records, `records` reads them, `sqlite_rollup` sums them up, and
//! `authenticator` looks up tokens.

mod authenticator;
mod connection;
mod costs;
mod deletion;
mod error;
mod file;
mod job;
mod lock_file;
mod open_files;
mod orphans;
mod owners;
mod private_file;
mod records;
mod rows;
mod schema;
mod sink;
mod sqlite_rollup;
mod store;
mod sweep;
mod time;
mod token_rows;
mod tokens;
mod worker;

pub use costs::SqliteCosts;
pub use records::SqliteRecords;
pub use sqlite_rollup::SqliteRollup;
pub use store::SqliteStore;
pub use sweep::SqliteSweepBackend;
pub use tokens::SqliteTokens;
