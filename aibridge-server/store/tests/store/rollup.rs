//! Stored sums are equal to those of the interceptions, whatever happens to the interceptions later.

use crate::support::{TestDir, ended, interception_at};
use aibridge_recorder::{Record, Recorder, TokenUsage, ToolUsage, UsageCost};
use aibridge_store::{
    CostUpdate, Costs, Filter, Interval, Records, Rollup, StoreError, StoreOptions, ToolCount, TotalsKey,
    TotalsQuery, TotalsRow,
};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

/// The number of interceptions, one every 40 minutes: ten days.
const MANY: i64 = 360;

async fn fill(dir: &TestDir) -> Vec<Uuid> {
    let (store, now) = (dir.open(), Timestamp::now());
    let mut ids = Vec::new();
    for number in 0..MANY {
        let mut one = interception_at(now - SignedDuration::from_mins(40 * (MANY - number)));
        one.model = format!("m{}", number % 3);
        one.initiator_id = format!("u{}", number % 4);
        let id = one.id;
        ids.push(id);
        let usage = |input_tokens| TokenUsage {
            id: Uuid::now_v7(),
            interception_id: id,
            provider_response_id: None,
            input_tokens,
            output_tokens: number,
            cache_read_input_tokens: 1,
            cache_write_input_tokens: 0,
            extra_token_types: Default::default(),
            cost: None,
            charged: UsageCost::default(),
            created_at: now,
        };
        let tool = ToolUsage {
            id: Uuid::now_v7(),
            interception_id: id,
            provider_response_id: None,
            provider_tool_call_id: None,
            tool: format!("t{}", number % 2),
            server_url: None,
            input: "{}".to_owned(),
            injected: false,
            invocation_error: None,
            truncated: false,
            created_at: now,
        };
        let mut records = vec![Record::Start(one.into())];
        records.extend((0..number % 3).map(|part| Record::TokenUsage(usage(part * 10))));
        records.extend([Record::ToolUsage(Box::new(tool)), Record::End(ended(id))]);
        store.record(records).await.expect("stored");
    }
    store.close().await;
    ids
}

/// The totals and tools of several queries, with stored sums or without.
fn read(records: &Records, from_interceptions: bool) -> Vec<(Vec<TotalsRow>, Vec<ToolCount>)> {
    let now = Timestamp::now();
    let before = from_interceptions.then(Uuid::max);
    let ago = |minutes: i64| Some(now - SignedDuration::from_mins(minutes));
    let all = Filter { before, ..Filter::default() };
    let filters = [
        all.clone(),
        Filter { since: ago(7 * 1440 + 7), until: ago(1440 + 3), ..all.clone() },
        Filter { since: ago(3 * 1440), user: Some("u1".to_owned()), ..all.clone() },
        Filter { model: Some("m2".to_owned()), outcome: Some("completed".to_owned()), ..all },
    ];
    let zone = TimeZone::get("Asia/Kathmandu").expect("a zone");
    let totals = |filter: &Filter| {
        let by = TotalsKey::ALL.to_vec();
        let query =
            TotalsQuery { filter: filter.clone(), by, interval: Some(Interval::Day), zone: zone.clone() };
        records.totals(&query, |_, _| Ok::<_, StoreError>(())).expect("totals")
    };
    filters.iter().map(|filter| (totals(filter), records.tools(filter, 10).expect("tools"))).collect()
}

fn assert_equal(dir: &TestDir, when: &str) {
    let records = Records::open(StoreOptions::Sqlite(dir.options())).expect("opened");
    assert_eq!(read(&records, false), read(&records, true), "{when}");
}

fn sum_up(dir: &TestDir) -> u32 {
    let mut rollup = Rollup::open(&StoreOptions::Sqlite(dir.options())).expect("opened");
    let mut steps = 0;
    while rollup.step(Timestamp::now()).expect("summed up") {
        steps += 1;
    }
    steps
}

#[tokio::test]
async fn stored_sums_are_exact_after_every_change() {
    let dir = TestDir::new();
    let ids = fill(&dir).await;
    assert_equal(&dir, "before");
    assert!(sum_up(&dir) > 10);
    let sql = dir.sql();
    let count = |table: &str| -> i64 {
        sql.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).expect("a count")
    };
    assert!(count("aibridge_totals") > 300, "most quarter-hours are over");
    assert_eq!(count("aibridge_totals_stale"), 0);
    assert_equal(&dir, "summed up");

    let change = |statement: &str, id: Uuid| {
        assert_eq!(sql.execute(statement, [id.to_string()]).expect("changed"), 1);
    };
    change("DELETE FROM aibridge_interceptions WHERE id = ?1", ids[5]);
    change(
        "UPDATE aibridge_interceptions SET outcome = 'failed', error_type = 'quota' WHERE id = ?1",
        ids[40],
    );
    let late = interception_at(Timestamp::now() - SignedDuration::from_hours(100));
    let store = dir.open();
    store.record(vec![Record::Start(late.into())]).await.expect("stored");
    store.close().await;
    assert_eq!(count("aibridge_totals_stale"), 3);
    assert_equal(&dir, "changed");
    let usage: String = sql
        .query_row(
            "SELECT id FROM aibridge_token_usages WHERE interception_id = ?1",
            [ids[50].to_string()],
            |row| row.get(0),
        )
        .expect("a usage");
    let update = CostUpdate {
        interception_id: ids[50],
        id: usage.parse().expect("an id"),
        cost_nano_usd: 7,
        cost_status: "priced",
        price_id: None,
    };
    let mut costs = Costs::open(&StoreOptions::Sqlite(dir.options())).expect("opened");
    costs.update(&[update]).expect("a new cost");
    assert_eq!(count("aibridge_totals_stale"), 4);
    assert_equal(&dir, "with a new cost");
    assert!(sum_up(&dir) >= 1);
    assert_eq!(count("aibridge_totals_stale"), 0);
    assert_equal(&dir, "summed up again");
}

#[tokio::test]
async fn an_empty_or_a_young_store_gets_no_further_tables() {
    let dir = TestDir::new();
    dir.open().close().await;
    assert_eq!(sum_up(&dir), 0);
    let store = dir.open();
    store.record(vec![Record::Start(interception_at(Timestamp::now()).into())]).await.expect("stored");
    store.close().await;
    assert_eq!(sum_up(&dir), 0);
    let tables: i64 = dir
        .sql()
        .query_row("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'aibridge_totals%'", [], |row| {
            row.get(0)
        })
        .expect("a count");
    assert_eq!(tables, 0);
}
