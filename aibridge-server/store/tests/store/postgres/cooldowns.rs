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

async fn hears(store: &PostgresStore) -> Vec<KeyCooldown> {
    timeout(SECOND, store.cooldown_news()).await.expect("news in time");
    store.cooldowns().await.expect("an answer")
}

/// A new connection counts as news: so that nothing is missed.
async fn connected(server: &Postgres) -> PostgresStore {
    let store = open(options(server)).await;
    store.cooldowns().await.expect("an answer");
    while timeout(SECOND / 10, store.cooldown_news()).await.is_ok() {}
    store
}

#[tokio::test]
async fn what_one_instance_tells_all_hear_and_later_ones_find() {
    let Some(server) = Postgres::start().await else { return };
    let (one, other) = (connected(&server).await, connected(&server).await);
    one.cool(&cooldown(60)).await.expect("told");
    for store in [&other, &one] {
        let [heard] = &hears(store).await[..] else { panic!("one cooldown") };
        assert_eq!((&heard.key, heard.reason), (&cooldown(60).key, CoolingReason::Rejected));
        assert!(heard.remaining > SECOND * 50 && heard.remaining <= SECOND * 60, "{heard:?}");
    }
    other.cool(&cooldown(30)).await.expect("kept");
    other.cool(&cooldown(0)).await.expect("kept");
    other.recovered(&cooldown(0).key, None).await.expect("not yet");
    let late = open(options(&server)).await;
    let found = hears(&late).await;
    assert!(found.len() == 1 && found[0].remaining > SECOND * 50, "{found:?}");

    server.execute("UPDATE aibridge_key_cooldowns SET until = now()").await;
    while timeout(SECOND / 10, other.cooldown_news()).await.is_ok() {}
    one.recovered(&cooldown(0).key, None).await.expect("told");
    assert_eq!(hears(&other).await, []);
}

#[tokio::test]
async fn news_that_came_while_the_database_was_away_are_looked_up() {
    let Some(server) = Postgres::start().await else { return };
    let store = connected(&server).await;
    server.crash().await;
    server.restart().await;
    within(async { while store.cooldowns().await.is_err() {} }, "an answer").await;
    assert_eq!(hears(&store).await, [], "it is told that there may be some");
}

#[tokio::test]
async fn each_model_of_a_key_cools_for_itself() {
    let Some(server) = Postgres::start().await else { return };
    let store = connected(&server).await;
    let key = cooldown(0).key;
    let of_model = |model: Option<&str>, reason, seconds: u32| KeyCooldown {
        key: key.clone(),
        model: model.map(str::to_owned),
        reason,
        remaining: SECOND * seconds,
    };
    store.cool(&of_model(None, CoolingReason::Quota, 60)).await.expect("stored");
    for model in ["m", "a\0b", ""] {
        store.cool(&of_model(Some(model), CoolingReason::RateLimited, 90)).await.expect("stored");
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
    store.recovered(&key, Some("a\0b")).await.expect("gone");
    store.recovered(&key, Some("m")).await.expect("not yet");
    assert_eq!(heard().await, [whole.clone(), limited("m"), limited("\u{fffd}")]);

    // A model that nobody tries is soon forgotten, a key is not.
    server.execute("UPDATE aibridge_key_cooldowns SET until = now() - interval '2 minutes'").await;
    store.cool(&of_model(Some("n"), CoolingReason::RateLimited, 90)).await.expect("stored");
    assert_eq!(heard().await, [whole, limited("n")]);
}

#[tokio::test]
async fn cooldowns_from_before_there_were_models_are_those_of_whole_keys() {
    let Some(server) = Postgres::start().await else { return };
    for step in [
        "CREATE TABLE aibridge_schema (version bigint PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())",
        "INSERT INTO aibridge_schema (version) VALUES (1)",
        include_str!("../../../src/postgres/migrations/0001_records.sql"),
        "INSERT INTO aibridge_key_cooldowns VALUES ('f00d', 'rejected', now() + interval '1 hour')",
    ] {
        server.execute(step).await;
    }
    let store = open(options(&server)).await;
    let [old] = &store.cooldowns().await.expect("an answer")[..] else { panic!("one cooldown") };
    assert_eq!((&old.key, &old.model, old.reason), (&cooldown(0).key, &None, CoolingReason::Rejected));
    let model = KeyCooldown { model: Some("m".to_owned()), ..cooldown(60) };
    store.cool(&model).await.expect("beside it");
    assert_eq!(store.cooldowns().await.expect("an answer").len(), 2);
}
