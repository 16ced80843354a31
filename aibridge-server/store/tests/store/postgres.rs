//! Tests against a real PostgreSQL server. Without one, they print a note and pass.

mod cooldowns;
mod documentation;
mod journal;
mod old_spool;
mod outages;
mod owners;
mod probes;
mod queries;
mod replicas;
mod retention;
mod rows;
mod starts;
mod tokens;

use aibridge_store::{Durability, Heartbeat, JournalOptions, PostgresOptions, PostgresStore, Tls};
use aibridge_testkit::Postgres;
use std::path::Path;
use std::time::Duration;
use uuid::Uuid;

/// The options of a store on `server` whose calls wait for the database, with a journal of its own.
pub(crate) fn options(server: &Postgres) -> PostgresOptions {
    PostgresOptions {
        url: server.url().into(),
        display_url: "postgres://test".to_owned(),
        tls: Tls::Disable,
        timeout: Duration::from_millis(1800),
        journal: JournalOptions {
            durability: Durability::Database,
            ..JournalOptions::new(server.dir().join(Uuid::now_v7().to_string()))
        },
        heartbeat: Heartbeat::default(),
    }
}

/// The options of a store on `server` whose calls wait for the journal in `dir` only.
fn journaled(server: &Postgres, dir: &Path) -> PostgresOptions {
    PostgresOptions { journal: JournalOptions::new(dir.join("journal")), ..options(server) }
}

async fn open(options: PostgresOptions) -> PostgresStore {
    PostgresStore::open(options).await.expect("a store")
}

/// Number of rows that a query selects.
async fn count(server: &Postgres, sql: &str) -> i64 {
    server.query(&format!("SELECT count(*) AS n {sql}")).await[0]["n"].as_i64().expect("a number")
}
