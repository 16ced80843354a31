//! Sweeps of expired interceptions in a SQLite store.

use crate::support::{TestDir, ended, interception_at, prompt, start};
use aibridge_recorder::{Reasoning, ReasoningSource, Record, Recorder, TokenUsage, ToolUsage, UsageCost};
use aibridge_store::{Expired, ScanScope, SqliteStore, StoreError, Sweeper};
use jiff::{SignedDuration, Timestamp};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;
use tokio::task::LocalSet;
use uuid::Uuid;

pub(crate) const TABLES: [&str; 5] = [
    "aibridge_interceptions",
    "aibridge_user_prompts",
    "aibridge_token_usages",
    "aibridge_tool_usages",
    "aibridge_model_thoughts",
];

const MILLISECOND: SignedDuration = SignedDuration::from_millis(1);
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// A time in whole milliseconds.
pub(crate) fn long_ago() -> Timestamp {
    "2026-01-02T03:04:05.678Z".parse().expect("a timestamp")
}

pub(crate) fn old(before: Timestamp) -> Expired {
    Expired { before, scope: ScanScope::Oldest }
}

/// The rows of an open interception: one row in every other table.
fn open(id: Uuid) -> Vec<Record> {
    let usage = TokenUsage {
        id: Uuid::now_v7(),
        interception_id: id,
        provider_response_id: None,
        input_tokens: 1,
        output_tokens: 2,
        cache_read_input_tokens: 3,
        cache_write_input_tokens: 4,
        extra_token_types: BTreeMap::new(),
        cost: None,
        charged: UsageCost::default(),
        created_at: Timestamp::now(),
    };
    let tool = ToolUsage {
        id: Uuid::now_v7(),
        interception_id: id,
        provider_response_id: None,
        provider_tool_call_id: None,
        tool: "look".to_owned(),
        server_url: None,
        input: "{}".to_owned(),
        injected: false,
        invocation_error: None,
        truncated: false,
        created_at: Timestamp::now(),
    };
    let thought = Reasoning {
        id: Uuid::now_v7(),
        interception_id: id,
        content: "hm".to_owned(),
        source: ReasoningSource::Thinking,
        truncated: false,
        created_at: Timestamp::now(),
    };
    vec![
        Record::Prompt(prompt(id)),
        Record::TokenUsage(usage),
        Record::ToolUsage(tool.into()),
        Record::Reasoning(thought),
    ]
}

/// Records an interception that started at `started_at`, with one row in every other table.
async fn record(store: &impl Recorder, started_at: Timestamp, is_over: bool) -> Uuid {
    let interception = interception_at(started_at);
    let id = interception.id;
    let mut records = vec![Record::Start(interception.into())];
    records.extend(open(id));
    if is_over {
        records.push(Record::End(ended(id)));
    }
    store.record(records).await.expect("stored");
    id
}

/// Records interceptions that are expired at [`long_ago`], and others, whose ids are returned.
pub(crate) async fn mixed(store: &impl Recorder) -> Vec<Uuid> {
    let (before, mut stay) = (long_ago(), Vec::new());
    for age in [HOUR * 24 * 3650, HOUR, SignedDuration::from_secs(1), MILLISECOND] {
        record(store, before - age, true).await;
        stay.push(record(store, before - age, false).await);
    }
    for youth in [SignedDuration::ZERO, MILLISECOND, HOUR] {
        stay.push(record(store, before + youth, true).await);
    }
    stay.push(record(store, Timestamp::now(), true).await);
    stay
}

/// Records `count` interceptions that ended long ago.
pub(crate) async fn many(store: &impl Recorder, count: usize) {
    for number in 0..count {
        record(store, long_ago() - MILLISECOND * (number as i32 + 1), true).await;
    }
}

/// Runs a sweep, and returns the number of interceptions that each batch deleted.
pub(crate) async fn sweep(sweeper: &mut Sweeper, old: Expired) -> Result<Vec<u64>, StoreError> {
    let mut batches = Vec::new();
    sweeper.sweep(old, |deleted| batches.push(deleted)).await?;
    Ok(batches)
}

