//! Budgets that several gateways on one PostgreSQL database share.

use super::{BODY, CHAT, settings};
use crate::reload;
use aibridge_testkit::{Gateway, Postgres, RawClient, Script, ScriptedProvider, poll_until};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// The cost of each response: a cent.
const CENT: i64 = 10_000_000;

const DOLLAR: i64 = 100 * CENT;

const CALLERS: i64 = 100;

/// A provider whose responses cost a cent.
async fn cent_provider() -> ScriptedProvider {
    let body = super::completion(1).replace("500000", "5000");
    ScriptedProvider::start(move |_| Script::json(200, body.clone())).await
}

async fn gateways(server: &Postgres, settings: &str) -> Vec<Gateway> {
    let mut gateways = Vec::new();
    for _ in 0..3 {
        let launch = reload::launch(settings.to_owned()).store(server.url());
        server.follow_journal(launch.dir().join("aibridge.journal"));
        gateways.push(launch.start().await);
    }
    gateways
}

async fn budget(gateway: &Gateway, member: &str) -> i64 {
    let budgets = RawClient::get(gateway.address(), "/api/v1/budgets").await.json();
    budgets["data"][0][member].as_i64().unwrap()
}

async fn post(gateway: &Gateway) -> u16 {
    RawClient::post(gateway.address(), CHAT, &[], BODY).await.status()
}

async fn recorded(server: &Postgres) -> i64 {
    let rows = server.query("SELECT sum(cost_nano_usd)::bigint AS cost FROM aibridge_token_usages").await;
    rows[0]["cost"].as_i64().unwrap_or(0)
}

/// Each gateway admits a dollar by its own spending. Its excess is the cost of its requests in flight that exceeds their
/// reservations.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_overspend_within_the_documented_bound() {
    let Some(server) = Postgres::start().await else { return };
    let provider = cent_provider().await;
    let budgets = "[[budget]]\nscope = \"everyone\"\namount = \"1 USD\"\n";
    let gateways = Arc::new(gateways(&server, &settings(budgets, &provider)).await);
    let admitted = Arc::new(AtomicI64::new(0));
    let callers: Vec<_> = (0..CALLERS as usize)
        .map(|caller| {
            let (gateways, admitted) = (Arc::clone(&gateways), Arc::clone(&admitted));
            tokio::spawn(async move {
                let gateway = &gateways[caller % gateways.len()];
                while post(gateway).await == 200 {
                    admitted.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    let spent = admitted.load(Ordering::Relaxed) * CENT;
    let replicas = gateways.len() as i64;
    let bound = replicas * DOLLAR + CALLERS * CENT;
    assert!(spent >= DOLLAR && spent <= bound, "{spent} of at most {bound}");
    for gateway in gateways.iter() {
        let is_known = async || budget(gateway, "spent_nano_usd").await == spent;
        poll_until(is_known, "a gateway to know what all have spent").await;
        assert_eq!((budget(gateway, "reserved_nano_usd").await, post(gateway).await), (0, 429));
    }
    assert_eq!(recorded(&server).await, spent);
}

/// The spending of one gateway counts for the others a second later, so callers that take turns spend no more than the
/// amount; and no gateway forgets or counts twice what it has spent itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_follow_each_other() {
    let Some(server) = Postgres::start().await else { return };
    let provider = cent_provider().await;
    let budgets = "[[budget]]\nscope = \"everyone\"\namount = \"0.06 USD\"\n";
    let mut gateways = gateways(&server, &settings(budgets, &provider)).await;
    for (turn, gateway) in gateways.iter().enumerate() {
        for _ in 0..2 {
            assert_eq!(post(gateway).await, 200);
        }
        let spent = (turn as i64 + 1) * 2 * CENT;
        for gateway in &gateways {
            let is_known = async || budget(gateway, "spent_nano_usd").await == spent;
            poll_until(is_known, "a gateway to know what the others have spent").await;
        }
    }
    for gateway in &gateways {
        assert_eq!(post(gateway).await, 429);
    }
    let killed = gateways.pop().unwrap();
    let launch = killed.launch().clone();
    killed.kill().await;
    let restarted = launch.start().await;
    assert_eq!(budget(&restarted, "spent_nano_usd").await, 6 * CENT);
    assert_eq!((budget(&restarted, "reserved_nano_usd").await, post(&restarted).await), (0, 429));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_see_what_they_spent_through_other_gateways_without_budgets_too() {
    let Some(server) = Postgres::start().await else { return };
    let provider = cent_provider().await;
    let gateways = gateways(&server, &settings("", &provider)).await;
    for gateway in &gateways {
        assert_eq!(post(gateway).await, 200);
    }
    let spent = async |gateway: &Gateway| {
        let me = RawClient::get(gateway.address(), "/api/v1/me").await.json();
        me["spend"][2]["spent_nano_usd"].as_i64().unwrap()
    };
    for gateway in &gateways {
        poll_until(async || spent(gateway).await == 3 * CENT, "the spending through all gateways").await;
    }
}

/// Records that a killed gateway left in its journal count as soon as they are in the database, beside what its successor spends
/// meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spending_that_waited_in_a_journal_is_counted_once() {
    let Some(server) = Postgres::start().await else { return };
    let provider = cent_provider().await;
    let budgets = "[[budget]]\nscope = \"everyone\"\namount = \"0.03 USD\"\n";
    let launch = reload::launch(settings(budgets, &provider)).store(server.url());
    server.follow_journal(launch.dir().join("aibridge.journal"));
    let gateway = launch.start().await;
    assert_eq!(post(&gateway).await, 200);
    let is_stored = async || recorded(&server).await == CENT;
    poll_until(is_stored, "the first cent to be in the database").await;
    server.stop().await;
    assert_eq!(post(&gateway).await, 200);
    gateway.kill().await;

    let gateway = launch.start().await;
    assert_eq!(post(&gateway).await, 200, "without the database, it knows nothing of what was spent");
    server.restart().await;
    let is_known = async || budget(&gateway, "spent_nano_usd").await == 3 * CENT;
    poll_until(is_known, "all three cents to be counted").await;
    assert_eq!(post(&gateway).await, 429);
    let is_stored = async || recorded(&server).await == 3 * CENT;
    poll_until(is_stored, "all three cents to be in the database").await;
    assert_eq!(budget(&gateway, "spent_nano_usd").await, 3 * CENT);
}
