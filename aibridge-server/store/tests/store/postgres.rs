//! Tests against a real PostgreSQL server. Without one, they print a note and pass.

mod away;
mod cooldowns;
mod documented;
mod owners;
mod probes;
mod queries;
mod replicas;
mod retention;
mod rows;
mod spool;
mod starts;
mod tokens;

use aibridge_store::{Durability, Heartbeat, PostgresOptions, PostgresStore, SpoolOptions, Tls};
use aibridge_testkit::Postgres;
use std::path::Path;
use std::time::Duration;

/// The options of a store on `server`.
fn options(server: &Postgres) -> PostgresOptions {
    PostgresOptions {
        url: server.url().into(),
        display_url: "postgres://test".to_owned(),
        tls: Tls::Disable,
        timeout: Duration::from_millis(1800),
        spool: None,
        heartbeat: Heartbeat::default(),
    }
}

/// The options of a store on `server` with a spool in `dir`.
fn spooled(server: &Postgres, dir: &Path) -> PostgresOptions {
    let spool = SpoolOptions { dir: dir.to_owned(), max_bytes: 64 << 20, durability: Durability::Process };
    PostgresOptions { spool: Some(spool), ..options(server) }
}

async fn open(options: PostgresOptions) -> PostgresStore {
    PostgresStore::open(options).await.expect("a store")
}

/// Number of rows that a query selects.
async fn count(server: &Postgres, sql: &str) -> i64 {
    server.query(&format!("SELECT count(*) AS n {sql}")).await[0]["n"].as_i64().expect("a number")
}
