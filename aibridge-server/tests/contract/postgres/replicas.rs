//! Two gateways on one database, of which one dies.

use super::launch;
use crate::dialects::CHAT;
use aibridge_testkit::{Gateway, PATIENCE, Postgres, RawClient, Script, ScriptedProvider, Step};
use std::time::Duration;

/// Longer than it takes until a gateway that has just started closes what others left: 15 s and some.
const LONG: Duration = PATIENCE.saturating_mul(3);

/// Notes who closes which interception as one of a gateway that died. There is always a `stray` one to be closed, so that
/// it is seen who looks.
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

/// A stream that has begun and does not end, and its interception.
async fn stream(gateway: &Gateway) -> (RawClient, String) {
    let mut client = CHAT.send(gateway.address(), true).await;
    let id = client.head().await.header("x-aibridge-interception-id").unwrap().to_owned();
    client.until(CHAT.events[0]).await;
    (client, id)
}

#[tokio::test]
async fn what_a_killed_gateway_had_open_is_closed_once_by_the_other_and_what_the_living_have_is_not() {
    let Some(server) = Postgres::start().await else { return };
    let provider =
        ScriptedProvider::start(|_| Script::sse_head().chunk(CHAT.events[0]).then(Step::Stall)).await;
    let [living, dying] =
        [launch(&server, &provider, "").start().await, launch(&server, &provider, "").start().await];
    let (client, kept) = stream(&living).await;
    let (_gone, lost) = stream(&dying).await;
    server.execute(WATCH).await;

    server
        .until("(SELECT count(DISTINCT by_whom) = 2 FROM closings)", LONG, "both to look for the dead")
        .await;
    let open = "SELECT id FROM aibridge_interceptions WHERE ended_at IS NULL AND model <> 'stray'";
    assert_eq!(server.query(open).await.len(), 2, "neither closes what the other has open");

    dying.kill().await;
    server
        .execute(&format!(
            "UPDATE aibridge_instances SET heartbeat_at = heartbeat_at - interval '1 minute' \
             WHERE id = (SELECT instance_id FROM aibridge_interceptions WHERE id = '{lost}')"
        ))
        .await;
    let closed = format!("EXISTS (SELECT FROM closings WHERE id = '{lost}')");
    server.until(&closed, LONG, "the living one to close it").await;
    let so_far = server.query("SELECT count(*) AS n FROM closings").await[0]["n"].clone();
    server.until(&format!("(SELECT count(*) > {so_far} FROM closings)"), LONG, "it to look again").await;
    let closings = format!("SELECT id FROM closings WHERE id IN ('{lost}', '{kept}')");
    assert_eq!(server.query(&closings).await.len(), 1, "once, and nothing of its own");
    let row = &server.query(&format!("SELECT * FROM aibridge_interceptions WHERE id = '{lost}'")).await[0];
    assert_eq!((&row["outcome"], &row["error_type"]), (&"failed".into(), &"gateway_crash".into()));

    drop(client);
    let cancelled = format!("(SELECT outcome = 'cancelled' FROM aibridge_interceptions WHERE id = '{kept}')");
    server.until(&format!("coalesce({cancelled}, false)"), LONG, "its own end").await;
}
