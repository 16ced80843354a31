//! Stored sums equal the sums of the interceptions, also after later changes to these.

use crate::support::{TestDir, ended, interception_at};
use aibridge_recorder::{InterceptionEnd, Outcome, Record, Recorder, TokenUsage, ToolUsage, UsageCost};
use aibridge_store::{
    CostUpdate, Costs, Filter, Interval, PostgresOptions, PostgresStore, Records, Rollup, StoreError,
    StoreOptions, ToolCount, TotalsKey, TotalsQuery, TotalsRow,
};
use aibridge_testkit::Postgres;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::spawn_blocking;
use uuid::Uuid;

/// The number of interceptions, one every 40 minutes: ten days.
const MANY: i64 = 360;

/// Time for the projector.
const PROJECTED: Duration = Duration::from_secs(20);

/// A sequence of pseudo-random numbers (xorshift64*).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % end
    }
}

/// A store of either kind.
enum Database {
    Sqlite(TestDir),
    Postgres(Box<(Postgres, PostgresOptions)>),
}

impl Database {
    fn options(&self) -> StoreOptions {
        match self {
            Self::Sqlite(dir) => StoreOptions::Sqlite(dir.options()),
            Self::Postgres(server) => StoreOptions::Postgres(server.1.clone()),
        }
    }

    async fn record(&self, all: Vec<Vec<Record>>) {
        let all: Vec<Vec<Record>> = all.chunks(60).map(<[_]>::concat).collect(); // fewer commits
        match self {
            Self::Sqlite(dir) => {
                let store = dir.open();
                for records in all {
                    store.record(records).await.expect("stored");
                }
                store.close().await;
            }
            Self::Postgres(server) => {
                let store = PostgresStore::open(server.1.clone()).await.expect("a store");
                for records in all {
                    store.record(records).await.expect("stored");
                }
                assert!(store.wait_until_projected(PROJECTED).await);
                store.close().await;
            }
        }
    }

    async fn execute(&self, sql: &str) {
        match self {
            Self::Sqlite(dir) => dir.sql().execute_batch(sql).expect("changed"),
            Self::Postgres(server) => server.0.execute(sql).await,
        }
    }

    async fn count(&self, table: &str) -> i64 {
        match self {
            Self::Sqlite(dir) => {
                let sql = format!("SELECT count(*) FROM {table}");
                dir.sql().query_row(&sql, [], |row| row.get(0)).expect("a count")
            }
            Self::Postgres(server) => {
                let sql = format!("SELECT count(*) AS n FROM {table}");
                server.0.query(&sql).await[0]["n"].as_i64().expect("a number")
            }
        }
    }

    /// Gives one usage of an old interception another cost, as `aibridge prices recompute` does.
    async fn reprice(&self, cost: i64) {
        let sql =
            "SELECT interception_id, id FROM aibridge_token_usages ORDER BY interception_id, id LIMIT 1";
        let [interception_id, id] = match self {
            Self::Sqlite(dir) => dir
                .sql()
                .query_row(sql, [], |row| Ok([row.get::<_, String>(0)?, row.get(1)?]))
                .expect("a usage"),
            Self::Postgres(server) => {
                let row = server.0.query(sql).await.remove(0);
                ["interception_id", "id"].map(|name| row[name].as_str().expect("an id").to_owned())
            }
        };
        let update = CostUpdate {
            interception_id: interception_id.parse().expect("an id"),
            id: id.parse().expect("an id"),
            cost_nano_usd: cost,
            cost_status: "priced",
            price_id: None,
        };
        let options = self.options();
        let updated = spawn_blocking(move || Costs::open(&options).expect("opened").update(&[update]));
        updated.await.expect("no panic").expect("a new cost");
    }

    /// Sums up all that is over, and returns the number of steps.
    async fn sum_up(&self) -> u32 {
        let options = self.options();
        let steps = spawn_blocking(move || {
            let mut rollup = Rollup::open(&options).expect("opened");
            let mut steps = 0;
            while rollup.step(Timestamp::now()).expect("summed up") {
                steps += 1;
            }
            steps
        });
        steps.await.expect("no panic")
    }

    async fn assert_equal(&self, when: &str) {
        let options = self.options();
        let read = spawn_blocking(move || {
            let (records, now) = (Records::open(options).expect("opened"), Timestamp::now());
            (read(&records, now, false), read(&records, now, true))
        });
        let (stored, made) = read.await.expect("no panic");
        assert_eq!(stored, made, "{when}");
    }
}

