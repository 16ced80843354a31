//! Owners of provider objects on PostgreSQL.

use super::{count, journaled, open, options};
use crate::owners::{ids, owner, owner_at, some};
use crate::retention::{long_ago, old, sweep};
use crate::support::{ended, start};
use aibridge_recorder::{Record, Recorder};
use aibridge_store::Sweeper;
use aibridge_testkit::{MAX_WAIT, Postgres};
use jiff::SignedDuration;

#[tokio::test]
async fn replicas_share_owners_and_keep_the_first() {
    let Some(server) = Postgres::start().await else { return };
    let [one, other] = [open(options(&server)).await, open(options(&server)).await];
    let (id, mut records) = start();
    records.extend([owner("resp_1", "ann"), owner("resp_1", "bob"), owner("nul\0", "ann")]);
    one.record(records).await.expect("stored");
    other.record(vec![owner("resp_1", "bob"), owner("conv_1", "bob")]).await.expect("stored");
    one.record(vec![owner("conv_1", "ann"), Record::End(ended(id))]).await.expect("no contradiction");
    let asked = ids(&["resp_2", "resp_1", "nul\0", "conv_1"]);
    for store in [one, other] {
        let found = store.object_owners("openai", &asked).await.expect("found");
        assert_eq!(found, [None, some("ann"), some("ann"), some("bob")]);
        assert_eq!(store.object_owners("other", &asked).await.expect("found"), [None, None, None, None]);
        store.close().await;
    }
    assert_eq!(count(&server, "FROM aibridge_interceptions WHERE ended_at IS NOT NULL").await, 1);
}

#[tokio::test]
async fn a_database_of_an_earlier_version_is_migrated() {
    let Some(server) = Postgres::start().await else { return };
    open(options(&server)).await.close().await;
    let undo = "DROP TABLE aibridge_object_owners, aibridge_journal_positions, aibridge_rejected_records; \
        ALTER TABLE aibridge_token_usages DROP cost_nano_usd, DROP cost_status, DROP price_id, \
            DROP estimated_input_tokens, DROP estimated_output_tokens; \
        ALTER TABLE aibridge_tokens DROP user_groups; \
        DELETE FROM aibridge_schema WHERE version >= 4";
    server.execute(undo).await;
    let store = open(options(&server)).await;
    store.record(vec![owner("resp_1", "ann")]).await.expect("stored");
    assert_eq!(store.object_owners("openai", &ids(&["resp_1"])).await.expect("found"), [some("ann")]);
    store.close().await;
}

#[tokio::test]
async fn the_journal_carries_owners_and_lookups_fail_during_an_outage() {
    let Some(server) = Postgres::start().await else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(journaled(&server, dir.path())).await;
    let asked = ids(&["resp_1"]);
    server.stop().await;
    store.record(vec![owner("resp_1", "ann")]).await.expect("it waits in the journal");
    store.object_owners("openai", &asked).await.expect_err("it is not known whether there is an owner");
    server.restart().await;
    assert!(store.wait_until_projected(MAX_WAIT).await);
    assert_eq!(count(&server, "FROM aibridge_object_owners WHERE initiator_id = 'ann'").await, 1);
    store.close().await;
}

#[tokio::test]
async fn a_sweep_deletes_only_expired_owners() {
    let Some(server) = Postgres::start().await else { return };
    let store = open(options(&server)).await;
    let before = long_ago();
    let earlier =
        |number: i64| owner_at(&format!("resp_{number}"), "ann", before - SignedDuration::from_secs(number));
    store.record((1..1200).map(earlier).collect()).await.expect("stored");
    store.record(vec![owner_at("resp_0", "ann", before), owner("conv_1", "ann")]).await.expect("stored");
    sweep(&mut Sweeper::from(&store), old(before)).await.expect("swept");
    let left = server.query("SELECT object_id FROM aibridge_object_owners ORDER BY 1").await;
    assert_eq!(left.iter().map(|row| &row["object_id"]).collect::<Vec<_>>(), ["conv_1", "resp_0"]);
    store.close().await;
}
