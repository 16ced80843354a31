//! Two gateways on one PostgreSQL database, one of which is killed.

use super::launch;
use crate::dialects::CHAT;
use aibridge_testkit::{Gateway, MAX_WAIT, Postgres, RawClient, Script, ScriptedProvider, Step};
use std::time::Duration;

/// Longer than the time after which a new gateway closes orphans: a little over 15 s.
const LONG: Duration = MAX_WAIT.saturating_mul(3);

/// Logs which gateway closes which interception as an orphan. There is always a `stray` orphan, so that every sweep for
/// orphans is visible.
const WATCH: &str = "
    CREATE TABLE closings (id uuid, by_whom integer);
    CREATE FUNCTION stray() RETURNS void LANGUAGE sql AS $$
        INSERT INTO aibridge_interceptions (id, initiator_id, provider, provider_name, model, route, streaming, client,
            credential_kind, credential_hint, metadata, started_at, instance_id)
        VALUES (gen_random_uuid(), 'ann', 'openai', 'openai', 'stray', '/responses', true, 'Codex',
            'centralized', '', '{}', now(), gen_random_uuid())
    $$;
    CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO closings VALUES (NEW.id, pg_backend_pid());
        IF NEW.model = 'stray' THEN PERFORM stray(); END IF;
        RETURN NULL;
    END $$;
    CREATE TRIGGER noted AFTER UPDATE ON aibridge_interceptions FOR EACH ROW
        WHEN (NEW.error_type = 'gateway_crash') EXECUTE FUNCTION noted();
    SELECT stray()";

/// Starts an endless stream, and returns its client and the interception id.
async fn stream(gateway: &Gateway) -> (RawClient, String) {
    let mut client = CHAT.send(gateway.address(), true).await;
    let id = client.head().await.header("x-aibridge-interception-id").unwrap().to_owned();
    client.read_until(CHAT.events[0]).await;
    (client, id)
}

#[tokio::test]
async fn only_orphans_of_a_killed_gateway_are_closed_and_only_once() {
    let Some(server) = Postgres::start().await else { return };
    let provider =
        ScriptedProvider::start(|_| Script::sse_head().chunk(CHAT.events[0]).then(Step::Stall)).await;
    let [living, dying] =
        [launch(&server, &provider, "").start().await, launch(&server, &provider, "").start().await];
    let (client, living_id) = stream(&living).await;
    let (_killed_client, dying_id) = stream(&dying).await;
    server.execute(WATCH).await;

    server
        .wait_until("(SELECT count(DISTINCT by_whom) = 2 FROM closings)", LONG, "both to sweep for orphans")
        .await;
    let open = "SELECT id FROM aibridge_interceptions WHERE ended_at IS NULL AND model <> 'stray'";
    assert_eq!(server.query(open).await.len(), 2, "neither closes interceptions of the other");

    dying.kill().await;
    server
        .execute(&format!(
            "UPDATE aibridge_instances SET heartbeat_at = heartbeat_at - interval '1 minute' \
             WHERE id = (SELECT instance_id FROM aibridge_interceptions WHERE id = '{dying_id}')"
        ))
        .await;
    let closed = format!("EXISTS (SELECT FROM closings WHERE id = '{dying_id}')");
    server.wait_until(&closed, LONG, "the running gateway to close it").await;
    let so_far = server.query("SELECT count(*) AS n FROM closings").await[0]["n"].clone();
    server
        .wait_until(
            &format!("(SELECT count(*) > {so_far} FROM closings)"),
            LONG,
            "the next sweep for orphans",
        )
        .await;
    let closings = format!("SELECT id FROM closings WHERE id IN ('{dying_id}', '{living_id}')");
    assert_eq!(server.query(&closings).await.len(), 1, "once, and none of its own");
    let row =
        &server.query(&format!("SELECT * FROM aibridge_interceptions WHERE id = '{dying_id}'")).await[0];
    assert_eq!((&row["outcome"], &row["error_type"]), (&"failed".into(), &"gateway_crash".into()));

    drop(client);
    let cancelled =
        format!("(SELECT outcome = 'cancelled' FROM aibridge_interceptions WHERE id = '{living_id}')");
    server
        .wait_until(&format!("coalesce({cancelled}, false)"), LONG, "the end of its own interception")
        .await;
}
