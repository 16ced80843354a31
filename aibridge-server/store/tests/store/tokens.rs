//! Access tokens in a SQLite store.

use crate::support::{TestDir, start};
use aibridge_recorder::Recorder;
use aibridge_store::{SqliteStore, StoreError, TokenIdentity, Tokens};
use secrecy::{ExposeSecret, SecretString};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;
use tokio::time::timeout;
use uuid::Uuid;

/// Waits until the token is refused, which must happen within a second.
async fn refused_within_a_second(store: &SqliteStore, token: &SecretString) {
    let refused = async { while store.authenticate(token).await.expect("an answer").is_some() {} };
    timeout(Duration::from_secs(1), refused).await.expect("refused in time");
}

#[tokio::test]
async fn a_token_works_at_once_and_until_it_is_revoked() {
    let dir = TestDir::new();
    let store = dir.open();
    let tokens = Tokens::open(&dir.options()).expect("opened");
    let (row, token) = tokens.create("ada", None).expect("created");
    let who = TokenIdentity { token_id: row.id, user: "ada".to_owned(), admin: false, groups: Vec::new() };
    for _ in 0..3 {
        assert_eq!(store.authenticate(&token).await, Ok(Some(who.clone())));
    }
    let (other_row, other) = tokens.create("ada", None).expect("created");
    assert_eq!(
        store.authenticate(&other).await.expect("an answer").map(|who| who.token_id),
        Some(other_row.id)
    );

    assert_eq!(tokens.revoke(row.id), Ok(true));
    refused_within_a_second(&store, &token).await;
    assert!(store.authenticate(&other).await.expect("an answer").is_some());

    let revoked_at = tokens.list().expect("a list")[0].revoked_at;
    assert!(revoked_at.is_some());
    assert_eq!(tokens.revoke(row.id), Ok(true), "there is such a token");
    assert_eq!(tokens.list().expect("a list")[0].revoked_at, revoked_at);
    assert_eq!(tokens.revoke(Uuid::now_v7()), Ok(false));
}

#[tokio::test]
async fn a_token_is_refused_once_it_has_expired() {
    let dir = TestDir::new();
    let store = dir.open();
    let tokens = Tokens::open(&dir.options()).expect("opened");
    let (row, token) = tokens.create("ada", Some(Duration::from_millis(300))).expect("created");
    assert!(store.authenticate(&token).await.expect("an answer").is_some());
    refused_within_a_second(&store, &token).await;
    assert!(row.expires_at.is_some_and(|end| end <= jiff::Timestamp::now()));
    let (_, lasting) = tokens.create("ada", Some(Duration::from_secs(86_400))).expect("created");
    assert!(store.authenticate(&lasting).await.expect("an answer").is_some());
}

#[tokio::test]
async fn a_credential_that_is_not_a_token_is_refused() {
    let dir = TestDir::new();
    let store = dir.open();
    let (_, token) = Tokens::open(&dir.options()).expect("opened").create("ada", None).expect("created");
    let token = token.expose_secret();
    let mut last_changed = token[..token.len() - 1].to_owned();
    last_changed.push(if token.ends_with('A') { 'E' } else { 'A' });
    for wrong in ["", "aib_", "sk-1", &token.to_uppercase(), &format!("{token} "), &token[1..], &last_changed]
    {
        assert_eq!(store.authenticate(&wrong.into()).await, Ok(None), "{wrong:?}");
    }
}

#[test]
fn a_list_shows_what_was_created_and_the_file_holds_no_token() {
    let dir = TestDir::new();
    let tokens = Tokens::open(&dir.options()).expect("opened");
    let (first, secret) = tokens.create("ada", None).expect("created");
    let (second, _) = tokens.create("grace", Some(Duration::from_secs(60))).expect("created");
    assert_eq!(tokens.list(), Ok(vec![first.clone(), second.clone()]));
    assert_eq!(
        second.expires_at.map(|end| end.duration_since(second.created_at)),
        Some(jiff::SignedDuration::from_secs(60))
    );
    let text = secret.expose_secret();
    assert_eq!(first.hint, format!("aib_...{}", &text[text.len() - 4..]));
    drop(tokens); // checkpoints the write-ahead log
    let file = std::fs::read(dir.path()).expect("the file");
    assert!(file.windows(first.hint.len()).any(|window| window == first.hint.as_bytes()));
    assert!(!file.windows(16).any(|window| window == &text.as_bytes()[4..20]));
}

#[tokio::test]
async fn an_admin_token_is_marked() {
    let dir = TestDir::new();
    let tokens = Tokens::open(&dir.options()).expect("opened");
    let (row, token) = tokens.create_admin("ada", None).expect("created");
    assert!(row.admin && tokens.list().expect("a list")[0].admin);
    let store = SqliteStore::open(dir.options()).expect("opened");
    for what in ["from the database", "from memory"] {
        let who = store.authenticate(&token).await.expect("an answer").expect("known");
        assert!(who.admin, "{what}");
    }
}

#[test]
fn tokens_of_an_earlier_schema_are_not_admin() {
    let dir = TestDir::new();
    let old = rusqlite::Connection::open(dir.path()).expect("a new file");
    old.execute_batch(include_str!("../../sqlite/src/migrations/0001_records.sql")).expect("the old schema");
    old.execute_batch(
        "PRAGMA application_id = 1634296434; PRAGMA user_version = 1;
         INSERT INTO aibridge_tokens VALUES ('01890000-0000-7000-8000-000000000000', 'ada', x'00', 'aib_...wxyz',
             '2026-01-02T03:04:05.678Z', NULL, NULL)",
    )
    .expect("an old token");
    drop(old);
    let rows = Tokens::open(&dir.options()).expect("brought to the latest schema").list().expect("a list");
    assert_eq!(rows.iter().map(|row| (row.user.as_str(), row.admin)).collect::<Vec<_>>(), [("ada", false)]);
}

#[test]
fn invalid_names_and_lifetimes_are_refused() {
    let dir = TestDir::new();
    let tokens = Tokens::open(&dir.options()).expect("opened");
    assert!(matches!(tokens.create("a\0", None), Err(StoreError::InvalidUser { .. })));
    for after in [Duration::ZERO, Duration::MAX] {
        assert!(matches!(tokens.create("ada", Some(after)), Err(StoreError::InvalidExpiry { .. })));
    }
    assert_eq!(tokens.list(), Ok(Vec::new()));
}

#[tokio::test]
async fn a_closed_store_authenticates_nobody() {
    let dir = TestDir::new();
    let store = dir.open();
    let (_, token) = Tokens::open(&dir.options()).expect("opened").create("ada", None).expect("created");
    store.clone().close().await;
    assert_eq!(store.authenticate(&token).await, Err(StoreError::Closed));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_created_while_a_gateway_writes() {
    static DONE: AtomicBool = AtomicBool::new(false);
    let dir = TestDir::new();
    let store = dir.open();
    let callers: Vec<_> = (0..16)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                while !DONE.load(Relaxed) {
                    store.record(start().1).await.expect("stored");
                }
            })
        })
        .collect();
    let options = dir.options();
    let made = tokio::task::spawn_blocking(move || {
        let tokens = Tokens::open(&options).expect("opened");
        (0..20).map(|_| tokens.create("ada", None).expect("created").1).collect::<Vec<_>>()
    });
    for token in made.await.expect("no panic") {
        assert!(store.authenticate(&token).await.expect("an answer").is_some());
    }
    DONE.store(true, Relaxed);
    for caller in callers {
        caller.await.expect("no refusal");
    }
}
