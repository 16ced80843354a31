use super::{open, options};
use aibridge_keypool::{CoolingReason, Fingerprint};
use aibridge_store::{KeyCooldown, PostgresStore};
use aibridge_testkit::{Postgres, within};
use std::time::Duration;
use tokio::time::timeout;

const SECOND: Duration = Duration::from_secs(1);

fn cooldown(seconds: u32) -> KeyCooldown {
    let (key, reason) = (Fingerprint::from("f00d".to_owned()), CoolingReason::Rejected);
    KeyCooldown { key, reason, remaining: SECOND * seconds }
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
    other.recovered(&cooldown(0).key).await.expect("not yet");
    let late = open(options(&server)).await;
    let found = hears(&late).await;
    assert!(found.len() == 1 && found[0].remaining > SECOND * 50, "{found:?}");

    server.execute("UPDATE aibridge_key_cooldowns SET until = now()").await;
    while timeout(SECOND / 10, other.cooldown_news()).await.is_ok() {}
    one.recovered(&cooldown(0).key).await.expect("told");
    assert_eq!(hears(&other).await, []);
}

#[tokio::test]
async fn news_that_came_while_the_database_was_away_are_looked_up() {
    let Some(server) = Postgres::start().await else { return };
    let store = connected(&server).await;
    server.crash().await;
    server.start_again().await;
    within(async { while store.cooldowns().await.is_err() {} }, "an answer").await;
    assert_eq!(hears(&store).await, [], "it is told that there may be some");
}