/// The interception ids in each table.
fn owners(dir: &TestDir) -> Vec<Vec<String>> {
    let column = |table: &str| if table == TABLES[0] { "id" } else { "interception_id" };
    let owners = |table: &&str| {
        let rows = dir.rows(table);
        let mut ids: Vec<_> =
            rows.iter().map(|row| row[column(table)].as_str().expect("an id").to_owned()).collect();
        ids.sort();
        ids
    };
    TABLES.iter().map(owners).collect()
}

fn sorted(ids: &[Uuid]) -> Vec<String> {
    let mut ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
    ids.sort();
    ids
}

#[tokio::test]
async fn a_sweep_deletes_only_expired_interceptions_with_all_their_rows() {
    for scope in [ScanScope::Oldest, ScanScope::All] {
        let dir = TestDir::new();
        let store = dir.open_waiting();
        let stay = mixed(&store).await;
        let sweep_again = async || {
            let batches = sweep(&mut Sweeper::from(&store), Expired { before: long_ago(), scope }).await;
            batches.expect("swept").iter().sum::<u64>()
        };
        assert_eq!([sweep_again().await, sweep_again().await], [4, 0]);
        assert_eq!(owners(&dir), vec![sorted(&stay); TABLES.len()]);
        store.close().await;
    }
}

#[tokio::test]
async fn a_full_scan_finds_rows_with_untypical_ids() {
    let dir = TestDir::new();
    let store = dir.open_waiting();
    let (id, records) = start();
    store.record(records).await.expect("stored");
    store.record(vec![Record::End(ended(id))]).await.expect("stored");
    let sql = "PRAGMA foreign_keys = off; UPDATE aibridge_interceptions SET started_at = '2020-01-01T00:00:00.000Z';
        INSERT INTO aibridge_interceptions SELECT 'no uuid', initiator_id, provider, provider_name, model, route,
            streaming, client, client_session_id, user_agent, credential_kind, credential_hint,
            correlating_tool_call_id, metadata, started_at, ended_at, outcome, error_type, upstream_status
        FROM aibridge_interceptions";
    dir.sql().execute_batch(sql).expect("changed");
    let mut sweeper = Sweeper::from(&store);
    assert_eq!(sweep(&mut sweeper, old(long_ago())).await, Ok(vec![]));
    let batches = sweep(&mut sweeper, Expired { scope: ScanScope::All, ..old(long_ago()) }).await;
    assert_eq!(batches.expect("swept").iter().sum::<u64>(), 2);
    assert_eq!(owners(&dir), vec![vec![""; 0]; TABLES.len()]);
}

#[tokio::test]
async fn age_is_measured_from_now() {
    let dir = TestDir::new();
    let store = dir.open_waiting();
    let (earliest, age) = (Timestamp::now(), Duration::from_secs(100));
    let before = Sweeper::from(&store).cutoff(age).await.expect("a time");
    let ago = |time: Timestamp| time - SignedDuration::from_secs(100);
    assert!(ago(earliest) - MILLISECOND < before && before <= ago(Timestamp::now()), "{before}");
    assert_eq!(before.subsec_nanosecond() % 1_000_000, 0, "in whole milliseconds");
    assert_eq!(
        Sweeper::from(&store).cutoff(Duration::MAX).await,
        Ok(Timestamp::from_millisecond(Timestamp::MIN.as_millisecond()).expect("a time"))
    );
}

/// A caller that records one interception after the other until `done`. Returns the ids, and the largest number of
/// batches that were deleted during one call.
async fn call(store: SqliteStore, batches: Rc<Cell<usize>>, done: Rc<Cell<bool>>) -> (Vec<Uuid>, usize) {
    let (mut ids, mut longest) = (Vec::new(), 0);
    while !done.get() {
        let (id, records) = start();
        let end = vec![Record::Prompt(prompt(id)), Record::End(ended(id))];
        for records in [records, end] {
            let so_far = batches.get();
            store.record(records).await.expect("stored");
            longest = longest.max(batches.get() - so_far);
        }
        ids.push(id);
    }
    (ids, longest)
}

