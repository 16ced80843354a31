//! Queries on PostgreSQL: equality with SQLite, and read-only users.

use super::{count, open, options};
use crate::queries::{assert_all_are_read, assert_ranges_are_exact, many};
use crate::rows::{end, start_records};
use crate::support::TestDir;
use aibridge_recorder::Recorder;
use aibridge_store::{Filter, Order, PostgresOptions, Records, StoreError, StoreOptions, Tokens};
use aibridge_testkit::Postgres;
use serde_json::{Value, to_value};
use tokio::task::spawn_blocking;

/// Runs `work` on a thread without a runtime, like a command.
async fn command<T: Send + 'static>(
    options: impl Into<StoreOptions>,
    work: impl FnOnce(Result<Records, StoreError>) -> T + Send + 'static,
) -> T {
    let options = options.into();
    spawn_blocking(move || work(Records::open(options))).await.expect("no panic")
}

/// The results of all queries, in both orders.
fn all(records: Result<Records, StoreError>) -> Vec<Value> {
    let records = records.expect("records");
    let mut found = Vec::new();
    let mut ids = Vec::new();
    let summary = |row: aibridge_store::Summary| {
        ids.push(row.interception.id);
        found.push(to_value(row).expect("JSON"));
        Ok::<_, StoreError>(true)
    };
    records.summaries(&Filter::default(), Order::OldestFirst, summary).expect("read");
    let full = |row| {
        found.push(to_value(row).expect("JSON"));
        Ok::<_, StoreError>(true)
    };
    records.full(&Filter::default(), Order::NewestFirst, full).expect("read");
    found.extend(ids.into_iter().map(|id| to_value(records.find(id).expect("read")).expect("JSON")));
    found
}

#[tokio::test]
async fn a_user_without_read_privileges_gets_advice_for_reading() {
    let Some(server) = Postgres::start().await else { return };
    open(options(&server)).await.close().await;
    server.execute("CREATE ROLE stranger LOGIN").await;
    let with_url = |url: String| PostgresOptions { url: url.into(), ..options(&server) };
    let url = server.url();
    let message =
        async |options| command(options, |records| records.err().expect("refused").to_string()).await;
    let table = [
        (
            url.replace("postgres@", "stranger@"),
            "permission denied",
            "grant its user the right to read the tables",
        ),
        (url.replace(":5432/postgres", ":5432/nowhere"), "does not exist", "name the database of a gateway"),
        (url.replace("postgres@", "nobody@"), "nobody", "pg_hba.conf"),
    ];
    for (url, problem, advice) in table {
        let text = message(with_url(url)).await;
        assert!(text.contains(problem) && text.contains(advice), "{text}");
    }
    server.stop().await;
    let text = message(options(&server)).await;
    assert!(text.ends_with("; check that it runs and is reachable"), "{text}");
    let tokens = options(&server);
    let text = spawn_blocking(move || Tokens::open(tokens).err().expect("refused").to_string()).await;
    assert!(
        text.as_ref().is_ok_and(|text| text.ends_with("; check that it runs and is reachable")),
        "{text:?}"
    );
}

#[tokio::test]
async fn queries_return_the_same_as_on_sqlite() {
    let Some(server) = Postgres::start().await else { return };
    let dir = TestDir::new();
    let (sqlite, postgres) = (dir.open(), open(options(&server)).await);
    for records in [start_records(), end()] {
        sqlite.record(records.clone()).await.expect("stored");
        postgres.record(records).await.expect("stored");
        let there = command(&dir.options(), all).await;
        assert_eq!(there.len(), 3);
        assert_eq!(command(options(&server), all).await, there);
    }
}

#[tokio::test]
async fn a_read_only_user_reads_all_blocks_and_ranges() {
    let Some(server) = Postgres::start().await else { return };
    let ids = many(&open(options(&server)).await).await;
    server.execute("CREATE ROLE reader LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader").await;
    let url = server.url().replace("postgres@", "reader@");
    assert!(url.contains("reader@"), "{url}");
    let options = PostgresOptions { url: url.into(), ..options(&server) };
    let check = move |records: Result<Records, _>| {
        let records = records.expect("records");
        assert_all_are_read(&records, &ids);
        assert_ranges_are_exact(&records, &ids);
    };
    command(options, check).await;
}

#[tokio::test]
async fn a_database_without_records_is_refused_and_not_changed() {
    let Some(server) = Postgres::start().await else { return };
    let problem = command(options(&server), |records| records.err()).await.expect("refused");
    assert!(problem.to_string().contains("name the database of a gateway that has run"), "{problem}");
    assert_eq!(count(&server, "FROM pg_tables WHERE tablename LIKE 'aibridge%'").await, 0);
}
