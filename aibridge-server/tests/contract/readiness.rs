//! `/readyz` says whether a request would be recorded.

use crate::dialects::{CHAT, Dialect, KEY};
use crate::harness::provider_settings;
use aibridge_testkit::{Gateway, Launch, Postgres, RawClient, ScriptedProvider, wait_until, within};
use std::time::Duration;
use tokio::time::sleep;

async fn ready_is(gateway: &Gateway, status: u16) {
    let answers = async {
        while RawClient::get(gateway.address(), "/readyz").await.status() != status {
            sleep(Duration::from_millis(20)).await;
        }
    };
    within(answers, &format!("/readyz to say {status}")).await;
}

async fn ask(gateway: &Gateway) -> u16 {
    RawClient::post(gateway.address(), CHAT.target, &[], CHAT.blocking).await.status()
}

#[tokio::test]
async fn a_right_that_is_missing_is_unready_and_a_connection_limit_is_not() {
    let Some(server) = Postgres::start().await else { return };
    let provider = ScriptedProvider::start(Dialect::answer_to).await;
    let settings = provider_settings(&provider.base_url(), &[KEY]);
    let launch = Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(settings);
    let gateway = launch.clone().store(server.url()).start().await;
    gateway.terminate();
    gateway.exited().await;
    server.execute("CREATE ROLE gateway LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA public TO gateway").await;
    let gateway = launch.store(server.url().replace("postgres@", "gateway@")).start().await;
    assert_eq!(ask(&gateway).await, 200);
    ready_is(&gateway, 200).await;

    server.execute("REVOKE INSERT ON aibridge_user_prompts FROM gateway").await;
    ready_is(&gateway, 503).await;
    assert_eq!(ask(&gateway).await, 503);
    server.execute("GRANT INSERT ON aibridge_user_prompts TO gateway").await;
    ready_is(&gateway, 200).await;
    assert_eq!(ask(&gateway).await, 200);

    // Connections that are there stay; those beside the writer's are closed and cannot come back.
    let recorded = "(SELECT count(*) = 0 FROM aibridge_interceptions WHERE ended_at IS NULL)";
    server.until(recorded, Duration::from_secs(5), "the end to be recorded").await;
    server.execute("ALTER ROLE gateway CONNECTION LIMIT 1").await;
    let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
        WHERE usename = 'gateway' AND query NOT LIKE 'COMMIT%' AND query NOT LIKE 'ROLLBACK%'";
    server.execute(others).await;
    let now = server.query("SELECT now()::text AS now").await[0]["now"].clone();
    let probed = format!(
        "SELECT pid FROM pg_stat_activity WHERE query LIKE 'ROLLBACK%' AND query_start > '{}'::timestamptz",
        now.as_str().unwrap()
    );
    let probes = async {
        while server.query(&probed).await.is_empty() {
            assert_eq!(RawClient::get(gateway.address(), "/readyz").await.status(), 200);
        }
    };
    within(probes, "a probe of the store").await;
    assert_eq!(RawClient::get(gateway.address(), "/readyz").await.status(), 200);
    assert_eq!(ask(&gateway).await, 200);
    wait_until(|| provider.received().len() == 3, "what was recorded to be asked").await;
}