#[tokio::test]
async fn a_record_waits_for_at_most_one_batch() {
    const MANY: usize = 3000;
    let dir = TestDir::new();
    let store = dir.open_waiting();
    many(&store, MANY).await;
    let (batches, done) = (Rc::<Cell<usize>>::default(), Rc::<Cell<bool>>::default());
    let callers = LocalSet::new();
    let calling: Vec<_> =
        (0..4).map(|_| callers.spawn_local(call(store.clone(), batches.clone(), done.clone()))).collect();
    let deleted = callers.run_until(async {
        let mut deleted = 0;
        let each = |count| {
            batches.set(batches.get() + 1);
            deleted += count;
        };
        Sweeper::from(&store).sweep(old(long_ago()), each).await.expect("swept");
        done.set(true);
        deleted
    });
    assert_eq!(deleted.await, MANY as u64);
    callers.await;
    let (mut recorded, mut longest) = (Vec::new(), 0);
    for caller in calling {
        let (ids, waited) = caller.await.expect("no panic");
        recorded.extend(ids);
        longest = longest.max(waited);
    }
    assert!(
        batches.get() > 10 && recorded.len() > 100,
        "{} batches, {} recorded",
        batches.get(),
        recorded.len()
    );
    assert!(longest <= 1, "a call waited for {longest} batches");
    assert_eq!(dir.interceptions(), sorted(&recorded));
    assert_eq!(dir.rows("aibridge_user_prompts").len(), 2 * recorded.len());
    assert!(dir.rows("aibridge_interceptions").iter().all(|row| row["outcome"] == "completed"));
}

#[tokio::test]
async fn a_sweep_yields_to_other_writers() {
    let dir = TestDir::new();
    let store = dir.open_waiting();
    many(&store, 10).await;
    let holder = dir.sql();
    holder.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let error = sweep(&mut Sweeper::from(&store), old(long_ago())).await.expect_err("refused");
    assert!(error.to_string().contains("busy with other writers"), "{error}");
    holder.execute_batch("COMMIT").expect("released");
    assert_eq!(
        sweep(&mut Sweeper::from(&store), old(long_ago())).await.expect("swept").iter().sum::<u64>(),
        10
    );
}

#[tokio::test]
async fn freed_pages_are_reused() {
    let dir = TestDir::new();
    let store = dir.open_waiting();
    let size = || std::fs::metadata(dir.path()).expect("a file").len();
    let checkpoint = || {
        let is_busy = |row: &rusqlite::Row<'_>| row.get::<_, bool>(0);
        let connection = dir.sql();
        while connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], is_busy).expect("a checkpoint") {}
    };
    many(&store, 600).await;
    checkpoint();
    let full = size();
    for _ in 0..2 {
        sweep(&mut Sweeper::from(&store), old(long_ago())).await.expect("swept");
        many(&store, 600).await;
        checkpoint();
    }
    let refilled = size();
    assert!(refilled < full * 5 / 4, "{full} bytes, then {refilled}");
}

#[tokio::test]
async fn after_a_start_age_is_measured_from_the_last_activity() {
    let dir = TestDir::new();
    let store = dir.open_waiting();
    many(&store, 3).await;
    store.close().await;
    // Simulates a gateway that stopped a year ago, or a clock that is a year ahead.
    let year = Duration::from_secs(60 * 60 * 24 * 365);
    let stopped = std::time::SystemTime::now() - year;
    std::fs::File::options()
        .write(true)
        .open(dir.path())
        .expect("a file")
        .set_modified(stopped)
        .expect("set");
    let store = dir.open_waiting();
    let before = Sweeper::from(&store).cutoff(Duration::from_secs(60)).await.expect("a time");
    let late = Timestamp::now() - SignedDuration::try_from(year).expect("a year");
    assert!(before <= late, "{before}");
    store.close().await;
}
