//! Readiness probes on PostgreSQL: privileges, disk space, and connection limits.

use super::{count, open, options};
use crate::support::start;
use aibridge_recorder::Recorder;
use aibridge_store::PostgresOptions;
use aibridge_testkit::Postgres;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(9);

/// The options of a user without privileges on the tables.
async fn as_a_user(server: &Postgres) -> PostgresOptions {
    open(options(server)).await.close().await;
    server.execute("CREATE ROLE gateway LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA public TO gateway").await;
    PostgresOptions { url: server.url().replace("postgres@", "gateway@").into(), ..options(server) }
}

#[tokio::test]
async fn a_probe_detects_a_missing_privilege_on_any_table() {
    let Some(server) = Postgres::start().await else { return };
    let store = open(as_a_user(&server).await).await;
    store.probe(LIMIT).await.expect("ready");
    for table in [
        "aibridge_interceptions",
        "aibridge_user_prompts",
        "aibridge_token_usages",
        "aibridge_tool_usages",
        "aibridge_model_thoughts",
    ] {
        server.execute(&format!("REVOKE INSERT ON {table} FROM gateway")).await;
        let error = store.probe(LIMIT).await.expect_err(table).to_string();
        assert!(error.contains(table), "{error}");
        server.execute(&format!("GRANT INSERT ON {table} TO gateway")).await;
        store.probe(LIMIT).await.expect(table);
        assert_eq!(count(&server, &format!("FROM {table}")).await, 0);
    }
    store.record(start().1).await.expect("stored");
    store.close().await;
}

#[tokio::test]
async fn a_probe_detects_a_full_or_read_only_database() {
    let Some(server) = Postgres::start().await else { return };
    let store = open(options(&server)).await;
    store.probe(LIMIT).await.expect("ready");
    let full = "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS \
        $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$; \
        CREATE TRIGGER full_disk BEFORE INSERT ON aibridge_user_prompts FOR EACH ROW EXECUTE FUNCTION full_disk()";
    server.execute(full).await;
    let error = store.probe(LIMIT).await.expect_err("full").to_string();
    assert!(error.contains("could not extend file"), "{error}");
    server.execute("DROP TRIGGER full_disk ON aibridge_user_prompts").await;
    store.probe(LIMIT).await.expect("ready");
    store.close().await;

    server.execute("ALTER DATABASE postgres SET default_transaction_read_only = on").await;
    let read_only = aibridge_store::PostgresStore::open(options(&server)).await;
    assert!(read_only.is_err(), "an instance writes its heartbeat when it starts");
}

#[tokio::test]
async fn a_probe_needs_no_further_connection() {
    let Some(server) = Postgres::start().await else { return };
    let store = open(as_a_user(&server).await).await;
    store.record(start().1).await.expect("stored");
    server.execute("ALTER ROLE gateway CONNECTION LIMIT 1").await;
    let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'gateway' \
        AND query NOT LIKE 'COMMIT%'";
    server.execute(others).await;
    store.probe(LIMIT).await.expect("ready");
    store.record(start().1).await.expect("stored");
    store.probe(LIMIT).await.expect("ready");
    store.close().await;
}

#[tokio::test]
async fn the_advice_names_the_missing_privilege() {
    let Some(server) = Postgres::start().await else { return };
    let options = as_a_user(&server).await;
    let refused = async || {
        let opened = aibridge_store::PostgresStore::open(options.clone()).await;
        opened.err().expect("refused").to_string()
    };
    for table in ["aibridge_instances", "aibridge_schema"] {
        server.execute(&format!("REVOKE ALL ON {table} FROM gateway")).await;
        let message = refused().await;
        assert!(message.contains(table) && message.contains("grant its user SELECT, INSERT"), "{message}");
        server.execute(&format!("GRANT ALL ON {table} TO gateway")).await;
    }
    server
        .execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO gateway")
        .await;
    let message = refused().await;
    assert!(message.contains("right to create tables"), "{message}");
}
