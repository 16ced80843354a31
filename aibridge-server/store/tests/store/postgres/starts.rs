//! Opening a PostgreSQL store: concurrent starts, schema versions, advice, and TLS.

use super::{journaled, open, options};
use crate::support::start;
use aibridge_recorder::Recorder;
use aibridge_store::{PostgresOptions, PostgresStore, StoreError, Tls};
use aibridge_testkit::Postgres;
use tokio::task::JoinSet;

async fn refused(options: PostgresOptions) -> StoreError {
    PostgresStore::open(options).await.err().expect("refused")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_starts_on_an_empty_database_succeed() {
    let Some(server) = Postgres::start().await else { return };
    let mut starting = JoinSet::new();
    for _ in 0..8 {
        starting.spawn(PostgresStore::open(options(&server)));
    }
    for store in starting.join_all().await {
        let store = store.expect("opened");
        store.record(start().1).await.expect("stored");
    }
    assert_eq!(server.query("SELECT version FROM aibridge_schema").await.len(), 8);
    assert_eq!(server.rows("aibridge_interceptions").await.len(), 8);
    assert_eq!(server.rows("aibridge_instances").await.len(), 8);
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_not_changed() {
    let Some(server) = Postgres::start().await else { return };
    open(options(&server)).await.close().await;
    server.execute("INSERT INTO aibridge_schema (version) VALUES (999)").await;
    let error = refused(options(&server)).await;
    assert!(matches!(error, StoreError::NewerSchema { found: 999, known: 8, .. }), "{error}");
    assert!(error.to_string().contains("postgres://test: it has schema 999"), "{error}");
    let dir = tempfile::tempdir().expect("a directory");
    let error = refused(journaled(&server, dir.path())).await;
    assert!(matches!(error, StoreError::NewerSchema { .. }), "a journal does not help: {error}");
}

#[tokio::test]
async fn an_unreachable_server_is_reported_with_advice() {
    let Some(server) = Postgres::start().await else { return };
    let with_url = |url: String| PostgresOptions { url: url.into(), ..options(&server) };
    let url = server.url();
    let table = [
        (with_url(url.replace("postgres@", "nobody@")), "28", "pg_hba.conf"),
        (with_url(url.replace(":5432/postgres", ":5432/nowhere")), "does not exist", "create the database"),
        (PostgresOptions { tls: Tls::Require, ..options(&server) }, "TLS", "sslmode"),
    ];
    for (options, problem, advice) in table {
        let message = refused(options).await.to_string();
        assert!(message.starts_with("cannot open the store postgres://test: "), "{message}");
        assert!(message.contains(advice) && (problem == "28" || message.contains(problem)), "{message}");
    }
    server.stop().await;
    let message = refused(options(&server)).await.to_string();
    assert!(message.contains("store.durability"), "{message}");
}

#[tokio::test]
async fn messages_contain_no_password() {
    let Some(server) = Postgres::start().await else { return };
    let url = server.url().replace("postgres@", "nobody:hunter2@");
    let options = PostgresOptions { url: url.into(), ..options(&server) };
    let printed = format!("{options:?}");
    assert!(!printed.contains("hunter2"), "{printed}");
    let message = format!("{:?}", refused(options).await);
    assert!(!message.contains("hunter2"), "{message}");
}

#[tokio::test]
async fn connections_use_the_configured_tls_mode() {
    let Some((server, certificate)) = Postgres::start_with_tls().await else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let root = dir.path().join("root.pem");
    std::fs::write(&root, &certificate).expect("written");
    let port = server.port().expect("a port");
    let on = |host: &str, tls: &Tls| PostgresOptions {
        url: format!("postgres://postgres@{host}:{port}/postgres").into(),
        tls: tls.clone(),
        ..options(&server)
    };
    let authority = Tls::VerifyCa { root_cert: Some(root.clone()) };
    let trusted = Tls::VerifyFull { root_cert: Some(root) };
    let table = [
        ("localhost", Tls::Disable, Some(false)),
        ("localhost", Tls::Prefer, Some(true)),
        ("localhost", Tls::Require, Some(true)),
        ("127.0.0.1", Tls::Require, Some(true)),
        ("localhost", authority.clone(), Some(true)),
        ("127.0.0.1", authority, Some(true)),
        ("localhost", Tls::VerifyCa { root_cert: None }, None),
        ("localhost", Tls::VerifyFull { root_cert: None }, None),
        ("localhost", trusted.clone(), Some(true)),
        ("127.0.0.1", trusted, None),
    ];
    for (host, tls, expected) in table {
        let case = format!("{host} {tls:?}");
        match (PostgresStore::open(on(host, &tls)).await, expected) {
            (Ok(store), Some(protected)) => {
                store.record(start().1).await.expect("stored");
                let sql = "SELECT s.ssl FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) \
                           WHERE a.application_name = 'aibridge'";
                let found = server.query(sql).await;
                assert!(
                    !found.is_empty() && found.iter().all(|row| row["ssl"] == protected),
                    "{case}: {found:?}"
                );
                store.close().await;
                server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'aibridge'").await;
            }
            (Err(error), None) => {
                assert!(error.to_string().contains("certificate"), "{case}: {error}");
                assert!(error.to_string().contains("check sslmode"), "{case}: {error}");
            }
            (opened, _) => panic!("{case}: {:?}", opened.err()),
        }
    }
}
