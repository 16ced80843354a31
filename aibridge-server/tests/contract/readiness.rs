//! `/readyz` on PostgreSQL: ready exactly if a request would be recorded, also if it waits for the database.

use crate::dialects::{CHAT, Dialect, KEY};
use crate::harness::{WAITS_FOR_DATABASE, provider_settings};
use aibridge_testkit::{Gateway, Launch, Postgres, RawClient, ScriptedProvider, poll_until, wait_until};
use std::time::Duration;

async fn wait_for_readiness(gateway: &Gateway, status: u16) {
    let is_reached = async || RawClient::get(gateway.address(), "/readyz").await.status() == status;
    poll_until(is_reached, &format!("/readyz to return {status}")).await;
}

async fn call(gateway: &Gateway) -> u16 {
    RawClient::post(gateway.address(), CHAT.target, &[], CHAT.blocking).await.status()
}

#[tokio::test]
async fn a_missing_privilege_is_unready_and_a_connection_limit_is_not() {
    let Some(server) = Postgres::start().await else { return };
    let provider = ScriptedProvider::start(Dialect::respond_to).await;
    let settings = format!("{WAITS_FOR_DATABASE}{}", provider_settings(&provider.base_url(), &[KEY]));
    let launch = Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(settings);
    let gateway = launch.clone().store(server.url()).start().await;
    gateway.terminate();
    gateway.wait_exit().await;
    server.execute("CREATE ROLE gateway LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA public TO gateway").await;
    let gateway = launch.store(server.url().replace("postgres@", "gateway@")).start().await;
    assert_eq!(call(&gateway).await, 200);
    wait_for_readiness(&gateway, 200).await;

    server.execute("REVOKE INSERT ON aibridge_user_prompts FROM gateway").await;
    wait_for_readiness(&gateway, 503).await;
    assert_eq!(call(&gateway).await, 503);
    server.execute("GRANT INSERT ON aibridge_user_prompts TO gateway").await;
    wait_for_readiness(&gateway, 200).await;
    assert_eq!(call(&gateway).await, 200);

    // Open connections stay. All except that of the writer are closed and cannot be opened again.
    let recorded = "(SELECT count(*) = 0 FROM aibridge_interceptions WHERE ended_at IS NULL)";
    server.wait_until(recorded, Duration::from_secs(5), "the end to be recorded").await;
    server.execute("ALTER ROLE gateway CONNECTION LIMIT 1").await;
    let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
        WHERE usename = 'gateway' AND query NOT LIKE 'COMMIT%' AND query NOT LIKE 'ROLLBACK%'";
    server.execute(others).await;
    let now = server.query("SELECT now()::text AS now").await[0]["now"].clone();
    let probed = format!(
        "SELECT pid FROM pg_stat_activity WHERE query LIKE 'ROLLBACK%' AND query_start > '{}'::timestamptz",
        now.as_str().unwrap()
    );
    let is_probed = async || {
        assert_eq!(RawClient::get(gateway.address(), "/readyz").await.status(), 200);
        !server.query(&probed).await.is_empty()
    };
    poll_until(is_probed, "a probe of the store").await;
    assert_eq!(RawClient::get(gateway.address(), "/readyz").await.status(), 200);
    assert_eq!(call(&gateway).await, 200);
    wait_until(|| provider.received().len() == 3, "every recorded request to reach the provider").await;
}
