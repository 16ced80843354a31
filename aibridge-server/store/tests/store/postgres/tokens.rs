//! Access tokens on PostgreSQL.

use super::{journaled, open, options};
use aibridge_store::{PostgresOptions, PostgresStore, TokenIdentity, TokenRow, Tokens};
use aibridge_testkit::Postgres;
use secrecy::SecretString;
use std::time::Duration;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use uuid::Uuid;

/// Runs `work` on a thread without a runtime, like a command.
async fn command<T: Send + 'static>(
    server: &Postgres,
    work: impl FnOnce(&Tokens) -> T + Send + 'static,
) -> T {
    let options: PostgresOptions = options(server);
    spawn_blocking(move || work(&Tokens::open(options).expect("opened"))).await.expect("no panic")
}

async fn create(server: &Postgres, expires_in: Option<Duration>) -> (TokenRow, SecretString) {
    command(server, move |tokens| tokens.create("ada", expires_in).expect("created")).await
}

async fn refused_within_a_second(store: &PostgresStore, token: &SecretString) {
    let refused = async { while store.authenticate(token).await.expect("an answer").is_some() {} };
    timeout(Duration::from_secs(1), refused).await.expect("refused in time");
}

#[tokio::test]
async fn a_token_works_at_once_and_until_it_is_revoked_or_expires() {
    let Some(server) = Postgres::start().await else { return };
    let (row, token) = create(&server, None).await; // before any gateway was there
    let store = open(options(&server)).await;
    let who = TokenIdentity { token_id: row.id, user: "ada".to_owned(), admin: false };
    for _ in 0..3 {
        assert_eq!(store.authenticate(&token).await, Ok(Some(who.clone())));
    }
    let (_, expiring) = create(&server, Some(Duration::from_millis(500))).await;
    assert!(store.authenticate(&expiring).await.expect("an answer").is_some());
    refused_within_a_second(&store, &expiring).await;

    assert_eq!(command(&server, move |tokens| tokens.revoke(row.id)).await, Ok(true));
    refused_within_a_second(&store, &token).await;
    let listed = command(&server, |tokens| tokens.list().expect("a list")).await;
    assert_eq!((listed.len(), listed[0].id), (2, row.id));
    assert!(listed[0].revoked_at.is_some() && listed[0].created_at == row.created_at);
    assert_eq!(command(&server, |tokens| tokens.revoke(Uuid::now_v7())).await, Ok(false));
    for wrong in ["", "aib_", "sk-1", "aib_AAAA"] {
        assert_eq!(store.authenticate(&wrong.into()).await, Ok(None), "{wrong:?}");
    }
}

#[tokio::test]
async fn cached_tokens_stay_accepted_during_an_outage_unless_calls_wait_for_the_database() {
    let Some(server) = Postgres::start().await else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let (plain, going_on) = (open(options(&server)).await, open(journaled(&server, dir.path())).await);
    let ((_, known), (_, unknown)) = (create(&server, None).await, create(&server, None).await);
    for store in [&plain, &going_on] {
        assert!(store.authenticate(&known).await.expect("an answer").is_some());
    }
    server.stop().await;
    let refused = async { while plain.authenticate(&known).await.is_ok() {} };
    timeout(Duration::from_secs(1), refused).await.expect("refused in time");
    assert!(going_on.authenticate(&known).await.expect("an answer").is_some());
    going_on.authenticate(&unknown).await.expect_err("it was not seen before");

    server.restart().await;
    let answers = async { while going_on.authenticate(&unknown).await.is_err() {} };
    timeout(Duration::from_secs(5), answers).await.expect("an answer in time");
    let answers = async { while plain.authenticate(&known).await.is_err() {} };
    timeout(Duration::from_secs(5), answers).await.expect("an answer in time");
}

#[tokio::test]
async fn a_revoked_token_stays_revoked_during_an_outage() {
    let Some(server) = Postgres::start().await else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(journaled(&server, dir.path())).await;
    let (used, token) = create(&server, None).await;
    let (admin, admin_token) =
        command(&server, |tokens| tokens.create_admin("root", None).expect("created")).await;
    let (unused, unused_token) = create(&server, None).await;
    let (_, good) = create(&server, None).await;
    for token in [&token, &admin_token, &unused_token, &good] {
        assert!(store.authenticate(token).await.expect("an answer").is_some());
    }
    for id in [used.id, admin.id, unused.id] {
        assert_eq!(command(&server, move |tokens| tokens.revoke(id)).await, Ok(true));
    }
    for token in [&token, &admin_token] {
        refused_within_a_second(&store, token).await;
    }
    // The third token is not used between its revocation and the outage: the store refreshes it by itself.
    let revoked_at = server.query("SELECT now()::text AS now").await[0]["now"].clone();
    let looked_up = format!(
        "EXISTS (SELECT FROM pg_stat_activity WHERE state = 'idle' AND query LIKE '%ANY ($1) AND revoked_at IS NULL' \
         AND query_start > '{}'::timestamptz)",
        revoked_at.as_str().expect("a time")
    );
    server.wait_until(&looked_up, Duration::from_secs(5), "the tokens to be looked up again").await;
    server.stop().await;
    for token in [&token, &admin_token, &unused_token] {
        refused_within_a_second(&store, token).await;
        assert_eq!(store.authenticate(token).await, Ok(None));
    }
    assert!(store.authenticate(&good).await.expect("an answer").is_some(), "the others go on");
}