/// The records of an interception at a time, most of them with usages, tool calls and an end.
fn records(random: &mut Random, at: Timestamp) -> (Uuid, Vec<Record>) {
    let mut one = interception_at(at);
    one.model = format!("m{}", random.below(3));
    one.initiator_id = format!("u{}", random.below(4));
    let id = one.id;
    let mut records = vec![Record::Start(one.into())];
    for _ in 0..random.below(3) {
        records.push(Record::TokenUsage(TokenUsage {
            id: Uuid::now_v7(),
            interception_id: id,
            provider_response_id: None,
            input_tokens: random.below(5000).cast_signed(),
            output_tokens: random.below(500).cast_signed(),
            cache_read_input_tokens: 1,
            cache_write_input_tokens: 0,
            extra_token_types: Default::default(),
            cost: None,
            charged: UsageCost::default(),
            created_at: at,
        }));
    }
    for _ in 0..random.below(3) {
        records.push(Record::ToolUsage(Box::new(ToolUsage {
            id: Uuid::now_v7(),
            interception_id: id,
            provider_response_id: None,
            provider_tool_call_id: None,
            tool: format!("t{}", random.below(2)),
            server_url: None,
            input: "{}".to_owned(),
            injected: false,
            invocation_error: (random.below(4) == 0).then(|| "it failed".to_owned()),
            truncated: false,
            created_at: at,
        })));
    }
    if random.below(20) > 0 {
        records.push(end(random, id, at));
    }
    (id, records)
}

fn end(random: &mut Random, id: Uuid, at: Timestamp) -> Record {
    let outcome = if random.below(5) == 0 { Outcome::Cancelled } else { Outcome::Completed };
    let took = SignedDuration::from_micros(random.below(90_000_000).cast_signed());
    Record::End(InterceptionEnd { outcome, ended_at: at + took, ..ended(id) })
}

/// The totals and tools of several queries, with stored sums or without.
fn read(records: &Records, now: Timestamp, made: bool) -> Vec<(Vec<TotalsRow>, Vec<ToolCount>)> {
    let before = made.then(Uuid::max);
    let ago = |minutes: i64| Some(now - SignedDuration::from_mins(minutes));
    let all = Filter { before, ..Filter::default() };
    let filters = [
        all.clone(),
        Filter { since: ago(7 * 1440 + 7), until: ago(1440 + 3), ..all.clone() },
        Filter { since: ago(3 * 1440), user: Some("u1".to_owned()), ..all.clone() },
        Filter { model: Some("m2".to_owned()), outcome: Some("completed".to_owned()), ..all },
    ];
    let zone = TimeZone::get("Asia/Kathmandu").expect("a zone");
    let totals = |filter: &Filter, interval| {
        let by = if interval == Some(Interval::Hour) { Vec::new() } else { TotalsKey::ALL.to_vec() };
        let query = TotalsQuery { filter: filter.clone(), by, interval, zone: zone.clone() };
        records.totals(&query, |_, _| Ok::<_, StoreError>(())).expect("totals")
    };
    let intervals = [Some(Interval::Day), Some(Interval::Hour), None, Some(Interval::Day)];
    let read = |(filter, interval)| (totals(filter, interval), records.tools(filter, 10).expect("tools"));
    filters.iter().zip(intervals).map(read).collect()
}

/// Changes that happen to old interceptions: retention, late ends and starts, another outcome, another cost.
async fn change(database: &Database, random: &mut Random, ids: &mut Vec<(Uuid, Timestamp)>, kind: u64) {
    let place = random.below(ids.len() as u64) as usize;
    let (id, at) = ids[place];
    match kind {
        0 => {
            let cutoff = ids.drain(..20).next_back().expect("an interception").1;
            database
                .execute(&format!("DELETE FROM aibridge_interceptions WHERE started_at <= '{cutoff:.3}'"))
                .await;
        }
        1 => {
            ids.remove(place);
            database.execute(&format!("DELETE FROM aibridge_interceptions WHERE id = '{id}'")).await;
        }
        2 => {
            let sql = "UPDATE aibridge_interceptions SET outcome = 'failed', error_type = 'quota'";
            database.execute(&format!("{sql} WHERE id = '{id}'")).await;
        }
        3 => {
            let cost = random.below(1_000_000_000);
            let sql = format!("UPDATE aibridge_token_usages SET cost_nano_usd = {cost} + input_tokens");
            database.execute(&format!("{sql} WHERE interception_id >= '{id}'")).await;
        }
        4 => database.reprice(random.below(1_000_000_000).cast_signed()).await,
        5 => {
            let (_, late) = records(random, at + SignedDuration::from_secs(1));
            database.record(vec![late]).await;
        }
        _ => {
            let open = "UPDATE aibridge_interceptions SET ended_at = NULL, outcome = NULL WHERE id = ";
            database.execute(&format!("{open}'{id}'")).await;
            database.assert_equal("an interception is open again").await;
            let ended_at = at + SignedDuration::from_millis(random.below(90_000).cast_signed());
            let end = format!("ended_at = '{ended_at:.3}', outcome = 'completed' WHERE id = '{id}'");
            database.execute(&format!("UPDATE aibridge_interceptions SET {end}")).await;
        }
    }
}

