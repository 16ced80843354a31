//! Owners of provider objects in a SQLite store.

use crate::retention::{long_ago, old, sweep};
use crate::support::{TestDir, ended, start};
use aibridge_recorder::{ObjectOwner, Record, Recorder};
use aibridge_store::{Sweeper, Tokens};
use jiff::{SignedDuration, Timestamp};

pub(crate) fn owner_at(object: &str, actor: &str, created_at: Timestamp) -> Record {
    Record::Owner(ObjectOwner {
        provider_name: "openai".to_owned(),
        object_id: object.to_owned(),
        initiator_id: actor.to_owned(),
        created_at,
    })
}

pub(crate) fn owner(object: &str, actor: &str) -> Record {
    owner_at(object, actor, Timestamp::now())
}

pub(crate) fn ids(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

pub(crate) fn some(actor: &str) -> Option<String> {
    Some(actor.to_owned())
}

#[tokio::test]
async fn the_first_owner_is_kept_and_a_later_one_is_not_a_conflict() {
    let dir = TestDir::new();
    let store = dir.open_waiting();
    let (id, mut records) = start();
    records.extend([owner("resp_1", "ann"), owner("resp_1", "bob"), owner("nul\0", "ann")]);
    store.record(records).await.expect("stored");
    store.record(vec![owner("resp_1", "bob"), Record::End(ended(id))]).await.expect("stored");
    let asked = ids(&["resp_2", "resp_1", "nul\0"]);
    let found = store.object_owners("openai", &asked).await.expect("found");
    assert_eq!(found, [None, some("ann"), some("ann")]);
    assert_eq!(store.object_owners("other", &asked).await.expect("found"), [None, None, None]);
    assert!(!dir.rows("aibridge_interceptions")[0]["ended_at"].is_null());
    store.close().await;
}

#[tokio::test]
async fn a_lookup_finds_owners_recorded_after_an_earlier_one() {
    let dir = TestDir::new();
    let store = dir.open_waiting();
    for number in 0..3 {
        let asked = ids(&[&format!("resp_{number}")]);
        assert_eq!(store.object_owners("openai", &asked).await.expect("found"), [None]);
        store.record(vec![owner(&asked[0], "ann")]).await.expect("stored");
        assert_eq!(store.object_owners("openai", &asked).await.expect("found"), [some("ann")]);
    }
    store.close().await;
}

#[tokio::test]
async fn a_store_of_an_earlier_version_is_migrated() {
    let dir = TestDir::new();
    drop(Tokens::open(&dir.options()).expect("created"));
    dir.sql()
        .execute_batch(
            "ALTER TABLE aibridge_tool_usages DROP COLUMN metadata; DROP TABLE aibridge_object_owners;
             DROP TABLE aibridge_journal_positions; DROP TABLE aibridge_rejected_records;
             ALTER TABLE aibridge_token_usages DROP COLUMN cost_nano_usd;
             ALTER TABLE aibridge_token_usages DROP COLUMN cost_status;
             ALTER TABLE aibridge_token_usages DROP COLUMN price_id;
             ALTER TABLE aibridge_token_usages DROP COLUMN estimated_input_tokens;
             ALTER TABLE aibridge_token_usages DROP COLUMN estimated_output_tokens;
             ALTER TABLE aibridge_tokens DROP COLUMN user_groups;
             PRAGMA user_version = 2",
        )
        .expect("as it was");
    let store = dir.open_waiting();
    store.record(vec![owner("resp_1", "ann")]).await.expect("stored");
    assert_eq!(store.object_owners("openai", &ids(&["resp_1"])).await.expect("found"), [some("ann")]);
    store.close().await;
}

#[tokio::test]
async fn a_sweep_deletes_only_expired_owners() {
    let dir = TestDir::new();
    let store = dir.open_waiting();
    let before = long_ago();
    let numbered = |number: u32| format!("resp_{number:03}");
    let earlier =
        |number| owner_at(&numbered(number), "ann", before - SignedDuration::from_secs(number.into()));
    store.record((1..200).map(earlier).collect()).await.expect("stored");
    store.record(vec![owner_at("resp_000", "ann", before), owner("conv_1", "ann")]).await.expect("stored");
    sweep(&mut Sweeper::from(&store), old(before)).await.expect("swept");
    let left: Vec<String> = {
        let connection = dir.sql();
        let mut statement =
            connection.prepare("SELECT object_id FROM aibridge_object_owners ORDER BY 1").expect("SQL");
        let rows = statement.query_map([], |row| row.get(0)).expect("rows");
        rows.map(|row| row.expect("a row")).collect()
    };
    assert_eq!(left, ["conv_1", "resp_000"]);
    store.close().await;
}
