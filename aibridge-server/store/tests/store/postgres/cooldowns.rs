//! Key cooldowns that instances share.

use super::{open, options};
use aibridge_keypool::{CoolingReason, Fingerprint};
use aibridge_store::{KeyCooldown, PostgresStore};
use aibridge_testkit::{Postgres, within};
use std::time::Duration;
use tokio::time::timeout;

const SECOND: Duration = Duration::from_secs(1);

fn cooldown(seconds: u32) -> KeyCooldown {
    let (key, reason) = (Fingerprint::from("f00d".to_owned()), CoolingReason::Rejected);
    KeyCooldown { key, model: None, reason, remaining: SECOND * seconds }
}

async fn published(store: &PostgresStore) -> Vec<KeyCooldown> {
    timeout(SECOND, store.cooldowns_changed()).await.expect("news in time");
    store.cooldowns().await.expect("an answer")
}

/// Opens a store, and consumes the notification of its new connection.
async fn connected(server: &Postgres) -> PostgresStore {
    let store = open(options(server)).await;
    store.cooldowns().await.expect("an answer");
    while timeout(SECOND / 10, store.cooldowns_changed()).await.is_ok() {}
    store
}

#[tokio::test]
async fn a_published_cooldown_reaches_all_and_later_instances() {
    let Some(server) = Postgres::start().await else { return };
    let (one, other) = (connected(&server).await, connected(&server).await);
    one.publish_cooldown(&cooldown(60)).await.expect("told");
    for store in [&other, &one] {
        let [heard] = &published(store).await[..] else { panic!("one cooldown") };
        assert_eq!((&heard.key, heard.reason), (&cooldown(60).key, CoolingReason::Rejected));
        assert!(heard.remaining > SECOND * 50 && heard.remaining <= SECOND * 60, "{heard:?}");
    }
    other.publish_cooldown(&cooldown(30)).await.expect("kept");
    other.publish_cooldown(&cooldown(0)).await.expect("kept");
    other.publish_recovery(&cooldown(0).key, None).await.expect("not yet");
    let late = open(options(&server)).await;
    let found = published(&late).await;
    assert!(found.len() == 1 && found[0].remaining > SECOND * 50, "{found:?}");

    server.execute("UPDATE aibridge_key_cooldowns SET until = now()").await;
    while timeout(SECOND / 10, other.cooldowns_changed()).await.is_ok() {}
    one.publish_recovery(&cooldown(0).key, None).await.expect("told");
    assert_eq!(published(&other).await, []);
}

#[tokio::test]
async fn cooldowns_published_during_an_outage_are_read_after_it() {
    let Some(server) = Postgres::start().await else { return };
    let store = connected(&server).await;
    server.crash().await;
    server.restart().await;
    within(async { while store.cooldowns().await.is_err() {} }, "an answer").await;
    assert_eq!(published(&store).await, [], "it is told that there may be some");
}

#[tokio::test]
async fn each_model_of_a_key_has_its_own_cooldown() {
    let Some(server) = Postgres::start().await else { return };
    let store = connected(&server).await;
    let key = cooldown(0).key;
    let of_model = |model: Option<&str>, reason, seconds: u32| KeyCooldown {
        key: key.clone(),
        model: model.map(str::to_owned),
        reason,
        remaining: SECOND * seconds,
    };
    store.publish_cooldown(&of_model(None, CoolingReason::Quota, 60)).await.expect("stored");
    for model in ["m", "a\0b", ""] {
        store.publish_cooldown(&of_model(Some(model), CoolingReason::RateLimited, 90)).await.expect("stored");
    }
    let heard = async || {
        let mut heard: Vec<_> = store
            .cooldowns()
            .await
            .expect("an answer")
            .into_iter()
            .map(|one| (one.model, one.reason))
            .collect();
        heard.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        heard
    };
    let limited = |model: &str| (Some(model.to_owned()), CoolingReason::RateLimited);
    let whole = (None, CoolingReason::Quota);
    assert_eq!(heard().await, [whole.clone(), limited("a\u{fffd}b"), limited("m"), limited("\u{fffd}")]);

    server.execute("UPDATE aibridge_key_cooldowns SET until = now() WHERE model LIKE 'a%'").await;
    store.publish_recovery(&key, Some("a\0b")).await.expect("gone");
    store.publish_recovery(&key, Some("m")).await.expect("not yet");
    assert_eq!(heard().await, [whole.clone(), limited("m"), limited("\u{fffd}")]);

    // The cooldown of a model is deleted soon, that of a key is not.
    server.execute("UPDATE aibridge_key_cooldowns SET until = now() - interval '2 minutes'").await;
    store.publish_cooldown(&of_model(Some("n"), CoolingReason::RateLimited, 90)).await.expect("stored");
    assert_eq!(heard().await, [whole, limited("n")]);
}

#[tokio::test]
async fn cooldowns_of_an_earlier_schema_apply_to_all_models() {
    let Some(server) = Postgres::start().await else { return };
    for step in [
        "CREATE TABLE aibridge_schema (version bigint PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())",
        "INSERT INTO aibridge_schema (version) VALUES (1)",
        include_str!("../../../postgres/src/migrations/0001_records.sql"),
        "INSERT INTO aibridge_key_cooldowns VALUES ('f00d', 'rejected', now() + interval '1 hour')",
    ] {
        server.execute(step).await;
    }
    let store = open(options(&server)).await;
    let [old] = &store.cooldowns().await.expect("an answer")[..] else { panic!("one cooldown") };
    assert_eq!((&old.key, &old.model, old.reason), (&cooldown(0).key, &None, CoolingReason::Rejected));
    let model = KeyCooldown { model: Some("m".to_owned()), ..cooldown(60) };
    store.publish_cooldown(&model).await.expect("beside it");
    assert_eq!(store.cooldowns().await.expect("an answer").len(), 2);
}