async fn stored_sums_are_exact(database: Database) {
    let (mut random, now) = (Random(0x5eed_0f5e_ed0f_5eed), Timestamp::now());
    let times = (0..MANY).map(|number| now - SignedDuration::from_mins(40 * (MANY - number)));
    let all: Vec<_> = times.map(|at| (at, records(&mut random, at))).collect();
    let mut ids: Vec<_> = all.iter().map(|(at, (id, _))| (*id, *at)).collect();
    database.record(all.into_iter().map(|(_, (_, records))| records).collect()).await;
    database.assert_equal("before").await;
    assert!(database.sum_up().await > 10);
    assert!(database.count("aibridge_totals").await > 250, "most quarter-hours are over");
    assert_eq!(database.count("aibridge_totals_stale").await, 0);
    database.assert_equal("summed up").await;

    for kind in [3, 1, 2, 4, 5, 6, 0, 3] {
        change(&database, &mut random, &mut ids, kind).await;
        assert!(database.count("aibridge_totals_stale").await > 0, "change {kind}");
        database.assert_equal(&format!("after change {kind}")).await;
        assert!(database.sum_up().await > 0, "change {kind}");
        assert_eq!(database.count("aibridge_totals_stale").await, 0);
        database.assert_equal(&format!("summed up after change {kind}")).await;
    }
}

#[tokio::test]
async fn stored_sums_are_exact_after_every_change() {
    stored_sums_are_exact(Database::Sqlite(TestDir::new())).await;
}

#[tokio::test]
async fn stored_sums_on_postgres_are_exact_after_every_change() {
    let Some(server) = Postgres::start().await else { return };
    let options = crate::postgres::options(&server);
    stored_sums_are_exact(Database::Postgres(Box::new((server, options)))).await;
}

#[tokio::test]
async fn sums_without_a_trigger_do_not_count() {
    let (dir, mut random) = (TestDir::new(), Random(7));
    let at = Timestamp::now() - SignedDuration::from_hours(9);
    let all = (0..9).map(|hour| records(&mut random, at - SignedDuration::from_hours(hour)).1).collect();
    let database = Database::Sqlite(dir);
    database.record(all).await;
    assert!(database.sum_up().await > 0);
    database.execute("DROP TRIGGER aibridge_totals_deleted").await;
    database.execute("DELETE FROM aibridge_interceptions WHERE initiator_id = 'u1'").await;
    database.assert_equal("without a trigger").await;
    assert!(database.sum_up().await > 0, "the tables are made again");
    database.assert_equal("with all triggers again").await;
}

#[tokio::test]
async fn sums_of_more_rows_than_one_statement_reads_are_exact() {
    let (database, mut random) = (Database::Sqlite(TestDir::new()), Random(3));
    let last = Timestamp::now() - SignedDuration::from_hours(24);
    // One quarter-hour has half of them, each of another user; the others have one each.
    let at = |number: i64| last - SignedDuration::from_mins(if number % 2 == 0 { 0 } else { 8 * number });
    let all = (0..4400).map(|number| {
        let (_, mut records) = records(&mut random, at(number));
        if let Some(Record::Start(start)) = records.first_mut() {
            Arc::make_mut(start).initiator_id = format!("u{number}");
        }
        records
    });
    database.record(all.collect()).await;
    database.assert_equal("before").await;
    assert!(database.sum_up().await > 10);
    assert!(database.count("aibridge_totals").await > 4000, "nearly all quarter-hours are over");
    database.assert_equal("summed up").await;
}

#[tokio::test]
async fn an_empty_or_a_young_store_gets_no_further_tables() {
    let database = Database::Sqlite(TestDir::new());
    database.record(Vec::new()).await;
    assert_eq!(database.sum_up().await, 0);
    database.record(vec![vec![Record::Start(interception_at(Timestamp::now()).into())]]).await;
    assert_eq!(database.sum_up().await, 0);
    assert_eq!(database.count("sqlite_schema WHERE name LIKE 'aibridge_totals%'").await, 0);
}
